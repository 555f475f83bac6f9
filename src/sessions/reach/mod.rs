//! Which sessions may be others than before, once the facts of some days changed: those alone are worked out anew.
//!
//! A verdict asks other records by keys: the access key, a principal and a second, a unique id. From what changed, the keys are
//! followed until no session is left that asks by one that was met. The rest stands as it was stored; so the result is the one that
//! all facts together give.

mod calls;
mod difference;
mod keys;
mod spread;
mod told;

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use arrow::array::{AsArray as _, RecordBatch};
use chrono::NaiveDate;

use super::SessionsError;
use super::columns::{Columns as _, Shown};
use super::daily::{DAILY_SESSIONS, FACT_TABLES};
use super::facts::{Reached, Strangers};
use super::frame::Frame;
use super::identity_center::permission_set_of;
use super::issuance::Issuances;
use super::link::SECOND;
use super::stored::Found;
use super::told::Told;
use super::workload::COGNITO;
use crate::engine::align;
use crate::events::day_of;
use crate::iam::AssumedRoleArn;
use crate::lake::{
    Column, DataFile, Draft, LakeTable, Manifest, Store, read_columns, read_rows, schema_of,
};

use calls::Calls;
use difference::Difference;
use keys::{Asked, Key, Keys};
pub(super) use spread::Pairs;
pub(super) use told::Deeds;

/// Bytes for what rows ask for; of rows beyond that it is read again each time. Some millions of sessions have room.
const ROOM: usize = 256 << 20;

/// The sessions that a change of facts can reach.
pub(super) struct Reach<'a> {
    store: &'a Store,
    files: Vec<DataFile>,
    calls: Calls<'a>,
    told: &'a Told,
    keys: Keys,
    /// For each row of each file of `daily_sessions` whether its session is reached.
    rows: Vec<Vec<bool>>,
    /// The reached sessions, each with its principal.
    sessions: HashMap<String, Option<String>>,
    /// For each call whether it is reached.
    issues: Vec<bool>,
    /// Days on which the reached sessions were opened, as far as they have such a day.
    days: BTreeSet<NaiveDate>,
    /// What all rows together say, before and after.
    roles: HashMap<String, HashMap<String, Count>>,
    people: HashMap<String, Count>,
    /// Whether all rows were looked through once.
    is_counted: bool,
    /// For how many keys they were.
    followed: usize,
    /// For each file what its rows ask for, as far as there is room.
    asked: Vec<Asked>,
    /// Bytes that are left for it.
    room: usize,
}

/// How many rows say something: of all rows now, of those that are new, and of those that are gone.
#[derive(Debug, Default, Clone, Copy)]
struct Count {
    now: usize,
    new: usize,
    gone: usize,
}

impl Count {
    fn is_told(self) -> bool {
        self.now > 0
    }

    fn was_told(self) -> bool {
        self.now + self.gone > self.new
    }
}

/// What changed of the facts of some days.
pub(super) struct Changed {
    uses: Difference,
    issues: Difference,
    facts: Difference,
}

impl Changed {
    /// Holds the facts of these days against those of the state that the draft changes.
    pub(super) fn of(
        draft: &Draft<'_>,
        before: &Manifest,
        days: &BTreeSet<NaiveDate>,
    ) -> Result<Self, SessionsError> {
        let [uses, issues, facts] = FACT_TABLES.each_ref().map(|facts| {
            let table = facts.shape.table;
            let files = (before.files(table), draft.files(table));
            Difference::of(draft.guard().store(), facts, days, (files.0, &files.1))
        });
        Ok(Self {
            uses: uses?,
            issues: issues?,
            facts: facts?,
        })
    }

    /// The ids of the calls that are new; `None` where others are gone.
    fn new_calls(&self) -> Option<HashSet<&str>> {
        let ids = self.issues.new.iter();
        let ids = ids.filter_map(|batch| batch.column_by_name("event_id")?.as_string_opt::<i32>());
        self.issues
            .gone
            .is_empty()
            .then(|| ids.flatten().flatten().collect())
    }
}

/// How many rows of `daily_sessions`, and how many calls, are reached: more each time, and never others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Extent {
    pub(super) rows: usize,
    calls: usize,
}

