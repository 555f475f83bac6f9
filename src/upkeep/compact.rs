//! Puts files together: reads them in order, writes them as one, and commits folder by folder.

use std::sync::Arc;

use chrono::NaiveDate;
use futures::TryStreamExt as _;

use super::UpkeepError;
use super::plan::{Merge, Policy, plan, shapes};
use crate::engine::{Engine, EngineError, EngineLimits, TableSpec, align};
use crate::events::TableShape;
use crate::lake::{
    DataFile, Draft, LakeTable, Operation, TableWriter, WriteGuard, merge_events, schema_of,
};

/// What became of one folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Compacted {
    /// The table.
    pub table: LakeTable,
    /// The UTC day, in tables that have days.
    pub date: Option<NaiveDate>,
    /// Rows, the same before and after.
    pub rows: u64,
    /// How many files there were.
    pub files_before: usize,
    /// How many there are now.
    pub files_after: usize,
    /// Their size in bytes.
    pub bytes_before: u64,
    /// And now.
    pub bytes_after: u64,
}

/// Puts together what `policy` finds worth it; each folder is a commit of its own and is told to `done`.
pub async fn compact(
    guard: &WriteGuard<'_>,
    policy: Policy,
    limits: EngineLimits,
    done: &mut dyn FnMut(&Compacted),
) -> Result<Vec<Compacted>, UpkeepError> {
    let mut all = Vec::new();
    let mut draft = Draft::new(guard, Operation::Compact)?;
    for merge in plan(draft.base(), policy) {
        let Some(shape) = shapes().find(|shape| shape.table == merge.table) else {
            continue;
        };
        let files = Box::pin(merged(guard, &merge, &shape, policy, limits)).await?;
        let compacted = Compacted {
            table: merge.table,
            date: merge.date,
            rows: merge.rows(),
            files_before: merge.files.len(),
            files_after: files.len(),
            bytes_before: merge.bytes(),
            bytes_after: files.iter().map(|file| file.size).sum(),
        };
        // One that nothing was put together with stays as it is.
        for old in merge.files.iter().filter(|old| !files.contains(old)) {
            draft.replace(merge.table, old, None);
        }
        for new in files.iter().filter(|new| !merge.files.contains(new)) {
            draft.add(merge.table, new.clone());
        }
        draft.commit()?;
        done(&compacted);
        all.push(compacted);
    }
    Ok(all)
}

/// Files that are read at once: each is a stream with a row group of its own in memory.
const FAN_IN: usize = 16;
/// Rows of a batch while files are merged, of each of which a batch or two is in memory.
const MERGED_ROWS: usize = 512;
/// Batches become no smaller than this, however large the rows.
const LEAST_ROWS: usize = 16;

/// Writes all rows of a folder's files to as few files as the policy's target allows, in rounds where there are many.
async fn merged(
    guard: &WriteGuard<'_>,
    merge: &Merge,
    shape: &TableShape,
    policy: Policy,
    limits: EngineLimits,
) -> Result<Vec<DataFile>, UpkeepError> {
    let mut done = Vec::new();
    let mut small = merge.files.clone();
    while small.len() > 1 {
        let mut next = Vec::new();
        for files in small.chunks(FAN_IN) {
            if let [single] = files {
                next.push(single.clone());
                continue;
            }
            let written = Box::pin(in_memory(guard, shape, files, policy, limits)).await?;
            // A file of the round before was never part of the lake.
            for old in files.iter().filter(|file| !merge.files.contains(file)) {
                guard.discard(old);
            }
            // Only the last one may be small, so that every round leaves fewer.
            let mut written = written.into_iter();
            match written.next_back() {
                Some(last) if last.size < policy.large => next.push(last),
                last => done.extend(last),
            }
            done.extend(written);
        }
        small = next;
    }
    done.append(&mut small);
    Ok(done)
}

/// Writes the rows of some files in their order, in batches that the memory allows.
async fn in_memory(
    guard: &WriteGuard<'_>,
    shape: &TableShape,
    files: &[DataFile],
    policy: Policy,
    limits: EngineLimits,
) -> Result<Vec<DataFile>, UpkeepError> {
    if shape.table == LakeTable::Events && guard.store().bucket().is_none() {
        // In a bucket it would take a request for each column of each file.
        let schema = schema_of(shape.columns);
        let (target, threads, memory) = (policy.target, limits.threads, limits.memory_bytes);
        let merged = merge_events(guard, files, &schema, shape.layout, target, threads, memory)?;
        if let Some(written) = merged {
            return whole(shape.table, files, written);
        }
    }
    let mut rows = MERGED_ROWS;
    loop {
        let merging = write_merged(guard, shape, files, policy, (limits, rows));
        match Box::pin(merging).await {
            // A merge holds a batch or two of every file, and cannot spill.
            Err(UpkeepError::Engine(error)) if error.is_out_of_memory() && rows > LEAST_ROWS => {
                rows /= 8;
            }
            written => return written,
        }
    }
}

/// Writes the rows of some files in their order.
async fn write_merged(
    guard: &WriteGuard<'_>,
    shape: &TableShape,
    files: &[DataFile],
    policy: Policy,
    (limits, batch_rows): (EngineLimits, usize),
) -> Result<Vec<DataFile>, UpkeepError> {
    let name = shape.table.name();
    let date = files.first().and_then(|file| file.date);
    let engine = Engine::open_in_batches(limits, batch_rows)?;
    let table = TableSpec::of_files(shape.table, shape.columns, guard.store(), files);
    engine.register_table(if shape.layout.sorted.is_some() {
        // The files of these tables are sorted already.
        table.merged_by(shape.order)
    } else {
        table
    })?;
    let columns: Vec<&str> = shape.columns.iter().map(|column| column.name).collect();
    let mut rows = engine
        .sorted("compaction", name, &columns, shape.order)
        .await?
        .stream()
        .await?;
    let schema = schema_of(shape.columns);
    let begin = || TableWriter::create(guard, shape.table, date, Arc::clone(&schema), shape.layout);
    let failed = EngineError::query("compaction");
    let mut written = Vec::new();
    let mut writer = begin()?;
    while let Some(batch) = rows.try_next().await.map_err(&failed)? {
        if writer.bytes() as u64 >= policy.target {
            written.push(std::mem::replace(&mut writer, begin()?).finish()?);
        }
        writer.write(&align(&batch, &schema)?)?;
    }
    written.push(writer.finish()?);
    whole(shape.table, files, written)
}

/// What was written, if no row is missing.
fn whole(
    table: LakeTable,
    files: &[DataFile],
    written: Vec<DataFile>,
) -> Result<Vec<DataFile>, UpkeepError> {
    let rows = |files: &[DataFile]| files.iter().map(|file| file.rows).sum();
    let (wanted, found) = (rows(files), rows(&written));
    if wanted == found {
        return Ok(written);
    }
    Err(UpkeepError::RowsDiffer {
        table: table.name(),
        wanted,
        found,
    })
}
