//! Gives up whole days: their events go, and with them what speaks of nothing else.
//!
//! A session stays as long as an event of the days that stay needs it, as itself or as one that it grew out of, or
//! may need it, since it can still be used. What was known of it stays known (`sessions::kept`).
//! Log files stay listed, so that the same ones read again bring nothing back.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use arrow::array::{Array, AsArray as _, BooleanArray, RecordBatch, TimestampMicrosecondArray};
use arrow::compute::{cast, filter_record_batch};
use arrow::datatypes::DataType;
use chrono::NaiveDate;
use datafusion::execution::SendableRecordBatchStream;
use futures::TryStreamExt as _;

use super::UpkeepError;
use super::questions::{micros, midnight, plan_question};
use super::usage::resolve_all;
use crate::engine::{Engine, EngineError, EngineLimits, TableSpec, align};
use crate::events::{SHAPES, shape_of};
use crate::lake::{
    Column, DataFile, Derived, Draft, FileLayout, LakeTable, Manifest, Operation, Store,
    TableWriter, WriteGuard, read_columns, schema_of, text_at,
};
use crate::sessions::{
    CREDENTIAL_ISSUES, FACT_RULES, FACT_TABLES, FACT_VIEWS, KEPT_FACTS, SESSIONS, SESSIONS_LAYOUT,
    forget_facts,
};

/// What goes of one table, or of one of its days.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pruned {
    /// The table.
    pub table: LakeTable,
    /// The UTC day, of events.
    pub date: Option<NaiveDate>,
    /// Rows that go.
    pub rows: u64,
    /// Rows of it that stay.
    pub rows_kept: u64,
}

/// What is to go, and what has to stay although its day goes.
struct Plan {
    days: Vec<DataFile>,
    needed: HashSet<String>,
    report: Vec<Pruned>,
}

/// What [`prune`] would do.
pub async fn plan_prune(
    store: &Store,
    manifest: &Manifest,
    before: NaiveDate,
    limits: EngineLimits,
) -> Result<Vec<Pruned>, UpkeepError> {
    let engine = open(store, manifest, limits).await?;
    Ok(plan(&engine, manifest, before).await?.report)
}

/// Gives up the days before `before`; returns what went, and does nothing where there is no such day.
pub async fn prune(
    guard: &WriteGuard<'_>,
    before: NaiveDate,
    limits: EngineLimits,
) -> Result<Vec<Pruned>, UpkeepError> {
    // What is known now is what is kept; and a run that was killed before its end is ended.
    Box::pin(resolve_all(guard, limits)).await?;
    let mut draft = Draft::new(guard, Operation::Prune)?;
    let engine = open(guard.store(), draft.base(), limits).await?;
    let plan = plan(&engine, draft.base(), before).await?;
    // A later day may have been given up before: what was kept then stays.
    let given_up = draft
        .base()
        .pruned_before
        .max(Some(before))
        .unwrap_or(before);
    if plan.report.iter().all(|part| part.rows == 0) {
        return Ok(Vec::new());
    }
    for day in &plan.days {
        draft.replace(LakeTable::Events, day, None);
    }
    for usage in draft.files(LakeTable::DailyUsage) {
        if usage.date.is_some_and(|date| date < before) {
            draft.replace(LakeTable::DailyUsage, &usage, None);
        }
    }
    forget_facts(&mut draft, |day| day < before)?;
    // Without old events every session stays what it is.
    if !plan.days.is_empty() {
        keep_sessions(&mut draft, &plan, given_up)?;
    }
    for (table, name) in KEPT_ROWS {
        if let Some(shape) = shape_of(table) {
            let kept = ask(&engine, name, before).await?;
            let written = (table, shape.columns, shape.layout);
            Box::pin(keep_rows(&mut draft, name, kept, written)).await?;
        }
    }
    for (table, columns) in KEPT_FACTS {
        let kept = ask(&engine, table.name(), given_up).await?;
        let written = (table, columns, FileLayout::default());
        Box::pin(keep_rows(&mut draft, table.name(), kept, written)).await?;
    }
    draft.prune_before(before);
    draft.commit()?;
    Box::pin(resolve_all(guard, limits)).await?;
    Ok(plan.report)
}

