//! The sessions in use: the rows of their days, put together where a session was in use on several.

use std::cmp::Ordering;

use arrow::array::{Array as _, AsArray as _, RecordBatch, StringViewArray};
use arrow::compute::{cast, interleave_record_batch};
use arrow::datatypes::DataType;
use arrow::error::ArrowError;

use super::SessionsError;
use super::columns::Uses;
use super::facts::ask;
use super::frame::Frame;
use crate::engine::{Engine, align};
use crate::lake::LakeTable;

/// Puts the rows of `daily_sessions` together, one for each session, in the order of their ids.
///
/// Most sessions have one row, which is taken as it is.
pub(super) async fn load(engine: &Engine) -> Result<Uses, SessionsError> {
    let name = LakeTable::DailySessions.name();
    let rows = engine
        .query(name, "SELECT * EXCEPT (day) FROM daily_sessions", &[])
        .await?;
    let (schema, mut batches) = rows.collect_all().await?;
    let (mut single, several) = by_session(&batches)?;
    if !several.is_empty() {
        let all: Vec<&RecordBatch> = batches.iter().collect();
        let partial = interleave_record_batch(&all, &several)?;
        engine.register_batches("partial_uses", partial.schema(), vec![partial])?;
        let (_, merged) = ask(engine, "merged_uses", &[]).await?;
        let from = batches.len();
        // Columns are found by their names, and in each batch at the same place.
        let merged = merged.iter().map(|batch| align(batch, &schema));
        batches.extend(merged.collect::<Result<Vec<_>, _>>()?);
        let new = batches.iter().enumerate().skip(from);
        single.extend(new.flat_map(|(at, batch)| (0..batch.num_rows()).map(move |row| (at, row))));
    }
    let ids = session_ids(&batches)?;
    single.sort_unstable_by(|a, b| compare(&ids, *a, *b));
    Ok(Uses::new(&Frame::new(schema, batches).in_order(single))?)
}

/// Rows that have a session of their own, and those that share one with others, each as batch and row.
type Rows = (Vec<(usize, usize)>, Vec<(usize, usize)>);

fn by_session(batches: &[RecordBatch]) -> Result<Rows, SessionsError> {
    let ids = session_ids(batches)?;
    let places = ids.iter().enumerate();
    let mut rows: Vec<(usize, usize)> = places
        .flat_map(|(at, ids)| (0..ids.len()).map(move |row| (at, row)))
        .collect();
    rows.sort_unstable_by(|a, b| compare(&ids, *a, *b).then(a.cmp(b)));
    let (mut single, mut several) = (Vec::with_capacity(rows.len()), Vec::new());
    for session in rows.chunk_by(|a, b| compare(&ids, *a, *b) == Ordering::Equal) {
        match session {
            [row] => single.push(*row),
            rows => several.extend_from_slice(rows),
        }
    }
    Ok((single, several))
}

fn session_ids(batches: &[RecordBatch]) -> Result<Vec<StringViewArray>, SessionsError> {
    let ids = |batch: &RecordBatch| {
        let column = batch.column_by_name("session_id");
        let column = column.ok_or_else(|| missing("session_id"))?;
        Ok(cast(column, &DataType::Utf8View)?.as_string_view().clone())
    };
    batches.iter().map(ids).collect()
}

fn compare(ids: &[StringViewArray], a: (usize, usize), b: (usize, usize)) -> Ordering {
    let id = |(at, row): (usize, usize)| {
        let ids = ids.get(at)?;
        (row < ids.len()).then(|| ids.value(row))
    };
    id(a).cmp(&id(b))
}

fn missing(what: &str) -> ArrowError {
    ArrowError::SchemaError(format!("there is no `{what}`"))
}
