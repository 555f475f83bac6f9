//! Where a folder of a bucket stands in the layout of CloudTrail's keys, and which of the next ones to enter.
//!
//! `[prefix/]AWSLogs/[o-…/]ACCOUNT/FOLDER/REGION/YYYY/MM/DD/`
//! Source: CloudTrail User Guide, "Getting and viewing your CloudTrail log files".

use chrono::{Datelike as _, Days, Months, NaiveDate};

use crate::source::Selection;
use crate::source::log_key::{LogFolder, folder_named, is_account};

/// What the folders right below a folder are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Level {
    /// Anything; `AWSLogs` may be among them, or further down.
    Unknown,
    /// Organizations and accounts.
    Accounts,
    /// Kinds of logs, and other services' folders.
    Kinds,
    /// Regions.
    Regions,
    /// Years, and days below them.
    Days,
    /// A folder further down.
    Below,
}

/// The key from its last `AWSLogs/` on.
pub(super) fn from_logs(key: &str) -> Option<&str> {
    match key.rfind("/AWSLogs/") {
        Some(slash) => key.get(slash + 1..),
        None => key.starts_with("AWSLogs/").then_some(key),
    }
}

/// What follows `AWSLogs/` and the organization: account, kind of logs, region and so on.
fn below_logs(key: &str) -> Option<impl Iterator<Item = &str>> {
    let mut below = from_logs(key)?.split_terminator('/').skip(1).peekable();
    below.next_if(|part| part.starts_with("o-"));
    Some(below)
}

/// Whether a folder beside others of an account holds calls: not so digests, Insights, summaries and other services' logs.
fn holds_calls(kind: &str) -> bool {
    matches!(
        folder_named(kind),
        Some(LogFolder::Events | LogFolder::NetworkActivity)
    )
}

/// Where the folder `prefix`, which ends with `/` or is empty, stands.
pub(super) fn level_of(prefix: &str) -> Level {
    let Some(mut below) = below_logs(prefix) else {
        return Level::Unknown;
    };
    let Some(account) = below.next() else {
        return Level::Accounts;
    };
    if !is_account(account) {
        return Level::Below;
    }
    let Some(kind) = below.next() else {
        return Level::Kinds;
    };
    if folder_named(kind).is_none() {
        return Level::Below;
    }
    match below.count() {
        0 => Level::Regions,
        1 => Level::Days,
        _ => Level::Below,
    }
}

/// What to do with a folder `name` that was found where folders are of `level`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    /// Look at its folders.
    Enter,
    /// List all below it.
    All,
    /// Leave it: no calls in it, or nothing that was asked for.
    Leave,
}

pub(super) fn step_into(level: Level, name: &str, selection: &Selection) -> Step {
    let wanted = |all: &[String]| all.is_empty() || all.iter().any(|one| one == name);
    match level {
        Level::Unknown => Step::Enter,
        Level::Accounts if name.starts_with("o-") => Step::Enter,
        Level::Accounts if is_account(name) => {
            if wanted(&selection.accounts) {
                Step::Enter
            } else {
                Step::Leave
            }
        }
        Level::Accounts | Level::Days | Level::Below => Step::All,
        Level::Kinds if holds_calls(name) => Step::Enter,
        Level::Regions if wanted(&selection.regions) => Step::Enter,
        Level::Kinds | Level::Regions => Step::Leave,
    }
}

/// Whether a key of the layout lies in a folder that is left alone: another service's, or one without calls.
pub(super) fn is_left_alone(key: &str) -> bool {
    let Some(mut below) = below_logs(key) else {
        return false;
    };
    let (account, kind, rest) = (below.next(), below.next(), below.next());
    account.is_some_and(is_account) && rest.is_some() && kind.is_some_and(|kind| !holds_calls(kind))
}

/// Whether a folder's name is that of an account or an organization.
pub(super) fn is_owner(name: &str) -> bool {
    is_account(name) || name.starts_with("o-")
}

/// The part of a region's folder that days may be in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Span {
    /// What all their keys begin with.
    pub(super) prefix: String,
    /// They come behind this.
    pub(super) after: Option<String>,
    /// The last day.
    pub(super) last: Option<NaiveDate>,
}

/// The days of `selection` in a region's folder. Keys sort by day, so that one listing can begin and stop anywhere.
pub(super) fn span(folder: &str, selection: &Selection) -> Span {
    let last = selection
        .to
        .and_then(|to| to.checked_add_days(Days::new(1)));
    let first = selection.from.map(path_of_day);
    let after = first.as_ref().map(|day| format!("{folder}{day}"));
    let shared = match (&first, last.map(path_of_day)) {
        (Some(first), Some(last)) => {
            let same = first.bytes().zip(last.bytes()).take_while(|(a, b)| a == b);
            first.get(..same.count()).unwrap_or_default().to_owned()
        }
        _ => String::new(),
    };
    Span {
        prefix: format!("{folder}{shared}"),
        after,
        last,
    }
}

