//! Columns for people. Rows are collected first, since every column is as wide as its widest cell.
//!
//! A table that is wider than the screen loses its empty columns; if that is not enough, long texts lose their
//! middle (`arn:aws:iam::11…role/Admin`), but no id does; if that is not enough, every row is shown with one field a
//! line, whole.

use std::io::Write;

use arrow::array::RecordBatch;
use arrow::datatypes::Schema;
use arrow::error::ArrowError;
use comfy_table::{CellAlignment, Table, TableComponent, presets};

use super::OutputError;
use super::cell::cell;
use super::safe::safe_text;

/// Collects rows and writes them as a table.
#[derive(Debug)]
pub struct TableRows<W: Write> {
    out: W,
    width: Option<u16>,
    names: Vec<String>,
    is_number: Vec<bool>,
    rows: Vec<Vec<String>>,
}

impl<W: Write> TableRows<W> {
    pub(super) fn new(schema: &Schema, out: W, width: Option<u16>) -> Self {
        let fields = schema.fields();
        Self {
            out,
            width,
            names: fields
                .iter()
                .map(|field| safe_text(field.name()).into_owned())
                .collect(),
            is_number: fields
                .iter()
                .map(|field| field.data_type().is_numeric())
                .collect(),
            rows: Vec::new(),
        }
    }

    pub(super) fn write(&mut self, batch: &RecordBatch) -> Result<(), OutputError> {
        for row in 0..batch.num_rows() {
            let cells: Result<Vec<String>, ArrowError> = batch
                .columns()
                .iter()
                .map(|column| cell(column, row))
                .collect();
            self.rows.push(cells?);
        }
        Ok(())
    }

    pub(super) fn finish(mut self) -> Result<(), OutputError> {
        let mut text = self.side_by_side();
        if !self.fits(&text) {
            self.drop_empty_columns();
            text = self.side_by_side();
        }
        if !self.fits(&text) {
            text = match self.shortened() {
                Some(rows) => self.laid_out(&rows),
                None => self.one_field_a_line(),
            };
        }
        // Cells are padded to their column's width; the padding at a line's end is nothing to see.
        for line in text.lines() {
            writeln!(self.out, "{}", line.trim_end()).map_err(OutputError::Write)?;
        }
        self.out.flush().map_err(OutputError::Write)
    }

    fn fits(&self, text: &str) -> bool {
        let widest = text
            .lines()
            .map(|line| line.trim_end().chars().count())
            .max()
            .unwrap_or(0);
        self.width.is_none_or(|width| widest <= usize::from(width))
    }

    fn drop_empty_columns(&mut self) {
        let keep: Vec<bool> = (0..self.names.len())
            .map(|at| {
                self.rows
                    .iter()
                    .any(|row| row.get(at).is_some_and(|cell| !cell.is_empty()))
            })
            .collect();
        retain(&mut self.names, &keep);
        retain(&mut self.is_number, &keep);
        for row in &mut self.rows {
            retain(row, &keep);
        }
    }

    fn side_by_side(&self) -> String {
        self.laid_out(&self.rows)
    }

    /// The rows with the middles of their longest texts left out, if that makes them fit.
    fn shortened(&self) -> Option<Vec<Vec<String>>> {
        let width = usize::from(self.width?);
        let mut widths: Vec<usize> = self
            .names
            .iter()
            .enumerate()
            .map(|(at, name)| {
                let cells = self.rows.iter().filter_map(|row| row.get(at));
                let longest = cells.map(|cell| cell.chars().count()).max().unwrap_or(0);
                longest.max(name.chars().count())
            })
            .collect();
        // A column has a space before and two behind it.
        while widths.iter().map(|width| width + 3).sum::<usize>() > width {
            let can_shrink = |at: usize| {
                let is_id = self.names.get(at).is_some_and(|name| is_whole(name));
                !is_id && !self.is_number.get(at).copied().unwrap_or(false)
            };
            let (_, longest) = widths
                .iter_mut()
                .enumerate()
                .filter(|(at, width)| can_shrink(*at) && **width > SHORTEST)
                .max_by_key(|(_, width)| **width)?;
            *longest -= 1;
        }
        let row = |row: &Vec<String>| {
            let cells = row.iter().zip(&widths);
            cells.map(|(cell, width)| cut(cell, *width)).collect()
        };
        Some(self.rows.iter().map(row).collect())
    }

