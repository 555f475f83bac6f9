//! Puts files together: reads them in order, writes them as one, and commits folder by folder.

use std::sync::Arc;

use chrono::NaiveDate;
use futures::TryStreamExt as _;

use super::UpkeepError;
use super::plan::{Merge, Policy, TARGET_BYTES, plan};
use crate::engine::{Engine, EngineError, EngineLimits, TableSpec, align};
use crate::events::{TableShape, shape_of};
use crate::lake::{DataFile, Draft, LakeTable, Operation, TableWriter, WriteGuard, schema_of};

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
        let Some(shape) = shape_of(merge.table) else {
            continue;
        };
        let files = Box::pin(write_merged(guard, &merge, shape, limits)).await?;
        let compacted = Compacted {
            table: merge.table,
            date: merge.date,
            rows: merge.rows(),
            files_before: merge.files.len(),
            files_after: files.len(),
            bytes_before: merge.bytes(),
            bytes_after: files.iter().map(|file| file.size).sum(),
        };
        for old in &merge.files {
            draft.replace(merge.table, old, None);
        }
        for new in files {
            draft.add(merge.table, new);
        }
        draft.commit()?;
        done(&compacted);
        all.push(compacted);
    }
    Ok(all)
}

/// Writes the rows of all files in their order, to as few files as the target size allows.
async fn write_merged(
    guard: &WriteGuard<'_>,
    merge: &Merge,
    shape: &TableShape,
    limits: EngineLimits,
) -> Result<Vec<DataFile>, UpkeepError> {
    let name = shape.table.name();
    let engine = Engine::open(limits)?;
    engine.register_table(TableSpec::of_files(
        shape.table,
        shape.columns,
        guard.store(),
        &merge.files,
    ))?;
    let columns: Vec<&str> = shape.columns.iter().map(|column| column.name).collect();
    let sql = format!(
        "SELECT {} FROM {name} ORDER BY {}",
        columns.join(", "),
        shape.order.join(", ")
    );
    let mut rows = engine
        .query("compaction", &sql, &[])
        .await?
        .stream()
        .await?;
    let schema = schema_of(shape.columns);
    let begin = || {
        TableWriter::create(
            guard,
            shape.table,
            merge.date,
            Arc::clone(&schema),
            shape.layout,
        )
    };
    let failed = EngineError::query("compaction");
    let mut files = Vec::new();
    let mut writer = begin()?;
    while let Some(batch) = rows.try_next().await.map_err(&failed)? {
        if writer.bytes() as u64 >= TARGET_BYTES {
            files.push(std::mem::replace(&mut writer, begin()?).finish()?);
        }
        writer.write(&align(&batch, &schema)?)?;
    }
    files.push(writer.finish()?);
    let (wanted, found) = (merge.rows(), files.iter().map(|file| file.rows).sum());
    if wanted == found {
        return Ok(files);
    }
    Err(UpkeepError::RowsDiffer {
        table: name,
        wanted,
        found,
    })
}
