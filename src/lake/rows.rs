//! Builds Arrow batches row by row, each value under its column's name.
//!
//! Rows are written in the order of the columns. The name at each value is for the reader and is
//! checked in debug builds, so that a test with one row finds every slip.

use arrow::array::{
    ArrayBuilder as _, ArrayRef, BooleanBuilder, Int64Builder, ListBuilder, RecordBatch,
    StringArray, StringBuilder, StructBuilder, TimestampMicrosecondBuilder,
};
use arrow::datatypes::{DataType, Field, SchemaRef};
use arrow::error::ArrowError;
use std::sync::Arc;

use super::column::{Column, ColumnType, resource_fields, schema_of};

#[derive(Debug)]
enum ColumnBuilder {
    Text(Texts),
    Bool(BooleanBuilder),
    Int(Int64Builder),
    Time(TimestampMicrosecondBuilder),
    TextList(ListBuilder<StringBuilder>),
    IntList(ListBuilder<Int64Builder>),
    Resources(ListBuilder<StructBuilder>),
}

impl ColumnBuilder {
    fn new(column_type: ColumnType) -> Self {
        match column_type {
            ColumnType::Text | ColumnType::Json => Self::Text(Texts::default()),
            ColumnType::Bool => Self::Bool(BooleanBuilder::new()),
            ColumnType::Int => Self::Int(Int64Builder::new()),
            ColumnType::Time => Self::Time(TimestampMicrosecondBuilder::new().with_timezone("UTC")),
            ColumnType::TextList => Self::TextList(
                ListBuilder::new(StringBuilder::new())
                    .with_field(Field::new_list_field(DataType::Utf8, true)),
            ),
            ColumnType::IntList => Self::IntList(
                ListBuilder::new(Int64Builder::new())
                    .with_field(Field::new_list_field(DataType::Int64, true)),
            ),
            ColumnType::Resources => Self::Resources(ListBuilder::new(StructBuilder::from_fields(
                resource_fields(),
                0,
            ))),
        }
    }

    fn finish(&mut self) -> ArrayRef {
        match self {
            Self::Text(texts) => Arc::new(texts.finish()),
            Self::Bool(builder) => Arc::new(builder.finish()),
            Self::Int(builder) => Arc::new(builder.finish()),
            Self::Time(builder) => Arc::new(builder.finish()),
            Self::TextList(builder) => Arc::new(builder.finish()),
            Self::IntList(builder) => Arc::new(builder.finish()),
            Self::Resources(builder) => Arc::new(builder.finish()),
        }
    }
}

/// A column of text. Many columns hold none for thousands of rows: until the first one comes, nulls are only counted.
#[derive(Debug, Default)]
struct Texts {
    builder: Option<StringBuilder>,
    nulls: usize,
    /// Rows and bytes of the batch before: this one will be much the same, and need not grow step by step.
    before: (usize, usize),
}

impl Texts {
    fn append(&mut self, value: &str) {
        if let Some(builder) = &mut self.builder {
            return builder.append_value(value);
        }
        let (rows, bytes) = self.before;
        // A little more: to grow by a few bytes means to copy all of them.
        let mut builder = StringBuilder::with_capacity(rows + rows / 8, bytes + bytes / 8);
        for _ in 0..std::mem::take(&mut self.nulls) {
            builder.append_null();
        }
        builder.append_value(value);
        self.builder = Some(builder);
    }

    fn append_null(&mut self) {
        match &mut self.builder {
            Some(builder) => builder.append_null(),
            None => self.nulls += 1,
        }
    }

    fn finish(&mut self) -> StringArray {
        match self.builder.take() {
            Some(mut builder) => {
                self.before = (builder.len(), builder.values_slice().len());
                builder.finish()
            }
            None => StringArray::new_null(std::mem::take(&mut self.nulls)),
        }
    }
}

/// Collects rows of one table.
#[derive(Debug)]
pub struct RowBuilder {
    columns: &'static [Column],
    schema: SchemaRef,
    builders: Vec<ColumnBuilder>,
    rows: usize,
    bytes: usize,
}

impl RowBuilder {
    /// A builder without rows.
    pub fn new(columns: &'static [Column]) -> Self {
        Self {
            columns,
            schema: schema_of(columns),
            builders: columns
                .iter()
                .map(|c| ColumnBuilder::new(c.column_type))
                .collect(),
            rows: 0,
            bytes: 0,
        }
    }

