//! Finds the records in a log file's text: inside `{"Records": […]}`, in a list, or one after the other.
//!
//! A record is parsed where it stands. Only when that fails is its end looked for by brackets and
//! quotes, so that one broken record costs one rejection and the next one is read again.

use std::io::Read;

use sha2::{Digest, Sha256};

use super::gunzip::Input;
use super::json::{self, Extent};
use super::record::Record;
use super::rejected::{Reason, Rejected, raw_text};
use super::window::{End, Window};
use super::{DecodeOptions, Decoded, Form, RecordSink};

/// One pass over one log file.
pub(super) struct Frames<R: Read> {
    window: Window<Input<R>>,
    is_gzip: bool,
    options: DecodeOptions,
    form: Form,
    records: u64,
    /// Top-level values seen.
    values: u64,
    /// Set once a line turned out broken: from then on a record is looked for within its line.
    by_line: bool,
    /// Bytes that may still be looked through for the ends of broken records.
    salvage_budget: usize,
}

/// Enough for any real damage; what goes beyond it is made to waste time.
const SALVAGE_BUDGET: usize = 256 << 20;

/// What became of one value.
enum Step {
    /// It was read, or rejected and passed over.
    Done,
    /// The text ended inside it.
    Ended,
}

impl<R: Read> Frames<R> {
    pub(super) fn new(input: Input<R>, options: DecodeOptions) -> Self {
        let is_gzip = input.is_gzip();
        Self {
            window: Window::new(input),
            is_gzip,
            options,
            form: Form::Unknown,
            records: 0,
            values: 0,
            by_line: false,
            salvage_budget: SALVAGE_BUDGET,
        }
    }

    pub(super) fn run(mut self, sink: &mut impl RecordSink) -> Decoded {
        self.window.fill();
        if self.window.text().starts_with(b"\xef\xbb\xbf") {
            self.window.advance(3);
        }
        let before = self.records;
        let mut finished = true;
        while let Some(first) = self.next_byte() {
            match self.value(first, sink) {
                Step::Done => self.values += 1,
                Step::Ended => {
                    finished = false;
                    break;
                }
            }
        }
        self.report_end(finished, before, sink);
        if self.form == Form::RecordLines && self.records == 1 {
            self.form = Form::Record;
        }
        Decoded {
            form: self.form,
            records: self.records,
        }
    }

    /// The next byte that is not white space, which is left where it is.
    fn next_byte(&mut self) -> Option<u8> {
        loop {
            let text = self.window.text();
            if let Some(at) = text.iter().position(|byte| !byte.is_ascii_whitespace()) {
                self.window.advance(at);
                return self.window.text().first().copied();
            }
            self.window.advance(text.len());
            if !self.window.fill() {
                return None;
            }
        }
    }

    /// Reads one top-level value.
    fn value(&mut self, first: u8, sink: &mut impl RecordSink) -> Step {
        match first {
            b'{' => match self.envelope() {
                Envelope::Records => {
                    self.found(Form::Records);
                    self.list(sink, true)
                }
                Envelope::Other(reason, detail) if self.values == 0 && self.is_last_value() => {
                    self.give_up(reason, detail, sink)
                }
                // Another object among records is rejected as a record without its time.
                Envelope::Record | Envelope::Other(..) => {
                    self.found(Form::RecordLines);
                    self.record(sink)
                }
            },
            b'[' => {
                self.found(Form::RecordList);
                self.list(sink, false)
            }
            _ if self.values == 0 && json::next_object_line(self.window.text()).is_none() => {
                let detail =
                    format!("starts with byte 0x{first:02x}, not with an object or a list");
                self.give_up(Reason::NotJson, detail, sink)
            }
            _ => {
                self.found(Form::RecordLines);
                self.by_line = true;
                self.record(sink)
            }
        }
    }

