//! The calls that open sessions, looked through for what they have in common with sessions and with each other.

use std::collections::{BTreeMap, HashMap};

use super::super::identity_center::permission_set_of;
use super::super::issuance::{Issuances, Issued, IssuingApi};
use super::super::link::SIGN_IN_DELAY;
use super::super::row_index::RowIndex;
use super::keys::{Key, half_day};
use crate::iam::is_masked;

/// Seconds by which the call that opened a session may lie beside its creation.
const BESIDE: i64 = 2;
/// A role, by account and name.
pub(super) type Role<'a> = (&'a str, &'a str);

/// The calls, by what is asked of them besides what [`Issuances`] finds.
pub(super) struct Calls<'a> {
    pub(super) issuances: &'a Issuances<'a>,
    /// ARN of a session → the switches in the console that were made from it.
    switches: HashMap<&'a str, Vec<usize>>,
    /// Account, permission set and second → the sign-ins that took its role.
    takers: HashMap<(&'a str, &'a str, i64), Vec<usize>>,
    /// Role → the sessions that took it by a web identity, each with its first call.
    web_callers: HashMap<Role<'a>, BTreeMap<&'a str, usize>>,
    by_principal: RowIndex,
}

impl<'a> Calls<'a> {
    pub(super) fn new(issuances: &'a Issuances<'a>) -> Self {
        let issues = issuances.issues;
        let mut switches: HashMap<&str, Vec<usize>> = HashMap::new();
        let mut takers: HashMap<(&str, &str, i64), Vec<usize>> = HashMap::new();
        let mut web_callers: HashMap<Role<'_>, BTreeMap<&str, usize>> = HashMap::new();
        for (row, made) in issuances.issued.iter().enumerate() {
            if let Some(from) = issues.switch_from_arn.get(row) {
                switches.entry(from).or_default().push(row);
            }
            let role = made.account_id.zip(made.role_session);
            let Some((account, (role, _))) = role else {
                continue;
            };
            match issues.event_name.get(row) {
                Some("AssumeRoleWithSAML") => {
                    let set = permission_set_of(role).zip(issuances.second_of(row));
                    if let Some((set, second)) = set {
                        takers.entry((account, set, second)).or_default().push(row);
                    }
                }
                Some("AssumeRoleWithWebIdentity") => {
                    if let Some(caller) = issues.caller_session_id.get(row) {
                        let callers = web_callers.entry((account, role)).or_default();
                        callers.entry(caller).or_insert(row);
                    }
                }
                _ => {}
            }
        }
        let principals = issuances.issued.iter().zip(0..);
        let principals =
            principals.filter_map(|(made, row)| Some((made.principal_id.as_deref()?, row)));
        Self {
            issuances,
            switches,
            takers,
            web_callers,
            by_principal: RowIndex::new(principals),
        }
    }

    /// The switches, each with the ARN from which it was made.
    pub(super) fn switches(&self) -> impl Iterator<Item = (&'a str, usize)> {
        let switches = self.switches.iter();
        switches.flat_map(|(from, rows)| rows.iter().map(|row| (*from, *row)))
    }

    /// The switches that were made from the session of this ARN.
    pub(super) fn switches_from(&self, arn: &str) -> &[usize] {
        self.switches.get(arn).map_or(&[], Vec::as_slice)
    }

    /// The sessions that took a role by a web identity, each with its first call.
    pub(super) fn web_callers(&self, role: Role<'_>) -> Vec<(&'a str, usize)> {
        let callers = self.web_callers.get(&role).into_iter().flatten();
        callers.map(|(caller, row)| (*caller, *row)).collect()
    }

    /// The calls that gave this principal credentials, at any time.
    pub(super) fn of_principal(&self, principal: &str) -> impl Iterator<Item = usize> {
        let rows = self.by_principal.rows(principal);
        rows.filter(move |row| self.principal_of(*row) == Some(principal))
    }

    pub(super) fn principal_of(&self, row: usize) -> Option<&str> {
        self.issuances.issued.get(row)?.principal_id.as_deref()
    }

