//! One JSON object a line, every column in it, nulls included.

use std::io::Write;

use arrow::array::RecordBatch;
use arrow::json::WriterBuilder;
use arrow::json::writer::LineDelimited;

use super::OutputError;
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
        let mut writer = WriterBuilder::new()
            .with_explicit_nulls(true)
            .with_timestamp_tz_format("%Y-%m-%dT%H:%M:%S%.fZ".to_owned())
            .with_timestamp_format("%Y-%m-%dT%H:%M:%S%.fZ".to_owned())
            .build::<_, LineDelimited>(Vec::new());
        writer.write(batch)?;
        writer.finish()?;
        let bytes = writer.into_inner();
        let text = String::from_utf8_lossy(&bytes);
        self.out
            .write_all(harmless(&text).as_bytes())
            .map_err(OutputError::Write)
    }

    pub(super) fn finish(mut self) -> Result<(), OutputError> {
        self.out.flush().map_err(OutputError::Write)
    }
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
            // All of them are in the basic plane; writing to a String cannot fail.
            let _ = write!(out, "\\u{:04x}", u32::from(c));
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

    #[test]
    fn every_column_is_there_times_end_in_z_and_nothing_acts() {
        let times =
            TimestampMicrosecondArray::from(vec![Some(1_000_000), None]).with_timezone("UTC");
        let texts = StringArray::from(vec![Some("a\u{9b}\u{1b}\u{202e}\"b"), None]);
        let batch = RecordBatch::try_from_iter_with_nullable([
            ("at", Arc::new(times) as ArrayRef, true),
            ("who", Arc::new(texts) as ArrayRef, true),
        ])
        .unwrap();
        let mut bytes = Vec::new();
        let mut lines = JsonLines::new(&mut bytes);
        lines.write(&batch).unwrap();
        lines.finish().unwrap();
        assert_eq!(
            String::from_utf8(bytes).unwrap(),
            "{\"at\":\"1970-01-01T00:00:01Z\",\"who\":\"a\\u009b\\u001b\\u202e\\\"b\"}\n{\"at\":null,\"who\":null}\n"
        );
    }
}
