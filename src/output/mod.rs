//! Batches to bytes.  In: batches and a format. Out: text or Parquet that is safe to show. Knows no CloudTrail word.
//! Why: log content is written by attackers; here, at the last door, nothing of it may act on a terminal.
//! Holds: the same batches give the same bytes; times are RFC 3339 in UTC.  Next: `cli`.

mod cell;
mod csv;
mod html;
mod json;
mod markdown;
mod pseudonym;
mod safe;
mod sections;
mod table;

use std::collections::HashSet;
use std::io::{self, Write};

use arrow::array::RecordBatch;
use arrow::datatypes::Schema;
use arrow::error::ArrowError;
use parquet::arrow::ArrowWriter;
use parquet::errors::ParquetError;

pub use json::json_rows;
pub use markdown::{longest_run, markdown_text};
pub use pseudonym::Pseudonyms;
pub use safe::safe_text;
pub use sections::{Sections, Words};

/// The forms in which rows are given out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// Columns for people.
    Table,
    /// One JSON list.
    Json,
    /// One JSON object a line.
    Jsonl,
    /// Comma-separated values with a header.
    Csv,
    /// A Markdown table.
    Markdown,
    /// A page that needs nothing else and loads nothing.
    Html,
    /// A Parquet file, types as in the lake.
    Parquet,
}

impl Format {
    /// Returns true for the forms that people read, which show the main columns only.
    pub fn is_for_people(self) -> bool {
        matches!(self, Self::Table | Self::Markdown | Self::Html)
    }
}

/// What can go wrong while rows are given out.
#[derive(Debug, thiserror::Error)]
pub enum OutputError {
    /// The rows could not be put into the form.
    #[error("cannot format the answer")]
    Format(#[from] ArrowError),
    /// The rows could not be put into a Parquet file.
    #[error("cannot write the answer as Parquet")]
    Parquet(#[from] ParquetError),
    /// Two columns have one name, and the form has no place for both.
    #[error("two columns are called `{0}`")]
    Column(String),
    /// The receiver did not take them.
    #[error("cannot write the answer")]
    Write(#[source] io::Error),
}

impl OutputError {
    /// Returns true when the reader of a pipe has seen enough.
    pub fn is_broken_pipe(&self) -> bool {
        let error: Option<&io::Error> = match self {
            Self::Write(error) => Some(error),
            Self::Parquet(ParquetError::External(error)) => error.downcast_ref(),
            Self::Parquet(_) | Self::Format(_) | Self::Column(_) => None,
        };
        error.is_some_and(|error| error.kind() == io::ErrorKind::BrokenPipe)
    }
}

/// Takes batches and writes them in one form.
#[derive(Debug)]
pub enum RowWriter<W: Write + Send> {
    /// See [`Format::Table`].
    Table(table::TableRows<W>),
    /// See [`Format::Json`].
    Json(json::JsonList<W>),
    /// See [`Format::Jsonl`].
    Jsonl(json::JsonLines<W>),
    /// See [`Format::Csv`].
    Csv(Box<csv::CsvRows<W>>),
    /// See [`Format::Markdown`].
    Markdown(markdown::MarkdownRows<W>),
    /// See [`Format::Html`]; the table alone, without the page around it.
    Html(html::HtmlRows<W>),
    /// See [`Format::Parquet`].
    Parquet(Box<ArrowWriter<W>>),
}

impl<W: Write + Send> RowWriter<W> {
    /// A writer to `out`; a table is fitted to `width` characters where there is a limit.
    pub fn new(
        format: Format,
        schema: &Schema,
        out: W,
        width: Option<u16>,
    ) -> Result<Self, OutputError> {
        if matches!(format, Format::Json | Format::Jsonl | Format::Parquet) {
            let mut names = HashSet::new();
            for field in schema.fields() {
                if !names.insert(field.name()) {
                    return Err(OutputError::Column(field.name().clone()));
                }
            }
        }
        Ok(match format {
            Format::Table => Self::Table(table::TableRows::new(schema, out, width)),
            Format::Json => Self::Json(json::JsonList::new(out)),
            Format::Jsonl => Self::Jsonl(json::JsonLines::new(out)),
            Format::Csv => Self::Csv(Box::new(csv::CsvRows::new(schema, out)?)),
            Format::Markdown => Self::Markdown(markdown::MarkdownRows::new(schema, out)?),
            Format::Html => Self::Html(html::HtmlRows::new(schema, out)?),
            Format::Parquet => {
                let schema = schema.clone().into();
                Self::Parquet(Box::new(ArrowWriter::try_new(out, schema, None)?))
            }
        })
    }

    /// Takes rows.
    pub fn write(&mut self, batch: &RecordBatch) -> Result<(), OutputError> {
        match self {
            Self::Table(rows) => rows.write(batch),
            Self::Json(list) => list.write(batch),
            Self::Jsonl(lines) => lines.write(batch),
            Self::Csv(rows) => rows.write(batch),
            Self::Markdown(rows) => rows.write(batch),
            Self::Html(rows) => rows.write(batch),
            Self::Parquet(rows) => Ok(rows.write(batch)?),
        }
    }

    /// Writes what is left.
    pub fn finish(self) -> Result<(), OutputError> {
        match self {
            Self::Table(rows) => rows.finish(),
            Self::Json(list) => list.finish(),
            Self::Jsonl(lines) => lines.finish(),
            Self::Csv(rows) => rows.finish(),
            Self::Markdown(rows) => rows.finish(),
            Self::Html(rows) => rows.finish(),
            Self::Parquet(rows) => {
                let mut out = rows.into_inner()?;
                out.flush().map_err(OutputError::Write)
            }
        }
    }
}
