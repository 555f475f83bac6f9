//! One report, from its questions to its files and the ledger.

use super::definition::ReportDef;
use super::deliver::{DeliverError, Delivered, deliver};
use super::notify::{Notifier, NotifyError};
use super::period::For;
use super::run::{Finished, Materials, RunError, run_report};
use crate::aws::S3Options;
use crate::lake::{Lake, LakeError, WriteGuard};
use crate::ledger::{LedgerError, record, runs_of};
use crate::output::Pseudonyms;
use crate::upkeep::{UpkeepError, resolve_all};

/// What can go wrong while a report is made.
#[derive(Debug, thiserror::Error)]
pub enum MakeError {
    /// The lake could not be read.
    #[error(transparent)]
    Lake(#[from] LakeError),
    /// Sessions could not be brought up to date.
    #[error(transparent)]
    Upkeep(#[from] UpkeepError),
    /// Its questions could not be answered.
    #[error(transparent)]
    Run(#[from] RunError),
    /// Its files could not be written.
    #[error(transparent)]
    Deliver(#[from] DeliverError),
    /// It could not be written down.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
}

/// Where a report goes besides the ledger, and how.
#[derive(Debug, Clone, Copy)]
pub struct Receivers<'r> {
    /// How AWS is reached.
    pub aws: &'r S3Options,
    /// Who is told.
    pub notifiers: &'r [Notifier],
    /// The pseudonyms, where there is a key for them.
    pub pseudonyms: Option<&'r Pseudonyms>,
    /// Whether all outputs have pseudonyms, also those whose definition does not say so.
    pub all_pseudonymous: bool,
}

/// A report that was made.
#[derive(Debug)]
pub struct Made {
    /// What it says.
    pub finished: Finished,
    /// Its files.
    pub delivered: Vec<Delivered>,
    /// The notifications that were sent, by name.
    pub told: Vec<String>,
    /// Those that could not be.
    pub untold: Vec<NotifyError>,
}

/// Makes a report: brings sessions up to date, asks, writes its files, tells of it, and writes down what it said.
///
/// The right to write is held all the time, so that a report made twice at once is made one after the other. Killed at any
/// moment it is made again, with the same bytes: the ledger is written last, so that somebody may be told twice, but not never.
/// Nobody is told of a run that says what it said before.
pub async fn make_report(
    lake: &Lake,
    guard: &WriteGuard<'_>,
    report: &ReportDef,
    wanted: For,
    materials: Materials<'_>,
    receivers: Receivers<'_>,
) -> Result<Made, MakeError> {
    let manifest = lake.snapshot()?;
    if !manifest.is_resolved() {
        resolve_all(guard, materials.limits).await?;
    }
    let mut made = make_unrecorded(lake, report, wanted, materials, receivers).await?;
    let run = &made.finished.run;
    let known = runs_of(lake.store(), &manifest, &report.name)?;
    if !known.contains(run) {
        for notifier in receivers.notifiers {
            let pseudonyms = receivers.pseudonyms.filter(|_| receivers.all_pseudonymous);
            match notifier
                .tell(&made.finished, pseudonyms, receivers.aws)
                .await
            {
                Ok(true) => made.told.push(notifier.name().to_owned()),
                Ok(false) => {}
                Err(error) => made.untold.push(error),
            }
        }
    }
    record(guard, &made.finished.run, &made.finished.rows)?;
    Ok(made)
}

/// The same of the lake as it is; nobody is told, and nothing is written down.
pub async fn make_unrecorded(
    lake: &Lake,
    report: &ReportDef,
    wanted: For,
    materials: Materials<'_>,
    receivers: Receivers<'_>,
) -> Result<Made, MakeError> {
    let finished = run_report(lake, report, wanted, materials).await?;
    let delivered = deliver(&finished, &receivers).await?;
    Ok(Made {
        finished,
        delivered,
        told: Vec::new(),
        untold: Vec::new(),
    })
}
