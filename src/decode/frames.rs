//! Finds the values in a log file's text: inside `{"Records": […]}` and its like, in a list, one after the
//! other, or behind a time on a line.
//!
//! A record is parsed where it stands. Only when that fails is its end looked for by brackets and
//! quotes (`salvage`).

use std::io::Read;

use super::form::Form;
use super::gunzip::Input;
use super::json;
use super::record::Item;
use super::rejected::{Reason, Rejected};
use super::take::{Place, Taker};
use super::time::parse_event_time;
use super::window::Window;
use super::wrapped;
use super::{DecodeOptions, Decoded, RecordSink};

/// One pass over one log file.
pub(super) struct Frames<R: Read> {
    pub(super) window: Window<Input<R>>,
    pub(super) is_gzip: bool,
    pub(super) options: DecodeOptions,
    pub(super) taker: Taker,
    /// Top-level values seen.
    pub(super) values: u64,
    /// Set while the values of a list are read.
    pub(super) in_list: bool,
    pub(super) lines: Lines,
    /// Bytes that may still be looked through for the ends of broken records.
    pub(super) salvage_budget: usize,
}

/// Enough for any real damage; what goes beyond it is made to waste time.
const SALVAGE_BUDGET: usize = 256 << 20;

/// What a line end means.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Lines {
    /// Nothing: a record may go over several lines.
    Free,
    /// A line turned out broken: from then on a record ends with its line.
    Bound,
    /// Every line begins with a time and holds one record.
    Timed,
}

impl Lines {
    pub(super) fn bind(&mut self) {
        if *self == Self::Free {
            *self = Self::Bound;
        }
    }
}

/// What became of one value.
pub(super) enum Step {
    /// It was read, or rejected and passed over.
    Done,
    /// The text ended inside it.
    Ended,
    /// It was cut off, and another file's text begins right behind the cut.
    Cut,
}

/// What a top-level object is.
enum Envelope {
    /// The place stands at a list of records, or of objects around records.
    List(Form),
    /// The place stands at the beginning of a record, or of an object around one.
    Item,
    /// An object that holds no records, and need not.
    Aside(Form),
    /// Neither.
    Other(Reason, String),
}

impl<R: Read> Frames<R> {
    pub(super) fn new(input: Input<R>, options: DecodeOptions) -> Self {
        let is_gzip = input.is_gzip();
        Self {
            window: Window::new(input),
            is_gzip,
            options,
            taker: Taker::new(options),
            values: 0,
            in_list: false,
            lines: Lines::Free,
            salvage_budget: SALVAGE_BUDGET,
        }
    }

