//! Keeps `daily_usage`: what was used on each day, worked out once and not for every question.
//!
//! A day is worked out again when its events change, or what is known of a session that made calls on it.
//! The rows are those of the view of this name, over the events of some days and the sessions in use on them.

use std::collections::BTreeSet;
use std::sync::Arc;

use arrow::array::{AsArray as _, RecordBatch};
use arrow::compute::partition;
use arrow::datatypes::{Date32Type, SchemaRef};
use chrono::{NaiveDate, TimeDelta};
use futures::TryStreamExt as _;

use super::UpkeepError;
use super::prune::{midnight, plan_question};
use crate::directory::{Directory, PEOPLE};
use crate::engine::{Engine, EngineError, EngineLimits, TableSpec, align};
use crate::events::EVENTS;
use crate::lake::{
    DataFile, Draft, LakeTable, Manifest, Operation, Store, TableWriter, WriteGuard, schema_of,
};
use crate::permissions::{aggregates, functions};
use crate::sessions::{Resolved, SESSIONS, resolve};
use crate::views::{DAILY_USAGE, DAILY_USAGE_LAYOUT, register_views};

/// Days are taken together up to so many events: fewer rounds over the sessions, and bounded memory.
const EVENTS_AT_ONCE: u64 = 1_000_000;

/// Brings everything that is worked out of the events up to date with them: `sessions`, then `daily_usage`.
pub async fn resolve_all(
    guard: &WriteGuard<'_>,
    limits: EngineLimits,
) -> Result<Resolved, UpkeepError> {
    let resolved = Box::pin(resolve(guard, limits)).await?;
    let days = Box::pin(store_usage(guard, limits)).await?;
    Ok(Resolved {
        worked: resolved.worked || !days.is_empty(),
        ..resolved
    })
}

/// Brings `daily_usage` up to date with the events and `sessions`; returns the days that were worked out.
///
/// Does nothing as long as `sessions` itself is not up to date.
pub async fn store_usage(
    guard: &WriteGuard<'_>,
    limits: EngineLimits,
) -> Result<BTreeSet<NaiveDate>, UpkeepError> {
    let mut draft = Draft::new(guard, Operation::StoreUsage)?;
    if !draft.base().is_resolved() || draft.base().is_usage_stored() {
        return Ok(BTreeSet::new());
    }
    let stale = draft.base().stale_usage();
    for old in draft.files(LakeTable::DailyUsage) {
        if old.date.is_none_or(|date| stale.contains(&date)) {
            draft.replace(LakeTable::DailyUsage, &old, None);
        }
    }
    for days in together(draft.base(), &stale) {
        Box::pin(store_days(&mut draft, &days, limits)).await?;
    }
    draft.usage_is_stored(stale.iter().copied());
    draft.commit()?;
    Ok(stale)
}

/// The files of days that are worked out in one go.
fn together(manifest: &Manifest, stale: &BTreeSet<NaiveDate>) -> Vec<Vec<DataFile>> {
    let mut parts: Vec<Vec<DataFile>> = Vec::new();
    let mut rows = 0;
    let files = manifest.files(LakeTable::Events);
    for day in stale {
        let of_day: Vec<DataFile> = files
            .iter()
            .filter(|file| file.date == Some(*day))
            .cloned()
            .collect();
        let more: u64 = of_day.iter().map(|file| file.rows).sum();
        rows += more;
        match parts.last_mut() {
            Some(part) if rows <= EVENTS_AT_ONCE => part.extend(of_day),
            _ => {
                rows = more;
                parts.push(of_day);
            }
        }
    }
    parts.retain(|part| !part.is_empty());
    parts
}

async fn store_days(
    draft: &mut Draft<'_>,
    files: &[DataFile],
    limits: EngineLimits,
) -> Result<(), UpkeepError> {
    let name = LakeTable::DailyUsage.name();
    let engine = open(draft.guard().store(), draft.base(), files, limits).await?;
    let order = [
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
    let schema = schema_of(DAILY_USAGE);
    let columns: Vec<&str> = schema
        .fields()
        .iter()
        .map(|field| field.name().as_str())
        .collect();
    let columns: Vec<&str> = ["date"].into_iter().chain(columns).collect();
    let mut rows = engine
        .sorted(name, name, &columns, &order)
        .await?
        .stream()
        .await?;
    let mut open: Option<(NaiveDate, TableWriter)> = None;
    while let Some(batch) = rows.try_next().await.map_err(EngineError::query(name))? {
        for (day, part) in by_day(&batch, &schema)? {
            if open.as_ref().is_none_or(|(date, _)| *date != day) {
                finish(draft, open.take())?;
                let layout = DAILY_USAGE_LAYOUT;
                let (guard, schema) = (draft.guard(), Arc::clone(&schema));
                let table = LakeTable::DailyUsage;
                open = Some((
                    day,
                    TableWriter::create(guard, table, Some(day), schema, layout)?,
                ));
            }
            if let Some((_, writer)) = &mut open {
                writer.write(&part)?;
            }
        }
    }
    finish(draft, open)
}

fn finish(
    draft: &mut Draft<'_>,
    written: Option<(NaiveDate, TableWriter)>,
) -> Result<(), UpkeepError> {
    if let Some((_, writer)) = written {
        draft.add(LakeTable::DailyUsage, writer.finish()?);
    }
    Ok(())
}

/// The rows of each day, of rows in the order of their days.
fn by_day(
    batch: &RecordBatch,
    schema: &SchemaRef,
) -> Result<Vec<(NaiveDate, RecordBatch)>, UpkeepError> {
    let days = batch.columns().get(..1).unwrap_or_default();
    let parts = partition(days)?.ranges().into_iter();
    let parts = parts.filter_map(|rows| {
        let days = days.first()?.as_primitive_opt::<Date32Type>()?;
        let day = Date32Type::to_naive_date_opt(days.value(rows.start))?;
        Some((day, batch.slice(rows.start, rows.len())))
    });
    parts
        .map(|(day, rows)| Ok((day, align(&rows, schema)?)))
        .collect()
}

/// An engine that sees the events of some days, the sessions in use on them, and what the view reads.
async fn open(
    store: &Store,
    manifest: &Manifest,
    files: &[DataFile],
    limits: EngineLimits,
) -> Result<Engine, UpkeepError> {
    let engine = Engine::open(limits)?;
    for function in functions() {
        engine.register_function(function);
    }
    for function in aggregates() {
        engine.register_aggregate(function);
    }
    engine.register_table(TableSpec::of_files(LakeTable::Events, EVENTS, store, files))?;
    engine.register_table(TableSpec::of(
        LakeTable::Sessions,
        SESSIONS,
        store,
        manifest,
    ))?;
    let days = || files.iter().filter_map(|file| file.date);
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
    register_views(&engine, &views).await?;
    Ok(engine)
}
