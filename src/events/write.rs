//! Writes kept rows as sorted Parquet files, one per UTC day.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::{AsArray as _, RecordBatch};
use arrow::compute::interleave_record_batch;
use arrow::datatypes::TimestampMicrosecondType;
use chrono::{DateTime, NaiveDate};

use super::EventsError;
use super::copies::{RowRef, Rows};
use super::schema::EVENTS_LAYOUT;
use crate::lake::{DataFile, LakeTable, TableWriter, WriteGuard};

/// Rows gathered at once: small enough that the gathered text stays in the cache.
const SLICE_ROWS: usize = 16_384;

/// Writes `keep` in the order of (`event_time`, `event_id`), each day to a file of its own.
pub fn write_events(
    guard: &WriteGuard<'_>,
    rows: Rows<'_>,
    keep: &[RowRef],
) -> Result<Vec<DataFile>, EventsError> {
    let mut files = Vec::new();
    for (date, mut day) in by_day(rows, keep) {
        day.sort_unstable_by(|(a_time, a), (b_time, b)| {
            a_time
                .cmp(b_time)
                .then_with(|| rows.event_id(*a).cmp(rows.event_id(*b)))
        });
        let batches: Vec<&RecordBatch> = rows.batches().iter().collect();
        let Some(first) = batches.first() else {
            continue;
        };
        let mut writer = TableWriter::create(
            guard,
            LakeTable::Events,
            Some(date),
            Arc::clone(first.schema_ref()),
            EVENTS_LAYOUT,
        )?;
        for slice in day.chunks(SLICE_ROWS) {
            let indices: Vec<_> = slice.iter().map(|(_, at)| (at.batch, at.row)).collect();
            writer.write(&interleave_record_batch(&batches, &indices)?)?;
        }
        files.push(writer.finish()?);
    }
    Ok(files)
}

fn by_day(rows: Rows<'_>, keep: &[RowRef]) -> BTreeMap<NaiveDate, Vec<(i64, RowRef)>> {
    let times: Vec<_> = rows
        .batches()
        .iter()
        .map(|batch| {
            batch
                .column_by_name("event_time")
                .and_then(|times| times.as_primitive_opt::<TimestampMicrosecondType>())
        })
        .collect();
    let mut days: BTreeMap<NaiveDate, Vec<(i64, RowRef)>> = BTreeMap::new();
    for &at in keep {
        let time = times
            .get(at.batch)
            .copied()
            .flatten()
            .map_or(0, |times| times.value(at.row));
        days.entry(day_of(time)).or_default().push((time, at));
    }
    days
}

/// The UTC day of a time in microseconds since 1970.
pub fn day_of(micros: i64) -> NaiveDate {
    DateTime::from_timestamp_micros(micros)
        .map(|time| time.date_naive())
        .unwrap_or_default()
}
