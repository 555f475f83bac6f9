//! What to do with a record that no parser accepts: where does it end, and where does the next one start?
//!
//! One broken record costs one rejection, and the next one is read again.

use std::io::Read;

use serde_json::value::RawValue;

use super::RecordSink;
use super::frames::{Frames, Lines, Step};
use super::gunzip::SourceFailed;
use super::json::{self, Extent};
use super::rejected::{Reason, Rejected};
use super::take::{Place, in_words};
use super::window::End;

impl<R: Read> Frames<R> {
    /// Rejects the broken record at the current place and moves to where the next one may start.
    pub(super) fn broken(&mut self, error: &serde_json::Error, sink: &mut impl RecordSink) -> Step {
        // Lines tell by themselves where the next record begins.
        if self.in_list && self.salvage_budget == 0 {
            return self.give_up_rest(sink);
        }
        let end = if self.in_list {
            self.end_of_broken()
        } else {
            self.lines.bind();
            self.end_of_line()
        };
        let Some(end) = end else {
            return self.too_large(sink);
        };
        let text = self.window.text().get(..end).unwrap_or_default();
        if self.in_list && another_file(text).is_some() {
            return self.cut_off(sink);
        }
        let text = text.trim_ascii_end();
        let text = text.strip_suffix(b",").unwrap_or(text);
        let (reason, detail) = if std::str::from_utf8(text).is_err() {
            (
                Reason::InvalidUtf8,
                "it holds bytes that are no UTF-8".to_owned(),
            )
        } else if error.is_data() {
            (Reason::NotAnObject, in_words(error))
        } else {
            (Reason::BrokenJson, in_words(error))
        };
        let place = Place::bare(text, self.window.offset());
        self.taker.reject(reason, detail, place, sink);
        self.window.advance(end);
        Step::Done
    }

    /// Rejects a record in which the text ends, up to where another file begins inside it: files that were put one
    /// behind the other, the first of them cut off. Records never hold such a beginning themselves.
    pub(super) fn cut_off(&mut self, sink: &mut impl RecordSink) -> Step {
        let text = self.window.text();
        self.salvage_budget = self.salvage_budget.saturating_sub(text.len());
        if self.salvage_budget == 0 {
            return self.give_up_rest(sink);
        }
        let Some(at) = another_file(text) else {
            return Step::Ended;
        };
        let place = Place::bare(text.get(..at).unwrap_or_default(), self.window.offset());
        let detail =
            "the text ends before its last value does, and another file's begins".to_owned();
        self.taker
            .reject(Reason::TruncatedJson, detail, place, sink);
        self.window.advance(at);
        Step::Cut
    }

    /// The end of the current line, or `None` beyond the limit.
    fn end_of_line(&mut self) -> Option<usize> {
        loop {
            let text = self.window.text();
            let length = text.len();
            let next = if self.lines == Lines::Timed {
                memchr::memchr(b'\n', text).map(|at| at + 1)
            } else {
                json::next_object_line(text)
            };
            if next.is_some() {
                return next;
            }
            if length > self.options.limits.record_bytes {
                return None;
            }
            if !self.window.fill() {
                return Some(length.max(1));
            }
        }
    }

    /// The end of a broken record in a list, or `None` beyond the limit.
    ///
    /// Its own brackets tell, unless one is missing or a quote that was left open hides them: then the next
    /// record that begins behind another one is where reading goes on. A bracket that would end the list is taken for
    /// its end only where no such record comes after it.
    fn end_of_broken(&mut self) -> Option<usize> {
        loop {
            let text = self.window.text();
            let length = text.len();
            let extent = json::extent_of_item(text);
            let end = extent.map(|(Extent::Closed(end) | Extent::Open(end))| end);
            if let Some(Extent::Closed(end)) = extent
                && json::may_follow_value(text.get(end..).unwrap_or_default())
            {
                self.salvage_budget = self.salvage_budget.saturating_sub(end);
                return Some(end.max(1));
            }
            let next = json::next_record_start(text);
            let looked_at = end.unwrap_or(length) + next.unwrap_or(length);
            self.salvage_budget = self.salvage_budget.saturating_sub(looked_at);
            match extent {
                Some(Extent::Closed(end)) => {
                    return Some(next.map_or(end, |next| next.min(end)).max(1));
                }
                Some(Extent::Open(_)) if next.is_some() => return next,
                Some(Extent::Open(end)) if length > self.options.limits.record_bytes => {
                    return Some(end.max(1));
                }
                None if length > self.options.limits.record_bytes => return next,
                _ if self.salvage_budget == 0 => {
                    return Some(next.or(end).unwrap_or(length).max(1));
                }
                _ => {}
            }
            if !self.window.fill() {
                return Some(next.or(end).unwrap_or(length).max(1));
            }
        }
    }

