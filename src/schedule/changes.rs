//! What changed from one run of a section to the next: rows that are new, gone, or say something else.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch, StringArray, UInt64Array, new_null_array};
use arrow::compute::{concat, concat_batches, take_record_batch};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use arrow::error::ArrowError;
use arrow::json::ReaderBuilder;
use serde_json::{Map, Value};

/// The rows that changed, with `change` in front (`new`, `changed`, `gone`) and, where columns are watched, `was` at the end.
#[derive(Debug)]
pub(super) struct Changes {
    pub(super) rows: RecordBatch,
    pub(super) new: u64,
    pub(super) changed: u64,
    pub(super) gone: u64,
}

/// One row, as it was written down.
struct Told<'t> {
    text: &'t str,
    values: Map<String, Value>,
}

impl<'t> Told<'t> {
    fn read(text: &'t str) -> Self {
        Self {
            text,
            values: serde_json::from_str(text).unwrap_or_default(),
        }
    }

    /// What makes it the same row in another run.
    fn identity(&self, key: &[String]) -> String {
        if key.is_empty() {
            return self.text.to_owned();
        }
        let values: Vec<Option<&Value>> = key.iter().map(|name| self.values.get(name)).collect();
        format!("{values:?}")
    }

    /// What the watched columns said before, where they say something else now.
    fn was(&self, before: &Self, watch: &[String]) -> Option<String> {
        let differing = watch
            .iter()
            .filter(|name| self.values.get(*name) != before.values.get(*name));
        let was: Map<String, Value> = differing
            .map(|name| {
                let value = before.values.get(name).cloned().unwrap_or_default();
                (name.clone(), value)
            })
            .collect();
        (!was.is_empty()).then(|| Value::Object(was).to_string())
    }
}

/// Holds the rows of a section against those of an earlier run; `now` and `before` are both as JSON.
///
/// A row is found again by its `key`; of several with one key each is paired with one. Those that are gone come last.
pub(super) fn changes(
    schema: &SchemaRef,
    batches: &[RecordBatch],
    now: &[String],
    before: &[String],
    key: &[String],
    watch: &[String],
) -> Result<Changes, ArrowError> {
    let earlier: Vec<Told<'_>> = before.iter().map(|row| Told::read(row)).collect();
    let mut left: HashMap<String, VecDeque<usize>> = HashMap::new();
    for (at, row) in earlier.iter().enumerate() {
        left.entry(row.identity(key)).or_default().push_back(at);
    }
    let mut is_found = vec![false; earlier.len()];
    let mut positions: Vec<u64> = Vec::new();
    let mut words: Vec<&str> = Vec::new();
    let mut was: Vec<Option<String>> = Vec::new();
    for (at, row) in (0..).zip(now.iter().map(|row| Told::read(row))) {
        let found = left
            .get_mut(&row.identity(key))
            .and_then(VecDeque::pop_front);
        let (word, before) = match found.and_then(|found| Some((found, earlier.get(found)?))) {
            None => ("new", None),
            Some((found, before)) => {
                if let Some(flag) = is_found.get_mut(found) {
                    *flag = true;
                }
                match row.was(before, watch) {
                    None => continue,
                    was => ("changed", was),
                }
            }
        };
        positions.push(at);
        words.push(word);
        was.push(before);
    }
    let gone: Vec<&str> = earlier
        .iter()
        .zip(&is_found)
        .filter(|(_, found)| !**found)
        .map(|(row, _)| row.text)
        .collect();
    words.extend(gone.iter().map(|_| "gone"));
    was.extend(gone.iter().map(|_| None));
    let count = |word| words.iter().filter(|known| **known == word).count() as u64;
    let (new, changed, gone_count) = (count("new"), count("changed"), count("gone"));

    let all = concat_batches(schema, batches)?;
    let of_now = take_record_batch(&all, &UInt64Array::from(positions))?;
    let of_before = read_back(schema, &gone)?;
    let mut fields = vec![Arc::new(Field::new("change", DataType::Utf8, false))];
    let mut columns: Vec<ArrayRef> = vec![Arc::new(StringArray::from(words))];
    for (at, field) in schema.fields().iter().enumerate() {
        fields.push(Arc::new(field.as_ref().clone().with_nullable(true)));
        let now = of_now.column(at);
        let before = of_before.column(at);
        columns.push(concat(&[now.as_ref(), before.as_ref()])?);
    }
    if !watch.is_empty() {
        fields.push(Arc::new(Field::new("was", DataType::Utf8, true)));
        columns.push(Arc::new(StringArray::from(was)));
    }
    Ok(Changes {
        rows: RecordBatch::try_new(Arc::new(Schema::new(fields)), columns)?,
        new,
        changed,
        gone: gone_count,
    })
}

