//! Data to stdout, words to stderr.

use std::io::{self, BufWriter, IsTerminal as _, Write};

use arrow::array::RecordBatch;
use arrow::datatypes::Schema;

use crate::output::{Format, OutputError, RowWriter};

/// The two streams.
#[derive(Debug)]
pub(super) struct Ui {
    is_terminal: bool,
}

impl Ui {
    pub(super) fn new() -> Self {
        Self {
            is_terminal: io::stdout().is_terminal(),
        }
    }

    /// Whether a person looks at stdout.
    pub(super) fn is_terminal(&self) -> bool {
        self.is_terminal
    }

    /// Writes one line of words. Words that nobody can hear are no failure.
    #[expect(clippy::unused_self, reason = "who may speak holds the streams")]
    pub(super) fn say(&self, words: &str) {
        drop(writeln!(io::stderr().lock(), "{words}"));
    }

    /// Writes one line of data as it is.
    #[expect(clippy::unused_self, reason = "who may speak holds the streams")]
    pub(super) fn line(&self, text: &str) -> Result<(), OutputError> {
        writeln!(io::stdout().lock(), "{text}").map_err(OutputError::Write)
    }

    /// Opens stdout for rows.
    pub(super) fn rows(
        &self,
        format: Format,
        schema: &Schema,
    ) -> RowWriter<BufWriter<io::StdoutLock<'static>>> {
        let out = BufWriter::new(io::stdout().lock());
        RowWriter::new(format, schema, out, self.width())
    }

    /// Writes batches that are already there.
    pub(super) fn batches(
        &self,
        format: Format,
        schema: &Schema,
        batches: &[RecordBatch],
    ) -> Result<(), OutputError> {
        let mut rows = self.rows(format, schema);
        for batch in batches {
            rows.write(batch)?;
        }
        rows.finish()
    }

    fn width(&self) -> Option<u16> {
        if !self.is_terminal {
            return None;
        }
        rustix::termios::tcgetwinsize(io::stdout())
            .ok()
            .map(|size| size.ws_col)
            .filter(|w| *w > 0)
    }
}
