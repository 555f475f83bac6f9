//! The calls that open sessions, found again by what a session shows of them: the key, the principal and second
//! of creation, or the role's permission set and second.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};

use rayon::iter::{IntoParallelIterator as _, ParallelIterator as _};

use super::columns::Issues;
use super::frame::Texts;
pub(super) use super::issued::{Issued, IssuingApi};
use super::row_index::RowIndex;
use crate::iam::{AssumedRoleArn, SessionId, user_principal};

/// What the copies of one call have in common.
#[derive(PartialEq, Eq, Hash)]
enum Call<'a> {
    /// `sharedEventID`, event name and time: the id alone may be a mask.
    Shared(&'a str, &'a str, i64),
    /// Request id, event name and time.
    Request(&'a str, &'a str, i64),
}

/// All issues, with indexes over what they handed out.
#[derive(Debug)]
pub(super) struct Issuances<'a> {
    pub(super) issues: &'a Issues,
    pub(super) issued: Vec<Issued<'a>>,
    by_key: RowIndex,
    /// By principal and second.
    by_principal: RowIndex,
    /// By account, names of role and session, and second, where the principal is not known.
    by_role_session: RowIndex,
    by_caller: RowIndex,
    by_source_identity: HashMap<&'a str, Vec<usize>>,
    /// Roles that certificates took.
    certified: HashSet<(&'a str, &'a str)>,
}

const SECOND: i64 = 1_000_000;
/// The service that takes roles for certificates.
pub(super) const ROLES_ANYWHERE: &str = "rolesanywhere.amazonaws.com";

/// When the sessions of a call were created: at the call, but a token of a console session keeps that session's date.
fn second_of(issues: &Issues, row: usize, api: IssuingApi) -> Option<i64> {
    let time = match api {
        IssuingApi::OAuthToken => issues.caller_creation_date.get(row),
        _ => issues.event_time.get(row),
    };
    Some(time?.div_euclid(SECOND))
}

/// Whether a role was taken for a certificate.
fn is_certified(issues: &Issues, row: usize) -> bool {
    issues.event_source.get(row) == Some(ROLES_ANYWHERE)
        || issues.caller_invoked_by.get(row) == Some(ROLES_ANYWHERE)
}

impl<'a> Issuances<'a> {
    pub(super) fn new(issues: &'a Issues) -> Self {
        let rows = (0..issues.len).into_par_iter();
        let issued: Vec<Issued<'a>> = rows.map(|row| Issued::of(issues, row)).collect();
        let mut by_source_identity: HashMap<&'a str, Vec<usize>> = HashMap::new();
        let mut certified = HashSet::new();
        for (row, made) in issued.iter().enumerate() {
            if let (true, Some(account), Some((role, _))) = (
                is_certified(issues, row),
                made.account_id,
                made.role_session,
            ) {
                certified.insert((account, role));
            }
            if let Some(value) = issues.requested_source_identity.get(row) {
                by_source_identity.entry(value).or_default().push(row);
            }
        }
        let rows = || issued.iter().enumerate();
        let principals = rows().filter_map(|(row, made)| {
            let second = second_of(issues, row, made.api)?;
            Some(((made.principal_id.as_deref()?, second), row))
        });
        let role_sessions = rows().filter_map(|(row, made)| {
            let name = made.names().filter(|_| made.principal_id.is_none())?;
            Some(((name, second_of(issues, row, made.api)?), row))
        });
        Self {
            by_key: RowIndex::new(keyed(&issues.issued_access_key_id, issues.len)),
            by_principal: RowIndex::new(principals),
            by_role_session: RowIndex::new(role_sessions),
            by_caller: RowIndex::new(keyed(&issues.caller_session_id, issues.len)),
            by_source_identity,
            certified,
            issues,
            issued,
        }
    }

    /// The calls that set this source identity, in the order of their times.
    pub(super) fn by_source_identity(&self, value: &str) -> &[usize] {
        self.by_source_identity
            .get(value)
            .map_or(&[], Vec::as_slice)
    }

    /// Whether a certificate was seen to take this role, by account and name.
    pub(super) fn is_taken_by_certificate(&self, role: (&str, &str)) -> bool {
        self.certified.contains(&role)
    }

    /// Whether this call took a role for a certificate.
    pub(super) fn is_certified(&self, row: usize) -> bool {
        is_certified(self.issues, row)
    }

    /// The one trust anchor under which a certificate's name was seen.
    pub(super) fn trust_anchor_of(&self, common_name: &str) -> Option<&str> {
        let mut anchors = self
            .by_source_identity(common_name)
            .iter()
            .filter_map(|row| self.issues.requested_provider_arn.get(*row))
            .filter(|arn| arn.contains(":trust-anchor/"));
        let first = anchors.next()?;
        anchors.all(|other| other == first).then_some(first)
    }

    /// The second in which the sessions of this call were created.
    pub(super) fn second_of(&self, row: usize) -> Option<i64> {
        second_of(self.issues, row, self.issued.get(row)?.api)
    }

    /// The calls that a session made, in the order of their times.
    pub(super) fn by_session(&self, session_id: &str) -> impl Iterator<Item = usize> {
        let callers = &self.issues.caller_session_id;
        let rows = self.by_caller.rows(session_id);
        rows.filter(move |row| callers.get(*row) == Some(session_id))
    }

    /// What Identity Center gave for this role in this second plus `offset`.
    pub(super) fn of_permission_set(
        &self,
        account: &str,
        set: &str,
        creation: i64,
        offset: i64,
    ) -> Vec<usize> {
        self.of_names((account, set, ""), creation.div_euclid(SECOND) + offset)
    }

