//! Columns for people. Rows are collected first, since every column is as wide as its widest cell.

use std::io::Write;

use arrow::array::{Array, AsArray as _, RecordBatch};
use arrow::datatypes::{DataType, Schema};
use arrow::error::ArrowError;
use arrow::util::display::{ArrayFormatter, FormatOptions};
use comfy_table::{CellAlignment, ContentArrangement, Table, TableComponent, presets};

use super::OutputError;
use super::safe::safe_text;

/// Collects rows and writes them as a table.
#[derive(Debug)]
pub struct TableRows<W: Write> {
    out: W,
    table: Table,
}

impl<W: Write> TableRows<W> {
    pub(super) fn new(schema: &Schema, out: W, width: Option<u16>) -> Self {
        let mut table = Table::new();
        table.load_preset(presets::NOTHING);
        table.set_style(TableComponent::HeaderLines, '─');
        table.set_style(TableComponent::MiddleHeaderIntersections, '─');
        if let Some(width) = width {
            table.set_content_arrangement(ContentArrangement::Dynamic);
            table.set_width(width);
        }
        table.set_header(
            schema
                .fields()
                .iter()
                .map(|field| field.name().replace('_', " ")),
        );
        for (column, field) in table.column_iter_mut().zip(schema.fields()) {
            if field.data_type().is_numeric() {
                column.set_cell_alignment(CellAlignment::Right);
            }
        }
        Self { out, table }
    }

    pub(super) fn write(&mut self, batch: &RecordBatch) -> Result<(), OutputError> {
        for row in 0..batch.num_rows() {
            let cells: Result<Vec<String>, ArrowError> = batch
                .columns()
                .iter()
                .map(|column| cell(column, row))
                .collect();
            self.table.add_row(cells?);
        }
        Ok(())
    }

    pub(super) fn finish(mut self) -> Result<(), OutputError> {
        // Cells are padded to their column's width; the padding at a line's end is nothing to see.
        for line in self.table.to_string().lines() {
            writeln!(self.out, "{}", line.trim_end()).map_err(OutputError::Write)?;
        }
        self.out.flush().map_err(OutputError::Write)
    }
}

/// RFC 3339 in UTC; the fraction shows only where there is one.
const TIME: &str = "%Y-%m-%dT%H:%M:%S%.fZ";

/// The text of one cell: empty for null, lists without brackets.
fn cell(column: &dyn Array, row: usize) -> Result<String, ArrowError> {
    if column.is_null(row) {
        return Ok(String::new());
    }
    if let DataType::List(_) = column.data_type() {
        let items = column.as_list::<i32>().value(row);
        let cells: Result<Vec<String>, ArrowError> = (0..items.len())
            .map(|item| cell(items.as_ref(), item))
            .collect();
        return Ok(cells?.join(", "));
    }
    let options = FormatOptions::new()
        .with_timestamp_format(Some(TIME))
        .with_timestamp_tz_format(Some(TIME));
    let text = ArrayFormatter::try_new(column, &options)?
        .value(row)
        .try_to_string()?;
    Ok(safe_text(&text).into_owned())
}