    pub(super) fn is_of(&self, row: usize, api: IssuingApi) -> bool {
        self.issuances
            .issued
            .get(row)
            .is_some_and(|made| made.api == api)
    }

    /// Whether a console session began with this call.
    fn is_sign_in(&self, row: usize) -> bool {
        self.issuances.issued.get(row).is_some_and(|made| {
            matches!(
                made.api,
                IssuingApi::ConsoleLogin
                    | IssuingApi::SwitchRole
                    | IssuingApi::SigninToken
                    | IssuingApi::OAuthToken
            )
        })
    }

    /// The calls that may have opened a session of this principal and second.
    pub(super) fn near(&self, principal: &str, second: i64) -> Vec<usize> {
        let mut found = Vec::new();
        for offset in -BESIDE..=SIGN_IN_DELAY {
            let rows = self.issuances.all_of_principal(principal, second + offset);
            found.extend(rows.filter(|row| offset <= BESIDE || self.is_sign_in(*row)));
        }
        found
    }

    /// The same by account and names.
    pub(super) fn near_names(&self, names: (&str, &str, &str), second: i64) -> Vec<usize> {
        let offsets = -BESIDE..=BESIDE;
        let rows = offsets.flat_map(|offset| self.issuances.all_of_names(names, second + offset));
        rows.collect()
    }

    /// The calls that handed out the same key, or credentials to the same principal in the same second.
    pub(super) fn alike(&self, row: usize) -> Vec<usize> {
        let key = self.issuances.issues.issued_access_key_id.get(row);
        let key = key.filter(|key| !is_masked(key));
        let mut found: Vec<usize> = Vec::new();
        found.extend(
            key.into_iter()
                .flat_map(|key| self.issuances.all_of_key(key)),
        );
        let Some(second) = self.issuances.second_of(row) else {
            return found;
        };
        let principal = self.principal_of(row).into_iter();
        found.extend(
            principal.flat_map(|principal| self.issuances.all_of_principal(principal, second)),
        );
        let names = self.issuances.issued.get(row).and_then(Issued::names);
        let names = names.into_iter();
        found.extend(names.flat_map(|names| self.issuances.all_of_names(names, second)));
        found
    }

    /// What a call bears on: the sessions that it may have opened, and those that are asked together with it.
    pub(super) fn borne_on(&self, row: usize) -> Vec<Key<'_>> {
        let issues = self.issuances.issues;
        let mut keys = Vec::new();
        let key = issues.issued_access_key_id.get(row);
        keys.extend(key.filter(|key| !is_masked(key)).map(Key::Credential));
        if let (Some(from), Some(time)) =
            (issues.switch_from_arn.get(row), issues.event_time.get(row))
        {
            keys.push(Key::SwitchedFrom(from, half_day(time)));
        }
        let (Some(made), Some(second)) = (
            self.issuances.issued.get(row),
            self.issuances.second_of(row),
        ) else {
            return keys;
        };
        if let Some(principal) = made.principal_id.as_deref() {
            let earliest = if self.is_sign_in(row) {
                SIGN_IN_DELAY
            } else {
                BESIDE
            };
            let seconds = second - earliest..=second + BESIDE;
            keys.extend(seconds.map(|second| Key::Created(principal, second)));
            // A caller is asked for the switch that goes with one of its calls.
            let together = || self.issuances.all_of_principal(principal, second);
            if together().any(|row| self.is_of(row, IssuingApi::SwitchRole)) {
                let callers = together().filter_map(|row| issues.caller_session_id.get(row));
                keys.extend(callers.map(Key::Session));
            }
        }
        let seconds = second - BESIDE..=second + BESIDE;
        if let Some((account, role, name)) = made.names() {
            keys.extend(seconds.map(|second| Key::Named(account, role, name, second)));
            let set = match made.api {
                IssuingApi::Grant => Some(role),
                _ => permission_set_of(role),
            };
            // Whoever took the role in that second is held against whom it was given to.
            let takers = set.and_then(|set| self.takers.get(&(account, set, second)));
            let takers = takers.into_iter().flatten();
            let callers = takers.filter_map(|row| issues.caller_session_id.get(*row));
            keys.extend(callers.map(Key::Session));
        }
        keys
    }
}
