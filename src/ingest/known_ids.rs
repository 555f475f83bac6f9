//! Notices an id that stands in the lake at two times, in memory that does not grow with the lake.
//!
//! Copies of an event have its time, and are found there. A record with the id of another one and another time is a
//! conflict all the same. The table `event_ids` holds every id as a number, in sorted files: those of the events that are
//! to be committed are held against them in one pass.

use std::collections::HashSet;

use arrow::array::AsArray as _;
use arrow::datatypes::Int64Type;
use twox_hash::XxHash64;

use super::write::write_rows;
use crate::events::{EVENT_IDS, EventsError};
use crate::lake::{DataFile, Draft, LakeTable, RowBuilder, read_columns, text_at};

/// Numbers that are sorted at once.
const CHUNK: usize = 4_000_000;

/// An id as a number that says nearly as much: of a hundred million ids and a million new ones hardly ever two agree by chance.
fn number(id: &str) -> i64 {
    i64::try_from(XxHash64::oneshot(0, id.as_bytes()) >> 8).unwrap_or_default()
}

/// The ids that a run adds to the lake.
#[derive(Default)]
pub(super) struct KnownIds {
    /// Those that are not in the table yet.
    fresh: Vec<i64>,
    /// Those of events that were taken out of the lake and may come back before the commit.
    taken_back: HashSet<i64>,
    /// Those that stand in the table more than once.
    seen: HashSet<i64>,
    is_complete: bool,
}

impl KnownIds {
    /// Notes a row that will be part of the lake.
    pub(super) fn add(&mut self, id: &str) {
        let number = number(id);
        if !self.taken_back.remove(&number) {
            self.fresh.push(number);
        }
    }

    /// Notes that the event is taken out of the lake; where it comes back, it is nothing new.
    pub(super) fn take_back(&mut self, id: &str) {
        self.taken_back.insert(number(id));
    }

    /// How many ids are not in the table yet.
    pub(super) fn len(&self) -> usize {
        self.fresh.len()
    }

    /// Holds the new ids against all others, and makes them part of the table.
    pub(super) fn compare(&mut self, draft: &mut Draft<'_>) -> Result<(), EventsError> {
        if self.fresh.is_empty() {
            return Ok(());
        }
        self.complete(draft)?;
        self.fresh.sort_unstable();
        let twice = self
            .fresh
            .windows(2)
            .filter(|pair| pair.first() == pair.last());
        self.seen.extend(twice.filter_map(|pair| pair.first()));
        self.fresh.dedup();
        for file in draft.files(LakeTable::EventIds) {
            let mut fresh = self.fresh.as_slice();
            for_numbers(draft, &file, &mut |known| {
                let behind = fresh.iter().take_while(|new| **new < known).count();
                fresh = fresh.get(behind..).unwrap_or_default();
                if fresh.first() == Some(&known) {
                    self.seen.insert(known);
                }
            })?;
        }
        write_numbers(draft, &self.fresh)?;
        self.fresh.clear();
        Ok(())
    }

    /// The ids of new rows that another row of the lake seems to have as well, before the commit.
    pub(super) fn suspects(
        &mut self,
        draft: &mut Draft<'_>,
    ) -> Result<HashSet<String>, EventsError> {
        self.compare(draft)?;
        self.taken_back.clear();
        let seen = std::mem::take(&mut self.seen);
        let mut ids = HashSet::new();
        if seen.is_empty() {
            return Ok(ids);
        }
        // The rows that are not committed yet tell the ids themselves.
        for file in draft.added(LakeTable::Events) {
            for_ids(draft, &file, &mut |id| {
                if seen.contains(&number(id)) {
                    ids.insert(id.to_owned());
                }
            })?;
        }
        Ok(ids)
    }

    /// Writes the ids of a lake that an older version of rolecall wrote, once.
    fn complete(&mut self, draft: &mut Draft<'_>) -> Result<(), EventsError> {
        if std::mem::replace(&mut self.is_complete, true) {
            return Ok(());
        }
        let base = draft.base();
        if base.rows(LakeTable::EventIds) >= base.rows(LakeTable::Events) {
            return Ok(());
        }
        for old in draft.files(LakeTable::EventIds) {
            draft.replace(LakeTable::EventIds, &old, None);
        }
        let mut numbers = Vec::new();
        for file in draft.base().files(LakeTable::Events).to_vec() {
            for_ids(draft, &file, &mut |id| numbers.push(number(id)))?;
            if numbers.len() >= CHUNK {
                numbers.sort_unstable();
                write_numbers(draft, &numbers)?;
                numbers.clear();
            }
        }
        numbers.sort_unstable();
        write_numbers(draft, &numbers)
    }
}

fn write_numbers(draft: &mut Draft<'_>, numbers: &[i64]) -> Result<(), EventsError> {
    let mut rows = RowBuilder::new(EVENT_IDS);
    for number in numbers {
        rows.row().int("event_id_hash", Some(*number));
    }
    write_rows(draft, LakeTable::EventIds, rows)
}

fn for_numbers(
    draft: &Draft<'_>,
    file: &DataFile,
    take: &mut dyn FnMut(i64),
) -> Result<(), EventsError> {
    for batch in read_columns(draft.guard().store(), file, None)? {
        let batch = batch?;
        let numbers = batch.column_by_name("event_id_hash");
        let numbers = numbers.and_then(|numbers| numbers.as_primitive_opt::<Int64Type>());
        for number in numbers
            .map(|numbers| numbers.values().as_ref())
            .unwrap_or_default()
        {
            take(*number);
        }
    }
    Ok(())
}

fn for_ids(
    draft: &Draft<'_>,
    file: &DataFile,
    take: &mut dyn FnMut(&str),
) -> Result<(), EventsError> {
    for batch in read_columns(draft.guard().store(), file, Some(&["event_id"]))? {
        let batch = batch?;
        let Some(ids) = batch.column_by_name("event_id") else {
            continue;
        };
        for row in 0..batch.num_rows() {
            if let Some(id) = text_at(ids, row) {
                take(id);
            }
        }
    }
    Ok(())
}
