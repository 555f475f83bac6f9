//! The rows of `log_files`: written when a file is done, adjusted when a later copy changes a verdict.

use std::collections::HashMap;

use arrow::array::{AsArray as _, Int64Array, RecordBatch};
use arrow::datatypes::{Int64Type, TimestampMicrosecondType};
use chrono::{DateTime, Utc};

use super::books::Tally;
use super::lake_copies::take_out;
use super::read::FileDone;
use super::write::write_rows;
use crate::events::{EventsError, LOG_FILES};
use crate::lake::{Draft, LakeTable, RowBuilder, text_at};

/// Writes a row for each file that is done, with what became of its records.
pub(super) fn write_log_files(
    draft: &mut Draft<'_>,
    done: &[FileDone],
    tallies: &mut HashMap<String, Tally>,
    now: DateTime<Utc>,
) -> Result<(), EventsError> {
    let mut done: Vec<&FileDone> = done.iter().collect();
    done.sort_by(|a, b| a.file.key.cmp(&b.file.key));
    let mut rows = RowBuilder::new(LOG_FILES);
    for done in done {
        let tally = tallies.remove(&done.file.key).unwrap_or_default();
        rows.row()
            .text("log_file_key", Some(&done.file.key))
            .text("source_uri", Some(&done.file.uri))
            .text("kind", Some(done.kind))
            .count("size", done.file.size)
            .text("content_hash", done.content_hash.as_ref())
            .text("etag", done.file.etag.as_ref())
            .count("records", done.records)
            .int("events", Some(tally.events))
            .int("duplicates", Some(tally.duplicates))
            .int("rejected", Some(tally.rejected))
            .time("first_event_time", done.first_event_time)
            .time("last_event_time", done.last_event_time)
            .time("ingested_at", Some(now.timestamp_micros()));
    }
    write_rows(draft, LakeTable::LogFiles, rows)
}

/// Adds what is left in `tallies` to the rows of files that were done before, and notes what S3 says of their content now.
pub(super) fn adjust_log_files(
    draft: &mut Draft<'_>,
    tallies: &mut HashMap<String, Tally>,
    etags: &mut HashMap<String, String>,
) -> Result<(), EventsError> {
    let etags = std::mem::take(etags);
    let mut changes = std::mem::take(tallies);
    changes.retain(|_, tally| !tally.is_zero());
    if changes.is_empty() && etags.is_empty() {
        return Ok(());
    }
    let mut rows = RowBuilder::new(LOG_FILES);
    take_out(draft, LakeTable::LogFiles, &mut |batch, row| {
        let key = batch
            .column_by_name("log_file_key")
            .and_then(|keys| text_at(keys, row));
        let (tally, etag) = (
            key.and_then(|key| changes.get(key)),
            key.and_then(|key| etags.get(key)),
        );
        let is_changed = tally.is_some() || etag.is_some();
        if is_changed {
            let tally = tally.copied().unwrap_or_default();
            copy_row(&mut rows, batch, row, tally, etag.map(String::as_str));
        }
        is_changed
    })?;
    write_rows(draft, LakeTable::LogFiles, rows)
}

fn copy_row(
    rows: &mut RowBuilder,
    batch: &RecordBatch,
    row: usize,
    tally: Tally,
    etag: Option<&str>,
) {
    let text = |name| {
        batch
            .column_by_name(name)
            .and_then(|column| text_at(column, row))
    };
    let int = |name: &str| {
        let column: &Int64Array = batch
            .column_by_name(name)?
            .as_primitive_opt::<Int64Type>()?;
        column.iter().nth(row).flatten()
    };
    let time = |name: &str| {
        let column = batch
            .column_by_name(name)?
            .as_primitive_opt::<TimestampMicrosecondType>()?;
        column.iter().nth(row).flatten()
    };
    let plus = |name, change: i64| int(name).map(|count| count + change);
    rows.row()
        .text("log_file_key", text("log_file_key"))
        .text("source_uri", text("source_uri"))
        .text("kind", text("kind"))
        .int("size", int("size"))
        .text("content_hash", text("content_hash"))
        .text("etag", etag.or_else(|| text("etag")))
        .int("records", int("records"))
        .int("events", plus("events", tally.events))
        .int("duplicates", plus("duplicates", tally.duplicates))
        .int("rejected", plus("rejected", tally.rejected))
        .time("first_event_time", time("first_event_time"))
        .time("last_event_time", time("last_event_time"))
        .time("ingested_at", time("ingested_at"));
}
