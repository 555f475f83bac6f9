//! CSV as CloudTrail Lake writes the results of a query to S3: the column `eventJson` holds each record.
//!
//! Source: CloudTrail User Guide, "Get and save query results"; the columns are those that were asked for.

use std::io::{self, Read};

use super::RecordSink;
use super::frames::{Frames, Step};
use super::rejected::{RAW_LIMIT, Reason};
use super::take::Place;
use super::window::{End, Window};
use super::wrapped::WITHOUT_EVENT_JSON;

/// A header line longer than this is none.
const LONGEST_HEADER: usize = 64 << 10;

impl<R: Read> Frames<R> {
    /// Whether the text begins with a CSV header that has CloudTrail's columns.
    pub(super) fn is_query_result(&mut self) -> bool {
        let text = self.window.text();
        let head = text.get(..LONGEST_HEADER).unwrap_or(text);
        let Some(end) = memchr::memchr(b'\n', head) else {
            return false;
        };
        let line =
            String::from_utf8_lossy(head.get(..end).unwrap_or_default()).to_ascii_lowercase();
        let names = || line.split(',').map(|name| name.trim().trim_matches('"'));
        ["eventjson", "eventid", "eventname", "useridentity"]
            .iter()
            .any(|known| names().any(|name| name == *known))
    }

    /// Reads the rows; every row's `eventJson` is one value.
    pub(super) fn query_result(&mut self, sink: &mut impl RecordSink) -> Step {
        let limit = self.options.limits.record_bytes;
        let start = self.window.offset();
        let mut rows = csv::ReaderBuilder::new()
            .flexible(true)
            .has_headers(true)
            .from_reader(Bounded {
                window: &mut self.window,
                left: limit,
                limit,
            });
        let column = rows.byte_headers().ok().and_then(|header| {
            header
                .iter()
                .position(|name| name.trim_ascii().eq_ignore_ascii_case(b"eventJson"))
        });
        let mut row = csv::ByteRecord::new();
        let mut stopped = false;
        let failure = loop {
            rows.get_mut().left = limit;
            match rows.read_byte_record(&mut row) {
                Ok(true) if self.taker.is_full() => {
                    stopped = true;
                    break None;
                }
                Ok(true) => {}
                Ok(false) => break None,
                Err(error) => break Some(error.to_string()),
            }
            let offset = start + row.position().map_or(0, csv::Position::byte);
            if let Some(cell) = column.and_then(|column| row.get(column)) {
                self.taker.text(Place::bare(cell, offset), sink);
            } else {
                let text = head_of(&row);
                let detail = WITHOUT_EVENT_JSON.to_owned();
                let place = Place::bare(&text, offset);
                self.taker
                    .reject(Reason::RecordsMissing, detail, place, sink);
            }
        };
        drop(rows);
        if stopped {
            self.taker.passed_over = true;
            self.window.stop();
        }
        // A read that failed is told of at the end of the file.
        if let Some(detail) = failure.filter(|_| self.window.end().is_none()) {
            // A quote that was left open swallows all behind it; nothing tells where the next row begins.
            let detail = format!("a row is {detail}; the rows behind it are not read");
            let place = Place::bare(b"", self.window.offset());
            self.taker
                .reject(Reason::RecordTooLarge, detail, place, sink);
            self.window.pass_over_rest();
        }
        Step::Done
    }
}

/// The beginning of a row, as much as is kept of what is rejected; a hostile row has millions of cells.
fn head_of(row: &csv::ByteRecord) -> Vec<u8> {
    let mut text = Vec::new();
    for cell in row {
        if text.len() > RAW_LIMIT {
            break;
        }
        text.extend_from_slice(cell);
        text.push(b',');
    }
    text.pop();
    text
}

/// Reads the rest of the text, at most `limit` bytes for one row, so that an open quote cannot swallow the file.
struct Bounded<'w, R> {
    window: &'w mut Window<R>,
    left: usize,
    limit: usize,
}

impl<R: Read> Read for Bounded<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.left == 0 {
            return Err(io::Error::other(format!(
                "longer than {} bytes",
                self.limit
            )));
        }
        if self.window.text().is_empty() && !self.window.fill() {
            // What the reader holds of the last row is not whole.
            return match self.window.end() {
                Some(End::Failed(error)) => Err(io::Error::from(error.kind())),
                _ => Ok(0),
            };
        }
        let text = self.window.text();
        let count = text.len().min(buffer.len()).min(self.left);
        if let (Some(to), Some(from)) = (buffer.get_mut(..count), text.get(..count)) {
            to.copy_from_slice(from);
        }
        self.window.advance(count);
        self.left -= count;
        Ok(count)
    }
}
