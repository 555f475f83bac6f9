//! One run of a report: its questions asked of a lake, and what changed since an earlier run.

use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::{DataType, SchemaRef};
use arrow::error::ArrowError;
use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use sha2::{Digest as _, Sha256};

use super::changes::{Changes, changes};
use super::definition::{Baseline, ReportDef, SectionDef, SectionSource};
use super::period::{For, Period};
use crate::directory::Directory;
use crate::engine::{Answer, Engine, EngineError, EngineLimits};
use crate::lake::Lake;
use crate::ledger::{KeptRun, KeptSection, LedgerError, rows_of, runs_of};
use crate::output::{OutputError, json_rows};
use crate::policies::Grants;
use crate::queries::{QueryError, ask_file, find};
use crate::reports::{ReportError, UnusedPart, rightsizing_summary, unused, value_of};
use crate::sql_file::SqlFile;
use crate::views::{ViewsError, open_lake};

/// Keys and passwords count as unused, and keys as old, after so many days.
const OLD_DAYS: i64 = 90;

/// Names of columns that mean something of their own in a report.
const TAKEN: [&str; 3] = ["section", "change", "was"];

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

/// Plans every section on an engine without rows, so that a mistake shows before the night in which it would matter.
pub async fn check_sections(engine: &Engine, report: &ReportDef) -> Vec<(String, RunError)> {
    let some_time = DateTime::UNIX_EPOCH + TimeDelta::days(20_000);
    let period = Period {
        from: some_time - TimeDelta::days(1),
        until: some_time,
    };
    let (directory, grants) = (Directory::default(), Grants::default());
    let nothing = Materials {
        directory: &directory,
        grants: &grants,
        limits: EngineLimits {
            threads: 1,
            memory_bytes: 64 << 20,
        },
    };
    let mut wrong = Vec::new();
    for section in &report.sections {
        let checked = match &section.source {
            SectionSource::Query(_) | SectionSource::File(..) => {
                // Asked of nothing, so that also what only shows when it runs is found: a pattern that is none.
                answer(engine, section, period, nothing).await.map(drop)
            }
            SectionSource::Unused(_) | SectionSource::Rightsizing => Ok(()),
        };
        if let Err(error) = checked {
            wrong.push((section.name.clone(), error));
        }
    }
    wrong
}

fn check_columns(section: &SectionDef, schema: &SchemaRef) -> Result<(), RunError> {
    let known: Vec<String> = schema
        .fields()
        .iter()
        .map(|field| field.name().clone())
        .collect();
    if let Some(taken) = TAKEN
        .iter()
        .find(|name| known.iter().any(|own| own == *name))
    {
        return Err(RunError::Taken {
            section: section.name.clone(),
            column: taken,
        });
    }
    let named = [
        &section.columns,
        &section.for_people,
        &section.key,
        &section.watch,
    ];
    match named
        .into_iter()
        .flatten()
        .find(|name| !known.contains(name))
    {
        None => Ok(()),
        Some(column) => Err(RunError::Column {
            section: section.name.clone(),
            column: column.clone(),
            known,
        }),
    }
}

async fn answer(
    engine: &Engine,
    section: &SectionDef,
    period: Period,
    materials: Materials<'_>,
) -> Result<(SchemaRef, Vec<RecordBatch>, bool), RunError> {
    let failed = |source: ReportError| RunError::Section {
        section: section.name.clone(),
        source: Box::new(source),
    };
    let until = vec![("until", as_param(period.until))];
    let batch = match &section.source {
        SectionSource::Query(_) | SectionSource::File(..) => {
            let answer = ask(engine, section, period).await?;
            check_columns(section, &answer.schema())?;
            let answered = async {
                let answer = if section.columns.is_empty() {
                    answer
                } else {
                    let columns: Vec<&str> = section.columns.iter().map(String::as_str).collect();
                    answer.with_columns(&columns)?
                };
                answer.collect_first(section.max_rows).await
            };
            return answered.await.map_err(|error| failed(error.into()));
        }
        SectionSource::Unused(part) => {
            let old = period.until - TimeDelta::days(OLD_DAYS);
            let found = unused(engine, materials.grants, &until, old)
                .await
                .map_err(failed)?;
            match part {
                UnusedPart::Principals => found.principals,
                UnusedPart::Trust => found.trust,
                UnusedPart::Keys => found.keys,
                UnusedPart::Passwords => found.passwords,
            }
        }
        SectionSource::Rightsizing => rightsizing_summary(engine, materials.grants, &until)
            .await
            .map_err(failed)?,
    };
    check_columns(section, batch.schema_ref())?;
    let is_cut = batch.num_rows() > section.max_rows;
    let batch = batch.slice(0, batch.num_rows().min(section.max_rows));
    Ok((Arc::clone(batch.schema_ref()), vec![batch], is_cut))
}

/// Plans a section's query, with the period where it asks for one.
async fn ask(engine: &Engine, section: &SectionDef, period: Period) -> Result<Answer, RunError> {
    let failed = |source: QueryError| RunError::Section {
        section: section.name.clone(),
        source: Box::new(source.into()),
    };
    let file = match &section.source {
        SectionSource::File(_, sql) => SqlFile::parse(&section.name, sql),
        SectionSource::Query(name) => find(name).map_err(failed)?,
        SectionSource::Unused(_) | SectionSource::Rightsizing => SqlFile::parse(&section.name, ""),
    };
    let mut given: Vec<(&str, String)> = section
        .params
        .iter()
        .map(|(name, value)| (name.as_str(), value.clone()))
        .collect();
    for (name, time) in [("since", period.from), ("until", period.until)] {
        if file.params.iter().any(|param| param.name == name) {
            given.push((name, as_param(time)));
        }
    }
    ask_file(engine, &file, &given).await.map_err(failed)
}

fn as_param(time: DateTime<Utc>) -> String {
    time.to_rfc3339_opts(SecondsFormat::Micros, true)
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

/// How many events the lake holds of a period; more of them later mean that log files came late.
async fn events_in(engine: &Engine, period: Period) -> Result<u64, RunError> {
    let section = "report/period";
    let failed = |source: ReportError| RunError::Section {
        section: section.to_owned(),
        source: Box::new(source),
    };
    let times = [
        ("since", as_param(period.from)),
        ("until", as_param(period.until)),
    ];
    let answer = crate::queries::ask(engine, section, &times)
        .await
        .map_err(|error| failed(error.into()))?;
    let batches = answer
        .collect()
        .await
        .map_err(|error: EngineError| failed(error.into()))?;
    let count = batches
        .iter()
        .filter(|batch| batch.num_rows() > 0)
        .find_map(|batch| value_of(batch, "events", 0));
    Ok(count.and_then(|count| count.parse().ok()).unwrap_or(0))
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
