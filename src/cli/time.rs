//! Reads times as people give them: RFC 3339, a date, or `7d` back from now.

use std::time::Duration;

use chrono::{DateTime, NaiveDate, SecondsFormat, TimeDelta, Utc};

use super::failure::Failure;

/// Reads one time; `flag` names it in the refusal.
pub(super) fn parse(flag: &str, text: &str, now: DateTime<Utc>) -> Result<DateTime<Utc>, Failure> {
    if let Ok(time) = DateTime::parse_from_rfc3339(text) {
        return Ok(time.with_timezone(&Utc));
    }
    if let Ok(date) = text.parse::<NaiveDate>() {
        return Ok(date.and_time(chrono::NaiveTime::MIN).and_utc());
    }
    back(text).and_then(|span| now.checked_sub_signed(span)).ok_or_else(|| {
        Failure::usage(
            format!("`{flag}` is `{text}`, which is no time"),
            vec!["give RFC 3339 with seconds and zone (2026-03-02T09:00:00Z), a date (2026-03-02), or a span back from now (7d, 12h)".to_owned()],
        )
    })
}

/// Reads a span of time, `90s`, `15m`, `2h`; `flag` names it in the refusal.
pub(super) fn span(flag: &str, text: &str) -> Result<Duration, Failure> {
    let of_seconds = || {
        text.strip_suffix('s')?
            .parse()
            .ok()
            .map(Duration::from_secs)
    };
    back(text)
        .and_then(|span| span.to_std().ok())
        .or_else(of_seconds)
        .ok_or_else(|| {
            Failure::usage(
                format!("`{flag}` is `{text}`, which is no span of time"),
                vec!["give seconds, minutes, hours or days: 90s, 15m, 2h, 1d".to_owned()],
            )
        })
}

fn back(text: &str) -> Option<TimeDelta> {
    let unit = text.chars().last()?;
    let count: i64 = text
        .strip_suffix(unit)?
        .parse()
        .ok()
        .filter(|count| *count >= 0)?;
    match unit {
        'd' => TimeDelta::try_days(count),
        'h' => TimeDelta::try_hours(count),
        'm' => TimeDelta::try_minutes(count),
        _ => None,
    }
}

/// The form in which a time is bound to a query.
pub(super) fn as_param(time: DateTime<Utc>) -> String {
    time.to_rfc3339_opts(SecondsFormat::AutoSi, true)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_come_in_three_forms() {
        let now = "2026-03-08T12:00:00Z".parse().unwrap();
        let at = |text| as_param(parse("--from", text, now).unwrap());
        assert_eq!(at("2026-03-02T09:00:00+01:00"), "2026-03-02T08:00:00Z");
        assert_eq!(at("2026-03-02"), "2026-03-02T00:00:00Z");
        assert_eq!(at("7d"), "2026-03-01T12:00:00Z");
        for bad in [
            "",
            "d",
            "yesterday",
            "-7d",
            "7w",
            "2026-13-01",
            "99999999999999999d",
        ] {
            assert!(parse("--from", bad, now).is_err(), "{bad}");
        }
    }

    #[test]
    fn spans_have_a_unit() {
        assert_eq!(span("--debounce", "90s").unwrap(), Duration::from_secs(90));
        assert_eq!(span("--debounce", "15m").unwrap(), Duration::from_mins(15));
        for bad in ["", "5", "s", "-5m", "5w"] {
            assert!(span("--debounce", bad).is_err(), "{bad}");
        }
    }
}
