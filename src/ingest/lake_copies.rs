//! Copies that are in the lake already: finding them, and taking them back when they must be judged again.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use arrow::array::{Array as _, ArrayRef, AsArray as _, Int64Array, RecordBatch, StringArray};
use arrow::datatypes::{Int64Type, TimestampMicrosecondType};

use super::books::Tally;
use crate::decode::{DecodeOptions, Record, RecordSink, Rejected, decode_log_file};
use crate::events::{EVENTS, EVENTS_LAYOUT, EventsError, Place, append_event, shape_of};
use crate::lake::{
    DataFile, Draft, FileLayout, LakeTable, RowBuilder, Times, Wanted, copy_without, find_events,
    read_columns, read_rows, text_at,
};

/// Rows of `events` files that are wanted or have to go, by the file's path.
pub(super) type RowsOfFiles = BTreeMap<String, (DataFile, Vec<u64>)>;

/// Finds the rows of `events` for which `wanted` says yes to the text in `column`.
pub(super) fn find_rows(
    draft: &Draft<'_>,
    column: &str,
    wanted: &dyn Fn(&str) -> bool,
) -> Result<RowsOfFiles, EventsError> {
    let store = draft.guard().store();
    let mut found = RowsOfFiles::new();
    for file in draft.files(LakeTable::Events) {
        let mut position = 0;
        let mut positions = Vec::new();
        for batch in read_columns(store, &file, Some(&[column]))? {
            let batch = batch?;
            if let Some(texts) = batch.column_by_name(column) {
                for row in 0..batch.num_rows() {
                    if text_at(texts, row).is_some_and(wanted) {
                        positions.push(position + row as u64);
                    }
                }
            }
            position += batch.num_rows() as u64;
        }
        if !positions.is_empty() {
            found.insert(file.path.clone(), (file, positions));
        }
    }
    Ok(found)
}

/// Finds the rows of `events` that have one of the wanted ids. `wanted` is sorted.
pub(super) fn find_events_in(
    draft: &Draft<'_>,
    wanted: &[Wanted<'_>],
    times: Times,
) -> Result<RowsOfFiles, EventsError> {
    let mut found = RowsOfFiles::new();
    if wanted.is_empty() {
        return Ok(found);
    }
    for file in draft.files(LakeTable::Events) {
        let positions = find_events(draft.guard().store(), &file, wanted, times)?;
        if !positions.is_empty() {
            found.insert(file.path.clone(), (file, positions));
        }
    }
    Ok(found)
}

/// Finds the rows of `events` with these ids, whenever they were.
pub(super) fn find_ids<'a>(
    draft: &Draft<'_>,
    ids: impl IntoIterator<Item = &'a str>,
) -> Result<RowsOfFiles, EventsError> {
    let wanted: Vec<Wanted<'_>> = ids.into_iter().map(|id| (0, id)).collect();
    find_events_in(draft, &wanted, Times::Any)
}

/// Loads rows of `events`; each batch comes with the file and the positions of its rows.
pub(super) fn load_rows(
    draft: &Draft<'_>,
    rows: &RowsOfFiles,
) -> Result<Vec<(RecordBatch, DataFile, Vec<u64>)>, EventsError> {
    let store = draft.guard().store();
    let mut loaded = Vec::new();
    for (file, positions) in rows.values() {
        let mut rest = positions.as_slice();
        for batch in read_rows(store, file, positions, None)? {
            let (own, others) = rest.split_at(batch.num_rows().min(rest.len()));
            loaded.push((batch, file.clone(), own.to_vec()));
            rest = others;
        }
    }
    Ok(loaded)
}

/// Those of the ids that stand in the draft more than once.
pub(super) fn standing_twice(
    draft: &Draft<'_>,
    ids: &HashSet<String>,
) -> Result<HashSet<String>, EventsError> {
    let store = draft.guard().store();
    let rows = find_ids(draft, ids.iter().map(String::as_str))?;
    let mut seen: HashMap<String, u32> = HashMap::new();
    for (file, positions) in rows.values() {
        for batch in read_rows(store, file, positions, Some(&["event_id"]))? {
            let found = batch.column_by_name("event_id");
            for row in 0..batch.num_rows() {
                if let Some(id) = found.and_then(|found| text_at(found, row)) {
                    *seen.entry(id.to_owned()).or_default() += 1;
                }
            }
        }
    }
    seen.retain(|id, count| *count > 1 && ids.contains(id));
    Ok(seen.into_keys().collect())
}

/// Writes the `events` files anew without the given rows.
pub(super) fn drop_rows(draft: &mut Draft<'_>, rows: &RowsOfFiles) -> Result<(), EventsError> {
    for (file, positions) in rows.values() {
        let gone: HashSet<u64> = positions.iter().copied().collect();
        let copy = copy_without(
            draft.guard(),
            LakeTable::Events,
            file,
            EVENTS_LAYOUT,
            |position, _, _| !gone.contains(&position),
        )?;
        draft.replace(LakeTable::Events, file, copy);
    }
    Ok(())
}

/// Takes rows out of `rejected` or `duplicates`; `take` sees each row and says whether it goes.
pub(super) fn take_out(
    draft: &mut Draft<'_>,
    table: LakeTable,
    take: &mut dyn FnMut(&RecordBatch, usize) -> bool,
) -> Result<(), EventsError> {
    let store = draft.guard().store();
    let layout = shape_of(table).map_or_else(FileLayout::default, |shape| shape.layout);
    for file in draft.files(table) {
        let mut gone = HashSet::new();
        let mut position = 0;
        for batch in read_columns(store, &file, None)? {
            let batch = batch?;
            for row in 0..batch.num_rows() {
                if take(&batch, row) {
                    gone.insert(position + row as u64);
                }
            }
            position += batch.num_rows() as u64;
        }
        if !gone.is_empty() {
            let copy = copy_without(draft.guard(), table, &file, layout, |at, _, _| {
                !gone.contains(&at)
            })?;
            draft.replace(table, &file, copy);
        }
    }
    Ok(())
}

