//! What we could not take: where it was, why, and its text.

use std::fmt;

use super::mask::mask;

/// How much of a rejected record's text is kept, in bytes.
pub const RAW_LIMIT: usize = 64 << 10;

/// Why a record or a file was rejected; the names are stable.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Reason {
    /// The file or folder cannot be opened or read.
    Unreadable,
    /// Another log file of this run has the same key and other content.
    KeyTaken,
    /// The file holds no byte, or nothing but white space.
    EmptyFile,
    /// The text is no JSON from its first character on.
    NotJson,
    /// The JSON object has neither `Records` nor the fields of a record.
    RecordsMissing,
    /// `Records` is there and is no list.
    RecordsNotAList,
    /// The compressed stream ends too early.
    TruncatedGzip,
    /// The compressed stream is damaged.
    CorruptGzip,
    /// The text ends inside a record or a list.
    TruncatedJson,
    /// The record is not valid JSON.
    BrokenJson,
    /// The record holds bytes that are no UTF-8.
    InvalidUtf8,
    /// The record is a number, a list or another value, not an object.
    NotAnObject,
    /// A field of the record is there twice, so that its value is anybody's guess.
    DuplicateKey,
    /// The record is longer than the limit.
    RecordTooLarge,
    /// A string of the record is longer than the limit.
    StringTooLong,
    /// Objects and lists of the record stand in one another deeper than the limit.
    NestedTooDeep,
    /// The file holds more records than the limit; those behind it are not read.
    TooManyRecords,
    /// The file unpacks to more than the limit; what is behind it is not read.
    InflatedTooLarge,
    /// The record has no `eventTime` that can be read.
    MissingEventTime,
    /// Another record with the same event id and other content is kept instead.
    ConflictingDuplicate,
}

impl Reason {
    /// The code used in `rejected.reason`.
    pub fn code(self) -> &'static str {
        match self {
            Self::Unreadable => "unreadable",
            Self::KeyTaken => "key_taken",
            Self::EmptyFile => "empty_file",
            Self::NotJson => "not_json",
            Self::RecordsMissing => "records_missing",
            Self::RecordsNotAList => "records_not_a_list",
            Self::TruncatedGzip => "truncated_gzip",
            Self::CorruptGzip => "corrupt_gzip",
            Self::TruncatedJson => "truncated_json",
            Self::BrokenJson => "broken_json",
            Self::InvalidUtf8 => "invalid_utf8",
            Self::NotAnObject => "not_an_object",
            Self::DuplicateKey => "duplicate_key",
            Self::RecordTooLarge => "record_too_large",
            Self::StringTooLong => "string_too_long",
            Self::NestedTooDeep => "nested_too_deep",
            Self::TooManyRecords => "too_many_records",
            Self::InflatedTooLarge => "inflated_too_large",
            Self::MissingEventTime => "missing_event_time",
            Self::ConflictingDuplicate => "conflicting_duplicate",
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

/// One record, or one whole file, that was not taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rejected {
    /// The record's place in its log file, from 0; `None` for a whole file.
    pub index: Option<u64>,
    /// Where it starts in the file's uncompressed text.
    pub byte_offset: Option<u64>,
    /// Why.
    pub reason: Reason,
    /// Why, in words: what was found, where a parser stopped.
    pub detail: String,
    /// The first [`RAW_LIMIT`] bytes of its text, secrets masked.
    pub raw: Option<String>,
}

impl Rejected {
    /// A whole file that gave nothing.
    pub fn of_file(reason: Reason, detail: String) -> Self {
        Self {
            index: None,
            byte_offset: None,
            reason,
            detail,
            raw: None,
        }
    }

    /// The same with the beginning of the file's text.
    pub(super) fn with_raw(mut self, text: &[u8], masked: bool) -> Self {
        self.raw = Some(raw_text(text, masked));
        self
    }
}

/// The beginning of a record's text as it is kept: readable, bounded, without secrets.
pub(super) fn raw_text(text: &[u8], masked: bool) -> String {
    let head = text.get(..RAW_LIMIT).unwrap_or(text);
    // What is packed may hold secrets that no mask finds.
    let packed = memchr::memmem::find(head, b"\"awslogs\"").filter(|_| masked);
    let head = head.get(..packed.unwrap_or(head.len())).unwrap_or(head);
    let text = String::from_utf8_lossy(head);
    if masked {
        mask(&text).into_owned()
    } else {
        text.into_owned()
    }
}
