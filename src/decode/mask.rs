//! Takes secrets out of JSON text, also out of damaged text and of JSON inside a JSON string.
//!
//! The list is one, below; the switch is [`DecodeOptions::mask_secrets`](super::DecodeOptions).
//! A value is found by its field's name and replaced whole, so that nothing of it is left.

use std::borrow::Cow;
use std::sync::LazyLock;

use aho_corasick::{AhoCorasick, AhoCorasickBuilder, AhoCorasickKind};

/// What stands in a record instead of a secret.
pub(crate) const MASK: &str = "***";

/// The fields whose values are secrets, compared without regard to case.
///
/// Most of these AWS hides itself; none may pass when it does not.
pub(crate) const SECRET_FIELDS: [&str; 31] = [
    "sAMLAssertion",
    "webIdentityToken",
    "cert",
    "certificate",
    "certificateBody",
    "certificateChain",
    "certificatePem",
    "x509Certificate",
    "caCertificate",
    "caCertificateBody",
    "signingCertificate",
    "secretString",
    "secretBinary",
    "accessToken",
    "refreshToken",
    "idToken",
    "authToken",
    "bearerToken",
    "tokenCode",
    "subjectToken",
    "actorToken",
    "userData",
    "passphrase",
    "authorizationCode",
    "assertion",
    "clientAssertion",
    "deviceCode",
    "codeVerifier",
    "signinToken",
    "securityToken",
    "X-Amz-Security-Token",
];

/// Endings of fields whose values are secrets: `masterUserPassword`, `clientSecret`, `certificatePrivateKey`.
pub(crate) const SECRET_ENDINGS: [&str; 5] = [
    "password",
    "secret",
    "privateKey",
    "sessionToken",
    "secretAccessKey",
];

static FIELDS: LazyLock<Option<AhoCorasick>> = LazyLock::new(|| {
    // The closing quote is part of the pattern: `cert` must not be found in `certificateArn`.
    let fields = SECRET_FIELDS.iter().chain(&SECRET_ENDINGS);
    // So are the `=` of CloudTrail Lake's text form and the doubled quote of CSV.
    let patterns = fields.flat_map(|field| {
        [
            format!("{field}\""),
            format!("{field}\\"),
            format!("{field}="),
        ]
    });
    // The default for so many patterns is three times slower, and all free-form text goes through here.
    AhoCorasickBuilder::new()
        .kind(Some(AhoCorasickKind::DFA))
        .ascii_case_insensitive(true)
        .build(patterns)
        .ok()
});

/// How the names above end, and whether a text holds such an ending: nearly no text does, and to see that is three times as
/// fast as to look for the names.
struct Endings {
    last: [bool; 256],
    sorted: Vec<[u8; 4]>,
}

static ENDINGS: LazyLock<Endings> = LazyLock::new(|| {
    let names = SECRET_FIELDS.iter().chain(&SECRET_ENDINGS);
    let mut sorted: Vec<[u8; 4]> = names
        .filter_map(|name| name.to_ascii_lowercase().as_bytes().last_chunk().copied())
        .collect();
    sorted.sort_unstable();
    let mut last = [false; 256];
    for [.., byte] in &sorted {
        for byte in [*byte, byte.to_ascii_uppercase()] {
            if let Some(known) = last.get_mut(usize::from(byte)) {
                *known = true;
            }
        }
    }
    Endings { last, sorted }
});

impl Endings {
    fn may_be_in(&self, text: &[u8]) -> bool {
        // Every name is closed by one of these.
        memchr::memchr3_iter(b'"', b'\\', b'=', text).any(|at| {
            let Some(end) = text.get(..at).and_then(<[u8]>::last_chunk::<4>) else {
                return false;
            };
            let [.., last] = end;
            self.last.get(usize::from(*last)) == Some(&true)
                && self
                    .sorted
                    .binary_search(&end.map(|byte| byte.to_ascii_lowercase()))
                    .is_ok()
        })
    }
}

