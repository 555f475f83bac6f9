//! Small questions about JSON text that `serde_json` has no word for: where does a damaged value end,
//! is it written without white space, what is inside this one string.

use std::borrow::Cow;
use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

/// An object's key, borrowed unless it is written with escapes.
#[derive(Deserialize)]
#[serde(transparent)]
pub(super) struct Key<'a>(#[serde(borrow)] pub(super) Cow<'a, str>);

/// A JSON object's fields in their order, the values as they stand.
#[derive(Debug, Default)]
pub struct JsonObject<'a> {
    /// Names and values; a name may be there twice.
    pub fields: Vec<(Cow<'a, str>, &'a RawValue)>,
}

impl<'de: 'a, 'a> Deserialize<'de> for JsonObject<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct ObjectVisitor;
        impl<'de> Visitor<'de> for ObjectVisitor {
            type Value = JsonObject<'de>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut fields = Vec::new();
                while let Some(Key(key)) = map.next_key::<Key<'de>>()? {
                    fields.push((key, map.next_value()?));
                }
                Ok(JsonObject { fields })
            }
        }
        deserializer.deserialize_map(ObjectVisitor)
    }
}

/// Returns the text of a JSON string, `None` for every other value.
pub(super) fn text_of(raw: &RawValue) -> Option<Cow<'_, str>> {
    let inner = raw.get().strip_prefix('"')?.strip_suffix('"')?;
    if memchr::memchr(b'\\', inner.as_bytes()).is_some() {
        // A lone surrogate has no text; the caller keeps the value as it stands.
        return serde_json::from_str(raw.get()).ok().map(Cow::Owned);
    }
    Some(Cow::Borrowed(inner))
}

/// Returns a boolean, also where it is written as the text `"true"` or `"false"`.
pub(super) fn bool_of(raw: &RawValue) -> Option<bool> {
    match raw.get() {
        "true" | "\"true\"" => Some(true),
        "false" | "\"false\"" => Some(false),
        _ => None,
    }
}

/// Returns true for `null` and for `{}`, which CloudTrail writes where it has nothing to say.
pub(super) fn is_nothing(raw: &RawValue) -> bool {
    let text = raw.get();
    text == "null"
        || text
            .strip_prefix('{')
            .is_some_and(|rest| rest.trim_start() == "}")
}

/// Returns the value without white space between its tokens.
pub(super) fn minified(text: &str) -> Cow<'_, str> {
    if is_compact(text.as_bytes()) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len());
    let (mut in_string, mut escaped, mut done) = (false, false, 0);
    for (at, byte) in text.bytes().enumerate() {
        if in_string {
            in_string = escaped || byte != b'"';
            escaped = !escaped && byte == b'\\';
        } else if byte == b'"' {
            in_string = true;
        } else if is_white_space(byte) {
            out.push_str(text.get(done..at).unwrap_or_default());
            done = at + 1;
        }
    }
    out.push_str(text.get(done..).unwrap_or_default());
    Cow::Owned(out)
}

fn is_white_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\n' | b'\r' | b'\t')
}

/// Returns true when no white space stands between the tokens.
pub(super) fn is_compact(text: &[u8]) -> bool {
    // Mostly there is none at all, within strings neither.
    if memchr::memchr3(b' ', b'\n', b'\t', text).is_none() && memchr::memchr(b'\r', text).is_none()
    {
        return true;
    }
    let (mut in_string, mut escaped) = (false, false);
    for &byte in text {
        if in_string {
            in_string = escaped || byte != b'"';
            escaped = !escaped && byte == b'\\';
        } else if byte == b'"' {
            in_string = true;
        } else if is_white_space(byte) {
            return false;
        }
    }
    true
}

/// Where a value ends by its brackets and quotes alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Extent {
    /// Its own bracket or quote closes it, or what follows a plain value does.
    Closed(usize),
    /// A bracket closes what is around it, before it is closed itself.
    Open(usize),
}

/// Finds the end of the value that `text` starts with, or `None` when the text ends first.
pub(super) fn end_of_value(text: &[u8]) -> Option<usize> {
    extent_of_value(text).map(|extent| match extent {
        Extent::Closed(end) | Extent::Open(end) => end,
    })
}

/// Finds the end of the value that `text` starts with, or `None` when the text ends first.
///
/// Works on values that no parser accepts: a closing bracket closes all that was opened since its
/// partner, and one without a partner belongs to what is around the value.
pub(super) fn extent_of_value(text: &[u8]) -> Option<Extent> {
    extent(text, |_| true)
}

/// The same of a broken item of a list, where a stray `]` is passed over: one behind which neither the object around
/// the list ends, nor the text, nor another list or object begins on a line of its own.
pub(super) fn extent_of_item(text: &[u8]) -> Option<Extent> {
    extent(text, |rest| {
        let Some(behind) = rest.strip_prefix(b"]") else {
            return true;
        };
        let next = behind.trim_ascii_start();
        let white = behind.len() - next.len();
        match next.first() {
            None | Some(b'}') => true,
            Some(b'[' | b'{') => {
                memchr::memchr(b'\n', behind.get(..white).unwrap_or(behind)).is_some()
            }
            Some(_) => false,
        }
    })
}

