//! What a session's records have in common with those of other sessions, with calls that open sessions, and with what is told of
//! identities. Whatever a verdict asks of other records, it asks by one of these.

use std::collections::HashSet;
use std::hash::{BuildHasher as _, Hash, RandomState};

use super::super::columns::Shown;
use super::super::identity_center::permission_set_of;
use super::super::link::SECOND;
use super::super::nodes::LONGEST_CONSOLE;
use super::super::workload::{COGNITO, LONGEST_CHAIN};
use crate::iam::{AssumedRoleArn, account_of_id, is_masked, role_session_of};

/// One thing that records may have in common.
#[derive(Debug, Hash)]
pub(super) enum Key<'a> {
    /// The session itself.
    Session(&'a str),
    /// An access key.
    Credential(&'a str),
    /// A principal, and the second in which its session was created.
    Created(&'a str, i64),
    /// Account, names of role and session, and that second; of Identity Center the permission set's name alone.
    Named(&'a str, &'a str, &'a str, i64),
    /// A principal and its sign-in, of a session that asks for another one of them.
    AsksSibling(&'a str, &'a str),
    /// The same, of a session that can be asked.
    Sibling(&'a str, &'a str),
    /// Half a day in which somebody switched from this session to a role.
    SwitchedFrom(&'a str, i64),
    /// A principal of which it is not known which of its sessions made a call.
    Open(&'a str),
    /// A principal of whose sessions one lived at other times than before.
    Lived(&'a str),
    /// A unique id, with another ARN than before.
    Principal(&'a str),
    /// An account, with other logs than before.
    Account(&'a str),
    /// Account and second of a call that handed out credentials without a word.
    Hidden(&'a str, i64),
    /// A user's id in an identity store, with another name than before.
    User(&'a str),
    /// A user's name, in other identity stores than before.
    UserName(&'a str),
    /// Account and name of a role that other subjects took by a web identity.
    WebRole(&'a str, &'a str),
    /// Account and name of a role that certificates take, which was not known.
    Certified(&'a str, &'a str),
    /// A certificate's common name, under other trust anchors than before.
    Anchored(&'a str),
    /// Some hours in which a call set this source identity.
    Declared(&'a str, i64),
}

/// Keys that were met.
#[derive(Debug, Default)]
pub(super) struct Keys {
    hasher: RandomState,
    met: HashSet<u64>,
}

impl Keys {
    pub(super) fn meet(&mut self, key: &Key<'_>) {
        self.met.insert(self.number(key));
    }

    /// The number by which a key is known.
    pub(super) fn number(&self, key: &Key<'_>) -> u64 {
        self.hasher.hash_one(key)
    }

    /// Whether one of these was met.
    pub(super) fn has_any(&self, numbers: &[u64]) -> bool {
        numbers.iter().any(|number| self.met.contains(number))
    }

    pub(super) fn len(&self) -> usize {
        self.met.len()
    }
}

/// What each row of a file asks for, by numbers.
#[derive(Debug, Default)]
pub(super) struct Asked {
    numbers: Vec<u64>,
    /// Behind the last number of each row.
    ends: Vec<usize>,
    room: usize,
    is_known: bool,
}

impl Asked {
    /// Nothing yet, to be kept as long as it takes no more than so many bytes.
    pub(super) fn within(room: usize) -> Self {
        Self {
            room,
            is_known: true,
            ..Self::default()
        }
    }

    pub(super) fn push(&mut self, numbers: &[u64]) {
        if !self.is_known {
            return;
        }
        self.numbers.extend_from_slice(numbers);
        self.ends.push(self.numbers.len());
        if self.bytes() > self.room {
            *self = Self::default();
        }
    }

    /// Whether it is known of all rows.
    pub(super) fn is_known(&self) -> bool {
        self.is_known
    }

    pub(super) fn bytes(&self) -> usize {
        size_of_val(self.numbers.as_slice()) + size_of_val(self.ends.as_slice())
    }

    pub(super) fn rows(&self) -> impl Iterator<Item = &[u64]> {
        let starts = [0].into_iter().chain(self.ends.iter().copied());
        let rows = starts.zip(&self.ends);
        rows.map(|(start, end)| self.numbers.get(start..*end).unwrap_or_default())
    }
}

/// The half day of a switch: it is taken for that of a session of the same half day, or of the one before.
pub(super) fn half_day(time: i64) -> i64 {
    time.div_euclid(LONGEST_CONSOLE)
}

/// The hours in which a source identity was set: likewise.
pub(super) fn chain_hours(time: i64) -> i64 {
    time.div_euclid(LONGEST_CHAIN)
}

/// Whether only the principal of this session may be known.
pub(super) fn may_be_open(uses: &Shown, row: usize) -> bool {
    let identity_type = uses.identity_type.get(row);
    matches!(identity_type, Some("AWSAccount" | "FederatedUser")) || asks_siblings(uses, row)
}

/// See `nodes::asks_siblings`, of one day's row.
fn asks_siblings(uses: &Shown, row: usize) -> bool {
    let is_role = matches!(uses.identity_type.get(row), Some("AssumedRole" | "Role"));
    is_role && uses.has_creation_date.get(row) != Some(true)
}

fn second(uses: &Shown, row: usize) -> Option<i64> {
    Some(uses.creation_date.get(row)?.div_euclid(SECOND))
}

/// What a session shares with others, either way: each bears on what the other's records say.
fn shared(uses: &Shown, row: usize) -> Vec<Key<'_>> {
    let mut keys = Vec::new();
    keys.extend(uses.session_id.get(row).map(Key::Session));
    let access_keys = uses.access_key_ids.iter(row);
    keys.extend(
        access_keys
            .filter(|key| !is_masked(key))
            .map(Key::Credential),
    );
    let Some(second) = second(uses, row) else {
        return keys;
    };
    let principal = uses.principal_id.get(row);
    keys.extend(principal.map(|principal| Key::Created(principal, second)));
    if let Some(arn) = uses.arn.get(row).and_then(AssumedRoleArn::parse) {
        let (account, role, name) = (arn.account_id, arn.role_name, arn.session_name);
        keys.push(Key::Named(account, role, name, second));
        let set = permission_set_of(role);
        keys.extend(set.map(|set| Key::Named(account, set, "", second)));
    }
    keys
}

fn sign_in(uses: &Shown, row: usize) -> Option<(&str, &str)> {
    uses.principal_id
        .get(row)
        .zip(uses.sign_in_session_arn.get(row))
}

/// What a session that is worked out anew bears on; an open one on all of its principal.
pub(super) fn borne_on(uses: &Shown, row: usize, is_open: bool) -> Vec<Key<'_>> {
    let mut keys = shared(uses, row);
    keys.extend(sign_in(uses, row).map(|(principal, arn)| {
        if asks_siblings(uses, row) {
            Key::AsksSibling(principal, arn)
        } else {
            Key::Sibling(principal, arn)
        }
    }));
    if is_open {
        keys.extend(uses.principal_id.get(row).map(Key::Open));
    }
    keys
}

/// What the verdict on a session may ask for.
pub(super) fn asked(uses: &Shown, row: usize) -> Vec<Key<'_>> {
    let mut keys = shared(uses, row);
    let principal = uses.principal_id.get(row);
    let account = uses
        .account_id
        .get(row)
        .or_else(|| uses.recipient_account_id.get(row));
    keys.extend(sign_in(uses, row).map(|(principal, arn)| {
        if asks_siblings(uses, row) {
            Key::Sibling(principal, arn)
        } else {
            Key::AsksSibling(principal, arn)
        }
    }));
    keys.extend(principal.map(Key::Principal));
    keys.extend(account.map(Key::Account));
    if may_be_open(uses, row) {
        keys.extend(principal.map(Key::Lived));
    }
    keys.extend(uses.on_behalf_of_user_id.get(row).map(Key::User));
    for names in [&uses.user_name, &uses.sign_in_user_name] {
        keys.extend(names.get(row).map(Key::UserName));
    }
    if !matches!(
        uses.identity_type.get(row),
        Some("AssumedRole" | "Role" | "FederatedUser")
    ) {
        return keys;
    }
    keys.extend(principal.map(Key::Open));
    let role_id = uses.issuer_principal_id.get(row);
    keys.extend(role_id.map(Key::Principal));
    keys.extend(
        principal
            .and_then(role_session_of)
            .map(|(role, _)| Key::Principal(role)),
    );
    let second = second(uses, row);
    keys.extend(
        account
            .zip(second)
            .map(|(account, second)| Key::Hidden(account, second)),
    );
    let arn = uses.arn.get(row);
    if let Some((arn, created)) = arn.zip(uses.creation_date.get(row)) {
        let half_day = half_day(created);
        keys.extend([0, 1].map(|later| Key::SwitchedFrom(arn, half_day + later)));
    }
    let parsed = arn.and_then(AssumedRoleArn::parse);
    if let Some(arn) = &parsed {
        keys.push(Key::UserName(arn.session_name));
    }
    let provider = uses.federated_provider.get(row);
    if let Some(arn) = parsed
        .as_ref()
        .filter(|_| provider.is_some_and(|it| it != COGNITO))
    {
        keys.push(Key::WebRole(arn.account_id, arn.role_name));
    }
    if let Some(value) = uses.source_identity.get(row) {
        keys.push(Key::Anchored(value));
        keys.extend(parsed.map(|arn| Key::Certified(arn.account_id, arn.role_name)));
        let created = uses.creation_date.get(row).or(uses.first_used_at.get(row));
        let hours = created.map(chain_hours);
        keys.extend(
            hours
                .into_iter()
                .flat_map(|hours| [0, 1].map(|earlier| Key::Declared(value, hours - earlier))),
        );
    }
    keys
}

/// The account of a caller of whom no more than a unique id is known.
pub(super) fn account_of_caller(uses: &Shown, row: usize) -> Option<String> {
    let is_caller = uses.identity_type.get(row) == Some("AWSAccount");
    let principal = uses.principal_id.get(row).filter(|_| is_caller);
    principal.and_then(account_of_id)
}
