//! The table `data_files`: the lake's own files, as the manifest lists them.

use arrow::array::RecordBatch;
use arrow::error::ArrowError;

use crate::lake::{Column, ColumnType, LakeTable, Manifest, RowBuilder};

/// The columns of the table `data_files`.
pub const DATA_FILES: &[Column] = &[
    Column::required(
        "table_name",
        ColumnType::Text,
        "the table whose rows it holds",
    ),
    Column::new(
        "date",
        ColumnType::Text,
        "the UTC day of its rows, in tables that have days",
    ),
    Column::required("path", ColumnType::Text, "the path below the lake's folder"),
    Column::required("rows", ColumnType::Int, "how many rows it holds"),
    Column::required("size", ColumnType::Int, "its size in bytes"),
    Column::new(
        "min_time",
        ColumnType::Time,
        "the earliest event in it; of facts, the first day; of sessions, when the first was opened",
    ),
    Column::new(
        "max_time",
        ColumnType::Time,
        "the latest event in it; of facts, the last day; of sessions, when one was used last",
    ),
];

pub(super) fn data_file_rows(manifest: &Manifest) -> Result<RecordBatch, ArrowError> {
    let mut rows = RowBuilder::new(DATA_FILES);
    for table in LakeTable::ALL {
        for file in manifest.files(table) {
            rows.row()
                .text("table_name", Some(table.name()))
                .text("date", file.date.map(|date| date.to_string()))
                .text("path", Some(&file.path))
                .count("rows", file.rows)
                .count("size", file.size)
                .time("min_time", file.min_time)
                .time("max_time", file.max_time);
        }
    }
    rows.take()
}