/// `ends_around` is asked of the text from a bracket on whose partner is not in the value.
fn extent(text: &[u8], ends_around: impl Fn(&[u8]) -> bool) -> Option<Extent> {
    let mut open: Vec<u8> = Vec::new();
    let (mut in_string, mut escaped) = (false, false);
    for (at, &byte) in text.iter().enumerate() {
        if in_string {
            in_string = escaped || byte != b'"';
            escaped = !escaped && byte == b'\\';
            if !in_string && open.is_empty() {
                return Some(Extent::Closed(at + 1));
            }
            continue;
        }
        match byte {
            b'"' => in_string = true,
            b'{' | b'[' => open.push(byte),
            b'}' | b']' => {
                let partner = if byte == b'}' { b'{' } else { b'[' };
                match open.iter().rposition(|bracket| *bracket == partner) {
                    Some(0) => return Some(Extent::Closed(at + 1)),
                    Some(depth) => open.truncate(depth),
                    None if open.is_empty() => return Some(Extent::Closed(at)),
                    None if ends_around(text.get(at..).unwrap_or_default()) => {
                        return Some(Extent::Open(at));
                    }
                    None => {}
                }
            }
            b',' | b'\n' if open.is_empty() => return Some(Extent::Closed(at)),
            _ => {}
        }
    }
    None
}

/// Returns true when what stands behind a value is what may stand there.
pub(super) fn may_follow_value(rest: &[u8]) -> bool {
    matches!(
        rest.trim_ascii_start().first(),
        None | Some(b',' | b']' | b'}' | b'{')
    )
}

/// A record's own keys; a record may begin with any of them. (`resources` is not its own: EventBridge has it too.)
const RECORD_KEYS: [&str; 26] = [
    "eventVersion",
    "userIdentity",
    "eventTime",
    "eventSource",
    "eventName",
    "awsRegion",
    "sourceIPAddress",
    "userAgent",
    "errorCode",
    "errorMessage",
    "requestParameters",
    "responseElements",
    "additionalEventData",
    "requestID",
    "eventID",
    "eventType",
    "apiVersion",
    "managementEvent",
    "readOnly",
    "recipientAccountId",
    "serviceEventDetails",
    "sharedEventID",
    "vpcEndpointId",
    "eventCategory",
    "addendum",
    "tlsDetails",
];

/// Returns true for a key that tells a record from another object.
pub(super) fn is_record_key(key: &str) -> bool {
    RECORD_KEYS.contains(&key)
}

/// Finds where another record seems to start, after the first byte of `text`: an object behind the comma
/// after another one, whose first key is a record's. Inside a string its quotes would carry backslashes.
pub(super) fn next_record_start(text: &[u8]) -> Option<usize> {
    memchr::memchr_iter(b'{', text).find(|&at| {
        let before = text.get(..at).unwrap_or_default().trim_ascii_end();
        let before = before.strip_suffix(b",").unwrap_or(before).trim_ascii_end();
        before.ends_with(b"}") && starts_with_record_key(text.get(at + 1..).unwrap_or_default())
    })
}

/// Finds where the next line begins that holds an object, after the first byte of `text`.
pub(super) fn next_object_line(text: &[u8]) -> Option<usize> {
    memchr::memmem::find(text, b"\n{").map(|at| at + 1)
}

fn starts_with_record_key(object: &[u8]) -> bool {
    let Some(key) = object.trim_ascii_start().strip_prefix(b"\"") else {
        return false;
    };
    let end = memchr::memchr(b'"', key.get(..64).unwrap_or(key));
    let key = end
        .and_then(|end| key.get(..end))
        .and_then(|key| std::str::from_utf8(key).ok());
    key.is_some_and(is_record_key)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strings_are_unescaped_and_other_values_are_none() {
        let text = |json: &str| {
            let raw: Box<RawValue> = serde_json::from_str(json).unwrap();
            text_of(&raw).map(Cow::into_owned)
        };
        assert_eq!(text(r#""a\"b""#), Some("a\"b".to_owned()));
        assert_eq!(text(r#""""#), Some(String::new()));
        assert_eq!(text("7"), None);
        assert_eq!(text(r#""\ud800""#), None);
    }

    #[test]
    fn minifying_touches_no_string() {
        assert_eq!(
            minified("{ \"a b\" : [1, \"x \\\" y\"]\n}"),
            "{\"a b\":[1,\"x \\\" y\"]}"
        );
        assert!(matches!(minified("{\"a b\":1}"), Cow::Borrowed(_)));
    }

    #[test]
    fn a_value_ends_at_its_bracket_even_when_broken() {
        assert_eq!(end_of_value(b"{\"a\":{,,},}]}, next"), Some(11));
        assert_eq!(end_of_value(b"{\"a\":\"}\"},"), Some(9));
        assert_eq!(end_of_value(b"12, 13"), Some(2));
        assert_eq!(end_of_value(b"\"x\",1"), Some(3));
        assert_eq!(end_of_value(b"{\"a\":"), None);
    }

    #[test]
    fn the_next_record_is_found_past_escaped_look_alikes() {
        let text =
            br#"{"eventVersion":"1","x":{"eventID":1},"y":"},{\"eventID\"" } , {  "awsRegion":2}"#;
        let at = next_record_start(text).unwrap();
        assert!(text[at..].starts_with(b"{  \"awsRegion\":2"));
        assert_eq!(next_record_start(b"{\"a\":\n{\"b\":1"), None);
        assert_eq!(next_object_line(b"{\"a\":\n{\"b\":1"), Some(6));
    }

    #[test]
    fn brackets_of_the_wrong_kind_do_not_carry_on_into_the_next_record() {
        assert_eq!(end_of_value(b"{\"a\":[1,2},{\"b\":1}]"), Some(10));
        assert_eq!(extent_of_value(b"{\"a\":1]}"), Some(Extent::Open(6)));
    }
}