async fn open(
    store: &Store,
    manifest: &Manifest,
    limits: EngineLimits,
) -> Result<Engine, EngineError> {
    let engine = Engine::open(limits)?;
    for shape in SHAPES {
        engine.register_table(TableSpec::of(shape.table, shape.columns, store, manifest))?;
    }
    let kept = [(LakeTable::Sessions, SESSIONS)]
        .into_iter()
        .chain(KEPT_FACTS)
        .chain(FACT_TABLES.map(|facts| (facts.shape.table, facts.shape.columns)));
    for (table, columns) in kept {
        engine.register_table(TableSpec::of(table, columns, store, manifest))?;
    }
    // A plan is made of a lake as it is: where facts are older than the events, those are asked.
    if !manifest.is_stored(Derived::Facts, FACT_RULES) {
        let name = LakeTable::DailyIssues.name();
        let asked = engine.query(name, CREDENTIAL_ISSUES, &[]).await?;
        engine.replace_by_answer(name, asked)?;
    }
    for (name, sql) in FACT_VIEWS {
        engine.register_view(name, sql)?;
    }
    Ok(engine)
}

async fn plan(
    engine: &Engine,
    manifest: &Manifest,
    before: NaiveDate,
) -> Result<Plan, UpkeepError> {
    let days: Vec<DataFile> = manifest
        .files(LakeTable::Events)
        .iter()
        .filter(|file| file.date.is_some_and(|date| date < before))
        .cloned()
        .collect();
    let mut plan = Plan {
        days,
        needed: HashSet::new(),
        report: Vec::new(),
    };
    for day in &plan.days {
        match plan.report.last_mut() {
            Some(last) if last.date == day.date => last.rows += day.rows,
            _ => plan.report.push(Pruned {
                table: LakeTable::Events,
                date: day.date,
                rows: day.rows,
                rows_kept: 0,
            }),
        }
    }
    plan.needed = needed_sessions(engine, before).await?;
    let mut tell = |table: LakeTable, kept: u64| {
        plan.report.push(Pruned {
            table,
            date: None,
            rows: manifest.rows(table).saturating_sub(kept),
            rows_kept: kept,
        });
    };
    let sessions = manifest.rows(LakeTable::Sessions);
    tell(
        LakeTable::Sessions,
        if plan.days.is_empty() {
            sessions
        } else {
            plan.needed.len() as u64
        },
    );
    for (table, name) in KEPT_ROWS {
        let mut kept = 0;
        let mut rows = ask(engine, name, before).await?;
        while let Some(batch) = rows.try_next().await.map_err(EngineError::query(name))? {
            kept += batch.num_rows() as u64;
        }
        tell(table, kept);
    }
    Ok(plan)
}

const KEPT_ROWS: [(LakeTable, &str); 2] = [
    (LakeTable::Duplicates, "kept_duplicates"),
    (LakeTable::Rejected, "kept_rejected"),
];

async fn ask(
    engine: &Engine,
    name: &str,
    before: NaiveDate,
) -> Result<SendableRecordBatchStream, EngineError> {
    let answer = plan_question(engine, name, &[("before", midnight(before))]).await?;
    answer.stream().await
}

