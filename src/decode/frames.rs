//! Finds the values in a log file's text: inside `{"Records": […]}` and its like, in a list, one after the
//! other, or behind a time on a line.
//!
//! A record is parsed where it stands. Only when that fails is its end looked for by brackets and
//! quotes (`salvage`).

use std::io::Read;

use serde_json::Deserializer;

use super::form::Form;
use super::gunzip::Input;
use super::json;
use super::record::{Item, UsualItem};
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
const SALVAGE_BUDGET: usize = 128 << 20;

/// The longest time that a line may begin with, in bytes.
const LONGEST_TIME: usize = 40;

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
        while let Some(first) = self.next_item() {
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

    /// The same where a record may begin; where there are too many already, reading ends.
    fn next_item(&mut self) -> Option<u8> {
        let next = self.next_byte()?;
        let begins = !matches!(next, b',' | b']' | b'}');
        if self.taker.passed_over || begins && self.taker.is_full() {
            self.taker.passed_over = true;
            self.window.stop();
            return None;
        }
        Some(next)
    }

    /// Reads one top-level value.
    fn value(&mut self, first: u8, sink: &mut impl RecordSink) -> Step {
        self.in_list = false;
        self.taker.within(Form::Records);
        match first {
            b'{' => match self.envelope() {
                Envelope::List(form) => {
                    self.taker.seen.layout(form);
                    self.list_in_object(form, sink)
                }
                Envelope::Aside(form) if self.taker.is_untouched() => {
                    self.taker.seen.item(Some(form));
                    self.window.advance(1);
                    self.rest_of_object(sink)
                }
                Envelope::Other(reason, detail) if self.values == 0 && self.is_last_value() => {
                    self.give_up(reason, detail, sink)
                }
                // Another object among records is rejected as a record without its time.
                Envelope::Item | Envelope::Aside(_) | Envelope::Other(..) => {
                    self.taker.seen.layout(Form::RecordLines);
                    self.item(sink)
                }
            },
            b'[' => {
                self.taker.seen.layout(Form::RecordList);
                self.list(sink)
            }
            b'0'..=b'9' if self.starts_with_time() => {
                self.taker.seen.layout(Form::CloudWatchExport);
                self.lines = Lines::Timed;
                self.timed_line(sink)
            }
            _ if self.values == 0 && self.is_query_result() => {
                self.taker.seen.layout(Form::CloudTrailLake);
                self.query_result(sink)
            }
            _ if self.values == 0 && json::next_object_line(self.window.text()).is_none() => {
                let detail = not_json(self.window.text());
                self.give_up(Reason::NotJson, detail, sink)
            }
            _ => {
                self.taker.seen.layout(Form::RecordLines);
                self.lines.bind();
                self.item(sink)
            }
        }
    }

    /// Whether the line begins with a time, as those of a CloudWatch Logs export do.
    fn starts_with_time(&mut self) -> bool {
        if self.window.text().len() <= LONGEST_TIME {
            self.window.fill();
        }
        time_length(self.window.text()).is_some()
    }

    /// Reads the record behind the time that the line begins with.
    fn timed_line(&mut self, sink: &mut impl RecordSink) -> Step {
        let text = self.window.text();
        let length = time_length(text).unwrap_or(0);
        let rest = text.get(length..).unwrap_or_default();
        let line = rest.split(|byte| *byte == b'\n').next().unwrap_or(rest);
        if !line.trim_ascii().is_empty() {
            self.window.advance(length);
            return self.item(sink);
        }
        let end = length + line.len();
        let place = Place::bare(text.get(..end).unwrap_or(text), self.window.offset());
        let detail = "a time with no record behind it".to_owned();
        self.taker.reject(Reason::NotAnObject, detail, place, sink);
        self.window.advance(end);
        Step::Done
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
        self.window.pass_over_rest();
        self.values += 1;
        Step::Done
    }

    /// Looks at an object's keys until one tells what it is.
    ///
    /// Keys before a list of records are passed over without being held.
    fn envelope(&mut self) -> Envelope {
        let mut at = 1;
        loop {
            if self.salvage_budget == 0 {
                // Where nothing ends, looking ahead is what takes the time.
                return Envelope::Item;
            }
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
                let looked_at = self.window.text().len();
                self.salvage_budget = self.salvage_budget.saturating_sub(looked_at);
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
            if *at > self.options.limits.record_bytes {
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
            if held > self.options.limits.record_bytes || !self.window.fill() {
                return None;
            }
        }
    }

    /// Reads the list at the current place, and whatever lists of records the rest of its object holds.
    fn list_in_object(&mut self, form: Form, sink: &mut impl RecordSink) -> Step {
        self.taker.within(form);
        match self.list(sink) {
            Step::Done => self.rest_of_object(sink),
            step => step,
        }
    }

    /// Reads a list of values.
    fn list(&mut self, sink: &mut impl RecordSink) -> Step {
        self.in_list = true;
        self.window.advance(1);
        loop {
            match self.next_item() {
                None => return Step::Ended,
                Some(b']') => {
                    self.window.advance(1);
                    self.in_list = false;
                    return Step::Done;
                }
                Some(b',') => self.window.advance(1),
                Some(_) => match self.item(sink) {
                    Step::Done => {}
                    step @ (Step::Ended | Step::Cut) => return step,
                },
            }
        }
    }

    /// Reads the keys that are left of an object, and its end. A further list of records among them is read too:
    /// no other key may hide it.
    fn rest_of_object(&mut self, sink: &mut impl RecordSink) -> Step {
        let mut list: Option<Form> = None;
        loop {
            match self.next_byte() {
                None => return Step::Ended,
                Some(b'}') => {
                    self.window.advance(1);
                    return Step::Done;
                }
                Some(b',') => {
                    list = None;
                    self.window.advance(1);
                }
                Some(b':') => self.window.advance(1),
                Some(b'[') if list.is_some() => {
                    self.taker.within(list.take().unwrap_or(Form::Records));
                    match self.list(sink) {
                        Step::Done => {}
                        step => return step,
                    }
                }
                Some(_) => match self.end_of_value_from(0) {
                    // A stray bracket has no length of its own.
                    Some(end) => {
                        let text = self.window.text().get(..end).unwrap_or_default();
                        let key: &str = serde_json::from_slice(text).unwrap_or_default();
                        list = wrapped::list_named(key);
                        self.window.advance(end.max(1));
                    }
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
            let end = line.unwrap_or(text.len());
            let within = text.get(..end).unwrap_or(text);
            let next = match self.window.utf8().and_then(|text| text.get(..end)) {
                Some(within) => next_item(|| Deserializer::from_str(within)),
                None => next_item(|| Deserializer::from_slice(within)),
            };
            let error = match next {
                Some(Ok((item, length))) => {
                    if length > self.options.limits.record_bytes {
                        return self.too_large(sink);
                    }
                    let record = text.get(..length).unwrap_or_default();
                    let place = Place::bare(record, self.window.offset());
                    self.taker.item(item, place, sink);
                    self.window.advance(length);
                    return Step::Done;
                }
                Some(Err(error)) => error,
                None => return Step::Ended,
            };
            if error.is_eof() && line.is_some() && self.goes_over_lines() {
                self.lines = Lines::Free;
                continue;
            }
            let text = self.window.text();
            if error.is_eof() && line.is_none() {
                if text.len() > self.options.limits.record_bytes {
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

/// The item that a text begins with, and its length.
fn next_item<'t, T: serde_json::de::Read<'t>>(
    parser: impl Fn() -> Deserializer<T>,
) -> Option<Result<(Item<'t>, usize), serde_json::Error>> {
    let mut usual = parser().into_iter::<UsualItem<'_>>();
    match usual.next()? {
        Ok(UsualItem(item)) => return Some(Ok((item, usual.byte_offset()))),
        Err(error) if error.is_eof() => return Some(Err(error)),
        Err(_) => {}
    }
    let mut any = parser().into_iter::<Item<'_>>();
    let item = any.next()?;
    Some(item.map(|item| (item, any.byte_offset())))
}

/// How long the time is that a line begins with, with the space behind it.
fn time_length(line: &[u8]) -> Option<usize> {
    let head = line.get(..LONGEST_TIME).unwrap_or(line);
    let time = std::str::from_utf8(head.get(..memchr::memchr(b' ', head)?)?).ok()?;
    parse_event_time(time).map(|_| time.len() + 1)
}

/// What a text is that is no JSON, by its first bytes, and what there is to do about it.
fn not_json(text: &[u8]) -> String {
    const KNOWN: [(&[u8], &str); 8] = [
        (b"PK\x03\x04", "a zip archive; unpack it first"),
        (b"\x28\xb5\x2f\xfd", "packed with zstd; unpack it first"),
        (b"BZh", "packed with bzip2; unpack it first"),
        (b"\xfd7zXZ", "packed with xz; unpack it first"),
        (b"\x1f\x8b", "packed twice with gzip; unpack it once"),
        (b"PAR1", "a Parquet file, not a log file"),
        (b"\xff\xfe", "UTF-16; save it as UTF-8"),
        (b"\xfe\xff", "UTF-16; save it as UTF-8"),
    ];
    if let Some((_, what)) = KNOWN.iter().find(|(sign, _)| text.starts_with(sign)) {
        return (*what).to_owned();
    }
    let line = text.split(|byte| *byte == b'\n').next().unwrap_or(text);
    let line = line.get(..256).unwrap_or(line).to_ascii_lowercase();
    let has = |name: &[u8]| memchr::memmem::find(&line, name).is_some();
    if has(b"event name,") || has(b"\"event name\"") {
        return "CSV of the event history, which has no records; download it as JSON".to_owned();
    }
    if has(b"@message") {
        return "CSV of Logs Insights; export the results as JSON".to_owned();
    }
    let first = text.first().copied().unwrap_or_default();
    format!("starts with byte 0x{first:02x}, not with an object or a list")
}