impl<'a> Reach<'a> {
    /// What these changes reach at once; `None` where they are such that everything is to be worked out anew.
    pub(super) fn new(
        draft: &'a Draft<'_>,
        issuances: &'a Issuances<'a>,
        told: &'a Told,
        changed: &Changed,
    ) -> Result<Option<Self>, SessionsError> {
        let Some(new_calls) = changed.new_calls() else {
            return Ok(None);
        };
        let files = draft.files(LakeTable::DailySessions);
        let rows = files
            .iter()
            .map(|file| vec![false; usize::try_from(file.rows).unwrap_or_default()]);
        let issues = issuances.issues;
        let mut reach = Self {
            store: draft.guard().store(),
            rows: rows.collect(),
            asked: files.iter().map(|_| Asked::default()).collect(),
            files,
            calls: Calls::new(issuances),
            told,
            keys: Keys::default(),
            sessions: HashMap::new(),
            issues: vec![false; issues.len],
            days: BTreeSet::new(),
            roles: HashMap::new(),
            people: HashMap::new(),
            is_counted: false,
            followed: 0,
            room: ROOM,
        };
        let is_new = |row: &usize| {
            issues
                .event_id
                .get(*row)
                .is_some_and(|id| new_calls.contains(id))
        };
        for row in (0..issues.len).filter(is_new) {
            reach.call(row);
        }
        for (batches, is_new) in [(&changed.uses.new, true), (&changed.uses.gone, false)] {
            for batch in batches {
                let uses = shown(batch)?;
                for row in 0..uses.len {
                    reach.count(&uses, row, |count| {
                        let times = if is_new {
                            &mut count.new
                        } else {
                            &mut count.gone
                        };
                        *times += 1;
                    });
                    reach.session(&uses, row);
                }
            }
        }
        Ok(Some(reach))
    }

    /// Follows the keys until no session is left that is reached.
    pub(super) fn close(&mut self) -> Result<(), SessionsError> {
        while self.keys.len() > self.followed {
            let met = self.keys.len();
            for at in 0..self.files.len() {
                self.look_through(at)?;
            }
            self.is_counted = true;
            self.followed = met;
        }
        Ok(())
    }

    fn look_through(&mut self, at: usize) -> Result<(), SessionsError> {
        let Some(file) = self.files.get(at).cloned() else {
            return Ok(());
        };
        if self.asked.get(at).is_some_and(Asked::is_known) {
            return self.look_up(at, &file);
        }
        let mut asked = Asked::within(self.room);
        let mut from = 0;
        for batch in read_columns(self.store, &file, Some(Shown::NAMES))? {
            let batch = batch?;
            let uses = shown(&batch)?;
            for row in 0..uses.len {
                if !self.is_counted {
                    self.count(&uses, row, |count| count.now += 1);
                }
                let keys = self.asked_by(&uses, row);
                if self.keys.has_any(&keys) {
                    self.row(at, from + row, &uses, row);
                }
                asked.push(&keys);
            }
            from += uses.len;
        }
        self.room = self.room.saturating_sub(asked.bytes());
        if let Some(slot) = self.asked.get_mut(at) {
            *slot = asked;
        }
        Ok(())
    }

    /// The same by what is known of a file's rows; only those are read that are reached.
    fn look_up(&mut self, at: usize, file: &DataFile) -> Result<(), SessionsError> {
        let reached = self.rows.get(at).map_or(&[][..], Vec::as_slice);
        let asked = self.asked.get(at).into_iter().flat_map(Asked::rows);
        let rows = asked.zip(reached).zip(0..);
        let rows = rows.filter(|((keys, is_reached), _)| !**is_reached && self.keys.has_any(keys));
        let positions: Vec<u64> = rows.map(|(_, position)| position).collect();
        if positions.is_empty() {
            return Ok(());
        }
        let mut places = positions.iter();
        for batch in read_rows(self.store, file, &positions, Some(Shown::NAMES))? {
            let uses = shown(&batch)?;
            for (row, place) in (0..uses.len).zip(places.by_ref()) {
                self.row(at, usize::try_from(*place).unwrap_or_default(), &uses, row);
            }
        }
        Ok(())
    }

    /// A row of a file is reached.
    fn row(&mut self, at: usize, place: usize, uses: &Shown, row: usize) {
        let slot = self.rows.get_mut(at).and_then(|rows| rows.get_mut(place));
        if let Some(slot) = slot.filter(|is_reached| !**is_reached) {
            *slot = true;
            self.session(uses, row);
        }
    }

    /// The numbers of what the verdict on a session may ask for.
    fn asked_by(&self, uses: &Shown, row: usize) -> Vec<u64> {
        let keys = keys::asked(uses, row);
        let mut numbers: Vec<u64> = keys.iter().map(|key| self.keys.number(key)).collect();
        let account = keys::account_of_caller(uses, row);
        numbers.extend(account.map(|account| self.keys.number(&Key::Account(&account))));
        numbers
    }

