//! Which rows of some days are in one state of a table of facts and not in the other.

use std::collections::{BTreeSet, HashMap};
use std::hash::{BuildHasher as _, RandomState};

use arrow::array::{AsArray as _, BooleanArray, RecordBatch};
use arrow::compute::filter_record_batch;
use arrow::datatypes::TimestampMicrosecondType;
use arrow::row::{RowConverter, SortField};
use chrono::NaiveDate;

use super::super::SessionsError;
use super::super::daily::FactTable;
use crate::engine::align;
use crate::events::day_of;
use crate::lake::{DataFile, Store, read_columns, schema_of};

/// The rows that are gone and those that are new, each with all columns.
#[derive(Debug)]
pub(super) struct Difference {
    pub(super) gone: Vec<RecordBatch>,
    pub(super) new: Vec<RecordBatch>,
}

impl Difference {
    /// Holds the rows of these days against each other, however they are divided among files.
    pub(super) fn of(
        store: &Store,
        facts: &FactTable,
        days: &BTreeSet<NaiveDate>,
        (before, after): (&[DataFile], &[DataFile]),
    ) -> Result<Self, SessionsError> {
        let hasher = RandomState::new();
        let before = Rows::of(store, facts, days, before, &hasher)?;
        let after = Rows::of(store, facts, days, after, &hasher)?;
        Ok(Self {
            gone: before.without(&after)?,
            new: after.without(&before)?,
        })
    }
}

/// The rows of some days, each with a number of all it says.
struct Rows {
    batches: Vec<(RecordBatch, Vec<u64>)>,
}

impl Rows {
    fn of(
        store: &Store,
        facts: &FactTable,
        days: &BTreeSet<NaiveDate>,
        files: &[DataFile],
        hasher: &RandomState,
    ) -> Result<Self, SessionsError> {
        let schema = schema_of(facts.shape.columns);
        let fields = schema.fields().iter();
        let fields = fields.map(|field| SortField::new(field.data_type().clone()));
        let converter = RowConverter::new(fields.collect())?;
        let mut batches = Vec::new();
        let is_of_them = |file: &&DataFile| days.iter().any(|day| file.may_have_time_of(*day));
        for file in files.iter().filter(is_of_them) {
            for batch in read_columns(store, file, None)? {
                let batch = align(&batch?, &schema)?;
                let times = batch.column_by_name("day");
                let times =
                    times.and_then(|day| day.as_primitive_opt::<TimestampMicrosecondType>());
                let times = times.map_or(&[][..], |times| times.values());
                let is_of_them = times.iter().map(|time| Some(days.contains(&day_of(*time))));
                let batch = filter_record_batch(&batch, &is_of_them.collect::<BooleanArray>())?;
                let rows = converter.convert_columns(batch.columns())?;
                let numbers = rows.iter().map(|row| hasher.hash_one(row.as_ref()));
                let numbers = numbers.collect();
                batches.push((batch, numbers));
            }
        }
        Ok(Self { batches })
    }

    /// The rows that the other one does not have, as often as it does not have them.
    fn without(&self, other: &Self) -> Result<Vec<RecordBatch>, SessionsError> {
        let mut there: HashMap<u64, usize> = HashMap::new();
        for number in other.batches.iter().flat_map(|(_, numbers)| numbers) {
            *there.entry(*number).or_default() += 1;
        }
        let mut found = Vec::new();
        for (batch, numbers) in &self.batches {
            let is_missing: BooleanArray = numbers
                .iter()
                .map(|number| {
                    let left = there.get_mut(number).filter(|left| **left > 0);
                    let is_there = left.map(|left| *left -= 1).is_some();
                    Some(!is_there)
                })
                .collect();
            let missing = filter_record_batch(batch, &is_missing)?;
            if missing.num_rows() > 0 {
                found.push(missing);
            }
        }
        Ok(found)
    }
}