/// The sessions that events of the days that stay need, with those they grew out of.
async fn needed_sessions(
    engine: &Engine,
    before: NaiveDate,
) -> Result<HashSet<String>, UpkeepError> {
    let name = "needed_sessions";
    let mut rows = ask(engine, name, before).await?;
    let mut parents: HashMap<String, String> = HashMap::new();
    let mut open: Vec<String> = Vec::new();
    while let Some(batch) = rows.try_next().await.map_err(EngineError::query(name))? {
        let text = |at: usize| cast(batch.column(at), &DataType::Utf8);
        let (ids, callers) = (text(0)?, text(1)?);
        let needed = batch.column(2).as_boolean();
        for row in 0..batch.num_rows() {
            let Some(id) = text_at(&ids, row) else {
                continue;
            };
            if needed.is_valid(row) && needed.value(row) {
                open.push(id.to_owned());
            }
            if let Some(parent) = text_at(&callers, row) {
                parents.insert(id.to_owned(), parent.to_owned());
            }
        }
    }
    let mut needed = HashSet::new();
    while let Some(id) = open.pop() {
        if !needed.contains(&id) {
            open.extend(parents.get(&id).cloned());
            needed.insert(id);
        }
    }
    Ok(needed)
}

/// Writes `sessions` anew with the rows that are needed, each marked with the day.
fn keep_sessions(
    draft: &mut Draft<'_>,
    plan: &Plan,
    given_up: NaiveDate,
) -> Result<(), UpkeepError> {
    let schema = schema_of(SESSIONS);
    for file in draft.files(LakeTable::Sessions) {
        let mut writer: Option<TableWriter> = None;
        for batch in read_columns(draft.guard().store(), &file, None)? {
            let batch = align(&batch?, &schema)?;
            let ids = batch.column_by_name("session_id");
            let is_needed = |row| {
                let id = ids.and_then(|ids| text_at(ids, row));
                Some(id.is_some_and(|id| plan.needed.contains(id)))
            };
            let kept: BooleanArray = (0..batch.num_rows()).map(is_needed).collect();
            let rows = marked(&filter_record_batch(&batch, &kept)?, given_up)?;
            if rows.num_rows() == 0 {
                continue;
            }
            let open = match &mut writer {
                Some(open) => open,
                none => none.insert(TableWriter::create(
                    draft.guard(),
                    LakeTable::Sessions,
                    file.date,
                    Arc::clone(&schema),
                    SESSIONS_LAYOUT,
                )?),
            };
            open.write(&rows)?;
        }
        let new = writer.map(TableWriter::finish).transpose()?;
        draft.replace(LakeTable::Sessions, &file, new);
    }
    Ok(())
}

/// The rows with the day up to which events were pruned.
fn marked(rows: &RecordBatch, before: NaiveDate) -> Result<RecordBatch, UpkeepError> {
    let schema = rows.schema();
    let days = TimestampMicrosecondArray::from(vec![micros(before); rows.num_rows()]);
    let mut columns = rows.columns().to_vec();
    if let Ok(at) = schema.index_of("events_pruned_before")
        && let Some(column) = columns.get_mut(at)
    {
        *column = Arc::new(days.with_timezone("UTC"));
    }
    Ok(RecordBatch::try_new(schema, columns)?)
}

/// Writes a table without days anew, with the rows that a question says stay.
async fn keep_rows(
    draft: &mut Draft<'_>,
    name: &str,
    mut rows: SendableRecordBatchStream,
    (table, columns, layout): (LakeTable, &[Column], FileLayout),
) -> Result<(), UpkeepError> {
    let schema = schema_of(columns);
    let mut writer: Option<TableWriter> = None;
    while let Some(batch) = rows.try_next().await.map_err(EngineError::query(name))? {
        if batch.num_rows() == 0 {
            continue;
        }
        let open = match &mut writer {
            Some(open) => open,
            none => none.insert(TableWriter::create(
                draft.guard(),
                table,
                None,
                Arc::clone(&schema),
                layout,
            )?),
        };
        open.write(&align(&batch, &schema)?)?;
    }
    let new = writer.map(TableWriter::finish).transpose()?;
    for old in draft.files(table) {
        draft.replace(table, &old, None);
    }
    if let Some(new) = new {
        draft.add(table, new);
    }
    Ok(())
}
