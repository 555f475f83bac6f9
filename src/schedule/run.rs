//! One run of a report: its questions asked of a lake, and what changed since an earlier run.

use arrow::array::RecordBatch;
use arrow::datatypes::{DataType, SchemaRef};
use arrow::error::ArrowError;
use chrono::{DateTime, Utc};
use sha2::{Digest as _, Sha256};

use super::ask::{answer, events_in};
use super::changes::{Changes, changes};
use super::definition::{Baseline, ReportDef, SectionDef};
use super::period::{For, Period};
use crate::directory::Directory;
use crate::engine::EngineLimits;
use crate::lake::Lake;
use crate::ledger::{KeptRun, KeptSection, LedgerError, rows_of, runs_of};
use crate::output::{OutputError, json_rows};
use crate::policies::Grants;
use crate::reports::ReportError;
use crate::views::{ViewsError, open_lake};

/// What can go wrong while a report is put together.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// A section could not be answered.
    #[error("section `{section}` cannot be answered")]
    Section {
        /// The section.
        section: String,
        /// Why.
        #[source]
        source: Box<ReportError>,
    },
    /// A section names a column that its answer does not have.
    #[error("section `{section}` has no column `{column}`: it has {}", known.join(", "))]
    Column {
        /// The section.
        section: String,
        /// The column that was named.
        column: String,
        /// Those it has.
        known: Vec<String>,
    },
    /// A section's answer has a column of a name that reports use for themselves.
    #[error(
        "section `{section}` has a column called `{column}`, which means something else in a report: name it otherwise, `{column} AS other`"
    )]
    Taken {
        /// The section.
        section: String,
        /// The column.
        column: &'static str,
    },
    /// The lake could not be opened for questions.
    #[error(transparent)]
    Views(#[from] ViewsError),
    /// Earlier runs could not be read, or this one not be written down.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// Rows could not be held against each other.
    #[error("cannot compare section `{section}` with an earlier run")]
    Compare {
        /// The section.
        section: String,
        /// What Arrow said.
        #[source]
        source: ArrowError,
    },
    /// Rows could not be written down.
    #[error(transparent)]
    Output(#[from] OutputError),
}

/// What a run needs besides the lake.
#[derive(Debug, Clone, Copy)]
pub struct Materials<'m> {
    /// Names for accounts, people and countries.
    pub directory: &'m Directory,
    /// What is granted.
    pub grants: &'m Grants,
    /// Memory and threads.
    pub limits: EngineLimits,
}

/// A section that was answered, and held against an earlier run where it was asked to be.
#[derive(Debug)]
pub struct Answered {
    /// What it is.
    pub section: SectionDef,
    /// The rows that are shown: all, or those that changed.
    pub rows: RecordBatch,
    /// New, changed and missing rows, where there was something to compare with.
    pub counts: Option<[u64; 3]>,
    /// Whether there are more rows than the section may have; then these are its first ones, held against nothing.
    pub is_cut: bool,
    /// What is written down of it.
    pub kept: KeptSection,
}

/// A report of one period.
#[derive(Debug)]
pub struct Finished {
    /// The report.
    pub report: ReportDef,
    /// What it is about.
    pub period: Period,
    /// Its sections.
    pub sections: Vec<Answered>,
    /// What is written down of it.
    pub run: KeptRun,
    /// The rows of each section that are written down.
    pub rows: Vec<Vec<String>>,
}

