//! Typed columns of a query's answer, so that the walk reads values and not arrays.

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray as _, BooleanArray, Int64Array, ListArray, RecordBatch,
    StringViewArray, new_empty_array,
};
use arrow::compute::{cast, concat, interleave};
use arrow::datatypes::{ArrowNativeType as _, DataType, Field, Int64Type, SchemaRef};
use arrow::error::ArrowError;

/// A query's whole answer.
#[derive(Debug)]
pub(super) struct Frame {
    schema: SchemaRef,
    batches: Vec<RecordBatch>,
    /// The rows in their order, each as batch and row, where that is not the order in which they stand.
    order: Option<Vec<(usize, usize)>>,
}

impl Frame {
    pub(super) fn new(schema: SchemaRef, batches: Vec<RecordBatch>) -> Self {
        Self {
            schema,
            batches,
            order: None,
        }
    }

    /// The same with its rows picked and put in order.
    pub(super) fn in_order(self, order: Vec<(usize, usize)>) -> Self {
        Self {
            order: Some(order),
            ..self
        }
    }

    pub(super) fn len(&self) -> usize {
        let all = || self.batches.iter().map(RecordBatch::num_rows).sum();
        self.order.as_ref().map_or_else(all, Vec::len)
    }

    /// The column `name`, as values of `C`; one column at a time is put together.
    pub(super) fn get<C: Values>(&self, name: &str) -> Result<C, ArrowError> {
        let index = self.schema.index_of(name)?;
        let parts = self.batches.iter();
        let parts = parts.map(|batch| cast(batch.column(index), &C::data_type()));
        let parts = parts.collect::<Result<Vec<_>, _>>()?;
        let parts: Vec<&dyn Array> = parts.iter().map(AsRef::as_ref).collect();
        // A row that is not there has no value: a column without values needs no memory. Most columns of most logs have none.
        let is_empty = parts.iter().all(|part| part.null_count() == part.len());
        let column = match &self.order {
            _ if is_empty => new_empty_array(&C::data_type()),
            Some(order) => interleave(&parts, order)?,
            None => concat(&parts)?,
        };
        Ok(C::of(&column))
    }
}

/// A column that can be read value by value.
pub(super) trait Values: Sized {
    fn data_type() -> DataType;
    /// Takes an array that was cast to this type.
    fn of(array: &ArrayRef) -> Self;
}

/// A row that is not there has no values.
fn has_value(array: &dyn Array, row: usize) -> bool {
    row < array.len() && array.is_valid(row)
}

/// A text column. Empty text reads as nothing: CloudTrail writes `""` where it has no value.
#[derive(Debug)]
pub(super) struct Texts(StringViewArray);

impl Values for Texts {
    fn data_type() -> DataType {
        DataType::Utf8View
    }

    fn of(array: &ArrayRef) -> Self {
        Self(array.as_string_view().clone())
    }
}

impl Texts {
    pub(super) fn get(&self, row: usize) -> Option<&str> {
        has_value(&self.0, row)
            .then(|| self.0.value(row))
            .filter(|text| !text.is_empty())
    }
}

/// An integer column, or a time column in microseconds.
#[derive(Debug)]
pub(super) struct Ints(Int64Array);

impl Values for Ints {
    fn data_type() -> DataType {
        DataType::Int64
    }

    fn of(array: &ArrayRef) -> Self {
        Self(array.as_primitive::<Int64Type>().clone())
    }
}

impl Ints {
    pub(super) fn get(&self, row: usize) -> Option<i64> {
        has_value(&self.0, row).then(|| self.0.value(row))
    }
}

/// A column of true and false.
#[derive(Debug)]
pub(super) struct Bools(BooleanArray);

impl Values for Bools {
    fn data_type() -> DataType {
        DataType::Boolean
    }

    fn of(array: &ArrayRef) -> Self {
        Self(array.as_boolean().clone())
    }
}

impl Bools {
    pub(super) fn get(&self, row: usize) -> Option<bool> {
        has_value(&self.0, row).then(|| self.0.value(row))
    }
}

/// A column of lists of text.
#[derive(Debug)]
pub(super) struct TextLists {
    lists: ListArray,
    items: StringViewArray,
}

impl Values for TextLists {
    fn data_type() -> DataType {
        DataType::List(Arc::new(Field::new_list_field(DataType::Utf8View, true)))
    }

    fn of(array: &ArrayRef) -> Self {
        let lists = array.as_list::<i32>().clone();
        let items = lists.values().as_string_view().clone();
        Self { lists, items }
    }
}

impl TextLists {
    pub(super) fn iter(&self, row: usize) -> impl Iterator<Item = &str> {
        let offsets = self.lists.offsets();
        let places = match offsets.get(row..).unwrap_or_default() {
            [from, to, ..] if has_value(&self.lists, row) => from.as_usize()..to.as_usize(),
            _ => 0..0,
        };
        let items = places.filter(|at| has_value(&self.items, *at));
        items.map(|at| self.items.value(at))
    }

    pub(super) fn get(&self, row: usize) -> Vec<String> {
        self.iter(row).map(str::to_owned).collect()
    }

    /// The one text of a list that has no other.
    pub(super) fn only(&self, row: usize) -> Option<&str> {
        let mut items = self.iter(row);
        let first = items.next()?;
        items.next().is_none().then_some(first)
    }
}
