//! What is worked out of each day's events and kept: which days of it hold, and by which rules.

use std::collections::BTreeSet;

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use super::manifest::Manifest;
use super::table::LakeTable;

/// Something that is worked out day by day, and worked out again when the day's events change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Derived {
    /// `daily_sessions`, `daily_issues` and `daily_facts`, from which sessions are worked out.
    Facts,
    /// `daily_usage`.
    Usage,
}

impl Derived {
    /// All of it.
    pub const ALL: [Self; 2] = [Self::Facts, Self::Usage];

    /// The tables that hold it.
    pub fn tables(self) -> impl Iterator<Item = LakeTable> {
        let tables = LakeTable::ALL.into_iter();
        tables.filter(move |table| table.derived() == Some(self))
    }
}

/// How far something holds that is worked out by day.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Upheld {
    /// The rules by which it was worked out; those of another version may give something else.
    #[serde(default)]
    pub(super) rules: String,
    /// The days of which it is to be worked out again; `None` means all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) stale: Option<BTreeSet<NaiveDate>>,
}

impl Upheld {
    /// What holds for a lake without events.
    pub(super) fn of_nothing() -> Self {
        Self {
            rules: String::new(),
            stale: Some(BTreeSet::new()),
        }
    }
}

impl Manifest {
    /// The days of which `what` is not that of their events, by these rules.
    pub fn stale(&self, what: Derived, rules: &str) -> BTreeSet<NaiveDate> {
        match self.derived.get(&what) {
            Some(upheld) if upheld.rules == rules => self.noted_stale(what),
            _ => self.days_with(what),
        }
    }

    /// Returns true when `what` is that of all events, by these rules.
    pub fn is_stored(&self, what: Derived, rules: &str) -> bool {
        let upheld = self.derived.get(&what);
        let is_whole = upheld.is_some_and(|upheld| {
            upheld.rules == rules && upheld.stale.as_ref().is_some_and(BTreeSet::is_empty)
        });
        is_whole || self.days_with(what).is_empty()
    }

    /// Whether what is kept of it was worked out by these rules.
    pub fn is_by(&self, what: Derived, rules: &str) -> bool {
        self.derived
            .get(&what)
            .is_some_and(|upheld| upheld.rules == rules)
    }

    /// The days that are noted as stale, whatever the rules.
    pub(super) fn noted_stale(&self, what: Derived) -> BTreeSet<NaiveDate> {
        let noted = self
            .derived
            .get(&what)
            .and_then(|upheld| upheld.stale.clone());
        noted.unwrap_or_else(|| self.days_with(what))
    }

    /// Notes of which days `what` is to be worked out again; a day without any rows needs nothing.
    pub(super) fn set_stale(&mut self, what: Derived, mut days: BTreeSet<NaiveDate>) {
        let with = self.days_with(what);
        days.retain(|day| with.contains(day) || self.may_have(what, *day));
        self.derived.entry(what).or_default().stale = Some(days);
    }

    /// The days that have events, or something that was worked out of them.
    fn days_with(&self, what: Derived) -> BTreeSet<NaiveDate> {
        let mut days = self.days_of(LakeTable::Events);
        for table in what.tables() {
            days.append(&mut self.days_of(table));
        }
        days
    }

    /// Whether a file of many days may have rows of this one.
    fn may_have(&self, what: Derived, day: NaiveDate) -> bool {
        let mut files = what.tables().flat_map(|table| self.files(table));
        files.any(|file| file.may_have_time_of(day))
    }
}