    /// Whether a value that its line does not close is one that goes over several lines, and not a broken one.
    ///
    /// Parsing it costs what the window holds, so that it is tried only as long as the budget lasts.
    pub(super) fn goes_over_lines(&mut self) -> bool {
        let text = self.window.text();
        self.salvage_budget = self.salvage_budget.saturating_sub(text.len());
        if self.lines != Lines::Bound || self.salvage_budget == 0 {
            return false;
        }
        let mut stream = serde_json::Deserializer::from_slice(text).into_iter::<&RawValue>();
        matches!(stream.next(), Some(Ok(_)))
    }

    /// Rejects all that is left of a file in which more is broken than any accident breaks.
    fn give_up_rest(&mut self, sink: &mut impl RecordSink) -> Step {
        let place = Place::bare(self.window.text(), self.window.offset());
        let detail = "too much is broken to look for records any further".to_owned();
        self.taker.reject(Reason::BrokenJson, detail, place, sink);
        self.window.pass_over_rest();
        // A list that stood open is part of what was rejected.
        Step::Cut
    }

    /// Rejects a record beyond the limit, and passes over it without holding it.
    pub(super) fn too_large(&mut self, sink: &mut impl RecordSink) -> Step {
        let limit = self.options.limits.record_bytes;
        let mut scan = Scan::default();
        let place = Place::bare(self.window.text(), self.window.offset());
        let detail = format!("longer than {limit} bytes");
        self.taker
            .reject(Reason::RecordTooLarge, detail, place, sink);
        loop {
            let (passed, done) = scan.pass(self.window.text());
            self.window.advance(passed);
            if done {
                return Step::Done;
            }
            if !self.window.fill() {
                // The rejection above already tells of this record.
                return if matches!(self.window.end(), Some(End::Clean)) {
                    Step::Done
                } else {
                    Step::Ended
                };
            }
        }
    }

    /// Tells of damage at the end of the file, once.
    pub(super) fn report_end(&mut self, finished: bool, sink: &mut impl RecordSink) {
        let failure = match self.window.end() {
            _ if self.taker.passed_over => Some((
                Reason::TooManyRecords,
                format!(
                    "more than {} records; those behind them are not read",
                    self.options.limits.records
                ),
            )),
            Some(End::Failed(error)) if error.kind() == std::io::ErrorKind::FileTooLarge => {
                Some((Reason::InflatedTooLarge, error.to_string()))
            }
            Some(End::Failed(error)) => {
                let reason = if !self.is_gzip || SourceFailed::is(error) {
                    Reason::Unreadable
                } else if error.kind() == std::io::ErrorKind::UnexpectedEof {
                    Reason::TruncatedGzip
                } else {
                    Reason::CorruptGzip
                };
                Some((reason, error.to_string()))
            }
            _ if !finished => Some((
                Reason::TruncatedJson,
                "the text ends before its last value does".to_owned(),
            )),
            _ => None,
        };
        if let Some((reason, detail)) = failure {
            let text = self.window.text();
            if self.taker.is_untouched() && text.is_empty() && self.values == 0 {
                sink.rejected(Rejected::of_file(reason, detail));
                return;
            }
            let place = Place::bare(text, self.window.offset());
            self.taker.reject(reason, detail, place, sink);
        } else if self.values == 0 {
            sink.rejected(Rejected::of_file(
                Reason::EmptyFile,
                "no JSON value in it".to_owned(),
            ));
        }
    }
}

/// Where another log file's text begins, after the first byte of `text`. Inside a string its quotes would carry backslashes.
fn another_file(text: &[u8]) -> Option<usize> {
    let rest = text.get(1..)?;
    memchr::memmem::find(rest, b"{\"Records\":[").map(|at| at + 1)
}

/// Follows brackets and quotes through text that comes in pieces.
#[derive(Default)]
struct Scan {
    depth: usize,
    in_string: bool,
    escaped: bool,
}

impl Scan {
    /// Returns how far the value goes in `text`, and whether it ends there.
    fn pass(&mut self, text: &[u8]) -> (usize, bool) {
        for (at, &byte) in text.iter().enumerate() {
            if self.in_string {
                self.in_string = self.escaped || byte != b'"';
                self.escaped = !self.escaped && byte == b'\\';
                continue;
            }
            match byte {
                b'"' => self.in_string = true,
                b'{' | b'[' => self.depth += 1,
                b'}' | b']' => {
                    self.depth = self.depth.saturating_sub(1);
                    if self.depth == 0 {
                        return (at + 1, true);
                    }
                }
                _ => {}
            }
        }
        (text.len(), false)
    }
}