    fn laid_out(&self, rows: &[Vec<String>]) -> String {
        let mut table = Table::new();
        table.load_preset(presets::NOTHING);
        table.set_style(TableComponent::HeaderLines, '─');
        table.set_style(TableComponent::MiddleHeaderIntersections, '─');
        table.set_header(&self.names);
        for (column, is_number) in table.column_iter_mut().zip(&self.is_number) {
            if *is_number {
                column.set_cell_alignment(CellAlignment::Right);
            }
        }
        table.add_rows(rows);
        table.to_string()
    }

    fn one_field_a_line(&self) -> String {
        let longest = self
            .names
            .iter()
            .map(|name| name.chars().count())
            .max()
            .unwrap_or(0);
        let mut lines = Vec::new();
        for (at, row) in self.rows.iter().enumerate() {
            lines.push(format!("── {} ──", at + 1));
            let fields = self
                .names
                .iter()
                .zip(row)
                .filter(|(_, cell)| !cell.is_empty());
            lines.extend(fields.map(|(name, cell)| format!(" {name:longest$}  {cell}")));
        }
        lines.join("\n")
    }
}

/// The least that is left of a shortened text.
const SHORTEST: usize = 16;

/// Whether the column holds ids or times, which are worth nothing in part.
fn is_whole(name: &str) -> bool {
    name.ends_with("_id") || name.ends_with("_at") || name.ends_with("_time") || name == "kind"
}

/// The text with `…` for its middle, at most `width` characters long.
fn cut(text: &str, width: usize) -> String {
    let length = text.chars().count();
    if length <= width {
        return text.to_owned();
    }
    let tail = width.saturating_sub(1) * 2 / 3;
    let head = width.saturating_sub(1) - tail;
    let first: String = text.chars().take(head).collect();
    let last: String = text.chars().skip(length - tail).collect();
    format!("{first}…{last}")
}

fn retain<T>(items: &mut Vec<T>, keep: &[bool]) {
    let mut keep = keep.iter();
    items.retain(|_| keep.next().copied().unwrap_or(true));
}

#[cfg(test)]
mod tests {
    use super::*;
    use arrow::array::{ArrayRef, Int64Array, StringArray};
    use std::sync::Arc;

    fn shown(width: Option<u16>) -> String {
        let who = Arc::new(StringArray::from(vec!["alice", "bob"])) as ArrayRef;
        let none = Arc::new(StringArray::from(vec![None::<&str>, None])) as ArrayRef;
        let arn = Arc::new(StringArray::from(vec![
            "arn:aws:iam::111122223333:user/alice",
            "-",
        ]));
        let count = Arc::new(Int64Array::from(vec![1, 20]));
        let batch = RecordBatch::try_from_iter_with_nullable([
            ("who", who, true),
            ("nothing_at_all", none, true),
            ("arn", arn as ArrayRef, true),
            ("n", count as ArrayRef, true),
        ])
        .unwrap();
        let mut bytes = Vec::new();
        let mut rows = TableRows::new(batch.schema_ref(), &mut bytes, width);
        rows.write(&batch).unwrap();
        rows.finish().unwrap();
        String::from_utf8(bytes).unwrap()
    }

    #[test]
    fn what_does_not_fit_loses_empty_columns_first_and_is_never_broken() {
        assert!(
            shown(None)
                .lines()
                .next()
                .unwrap()
                .contains("nothing_at_all")
        );
        let narrow = shown(Some(60));
        assert!(!narrow.contains("nothing_at_all"), "{narrow}");
        assert!(
            narrow.contains(" alice   arn:aws:iam::111122223333:user/alice    1\n"),
            "{narrow}"
        );
        let narrower = shown(Some(45));
        assert!(
            narrower.contains("arn:aws:ia…2223333:user/alice"),
            "{narrower}"
        );
        let small = shown(Some(30));
        assert!(small.contains("── 2 ──\n who  bob\n"), "{small}");
        assert!(
            small.contains(" arn  arn:aws:iam::111122223333:user/alice\n"),
            "{small}"
        );
    }
}