/// The place that a row of `rejected` or `duplicates` tells of.
fn place_at(batch: &RecordBatch, row: usize) -> Option<Place> {
    let key = text_at(batch.column_by_name("log_file_key")?, row)?;
    let indexes = batch.column_by_name("log_record_index")?;
    if indexes.is_null(row) {
        return None;
    }
    Some(Place {
        log_file_key: key.to_owned(),
        log_record_index: indexes.as_primitive_opt::<Int64Type>()?.value(row),
    })
}

fn time_at(batch: &RecordBatch, row: usize) -> Option<i64> {
    let times = batch.column_by_name("event_time")?;
    let times = times.as_primitive_opt::<TimestampMicrosecondType>()?;
    times.is_valid(row).then(|| times.value(row))
}

/// Takes every copy of the given events out of the lake, as rows to be settled again.
///
/// `kept` are their rows of `events`, which go. A duplicate says what the kept row says, so it comes
/// back as that row at its own place; a conflict comes back from its record.
pub(super) fn reopen(
    draft: &mut Draft<'_>,
    kept: &RowsOfFiles,
    events: &HashSet<String>,
    tallies: &mut HashMap<String, Tally>,
) -> Result<Vec<RecordBatch>, EventsError> {
    let loaded = load_rows(draft, kept)?;
    drop_rows(draft, kept)?;
    let mut back = Vec::new();
    let mut bodies: HashMap<String, Vec<(i64, RecordBatch)>> = HashMap::new();
    for (batch, ..) in loaded {
        for row in 0..batch.num_rows() {
            if let (Some(id), Some(place)) = (
                batch
                    .column_by_name("event_id")
                    .and_then(|ids| text_at(ids, row)),
                place_at(&batch, row),
            ) {
                tallies.entry(place.log_file_key).or_default().events -= 1;
                let time = time_at(&batch, row).unwrap_or_default();
                let of_id = bodies.entry(id.to_owned()).or_default();
                of_id.push((time, batch.slice(row, 1)));
            }
        }
        back.push(batch);
    }

    let mut failed = None;
    take_out(draft, LakeTable::Duplicates, &mut |batch, row| {
        let id = batch
            .column_by_name("event_id")
            .and_then(|ids| text_at(ids, row));
        let (Some(id), Some(place)) = (id, place_at(batch, row)) else {
            return false;
        };
        let Some(of_id) = events.get(id).and_then(|id| bodies.get(id)) else {
            return false;
        };
        // It says what the row of its own time says. Where an older version wrote it without a time, there was one row alone.
        let body = match time_at(batch, row) {
            Some(time) => of_id.iter().find(|(own, _)| *own == time),
            None => of_id.first(),
        };
        let Some((_, body)) = body else {
            return false;
        };
        match at_place(body, &place) {
            Ok(row) => back.push(row),
            Err(error) => failed = Some(error),
        }
        tallies.entry(place.log_file_key).or_default().duplicates -= 1;
        true
    })?;
    take_out(draft, LakeTable::Rejected, &mut |batch, row| {
        let text = |name| {
            batch
                .column_by_name(name)
                .and_then(|column| text_at(column, row))
        };
        if !text("event_id").is_some_and(|id| events.contains(id)) {
            return false;
        }
        let (Some(record), Some(place)) = (text("record"), place_at(batch, row)) else {
            return false;
        };
        match from_text(record, &place) {
            Ok(Some(row)) => back.push(row),
            Ok(None) => return false,
            Err(error) => failed = Some(error),
        }
        tallies.entry(place.log_file_key).or_default().rejected -= 1;
        true
    })?;
    match failed {
        Some(error) => Err(error.into()),
        None => Ok(back),
    }
}

/// The one row of `body` as if it had been read at `place`.
fn at_place(body: &RecordBatch, place: &Place) -> Result<RecordBatch, arrow::error::ArrowError> {
    let columns = body
        .schema_ref()
        .fields()
        .iter()
        .zip(body.columns())
        .map(|(field, column)| match field.name().as_str() {
            "log_file_key" => {
                Arc::new(StringArray::from(vec![place.log_file_key.as_str()])) as ArrayRef
            }
            "log_record_index" => Arc::new(Int64Array::from(vec![place.log_record_index])),
            _ => Arc::clone(column),
        });
    RecordBatch::try_new(Arc::clone(body.schema_ref()), columns.collect())
}

/// Decodes a conflict's text as if it had been read at `place`.
fn from_text(text: &str, place: &Place) -> Result<Option<RecordBatch>, arrow::error::ArrowError> {
    struct OneRow<'a>(RowBuilder, &'a Place);
    impl RecordSink for OneRow<'_> {
        fn record(&mut self, _: u64, record: &Record<'_>) {
            let index = u64::try_from(self.1.log_record_index).unwrap_or_default();
            // The text was masked when it was first read.
            append_event(&mut self.0, record, &self.1.log_file_key, index, false);
        }
        fn rejected(&mut self, _: Rejected) {}
    }
    let mut sink = OneRow(RowBuilder::new(EVENTS), place);
    decode_log_file(text.as_bytes(), DecodeOptions::default(), &mut sink);
    if sink.0.len() == 1 {
        sink.0.take().map(Some)
    } else {
        Ok(None)
    }
}
