//! What the scheduler counts, in the text form of Prometheus.

use std::collections::BTreeMap;
use std::sync::atomic::AtomicU64;
use std::sync::{Mutex, PoisonError};

use chrono::{DateTime, Utc};
use prometheus_client::encoding::{EncodeLabelSet, text::encode};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::{Registry, Unit};

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct JobLabels {
    job: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RunLabels {
    job: String,
    outcome: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ReportLabels {
    report: String,
}

type Seconds = Gauge<f64, AtomicU64>;

/// The numbers of one process.
#[derive(Debug)]
pub(super) struct Metrics {
    registry: Registry,
    runs: Family<RunLabels, Counter>,
    duration: Family<JobLabels, Seconds>,
    last_done: Family<JobLabels, Seconds>,
    findings: Family<ReportLabels, Gauge>,
    next_due: Seconds,
    untold: Counter,
    /// Whether the last try of each job was done.
    outcomes: Mutex<BTreeMap<String, bool>>,
}

impl Metrics {
    pub(super) fn new() -> Self {
        let mut registry = Registry::with_prefix("rolecall");
        let (runs, duration, last_done) = (Family::default(), Family::default(), Family::default());
        let (findings, next_due) = (Family::default(), Seconds::default());
        let untold = Counter::default();
        registry.register(
            "notifications_failed",
            "Notifications that could not be sent",
            untold.clone(),
        );
        let version = Info::new(vec![("version", env!("CARGO_PKG_VERSION"))]);
        registry.register("build", "The version that runs", version);
        registry.register(
            "job_runs",
            "Times that a job was tried",
            Family::clone(&runs),
        );
        registry.register_with_unit(
            "job_duration",
            "How long the last try of a job took",
            Unit::Seconds,
            Family::clone(&duration),
        );
        registry.register_with_unit(
            "job_last_done_timestamp",
            "When a job was last done, since 1970",
            Unit::Seconds,
            Family::clone(&last_done),
        );
        registry.register(
            "report_findings",
            "Sections above their thresholds in the last run of a report",
            Family::clone(&findings),
        );
        registry.register_with_unit(
            "next_due_timestamp",
            "When something is due next, since 1970",
            Unit::Seconds,
            next_due.clone(),
        );
        Self {
            registry,
            runs,
            duration,
            last_done,
            findings,
            next_due,
            untold,
            outcomes: Mutex::default(),
        }
    }

    /// Notes that a job was tried.
    pub(super) fn tried(
        &self,
        job: &str,
        begun: DateTime<Utc>,
        ended: DateTime<Utc>,
        is_done: bool,
    ) {
        let labels = JobLabels {
            job: job.to_owned(),
        };
        let outcome = if is_done { "done" } else { "failed" };
        let run = RunLabels {
            job: job.to_owned(),
            outcome,
        };
        self.runs.get_or_create(&run).inc();
        let took = (ended - begun).to_std().unwrap_or_default();
        self.duration.get_or_create(&labels).set(took.as_secs_f64());
        if is_done {
            self.last_done.get_or_create(&labels).set(seconds(ended));
        }
        self.outcomes().insert(job.to_owned(), is_done);
    }

    /// Notes how many sections of a report's last run are above their thresholds.
    pub(super) fn found(&self, report: &str, findings: usize) {
        let labels = ReportLabels {
            report: report.to_owned(),
        };
        let findings = i64::try_from(findings).unwrap_or(i64::MAX);
        self.findings.get_or_create(&labels).set(findings);
    }

    /// Notes that a notification could not be sent.
    pub(super) fn untold(&self) {
        self.untold.inc();
    }

    /// Notes when something is due next.
    pub(super) fn is_due_next(&self, time: DateTime<Utc>) {
        self.next_due.set(seconds(time));
    }

    /// The jobs whose last try failed.
    pub(super) fn failing(&self) -> Vec<String> {
        let outcomes = self.outcomes();
        let failing = outcomes.iter().filter(|(_, is_done)| !**is_done);
        failing.map(|(job, _)| job.clone()).collect()
    }

    /// All of it as text.
    pub(super) fn text(&self) -> String {
        let mut text = String::new();
        // Writing to a String cannot fail.
        let _ = encode(&mut text, &self.registry);
        text
    }

    fn outcomes(&self) -> std::sync::MutexGuard<'_, BTreeMap<String, bool>> {
        self.outcomes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[expect(
    clippy::cast_precision_loss,
    reason = "Prometheus counts time in floating seconds"
)]
fn seconds(time: DateTime<Utc>) -> f64 {
    time.timestamp_millis() as f64 / 1000.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_tried_is_counted_by_job_and_outcome() {
        let metrics = Metrics::new();
        let at = |text: &str| -> DateTime<Utc> { text.parse().unwrap() };
        let (begun, ended) = (at("2026-03-02T02:30:00Z"), at("2026-03-02T02:30:01.5Z"));
        metrics.tried("ingest", begun, ended, false);
        metrics.tried("report:nightly", begun, ended, true);
        metrics.found("nightly", 2);
        assert_eq!(metrics.failing(), ["ingest"]);
        metrics.tried("ingest", begun, ended, true);
        assert!(metrics.failing().is_empty());
        let text = metrics.text();
        for line in [
            "rolecall_job_runs_total{job=\"ingest\",outcome=\"failed\"} 1",
            "rolecall_job_runs_total{job=\"report:nightly\",outcome=\"done\"} 1",
            "rolecall_job_duration_seconds{job=\"ingest\"} 1.5",
            "rolecall_job_last_done_timestamp_seconds{job=\"ingest\"} 1772418601.5",
            "rolecall_report_findings{report=\"nightly\"} 2",
        ] {
            assert!(text.lines().any(|known| known == line), "{line}\n{text}");
        }
        assert!(text.ends_with("# EOF\n"));
    }
}
