//! What the events of each day say of identities, asked once and kept: a day is asked again when its events change.
//!
//! Sessions are worked out from these facts of all days. Each question groups by day, so that the days which are asked together
//! cannot matter.

mod columns;
mod questions;
mod tables;

use std::collections::{BTreeMap, BTreeSet};
use std::ops::RangeInclusive;
use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray as _, RecordBatch, StringArray, TimestampMicrosecondArray};
use arrow::compute::{cast, partition};
use arrow::datatypes::{DataType, Date32Type, TimestampMicrosecondType};
use arrow::error::ArrowError;
use chrono::{NaiveDate, NaiveTime};

pub use columns::{DAILY_COVERAGE, DAILY_FACTS, DAILY_ISSUES, DAILY_SESSIONS};
pub use tables::{FACT_TABLES, FactTable};

use questions::EventsOf;

use super::SessionsError;
use crate::engine::{EngineLimits, align};
use crate::events::day_of;
use crate::lake::{
    DataFile, Derived, Draft, LakeError, LakeTable, Store, TableWriter, copy_without,
    days_together, read_columns, schema_of,
};

/// `daily_coverage` as a query of the events.
pub const COVERAGE: &str = include_str!("../../../sql/sessions/coverage.sql");

/// The same of what is kept, where the facts of all days are those of their events.
pub const STORED_COVERAGE: &str = include_str!("../../../sql/sessions/stored_coverage.sql");

/// Names all that facts are worked out by besides the events: the questions, and what they need.
pub const FACT_RULES: &str = env!("ROLECALL_FACT_RULES");

/// Days are asked about together as long as there are so many bytes of memory for each of their events: a million by default.
const BYTES_AN_EVENT: usize = 2048;

/// Days are asked about in so many parts before each is a commit of its own, where the sessions of other days may stand meanwhile.
const PARTS_AT_ONCE: usize = 8;

/// Brings the facts of all days up to date with their events; of many parts, all but the last are commits of their own, and of
/// few where nothing `may_stand`.
///
/// Returns the days whose facts may have changed.
pub(super) async fn store_facts(
    draft: &mut Draft<'_>,
    limits: EngineLimits,
    may_stand: bool,
) -> Result<BTreeSet<NaiveDate>, SessionsError> {
    let stale = draft.base().stale(Derived::Facts, FACT_RULES);
    let is_of_other_rules = !draft.base().is_by(Derived::Facts, FACT_RULES);
    draft.is_stale(Derived::Facts, stale.iter().copied());
    forget_facts(draft, |day| is_of_other_rules || stale.contains(&day))?;
    let at_once = limits.memory_bytes / BYTES_AN_EVENT;
    let events = draft.files(LakeTable::Events);
    let events = events
        .iter()
        .filter(|file| file.date.is_some_and(|date| stale.contains(&date)));
    let parts = days_together(events, at_once as u64);
    let is_one_commit = may_stand && parts.len() <= PARTS_AT_ONCE;
    let mut parts = parts.into_iter().peekable();
    while let Some(part) = parts.next() {
        let events = EventsOf::open(draft.guard().store(), &part.files, limits)?;
        for table in &FACT_TABLES {
            store_table(draft, &events, table).await?;
        }
        draft.is_stored(Derived::Facts, part.days, FACT_RULES);
        if parts.peek().is_some() && !is_one_commit {
            draft.is_unlinked();
            draft.commit()?;
        }
    }
    draft.is_stored(Derived::Facts, stale.iter().copied(), FACT_RULES);
    Ok(stale)
}

/// Takes the facts of some days away.
pub fn forget_facts(
    draft: &mut Draft<'_>,
    is_to_go: impl Fn(NaiveDate) -> bool,
) -> Result<(), LakeError> {
    for FactTable { shape, .. } in &FACT_TABLES {
        for old in draft.files(shape.table) {
            let days = old.days().into_iter().flat_map(days_between);
            if !days.into_iter().any(&is_to_go) {
                continue;
            }
            // A file need not have every day between its first and its last.
            let stays = rows_that_stay(draft.guard().store(), &old, &is_to_go)?;
            let left = match stays.iter().filter(|stays| **stays).count() {
                0 => None,
                all if all == stays.len() => continue,
                _ => copy_without(
                    draft.guard(),
                    shape.table,
                    &old,
                    shape.layout,
                    |at, _, _| {
                        let at = usize::try_from(at).ok();
                        at.and_then(|at| stays.get(at)).copied().unwrap_or(true)
                    },
                )?,
            };
            draft.replace(shape.table, &old, left);
        }
    }
    Ok(())
}

fn days_between(days: RangeInclusive<NaiveDate>) -> impl Iterator<Item = NaiveDate> {
    let last = *days.end();
    days.start().iter_days().take_while(move |day| *day <= last)
}

/// For each row of a file whether its day stays.
fn rows_that_stay(
    store: &Store,
    file: &DataFile,
    is_to_go: impl Fn(NaiveDate) -> bool,
) -> Result<Vec<bool>, LakeError> {
    let mut stays = Vec::new();
    for batch in read_columns(store, file, Some(&["day"]))? {
        let batch = batch?;
        let days = batch.column_by_name("day");
        let days = days.and_then(|days| days.as_primitive_opt::<TimestampMicrosecondType>());
        let days = days.map_or(&[][..], |days| days.values());
        for same in days.chunk_by(|a, b| a == b) {
            let is_to_stay = same.first().is_none_or(|day| !is_to_go(day_of(*day)));
            stays.resize(stays.len() + same.len(), is_to_stay);
        }
    }
    Ok(stays)
}

/// The rows of each day, in the order in which they are written.
type ByDay = BTreeMap<NaiveDate, Vec<RecordBatch>>;

/// Asks the questions of a table about some days, and writes what they find to one file.
async fn store_table(
    draft: &mut Draft<'_>,
    events: &EventsOf<'_>,
    facts: &FactTable,
) -> Result<(), SessionsError> {
    let shape = &facts.shape;
    let mut days = ByDay::new();
    for question in facts.questions {
        for batch in events.ask(question, facts.is_by_session).await? {
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