    /// The calls that issued this key, one for each credential.
    pub(super) fn of_key(&self, key: &str) -> Vec<usize> {
        self.distinct(self.all_of_key(key).collect())
    }

    /// The same with all copies of a call.
    pub(super) fn all_of_key(&self, key: &str) -> impl Iterator<Item = usize> {
        let rows = self.by_key.rows(key);
        rows.filter(move |row| self.issues.issued_access_key_id.get(*row) == Some(key))
    }

    /// The calls that gave this principal credentials in the second of `creation` plus `offset`.
    pub(super) fn of_principal(&self, principal: &str, creation: i64, offset: i64) -> Vec<usize> {
        let second = creation.div_euclid(SECOND) + offset;
        self.distinct(self.all_of_principal(principal, second).collect())
    }

    /// The same of one second, with all copies of a call.
    pub(super) fn all_of_principal(
        &self,
        principal: &str,
        second: i64,
    ) -> impl Iterator<Item = usize> {
        let rows = self.by_principal.rows((principal, second));
        rows.filter(move |row| {
            let made = self.issued.get(*row);
            made.and_then(|made| made.principal_id.as_deref()) == Some(principal)
                && self.second_of(*row) == Some(second)
        })
    }

    /// The same for calls that do not show the role's unique id, by names.
    pub(super) fn of_role_session(
        &self,
        arn: &AssumedRoleArn<'_>,
        creation: i64,
        offset: i64,
    ) -> Vec<usize> {
        let names = (arn.account_id, arn.role_name, arn.session_name);
        self.of_names(names, creation.div_euclid(SECOND) + offset)
    }

    fn of_names(&self, names: (&str, &str, &str), second: i64) -> Vec<usize> {
        self.distinct(self.all_of_names(names, second).collect())
    }

    /// The calls of one second that show no principal, by account and names, with all copies.
    pub(super) fn all_of_names(
        &self,
        names: (&str, &str, &str),
        second: i64,
    ) -> impl Iterator<Item = usize> {
        let rows = self.by_role_session.rows((names, second));
        rows.filter(move |row| {
            let made = self.issued.get(*row);
            made.and_then(Issued::names) == Some(names) && self.second_of(*row) == Some(second)
        })
    }

    /// One row for each call: of both accounts' copies, the one of the account that owns the role.
    pub(super) fn distinct(&self, rows: Vec<usize>) -> Vec<usize> {
        if rows.len() < 2 {
            return rows;
        }
        let mut kept: Vec<usize> = Vec::with_capacity(rows.len());
        let mut known: HashMap<Call<'_>, usize> = HashMap::new();
        for row in rows {
            let names = self.names_of_call(row);
            let twin = names.iter().flatten().find_map(|name| {
                let place = known.get(name)?;
                let other = kept.get(*place)?;
                self.recipients_differ(*other, row).then_some(*place)
            });
            let place = twin.unwrap_or(kept.len());
            match kept.get_mut(place) {
                Some(other) if !self.is_owners_copy(*other) && self.is_owners_copy(row) => {
                    *other = row;
                }
                Some(_) => {}
                None => kept.push(row),
            }
            for name in names.into_iter().flatten() {
                known.entry(name).or_insert(place);
            }
        }
        kept
    }

    /// What two accounts' copies of one call have in common: AWS's own id for them, else the request and its time.
    fn names_of_call(&self, row: usize) -> [Option<Call<'a>>; 2] {
        let issues = self.issues;
        let named = |id: Option<&'a str>| Some((id?, issues.event_name.get(row)?));
        let time = issues.event_time.get(row);
        [
            named(issues.shared_event_id.get(row))
                .zip(time)
                .map(|((id, name), time)| Call::Shared(id, name, time)),
            named(issues.request_id.get(row))
                .zip(time)
                .map(|((id, name), time)| Call::Request(id, name, time)),
        ]
    }

    /// Two records of one account are two calls.
    fn recipients_differ(&self, a: usize, b: usize) -> bool {
        let recipients = &self.issues.recipient_account_id;
        recipients.get(a) != recipients.get(b)
    }

    fn is_owners_copy(&self, row: usize) -> bool {
        let owner = self.issued.get(row).and_then(|made| made.account_id);
        owner.is_some() && self.issues.recipient_account_id.get(row) == owner
    }

    /// The id of the session that this call opened.
    pub(super) fn session_id(&self, row: usize) -> Option<SessionId> {
        let made = self.issued.get(row)?;
        if !made.api.proves_a_session() {
            return None;
        }
        let account = made.account_id.unwrap_or_default();
        let principal = made
            .principal_id
            .as_deref()
            .or(made.session_arn.as_deref())?;
        let user = self
            .issues
            .caller_arn
            .get(row)
            .filter(|_| self.issues.caller_type.get(row) == Some("IAMUser"))
            .filter(|_| made.api == IssuingApi::SessionToken);
        let principal = match user {
            Some(arn) => Cow::Owned(user_principal(principal, arn)),
            None => Cow::Borrowed(principal),
        };
        let time = self.issues.event_time.get(row);
        let key = self
            .issues
            .issued_access_key_id
            .get(row)
            .unwrap_or_default();
        Some(SessionId::of_key(account, &principal, time, key))
    }
}

/// The rows that have a value, each with it.
fn keyed(texts: &Texts, len: usize) -> impl Iterator<Item = (&str, usize)> {
    (0..len).filter_map(|row| Some((texts.get(row)?, row)))
}
