//! Every table, view and column with its meaning, from the same lists that make them.

use arrow::array::RecordBatch;
use arrow::datatypes::DataType;

use super::ReportError;
use crate::directory::{ACCOUNTS, PEOPLE};
use crate::engine::EngineLimits;
use crate::lake::{Column, ColumnType, LakeTable, RowBuilder};
use crate::sessions::DAILY_COVERAGE;
use crate::views::{DATA_FILES, SWITCH_RULES, columns_of, open_nothing, views};

const CATALOG: &[Column] = &[
    Column::required("name", ColumnType::Text, "the table or view"),
    Column::required("kind", ColumnType::Text, "`table` or `view`"),
    Column::required("column", ColumnType::Text, "the column"),
    Column::required("type", ColumnType::Text, "the type of its values"),
    Column::required("meaning", ColumnType::Text, "what it holds"),
];

const DATE: &str =
    "the UTC day of the row; of a session that of its creation, 1970-01-01 for long-lived keys";

/// The columns of the table or view called `name`, or of all.
pub async fn catalog(name: Option<&str>, limits: EngineLimits) -> Result<RecordBatch, ReportError> {
    let mut rows = RowBuilder::new(CATALOG);
    let mut row = |table: &str, kind: &str, column: &str, data_type: &str, meaning: &str| {
        if name.is_none_or(|name| name == table) {
            rows.row()
                .text("name", Some(table))
                .text("kind", Some(kind))
                .text("column", Some(column))
                .text("type", Some(data_type))
                .text("meaning", Some(meaning));
        }
    };
    let lake = LakeTable::ALL.map(|table| (table.name(), columns_of(table), table.has_dates()));
    let named = [
        ("accounts", ACCOUNTS, false),
        ("people", PEOPLE, false),
        ("switch_rules", SWITCH_RULES, false),
        ("data_files", DATA_FILES, false),
        ("daily_coverage", DAILY_COVERAGE, true),
    ];
    let tables: Vec<_> = lake.into_iter().chain(named).collect();
    for (table, columns, has_dates) in &tables {
        for column in *columns {
            let data_type = type_name(&column.column_type.data_type());
            row(table, "table", column.name, data_type, column.about);
        }
        if *has_dates {
            row(table, "table", "date", "date", DATE);
        }
    }
    let engine = open_nothing(limits).await?;
    for view in views() {
        if tables.iter().any(|(table, ..)| *table == view.name) {
            continue;
        }
        let sql = format!("SELECT * FROM {}", view.name);
        let schema = engine.query(view.name, &sql, &[]).await?.schema();
        for field in schema.fields() {
            let own = view.columns.iter().find(|(name, _)| name == field.name());
            let inherited = || {
                let columns = tables.iter().flat_map(|(_, columns, _)| columns.iter());
                columns
                    .into_iter()
                    .find(|column| column.name == field.name())
                    .map(|column| column.about)
            };
            let meaning = match own {
                Some((_, about)) => about.as_str(),
                None if field.name() == "date" => DATE,
                None => inherited().unwrap_or_default(),
            };
            let data_type = type_name(field.data_type());
            row(view.name, "view", field.name(), data_type, meaning);
        }
    }
    Ok(rows.take()?)
}

/// Types in the words of SQL.
fn type_name(data_type: &DataType) -> &'static str {
    match data_type {
        DataType::Boolean => "boolean",
        DataType::Timestamp(..) => "timestamp",
        DataType::Date32 | DataType::Date64 => "date",
        DataType::List(item) => match item.data_type() {
            DataType::Struct(_) => "list of struct (arn, account_id, type)",
            item if item.is_integer() => "list of bigint",
            _ => "list of text",
        },
        data_type if data_type.is_integer() => "bigint",
        data_type if data_type.is_floating() => "double",
        _ => "text",
    }
}
