//! Writes kept rows as sorted Parquet files, one per UTC day.

use std::collections::BTreeMap;

use arrow::array::{Array, RecordBatch, new_null_array};
use arrow::compute::interleave;
use chrono::{DateTime, NaiveDate};

use super::EventsError;
use super::copies::{RowRef, Rows};
use super::schema::EVENTS_LAYOUT;
use crate::lake::{ColumnFile, DataFile, LakeTable, ROW_GROUP_ROWS, WriteGuard};

/// Microseconds of a day.
const DAY_MICROS: i64 = 86_400_000_000;

/// Writes `keep` in the order of (`event_time`, `event_id`), each day to a file of its own, on `threads` threads.
pub fn write_events(
    guard: &WriteGuard<'_>,
    rows: &Rows<'_>,
    keep: &[RowRef],
    threads: usize,
) -> Result<Vec<DataFile>, EventsError> {
    let Some(first) = rows.batches().first() else {
        return Ok(Vec::new());
    };
    let columns: Vec<Arrays<'_>> = (0..first.num_columns())
        .map(|at| arrays(rows.batches(), at))
        .collect();
    let mut files = Vec::new();
    for (date, mut day) in by_day(rows, keep) {
        day.sort_unstable_by(|(a_order, a), (b_order, b)| {
            a_order
                .cmp(b_order)
                .then_with(|| rows.event_id(*a).cmp(rows.event_id(*b)))
        });
        let times = day.first().zip(day.last());
        let places: Vec<(usize, usize)> = day.iter().map(|(_, at)| (at.batch, at.row)).collect();
        let (table, schema) = (LakeTable::Events, first.schema());
        let mut file = ColumnFile::create(guard, table, Some(date), schema, EVENTS_LAYOUT)?;
        for places in places.chunks(ROW_GROUP_ROWS) {
            file.write(places.len(), threads, &|column| {
                let mut left = places;
                let (arrays, field) = (columns.get(column), first.schema_ref().field(column));
                Ok(Box::new(move |count| {
                    let (places, rest) = left.split_at(count.min(left.len()));
                    left = rest;
                    match arrays {
                        Some(Arrays::Filled(arrays)) => Ok(interleave(arrays, places)?),
                        _ => Ok(new_null_array(field.data_type(), places.len())),
                    }
                }))
            })?;
        }
        files.push(file.finish(times.map(|(((first, _), _), ((last, _), _))| (*first, *last)))?);
    }
    Ok(files)
}

/// A column of several batches.
enum Arrays<'a> {
    /// None of them holds a value, as of the many columns that few events fill.
    Empty,
    Filled(Vec<&'a dyn Array>),
}

fn arrays(batches: &[RecordBatch], column: usize) -> Arrays<'_> {
    let arrays = batches
        .iter()
        .filter_map(|batch| batch.columns().get(column));
    let arrays: Vec<&dyn Array> = arrays.map(|array| &**array).collect();
    if arrays.iter().all(|array| array.null_count() == array.len()) {
        Arrays::Empty
    } else {
        Arrays::Filled(arrays)
    }
}

/// A row's time, and the first bytes of its id, which tell nearly all events of a second apart without a look at the rows.
type Order = (i64, [u8; 8]);

fn by_day(rows: &Rows<'_>, keep: &[RowRef]) -> BTreeMap<NaiveDate, Vec<(Order, RowRef)>> {
    let mut days: BTreeMap<i64, Vec<(Order, RowRef)>> = BTreeMap::new();
    for &at in keep {
        let (time, id) = (rows.event_time(at), rows.event_id(at).as_bytes());
        let mut head = [0; 8];
        head.iter_mut().zip(id).for_each(|(to, from)| *to = *from);
        let day = days.entry(time.div_euclid(DAY_MICROS)).or_default();
        day.push(((time, head), at));
    }
    let dated = days.into_iter();
    dated
        .map(|(day, rows)| (day_of(day.saturating_mul(DAY_MICROS)), rows))
        .collect()
}

/// The UTC day of a time in microseconds since 1970.
pub fn day_of(micros: i64) -> NaiveDate {
    DateTime::from_timestamp_micros(micros)
        .map(|time| time.date_naive())
        .unwrap_or_default()
}
