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

/// Bytes that are unpacked of one file, at most; beyond it a small file is made to waste time.
const MAX_UNPACKED: usize = 256 << 20;

/// Where a value stands in its file.
#[derive(Clone, Copy)]
pub(super) struct Place<'t> {
    /// Its text.
    text: &'t [u8],
    /// Where it, or what is around it, begins in the file's uncompressed text.
    offset: u64,
    /// How many values are around it.
    depth: u8,
    /// What the outermost of them is.
    wrapping: Option<Form>,
    /// Whether it was packed.
    is_unpacked: bool,
}

impl<'t> Place<'t> {
    /// A value that stands in the file as it is.
    pub(super) fn bare(text: &'t [u8], offset: u64) -> Self {
        Self {
            text,
            offset,
            depth: 0,
            wrapping: None,
            is_unpacked: false,
        }
    }

    /// What stands inside it.
    fn inner(self, text: &[u8], wrapping: Option<Form>) -> Place<'_> {
        Place {
            text,
            offset: self.offset,
            depth: self.depth + 1,
            wrapping,
            is_unpacked: self.is_unpacked,
        }
    }
}

/// What is held back until the file shows what it is.
struct Held {
    form: Form,
    wrapping: Option<Form>,
    depth: u8,
    offset: u64,
    text: String,
}

/// Counts what a file gives, and hands it on.
pub(super) struct Taker {
    options: DecodeOptions,
    pub(super) seen: Seen,
    /// What the list is in which the next values stand.
    list: Option<Form>,
    records: u64,
    /// Insights and aggregated events at the head of the file.
    held: Vec<Held>,
    held_bytes: usize,
    holds: bool,
    may_unpack: usize,
    /// Set when values were left since there are too many.
    pub(super) passed_over: bool,
}

impl Taker {
    pub(super) fn new(options: DecodeOptions) -> Self {
        Self {
            options,
            seen: Seen::default(),
            list: None,
            records: 0,
            held: Vec::new(),
            held_bytes: 0,
            holds: true,
            may_unpack: MAX_UNPACKED,
            passed_over: false,
        }
    }

    /// Records so far, the rejected ones included.
    pub(super) fn records(&self) -> u64 {
        self.records
    }

    /// Returns true when no further record may be taken.
    pub(super) fn is_full(&self) -> bool {
        self.records >= self.options.limits.records
    }

    /// Returns true while nothing was taken or held back.
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

    /// Says in which list the values that follow stand. `Records` tells nothing of where they come from.
    pub(super) fn within(&mut self, list: Form) {
        self.list = Some(list).filter(|list| *list != Form::Records);
    }

    /// Takes one parsed value.
    pub(super) fn item(&mut self, item: Item<'_>, place: Place<'_>, sink: &mut impl RecordSink) {
        let place = Place {
            wrapping: place.wrapping.or(self.list),
            ..place
        };
        if let Some((reason, detail)) = self.options.limits.refusal(place.text) {
            return self.reject(reason, detail, place, sink);
        }
        let wrapped = match item {
            Item::Object(record) => return self.object(record, place, sink),
            Item::List(cells) => wrapped::inside_row(&cells),
        };
        match wrapped {
            Ok(wrapped) => self.open(wrapped, place, sink),
            Err((reason, detail)) => self.reject(reason, detail.to_owned(), place, sink),
        }
    }

    fn object(
        &mut self,
        mut record: Box<Record<'_>>,
        place: Place<'_>,
        sink: &mut impl RecordSink,
    ) {
        if record.event_time_text.is_none() && record.duplicate_key.is_none() {
            match wrapped::inside(&record) {
                Ok(Some(wrapped)) => return self.open(wrapped, place, sink),
                Ok(None) => {}
                Err((reason, detail)) => {
                    return self.reject(reason, detail.to_owned(), place, sink);
                }
            }
            if self.holds && is_category(&record, "Aggregated") {
                return self.hold(Form::Aggregated, place, sink);
            }
        }
        if let Some((reason, detail)) = refusal(&mut record) {
            return self.reject(reason, detail, place, sink);
        }
        if self.holds && is_category(&record, "Insight") {
            return self.hold(Form::Insight, place, sink);
        }
        self.release(sink);
        if record.event_id.is_empty() {
            record.event_id = id_of_text(place.text).into();
        }
        self.seen.item(place.wrapping);
        self.seen.call(is_category(&record, "NetworkActivity"));
        let index = self.records;
        self.records += 1;
        sink.record(index, &record);
    }