/// Asks all sections of a report for one period. Nothing is written.
pub(super) async fn run_report(
    lake: &Lake,
    report: &ReportDef,
    wanted: For,
    materials: Materials<'_>,
) -> Result<Finished, RunError> {
    let open = open_lake(lake, materials.directory, materials.limits).await?;
    let store = lake.store();
    let runs = runs_of(store, &open.manifest, &report.name)?;
    let before = |until: DateTime<Utc>| runs.iter().rev().find(|run| run.until < until);
    let period = Period::of(report.window, report.zone, wanted, |until| {
        before(until).map(|run| run.until)
    });
    let mut finished = Finished {
        report: report.clone(),
        period,
        sections: Vec::new(),
        run: KeptRun {
            report: report.name.clone(),
            from: period.from,
            until: period.until,
            events: Some(events_in(&open.engine, period).await?),
            untold: Vec::new(),
            sections: Vec::new(),
        },
        rows: Vec::new(),
    };
    for section in &report.sections {
        let (schema, batches, is_cut) = answer(&open.engine, section, period, materials).await?;
        let rows = json_rows(&batches)?;
        let mut kept = KeptSection {
            name: section.name.clone(),
            definition: definition(section, &schema),
            rows: rows.len() as u64,
            compared_with: None,
            shown: rows.len() as u64,
            gone: 0,
            alert_above: section.alert_above,
        };
        let earlier = match section.compare {
            None => None,
            Some(Baseline::Previous) => before(period.until),
            Some(Baseline::Run(wanted)) => {
                let until = Period::of(report.window, report.zone, wanted, |_| None).until;
                // Of itself, or of what came later, a run is no change.
                runs.iter()
                    .find(|run| run.until == until && until < period.until)
            }
        };
        let most = section.max_rows as u64;
        let earlier = earlier.filter(|run| {
            // What was cut off may be in either.
            let same = |known: &KeptSection| {
                !is_cut
                    && known.rows < most
                    && known.name == kept.name
                    && known.definition == kept.definition
            };
            run.sections.iter().any(same)
        });
        let (shown, counts) = match earlier {
            None => (concat(section, &schema, &batches)?, None),
            Some(earlier) => {
                let before = rows_of(store, &open.manifest, earlier, &section.name)?;
                let Changes {
                    rows: shown,
                    new,
                    changed,
                    gone,
                } = changes(
                    &schema,
                    &batches,
                    &rows,
                    &before,
                    &section.key,
                    &section.watch,
                )
                .map_err(|source| RunError::Compare {
                    section: section.name.clone(),
                    source,
                })?;
                kept.compared_with = Some(earlier.until);
                kept.shown = shown.num_rows() as u64;
                kept.gone = gone;
                (shown, Some([new, changed, gone]))
            }
        };
        finished.run.sections.push(kept.clone());
        finished.rows.push(rows);
        finished.sections.push(Answered {
            section: section.clone(),
            rows: shown,
            counts,
            is_cut,
            kept,
        });
    }
    Ok(finished)
}

fn concat(
    section: &SectionDef,
    schema: &SchemaRef,
    batches: &[RecordBatch],
) -> Result<RecordBatch, RunError> {
    arrow::compute::concat_batches(schema, batches).map_err(|source| RunError::Compare {
        section: section.name.clone(),
        source,
    })
}

/// Of these runs the first of whose period the lake holds other events now than it did then.
pub async fn first_outdated(
    lake: &Lake,
    runs: &[KeptRun],
    materials: Materials<'_>,
) -> Result<Option<usize>, RunError> {
    let open = open_lake(lake, materials.directory, materials.limits).await?;
    for (at, run) in runs.iter().enumerate() {
        let (from, until) = (run.from, run.until);
        // What was pruned is no reason to tell less.
        let is_pruned = open
            .manifest
            .pruned_before
            .is_some_and(|day| from.date_naive() < day);
        if is_pruned {
            continue;
        }
        let now = events_in(&open.engine, Period { from, until }).await?;
        if run.events != Some(now) {
            return Ok(Some(at));
        }
    }
    Ok(None)
}

/// What was asked, and what the answer looks like.
fn definition(section: &SectionDef, schema: &SchemaRef) -> String {
    let mut hash = Sha256::new();
    hash.update(section.hash());
    for field in schema.fields() {
        let data_type: &DataType = field.data_type();
        hash.update(format!("\n{} {data_type}", field.name()));
    }
    format!("{:x}", hash.finalize())
}
