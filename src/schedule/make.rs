//! One report, from its questions to its files and the ledger.

use chrono::{DateTime, Utc};
use futures::future::join_all;

use super::definition::ReportDef;
use super::deliver::{DeliverError, Delivered, deliver};
use super::notify::{Notifier, NotifyError};
use super::period::For;
use super::run::{Finished, Materials, RunError, run_report};
use crate::aws::S3Options;
use crate::lake::{Lake, LakeError};
use crate::ledger::{LedgerError, earlier_run, record};
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
    /// Those that could not be, by name, and why.
    pub untold: Vec<(String, NotifyError)>,
}

/// Makes a report: brings sessions up to date, asks, writes its files, writes down what it said, and tells of it.
///
/// The right to write is held while it is made, so that a report made twice at once is made one after the other; it is not held while
/// people are told. Killed at any moment it is made again, with the same bytes. Who has to be told stands in the ledger until it is done, so
/// that somebody may be told twice, but not never; of a run that says what it said before nobody is told again.
///
/// `now` is the time that commits bear. `on_wait` is called if another process has to be waited for.
pub async fn make_report(
    lake: &Lake,
    now: DateTime<Utc>,
    on_wait: &(dyn Fn() + Sync),
    report: &ReportDef,
    wanted: For,
    materials: Materials<'_>,
    receivers: Receivers<'_>,
) -> Result<Made, MakeError> {
    let guard = lake.write(now, on_wait)?;
    if !lake.snapshot()?.is_resolved() {
        resolve_all(&guard, materials.limits).await?;
    }
    let mut made = make_unrecorded(lake, report, wanted, materials, receivers).await?;
    let Finished { run, rows, .. } = &made.finished;
    let wanting = receivers
        .notifiers
        .iter()
        .filter(|n| n.wants(&made.finished));
    let mut untold: Vec<String> = wanting.map(|n| n.name().to_owned()).collect();
    let earlier = earlier_run(lake.store(), &lake.snapshot()?, run, rows)?;
    if let Some((earlier, true)) = earlier {
        untold.retain(|name| earlier.untold.contains(name));
    }
    made.finished.run.untold = untold;
    record(&guard, &made.finished.run, &made.finished.rows)?;
    drop(guard);
    if made.finished.run.untold.is_empty() {
        return Ok(made);
    }
    let pseudonyms = receivers.pseudonyms;
    let finished = &made.finished;
    let telling = receivers
        .notifiers
        .iter()
        .filter(|notifier| {
            finished
                .run
                .untold
                .iter()
                .any(|name| name == notifier.name())
        })
        .map(|notifier| async move {
            let all = receivers.all_pseudonymous;
            let told = notifier
                .tell(finished, pseudonyms, all, receivers.aws)
                .await;
            (notifier.name().to_owned(), told)
        });
    for (name, told) in join_all(telling).await {
        match told {
            Ok(()) => made.told.push(name),
            Err(error) => made.untold.push((name, error)),
        }
    }
    let guard = lake.write(now, on_wait)?;
    let Finished { run, rows, .. } = &mut made.finished;
    run.untold.retain(|name| !made.told.contains(name));
    // Where somebody made it anew in between, what they wrote stands.
    if let Some((_, true)) = earlier_run(lake.store(), &lake.snapshot()?, run, rows)? {
        record(&guard, run, rows)?;
    }
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
