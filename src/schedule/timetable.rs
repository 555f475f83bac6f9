//! When a job is due: a cron expression in a time zone.
//!
//! Source: croner's README ("Daylight Saving Time"): a time that the clock leaves out comes at the end of the gap, one that it repeats comes once.

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use croner::Cron;
use croner::errors::CronError;
use croner::parser::{CronParser, Seconds, Year};

/// Times at which something is to be done.
#[derive(Debug, Clone)]
pub struct Timetable {
    text: String,
    cron: Cron,
    zone: Tz,
}

impl Timetable {
    /// Reads a cron expression of five fields, or one of cron's names (`@daily`).
    pub fn parse(text: &str, zone: Tz) -> Result<Self, CronError> {
        let parser = CronParser::builder()
            .seconds(Seconds::Disallowed)
            .year(Year::Disallowed)
            .build();
        let cron = parser.parse(text)?;
        // A day that never comes, as the 30th of February.
        let some_time = DateTime::UNIX_EPOCH.with_timezone(&zone);
        cron.find_next_occurrence(&some_time, false)?;
        Ok(Self {
            text: text.to_owned(),
            cron,
            zone,
        })
    }

    /// The expression.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Its time zone.
    pub fn zone(&self) -> Tz {
        self.zone
    }

    /// The first time after `after`; none where there is no more.
    pub fn next_after(&self, after: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let after = after.with_timezone(&self.zone);
        let next = self.cron.find_next_occurrence(&after, false).ok()?;
        Some(next.with_timezone(&Utc))
    }

    /// The last time up to `now`.
    pub fn last_until(&self, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let now = now.with_timezone(&self.zone);
        let last = self.cron.find_previous_occurrence(&now, true).ok()?;
        Some(last.with_timezone(&Utc))
    }

    /// The last time before `time`.
    pub fn last_before(&self, time: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let time = time.with_timezone(&self.zone);
        let last = self.cron.find_previous_occurrence(&time, false).ok()?;
        Some(last.with_timezone(&Utc))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    /// The last times before `now`, in their order.
    fn times(table: &Timetable, now: &str, count: usize) -> Vec<DateTime<Utc>> {
        let last =
            std::iter::successors(table.last_until(at(now)), |time| table.last_before(*time));
        let mut times: Vec<_> = last.take(count).collect();
        times.reverse();
        times
    }

    #[test]
    fn half_past_two_comes_once_on_every_day_also_when_the_clock_changes() {
        let table = Timetable::parse("30 2 * * *", Tz::Europe__Berlin).unwrap();
        let week = times(&table, "2026-03-31T12:00:00Z", 5);
        // On the 29th there is no half past two: the clock goes from two to three.
        assert_eq!(
            week,
            [
                at("2026-03-27T01:30:00Z"),
                at("2026-03-28T01:30:00Z"),
                at("2026-03-29T01:00:00Z"),
                at("2026-03-30T00:30:00Z"),
                at("2026-03-31T00:30:00Z"),
            ]
        );
        let autumn = times(&table, "2026-10-26T12:00:00Z", 3);
        assert_eq!(autumn[0], at("2026-10-24T00:30:00Z"));
        assert_eq!(autumn[2], at("2026-10-26T01:30:00Z"));
        for pair in week.windows(2) {
            assert_eq!(table.next_after(pair[0]), Some(pair[1]));
        }
    }

    #[test]
    fn what_is_no_cron_expression_is_refused() {
        for bad in [
            "",
            "nightly",
            "99 * * * *",
            "* * * *",
            "0 0 * * * *",
            "0 0 30 2 *",
        ] {
            assert!(Timetable::parse(bad, Tz::UTC).is_err(), "{bad}");
        }
    }
}
