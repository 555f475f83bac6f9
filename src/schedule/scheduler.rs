//! The scheduler: what is due now is done, one thing after the other, until it is told to stop.
//!
//! It remembers nothing that matters: which reports were made stands in the ledger, and whatever was cut off is due again.

use std::fmt;

use chrono::{DateTime, TimeDelta, Utc};

use super::definition::{Definitions, ReportDef};
use super::due::{Due, due_runs, is_due};
use crate::ledger::KeptRun;

/// Something that failed is tried again after this time.
const TRY_AGAIN: TimeDelta = TimeDelta::minutes(5);
/// A report waits for log files that cannot be fetched, for so long after it was due; then it says what it can.
const PATIENCE: TimeDelta = TimeDelta::hours(1);
/// The longest sleep, where nothing is due.
const LONGEST_SLEEP: TimeDelta = TimeDelta::days(1);

/// The time, and waiting.
pub trait Clock {
    /// The time now.
    fn now(&self) -> DateTime<Utc>;
    /// Waits until `time`, or less; returns false when it is time to stop.
    fn wait_until(&mut self, time: DateTime<Utc>) -> bool;
    /// Whether it is time to stop.
    fn is_stopped(&self) -> bool;
}

/// One thing that the scheduler does.
#[derive(Debug, Clone, Copy)]
pub enum Job<'d> {
    /// New log files are read, and sessions brought up to date.
    Ingest,
    /// Small files are put together.
    Compact,
    /// A report is made.
    Report {
        /// The report.
        report: &'d ReportDef,
        /// The end of its period.
        until: DateTime<Utc>,
        /// Whether it was made before, and log files of its period came since.
        is_revision: bool,
    },
}

impl fmt::Display for Job<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ingest => f.write_str("ingest"),
            Self::Compact => f.write_str("compact"),
            Self::Report { report, .. } => write!(f, "report:{}", report.name),
        }
    }
}

/// Who does what the scheduler finds due. Failures are theirs to tell; they only say whether it was done.
pub trait Worker {
    /// Does it; returns whether it was done.
    fn work(&mut self, job: Job<'_>) -> bool;
    /// The runs of a report that the ledger holds, by the ends of their periods; none where it cannot be read.
    fn runs(&mut self, report: &ReportDef) -> Option<Vec<KeptRun>>;
    /// Of these runs the first of whose period the lake now holds other events than then.
    fn first_outdated(&mut self, runs: &[KeptRun]) -> Option<usize>;
}

/// What was done when, as far as it matters until the next start.
#[derive(Debug)]
pub struct Scheduler<'d> {
    definitions: &'d Definitions,
    last_ingest: Option<DateTime<Utc>>,
    last_compact: Option<DateTime<Utc>>,
}

impl<'d> Scheduler<'d> {
    /// One that has done nothing yet.
    pub fn new(definitions: &'d Definitions) -> Self {
        Self {
            definitions,
            last_ingest: None,
            last_compact: None,
        }
    }

    /// Does what is due, again and again, until the clock says stop.
    pub fn run(&mut self, clock: &mut impl Clock, worker: &mut impl Worker) {
        while !clock.is_stopped() {
            let next = self.step(clock, worker);
            if !clock.wait_until(next) {
                break;
            }
        }
    }

    /// Does what is due now, and returns when something is due next.
    pub fn step(&mut self, clock: &impl Clock, worker: &mut impl Worker) -> DateTime<Utc> {
        let now = clock.now();
        let mut has_failed = false;
        let reports: Vec<&ReportDef> = self
            .definitions
            .reports
            .iter()
            .filter(|report| report.timetable.is_some())
            .collect();
        let mut due: Vec<(Due, &ReportDef)> = Vec::new();
        for report in &reports {
            match worker.runs(report) {
                Some(runs) => {
                    let runs = due_runs(report, &runs, now).into_iter();
                    due.extend(runs.map(|due| (due, *report)));
                }
                None => has_failed = true,
            }
        }
        let ingest = &self.definitions.ingest;
        let wants_files = !ingest.is_empty()
            && match &ingest.timetable {
                Some(table) => is_due(table, self.last_ingest, now) || !due.is_empty(),
                None => !due.is_empty(),
            };
        let mut is_fetched = true;
        if wants_files && !clock.is_stopped() {
            is_fetched = worker.work(Job::Ingest);
            if is_fetched {
                self.last_ingest = Some(now);
            } else {
                has_failed = true;
            }
        }
        // The oldest first, over all reports.
        due.sort_by_key(|(due, _)| due.until);
        for (due, report) in due {
            if clock.is_stopped() {
                return now;
            }
            if !is_fetched && now < due.at + PATIENCE {
                continue;
            }
            let job = Job::Report {
                report,
                until: due.until,
                is_revision: false,
            };
            has_failed |= !worker.work(job);
        }
        for report in reports {
            has_failed |= !Self::revise(report, clock, worker);
        }
        if let Some(table) = &self.definitions.compact
            && is_due(table, self.last_compact, now)
            && !clock.is_stopped()
        {
            if worker.work(Job::Compact) {
                self.last_compact = Some(now);
            } else {
                has_failed = true;
            }
        }
        let next = self.next_after(now).unwrap_or(now + LONGEST_SLEEP);
        if has_failed {
            next.min(now + TRY_AGAIN)
        } else {
            next.min(now + LONGEST_SLEEP)
        }
    }

    /// Makes those runs again of whose period log files came since, and those after them, which were held against them.
    fn revise(report: &ReportDef, clock: &impl Clock, worker: &mut impl Worker) -> bool {
        let Some(mut runs) = worker.runs(report) else {
            return false;
        };
        let recent = runs.split_off(runs.len().saturating_sub(report.catch_up));
        let Some(first) = worker.first_outdated(&recent) else {
            return true;
        };
        let mut all_done = true;
        for run in recent.iter().skip(first) {
            if clock.is_stopped() {
                break;
            }
            all_done &= worker.work(Job::Report {
                report,
                until: run.until,
                is_revision: true,
            });
        }
        all_done
    }

    fn next_after(&self, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let definitions = self.definitions;
        let reports = definitions.reports.iter();
        let tables = reports
            .filter_map(|report| report.timetable.as_ref())
            .chain(definitions.ingest.timetable.as_ref())
            .chain(definitions.compact.as_ref());
        tables.filter_map(|table| table.next_after(now)).min()
    }
}
