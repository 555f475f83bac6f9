//! Rows of a batch by the event they show, and how two copies of one event are compared.

use arrow::array::{
    Array, ArrayRef, AsArray, Int64Array, RecordBatch, StringArray, TimestampMicrosecondArray,
};
use arrow::datatypes::DataType;
use hashbrown::HashMap;

use super::rebuild::{canonical_json, rebuild_record};
use super::schema::PROVENANCE;
use crate::lake::text_at;

/// Where a copy was read: its log file and its place there. The smallest one is kept.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Place {
    /// The log file's key.
    pub log_file_key: String,
    /// The record's place, from 0.
    pub log_record_index: i64,
}

/// One row of one batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RowRef {
    /// Which batch.
    pub batch: usize,
    /// Which of its rows.
    pub row: usize,
}

/// Several batches of `events` rows seen as one.
#[derive(Debug)]
pub struct Rows<'a> {
    batches: &'a [RecordBatch],
    columns: Vec<Columns<'a>>,
}

/// The columns of a batch that every row is asked for, found once.
#[derive(Debug, Clone, Copy)]
struct Columns<'a> {
    event_id: Option<&'a StringArray>,
    event_time: Option<&'a TimestampMicrosecondArray>,
    log_file_key: Option<&'a StringArray>,
    log_record_index: Option<&'a Int64Array>,
}

impl<'a> Columns<'a> {
    fn new(batch: &'a RecordBatch) -> Self {
        let text = |name| batch.column_by_name(name)?.as_string_opt();
        Self {
            event_id: text("event_id"),
            event_time: batch
                .column_by_name("event_time")
                .and_then(AsArray::as_primitive_opt),
            log_file_key: text("log_file_key"),
            log_record_index: batch
                .column_by_name("log_record_index")
                .and_then(AsArray::as_primitive_opt),
        }
    }
}

impl<'a> Rows<'a> {
    /// Looks at batches that all have the schema of `events`.
    pub fn new(batches: &'a [RecordBatch]) -> Self {
        Self {
            batches,
            columns: batches.iter().map(Columns::new).collect(),
        }
    }

    /// The batches.
    pub fn batches(&self) -> &'a [RecordBatch] {
        self.batches
    }

    fn columns(&self, at: RowRef) -> Option<&Columns<'a>> {
        self.columns.get(at.batch)
    }

    /// The row's event id.
    pub fn event_id(&self, at: RowRef) -> &'a str {
        let ids = self.columns(at).and_then(|columns| columns.event_id);
        ids.map_or("", |ids| ids.value(at.row))
    }

    /// When the event was, in microseconds since 1970.
    pub fn event_time(&self, at: RowRef) -> i64 {
        let times = self.columns(at).and_then(|columns| columns.event_time);
        times.map_or(0, |times| times.value(at.row))
    }

    /// The key of the log file that the row was read from.
    pub fn log_file_key(&self, at: RowRef) -> &'a str {
        let keys = self.columns(at).and_then(|columns| columns.log_file_key);
        keys.map_or("", |keys| keys.value(at.row))
    }

    /// Where the row was read.
    pub fn place(&self, at: RowRef) -> Place {
        let indexes = self
            .columns(at)
            .and_then(|columns| columns.log_record_index);
        Place {
            log_file_key: self.log_file_key(at).to_owned(),
            log_record_index: indexes.map_or(0, |indexes| indexes.value(at.row)),
        }
    }

    /// The row's record as JSON.
    pub fn record(&self, at: RowRef) -> String {
        self.batches
            .get(at.batch)
            .map(|batch| rebuild_record(batch, at.row))
            .unwrap_or_default()
    }

    /// Returns true when both rows say the same, wherever they were read.
    pub fn same_content(&self, a: RowRef, b: RowRef) -> bool {
        let (Some(left), Some(right)) = (self.batches.get(a.batch), self.batches.get(b.batch))
        else {
            return false;
        };
        let fields = left.schema_ref().fields();
        let identical =
            fields
                .iter()
                .zip(left.columns())
                .zip(right.columns())
                .all(|((field, left), right)| {
                    PROVENANCE.contains(&field.name().as_str())
                        || same_value(left, a.row, right, b.row)
                });
        // Written with other spacing or another order of fields, it is still the same record.
        identical
            || canonical_json(&rebuild_record(left, a.row))
                == canonical_json(&rebuild_record(right, b.row))
    }
}

fn same_value(left: &ArrayRef, a: usize, right: &ArrayRef, b: usize) -> bool {
    match left.data_type() {
        DataType::Utf8 => text_at(left, a) == text_at(right, b),
        _ => left.slice(a, 1).to_data() == right.slice(b, 1).to_data(),
    }
}

/// All rows of one event.
#[derive(Debug)]
pub struct Copies {
    /// The first row found.
    pub first: RowRef,
    /// Further ones.
    pub more: Vec<RowRef>,
}

impl Copies {
    /// All rows.
    pub fn iter(&self) -> impl Iterator<Item = RowRef> + '_ {
        std::iter::once(self.first).chain(self.more.iter().copied())
    }
}

/// Groups rows by event id.
pub fn by_event<'a>(rows: &Rows<'a>) -> HashMap<&'a str, Copies> {
    let count = rows.batches.iter().map(RecordBatch::num_rows).sum();
    let mut groups: HashMap<&'a str, Copies> = HashMap::with_capacity(count);
    for (batch, batch_rows) in rows.batches.iter().enumerate() {
        for row in 0..batch_rows.num_rows() {
            let at = RowRef { batch, row };
            groups
                .entry(rows.event_id(at))
                .and_modify(|copies| copies.more.push(at))
                .or_insert_with(|| Copies {
                    first: at,
                    more: Vec::new(),
                });
        }
    }
    groups
}
