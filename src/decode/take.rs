//! Takes each value that was framed: as a record, as something around records, or as a rejection; and counts it.
//!
//! Insights and aggregated events are no calls. A file of nothing else is noted and gives no rows; among calls
//! an Insight is kept as an event, so that it is held back until the file shows what it is.

use sha2::{Digest, Sha256};

use super::form::{Form, Seen};
use super::record::{Item, Record};
use super::rejected::{Reason, Rejected, raw_text};
use super::wrapped::{self, Inside, Wrapped};
use super::{DecodeOptions, RecordSink};

/// How deep records may be wrapped: a record in a message in a log event in a packed payload is four.
const MAX_DEPTH: u8 = 5;

/// Bytes of Insights that are held back, at most; CloudTrail's own files of them are far smaller.
const MAX_HELD: usize = 64 << 20;

/// Where a value stands in its file.
#[derive(Clone, Copy)]
pub(super) struct Place<'t> {
    /// Its text.
    pub(super) text: &'t [u8],
    /// Where it, or what is around it, begins in the file's uncompressed text.
    pub(super) offset: u64,
    /// How many values are around it.
    pub(super) depth: u8,
}

/// What is held back until the file shows what it is.
struct Held {
    form: Form,
    wrapping: Option<Form>,
    offset: u64,
    text: String,
}

/// Counts what a file gives, and hands it on.
pub(super) struct Taker {
    options: DecodeOptions,
    pub(super) seen: Seen,
    /// What the list is in which the next values stand, or what they are wrapped in.
    wrapping: Option<Form>,
    records: u64,
    /// Insights and aggregated events at the head of the file.
    held: Vec<Held>,
    held_bytes: usize,
    holds: bool,
}

impl Taker {
    pub(super) fn new(options: DecodeOptions) -> Self {
        Self {
            options,
            seen: Seen::default(),
            wrapping: None,
            records: 0,
            held: Vec::new(),
            held_bytes: 0,
            holds: true,
        }
    }

    /// Records so far, the rejected ones included.
    pub(super) fn records(&self) -> u64 {
        self.records
    }

    /// Returns true while nothing was taken, held back or passed over.
    pub(super) fn is_untouched(&self) -> bool {
        self.records == 0 && self.held.is_empty()
    }

    /// The form of the whole file, once all of it was taken.
    pub(super) fn form(mut self) -> Form {
        for held in &self.held {
            self.seen.item(Some(held.form));
        }
        self.seen.form(self.records)
    }

    /// Says what the values that follow stand in.
    pub(super) fn within(&mut self, wrapping: Option<Form>) {
        self.wrapping = wrapping;
    }

    /// Takes one parsed value.
    pub(super) fn item(&mut self, item: Item<'_>, place: Place<'_>, sink: &mut impl RecordSink) {
        match item {
            Item::Object(record) => self.object(record, place, sink),
            Item::List(cells) => match wrapped::inside_row(&cells) {
                Ok(wrapped) => self.open(wrapped, place, sink),
                Err((reason, detail)) => self.reject(reason, detail.to_owned(), place, sink),
            },
        }
    }

    fn object(&mut self, mut record: Record<'_>, place: Place<'_>, sink: &mut impl RecordSink) {
        if record.event_time_text.is_none() && record.duplicate_key.is_none() {
            if let Some(wrapped) = wrapped::inside(&record) {
                return self.open(wrapped, place, sink);
            }
            if self.holds && is_category(&record, "Aggregated") {
                return self.hold(Form::Aggregated, place);
            }
        }
        if let Some((reason, detail)) = refusal(&mut record) {
            return self.reject(reason, detail, place, sink);
        }
        if self.holds && is_category(&record, "Insight") {
            self.hold(Form::Insight, place);
            if self.held_bytes > MAX_HELD {
                self.release(sink);
            }
            return;
        }
        self.release(sink);
        if record.event_id.is_empty() {
            record.event_id = id_of_text(place.text).into();
        }
        self.seen.item(self.wrapping);
        self.seen.call(is_category(&record, "NetworkActivity"));
        let index = self.records;
        self.records += 1;
        sink.record(index, &record);
    }