    /// How many rows are held.
    pub fn len(&self) -> usize {
        self.rows
    }

    /// Returns true when no row is held.
    pub fn is_empty(&self) -> bool {
        self.rows == 0
    }

    /// How many bytes are held, about.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// Begins a row; every column must be given a value, in order.
    pub fn row(&mut self) -> Row<'_> {
        self.rows += 1;
        // Offsets and null bits of a row without any text.
        self.bytes += 4 * self.builders.len();
        Row {
            columns: self.columns.iter(),
            builders: self.builders.iter_mut(),
            bytes: &mut self.bytes,
        }
    }

    /// Takes the rows out as one batch.
    pub fn take(&mut self) -> Result<RecordBatch, ArrowError> {
        self.rows = 0;
        self.bytes = 0;
        let arrays = self
            .builders
            .iter_mut()
            .map(ColumnBuilder::finish)
            .collect();
        RecordBatch::try_new(Arc::clone(&self.schema), arrays)
    }
}

/// One row being written.
#[derive(Debug)]
pub struct Row<'a> {
    columns: std::slice::Iter<'a, Column>,
    builders: std::slice::IterMut<'a, ColumnBuilder>,
    bytes: &'a mut usize,
}

impl<'a> Row<'a> {
    fn next(&mut self, name: &str) -> Option<&'a mut ColumnBuilder> {
        let column = self.columns.next();
        debug_assert_eq!(
            column.map(|column| column.name),
            Some(name),
            "columns go in order"
        );
        self.builders.next()
    }

    /// Gives text, or nothing.
    pub fn text(&mut self, name: &str, value: Option<impl AsRef<str>>) -> &mut Self {
        if let Some(ColumnBuilder::Text(texts)) = self.next(name) {
            match value {
                Some(value) => {
                    *self.bytes += value.as_ref().len();
                    texts.append(value.as_ref());
                }
                None => texts.append_null(),
            }
        }
        self
    }

    /// Gives true or false, or nothing.
    pub fn bool(&mut self, name: &str, value: Option<bool>) -> &mut Self {
        if let Some(ColumnBuilder::Bool(builder)) = self.next(name) {
            builder.append_option(value);
        }
        self
    }

    /// Gives an integer, or nothing.
    pub fn int(&mut self, name: &str, value: Option<i64>) -> &mut Self {
        if let Some(ColumnBuilder::Int(builder)) = self.next(name) {
            builder.append_option(value);
        }
        self
    }

    /// Gives a count, which no log makes too large for the column.
    pub fn count(&mut self, name: &str, value: u64) -> &mut Self {
        self.int(name, Some(i64::try_from(value).unwrap_or(i64::MAX)))
    }

    /// Gives a time in microseconds since 1970, or nothing.
    pub fn time(&mut self, name: &str, value: Option<i64>) -> &mut Self {
        if let Some(ColumnBuilder::Time(builder)) = self.next(name) {
            builder.append_option(value);
        }
        self
    }

    /// Gives a list of text; it may be empty.
    pub fn texts<T: AsRef<str>>(
        &mut self,
        name: &str,
        values: impl IntoIterator<Item = T>,
    ) -> &mut Self {
        if let Some(ColumnBuilder::TextList(builder)) = self.next(name) {
            for value in values {
                *self.bytes += value.as_ref().len();
                builder.values().append_value(value);
            }
            builder.append(true);
        }
        self
    }

    /// Gives a list of resources; it may be empty.
    pub fn resources<'r>(
        &mut self,
        name: &str,
        values: impl IntoIterator<Item = [Option<&'r str>; 3]>,
    ) -> &mut Self {
        if let Some(ColumnBuilder::Resources(builder)) = self.next(name) {
            for parts in values {
                for (at, part) in parts.into_iter().enumerate() {
                    *self.bytes += part.map_or(0, str::len);
                    if let Some(field) = builder.values().field_builder::<StringBuilder>(at) {
                        field.append_option(part);
                    }
                }
                builder.values().append(true);
            }
            builder.append(true);
        }
        self
    }
}

impl Drop for Row<'_> {
    fn drop(&mut self) {
        debug_assert!(
            std::thread::panicking() || self.builders.len() == 0,
            "a row is missing its last columns"
        );
    }
}
