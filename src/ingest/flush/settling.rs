//! Settles what was read against itself and the lake, and counts what became of each record.

use std::collections::HashSet;

use arrow::array::RecordBatch;

use super::super::books::Tally;
use super::super::lake_copies::drop_rows;
use super::super::meeting::meet_lake;
use super::Flush;
use crate::decode::Reason;
use crate::events::{Copies, EventsError, Rows, Settled, by_event, settle};
use crate::lake::Draft;

impl Flush {
    /// Settles the rows held against each other and against the lake.
    pub(super) fn settle(
        &mut self,
        draft: &mut Draft<'_>,
        batches: &mut Vec<RecordBatch>,
    ) -> Result<Settled, EventsError> {
        let mut settled = Settled::default();
        let mut groups = by_event(&Rows::new(batches));
        let meeting = meet_lake(draft, batches, &groups)?;
        for duplicate in &meeting.duplicates {
            let tally = Tally {
                duplicates: 1,
                ..Tally::default()
            };
            self.add_tally(&duplicate.place.log_file_key, tally);
        }
        for displaced in &meeting.displaced {
            let tally = Tally {
                events: -1,
                duplicates: 1,
                rejected: 0,
            };
            self.add_tally(&displaced.place.log_file_key, tally);
        }
        for duplicate in &meeting.duplicates {
            groups.remove(duplicate.event_id.as_str());
        }
        let mut groups: Vec<Copies> = groups.into_values().collect();
        for displaced in &meeting.displaced {
            self.ids.displace(&displaced.event_id, displaced.event_time);
        }
        drop_rows(draft, &meeting.displaced_rows)?;
        if !meeting.disputed.is_empty() {
            batches.extend(self.take_back(draft, &meeting.disputed)?);
            let decided: HashSet<&str> = meeting
                .duplicates
                .iter()
                .map(|duplicate| duplicate.event_id.as_str())
                .collect();
            let mut all = by_event(&Rows::new(batches));
            all.retain(|id, _| !decided.contains(id));
            groups = all.into_values().collect();
        }
        settled.duplicates.extend(meeting.duplicates);
        settled.duplicates.extend(meeting.displaced);

        let rows = Rows::new(batches);
        let from = settled.duplicates.len();
        // Rows of one log file stay together, which makes gathering them faster.
        groups.sort_unstable_by_key(|copies| (copies.first.batch, copies.first.row));
        for copies in &groups {
            settle(&rows, copies, &mut settled);
        }
        // Rows of one log file follow each other.
        let of_files = settled
            .keep
            .chunk_by(|a, b| rows.log_file_key(*a) == rows.log_file_key(*b));
        for kept in of_files {
            let tally = Tally {
                events: i64::try_from(kept.len()).unwrap_or(i64::MAX),
                ..Tally::default()
            };
            let key = kept.first().map_or("", |at| rows.log_file_key(*at));
            self.add_tally(key, tally);
            for at in kept {
                self.ids.add(rows.event_id(*at), rows.event_time(*at));
            }
        }
        for duplicate in settled.duplicates.iter().skip(from) {
            let tally = Tally {
                duplicates: 1,
                ..Tally::default()
            };
            self.add_tally(&duplicate.place.log_file_key, tally);
        }
        for conflict in &settled.conflicts {
            self.books.count_reason(Reason::ConflictingDuplicate);
            let tally = Tally {
                rejected: 1,
                ..Tally::default()
            };
            self.add_tally(&conflict.place.log_file_key, tally);
        }
        Ok(settled)
    }
}
