//! Typed columns of a query's answer, so that the walk reads values and not arrays.

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray as _, BooleanArray, Int64Array, ListArray, RecordBatch,
    StringViewArray,
};
use arrow::compute::{cast, concat_batches};
use arrow::datatypes::{DataType, Field, Int64Type, SchemaRef};
use arrow::error::ArrowError;

/// A query's whole answer as one batch.
#[derive(Debug)]
pub(super) struct Frame {
    batch: RecordBatch,
}

impl Frame {
    pub(super) fn new(schema: &SchemaRef, batches: &[RecordBatch]) -> Result<Self, ArrowError> {
        Ok(Self {
            batch: concat_batches(schema, batches)?,
        })
    }

    pub(super) fn len(&self) -> usize {
        self.batch.num_rows()
    }

    fn column(&self, name: &str, data_type: &DataType) -> Result<ArrayRef, ArrowError> {
        let index = self.batch.schema_ref().index_of(name)?;
        cast(self.batch.column(index), data_type)
    }

    pub(super) fn texts(&self, name: &str) -> Result<Texts, ArrowError> {
        Ok(Texts(
            self.column(name, &DataType::Utf8View)?
                .as_string_view()
                .clone(),
        ))
    }

    /// Integers, or times as microseconds.
    pub(super) fn ints(&self, name: &str) -> Result<Ints, ArrowError> {
        let array = self.column(name, &DataType::Int64)?;
        Ok(Ints(array.as_primitive::<Int64Type>().clone()))
    }

    pub(super) fn bools(&self, name: &str) -> Result<Bools, ArrowError> {
        Ok(Bools(
            self.column(name, &DataType::Boolean)?.as_boolean().clone(),
        ))
    }

    pub(super) fn text_lists(&self, name: &str) -> Result<TextLists, ArrowError> {
        let item = Arc::new(Field::new_list_field(DataType::Utf8View, true));
        Ok(TextLists(
            self.column(name, &DataType::List(item))?
                .as_list::<i32>()
                .clone(),
        ))
    }
}

/// A text column. Empty text reads as nothing: CloudTrail writes `""` where it has no value.
#[derive(Debug)]
pub(super) struct Texts(StringViewArray);

impl Texts {
    pub(super) fn get(&self, row: usize) -> Option<&str> {
        self.0
            .is_valid(row)
            .then(|| self.0.value(row))
            .filter(|text| !text.is_empty())
    }
}

/// An integer or time column.
#[derive(Debug)]
pub(super) struct Ints(Int64Array);

impl Ints {
    pub(super) fn get(&self, row: usize) -> Option<i64> {
        self.0.is_valid(row).then(|| self.0.value(row))
    }
}

/// A column of true and false.
#[derive(Debug)]
pub(super) struct Bools(BooleanArray);

impl Bools {
    pub(super) fn get(&self, row: usize) -> Option<bool> {
        self.0.is_valid(row).then(|| self.0.value(row))
    }
}

/// A column of lists of text.
#[derive(Debug)]
pub(super) struct TextLists(ListArray);

impl TextLists {
    pub(super) fn get(&self, row: usize) -> Vec<String> {
        if self.0.is_null(row) {
            return Vec::new();
        }
        let items = self.0.value(row);
        let items = items.as_string_view();
        items.iter().flatten().map(str::to_owned).collect()
    }
}
