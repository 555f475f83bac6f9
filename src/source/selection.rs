//! Which log files a run takes: whole files, chosen by what their keys say, never parts of one.

use chrono::{Days, NaiveDate};

use super::LogKey;

/// The flags `--from`, `--to`, `--account` and `--region` of commands that read log files.
///
/// A key that does not tell the asked part is taken: leaving it out could lose events.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Selection {
    /// The first day of interest.
    pub from: Option<NaiveDate>,
    /// The last day of interest; the day after it is read too, since delivery lags.
    pub to: Option<NaiveDate>,
    /// Accounts to take; none means all.
    pub accounts: Vec<String>,
    /// Regions to take; none means all.
    pub regions: Vec<String>,
}

impl Selection {
    /// Returns true when the log file with this key is to be read.
    pub fn allows(&self, key: &LogKey<'_>) -> bool {
        let last = self.to.and_then(|to| to.checked_add_days(Days::new(1)));
        let in_days = key.date.is_none_or(|date| {
            self.from.is_none_or(|from| from <= date) && last.is_none_or(|last| date <= last)
        });
        in_days && fits(&self.accounts, key.account_id) && fits(&self.regions, key.region)
    }
}

fn fits(wanted: &[String], found: Option<&str>) -> bool {
    wanted.is_empty() || found.is_none_or(|found| wanted.iter().any(|want| want == found))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_run_to_the_day_after_the_last() {
        let day = |d| NaiveDate::from_ymd_opt(2026, 3, d);
        let selection = Selection {
            from: day(2),
            to: day(3),
            ..Selection::default()
        };
        let at = |date| LogKey {
            date,
            ..LogKey::default()
        };
        assert!(!selection.allows(&at(day(1))));
        assert!(selection.allows(&at(day(2))));
        assert!(selection.allows(&at(day(4))));
        assert!(!selection.allows(&at(day(5))));
        assert!(
            selection.allows(&at(None)),
            "a key that does not tell is taken"
        );
    }

    #[test]
    fn accounts_and_regions_are_exact() {
        let selection = Selection {
            accounts: vec!["111122223333".to_owned()],
            regions: vec!["us-east-1".to_owned()],
            ..Selection::default()
        };
        let key = |account_id, region| LogKey {
            account_id,
            region,
            ..LogKey::default()
        };
        assert!(selection.allows(&key(Some("111122223333"), Some("us-east-1"))));
        assert!(!selection.allows(&key(Some("444455556666"), Some("us-east-1"))));
        assert!(!selection.allows(&key(Some("111122223333"), Some("us-east-2"))));
    }
}