    /// Takes what an object holds in place of a record's fields.
    fn open(&mut self, wrapped: Wrapped<'_>, place: Place<'_>, sink: &mut impl RecordSink) {
        // What is packed may hold secrets that no mask finds.
        let place = match wrapped.inside {
            Inside::Packed(_) => Place {
                text: b"(packed)",
                ..place
            },
            _ => place,
        };
        if place.depth >= MAX_DEPTH {
            let detail = format!("records wrapped more than {MAX_DEPTH} times");
            return self.reject(Reason::MissingEventTime, detail, place, sink);
        }
        // The outermost tells where the record comes from; a plain list tells nothing.
        let tells = !matches!(wrapped.form, Form::Records | Form::RecordList);
        let wrapping = place.wrapping.or(Some(wrapped.form).filter(|_| tells));
        match wrapped.inside {
            Inside::Value(value) => self.text(place.inner(value.get().as_bytes(), wrapping), sink),
            Inside::Text(text) => self.text(place.inner(text.as_bytes(), wrapping), sink),
            Inside::List(values) => {
                for value in values {
                    if self.is_full() {
                        self.passed_over = true;
                        return;
                    }
                    self.text(place.inner(value.get().as_bytes(), wrapping), sink);
                }
            }
            Inside::Packed(_) if place.is_unpacked => {
                let detail = "packed within what was packed".to_owned();
                self.reject(Reason::NotAnObject, detail, place, sink);
            }
            Inside::Packed(data) => {
                let limit = self.options.limits.record_bytes.min(self.may_unpack);
                match wrapped::unpack(&data, limit) {
                    Ok(text) => {
                        self.may_unpack = self.may_unpack.saturating_sub(text.len());
                        let inner = Place {
                            is_unpacked: true,
                            ..place.inner(text.as_bytes(), wrapping)
                        };
                        self.text(inner, sink);
                    }
                    Err(detail) => {
                        self.may_unpack = self.may_unpack.saturating_sub(limit / 16);
                        self.reject(Reason::NotAnObject, detail, place, sink);
                    }
                }
            }
            Inside::Nothing => self.seen.item(wrapping),
        }
    }

    /// Takes a value that is held as text of its own.
    pub(super) fn text(&mut self, place: Place<'_>, sink: &mut impl RecordSink) {
        let Ok(text) = std::str::from_utf8(place.text) else {
            let detail = "it holds bytes that are no UTF-8".to_owned();
            return self.reject(Reason::InvalidUtf8, detail, place, sink);
        };
        if !text.trim_start().starts_with(['{', '[']) {
            let detail = match place.wrapping {
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
        if place.depth > 0 {
            self.seen.item(place.wrapping);
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

    fn hold(&mut self, form: Form, place: Place<'_>, sink: &mut impl RecordSink) {
        self.held_bytes += place.text.len() + size_of::<Held>();
        self.held.push(Held {
            form,
            wrapping: place.wrapping,
            depth: place.depth,
            offset: place.offset,
            text: String::from_utf8_lossy(place.text).into_owned(),
        });
        if self.held_bytes > MAX_HELD {
            self.release(sink);
        }
    }

    /// Takes what was held back as what it is: an event, or a record without a time.
    ///
    /// Only a call decides that, since a file of nothing else may be damaged too.
    fn release(&mut self, sink: &mut impl RecordSink) {
        if !std::mem::replace(&mut self.holds, false) {
            return;
        }
        for held in std::mem::take(&mut self.held) {
            let place = Place {
                wrapping: held.wrapping,
                depth: held.depth,
                ..Place::bare(held.text.as_bytes(), held.offset)
            };
            self.text(place, sink);
        }
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
