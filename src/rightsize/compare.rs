//! Used against granted: one tally for each action, and what it means beside the grants.

use std::collections::{BTreeMap, BTreeSet};

use super::observed::{Came, Person, Use};
use super::propose::{Breadth, Open};
use crate::permissions::Action;

/// More names than a row should hold.
const MOST_NAMES: usize = 20;

/// What was seen of one action.
#[derive(Debug, Clone, Default)]
pub struct Tally {
    /// Calls that came through.
    pub through: u64,
    /// Those of them that nothing allows today.
    pub not_granted: u64,
    /// Calls that were refused.
    pub refused: u64,
    /// The first that came through, in microseconds since 1970.
    pub first: Option<i64>,
    /// The last.
    pub last: Option<i64>,
    /// The last that was refused.
    pub last_refused: Option<i64>,
    /// The last call, come through or not, and when.
    pub last_event: Option<(i64, String)>,
    /// Who made the calls.
    pub people: BTreeMap<Person, PersonTally>,
    /// On which resources, some of them.
    pub resources: BTreeSet<String>,
}

/// What was seen of one action of one person.
#[derive(Debug, Clone, Default)]
pub struct PersonTally {
    /// Calls that came through.
    pub through: u64,
    /// Calls that were refused.
    pub refused: u64,
    /// The first of all, in microseconds since 1970.
    pub first: i64,
    /// The last.
    pub last: i64,
    /// The last call.
    pub event_id: String,
}

/// What an action is, beside the grants.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum State {
    /// Granted, and calls came through.
    Used,
    /// Granted, and no call came through, though it would show.
    Unused,
    /// Granted, and nothing tells.
    NotObservable,
    /// Calls came through, and nothing grants it today: it was taken away, or another policy than the principal's granted it.
    NotGranted,
    /// Only asked for, and refused; not granted.
    Refused,
    /// Calls came through, and what is granted is not known.
    GrantUnknown,
}

impl State {
    /// The word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Used => "used",
            Self::Unused => "unused",
            Self::NotObservable => "not_observable",
            Self::NotGranted => "used_not_granted",
            Self::Refused => "refused",
            Self::GrantUnknown => "grant_unknown",
        }
    }
}

/// What was seen of a principal.
#[derive(Debug, Default)]
pub struct Comparison {
    /// By action.
    pub actions: BTreeMap<&'static str, Tally>,
    /// Calls for which no action is known, by source and name: how many, and the last.
    pub unmapped: BTreeMap<(String, String), (u64, String)>,
    /// The accounts that recorded the calls.
    pub accounts: BTreeSet<String>,
}

impl Comparison {
    /// Takes calls; `is_granted` says whether what they needed is granted today.
    pub fn take(&mut self, used: &Use, is_granted: bool) {
        self.accounts.insert(used.account_id.clone());
        let Some(action) = used.action else {
            if !used.needs_none {
                let key = (used.event_source.clone(), used.event_name.clone());
                let (calls, last) = self.unmapped.entry(key).or_default();
                *calls += used.calls;
                last.clone_from(&used.event_id);
            }
            return;
        };
        let tally = self.actions.entry(action.name).or_default();
        tally.take(used, is_granted);
    }

    /// The actions that calls came through with.
    pub fn used(&self) -> BTreeSet<&str> {
        let used = self.actions.iter().filter(|(_, tally)| tally.through > 0);
        used.map(|(name, _)| *name).collect()
    }

    /// Every action that is granted or was asked for, with what it is.
    ///
    /// Where `is_known` is false some policy's text is not there, and what was used beyond the others may be granted by it.
    pub fn states(
        &self,
        granted: &BTreeMap<String, Breadth>,
        is_known: bool,
        open: &BTreeMap<String, Open>,
    ) -> BTreeMap<String, State> {
        let mut states = BTreeMap::new();
        for name in granted.keys() {
            let through = self
                .actions
                .get(name.as_str())
                .map_or(0, |tally| tally.through - tally.not_granted);
            let state = if through > 0 {
                State::Used
            } else if open.contains_key(name) {
                State::NotObservable
            } else {
                State::Unused
            };
            states.insert(name.clone(), state);
        }
        for (name, tally) in &self.actions {
            let all_not_granted = tally.through > 0 && tally.not_granted == tally.through;
            let state = match states.get(*name) {
                Some(_) if !all_not_granted => continue,
                _ if tally.through > 0 && !is_known => State::GrantUnknown,
                _ if tally.through > 0 => State::NotGranted,
                _ => State::Refused,
            };
            states.insert((*name).to_owned(), state);
        }
        states
    }
}

impl Tally {
    fn take(&mut self, used: &Use, is_granted: bool) {
        let person = self
            .people
            .entry(used.person.clone())
            .or_insert(PersonTally {
                first: i64::MAX,
                last: i64::MIN,
                ..PersonTally::default()
            });
        match used.came {
            Came::Through => {
                self.through += used.calls;
                person.through += used.calls;
                if !is_granted {
                    self.not_granted += used.calls;
                }
                self.first = Some(self.first.map_or(used.first, |first| first.min(used.first)));
                self.last = self.last.max(Some(used.last));
            }
            Came::Refused => {
                self.refused += used.calls;
                person.refused += used.calls;
                self.last_refused = self.last_refused.max(Some(used.last));
            }
        }
        let event = (used.last, used.event_id.clone());
        if self.last_event.as_ref().is_none_or(|last| *last < event) {
            self.last_event = Some(event);
        }
        if person.last < used.last {
            person.event_id.clone_from(&used.event_id);
        }
        person.first = person.first.min(used.first);
        person.last = person.last.max(used.last);
        for arn in &used.resources {
            if self.resources.len() < MOST_NAMES {
                self.resources.insert(arn.clone());
            }
        }
    }
}

/// What the access level of an action is, in AWS's words; empty where the catalogue does not have it.
pub fn level_of(action: &str) -> &'static str {
    Action::find(action).map_or("", |action| action.level.as_str())
}
