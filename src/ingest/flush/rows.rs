//! The rows of `duplicates` and `rejected`.

use super::super::lake_copies::take_out;
use super::super::write::write_rows;
use super::Flush;
use crate::decode::{RAW_LIMIT, Reason};
use crate::events::{Conflict, DUPLICATES, Duplicate, EventsError, REJECTED};
use crate::lake::{Draft, LakeTable, RowBuilder, text_at};

/// Writes the further copies of events, by event and place.
pub(super) fn write_duplicates(
    draft: &mut Draft<'_>,
    mut duplicates: Vec<Duplicate>,
) -> Result<(), EventsError> {
    duplicates.sort_by(|a, b| (&a.event_id, &a.place).cmp(&(&b.event_id, &b.place)));
    let mut rows = RowBuilder::new(DUPLICATES);
    for duplicate in &duplicates {
        let Duplicate {
            event_id,
            event_time,
            place,
        } = duplicate;
        rows.row()
            .text("event_id", Some(event_id))
            .text("log_file_key", Some(&place.log_file_key))
            .int("log_record_index", Some(place.log_record_index))
            .time("event_time", Some(*event_time));
    }
    write_rows(draft, LakeTable::Duplicates, rows)
}

impl Flush {
    /// Writes the rejections that are held, and takes out those of files that can be read now.
    pub(super) fn write_rejected(&mut self, draft: &mut Draft<'_>) -> Result<(), EventsError> {
        let whole = std::mem::take(&mut self.rejected_whole);
        let readable = std::mem::take(&mut self.readable);
        if !whole.is_empty() || !readable.is_empty() {
            take_out(draft, LakeTable::Rejected, &mut |batch, row| {
                let text = |name| text_at(batch.column_by_name(name)?, row);
                let index = batch.column_by_name("log_record_index");
                index.is_some_and(|index| index.is_null(row))
                    && text("log_file_key").is_some_and(|key| {
                        whole.contains(key)
                            || (readable.contains(key)
                                && text("reason") == Some(Reason::Unreadable.code()))
                    })
            })?;
        }
        let mut rejected = std::mem::take(&mut self.rejected);
        rejected.sort_by(|(a, left), (b, right)| (a, left.index).cmp(&(b, right.index)));
        let mut rows = RowBuilder::new(REJECTED);
        let now = Some(self.now.timestamp_micros());
        for (key, rejected) in &rejected {
            let signed = |count: u64| i64::try_from(count).ok();
            rows.row()
                .text("log_file_key", Some(key))
                .int("log_record_index", rejected.index.and_then(signed))
                .int("byte_offset", rejected.byte_offset.and_then(signed))
                .text("reason", Some(rejected.reason.code()))
                .text("detail", Some(&rejected.detail))
                .text("raw", rejected.raw.as_ref())
                .text("event_id", None::<&str>)
                .text("record", None::<&str>)
                .time("ingested_at", now);
        }
        for Conflict {
            event_id,
            place,
            record,
        } in std::mem::take(&mut self.conflicts)
        {
            let cut = record.floor_char_boundary(RAW_LIMIT);
            rows.row()
                .text("log_file_key", Some(&place.log_file_key))
                .int("log_record_index", Some(place.log_record_index))
                .int("byte_offset", None)
                .text("reason", Some(Reason::ConflictingDuplicate.code()))
                // Which record is kept may change with a later run; `events` tells it at any time.
                .text(
                    "detail",
                    Some("another record with the same event id and other content is kept"),
                )
                .text("raw", record.get(..cut))
                .text("event_id", Some(&event_id))
                .text("record", Some(&record))
                .time("ingested_at", now);
        }
        write_rows(draft, LakeTable::Rejected, rows)
    }
}
