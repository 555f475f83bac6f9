//! Batches to bytes.  In: batches and a format. Out: text that is safe to show. Knows no CloudTrail word.
//! Why: log content is written by attackers; here, at the last door, nothing of it may act on a terminal.
//! Holds: the same batches give the same bytes; times are RFC 3339 in UTC.  Next: `cli`.

mod jsonl;
mod safe;
mod table;

use std::io::{self, Write};

use arrow::array::RecordBatch;
use arrow::datatypes::Schema;
use arrow::error::ArrowError;

pub use safe::safe_text;

/// The forms in which rows are given out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// Columns for people.
    Table,
    /// One JSON object a line.
    Jsonl,
}

/// What can go wrong while rows are given out.
#[derive(Debug, thiserror::Error)]
pub enum OutputError {
    /// The rows could not be put into the form.
    #[error("cannot format the answer")]
    Format(#[from] ArrowError),
    /// The receiver did not take them.
    #[error("cannot write the answer")]
    Write(#[source] io::Error),
}

impl OutputError {
    /// Returns true when the reader of a pipe has seen enough.
    pub fn is_broken_pipe(&self) -> bool {
        matches!(self, Self::Write(error) if error.kind() == io::ErrorKind::BrokenPipe)
    }
}

/// Takes batches and writes them in one form.
#[derive(Debug)]
pub enum RowWriter<W: Write> {
    /// See [`Format::Table`].
    Table(table::TableRows<W>),
    /// See [`Format::Jsonl`].
    Jsonl(jsonl::JsonLines<W>),
}

impl<W: Write> RowWriter<W> {
    /// A writer to `out`; a table is fitted to `width` characters where there is a limit.
    pub fn new(format: Format, schema: &Schema, out: W, width: Option<u16>) -> Self {
        match format {
            Format::Table => Self::Table(table::TableRows::new(schema, out, width)),
            Format::Jsonl => Self::Jsonl(jsonl::JsonLines::new(out)),
        }
    }

    /// Takes rows.
    pub fn write(&mut self, batch: &RecordBatch) -> Result<(), OutputError> {
        match self {
            Self::Table(rows) => rows.write(batch),
            Self::Jsonl(lines) => lines.write(batch),
        }
    }

    /// Writes what is left.
    pub fn finish(self) -> Result<(), OutputError> {
        match self {
            Self::Table(rows) => rows.finish(),
            Self::Jsonl(lines) => lines.finish(),
        }
    }
}
