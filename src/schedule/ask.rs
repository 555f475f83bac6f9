//! A section's question asked of an engine, for one period.

use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};

use super::definition::{ReportDef, SectionDef, SectionSource};
use super::period::Period;
use super::run::{Materials, RunError};
use crate::directory::Directory;
use crate::engine::{Answer, Engine, EngineError, EngineLimits};
use crate::policies::Grants;
use crate::queries::{QueryError, ask_file, find};
use crate::reports::{ReportError, UnusedPart, rightsizing_summary, unused, value_of};
use crate::sql_file::SqlFile;

/// Keys and passwords count as unused, and keys as old, after so many days.
const OLD_DAYS: i64 = 90;

/// Names of columns that mean something of their own in a report.
const TAKEN: [&str; 3] = ["section", "change", "was"];

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

/// Its rows, `max_rows` of them, and whether there are more.
pub(super) async fn answer(
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

/// How many events the lake holds of a period; more of them later mean that log files came late.
pub(super) async fn events_in(engine: &Engine, period: Period) -> Result<u64, RunError> {
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
