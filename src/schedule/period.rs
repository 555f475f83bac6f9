//! The period that a run of a report is about.

use std::fmt;

use chrono::{
    DateTime, Datelike as _, Days, NaiveDate, NaiveTime, SecondsFormat, TimeDelta, TimeZone as _,
    Utc,
};
use chrono_tz::Tz;

/// How far back a report looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Window {
    /// That many days, each from midnight to midnight, up to and with the day of the run.
    Days(u32),
    /// From where the last run ended.
    SinceLastRun,
}

impl Window {
    /// Reads `yesterday`, `last-week`, `since-last-run`, or a number of days (`30d`).
    pub fn parse(text: &str) -> Option<Self> {
        match text {
            "yesterday" => Some(Self::Days(1)),
            "last-week" => Some(Self::Days(7)),
            "since-last-run" => Some(Self::SinceLastRun),
            other => {
                let days = other.strip_suffix('d')?.parse().ok()?;
                (1..=3660).contains(&days).then_some(Self::Days(days))
            }
        }
    }
}

/// What a run is asked to be about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum For {
    /// A day, in the report's time zone: the last one of the period.
    Day(NaiveDate),
    /// The period that ends at this time.
    Until(DateTime<Utc>),
}

impl fmt::Display for For {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Day(day) => day.fmt(f),
            Self::Until(time) => f.write_str(&time.to_rfc3339_opts(SecondsFormat::Secs, true)),
        }
    }
}

impl For {
    /// The year.
    pub fn year(self) -> i32 {
        match self {
            Self::Day(day) => day.year(),
            Self::Until(time) => time.year(),
        }
    }
}

/// A period: from its beginning up to, and without, its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Period {
    /// The beginning.
    pub from: DateTime<Utc>,
    /// The end.
    pub until: DateTime<Utc>,
}

impl Period {
    /// The period of a run; `last_until` gives the end of the last run that ended before a time.
    pub fn of(
        window: Window,
        zone: Tz,
        wanted: For,
        last_until: impl FnOnce(DateTime<Utc>) -> Option<DateTime<Utc>>,
    ) -> Self {
        let until = match (wanted, window) {
            (For::Day(day), _) => midnight(zone, next_day(day)),
            (For::Until(time), Window::SinceLastRun) => time,
            // Whole days: those that were over.
            (For::Until(time), Window::Days(_)) => {
                midnight(zone, time.with_timezone(&zone).date_naive())
            }
        };
        let last_day = (until - TimeDelta::microseconds(1))
            .with_timezone(&zone)
            .date_naive();
        let days_back = |days: u32| {
            let first = last_day.checked_sub_days(Days::new(u64::from(days.saturating_sub(1))));
            midnight(zone, first.unwrap_or(last_day))
        };
        let from = match window {
            Window::Days(days) => days_back(days),
            // A first run has a day, as most have.
            Window::SinceLastRun => last_until(until).unwrap_or_else(|| until - TimeDelta::days(1)),
        };
        Self { from, until }
    }

    /// The last day of the period in `zone`.
    pub fn last_day(&self, zone: Tz) -> NaiveDate {
        (self.until - TimeDelta::microseconds(1))
            .with_timezone(&zone)
            .date_naive()
    }
}

fn next_day(day: NaiveDate) -> NaiveDate {
    day.checked_add_days(Days::new(1)).unwrap_or(day)
}

/// The first moment of a day, which is not midnight where the clock leaves that out.
fn midnight(zone: Tz, day: NaiveDate) -> DateTime<Utc> {
    let midnight = day.and_time(NaiveTime::MIN);
    // No clock leaves out more than a day (Samoa left out one).
    let mut moments = (0..=96).map(|quarter| midnight + TimeDelta::minutes(15 * quarter));
    let first = moments.find_map(|moment| zone.from_local_datetime(&moment).earliest());
    first.map_or_else(|| midnight.and_utc(), |first| first.with_timezone(&Utc))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    fn day(text: &str) -> For {
        For::Day(text.parse().unwrap())
    }

    #[test]
    fn a_day_is_one_of_the_time_zone_also_when_the_clock_changes() {
        let of = |wanted| Period::of(Window::Days(1), Tz::Europe__Berlin, wanted, |_| None);
        let spring = of(day("2026-03-29"));
        assert_eq!(spring.from, at("2026-03-28T23:00:00Z"));
        assert_eq!(spring.until, at("2026-03-29T22:00:00Z"));
        assert_eq!(
            spring.last_day(Tz::Europe__Berlin).to_string(),
            "2026-03-29"
        );
        // A run in the night after is about the same day.
        assert_eq!(of(For::Until(at("2026-03-30T00:30:00Z"))), spring);
        // Beirut's clock leaves out midnight.
        let beirut = Period::of(Window::Days(1), Tz::Asia__Beirut, day("2026-03-29"), |_| {
            None
        });
        assert_eq!(beirut.from, at("2026-03-28T22:00:00Z"));
        assert_eq!(beirut.until, at("2026-03-29T21:00:00Z"));
    }

    #[test]
    fn a_week_ends_with_its_day() {
        let week = Period::of(Window::Days(7), Tz::UTC, day("2026-03-08"), |_| None);
        assert_eq!(week.from, at("2026-03-02T00:00:00Z"));
        assert_eq!(week.until, at("2026-03-09T00:00:00Z"));
    }

    #[test]
    fn since_the_last_run_begins_where_that_ended() {
        let end = at("2026-03-02T06:00:00Z");
        let of = |last| Period::of(Window::SinceLastRun, Tz::UTC, For::Until(end), |_| last);
        assert_eq!(
            of(Some(at("2026-03-01T23:00:00Z"))).from,
            at("2026-03-01T23:00:00Z")
        );
        assert_eq!(of(None).from, at("2026-03-01T06:00:00Z"));
    }

    #[test]
    fn windows_have_names_and_numbers() {
        assert_eq!(Window::parse("yesterday"), Some(Window::Days(1)));
        assert_eq!(Window::parse("30d"), Some(Window::Days(30)));
        for bad in ["", "d", "0d", "-1d", "7", "tomorrow", "99999d"] {
            assert_eq!(Window::parse(bad), None, "{bad}");
        }
    }
}
