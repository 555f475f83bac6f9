//! The sessions as they were stored: read by their ids, or by what stands beside their origin.

use std::collections::{BTreeSet, HashSet};

use arrow::array::{Array as _, AsArray as _, BooleanArray, RecordBatch};
use arrow::compute::filter_record_batch;
use arrow::datatypes::{Int64Type, TimestampMicrosecondType};
use chrono::NaiveDate;

use super::SessionsError;
use super::columns::Kept;
use super::deeds::SKEW;
use super::frame::Frame;
use super::kept::KeptRows;
use super::reach::Deeds;
use super::schema::SESSIONS;
use crate::engine::align;
use crate::lake::{Column, DataFile, Store, read_columns, read_rows, schema_of, text_at};

/// The files of `sessions`.
pub(super) struct Stored<'a> {
    store: &'a Store,
    files: &'a [DataFile],
}

impl<'a> Stored<'a> {
    pub(super) fn new(store: &'a Store, files: &'a [DataFile]) -> Self {
        Self { store, files }
    }

    /// The rows of some sessions, which are filed under these days.
    pub(super) fn filed(
        &self,
        days: &BTreeSet<NaiveDate>,
        is_wanted: impl Fn(&str) -> bool,
    ) -> Result<Vec<RecordBatch>, SessionsError> {
        let files = self.files.iter();
        let files = files.filter(|file| file.date.is_none_or(|date| days.contains(&date)));
        self.rows(files, is_wanted)
    }

    /// The rows of some sessions, each of which was in use on one of these days.
    pub(super) fn in_use(
        &self,
        days: &BTreeSet<NaiveDate>,
        is_wanted: impl Fn(&str) -> bool,
    ) -> Result<Vec<RecordBatch>, SessionsError> {
        let may_be = |file: &&DataFile| {
            let bounds = file.days();
            bounds.is_none_or(|days_of| days.range(days_of).next().is_some())
        };
        self.rows(self.files.iter().filter(may_be), is_wanted)
    }

    /// The rows of some sessions, wherever they are.
    pub(super) fn all(
        &self,
        is_wanted: impl Fn(&str) -> bool,
    ) -> Result<Vec<RecordBatch>, SessionsError> {
        self.rows(self.files.iter(), is_wanted)
    }

    fn rows(
        &self,
        files: impl Iterator<Item = &'a DataFile>,
        is_wanted: impl Fn(&str) -> bool,
    ) -> Result<Vec<RecordBatch>, SessionsError> {
        let mut found = Vec::new();
        for file in files {
            found.extend(self.rows_of(file, &is_wanted)?);
        }
        Ok(found)
    }

