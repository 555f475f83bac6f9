//! Keeps `daily_usage`: what was used on each day, worked out once and not for every question.
//!
//! A day is worked out again when its events change, or what is known of a session that made calls on it.
//! The rows are those of the view of this name, over the events of some days and the sessions in use on them.

use std::collections::BTreeSet;
use std::sync::Arc;

use arrow::array::{AsArray as _, RecordBatch};
use arrow::compute::partition;
use arrow::datatypes::{Date32Type, SchemaRef};
use arrow::error::ArrowError;
use chrono::{NaiveDate, TimeDelta};
use futures::TryStreamExt as _;

use super::UpkeepError;
use super::questions::{midnight, plan_question};
use crate::directory::{Directory, PEOPLE};
use crate::engine::{BATCH_ROWS, Engine, EngineError, EngineLimits, TableSpec, align};
use crate::events::EVENTS;
use crate::lake::{
    DataFile, Days, Derived, Draft, LakeTable, Manifest, Operation, TableWriter, WriteGuard,
    days_together, schema_of,
};
use crate::permissions::{aggregates, functions};
use crate::sessions::{Resolved, SESSIONS, resolve};
use crate::views::{DAILY_USAGE, DAILY_USAGE_LAYOUT, USAGE_RULES, is_usage_stored, register_views};

/// Days are taken together up to so many events: fewer rounds over the sessions, and bounded memory.
const EVENTS_AT_ONCE: u64 = 1_000_000;

/// What [`resolve_all`] did.
#[derive(Debug)]
pub struct UpToDate {
    /// The sessions.
    pub sessions: Resolved,
    /// Days of which `daily_usage` was worked out.
    pub usage_days: usize,
    /// Why it could not be for the others; questions work it out for themselves then, and the next run tries again.
    pub usage_left: Option<UpkeepError>,
}

/// Brings everything that is worked out of the events up to date with them: `sessions`, then `daily_usage`.
///
/// Too little memory for `daily_usage`, or another writer meanwhile, is no failure: nothing but speed depends on it.
pub async fn resolve_all(
    guard: &WriteGuard<'_>,
    limits: EngineLimits,
) -> Result<UpToDate, UpkeepError> {
    let sessions = Box::pin(resolve(guard, limits)).await?;
    let (usage_days, usage_left) = match Box::pin(store_usage(guard, limits)).await {
        Ok(days) => (days, None),
        Err(error) if error.is_for_later() => (0, Some(error)),
        Err(error) => return Err(error),
    };
    Ok(UpToDate {
        sessions,
        usage_days,
        usage_left,
    })
}

/// Brings `daily_usage` up to date with the events and `sessions`; returns how many days were worked out.
///
/// Does nothing as long as `sessions` itself is not up to date. Some days at a time are a commit of their own.
pub async fn store_usage(
    guard: &WriteGuard<'_>,
    limits: EngineLimits,
) -> Result<usize, UpkeepError> {
    let mut draft = Draft::new(guard, Operation::StoreUsage)?;
    if !draft.base().is_resolved() || is_usage_stored(draft.base()) {
        return Ok(0);
    }
    let stale = draft.base().stale(Derived::Usage, USAGE_RULES);
    let parts = together(draft.base(), &stale);
    // With the first commit, all of them are told to be stale by the rules of this version.
    draft.is_stale(Derived::Usage, stale.iter().copied());
    for Days { days, files } in parts {
        for old in draft.files(LakeTable::DailyUsage) {
            if old.date.is_none_or(|date| days.contains(&date)) {
                draft.replace(LakeTable::DailyUsage, &old, None);
            }
        }
        for new in Box::pin(in_memory(&draft, &files, limits)).await? {
            draft.add(LakeTable::DailyUsage, new);
        }
        draft.is_stored(Derived::Usage, days, USAGE_RULES);
        draft.commit()?;
    }
    Ok(stale.len())
}

/// The stale days with the files of their events.
fn together(manifest: &Manifest, stale: &BTreeSet<NaiveDate>) -> Vec<Days> {
    let is_stale = |file: &&DataFile| file.date.is_some_and(|date| stale.contains(&date));
    let files = manifest.files(LakeTable::Events).iter().filter(is_stale);
    let mut parts = days_together(files, EVENTS_AT_ONCE);
    // The first part has the days that lost their events too.
    if parts.is_empty() {
        parts.push(Days::default());
    }
    let with_events: BTreeSet<NaiveDate> =
        parts.iter().flat_map(|part| part.days.clone()).collect();
    if let Some(first) = parts.first_mut() {
        first.days.extend(stale - &with_events);
    }
    parts
}

/// Batches become no smaller than this.
const LEAST_ROWS: usize = 128;

/// Works out some days, in batches that the memory allows.
async fn in_memory(
    draft: &Draft<'_>,
    files: &[DataFile],
    limits: EngineLimits,
) -> Result<Vec<DataFile>, UpkeepError> {
    let mut rows = BATCH_ROWS;
    loop {
        let mut written = Vec::new();
        let storing = store_days(draft, files, (limits, rows), &mut written);
        let Err(error) = Box::pin(storing).await else {
            return Ok(written);
        };
        for file in &written {
            draft.guard().discard(file);
        }
        match error {
            UpkeepError::Engine(error) if error.is_out_of_memory() && rows > LEAST_ROWS => {
                rows /= 8;
            }
            error => return Err(error),
        }
    }
}