    /// Notes what a row says that is asked of all rows together.
    fn count(&mut self, uses: &Shown, row: usize, add: impl Fn(&mut Count)) {
        if let Some((id, arn)) = uses
            .issuer_principal_id
            .get(row)
            .zip(uses.issuer_arn.get(row))
        {
            match self.roles.get_mut(id).and_then(|arns| arns.get_mut(arn)) {
                Some(count) => add(count),
                None => add(self
                    .roles
                    .entry(id.to_owned())
                    .or_default()
                    .entry(arn.to_owned())
                    .or_default()),
            }
        }
        let is_person =
            uses.has_mfa.get(row) == Some(true) || uses.is_from_console.get(row) == Some(true);
        if uses.identity_type.get(row) == Some("IAMUser")
            && is_person
            && let Some(user) = uses.arn.get(row).or_else(|| uses.principal_id.get(row))
        {
            match self.people.get_mut(user) {
                Some(count) => add(count),
                None => add(self.people.entry(user.to_owned()).or_default()),
            }
        }
    }

    /// A session is reached.
    fn session(&mut self, uses: &Shown, row: usize) {
        let Some(id) = uses.session_id.get(row) else {
            return;
        };
        let principal = uses.principal_id.get(row).map(str::to_owned);
        self.sessions.insert(id.to_owned(), principal);
        self.days.extend(uses.creation_date.get(row).map(day_of));
        // A caller of whom another account tells more is no other's.
        let is_open = keys::may_be_open(uses, row) && !self.told.twins.contains_key(id);
        for key in keys::borne_on(uses, row, is_open) {
            self.keys.meet(&key);
        }
        let issuances = self.calls.issuances;
        let mut calls: Vec<usize> = Vec::new();
        for key in uses.access_key_ids.iter(row) {
            calls.extend(issuances.all_of_key(key));
        }
        let principal = uses.principal_id.get(row);
        let second = uses
            .creation_date
            .get(row)
            .map(|created| created.div_euclid(SECOND));
        if let Some((principal, second)) = principal.zip(second) {
            calls.extend(self.calls.near(principal, second));
        }
        let arn = uses.arn.get(row).and_then(AssumedRoleArn::parse);
        if let Some((arn, second)) = arn.as_ref().zip(second) {
            let (account, role, name) = (arn.account_id, arn.role_name, arn.session_name);
            calls.extend(self.calls.near_names((account, role, name), second));
            let set = permission_set_of(role);
            calls.extend(
                set.into_iter()
                    .flat_map(|set| self.calls.near_names((account, set, ""), second)),
            );
        }
        if is_open {
            calls.extend(
                principal
                    .into_iter()
                    .flat_map(|principal| self.calls.of_principal(principal)),
            );
        }
        if uses.identity_type.get(row) == Some("AWSAccount") {
            // A call of his that goes with a switch is held against whoever uses its key.
            calls.extend(issuances.by_session(id).filter(|call| {
                let principal = self
                    .calls
                    .principal_of(*call)
                    .zip(issuances.second_of(*call));
                principal.is_some_and(|(principal, second)| {
                    let mut together = issuances.all_of_principal(principal, second);
                    together.any(|call| issuances.issues.switch_from_arn.get(call).is_some())
                })
            }));
        }
        if uses
            .federated_provider
            .get(row)
            .is_some_and(|provider| provider != COGNITO)
            && let Some(arn) = arn
        {
            let callers = self.calls.web_callers((arn.account_id, arn.role_name));
            for (caller, first) in callers {
                self.keys.meet(&Key::Session(caller));
                // Where several may have taken the role, what these calls opened counts as taken.
                calls.push(first);
            }
        }
        for call in calls {
            self.call(call);
        }
    }

    /// A call is reached: the sessions that it opened may be others, and so may those of calls that look the same.
    fn call(&mut self, row: usize) {
        let mut open = vec![row];
        while let Some(row) = open.pop() {
            match self.issues.get_mut(row) {
                Some(is_reached) if !*is_reached => *is_reached = true,
                _ => continue,
            }
            let issuances = self.calls.issuances;
            let time = issuances.issues.event_time.get(row);
            self.days.extend(time.map(day_of));
            for key in self.calls.borne_on(row) {
                self.keys.meet(&key);
            }
            if let Some(id) = issuances.session_id(row) {
                self.keys.meet(&Key::Session(id.as_str()));
                let principal = self.calls.principal_of(row).map(str::to_owned);
                let known = self.sessions.entry(id.as_str().to_owned());
                known.or_insert(principal);
            }
            open.extend(self.calls.alike(row));
        }
    }

