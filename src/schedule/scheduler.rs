//! The scheduler: what is due now is done, one thing after the other, until it is told to stop.
//!
//! It remembers nothing that matters: which reports were made stands in the ledger, and whatever was cut off is due again.

use std::collections::BTreeSet;
use std::fmt;

use chrono::{DateTime, TimeDelta, Utc};

use super::definition::{Definitions, ReportDef};
use super::due::{due_runs, is_due};
use super::period::{For, Period};
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
        /// Whether it was made before, and is out of date or was not told of.
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

/// Something could not be read or done; whoever tried has told why.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Failed;

/// Who does what the scheduler finds due. Failures are theirs to tell; they only say that there was one.
pub trait Worker {
    /// Does it.
    fn work(&mut self, job: Job<'_>) -> Result<(), Failed>;
    /// The runs of a report that the ledger holds, by the ends of their periods.
    fn runs(&mut self, report: &ReportDef) -> Result<Vec<KeptRun>, Failed>;
    /// Of these runs the first that is out of date: the lake holds other events of its period than then, or it was held against
    /// one that says something else now.
    fn first_outdated(&mut self, runs: &[KeptRun]) -> Result<Option<usize>, Failed>;
    /// Is told when something is due next.
    fn waits_until(&mut self, next: DateTime<Utc>);
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
            worker.waits_until(next);
            if !clock.wait_until(next) {
                break;
            }
        }
    }

    /// Does what is due now, and returns when something is due next.
    pub fn step(&mut self, clock: &impl Clock, worker: &mut impl Worker) -> DateTime<Utc> {
        let now = clock.now();
        let mut has_failed = false;
        let definitions = self.definitions;
        let scheduled = || {
            let reports = definitions.reports.iter();
            reports.filter(|report| report.timetable.is_some())
        };
        let mut is_report_due = false;
        for report in scheduled() {
            match worker.runs(report) {
                Ok(runs) => is_report_due |= !due_runs(report, &runs, now).is_empty(),
                Err(Failed) => has_failed = true,
            }
        }
        let ingest = &definitions.ingest;
        let is_ingest_due = ingest
            .timetable
            .as_ref()
            .is_some_and(|table| is_due(table, self.last_ingest, now));
        let mut is_fetched = true;
        if !ingest.is_empty() && (is_ingest_due || is_report_due) && !clock.is_stopped() {
            is_fetched = worker.work(Job::Ingest).is_ok();
            if is_fetched {
                self.last_ingest = Some(now);
            }
            has_failed |= !is_fetched;
        }
        for report in scheduled() {
            has_failed |= bring_up_to_date(report, is_fetched, clock, worker).is_err();
        }
        if let Some(table) = &definitions.compact
            && is_due(table, self.last_compact, now)
            && !clock.is_stopped()
        {
            match worker.work(Job::Compact) {
                Ok(()) => self.last_compact = Some(now),
                Err(Failed) => has_failed = true,
            }
        }
        let next = self.next_after(now).unwrap_or(now + LONGEST_SLEEP);
        if has_failed {
            next.min(now + TRY_AGAIN)
        } else {
            next.min(now + LONGEST_SLEEP)
        }
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

/// Makes the runs of a report that are due, out of date or not told of, the oldest first, each once.
fn bring_up_to_date(
    report: &ReportDef,
    is_fetched: bool,
    clock: &impl Clock,
    worker: &mut impl Worker,
) -> Result<(), Failed> {
    let now = clock.now();
    let mut tried: BTreeSet<DateTime<Utc>> = BTreeSet::new();
    let mut outcome = Ok(());
    while !clock.is_stopped() {
        let mut runs = worker.runs(report)?;
        let mut due = due_runs(report, &runs, now);
        due.retain(|due| {
            let may_wait = !is_fetched && now < due.at + PATIENCE;
            !may_wait && !tried.contains(&due.until)
        });
        let mut recent = runs.split_off(runs.len().saturating_sub(report.catch_up));
        // A definition that counts its days otherwise now would make another period of it.
        recent.retain(|run| {
            let wanted = For::Until(run.until);
            let period = Period::of(report.window, report.zone, wanted, |_| Some(run.from));
            (period.from, period.until) == (run.from, run.until) && !tried.contains(&run.until)
        });
        let outdated = worker.first_outdated(&recent)?;
        let untold = recent.iter().find(|run| !run.untold.is_empty());
        let again = [outdated.and_then(|at| recent.get(at)), untold];
        let again = again.into_iter().flatten().map(|run| (run.until, true));
        let first = due.iter().map(|due| (due.until, false));
        let Some((until, is_revision)) = first.chain(again).min() else {
            break;
        };
        tried.insert(until);
        let job = Job::Report {
            report,
            until,
            is_revision,
        };
        outcome = outcome.and(worker.work(job));
    }
    outcome
}
