//! What is due: pure arithmetic on timetables, the runs that there were, and the time.

use chrono::{DateTime, Utc};

use super::definition::ReportDef;
use super::period::{For, Period};
use super::timetable::Timetable;
use crate::ledger::KeptRun;

/// A run that is to be made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Due {
    /// When the timetable asked for it.
    pub at: DateTime<Utc>,
    /// The end of its period.
    pub until: DateTime<Utc>,
}

/// The runs of a report that should have been made by `now` and were not, in their order.
///
/// Of its last times, `catch_up` of them, those that were not made: also where a later one was, since one of them may have failed. A report that
/// never ran is due for its last time alone.
pub fn due_runs(report: &ReportDef, runs: &[KeptRun], now: DateTime<Utc>) -> Vec<Due> {
    let Some(table) = &report.timetable else {
        return Vec::new();
    };
    let first_made = runs.iter().map(|run| run.until).min();
    let mut times: Vec<Due> = Vec::new();
    let wanted = if first_made.is_some() {
        report.catch_up.max(1)
    } else {
        1
    };
    let mut next = table.last_until(now);
    while let Some(at) = next
        && times.len() < wanted
        && first_made.is_none_or(|first| at > first)
    {
        let until = Period::of(report.window, report.zone, For::Until(at), |_| None).until;
        match times.last_mut() {
            // Several times a day that are about the same days: the first of them counts.
            Some(known) if known.until == until => known.at = at,
            _ => times.push(Due { at, until }),
        }
        next = table.last_before(at);
    }
    times.retain(|due| {
        first_made.is_none_or(|first| due.until > first)
            && !runs.iter().any(|run| run.until == due.until)
    });
    times.reverse();
    times
}

/// Whether a job without a memory in the lake is due; one that never ran is. A clock that was put back makes it due again.
pub fn is_due(table: &Timetable, last: Option<DateTime<Utc>>, now: DateTime<Utc>) -> bool {
    match last {
        None => true,
        Some(last) if last > now => true,
        Some(last) => table.last_until(now).is_some_and(|time| time > last),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schedule::Window;
    use chrono_tz::Tz;

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    fn report(schedule: &str, window: Window) -> ReportDef {
        ReportDef {
            name: "r".to_owned(),
            title: "r".to_owned(),
            timetable: Some(Timetable::parse(schedule, Tz::Europe__Berlin).unwrap()),
            zone: Tz::Europe__Berlin,
            window,
            catch_up: 3,
            sections: Vec::new(),
            outputs: Vec::new(),
        }
    }

    fn ran(until: &str) -> KeptRun {
        KeptRun {
            report: "r".to_owned(),
            from: at(until),
            until: at(until),
            events: Some(0),
            untold: Vec::new(),
            sections: Vec::new(),
        }
    }

    fn untils(due: &[Due]) -> Vec<String> {
        due.iter().map(|due| due.until.to_rfc3339()).collect()
    }

    #[test]
    fn a_report_that_never_ran_is_due_for_its_last_time_and_then_no_more() {
        let report = report("30 2 * * *", Window::Days(1));
        let now = at("2026-03-10T12:00:00Z");
        let due = due_runs(&report, &[], now);
        assert_eq!(untils(&due), ["2026-03-09T23:00:00+00:00"]);
        assert!(due_runs(&report, &[ran("2026-03-09T23:00:00Z")], now).is_empty());
    }

    #[test]
    fn what_was_missed_is_made_up_for_as_far_as_wanted() {
        let report = report("30 2 * * *", Window::Days(1));
        let due = due_runs(
            &report,
            &[ran("2026-03-01T23:00:00Z")],
            at("2026-03-10T12:00:00Z"),
        );
        assert_eq!(
            untils(&due),
            [
                "2026-03-07T23:00:00+00:00",
                "2026-03-08T23:00:00+00:00",
                "2026-03-09T23:00:00+00:00"
            ]
        );
    }

    #[test]
    fn one_that_failed_is_due_again_though_a_later_one_was_made() {
        let report = report("30 2 * * *", Window::Days(1));
        let runs = [ran("2026-03-06T23:00:00Z"), ran("2026-03-09T23:00:00Z")];
        let due = due_runs(&report, &runs, at("2026-03-10T12:00:00Z"));
        assert_eq!(
            untils(&due),
            ["2026-03-07T23:00:00+00:00", "2026-03-08T23:00:00+00:00"]
        );
        // What is further back than is made up for stays undone.
        assert!(due_runs(&report, &runs, at("2026-03-20T12:00:00Z")).len() == 3);
    }

    #[test]
    fn several_times_a_day_are_one_run_of_whole_days_and_many_since_the_last() {
        let runs = [ran("2026-03-09T23:00:00Z")];
        let now = at("2026-03-10T03:10:00Z");
        assert!(due_runs(&report("@hourly", Window::Days(1)), &runs, now).is_empty());
        let often = due_runs(&report("@hourly", Window::SinceLastRun), &runs, now);
        assert_eq!(often.len(), 3);
    }

    #[test]
    fn a_clock_that_was_put_back_makes_no_report_twice() {
        let report = report("30 2 * * *", Window::Days(1));
        let runs = [ran("2026-03-08T23:00:00Z"), ran("2026-03-09T23:00:00Z")];
        assert!(due_runs(&report, &runs, at("2026-03-09T12:00:00Z")).is_empty());
        let table = report.timetable.unwrap();
        let now = at("2026-03-09T12:00:00Z");
        assert!(is_due(&table, None, now));
        assert!(is_due(&table, Some(at("2026-03-10T02:00:00Z")), now));
        assert!(!is_due(&table, Some(at("2026-03-09T11:00:00Z")), now));
    }
}
