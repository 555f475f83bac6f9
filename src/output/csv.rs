//! Comma-separated values that a spreadsheet shows and does not run.
//!
//! Lists and structs are JSON. A cell that a spreadsheet would take for a formula gets an apostrophe in front.
//! Source: OWASP, "CSV Injection".

use std::io::Write;
use std::sync::Arc;

use arrow::array::{Array, RecordBatch};
use arrow::datatypes::{DataType, Field, Schema};
use arrow::error::ArrowError;
use arrow::json::writer::{EncoderOptions, make_encoder};

use super::OutputError;
use super::cell::{TIME, cell};
use super::safe::safe_text;

/// Writes rows as CSV with one header line.
#[derive(Debug)]
pub struct CsvRows<W: Write> {
    out: csv::Writer<W>,
}

impl<W: Write> CsvRows<W> {
    pub(super) fn new(schema: &Schema, out: W) -> Result<Self, OutputError> {
        let mut out = csv::WriterBuilder::new().from_writer(out);
        out.write_record(schema.fields().iter().map(|field| inert(field.name())))
            .map_err(failed)?;
        Ok(Self { out })
    }

    pub(super) fn write(&mut self, batch: &RecordBatch) -> Result<(), OutputError> {
        for row in 0..batch.num_rows() {
            for (field, column) in batch.schema_ref().fields().iter().zip(batch.columns()) {
                let text = text_of(field, column.as_ref(), row)?;
                self.out.write_field(text).map_err(failed)?;
            }
            self.out.write_record(None::<&[u8]>).map_err(failed)?;
        }
        Ok(())
    }

    pub(super) fn finish(mut self) -> Result<(), OutputError> {
        self.out.flush().map_err(OutputError::Write)
    }
}

fn text_of(field: &Field, column: &dyn Array, row: usize) -> Result<String, ArrowError> {
    if column.is_null(row) {
        return Ok(String::new());
    }
    match column.data_type() {
        data_type if data_type.is_numeric() => cell(column, row),
        DataType::List(_) | DataType::Struct(_) => json_of(field, column, row),
        _ => Ok(inert(&cell(column, row)?)),
    }
}

fn json_of(field: &Field, column: &dyn Array, row: usize) -> Result<String, ArrowError> {
    let options = EncoderOptions::default()
        .with_explicit_nulls(true)
        .with_timestamp_tz_format(TIME.to_owned())
        .with_timestamp_format(TIME.to_owned());
    let field = Arc::new(field.clone());
    let mut encoder = make_encoder(&field, column, &options)?;
    let mut bytes = Vec::new();
    encoder.encode(row, &mut bytes);
    Ok(safe_text(&String::from_utf8_lossy(&bytes)).into_owned())
}

/// The text as a spreadsheet takes for text.
fn inert(text: &str) -> String {
    let starts_formula = text.trim_start().starts_with([
        '=', '+', '-', '@', '\u{ff1d}', '\u{ff0b}', '\u{ff0d}', '\u{ff20}',
    ]);
    let text = safe_text(text);
    if starts_formula || text.starts_with("\\t") || text.starts_with("\\r") {
        format!("'{text}")
    } else {
        text.into_owned()
    }
}

fn failed(error: csv::Error) -> OutputError {
    OutputError::Write(match error.into_kind() {
        // As the system said it: a reader that left is no failure.
        csv::ErrorKind::Io(error) => error,
        other => std::io::Error::other(format!("{other:?}")),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use arrow::array::{ArrayRef, Int64Array, ListBuilder, StringArray, StringBuilder};

    #[test]
    fn cells_are_quoted_and_formulas_are_text() {
        let texts = StringArray::from(vec![
            Some("=cmd|' /C calc'!A0"),
            Some("a,\"b\"\u{1b}"),
            None,
            Some("  @SUM(1)"),
        ]);
        let numbers = Int64Array::from(vec![-1, 2, 3, 4]);
        let mut lists = ListBuilder::new(StringBuilder::new());
        lists.append_value([Some("=1"), Some("b")]);
        lists.append_value(Vec::<Option<&str>>::new());
        lists.append_null();
        lists.append_value([Some("x")]);
        let batch = RecordBatch::try_from_iter_with_nullable([
            ("who", Arc::new(texts) as ArrayRef, true),
            ("n", Arc::new(numbers) as ArrayRef, true),
            ("list", Arc::new(lists.finish()) as ArrayRef, true),
        ])
        .unwrap();
        let mut bytes = Vec::new();
        let mut rows = CsvRows::new(batch.schema_ref(), &mut bytes).unwrap();
        rows.write(&batch).unwrap();
        rows.finish().unwrap();
        assert_eq!(
            String::from_utf8(bytes).unwrap(),
            "who,n,list\n'=cmd|' /C calc'!A0,-1,\"[\"\"=1\"\",\"\"b\"\"]\"\n\"a,\"\"b\"\"\\u{1b}\",2,[]\n,3,\n'  @SUM(1),4,\"[\"\"x\"\"]\"\n"
        );
    }
}