    /// Takes what an object holds in place of a record's fields.
    fn open(&mut self, wrapped: Wrapped<'_>, place: Place<'_>, sink: &mut impl RecordSink) {
        if place.depth >= MAX_DEPTH {
            let detail = format!("records wrapped more than {MAX_DEPTH} times");
            return self.reject(Reason::MissingEventTime, detail, place, sink);
        }
        // The outermost tells where the record comes from; a plain list tells nothing.
        let before = self.wrapping;
        let tells = !matches!(wrapped.form, Form::Records | Form::RecordList);
        self.wrapping = before.or(Some(wrapped.form).filter(|_| tells));
        let inner = |text| Place {
            text,
            offset: place.offset,
            depth: place.depth + 1,
        };
        match wrapped.inside {
            Inside::Value(value) => self.text(inner(value.get().as_bytes()), sink),
            Inside::Text(text) => self.text(inner(text.as_bytes()), sink),
            Inside::List(values) => {
                for value in values {
                    self.text(inner(value.get().as_bytes()), sink);
                }
            }
            Inside::Packed(data) => match wrapped::unpack(&data, self.options.max_record_bytes) {
                Ok(text) => self.text(inner(text.as_bytes()), sink),
                Err(detail) => self.reject(Reason::NotAnObject, detail, place, sink),
            },
            Inside::Nothing => self.seen.item(self.wrapping),
        }
        self.wrapping = before;
    }

    /// Takes a value that is held as text of its own.
    pub(super) fn text(&mut self, place: Place<'_>, sink: &mut impl RecordSink) {
        let Ok(text) = std::str::from_utf8(place.text) else {
            let detail = "it holds bytes that are no UTF-8".to_owned();
            return self.reject(Reason::InvalidUtf8, detail, place, sink);
        };
        if !text.trim_start().starts_with(['{', '[']) {
            let detail = match self.wrapping {
                Some(form) => format!("no record in this value of a file of {}", form.name()),
                None => "another value than an object".to_owned(),
            };
            return self.reject(Reason::NotAnObject, detail, place, sink);
        }
        match serde_json::from_str::<Item<'_>>(text) {
            Ok(item) => self.item(item, place, sink),
            Err(error) => self.reject(Reason::BrokenJson, in_words(&error), place, sink),
        }
    }

    /// Counts a value that cannot be taken, and keeps its text.
    pub(super) fn reject(
        &mut self,
        reason: Reason,
        detail: String,
        place: Place<'_>,
        sink: &mut impl RecordSink,
    ) {
        self.release(sink);
        if place.depth > 0 {
            self.seen.item(self.wrapping);
        }
        sink.rejected(Rejected {
            index: Some(self.records),
            byte_offset: Some(place.offset),
            reason,
            detail,
            raw: Some(raw_text(place.text, self.options.mask_secrets)),
        });
        self.records += 1;
    }

    fn hold(&mut self, form: Form, place: Place<'_>) {
        self.held_bytes += place.text.len();
        self.held.push(Held {
            form,
            wrapping: self.wrapping,
            offset: place.offset,
            text: String::from_utf8_lossy(place.text).into_owned(),
        });
    }

    /// Takes what was held back as what it is, since something else stands beside it.
    fn release(&mut self, sink: &mut impl RecordSink) {
        if !std::mem::replace(&mut self.holds, false) {
            return;
        }
        let wrapping = self.wrapping;
        for held in std::mem::take(&mut self.held) {
            self.wrapping = held.wrapping;
            let place = Place {
                text: held.text.as_bytes(),
                offset: held.offset,
                depth: 0,
            };
            self.text(place, sink);
        }
        self.wrapping = wrapping;
    }
}

/// The words of a parser, without those that quote the value, which may hold a secret.
pub(super) fn in_words(error: &serde_json::Error) -> String {
    if error.is_data() {
        format!(
            "another value than an object, at line {} column {}",
            error.line(),
            error.column()
        )
    } else {
        error.to_string()
    }
}

/// `eventType` tells older Insights, which have no category.
fn is_category(record: &Record<'_>, category: &str) -> bool {
    match record.event_category.as_deref() {
        Some(found) => found.eq_ignore_ascii_case(category),
        None if category == "Insight" => {
            let event_type = record.event_type.as_deref().unwrap_or_default();
            event_type.eq_ignore_ascii_case("AwsCloudTrailInsight")
        }
        None => false,
    }
}

/// Why a well-formed record cannot be taken, if it cannot.
fn refusal(record: &mut Record<'_>) -> Option<(Reason, String)> {
    let shortened = |text: &str| text.chars().take(64).collect::<String>();
    if let Some(key) = record.duplicate_key.take() {
        return Some((
            Reason::DuplicateKey,
            format!("`{}` stands twice", shortened(&key)),
        ));
    }
    if !record.finish() {
        let detail = match record.event_time_text.as_deref() {
            Some(text) => format!("`eventTime` is `{}`", shortened(text)),
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