/// The columns that tell one row of a day from another.
const ORDER: [&str; 12] = [
    "date",
    "persona_arn",
    "persona_id",
    "origin_kind",
    "origin_id",
    "origin_account_id",
    "origin_provider",
    "iam_action",
    "event_source",
    "event_name",
    "via_service",
    "account_id",
];

async fn store_days(
    draft: &Draft<'_>,
    files: &[DataFile],
    (limits, batch_rows): (EngineLimits, usize),
    written: &mut Vec<DataFile>,
) -> Result<(), UpkeepError> {
    let name = LakeTable::DailyUsage.name();
    let engine = open(draft, files, (limits, batch_rows)).await?;
    let schema = schema_of(DAILY_USAGE);
    let columns = schema.fields().iter().map(|field| field.name().as_str());
    let columns: Vec<&str> = ["date"].into_iter().chain(columns).collect();
    let rows = engine.sorted(name, name, &columns, &ORDER).await?;
    let mut rows = rows.stream().await?;
    let mut open: Option<(NaiveDate, TableWriter)> = None;
    while let Some(batch) = rows.try_next().await.map_err(EngineError::query(name))? {
        for (day, part) in by_day(&batch, &schema)? {
            if open.as_ref().is_none_or(|(date, _)| *date != day) {
                if let Some((_, writer)) = open.take() {
                    written.push(writer.finish()?);
                }
                let writer = TableWriter::create(
                    draft.guard(),
                    LakeTable::DailyUsage,
                    Some(day),
                    Arc::clone(&schema),
                    DAILY_USAGE_LAYOUT,
                )?;
                open = Some((day, writer));
            }
            if let Some((_, writer)) = &mut open {
                writer.write(&part)?;
            }
        }
    }
    if let Some((_, writer)) = open {
        written.push(writer.finish()?);
    }
    Ok(())
}

/// The rows of each day, of rows in the order of their days.
fn by_day(
    batch: &RecordBatch,
    schema: &SchemaRef,
) -> Result<Vec<(NaiveDate, RecordBatch)>, UpkeepError> {
    let dates = batch.columns().get(..1).unwrap_or_default();
    let mut parts = Vec::new();
    for rows in partition(dates)?.ranges() {
        let days = dates
            .first()
            .and_then(|days| days.as_primitive_opt::<Date32Type>());
        let day = days.and_then(|days| Date32Type::to_naive_date_opt(days.value(rows.start)));
        let day = day.ok_or_else(|| ArrowError::CastError("a day that is none".to_owned()))?;
        let rows = batch.slice(rows.start, rows.len());
        parts.push((day, align(&rows, schema)?));
    }
    Ok(parts)
}

/// An engine that sees the events of some days, the sessions in use on them, and what the view reads.
async fn open(
    draft: &Draft<'_>,
    files: &[DataFile],
    (limits, batch_rows): (EngineLimits, usize),
) -> Result<Engine, UpkeepError> {
    let (store, manifest) = (draft.guard().store(), draft.base());
    let engine = Engine::open_in_batches(limits, batch_rows)?;
    for function in functions() {
        engine.register_function(function);
    }
    for function in aggregates() {
        engine.register_aggregate(function);
    }
    engine.register_table(TableSpec::of_files(LakeTable::Events, EVENTS, store, files))?;
    let days = || files.iter().filter_map(|file| file.date);
    // Sessions that were not in use then need not be looked at.
    let may_be_in_use = |file: &&DataFile| {
        let bounds = file.days();
        bounds.is_none_or(|in_use| days().any(|day| in_use.contains(&day)))
    };
    let sessions = manifest.files(LakeTable::Sessions).iter();
    let sessions: Vec<DataFile> = sessions.filter(may_be_in_use).cloned().collect();
    let sessions = TableSpec::of_files(LakeTable::Sessions, SESSIONS, store, &sessions);
    engine.register_table(sessions)?;
    if let (Some(first), Some(last)) = (days().min(), days().max()) {
        let until = last
            .checked_add_signed(TimeDelta::days(1))
            .unwrap_or(NaiveDate::MAX);
        let params = [("since", midnight(first)), ("until", midnight(until))];
        let in_use = plan_question(&engine, "sessions_in_use", &params).await?;
        engine.replace_by_answer(LakeTable::Sessions.name(), in_use)?;
    }
    let nobody = Directory::default().people_rows()?;
    engine.register_batches("people", schema_of(PEOPLE), vec![nobody])?;
    let views = [
        "attributed_events",
        "call_outcomes",
        "call_permissions",
        "daily_usage",
    ];
    register_views(&engine, &views)?;
    Ok(engine)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_in_the_order_of_all_that_tells_them_apart() {
        let sql = include_str!("../../sql/views/daily_usage.sql");
        let (_, groups) = sql.rsplit_once("GROUP BY").unwrap();
        let (groups, _) = groups.split_once("\n)").unwrap();
        let groups: Vec<&str> = groups.split(',').map(str::trim).collect();
        let day = "cast(event_time AS date)";
        let order = ORDER.map(|column| if column == "date" { day } else { column });
        assert_eq!(groups, order);
    }
}
