//! The sessions in use: the rows of their days, put together where a session was in use on several.

use std::cmp::Ordering;

use arrow::array::{Array as _, AsArray as _, RecordBatch, StringViewArray};
use arrow::compute::{cast, interleave_record_batch};
use arrow::datatypes::{DataType, SchemaRef};
use arrow::error::ArrowError;

use super::SessionsError;
use super::columns::Uses;
use super::facts::ask;
use super::frame::Frame;
use crate::engine::{Engine, EngineLimits, align};
use crate::lake::LakeTable;

/// Puts the rows of `daily_sessions` together, one for each session, in the order of their ids.
///
/// Most sessions have one row, which is taken as it is.
pub(super) async fn load(engine: &Engine, limits: EngineLimits) -> Result<Uses, SessionsError> {
    let name = LakeTable::DailySessions.name();
    let rows = engine
        .query(name, "SELECT * EXCEPT (day) FROM daily_sessions", &[])
        .await?;
    let (schema, batches) = rows.collect_all().await?;
    put_together(schema, batches, limits).await
}

/// Puts rows of `daily_sessions` together, all of each session.
pub(super) async fn put_together(
    schema: SchemaRef,
    mut batches: Vec<RecordBatch>,
    limits: EngineLimits,
) -> Result<Uses, SessionsError> {
    let (mut single, several) = by_session(&batches)?;
    let from = batches.len();
    for some in several.chunks(MERGED_AT_ONCE) {
        let merged = merged(batches.get(..from).unwrap_or_default(), some, limits).await?;
        // Columns are found by their names, and in each batch at the same place.
        let merged = merged.iter().map(|batch| align(batch, &schema));
        batches.extend(merged.collect::<Result<Vec<_>, _>>()?);
    }
    let new = batches.iter().enumerate().skip(from);
    single.extend(new.flat_map(|(at, batch)| (0..batch.num_rows()).map(move |row| (at, row))));
    let ids = session_ids(&batches)?;
    single.sort_unstable_by(|a, b| compare(&ids, *a, *b));
    Ok(Uses::new(&Frame::new(schema, batches).in_order(single))?)
}

/// Sessions of several days that are put together in one go.
const MERGED_AT_ONCE: usize = 4096;

/// A row, as batch and row.
type Row = (usize, usize);
/// Rows that have a session of their own, and for each of the other sessions its rows.
type Rows = (Vec<Row>, Vec<Vec<Row>>);

/// Puts the rows of each of these sessions together; of half of them at a time where they are too many for the memory.
async fn merged(
    batches: &[RecordBatch],
    sessions: &[Vec<Row>],
    limits: EngineLimits,
) -> Result<Vec<RecordBatch>, SessionsError> {
    let rows: Vec<Row> = sessions.iter().flatten().copied().collect();
    let all: Vec<&RecordBatch> = batches.iter().collect();
    let partial = interleave_record_batch(&all, &rows)?;
    let engine = Engine::open(limits)?;
    engine.register_batches("partial_uses", partial.schema(), vec![partial])?;
    match ask(&engine, "merged_uses", &[]).await {
        Err(SessionsError::Engine(error)) if error.is_out_of_memory() && sessions.len() > 1 => {
            let (some, others) = sessions.split_at(sessions.len() / 2);
            let mut found = Box::pin(merged(batches, some, limits)).await?;
            found.extend(Box::pin(merged(batches, others, limits)).await?);
            Ok(found)
        }
        answer => Ok(answer?.1),
    }
}

fn by_session(batches: &[RecordBatch]) -> Result<Rows, SessionsError> {
    let ids = session_ids(batches)?;
    let places = ids.iter().enumerate();
    let mut rows: Vec<Row> = places
        .flat_map(|(at, ids)| (0..ids.len()).map(move |row| (at, row)))
        .collect();
    rows.sort_unstable_by(|a, b| compare(&ids, *a, *b).then(a.cmp(b)));
    let (mut single, mut several) = (Vec::with_capacity(rows.len()), Vec::new());
    for session in rows.chunk_by(|a, b| compare(&ids, *a, *b) == Ordering::Equal) {
        match session {
            [row] => single.push(*row),
            rows => several.push(rows.to_vec()),
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