fn path_of_day(day: NaiveDate) -> String {
    day.format("%Y/%m/%d").to_string()
}

/// More months than this are listed one behind the other.
const MOST_MONTHS: usize = 240;

/// The months after that of `day` up to that of `end`, as the paths of their folders; none where they are too many.
pub(super) fn months_after(day: NaiveDate, end: NaiveDate) -> Option<Vec<String>> {
    let end = end.with_day(1)?;
    let mut month = day.with_day(1)?;
    let mut found = Vec::new();
    while month < end {
        month = month.checked_add_months(Months::new(1))?;
        found.push(month.format("%Y/%m/").to_string());
        if found.len() > MOST_MONTHS {
            return None;
        }
    }
    Some(found)
}

/// The folder of a day's month.
pub(super) fn month_of(day: NaiveDate) -> String {
    day.format("%Y/%m/").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    #[test]
    fn each_folder_tells_what_is_below_it() {
        for (prefix, level) in [
            ("", Level::Unknown),
            ("trails/", Level::Unknown),
            ("AWSLogs/", Level::Accounts),
            ("o-abc/AWSLogs/o-abc/", Level::Accounts),
            ("trails/AWSLogs/111122223333/", Level::Kinds),
            ("AWSLogs/o-abc/111122223333/CloudTrail/", Level::Regions),
            ("AWSLogs/111122223333/CloudTrail/us-east-1/", Level::Days),
            (
                "AWSLogs/111122223333/CloudTrail/us-east-1/2026/",
                Level::Below,
            ),
            ("AWSLogs/111122223333/Config/", Level::Below),
        ] {
            assert_eq!(level_of(prefix), level, "{prefix}");
        }
    }

    #[test]
    fn what_was_not_asked_for_is_left_and_what_is_not_known_is_listed() {
        let selection = Selection {
            accounts: vec!["111122223333".to_owned()],
            regions: vec!["us-east-1".to_owned()],
            ..Selection::default()
        };
        for (level, name, step) in [
            (Level::Unknown, "anything", Step::Enter),
            (Level::Accounts, "o-abc", Step::Enter),
            (Level::Accounts, "111122223333", Step::Enter),
            (Level::Accounts, "444455556666", Step::Leave),
            (Level::Accounts, "other", Step::All),
            (Level::Kinds, "CloudTrail", Step::Enter),
            (Level::Kinds, "CloudTrail-NetworkActivity", Step::Enter),
            (Level::Kinds, "CloudTrail-Digest", Step::Leave),
            (Level::Kinds, "vpcflowlogs", Step::Leave),
            (Level::Regions, "us-east-1", Step::Enter),
            (Level::Regions, "eu-west-1", Step::Leave),
        ] {
            assert_eq!(step_into(level, name, &selection), step, "{name}");
        }
    }

    #[test]
    fn other_services_logs_are_left_alone_wherever_they_lie() {
        for (key, is_left) in [
            (
                "AWSLogs/111122223333/vpcflowlogs/us-east-1/2026/03/02/f.log.gz",
                true,
            ),
            (
                "x/AWSLogs/o-abc/111122223333/CloudTrail-Digest/us-east-1/f.json.gz",
                true,
            ),
            (
                "AWSLogs/111122223333/CloudTrail/us-east-1/2026/03/02/f.json.gz",
                false,
            ),
            ("exports/f.json.gz", false),
            ("AWSLogs/f.json.gz", false),
        ] {
            assert_eq!(is_left_alone(key), is_left, "{key}");
        }
    }

    #[test]
    fn days_are_a_part_of_a_listing() {
        let selection = |from: Option<&str>, to: Option<&str>| Selection {
            from: from.map(day),
            to: to.map(day),
            ..Selection::default()
        };
        let folder = "AWSLogs/1/CloudTrail/r/";
        let of = |from, to| span(folder, &selection(from, to));
        let one = of(Some("2026-03-02"), Some("2026-03-02"));
        assert_eq!(one.prefix, format!("{folder}2026/03/0"));
        assert_eq!(one.after, Some(format!("{folder}2026/03/02")));
        assert_eq!(one.last, Some(day("2026-03-03")));
        let open = of(Some("2026-03-02"), None);
        assert_eq!((open.prefix.as_str(), open.last), (folder, None));
        assert_eq!(of(None, None).after, None);
        assert_eq!(of(None, Some("2026-03-02")).prefix, folder);
    }

    #[test]
    fn months_go_on_to_the_end() {
        assert_eq!(
            months_after(day("2025-11-30"), day("2026-01-01")),
            Some(vec!["2025/12/".to_owned(), "2026/01/".to_owned()])
        );
        assert_eq!(
            months_after(day("2026-01-31"), day("2026-01-01")),
            Some(vec![])
        );
        assert_eq!(months_after(day("1970-01-01"), day("2026-01-01")), None);
    }
}
