//! The sessions in use: asked day by day, so that memory depends on a day's sessions, and put together where a session
//! was in use on several.

use std::cmp::Ordering;
use std::ops::Range;

use arrow::array::{Array as _, AsArray as _, RecordBatch, StringViewArray};
use arrow::compute::{cast, interleave_record_batch};
use arrow::datatypes::{DataType, SchemaRef};
use arrow::error::ArrowError;
use datafusion::scalar::ScalarValue;

use super::SessionsError;
use super::columns::Uses;
use super::facts::{ask, open};
use super::frame::Frame;
use crate::engine::{Engine, EngineLimits};
use crate::lake::{Days, LakeTable, Manifest, Store, days_together};

/// Days are asked about together up to so many events.
const EVENTS_AT_ONCE: u64 = 1_000_000;
/// A day whose sessions are too many at once is asked about in so many parts, and each of them again.
const PARTS: u32 = 16;
/// As often as that; then each part has some thousandth of a day's sessions.
const MOST_SPLITS: u32 = 3;

type Batches = (SchemaRef, Vec<RecordBatch>);

/// The sessions of all events.
pub(super) async fn load(
    store: &Store,
    manifest: &Manifest,
    limits: EngineLimits,
) -> Result<Uses, SessionsError> {
    let mut parts = days_together(manifest.files(LakeTable::Events), EVENTS_AT_ONCE);
    if parts.is_empty() {
        parts.push(Days::default());
    }
    let mut found: Option<Batches> = None;
    for part in parts {
        let of_all = SessionIds(0..1 << 32);
        let (schema, batches) = uses_of(store, &part, limits, of_all, MOST_SPLITS).await?;
        let (_, all) = found.get_or_insert((schema, Vec::new()));
        all.extend(batches);
    }
    let (schema, mut batches) = found.ok_or_else(|| missing("answer"))?;
    let (mut single, several) = by_session(&batches)?;
    if !several.is_empty() {
        let all: Vec<&RecordBatch> = batches.iter().collect();
        let partial = interleave_record_batch(&all, &several)?;
        let engine = Engine::open(limits)?;
        engine.register_batches("partial_uses", partial.schema(), vec![partial])?;
        let (_, merged) = ask(&engine, "merged_uses").await?;
        let from = batches.len();
        batches.extend(merged);
        let new = batches.iter().enumerate().skip(from);
        single.extend(new.flat_map(|(at, batch)| (0..batch.num_rows()).map(move |row| (at, row))));
    }
    let ids = session_ids(&batches)?;
    single.sort_unstable_by(|a, b| compare(&ids, *a, *b));
    Ok(Uses::new(&Frame::new(schema, batches).in_order(single))?)
}

/// Session ids by their first eight digits, as a range of numbers.
#[derive(Debug, Clone)]
struct SessionIds(Range<u64>);

impl SessionIds {
    fn split(&self) -> impl Iterator<Item = Self> {
        let Range { start, end } = self.0;
        let step = (end - start).div_ceil(u64::from(PARTS));
        let parts = (0..u64::from(PARTS)).map(move |at| start + at * step);
        parts.map(move |from| Self(from..(from + step).min(end)))
    }

    /// From this text on, and below that one.
    fn bounds(&self) -> [(&'static str, ScalarValue); 2] {
        // Behind the last of the digits stands `g`.
        let text = |at: u64| match u32::try_from(at) {
            Ok(at) => format!("{at:08x}"),
            Err(_) => "g".to_owned(),
        };
        [("from", text(self.0.start)), ("until", text(self.0.end))]
            .map(|(name, text)| (name, ScalarValue::from(text)))
    }
}

/// The sessions of some days, whose ids are in a range; in parts where they are too many for the memory.
async fn uses_of(
    store: &Store,
    part: &Days,
    limits: EngineLimits,
    ids: SessionIds,
    splits: u32,
) -> Result<Batches, SessionsError> {
    let engine = open(store, &part.files, limits)?;
    if splits < MOST_SPLITS {
        let name = LakeTable::Events.name();
        let sql = "SELECT * FROM events WHERE session_id >= $from AND session_id < $until";
        let some = engine.query(name, sql, &ids.bounds()).await?;
        engine.replace_by_answer(name, some)?;
    }
    match ask(&engine, "session_uses").await {
        Err(SessionsError::Engine(error)) if error.is_out_of_memory() && splits > 0 => {
            let mut found: Option<Batches> = None;
            for ids in ids.split() {
                let some = Box::pin(uses_of(store, part, limits, ids, splits - 1)).await?;
                let (_, all) = found.get_or_insert((some.0, Vec::new()));
                all.extend(some.1);
            }
            found.ok_or(SessionsError::Engine(error))
        }
        answer => answer,
    }
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
