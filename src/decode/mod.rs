//! Decodes one log file into records.  In: bytes from `source`. Out: records, and what could not be read.
//! Why: this is the only room that meets a log file's JSON, so every later one may trust a [`Record`].
//! Holds: decoding never fails as a whole, never drops a record unseen, and never holds more than one
//! record beyond its window; no I/O of its own, no Arrow.  Next: `events`.

mod deployed;
mod event_version;
mod form;
mod frames;
mod gunzip;
mod identity;
mod issued;
mod json;
mod lifted;
mod limits;
mod mask;
mod query_result;
mod record;
mod rejected;
mod salvage;
mod sign_in;
mod take;
mod time;
mod unmapped;
mod window;
mod wrapped;

use std::borrow::Cow;
use std::io::Read;

use serde_json::value::RawValue;

pub use form::Form;
pub use identity::UserIdentity;
pub use json::JsonObject;
pub use lifted::Lifted;
pub use limits::Limits;
pub use mask::mask;
pub use record::{Record, Resource};
pub use rejected::{RAW_LIMIT, Reason, Rejected};
pub use time::{parse_event_time, parse_expiration};
pub use unmapped::Unmapped;

/// Takes what a log file gives, in the file's order.
pub trait RecordSink {
    /// Takes one record; `index` counts from 0 in its log file.
    fn record(&mut self, index: u64, record: &Record<'_>);
    /// Takes a record, or a whole file, that could not be read.
    fn rejected(&mut self, rejected: Rejected);
}

/// What was found in one log file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Decoded {
    /// The form of the file.
    pub form: Form,
    /// Records read, the rejected ones included.
    pub records: u64,
}

/// How decoding treats what it finds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DecodeOptions {
    /// Replaces secrets in records and in rejected text; see `mask` for the list.
    pub mask_secrets: bool,
    /// What one file may hold.
    pub limits: Limits,
}

impl Default for DecodeOptions {
    /// Secrets masked.
    fn default() -> Self {
        Self {
            mask_secrets: true,
            limits: Limits::default(),
        }
    }
}

/// A free-form part as our tables keep it: without white space between its tokens, secrets masked.
pub fn json_text(raw: &RawValue, is_masked: bool) -> Cow<'_, str> {
    match (json::minified(raw.get()), is_masked) {
        (text, false) => text,
        (Cow::Borrowed(text), true) => mask(text),
        (Cow::Owned(text), true) => Cow::Owned(mask(&text).into_owned()),
    }
}

/// Decodes a whole log file, gzip or plain, from `bytes`.
///
/// Read errors and damage become [`Rejected`] entries; what comes before them is kept.
pub fn decode_log_file<R: Read>(
    bytes: R,
    options: DecodeOptions,
    sink: &mut impl RecordSink,
) -> Decoded {
    match gunzip::open(bytes, options.limits) {
        Ok(input) => frames::Frames::new(input, options).run(sink),
        Err(error) => {
            sink.rejected(Rejected::of_file(Reason::Unreadable, error.to_string()));
            Decoded {
                form: Form::Unknown,
                records: 0,
            }
        }
    }
}