    fn rows_of(
        &self,
        file: &DataFile,
        is_wanted: impl Fn(&str) -> bool,
    ) -> Result<Vec<RecordBatch>, SessionsError> {
        let mut positions = Vec::new();
        let mut from = 0;
        for batch in read_columns(self.store, file, Some(&["session_id"]))? {
            let batch = batch?;
            let column = batch.column_by_name("session_id");
            for row in 0..batch.num_rows() {
                let id = column.and_then(|column| text_at(column, row));
                if id.is_some_and(&is_wanted) {
                    positions.push(from + row as u64);
                }
            }
            from += batch.num_rows() as u64;
        }
        if positions.is_empty() {
            return Ok(Vec::new());
        }
        let schema = schema_of(SESSIONS);
        let rows = read_rows(self.store, file, &positions, None)?;
        let rows = rows.iter().map(|batch| align(batch, &schema));
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// The sessions with one of these origins.
    pub(super) fn of_origins(&self, origins: &HashSet<&str>) -> Result<Found, SessionsError> {
        self.ids(
            &["origin_id"],
            |_| true,
            |batch, row| has(batch, "origin_id", row, origins),
        )
    }

    /// The sessions that something new was made of, or reached into, as far as their origins tell.
    pub(super) fn beside(&self, deeds: &Deeds) -> Result<Found, SessionsError> {
        let made = deeds.made.iter().map(|deed| deed.target.as_str());
        let made: HashSet<&str> = made.filter(|target| !target.is_empty()).collect();
        let reached = deeds.reached.iter();
        let reached: HashSet<&str> = reached.map(|deed| deed.target.as_str()).collect();
        let first_made = deeds.made.iter().map(|deed| deed.time - SKEW).min();
        let first_reached = deeds.reached.iter().map(|deed| deed.time).min();
        let mut found = Found::default();
        if let Some(first) = first_made {
            let columns = [
                "origin_id",
                "origin_name",
                "origin_provider",
                "persona_id",
                "access_key_ids",
                "chain",
                "created_at",
                "first_used_at",
            ];
            // Whoever made something is asked for by what began later; what has no date may have begun at any time.
            let is_later = |batch: &RecordBatch, row| {
                let times = ["created_at", "first_used_at"].map(|name| {
                    let times = batch.column_by_name(name);
                    let times =
                        times.and_then(|it| it.as_primitive_opt::<TimestampMicrosecondType>());
                    times.filter(|it| it.is_valid(row)).map(|it| it.value(row))
                });
                times
                    .iter()
                    .any(|time| time.is_none_or(|time| time >= first))
            };
            found = self.ids(
                &columns,
                |file| file.max_time.is_none_or(|last| last >= first),
                |batch, row| {
                    is_later(batch, row)
                        && (["origin_id", "origin_name", "origin_provider", "persona_id"]
                            .iter()
                            .any(|name| has(batch, name, row, &made))
                            || ["access_key_ids", "chain"]
                                .iter()
                                .any(|name| has_any(batch, name, row, &made)))
                },
            )?;
        }
        if let Some(first) = first_reached {
            let is_later = |file: &DataFile| file.max_time.is_none_or(|last| last >= first);
            let others = self.ids(&["origin_id"], is_later, |batch, row| {
                has(batch, "origin_id", row, &reached)
            })?;
            found.sessions.extend(others.sessions);
            found.calls.extend(others.calls);
        }
        Ok(found)
    }

    fn ids(
        &self,
        columns: &[&'static str],
        is_of: impl Fn(&DataFile) -> bool,
        is_wanted: impl Fn(&RecordBatch, usize) -> bool,
    ) -> Result<Found, SessionsError> {
        let always = ["session_id", "event_count", "evidence_event_ids"];
        let is_read = |name| always.contains(&name) || columns.contains(&name);
        let read = SESSIONS.iter().copied();
        let read: Vec<Column> = read.filter(|column| is_read(column.name)).collect();
        let (schema, names) = (schema_of(&read), read.iter().map(|column| column.name));
        let names: Vec<&str> = names.collect();
        let mut found = Found::default();
        for file in self.files.iter().filter(|file| is_of(file)) {
            for batch in read_columns(self.store, file, Some(&names))? {
                let batch = align(&batch?, &schema)?;
                for row in (0..batch.num_rows()).filter(|row| is_wanted(&batch, *row)) {
                    found.add(&batch, row);
                }
            }
        }
        Ok(found)
    }
}

/// Sessions that are to be worked out.
#[derive(Debug, Default)]
pub(super) struct Found {
    pub(super) sessions: Vec<String>,
    /// The calls that opened those of them which were not used.
    pub(super) calls: HashSet<String>,
}

impl Found {
    fn add(&mut self, batch: &RecordBatch, row: usize) {
        let text = |name| Some(text_at(batch.column_by_name(name)?, row)?.to_owned());
        self.sessions.extend(text("session_id"));
        let counts = batch.column_by_name("event_count");
        let counts = counts.and_then(|counts| counts.as_primitive_opt::<Int64Type>());
        if counts.is_some_and(|counts| counts.value(row) == 0) {
            let ids = texts_at(batch, "evidence_event_ids", row);
            self.calls.extend(ids);
        }
    }
}

fn has(batch: &RecordBatch, name: &str, row: usize, texts: &HashSet<&str>) -> bool {
    let column = batch.column_by_name(name);
    let text = column.and_then(|column| text_at(column, row));
    text.is_some_and(|text| texts.contains(text))
}

fn has_any(batch: &RecordBatch, name: &str, row: usize, texts: &HashSet<&str>) -> bool {
    let found = texts_at(batch, name, row);
    found.iter().any(|text| texts.contains(text.as_str()))
}

fn texts_at(batch: &RecordBatch, name: &str, row: usize) -> Vec<String> {
    let lists = batch.column_by_name(name);
    let list = lists
        .and_then(|lists| lists.as_list_opt::<i32>())
        .filter(|lists| lists.is_valid(row))
        .map(|lists| lists.value(row));
    let texts = list.iter().flat_map(|list| {
        let texts = (0..list.len()).filter_map(|at| text_at(list, at));
        texts.map(str::to_owned)
    });
    texts.collect()
}

/// The rows whose session stays.
pub(super) fn without(
    batch: &RecordBatch,
    sessions: impl Fn(&str) -> bool,
) -> Result<RecordBatch, SessionsError> {
    let ids = batch.column_by_name("session_id");
    let stays = |row| {
        let id = ids.and_then(|ids| text_at(ids, row));
        Some(!id.is_some_and(&sessions))
    };
    let stays: BooleanArray = (0..batch.num_rows()).map(stays).collect();
    Ok(filter_record_batch(batch, &stays)?)
}

/// The rows as values.
pub(super) fn columns_of(batches: Vec<RecordBatch>) -> Result<Kept, SessionsError> {
    Ok(Kept::new(&Frame::new(schema_of(SESSIONS), batches))?)
}

/// The rows by their ids.
pub(super) fn by_id(batches: Vec<RecordBatch>) -> Result<KeptRows, SessionsError> {
    Ok(KeptRows::new(&columns_of(batches)?))
}