/// Masks the secrets in JSON text, whole or damaged; an unfinished secret is masked to the end of the text.
pub fn mask(text: &str) -> Cow<'_, str> {
    let Some(fields) = FIELDS.as_ref() else {
        return Cow::Borrowed(text);
    };
    if !ENDINGS.may_be_in(text.as_bytes()) {
        return Cow::Borrowed(text);
    }
    let mut out = String::new();
    let mut done = 0;
    for found in fields.find_iter(text) {
        if found.start() < done {
            continue;
        }
        let is_ending = found.pattern().as_usize() >= 3 * SECRET_FIELDS.len();
        let start = if is_ending {
            start_of_name(text.as_bytes(), found.start())
        } else {
            found.start()
        };
        // The pattern ends with the byte that closes the name.
        let (bytes, name_end) = (text.as_bytes(), found.end() - 1);
        let value = secret_at(bytes, start, name_end)
            .or_else(|| secret_in_csv(bytes, start, name_end))
            .or_else(|| secret_in_pair(bytes, start, name_end));
        let Some(value) = value else {
            continue;
        };
        let (Some(before), Some(quote)) =
            (text.get(done..value.start), text.get(value.quote.clone()))
        else {
            continue;
        };
        out.push_str(before);
        out.push_str(quote);
        out.push_str(MASK);
        out.push_str(quote);
        done = value.end;
    }
    match text.get(done..) {
        Some(rest) if done > 0 => {
            out.push_str(rest);
            Cow::Owned(out)
        }
        _ => Cow::Borrowed(text),
    }
}

/// Where a name begins of which the ending is known.
fn start_of_name(text: &[u8], ending: usize) -> usize {
    let before = text.get(..ending).unwrap_or_default();
    let letters = before.iter().rev().take(64).take_while(|byte| {
        byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b':' | b'.')
    });
    ending - letters.count()
}

/// Where a secret lies, and the quote to put around its mask (with the backslashes of its level).
struct Secret {
    start: usize,
    end: usize,
    quote: std::ops::Range<usize>,
}

/// Recognises `"name" : VALUE` around a name, where each quote has the same number of backslashes.
fn secret_at(text: &[u8], name_start: usize, name_end: usize) -> Option<Secret> {
    let before = text.get(..name_start)?.strip_suffix(b"\"")?;
    let slashes = trailing_backslashes(before);
    let quote = before.len() - slashes..name_start;
    let quote_bytes = text.get(quote.clone())?;
    let after = text.get(name_end..)?.strip_prefix(quote_bytes)?;
    let after = after
        .trim_ascii_start()
        .strip_prefix(b":")?
        .trim_ascii_start();
    let start = text.len() - after.len();
    if let Some(inside) = after.strip_prefix(quote_bytes) {
        let inside_start = text.len() - inside.len();
        return Some(Secret {
            start,
            end: inside_start + end_of_string(inside, slashes),
            quote,
        });
    }
    // Numbers, lists and objects are replaced as well; null, true and false hold no secret.
    if after.is_empty()
        || [&b"null"[..], b"true", b"false"]
            .iter()
            .any(|w| after.starts_with(w))
    {
        return None;
    }
    let length = end_of_nested(after, quote_bytes);
    Some(Secret {
        start,
        end: start + length,
        quote,
    })
}

/// Recognises `""name"":""value""`, JSON inside a cell of CSV, where every quote is doubled; JSON inside that has
/// backslashes before them.
fn secret_in_csv(text: &[u8], name_start: usize, name_end: usize) -> Option<Secret> {
    let before = text.get(..name_start)?;
    let marks = before.iter().rev().take(16);
    let length = marks
        .take_while(|byte| matches!(byte, b'"' | b'\\'))
        .count();
    let quote = name_start - length..name_start;
    let quote_bytes = text.get(quote.clone())?;
    if !quote_bytes.ends_with(b"\"\"") {
        return None;
    }
    let after = text.get(name_end..)?.strip_prefix(quote_bytes)?;
    let after = after
        .trim_ascii_start()
        .strip_prefix(b":")?
        .trim_ascii_start();
    let start = text.len() - after.len();
    let inside = after.strip_prefix(quote_bytes)?;
    let length = memchr::memmem::find(inside, quote_bytes)
        .map_or(inside.len(), |end| end + quote_bytes.len());
    Some(Secret {
        start,
        end: text.len() - inside.len() + length,
        quote,
    })
}

