//! The spellings of time in CloudTrail, to microseconds since 1970 in UTC.

use chrono::{DateTime, Datelike as _, NaiveDateTime};

/// Parses `eventTime` and `creationDate`: RFC 3339, or the basic form of the guide's oldest examples.
///
/// A time before 1970 is no time of AWS's, and one after 2261 is more than SQL can reckon with: neither is one.
pub fn parse_event_time(text: &str) -> Option<i64> {
    let time = match DateTime::parse_from_rfc3339(text) {
        Ok(time) => time.to_utc(),
        // `20131102T010628Z`; CloudTrail User Guide, "CloudTrail userIdentity element".
        Err(_) => NaiveDateTime::parse_from_str(text, "%Y%m%dT%H%M%SZ")
            .ok()?
            .and_utc(),
    };
    (1970..=2261)
        .contains(&time.year())
        .then(|| time.timestamp_micros())
}

/// Parses `credentials.expiration`: US text with or without a comma after the year, or RFC 3339.
///
/// The space before AM and PM may be a narrow or no-break one, as newer Java locale data writes it.
pub fn parse_expiration(text: &str) -> Option<i64> {
    if let Some(time) = parse_event_time(text) {
        return Some(time);
    }
    let plain: String = text
        .chars()
        .filter(|&c| c != ',')
        .map(|c| {
            if matches!(c, '\u{202f}' | '\u{a0}') {
                ' '
            } else {
                c
            }
        })
        .collect();
    let time = NaiveDateTime::parse_from_str(&plain, "%b %d %Y %I:%M:%S %p").ok()?;
    Some(time.and_utc().timestamp_micros())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn iso(text: &str) -> i64 {
        DateTime::parse_from_rfc3339(text)
            .unwrap()
            .timestamp_micros()
    }

    #[test]
    fn event_times_come_in_two_forms() {
        assert_eq!(
            parse_event_time("2013-11-02T01:06:28Z"),
            Some(iso("2013-11-02T01:06:28Z"))
        );
        assert_eq!(
            parse_event_time("20131102T010628Z"),
            Some(iso("2013-11-02T01:06:28Z"))
        );
        for bad in [
            "",
            "yesterday",
            "2013-11-02",
            "2013-13-02T01:06:28Z",
            "1383354388",
            // Go's zero time, and times at which arithmetic in nanoseconds ends.
            "0001-01-01T00:00:00Z",
            "1969-12-31T23:59:59Z",
            "2262-04-12T00:00:00Z",
            "9999-12-31T23:59:59Z",
        ] {
            assert_eq!(parse_event_time(bad), None, "{bad}");
        }
    }

    #[test]
    fn expirations_come_in_many_spellings() {
        for (text, time) in [
            ("Jul 30, 2021 12:56:03 AM", "2021-07-30T00:56:03Z"),
            ("Jul 10, 2023, 12:31:14 PM", "2023-07-10T12:31:14Z"),
            ("Mar 2, 2026, 9:25:00 AM", "2026-03-02T09:25:00Z"),
            ("Mar 2, 2026, 9:25:00\u{202f}PM", "2026-03-02T21:25:00Z"),
            ("Mar 2, 2026, 9:25:00\u{a0}PM", "2026-03-02T21:25:00Z"),
            ("2026-03-02T21:25:00Z", "2026-03-02T21:25:00Z"),
        ] {
            assert_eq!(parse_expiration(text), Some(iso(time)), "{text}");
        }
        assert_eq!(parse_expiration("HIDDEN_DUE_TO_SECURITY_REASONS"), None);
    }
}
