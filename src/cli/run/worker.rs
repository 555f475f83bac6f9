//! Who does what is due: the same steps as the commands, each told in the log and counted.

use std::collections::HashMap;
use std::sync::Arc;

use chrono::{DateTime, SecondsFormat, Utc};

use super::clock::now;
use super::metrics::Metrics;
use crate::cli::World;
use crate::cli::compact::put_together;
use crate::cli::failure::{Exit, Failure};
use crate::cli::ingest::write;
use crate::cli::report::{Confidants, fetch, in_one_line, make, materials, untold};
use crate::lake::{Lake, LakeError};
use crate::ledger::{KeptRun, runs_of};
use crate::policies::Grants;
use crate::schedule::{
    Definitions, Failed, For, Job, Materials, ReportDef, Worker, first_outdated,
};
use crate::upkeep::Policy;

/// The worker of a process.
pub(super) struct CliWorker<'w> {
    world: &'w mut World,
    definitions: &'w Definitions,
    confidants: Confidants,
    metrics: Arc<Metrics>,
    /// The commit at which the runs of each report were last found up to date.
    looked_at: HashMap<String, u64>,
    has_failed: bool,
    has_rejected: bool,
    has_findings: bool,
}

impl<'w> CliWorker<'w> {
    pub(super) fn new(
        world: &'w mut World,
        definitions: &'w Definitions,
        confidants: Confidants,
        metrics: Arc<Metrics>,
    ) -> Self {
        Self {
            world,
            definitions,
            confidants,
            metrics,
            looked_at: HashMap::new(),
            has_failed: false,
            has_rejected: false,
            has_findings: false,
        }
    }

    /// How it all ended.
    pub(super) fn exit(&self) -> Exit {
        if self.has_failed {
            Exit::Failed
        } else if self.has_findings {
            Exit::Findings
        } else if self.has_rejected {
            Exit::Rejected
        } else {
            Exit::Done
        }
    }

    fn try_job(&mut self, job: Job<'_>) -> Result<(), Failure> {
        match job {
            Job::Ingest => {
                let exit = fetch(self.world, self.definitions)?;
                self.has_rejected |= exit == Exit::Rejected;
            }
            Job::Compact => {
                let lake = self.world.open_lake()?;
                let guard = write(self.world, &lake)?;
                put_together(self.world, &guard, Policy::ALL)?;
            }
            Job::Report { report, until, .. } => {
                // Read again each time: exports of what is granted are fetched anew.
                let grants = match self.definitions.grants.as_slice() {
                    [] => Grants::default(),
                    files => Grants::read(files)?,
                };
                let materials = materials(self.world, &grants);
                let receivers = self.confidants.receivers(self.world, false);
                let wanted = For::Until(until);
                let made = make(self.world, report, wanted, materials, receivers, true)?;
                for delivered in &made.delivered {
                    tracing::info!(
                        report = report.name,
                        form = delivered.form.name(),
                        place = delivered.place,
                        sha256 = delivered.sha256,
                        "written"
                    );
                }
                for name in &made.told {
                    tracing::info!(report = report.name, notification = name, "sent");
                }
                for (name, error) in &made.untold {
                    self.metrics.untold();
                    tracing::error!(
                        report = report.name,
                        notification = name,
                        "{}",
                        in_one_line(error)
                    );
                }
                let findings = made.finished.run.findings();
                self.has_findings |= findings > 0;
                self.metrics.found(&report.name, findings);
                if findings > 0 {
                    tracing::warn!(report = report.name, findings, "above thresholds");
                }
                // The report stands, and is made again until everybody has heard of it.
                if !made.untold.is_empty() {
                    return Err(untold(&made));
                }
            }
        }
        Ok(())
    }

    /// The lake; none where there is none yet.
    fn lake(&self) -> Result<Option<Lake>, Failure> {
        match Lake::open_in(self.world.store()?) {
            Ok(lake) => Ok(Some(lake)),
            Err(LakeError::NotALake { .. }) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    fn try_first_outdated(&mut self, runs: &[KeptRun]) -> Result<Option<usize>, Failure> {
        let (Some(first), Some(lake)) = (runs.first(), self.lake()?) else {
            return Ok(None);
        };
        let version = lake.snapshot()?.version;
        if self.looked_at.get(&first.report) == Some(&version) {
            return Ok(None);
        }
        let nothing = Grants::default();
        let materials = Materials {
            grants: &nothing,
            ..materials(self.world, &nothing)
        };
        let outdated = first_outdated(&lake, runs, materials);
        let found = self.world.runtime.block_on(outdated)?;
        if found.is_none() {
            self.looked_at.insert(first.report.clone(), version);
        }
        Ok(found)
    }

    fn failed(&mut self, job: &str, failure: &Failure) {
        self.has_failed = true;
        failure.log(job);
    }
}

impl Worker for CliWorker<'_> {
    fn work(&mut self, job: Job<'_>) -> Result<(), Failed> {
        let name = job.to_string();
        let begun = now();
        self.world.now = begun;
        match job {
            Job::Report {
                until, is_revision, ..
            } => tracing::info!(job = name, until = %told(until), is_revision, "begun"),
            Job::Ingest | Job::Compact => tracing::info!(job = name, "begun"),
        }
        let outcome = self.try_job(job);
        let ended = now();
        self.metrics.tried(&name, begun, ended, outcome.is_ok());
        match outcome {
            Ok(()) => {
                let took = (ended - begun).num_milliseconds();
                tracing::info!(job = name, milliseconds = took, "done");
                Ok(())
            }
            Err(failure) => {
                self.failed(&name, &failure);
                Err(Failed)
            }
        }
    }

    fn runs(&mut self, report: &ReportDef) -> Result<Vec<KeptRun>, Failed> {
        let read = || {
            let Some(lake) = self.lake()? else {
                return Ok(Vec::new());
            };
            let manifest = lake.snapshot()?;
            Ok::<_, Failure>(runs_of(lake.store(), &manifest, &report.name)?)
        };
        read().map_err(|failure| {
            self.failed("ledger", &failure);
            Failed
        })
    }

    fn waits_until(&mut self, next: DateTime<Utc>) {
        self.metrics.is_due_next(next);
        tracing::info!(next = %told(next), "waiting");
    }

    fn first_outdated(&mut self, runs: &[KeptRun]) -> Result<Option<usize>, Failed> {
        self.try_first_outdated(runs).map_err(|failure| {
            self.failed("ledger", &failure);
            Failed
        })
    }
}

fn told(time: DateTime<Utc>) -> String {
    time.to_rfc3339_opts(SecondsFormat::Secs, true)
}
