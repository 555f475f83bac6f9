//! How a table's columns are described, once, for its files, its builder and its documentation.

use std::sync::Arc;

use arrow::datatypes::{DataType, Field, Fields, Schema, SchemaRef, TimeUnit};

/// The kinds of values our tables hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ColumnType {
    /// UTF-8 text.
    Text,
    /// JSON as text.
    Json,
    /// True or false.
    Bool,
    /// A 64-bit integer.
    Int,
    /// Microseconds since 1970, UTC.
    Time,
    /// A list of text.
    TextList,
    /// A list of 64-bit integers.
    IntList,
    /// A list of (`arn`, `account_id`, `type`).
    Resources,
}

impl ColumnType {
    /// The Arrow type.
    pub fn data_type(self) -> DataType {
        match self {
            Self::Text | Self::Json => DataType::Utf8,
            Self::Bool => DataType::Boolean,
            Self::Int => DataType::Int64,
            Self::Time => DataType::Timestamp(TimeUnit::Microsecond, Some(Arc::from("UTC"))),
            Self::TextList => DataType::List(Arc::new(Field::new_list_field(DataType::Utf8, true))),
            Self::IntList => DataType::List(Arc::new(Field::new_list_field(DataType::Int64, true))),
            Self::Resources => DataType::List(Arc::new(Field::new_list_field(
                DataType::Struct(resource_fields()),
                true,
            ))),
        }
    }
}

pub(super) fn resource_fields() -> Fields {
    ["arn", "account_id", "type"]
        .into_iter()
        .map(|name| Field::new(name, DataType::Utf8, true))
        .collect()
}

/// One column of a table.
#[derive(Debug, Clone, Copy)]
pub struct Column {
    /// Its name in SQL.
    pub name: &'static str,
    /// What it holds.
    pub column_type: ColumnType,
    /// Whether every row has a value.
    pub required: bool,
    /// What it means.
    pub about: &'static str,
}

impl Column {
    /// A column that may be null.
    pub const fn new(name: &'static str, column_type: ColumnType, about: &'static str) -> Self {
        Self {
            name,
            column_type,
            required: false,
            about,
        }
    }

    /// A column that is never null.
    pub const fn required(
        name: &'static str,
        column_type: ColumnType,
        about: &'static str,
    ) -> Self {
        Self {
            name,
            column_type,
            required: true,
            about,
        }
    }
}

/// The Arrow schema of a table's files; a day lives in the path, not in the file.
pub fn schema_of(columns: &[Column]) -> SchemaRef {
    let fields = columns.iter().map(|column| {
        Field::new(
            column.name,
            column.column_type.data_type(),
            !column.required,
        )
    });
    Arc::new(Schema::new(fields.collect::<Fields>()))
}