    /// These sessions are to be worked out, whatever they ask for.
    pub(super) fn add(&mut self, found: &Found) {
        for id in &found.sessions {
            self.add_session(id);
        }
        if found.calls.is_empty() {
            return;
        }
        let ids = &self.calls.issuances.issues.event_id;
        let is_found = |row: &usize| ids.get(*row).is_some_and(|id| found.calls.contains(id));
        let calls: Vec<usize> = (0..self.issues.len()).filter(is_found).collect();
        for call in calls {
            self.call(call);
        }
    }

    /// A session that was used is to be worked out.
    pub(super) fn add_session(&mut self, id: &str) {
        self.keys.meet(&Key::Session(id));
    }

    pub(super) fn sessions(&self) -> &HashMap<String, Option<String>> {
        &self.sessions
    }

    /// The sessions that made the reached calls, each with a time at which it did.
    pub(super) fn callers(&self) -> BTreeMap<String, i64> {
        let issues = self.calls.issuances.issues;
        let reached = self
            .issues
            .iter()
            .zip(0..)
            .filter(|(is_reached, _)| **is_reached);
        let callers = reached.filter_map(|(_, row)| {
            let caller = issues.caller_session_id.get(row)?;
            Some((caller.to_owned(), issues.event_time.get(row)?))
        });
        callers.collect()
    }

    /// How far it reaches now.
    pub(super) fn extent(&self) -> Extent {
        let count = |flags: &[bool]| flags.iter().filter(|is_reached| **is_reached).count();
        Extent {
            rows: self.rows.iter().map(|rows| count(rows)).sum(),
            calls: count(&self.issues),
        }
    }

    /// The days under which the reached sessions are or were filed.
    pub(super) fn days(&self) -> BTreeSet<NaiveDate> {
        let undated = [NaiveDate::default()];
        self.days.iter().copied().chain(undated).collect()
    }

    /// The reached rows of `daily_sessions`, with all columns.
    pub(super) fn uses(&self) -> Result<Vec<RecordBatch>, SessionsError> {
        let schema = schema_of(OF_SESSION);
        let mut found = Vec::new();
        for (file, rows) in self.files.iter().zip(&self.rows) {
            let positions: Vec<u64> = rows
                .iter()
                .zip(0..)
                .filter(|(is_reached, _)| **is_reached)
                .map(|(_, at)| at)
                .collect();
            if positions.is_empty() {
                continue;
            }
            for batch in read_rows(self.store, file, &positions, None)? {
                found.push(align(&batch, &schema)?);
            }
        }
        Ok(found)
    }

    /// For each call whether it is reached, and all people.
    pub(super) fn reached(&self) -> Reached {
        let people = self.people.iter().filter(|(_, count)| count.is_told());
        Reached {
            issues: self.issues.clone(),
            humans: people.map(|(user, _)| user.clone()).collect(),
            strangers: Strangers::default(),
        }
    }

    /// Users behind whom a person is now known to be, or is no more.
    pub(super) fn changed_people(&self) -> HashSet<&str> {
        let people = self.people.iter();
        let people = people.filter(|(_, count)| count.is_told() != count.was_told());
        people.map(|(user, _)| user.as_str()).collect()
    }

    /// Whether some role's id is shown by several roles, now or before: then it says less of all of them.
    pub(super) fn has_shared_roles(&self) -> bool {
        self.roles.values().any(|arns| {
            let count =
                |is_told: fn(Count) -> bool| arns.values().filter(|it| is_told(**it)).count();
            count(Count::is_told).max(count(Count::was_told)) > 1
        })
    }
}

/// What a row of `daily_sessions` says of its session.
pub(super) const OF_SESSION: &[Column] = match DAILY_SESSIONS {
    [_day, of_session @ ..] => of_session,
    [] => &[],
};

/// The columns that are looked through.
fn shown(batch: &RecordBatch) -> Result<Shown, SessionsError> {
    let columns: Vec<Column> = DAILY_SESSIONS
        .iter()
        .copied()
        .filter(|column| Shown::NAMES.contains(&column.name))
        .collect();
    let schema = schema_of(&columns);
    let batch = align(batch, &schema)?;
    Ok(Shown::new(&Frame::new(schema, vec![batch]))?)
}
