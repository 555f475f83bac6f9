//! One report, from its questions to its files and the ledger.

use super::definition::ReportDef;
use super::deliver::{DeliverError, Delivered, deliver};
use super::period::For;
use super::run::{Finished, Materials, RunError, run_report};
use crate::aws::S3Options;
use crate::lake::{Lake, LakeError, WriteGuard};
use crate::ledger::{LedgerError, record};
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

/// A report that was made.
#[derive(Debug)]
pub struct Made {
    /// What it says.
    pub finished: Finished,
    /// Its files.
    pub delivered: Vec<Delivered>,
}

/// Makes a report: brings sessions up to date, asks, writes its files, and writes down what it said.
///
/// The right to write is held all the time, so that a report made twice at once is made one after the other. Killed at any
/// moment it is made again, with the same bytes: the ledger is written last.
pub async fn make_report(
    lake: &Lake,
    guard: &WriteGuard<'_>,
    report: &ReportDef,
    wanted: For,
    materials: Materials<'_>,
    s3: &S3Options,
) -> Result<Made, MakeError> {
    if !lake.snapshot()?.is_resolved() {
        resolve_all(guard, materials.limits).await?;
    }
    let made = make_unrecorded(lake, report, wanted, materials, s3).await?;
    record(guard, &made.finished.run, &made.finished.rows)?;
    Ok(made)
}

/// The same of the lake as it is, and nothing is written down.
pub async fn make_unrecorded(
    lake: &Lake,
    report: &ReportDef,
    wanted: For,
    materials: Materials<'_>,
    s3: &S3Options,
) -> Result<Made, MakeError> {
    let finished = run_report(lake, report, wanted, materials).await?;
    let delivered = deliver(&finished, s3).await?;
    Ok(Made {
        finished,
        delivered,
    })
}