    /// Whether nothing follows the value at the current place, as far as the window goes.
    fn is_last_value(&mut self) -> bool {
        let end = self.end_of_value_from(0).unwrap_or(usize::MAX);
        self.window
            .text()
            .get(end..)
            .unwrap_or_default()
            .trim_ascii()
            .is_empty()
    }

    /// Rejects the whole file; its rest is still read, for its hash.
    fn give_up(&mut self, reason: Reason, detail: String, sink: &mut impl RecordSink) -> Step {
        let raw = self.window.text();
        sink.rejected(Rejected::of_file(reason, detail).with_raw(raw, self.options.mask_secrets));
        self.pass_over_rest();
        Step::Done
    }

    fn found(&mut self, form: Form) {
        if self.form == Form::Unknown {
            self.form = form;
        }
    }

    /// Moves to the end; the rest of a file that was given up is still read, for its hash.
    fn pass_over_rest(&mut self) {
        loop {
            self.window.advance(self.window.text().len());
            if !self.window.fill() {
                break;
            }
        }
        self.values += 1;
    }
}

/// What a top-level object is.
enum Envelope {
    /// The place stands at the list of `Records`.
    Records,
    /// The place stands at the record's beginning.
    Record,
    /// Neither.
    Other(Reason, String),
}

impl<R: Read> Frames<R> {
    /// Looks at an object's keys until one tells what it is.
    ///
    /// Keys before `Records` are passed over without being held.
    fn envelope(&mut self) -> Envelope {
        let mut at = 1;
        loop {
            let Some(key_end) = self.key_end(&mut at) else {
                return Envelope::Other(
                    Reason::RecordsMissing,
                    "no `Records` and none of a record's fields".to_owned(),
                );
            };
            let key = self.window.text().get(at..key_end).unwrap_or_default();
            let key: &str = serde_json::from_slice(key).unwrap_or_default();
            if json::is_record_key(key) {
                return Envelope::Record;
            }
            let is_records = key == "Records";
            let Some(mut value) = self.after(key_end, b':') else {
                // Broken right here: reading it as a record tells where and why.
                return Envelope::Record;
            };
            let Some(first) = self.peek(&mut value) else {
                return Envelope::Record;
            };
            if is_records {
                if first == b'[' {
                    self.window.advance(value);
                    return Envelope::Records;
                }
                return Envelope::Other(
                    Reason::RecordsNotAList,
                    "`Records` holds another value than a list".to_owned(),
                );
            }
            let Some(end) = self.end_of_value_from(value) else {
                return Envelope::Record;
            };
            at = match self.after(end, b',') {
                Some(next) => next,
                None => end,
            };
        }
    }

    /// Moves `at` to the next key and returns its end, or `None` when there is no further key.
    fn key_end(&mut self, at: &mut usize) -> Option<usize> {
        if self.peek(at)? != b'"' {
            return None;
        }
        self.end_of_value_from(*at)
    }

    /// The place after `wanted`, which must be the next byte from `at` that is not white space.
    fn after(&mut self, mut at: usize, wanted: u8) -> Option<usize> {
        (self.peek(&mut at)? == wanted).then_some(at + 1)
    }

    /// Moves `at` to the next byte that is not white space, reading more where needed.
    fn peek(&mut self, at: &mut usize) -> Option<u8> {
        loop {
            if *at > self.options.max_record_bytes {
                return None;
            }
            match self.window.text().get(*at).copied() {
                Some(byte) if byte.is_ascii_whitespace() => *at += 1,
                Some(byte) => return Some(byte),
                None if self.window.fill() => {}
                None => return None,
            }
        }
    }

    fn end_of_value_from(&mut self, at: usize) -> Option<usize> {
        loop {
            if let Some(end) = self.window.text().get(at..).and_then(json::end_of_value) {
                return Some(at + end);
            }
            let held = self.window.text().len();
            if held > self.options.max_record_bytes || !self.window.fill() {
                return None;
            }
        }
    }