/// Recognises `name=value`, as CloudTrail Lake writes nested values in the cells of an answer.
fn secret_in_pair(text: &[u8], name_start: usize, name_end: usize) -> Option<Secret> {
    let is_begun = |byte: &u8| matches!(byte, b'{' | b',' | b' ' | b'"' | b'&' | b'?' | b'\n');
    if !text.get(..name_start)?.last().is_none_or(is_begun) {
        return None;
    }
    let value = text.get(name_end..)?.strip_prefix(b"=")?;
    let start = text.len() - value.len();
    let ends = |byte: &u8| matches!(byte, b',' | b'}' | b'&' | b'"' | b'\n' | b'\r');
    let length = value.iter().position(ends).unwrap_or(value.len());
    (length > 0).then_some(Secret {
        start,
        end: start + length,
        quote: 0..0,
    })
}

/// The end of a string, its closing quote included, or the end of the text around it.
///
/// A string inside a string inside a string has quotes with 0, 1, 3, … backslashes; each backslash of its own
/// is written with twice as many as its quotes have, and one more.
fn end_of_string(inside: &[u8], slashes: usize) -> usize {
    for at in memchr::memchr_iter(b'"', inside) {
        let found = trailing_backslashes(inside.get(..at).unwrap_or_default());
        if found < slashes {
            // The string around it ends here, so that this one was cut.
            return at - found;
        }
        if found % (2 * (slashes + 1)) == slashes {
            return at + 1;
        }
    }
    inside.len()
}

/// The end of a value that is no string, by its brackets, on its own level of quoting.
fn end_of_nested(value: &[u8], quote: &[u8]) -> usize {
    let (mut depth, mut in_string, mut at) = (0usize, false, 0);
    while let Some(&byte) = value.get(at) {
        if value.get(at..).is_some_and(|rest| rest.starts_with(quote)) {
            in_string = !in_string;
            at += quote.len();
            continue;
        }
        if !in_string {
            match byte {
                b'{' | b'[' => depth += 1,
                // The end of what is around it.
                b'}' | b']' | b',' | b'"' if depth == 0 => return at,
                b'}' | b']' if depth == 1 => return at + 1,
                b'}' | b']' => depth -= 1,
                _ => {}
            }
        } else if byte == b'\\' && quote.len() == 1 {
            at += 1;
        }
        at += 1;
    }
    value.len()
}

