//! What becomes of rows whose event the lake has already, as far as both say the same.

use std::collections::HashSet;

use arrow::array::RecordBatch;

use hashbrown::HashMap;

use super::lake_copies::{RowsOfFiles, find_events_in, load_rows};
use crate::events::{Copies, Duplicate, EventsError, Place, RowRef, Rows};
use crate::lake::{DataFile, Draft, Times, Wanted};

/// What comes of meeting the rows that are in the lake already.
#[derive(Default)]
pub(super) struct Meeting {
    /// Rows held whose event the lake has, from a smaller place, with the same content.
    pub(super) duplicates: Vec<Duplicate>,
    /// Rows of the lake that give way to a smaller place with the same content.
    pub(super) displaced: Vec<Duplicate>,
    pub(super) displaced_rows: RowsOfFiles,
    /// Events with different contents.
    pub(super) disputed: HashSet<String>,
}

/// Compares the rows of `batches` with the rows of the same events in the lake.
///
/// A copy has the same time as the event; an id that stands in the lake at another time is noticed before the commit.
pub(super) fn meet_lake(
    draft: &Draft<'_>,
    batches: &[RecordBatch],
    groups: &HashMap<&str, Copies>,
) -> Result<Meeting, EventsError> {
    let mut meeting = Meeting::default();
    let held = Rows::new(batches);
    let copies = groups.iter().flat_map(|(id, copies)| {
        let held = &held;
        copies.iter().map(move |at| (held.event_time(at), *id))
    });
    let mut wanted: Vec<Wanted<'_>> = copies.collect();
    wanted.sort_unstable();
    let hits = find_events_in(draft, &wanted, Times::Same)?;
    if hits.is_empty() {
        return Ok(meeting);
    }
    let loaded = load_rows(draft, &hits)?;
    // The rows held first, so that their references stay good; the lake's rows behind them.
    let mut all = batches.to_vec();
    all.extend(loaded.iter().map(|(batch, ..)| batch.clone()));
    let rows = Rows::new(&all);
    let mut displaced: Vec<(&str, &DataFile, u64)> = Vec::new();
    for (at, (batch, file, positions)) in loaded.iter().enumerate() {
        for row in 0..batch.num_rows() {
            let kept = RowRef {
                batch: batches.len() + at,
                row,
            };
            let event_id = rows.event_id(kept);
            let Some(copies) = groups.get(event_id) else {
                continue;
            };
            if !copies.iter().all(|copy| rows.same_content(kept, copy)) {
                meeting.disputed.insert(event_id.to_owned());
                continue;
            }
            let places: Vec<Place> = copies.iter().map(|copy| rows.place(copy)).collect();
            let place = rows.place(kept);
            if places.iter().all(|other| place < *other) {
                meeting
                    .duplicates
                    .extend(places.into_iter().map(|place| Duplicate {
                        event_id: event_id.to_owned(),
                        event_time: rows.event_time(kept),
                        place,
                    }));
            } else {
                meeting.displaced.push(Duplicate {
                    event_id: event_id.to_owned(),
                    event_time: rows.event_time(kept),
                    place,
                });
                if let Some(position) = positions.get(row) {
                    displaced.push((event_id, file, *position));
                }
            }
        }
    }
    // One id may stand in the lake at two times until the commit: what agrees with one of them and not with the other is
    // settled with all of them.
    let disputed = &meeting.disputed;
    meeting
        .duplicates
        .retain(|copy| !disputed.contains(&copy.event_id));
    meeting
        .displaced
        .retain(|copy| !disputed.contains(&copy.event_id));
    for (id, file, position) in displaced {
        if !disputed.contains(id) {
            let of_file = meeting
                .displaced_rows
                .entry(file.path.clone())
                .or_insert_with(|| (file.clone(), Vec::new()));
            of_file.1.push(position);
        }
    }
    Ok(meeting)
}