/// Rows that were written down, as they were.
fn read_back(schema: &SchemaRef, rows: &[&str]) -> Result<RecordBatch, ArrowError> {
    let fields: Vec<Field> = schema
        .fields()
        .iter()
        .map(|field| field.as_ref().clone().with_nullable(true))
        .collect();
    let schema = Arc::new(Schema::new(fields));
    let mut decoder = ReaderBuilder::new(Arc::clone(&schema))
        .with_batch_size(rows.len().max(1))
        .build_decoder()?;
    for row in rows {
        decoder.decode(row.as_bytes())?;
        decoder.decode(b"\n")?;
    }
    if let Some(batch) = decoder.flush()? {
        return Ok(batch);
    }
    let columns = schema.fields().iter();
    let columns = columns.map(|field| new_null_array(field.data_type(), 0));
    RecordBatch::try_new(Arc::clone(&schema), columns.collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::output::json_rows;
    use arrow::array::{Int64Array, TimestampMicrosecondArray};

    fn batch(rows: &[(&str, i64)]) -> RecordBatch {
        let who: StringArray = rows.iter().map(|(who, _)| Some(*who)).collect();
        let calls: Int64Array = rows.iter().map(|(_, calls)| Some(*calls)).collect();
        let at: TimestampMicrosecondArray = rows
            .iter()
            .map(|(_, calls)| Some(calls * 1_500_000))
            .collect();
        RecordBatch::try_from_iter_with_nullable([
            ("who", Arc::new(who) as ArrayRef, false),
            ("calls", Arc::new(calls) as ArrayRef, true),
            ("at", Arc::new(at.with_timezone("UTC")) as ArrayRef, true),
        ])
        .unwrap()
    }

    fn told(
        now: &[(&str, i64)],
        before: &[(&str, i64)],
        key: &[&str],
        watch: &[&str],
    ) -> Vec<String> {
        let owned = |names: &[&str]| -> Vec<String> {
            names.iter().map(|name| (*name).to_owned()).collect()
        };
        let (now, before) = (batch(now), batch(before));
        let rows = |batch: &RecordBatch| json_rows(std::slice::from_ref(batch)).unwrap();
        let changes = changes(
            &now.schema(),
            std::slice::from_ref(&now),
            &rows(&now),
            &rows(&before),
            &owned(key),
            &owned(watch),
        )
        .unwrap();
        let told = rows(&changes.rows);
        assert_eq!(
            told.len() as u64,
            changes.new + changes.changed + changes.gone
        );
        told
    }

    #[test]
    fn rows_are_new_changed_or_gone_by_their_key() {
        assert_eq!(
            told(
                &[("alice", 2), ("bob", 1), ("dave", 4)],
                &[("alice", 1), ("bob", 1), ("carol", 3)],
                &["who"],
                &["calls"],
            ),
            [
                r#"{"change":"changed","who":"alice","calls":2,"at":"1970-01-01T00:00:03Z","was":"{\"calls\":1}"}"#,
                r#"{"change":"new","who":"dave","calls":4,"at":"1970-01-01T00:00:06Z","was":null}"#,
                r#"{"change":"gone","who":"carol","calls":3,"at":"1970-01-01T00:00:04.500Z","was":null}"#,
            ]
        );
    }

    #[test]
    fn without_watched_columns_a_known_row_is_no_news() {
        assert_eq!(
            told(&[("alice", 2)], &[("alice", 1)], &["who"], &[]).len(),
            0
        );
        // Without a key every difference makes another row.
        assert_eq!(told(&[("alice", 2)], &[("alice", 1)], &[], &[]).len(), 2);
    }

    #[test]
    fn rows_that_share_a_key_are_paired_one_by_one() {
        let more = told(&[("a", 1), ("a", 1), ("a", 1)], &[("a", 1)], &["who"], &[]);
        assert_eq!(more.len(), 2);
        let fewer = told(&[], &[("a", 1), ("a", 2)], &["who"], &[]);
        assert!(fewer.iter().all(|row| row.contains("gone")), "{fewer:?}");
    }
}