fn trailing_backslashes(text: &[u8]) -> usize {
    text.iter().rev().take_while(|&&byte| byte == b'\\').count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_goes_and_its_neighbours_stay() {
        assert_eq!(
            mask(
                r#"{"credentials":{"accessKeyId":"ASIAX","sessionToken":"FwoG/+=","expiration":"x"}}"#
            ),
            r#"{"credentials":{"accessKeyId":"ASIAX","sessionToken":"***","expiration":"x"}}"#
        );
        assert_eq!(
            mask(r#"{ "Password" : "a\"b" , "x":1}"#),
            r#"{ "Password" : "***" , "x":1}"#
        );
        assert_eq!(
            mask(r#"{"cert":["a","]"],"b":2}"#),
            r#"{"cert":"***","b":2}"#
        );
        assert_eq!(mask(r#"{"tokenCode":123456}"#), r#"{"tokenCode":"***"}"#);
    }

    #[test]
    fn what_only_looks_like_a_secret_stays() {
        for text in [
            r#"{"certificateArn":"arn:aws:acm"}"#,
            r#"{"sessionToken":null}"#,
            r#"{"about":"sessionToken"}"#,
            r#"{"passwordResetRequired":true}"#,
        ] {
            assert!(matches!(mask(text), Cow::Borrowed(_)), "{text}");
        }
    }

    #[test]
    fn a_secret_inside_a_json_string_goes_too() {
        assert_eq!(
            mask(r#"{"CloudTrailEvent":"{\"sessionToken\":\"FwoG\",\"a\":1}"}"#),
            r#"{"CloudTrailEvent":"{\"sessionToken\":\"***\",\"a\":1}"}"#
        );
        assert_eq!(
            mask(r#"{\"x\":{\"cert\":{\"b\":\"c\"}},\"d\":1}"#),
            r#"{\"x\":{\"cert\":\"***\"},\"d\":1}"#
        );
    }

    #[test]
    fn names_are_known_by_their_endings() {
        for name in [
            "masterUserPassword",
            "temporaryPassword",
            "clientSecret",
            "x:Password",
        ] {
            let text = format!(r#"{{"a":1,"{name}":"hunter2","b":2}}"#);
            assert_eq!(mask(&text), format!(r#"{{"a":1,"{name}":"***","b":2}}"#));
        }
        assert!(matches!(mask(r#"{"hasPassword":true}"#), Cow::Borrowed(_)));
    }

    #[test]
    fn backslashes_before_the_closing_quote_do_not_hide_it() {
        let outer = |inner: &str| serde_json::json!({ "message": inner }).to_string();
        let inner = r#"{"password":"abc\\","user":"bob"}"#;
        let masked = outer(r#"{"password":"***","user":"bob"}"#);
        assert_eq!(mask(&outer(inner)), masked);
        assert_eq!(mask(inner), r#"{"password":"***","user":"bob"}"#);
        // Cut inside, the string around it still ends.
        let cut = mask(r#"{"message":"{\"password\":\"abc","next":1}"#).into_owned();
        assert_eq!(cut, r#"{"message":"{\"password\":\"***\"","next":1}"#);
    }

    #[test]
    fn secrets_in_csv_and_in_pairs_go_too() {
        assert_eq!(
            mask(r#"t,"{""a"":1,""sessionToken"": ""FwoG"",""b"":2}""#),
            r#"t,"{""a"":1,""sessionToken"": ""***"",""b"":2}""#
        );
        assert_eq!(
            mask(r#""{""e"":""{\""password\"":\""x\""}""}""#),
            r#""{""e"":""{\""password\"":\""***\""}""}""#
        );
        assert_eq!(
            mask(
                "{credentials={accessKeyId=ASIA, sessionToken=Fwo==, expiration=x}, password=hunter2}"
            ),
            "{credentials={accessKeyId=ASIA, sessionToken=***, expiration=x}, password=***}"
        );
        assert!(matches!(mask("notapassword = x"), Cow::Borrowed(_)));
    }

    #[test]
    fn every_field_of_the_list_is_masked_whatever_it_holds_and_however_it_is_written() {
        const PLAIN: &str = "PlainSecret";
        let endings = SECRET_ENDINGS.map(|ending| format!("some{ending}"));
        let fields = SECRET_FIELDS.map(str::to_owned).into_iter();
        let fields = fields
            .chain(SECRET_ENDINGS.map(str::to_owned))
            .chain(endings);
        for field in fields {
            for name in [field.clone(), field.to_lowercase(), field.to_uppercase()] {
                for value in [
                    format!("\"{PLAIN}\""),
                    format!("[\"{PLAIN}\",[\"{PLAIN}\"]]"),
                    format!("{{\"a\":{{\"b\":\"{PLAIN}\"}}}}"),
                ] {
                    let json = format!("{{\"before\":1,\"{name}\":{value},\"after\":\"stays\"}}");
                    let masked = mask(&json);
                    assert!(!masked.contains(PLAIN), "{masked}");
                    let parsed: serde_json::Value = serde_json::from_str(&masked).unwrap();
                    assert_eq!(parsed["after"], "stays", "{masked}");
                    assert_eq!(parsed["before"], 1, "{masked}");
                    // The same as text inside a string, as envelopes carry it.
                    let text = serde_json::json!({ "message": json }).to_string();
                    assert!(!mask(&text).contains(PLAIN), "{text}");
                }
            }
        }
    }

    #[test]
    fn an_unfinished_secret_goes_to_the_end() {
        assert_eq!(
            mask(r#"{"sessionToken":"FwoGZXIv"#),
            r#"{"sessionToken":"***""#
        );
        assert_eq!(mask(r#"{"cert":["a""#), r#"{"cert":"***""#);
    }
}