    pub(super) fn run(mut self, sink: &mut impl RecordSink) -> Decoded {
        self.window.fill();
        if self.window.text().starts_with(b"\xef\xbb\xbf") {
            self.window.advance(3);
        }
        let mut finished = true;
        while let Some(first) = self.next_byte() {
            match self.value(first, sink) {
                Step::Done | Step::Cut => self.values += 1,
                Step::Ended => {
                    finished = false;
                    break;
                }
            }
        }
        self.report_end(finished, sink);
        let records = self.taker.records();
        Decoded {
            form: self.taker.form(),
            records,
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
        self.in_list = false;
        self.taker.within(None);
        match first {
            b'{' => match self.envelope() {
                Envelope::List(form) => {
                    self.taker.seen.layout(form);
                    self.taker
                        .within(Some(form).filter(|form| *form != Form::Records));
                    self.list(sink, true)
                }
                Envelope::Aside(form) => {
                    self.taker.seen.item(Some(form));
                    self.pass_over_object()
                }
                Envelope::Other(reason, detail) if self.values == 0 && self.is_last_value() => {
                    self.give_up(reason, detail, sink)
                }
                // Another object among records is rejected as a record without its time.
                Envelope::Item | Envelope::Other(..) => {
                    self.taker.seen.layout(Form::RecordLines);
                    self.item(sink)
                }
            },
            b'[' => {
                self.taker.seen.layout(Form::RecordList);
                self.list(sink, false)
            }
            b'0'..=b'9' if self.pass_over_time() => {
                self.taker.seen.layout(Form::CloudWatchExport);
                self.lines = Lines::Timed;
                self.item(sink)
            }
            _ if self.values == 0 && self.is_query_result() => {
                self.taker.seen.layout(Form::CloudTrailLake);
                self.query_result(sink)
            }
            _ if self.values == 0 && json::next_object_line(self.window.text()).is_none() => {
                let detail =
                    format!("starts with byte 0x{first:02x}, not with an object or a list");
                self.give_up(Reason::NotJson, detail, sink)
            }
            _ => {
                self.taker.seen.layout(Form::RecordLines);
                self.lines.bind();
                self.item(sink)
            }
        }
    }

    /// Moves past the time that a line of a CloudWatch Logs export begins with; false without one.
    fn pass_over_time(&mut self) -> bool {
        const LONGEST: usize = 40;
        if self.window.text().len() <= LONGEST {
            self.window.fill();
        }
        let text = self.window.text();
        let head = text.get(..LONGEST).unwrap_or(text);
        let time = memchr::memchr(b' ', head)
            .and_then(|end| std::str::from_utf8(head.get(..end)?).ok())
            .filter(|time| parse_event_time(time).is_some());
        let length = time.map(|time| time.len() + 1);
        self.window.advance(length.unwrap_or(0));
        length.is_some()
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
    pub(super) fn give_up(
        &mut self,
        reason: Reason,
        detail: String,
        sink: &mut impl RecordSink,
    ) -> Step {
        let raw = self.window.text();
        sink.rejected(Rejected::of_file(reason, detail).with_raw(raw, self.options.mask_secrets));
        loop {
            self.window.advance(self.window.text().len());
            if !self.window.fill() {
                break;
            }
        }
        self.values += 1;
        Step::Done
    }

    /// Looks at an object's keys until one tells what it is.
    ///
    /// Keys before a list of records are passed over without being held.
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
            let key: String = serde_json::from_slice(key).unwrap_or_default();
            if json::is_record_key(&key) || wrapped::is_wrapper_key(&key) {
                return Envelope::Item;
            }
            if let Some(form) = wrapped::without_records(&key) {
                return Envelope::Aside(form);
            }
            let Some(mut value) = self.after(key_end, b':') else {
                // Broken right here: reading it as a record tells where and why.
                return Envelope::Item;
            };
            let Some(first) = self.peek(&mut value) else {
                return Envelope::Item;
            };
            if let Some(form) = wrapped::list_named(&key) {
                if first == b'[' {
                    self.window.advance(value);
                    return Envelope::List(form);
                }
                if form == Form::Records {
                    return Envelope::Other(
                        Reason::RecordsNotAList,
                        "`Records` holds another value than a list".to_owned(),
                    );
                }
            }
            let Some(end) = self.end_of_value_from(value) else {
                return Envelope::Item;
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

    /// Reads a list of values; `in_object` when the rest of an object follows it.
    fn list(&mut self, sink: &mut impl RecordSink, in_object: bool) -> Step {
        self.in_list = true;
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
                Some(_) => match self.item(sink) {
                    Step::Done => {}
                    step @ (Step::Ended | Step::Cut) => return step,
                },
            }
        }
    }

    /// Passes over an object that holds no records.
    fn pass_over_object(&mut self) -> Step {
        self.window.advance(1);
        self.rest_of_object()
    }

    /// Passes over the keys that are left of an object, and its end.
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

    /// Reads one value at the current place: a record, or something around records.
    fn item(&mut self, sink: &mut impl RecordSink) -> Step {
        loop {
            let text = self.window.text();
            let line = match self.lines {
                Lines::Free => None,
                Lines::Bound | Lines::Timed => memchr::memchr(b'\n', text),
            };
            let within = text.get(..line.unwrap_or(text.len())).unwrap_or(text);
            let mut stream = serde_json::Deserializer::from_slice(within).into_iter::<Item<'_>>();
            let error = match stream.next() {
                Some(Ok(item)) => {
                    let length = stream.byte_offset();
                    if length > self.options.max_record_bytes {
                        return self.too_large(sink);
                    }
                    let place = Place {
                        text: text.get(..length).unwrap_or_default(),
                        offset: self.window.offset(),
                        depth: 0,
                    };
                    self.taker.item(item, place, sink);
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
                if self.in_list {
                    return self.cut_off(sink);
                }
                if !has_further_line {
                    return Step::Ended;
                }
            }
            return self.broken(&error, sink);
        }
    }
}
