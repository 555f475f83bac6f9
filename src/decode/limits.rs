//! What one log file may hold. Everything beyond it is rejected with its reason, in bounded memory.

use std::io::{self, Read};

use super::rejected::Reason;

/// Limits of one log file and of each of its records.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of text that a gzip file may unpack to.
    pub inflated_bytes: u64,
    /// Records of one file.
    pub records: u64,
    /// Bytes of one record.
    pub record_bytes: usize,
    /// Bytes of one string in a record, as it is written.
    pub string_bytes: usize,
    /// How deep objects and lists of a record may stand in one another.
    pub nesting: usize,
}

impl Default for Limits {
    /// Far above what CloudTrail writes: its files hold some thousand records, and a record is at most 1 MB.
    fn default() -> Self {
        Self {
            inflated_bytes: 4 << 30,
            records: 20_000_000,
            record_bytes: 16 << 20,
            string_bytes: 8 << 20,
            nesting: 128,
        }
    }
}

impl Limits {
    /// Which limit a record's text goes beyond, if any. Most texts are settled by their length and a count of brackets.
    pub(super) fn refusal(&self, text: &[u8]) -> Option<(Reason, String)> {
        let opened = || memchr::memchr2_iter(b'{', b'[', text).count();
        if text.len() <= self.string_bytes
            && (text.len() <= self.nesting || opened() <= self.nesting)
        {
            return None;
        }
        let (longest, deepest) = measure(text);
        if longest > self.string_bytes {
            let detail = format!(
                "a string of {longest} bytes; the limit is {}",
                self.string_bytes
            );
            return Some((Reason::StringTooLong, detail));
        }
        (deepest > self.nesting).then(|| {
            let detail = format!("nested {deepest} deep; the limit is {}", self.nesting);
            (Reason::NestedTooDeep, detail)
        })
    }
}

/// The longest string of a JSON text, in bytes, and how deep it goes.
fn measure(text: &[u8]) -> (usize, usize) {
    let (mut longest, mut deepest, mut depth) = (0, 0, 0_usize);
    let mut rest = text;
    while let Some((byte, behind)) = rest.split_first() {
        rest = behind;
        match byte {
            b'{' | b'[' => {
                depth += 1;
                deepest = deepest.max(depth);
            }
            b'}' | b']' => depth = depth.saturating_sub(1),
            b'"' => {
                let length = string_length(rest);
                longest = longest.max(length);
                rest = rest.get(length + 1..).unwrap_or_default();
            }
            _ => {}
        }
    }
    (longest, deepest)
}

/// How far it is to the quote that ends the string.
fn string_length(text: &[u8]) -> usize {
    let mut at = 0;
    while let Some(found) = text
        .get(at..)
        .and_then(|rest| memchr::memchr2(b'"', b'\\', rest))
    {
        at += found;
        if text.get(at) == Some(&b'"') {
            return at;
        }
        at += 2;
    }
    text.len()
}

/// Unpacked text up to the limit; what would come behind it is an error of kind [`io::ErrorKind::FileTooLarge`].
#[derive(Debug)]
pub(super) struct Inflated<R> {
    inner: R,
    left: u64,
    limit: u64,
}

impl<R> Inflated<R> {
    pub(super) fn new(inner: R, limit: u64) -> Self {
        Self {
            inner,
            left: limit,
            limit,
        }
    }
}

impl<R: Read> Read for Inflated<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.left == 0 {
            // One byte more tells whether it ends here.
            return match self.inner.read(&mut [0])? {
                0 => Ok(0),
                _ => Err(io::Error::new(
                    io::ErrorKind::FileTooLarge,
                    format!("it unpacks to more than {} bytes", self.limit),
                )),
            };
        }
        let most = usize::try_from(self.left)
            .unwrap_or(usize::MAX)
            .min(buffer.len());
        let read = self
            .inner
            .read(buffer.get_mut(..most).unwrap_or_default())?;
        self.left -= read as u64;
        Ok(read)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strings_and_nesting_are_measured_by_what_json_says() {
        assert_eq!(measure(br#"{"a":[1,"b\"]]]]"],"c":"\\"}"#), (7, 2));
        assert_eq!(measure(br#""open"#), (4, 0));
        let limits = Limits {
            string_bytes: 8,
            nesting: 2,
            ..Limits::default()
        };
        assert_eq!(limits.refusal(br#"{"a":["12345678"]}"#), None);
        let reason = |text: &[u8]| limits.refusal(text).map(|(reason, _)| reason);
        assert_eq!(reason(br#"{"a":"123456789"}"#), Some(Reason::StringTooLong));
        assert_eq!(reason(br#"{"a":[{}]}"#), Some(Reason::NestedTooDeep));
        assert_eq!(reason(br#"{"a":{},"b":{},"c":"[[["}"#), None);
    }

    #[test]
    fn a_text_of_just_the_limit_is_whole() {
        let read = |limit| {
            let mut text = Vec::new();
            let end = Inflated::new(&b"12345678"[..], limit).read_to_end(&mut text);
            (end.map_err(|error| error.kind()), text.len())
        };
        assert_eq!(read(8), (Ok(8), 8));
        assert_eq!(read(7), (Err(io::ErrorKind::FileTooLarge), 7));
    }
}
