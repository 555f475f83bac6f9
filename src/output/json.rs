//! Rows as JSON: one object a line, or one list of all.

use std::io::Write;

use arrow::array::RecordBatch;
use arrow::error::ArrowError;
use arrow::json::WriterBuilder;
use arrow::json::writer::LineDelimited;

use super::OutputError;
use super::cell::TIME;
use super::safe::is_unsafe;

/// Writes rows as JSON lines.
#[derive(Debug)]
pub struct JsonLines<W: Write> {
    out: W,
}

impl<W: Write> JsonLines<W> {
    pub(super) fn new(out: W) -> Self {
        Self { out }
    }

    pub(super) fn write(&mut self, batch: &RecordBatch) -> Result<(), OutputError> {
        self.out
            .write_all(objects(batch)?.as_bytes())
            .map_err(OutputError::Write)
    }

    pub(super) fn finish(mut self) -> Result<(), OutputError> {
        self.out.flush().map_err(OutputError::Write)
    }
}

/// Writes rows as one JSON list, an object a line.
#[derive(Debug)]
pub struct JsonList<W: Write> {
    out: W,
    is_first: bool,
}

impl<W: Write> JsonList<W> {
    pub(super) fn new(out: W) -> Self {
        Self {
            out,
            is_first: true,
        }
    }

    pub(super) fn write(&mut self, batch: &RecordBatch) -> Result<(), OutputError> {
        for object in objects(batch)?.lines() {
            let before = if std::mem::take(&mut self.is_first) {
                "[\n"
            } else {
                ",\n"
            };
            write!(self.out, "{before}{object}").map_err(OutputError::Write)?;
        }
        Ok(())
    }

    /// Closes the list, without a line end, and gives the receiver back.
    pub(super) fn close(mut self) -> Result<W, OutputError> {
        let end = if self.is_first { "[]" } else { "\n]" };
        self.out
            .write_all(end.as_bytes())
            .map_err(OutputError::Write)?;
        Ok(self.out)
    }

    pub(super) fn finish(self) -> Result<(), OutputError> {
        let mut out = self.close()?;
        writeln!(out)
            .and_then(|()| out.flush())
            .map_err(OutputError::Write)
    }
}

/// Every row as one object on a line of its own, every column in it, nulls included.
fn objects(batch: &RecordBatch) -> Result<String, ArrowError> {
    let mut writer = WriterBuilder::new()
        .with_explicit_nulls(true)
        .with_timestamp_tz_format(TIME.to_owned())
        .with_timestamp_format(TIME.to_owned())
        .build::<_, LineDelimited>(Vec::new());
    writer.write(batch)?;
    writer.finish()?;
    let bytes = writer.into_inner();
    Ok(harmless(&String::from_utf8_lossy(&bytes)).into_owned())
}

/// Every row as the text of one JSON object, every column in it, nulls included.
pub fn json_rows(batches: &[RecordBatch]) -> Result<Vec<String>, OutputError> {
    let mut rows = Vec::new();
    for batch in batches {
        rows.extend(objects(batch)?.lines().map(str::to_owned));
    }
    Ok(rows)
}

/// JSON writes the first 32 controls as escapes; the other unsafe characters get theirs here.
///
/// Outside strings JSON is plain ASCII, so that every such character stands inside one.
fn harmless(json: &str) -> std::borrow::Cow<'_, str> {
    use std::fmt::Write as _;
    let acts = |c: char| c != '\n' && is_unsafe(c);
    if !json.contains(acts) {
        return std::borrow::Cow::Borrowed(json);
    }
    let mut out = String::with_capacity(json.len() + 16);
    for c in json.chars() {
        if acts(c) {
            for unit in c.encode_utf16(&mut [0; 2]) {
                // Writing to a String cannot fail.
                let _ = write!(out, "\\u{unit:04x}");
            }
        } else {
            out.push(c);
        }
    }
    std::borrow::Cow::Owned(out)
}

#[cfg(test)]
mod tests {
    use super::*;
    use arrow::array::{ArrayRef, StringArray, TimestampMicrosecondArray};
    use std::sync::Arc;

    fn batch() -> RecordBatch {
        let times =
            TimestampMicrosecondArray::from(vec![Some(1_000_000), None]).with_timezone("UTC");
        let texts = StringArray::from(vec![Some("a\u{9b}\u{1b}\u{202e}\u{e0041}\"b\n"), None]);
        RecordBatch::try_from_iter_with_nullable([
            ("at", Arc::new(times) as ArrayRef, true),
            ("who", Arc::new(texts) as ArrayRef, true),
        ])
        .unwrap()
    }

    #[test]
    fn every_column_is_there_times_end_in_z_and_nothing_acts() {
        let mut bytes = Vec::new();
        let mut lines = JsonLines::new(&mut bytes);
        lines.write(&batch()).unwrap();
        lines.finish().unwrap();
        assert_eq!(
            String::from_utf8(bytes).unwrap(),
            "{\"at\":\"1970-01-01T00:00:01Z\",\"who\":\"a\\u009b\\u001b\\u202e\\udb40\\udc41\\\"b\\n\"}\n{\"at\":null,\"who\":null}\n"
        );
    }

    #[test]
    fn a_list_is_json_with_and_without_rows() {
        for batches in [vec![], vec![batch(), batch()]] {
            let mut bytes = Vec::new();
            let mut list = JsonList::new(&mut bytes);
            for batch in &batches {
                list.write(batch).unwrap();
            }
            list.finish().unwrap();
            let parsed: serde_json::Value = serde_json::from_slice(&bytes).unwrap();
            assert_eq!(parsed.as_array().unwrap().len(), 2 * batches.len());
        }
    }
}
