//! What the events of each day say of identities, asked once and kept: a day is asked again when its events change.
//!
//! Sessions are worked out from these facts of all days. Each question groups by day, so that the days which are asked together
//! cannot matter.

mod columns;
mod questions;
mod tables;

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray as _, RecordBatch, StringArray, TimestampMicrosecondArray};
use arrow::compute::{cast, partition};
use arrow::datatypes::{DataType, Date32Type, TimestampMicrosecondType};
use arrow::error::ArrowError;
use chrono::{NaiveDate, NaiveTime};

pub use columns::{DAILY_FACTS, DAILY_ISSUES, DAILY_SESSIONS};
pub use tables::{FACT_TABLES, FactTable};

use super::SessionsError;
use crate::engine::{EngineLimits, align};
use crate::events::day_of;
use crate::lake::{
    Days, Derived, Draft, LakeError, LakeTable, TableWriter, copy_without, days_together, schema_of,
};

/// Names all that facts are worked out by besides the events: the questions, and what they need.
pub const FACT_RULES: &str = env!("ROLECALL_FACT_RULES");

/// Days are asked about together up to so many events.
const EVENTS_AT_ONCE: u64 = 1_000_000;

/// Brings the facts of all days up to date with their events; all parts but the last are commits of their own.
pub(super) async fn store_facts(
    draft: &mut Draft<'_>,
    limits: EngineLimits,
) -> Result<(), SessionsError> {
    let stale = draft.base().stale(Derived::Facts, FACT_RULES);
    let is_of_other_rules = !draft.base().is_by(Derived::Facts, FACT_RULES);
    draft.is_stale(Derived::Facts, stale.iter().copied());
    forget_facts(draft, |day| is_of_other_rules || stale.contains(&day))?;
    let events = draft.files(LakeTable::Events);
    let events = events
        .iter()
        .filter(|file| file.date.is_some_and(|date| stale.contains(&date)));
    let mut parts = days_together(events, EVENTS_AT_ONCE).into_iter().peekable();
    while let Some(part) = parts.next() {
        for table in &FACT_TABLES {
            store_table(draft, &part, table, limits).await?;
        }
        draft.is_stored(Derived::Facts, part.days, FACT_RULES);
        if parts.peek().is_some() {
            draft.commit()?;
        }
    }
    draft.is_stored(Derived::Facts, stale, FACT_RULES);
    Ok(())
}

/// Takes the facts of some days away.
pub fn forget_facts(
    draft: &mut Draft<'_>,
    is_to_go: impl Fn(NaiveDate) -> bool,
) -> Result<(), LakeError> {
    for facts in &FACT_TABLES {
        for old in draft.files(facts.shape.table) {
            let days: Vec<NaiveDate> = match old.days() {
                Some(days) => days
                    .start()
                    .iter_days()
                    .take_while(|day| days.contains(day))
                    .collect(),
                None => Vec::new(),
            };
            if !days.iter().any(|day| is_to_go(*day)) {
                continue;
            }
            let left = if days.iter().all(|day| is_to_go(*day)) {
                None
            } else {
                let stays =
                    |_, batch: &RecordBatch, row| !day_at(batch, row).is_some_and(&is_to_go);
                copy_without(
                    draft.guard(),
                    facts.shape.table,
                    &old,
                    facts.shape.layout,
                    stays,
                )?
            };
            draft.replace(facts.shape.table, &old, left);
        }
    }
    Ok(())
}

fn day_at(batch: &RecordBatch, row: usize) -> Option<NaiveDate> {
    let days = batch.column_by_name("day")?;
    let days = days.as_primitive_opt::<TimestampMicrosecondType>()?;
    Some(day_of(days.values().get(row).copied()?))
}

/// The rows of each day, in the order in which they are written.
type ByDay = BTreeMap<NaiveDate, Vec<RecordBatch>>;

/// Asks the questions of a table about some days, and writes what they find to one file.
async fn store_table(
    draft: &mut Draft<'_>,
    part: &Days,
    facts: &FactTable,
    limits: EngineLimits,
) -> Result<(), SessionsError> {
    let (store, shape) = (draft.guard().store(), &facts.shape);
    let mut days = ByDay::new();
    for question in facts.questions {
        for batch in questions::answer(store, &part.files, question, limits).await? {
            sort_in(&mut days, &batch, question, facts)?;
        }
    }
    if days.is_empty() {
        return Ok(());
    }
    let schema = schema_of(shape.columns);
    let mut writer = TableWriter::create(draft.guard(), shape.table, None, schema, shape.layout)?;
    for batch in days.into_values().flatten() {
        writer.write(&batch)?;
    }
    draft.add(shape.table, writer.finish()?);
    Ok(())
}

/// Adds the rows of an answer to those of their days.
fn sort_in(
    days: &mut ByDay,
    batch: &RecordBatch,
    question: &str,
    facts: &FactTable,
) -> Result<(), SessionsError> {
    let not_a_day = || ArrowError::CastError(format!("`{question}` tells no day"));
    let date = batch.column_by_name("date").ok_or_else(not_a_day)?;
    let date = cast(date, &DataType::Date32)?;
    let schema = schema_of(facts.shape.columns);
    // Where several questions fill a table, it says which.
    let told = if facts.questions.len() > 1 { 2 } else { 1 };
    let answered = facts.shape.columns.get(told..).unwrap_or_default();
    let answered = schema_of(answered);
    for rows in partition(std::slice::from_ref(&date))?.ranges() {
        let day = date.as_primitive::<Date32Type>().value(rows.start);
        let day = Date32Type::to_naive_date_opt(day).ok_or_else(not_a_day)?;
        let rows = align(&batch.slice(rows.start, rows.len()), &answered)?;
        let midnight = day.and_time(NaiveTime::MIN).and_utc().timestamp_micros();
        let times = TimestampMicrosecondArray::from_value(midnight, rows.num_rows());
        let times: ArrayRef = Arc::new(times.with_timezone("UTC"));
        let name: ArrayRef = Arc::new(StringArray::from(vec![question; rows.num_rows()]));
        let columns = [times, name].into_iter().take(told);
        let columns = columns.chain(rows.columns().iter().cloned()).collect();
        let rows = RecordBatch::try_new(Arc::clone(&schema), columns)?;
        days.entry(day).or_default().push(rows);
    }
    Ok(())
}