    /// Reads a list of records; `in_object` when the rest of an object follows it.
    fn list(&mut self, sink: &mut impl RecordSink, in_object: bool) -> Step {
        self.window.advance(1);
        loop {
            match self.next_byte() {
                None => return Step::Ended,
                Some(b']') => {
                    self.window.advance(1);
                    return if in_object {
                        self.rest_of_object()
                    } else {
                        Step::Done
                    };
                }
                Some(b',') => self.window.advance(1),
                Some(_) => {
                    if matches!(self.record(sink), Step::Ended) {
                        return Step::Ended;
                    }
                }
            }
        }
    }

    /// Passes over the keys after `Records` and the object's end.
    fn rest_of_object(&mut self) -> Step {
        loop {
            match self.next_byte() {
                None => return Step::Ended,
                Some(b'}') => {
                    self.window.advance(1);
                    return Step::Done;
                }
                Some(b',' | b':') => self.window.advance(1),
                Some(_) => match self.end_of_value_from(0) {
                    // A stray bracket has no length of its own.
                    Some(end) => self.window.advance(end.max(1)),
                    None => return Step::Ended,
                },
            }
        }
    }

    /// Reads one record at the current place.
    fn record(&mut self, sink: &mut impl RecordSink) -> Step {
        loop {
            let text = self.window.text();
            let line = if self.by_line {
                memchr::memchr(b'\n', text)
            } else {
                None
            };
            let within = text.get(..line.unwrap_or(text.len())).unwrap_or(text);
            let mut stream = serde_json::Deserializer::from_slice(within).into_iter::<Record<'_>>();
            let error = match stream.next() {
                Some(Ok(mut record)) => {
                    let length = stream.byte_offset();
                    let text = text.get(..length).unwrap_or_default();
                    if length > self.options.max_record_bytes {
                        return self.too_large(sink);
                    }
                    let index = self.records;
                    self.records += 1;
                    match refusal(&mut record) {
                        None => {
                            if record.event_id.is_empty() {
                                record.event_id = id_of_text(text).into();
                            }
                            sink.record(index, &record);
                        }
                        Some((reason, detail)) => sink.rejected(Rejected {
                            index: Some(index),
                            byte_offset: Some(self.window.offset()),
                            reason,
                            detail,
                            raw: Some(raw_text(text, self.options.mask_secrets)),
                        }),
                    }
                    self.window.advance(length);
                    return Step::Done;
                }
                Some(Err(error)) => error,
                None => return Step::Ended,
            };
            if error.is_eof() && line.is_none() {
                if text.len() > self.options.max_record_bytes {
                    return self.too_large(sink);
                }
                let has_further_line = json::next_object_line(text).is_some();
                if self.window.fill() {
                    continue;
                }
                // An open bracket makes the text seem to end here, though another line follows. In a
                // list nothing tells such a record's neighbour from an object inside it.
                if self.form != Form::RecordLines || !has_further_line {
                    return Step::Ended;
                }
            }
            return self.broken(&error, sink);
        }
    }

    /// Rejects the broken record at the current place and moves to where the next one may start.
    fn broken(&mut self, error: &serde_json::Error, sink: &mut impl RecordSink) -> Step {
        let end = if self.form == Form::RecordLines {
            self.by_line = true;
            self.end_of_line()
        } else {
            self.end_of_broken()
        };
        let Some(end) = end else {
            return self.too_large(sink);
        };
        let text = self.window.text().get(..end).unwrap_or_default();
        let text = text.trim_ascii_end();
        let text = text.strip_suffix(b",").unwrap_or(text);
        let at = format!("line {} column {}", error.line(), error.column());
        let (reason, detail) = if std::str::from_utf8(text).is_err() {
            (
                Reason::InvalidUtf8,
                "it holds bytes that are no UTF-8".to_owned(),
            )
        } else if error.is_data() {
            // serde's own words quote the value, which may hold a secret.
            (
                Reason::NotAnObject,
                format!("another value than an object, at {at}"),
            )
        } else {
            (Reason::BrokenJson, error.to_string())
        };
        sink.rejected(Rejected {
            index: Some(self.records),
            byte_offset: Some(self.window.offset()),
            reason,
            detail,
            raw: Some(raw_text(text, self.options.mask_secrets)),
        });
        self.records += 1;
        self.window.advance(end);
        Step::Done
    }

