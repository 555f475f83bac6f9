//! Notices an id that stands in the lake at two times, in memory that does not grow with the lake.
//!
//! Copies of an event have its time, and are found there. A record with the id of another one and another time is a
//! conflict all the same. The table `event_ids` holds every id as a number, in sorted files: those of the events that are
//! to be committed are held against them in one pass.

use std::collections::{HashMap, HashSet};

use arrow::array::{Array as _, AsArray as _};
use arrow::datatypes::Int64Type;
use chrono::NaiveDate;

use super::write::write_rows;
use crate::events::{EVENT_IDS, EventsError, event_id_hash};
use crate::lake::{DataFile, Draft, LakeTable, RowBuilder, read_columns, text_at};

const ID: &str = "event_id_hash";
const DAY: &str = "event_day";

/// Numbers that are sorted at once.
const CHUNK: usize = 2_000_000;

const MICROS_OF_DAY: i64 = 86_400_000_000;

/// An id and the day of its event, in days since 1970.
type IdOfDay = (i64, i32);

/// The ids that a run adds to the lake.
#[derive(Default)]
pub(super) struct KnownIds {
    /// Those that are not in the table yet.
    fresh: Vec<IdOfDay>,
    /// Those of events that were taken out of the lake and may come back before the commit; with their day, where it is the only one on
    /// which they can.
    taken_back: HashMap<i64, Option<i32>>,
    /// Those that came back, and may do so on another day than the table has.
    moved: Vec<IdOfDay>,
    /// Those that stand in the table more than once.
    seen: HashSet<i64>,
    is_complete: bool,
}

impl KnownIds {
    /// Notes a row that will be part of the lake, and its time in microseconds since 1970.
    pub(super) fn add(&mut self, id: &str, event_time: i64) {
        let id = event_id_hash(id);
        let day = day_of(event_time);
        match self.taken_back.remove(&id) {
            None => self.fresh.push((id, day)),
            Some(before) if before == Some(day) => {}
            Some(_) => self.moved.push((id, day)),
        }
    }

    /// Notes that the event is taken out of the lake; where it comes back, it is nothing new.
    pub(super) fn take_back(&mut self, id: &str) {
        self.taken_back.insert(event_id_hash(id), None);
    }

    /// The same where nothing but a copy of it can come back, which has its time.
    pub(super) fn displace(&mut self, id: &str, event_time: i64) {
        self.taken_back
            .insert(event_id_hash(id), Some(day_of(event_time)));
    }

    /// How many ids are not in the table yet.
    pub(super) fn len(&self) -> usize {
        self.fresh.len()
    }

    /// Holds the new ids against all others, and makes them part of the table.
    pub(super) fn compare(&mut self, draft: &mut Draft<'_>) -> Result<(), EventsError> {
        if self.fresh.is_empty() && self.moved.is_empty() {
            return Ok(());
        }
        self.complete(draft)?;
        self.fresh.sort_unstable();
        let ids = self.fresh.iter().map(|(id, _)| *id);
        let next = ids.clone().skip(1);
        let twice = ids.zip(next).filter(|(id, next)| id == next);
        self.seen.extend(twice.map(|(id, _)| id));
        // What only moved is in the table with another day, and none of it new.
        let files = if self.fresh.is_empty() {
            Vec::new()
        } else {
            draft.files(LakeTable::EventIds)
        };
        for file in files {
            let mut fresh = self.fresh.as_slice();
            for_numbers(draft, &file, &mut |known| {
                let behind = fresh.iter().take_while(|(id, _)| *id < known).count();
                fresh = fresh.get(behind..).unwrap_or_default();
                if fresh.first().is_some_and(|(id, _)| *id == known) {
                    self.seen.insert(known);
                }
            })?;
        }
        self.fresh.append(&mut self.moved);
        self.fresh.sort_unstable();
        self.fresh.dedup();
        write_ids(draft, &self.fresh)?;
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
                if seen.contains(&event_id_hash(id)) {
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
        let mut is_complete = base.rows(LakeTable::EventIds) >= base.rows(LakeTable::Events);
        for file in base.files(LakeTable::EventIds) {
            is_complete = is_complete && has_days(draft, file)?;
        }
        if is_complete {
            return Ok(());
        }
        for old in draft.files(LakeTable::EventIds) {
            draft.replace(LakeTable::EventIds, &old, None);
        }
        let mut ids = Vec::new();
        for file in draft.base().files(LakeTable::Events).to_vec() {
            let day = file.date.unwrap_or_default();
            let day = i32::try_from((day - NaiveDate::default()).num_days()).unwrap_or_default();
            for_ids(draft, &file, &mut |id| ids.push((event_id_hash(id), day)))?;
            if ids.len() >= CHUNK {
                ids.sort_unstable();
                write_ids(draft, &ids)?;
                ids.clear();
            }
        }
        ids.sort_unstable();
        write_ids(draft, &ids)
    }
}

fn day_of(micros: i64) -> i32 {
    i32::try_from(micros.div_euclid(MICROS_OF_DAY)).unwrap_or_default()
}

/// Returns true when the file tells the day of each id.
fn has_days(draft: &Draft<'_>, file: &DataFile) -> Result<bool, EventsError> {
    for batch in read_columns(draft.guard().store(), file, Some(&[DAY]))? {
        let batch = batch?;
        let days = batch.column_by_name(DAY);
        if days.is_none_or(|days| days.null_count() > 0) {
            return Ok(false);
        }
    }
    Ok(true)
}

fn write_ids(draft: &mut Draft<'_>, ids: &[IdOfDay]) -> Result<(), EventsError> {
    let mut rows = RowBuilder::new(EVENT_IDS);
    for (id, day) in ids {
        rows.row()
            .int(ID, Some(*id))
            .int(DAY, Some(i64::from(*day)));
    }
    write_rows(draft, LakeTable::EventIds, rows)
}

fn for_numbers(
    draft: &Draft<'_>,
    file: &DataFile,
    take: &mut dyn FnMut(i64),
) -> Result<(), EventsError> {
    for batch in read_columns(draft.guard().store(), file, Some(&[ID]))? {
        let batch = batch?;
        let numbers = batch.column_by_name(ID);
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