    /// The end of the current line, or `None` beyond the limit.
    fn end_of_line(&mut self) -> Option<usize> {
        loop {
            let text = self.window.text();
            let length = text.len();
            if let Some(end) = json::next_object_line(text) {
                return Some(end);
            }
            if length > self.options.max_record_bytes {
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
    /// record that begins behind another one is where reading goes on.
    fn end_of_broken(&mut self) -> Option<usize> {
        loop {
            let text = self.window.text();
            let length = text.len();
            let next = json::next_record_start(text);
            let reach = if self.salvage_budget > 0 {
                length
            } else {
                next.unwrap_or(length)
            };
            let extent = text.get(..reach).and_then(json::extent_of_value);
            let sure = match extent {
                Some(Extent::Closed(end)) => {
                    json::may_follow_value(text.get(end..).unwrap_or_default())
                }
                Some(Extent::Open(_)) | None => false,
            };
            let end = extent.map(|(Extent::Closed(end) | Extent::Open(end))| end);
            self.salvage_budget = self.salvage_budget.saturating_sub(end.unwrap_or(reach));
            match end {
                Some(end) if sure => return Some(end.max(1)),
                Some(end) => return Some(next.map_or(end, |next| next.min(end)).max(1)),
                None if length > self.options.max_record_bytes => return next,
                None => {}
            }
            if !self.window.fill() {
                return Some(next.unwrap_or(length).max(1));
            }
        }
    }

    /// Rejects a record beyond the limit, and passes over it without holding it.
    fn too_large(&mut self, sink: &mut impl RecordSink) -> Step {
        let limit = self.options.max_record_bytes;
        let mut scan = Scan::default();
        sink.rejected(Rejected {
            index: Some(self.records),
            byte_offset: Some(self.window.offset()),
            reason: Reason::RecordTooLarge,
            detail: format!("longer than {limit} bytes"),
            raw: Some(raw_text(self.window.text(), self.options.mask_secrets)),
        });
        self.records += 1;
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
    fn report_end(&mut self, finished: bool, before: u64, sink: &mut impl RecordSink) {
        let failure = match self.window.end() {
            Some(End::Failed(error)) => {
                let reason = if !self.is_gzip {
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
            if self.records == before && text.is_empty() && self.values == 0 {
                sink.rejected(Rejected::of_file(reason, detail));
                return;
            }
            sink.rejected(Rejected {
                index: Some(self.records),
                byte_offset: Some(self.window.offset()),
                reason,
                detail,
                raw: Some(raw_text(text, self.options.mask_secrets)),
            });
            self.records += 1;
        } else if self.values == 0 {
            sink.rejected(Rejected::of_file(
                Reason::EmptyFile,
                "no JSON value in it".to_owned(),
            ));
        }
    }
}

/// Why a well-formed record cannot be taken, if it cannot.
fn refusal(record: &mut Record<'_>) -> Option<(Reason, String)> {
    if let Some(key) = record.duplicate_key.take() {
        let key: String = key.chars().take(64).collect();
        return Some((Reason::DuplicateKey, format!("`{key}` stands twice")));
    }
    if !record.finish() {
        let detail = match record.event_time_text.as_deref() {
            Some(text) => format!(
                "`eventTime` is `{}`",
                text.chars().take(64).collect::<String>()
            ),
            None => "no `eventTime`".to_owned(),
        };
        return Some((Reason::MissingEventTime, detail));
    }
    None
}

/// The id of a record without one: the hash of its text.
fn id_of_text(text: &[u8]) -> String {
    format!("sha256:{:x}", Sha256::digest(text))
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
