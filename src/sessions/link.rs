//! Ties a session to the call that opened it, by each join on its own, with its guards.
//!
//! Source of the guards: measured over public data sets, where the issued key's session always showed
//! the issuing call's second as its creation date, and never another principal.

use std::collections::{HashMap, HashSet};

use super::columns::Uses;
use super::identity_center::{Users, permission_set_of};
use super::issuance::{Issuances, IssuingApi};
use super::verdict::{Confidence, Method};
use super::workload::cognito_identity;
use crate::iam::{AssumedRoleArn, is_long_lived, is_masked, role_session_of};

/// Which calls may have issued a session, and how sure that is. More than one call is several candidates.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Link {
    pub(super) method: Method,
    pub(super) confidence: Confidence,
    /// Rows of the issues.
    pub(super) issues: Vec<usize>,
}

pub(super) const SECOND: i64 = 1_000_000;
/// Clocks of services differ a little.
const SKEW: i64 = 5 * SECOND;
/// Calls made just before the end are recorded after it.
pub(super) const EXPIRY_SLACK: i64 = 300 * SECOND;
/// The longest that temporary credentials live; IAM User Guide, "Request temporary security credentials".
pub(super) const LONGEST_LIFE: i64 = 36 * 3600 * SECOND;
/// Dates of one creation that lie closer together than this do not contradict each other.
pub(super) const CREATION_TOLERANCE: i64 = 2 * SECOND;
/// Seconds between a role that single sign-on gave and the sign-in to the console with it.
pub(super) const SIGN_IN_DELAY: i64 = 10;
/// The name of every session that Amazon Cognito opens.
pub(super) const COGNITO_SESSION_NAME: &str = "CognitoIdentityCredentials";

/// Finds the issuing calls of sessions.
#[derive(Debug)]
pub(super) struct Linker<'a> {
    pub(super) uses: &'a Uses,
    pub(super) issuances: &'a Issuances<'a>,
    /// Keys that several sessions show: masked or sample data, worth nothing as evidence.
    degenerate: HashSet<&'a str>,
    /// Role ids that several roles show, likewise.
    degenerate_roles: HashSet<&'a str>,
    /// Every key that a session was seen with.
    keys_in_use: HashSet<&'a str>,
    /// Principals and seconds of creation of console sessions: not each of their calls says that it is the console's.
    console: HashSet<(&'a str, i64)>,
    users: &'a Users,
}

impl<'a> Linker<'a> {
    pub(super) fn new(uses: &'a Uses, issuances: &'a Issuances<'a>, users: &'a Users) -> Self {
        Self {
            uses,
            issuances,
            degenerate: degenerate_keys(uses, issuances),
            degenerate_roles: degenerate_roles(uses),
            keys_in_use: (0..uses.len)
                .flat_map(|row| uses.access_key_ids.iter(row))
                .collect(),
            console: console_sessions(uses, issuances),
            users,
        }
    }

    /// Whether this key is a mask, or one that several sessions show.
    pub(super) fn is_degenerate(&self, key: &str) -> bool {
        is_masked(key) || self.degenerate.contains(key)
    }

    /// The links of one session, one for each join that finds something, the best first.
    pub(super) fn links(&self, row: usize) -> Vec<Link> {
        use IssuingApi::{
            CognitoIdentity, ConsoleLogin, FederationToken, Grant, OAuthToken, Role, Root,
            SessionToken, SigninToken, SubCredential, SwitchRole,
        };
        type Apis = &'static [IssuingApi];
        let assumed_root = self.uses.assumed_root.get(row) == Some(true);
        let (keys, seconds, sign_ins): (Apis, Apis, Apis) =
            match self.uses.identity_type.get(row).unwrap_or_default() {
                "AssumedRole" | "Role" => (
                    &[Role, CognitoIdentity, SubCredential],
                    &[Role],
                    &[SwitchRole, SigninToken, OAuthToken],
                ),
                "Root" if assumed_root => (&[Root], &[Root], &[]),
                "Root" if self.is_of_console(row) => (
                    &[SessionToken, SubCredential],
                    &[ConsoleLogin, SessionToken],
                    &[SigninToken, OAuthToken],
                ),
                "Root" => (
                    &[Root, SessionToken, SubCredential],
                    &[Root, ConsoleLogin, SessionToken],
                    &[SigninToken, OAuthToken],
                ),
                "IAMUser" => (
                    &[SessionToken, SubCredential],
                    &[ConsoleLogin, SessionToken],
                    &[SigninToken, OAuthToken],
                ),
                "FederatedUser" => (&[FederationToken], &[FederationToken], &[SigninToken]),
                _ => return Vec::new(),
            };
        let by_key = keys.iter().find_map(|api| self.by_key(row, *api));
        // The very second of one call is better than a second beside it of another.
        let by_second = seconds
            .iter()
            .find_map(|api| self.in_second(row, *api))
            .or_else(|| seconds.iter().find_map(|api| self.near_second(row, *api)));
        let by_sign_in = sign_ins.iter().find_map(|api| self.by_sign_in(row, *api));
        let granted = (keys.contains(&Role)).then(|| self.by_grant(row, Grant));
        [by_key, by_second, by_sign_in, granted.flatten()]
            .into_iter()
            .flatten()
            .collect()
    }

    /// K1: the key in use is the key that was issued.
    fn by_key(&self, row: usize, api: IssuingApi) -> Option<Link> {
        // Of a session with many keys or calls without one (console, forwarded calls) one key proves
        // nothing for the others.
        if self.uses.keyless_count.get(row) != Some(0) {
            return None;
        }
        let key = self.uses.access_key_ids.only(row)?;
        if is_long_lived(key) || self.is_degenerate(key) {
            return None;
        }
        let mut found = self.issuances.of_key(key);
        found.retain(|issue| {
            self.is_of(api, *issue) && self.agrees(row, *issue) && self.in_time(row, *issue)
        });
        if found.len() > 1 {
            let exact: Vec<usize> = found
                .iter()
                .copied()
                .filter(|issue| self.created_at(row, *issue))
                .collect();
            if !exact.is_empty() {
                found = exact;
            }
        }
        (!found.is_empty()).then_some(Link {
            method: Method::IssuedKey,
            confidence: Confidence::Exact,
            issues: found,
        })
    }

    /// K2: principal, session name and second of creation are those of the issue.
    fn in_second(&self, row: usize, api: IssuingApi) -> Option<Link> {
        let creation = self.uses.creation_date.get(row)?;
        let mut found = self.at_offset(row, api, creation, 0);
        self.break_tie(row, &mut found);
        let weakest = found.iter().map(|(_, confidence)| *confidence).min()?;
        Some(Link {
            method: Method::IssueSecond,
            confidence: weakest,
            issues: found.into_iter().map(|(issue, _)| issue).collect(),
        })
    }

    /// The same up to two seconds apart, where only a single candidate is evidence.
    fn near_second(&self, row: usize, api: IssuingApi) -> Option<Link> {
        let creation = self.uses.creation_date.get(row)?;
        let issues: Vec<usize> = [-1, 1, -2, 2]
            .into_iter()
            .flat_map(|offset| self.at_offset(row, api, creation, offset))
            .map(|(issue, _)| issue)
            .collect();
        (issues.len() == 1).then_some(Link {
            method: Method::IssueSecond,
            confidence: Confidence::Strong,
            issues,
        })
    }

    /// Of several calls of a second drops those whose key is another session's, and those of somebody else than the
    /// console says had switched, as long as one is left.
    fn break_tie(&self, row: usize, found: &mut Vec<(usize, Confidence)>) {
        if found.len() < 2 {
            return;
        }
        let issues = self.issuances.issues;
        let switched = self.by_sign_in(row, IssuingApi::SwitchRole);
        let from = switched.and_then(|link| issues.switch_from_arn.get(*link.issues.first()?));
        let is_free = |issue: usize| {
            issues.issued_access_key_id.get(issue).is_none_or(|key| {
                self.is_degenerate(key)
                    || !self.keys_in_use.contains(key)
                    || self.uses.access_key_ids.iter(row).any(|own| own == key)
            })
        };
        let is_switcher = |issue: usize| {
            from.is_none_or(|from| issues.caller_arn.get(issue).is_none_or(|arn| arn == from))
        };
        let conditions: [&dyn Fn(usize) -> bool; 2] = [&is_free, &is_switcher];
        for holds in conditions {
            if found.iter().any(|(issue, _)| holds(*issue)) {
                found.retain(|(issue, _)| holds(*issue));
            }
        }
    }

    /// K5: a role switch or a sign-in token of this principal, in the second of creation.
    fn by_sign_in(&self, row: usize, api: IssuingApi) -> Option<Link> {
        let creation = self.uses.creation_date.get(row)?;
        let principal = self.uses.principal_id.get(row)?;
        let mut issues = self.issuances.of_principal(principal, creation, 0);
        issues.retain(|issue| self.is_of(api, *issue) && self.agrees(row, *issue));
        (!issues.is_empty()).then_some(Link {
            method: Method::SignIn,
            confidence: Confidence::Strong,
            issues,
        })
    }

    /// K6: Identity Center gave credentials for this role's permission set, in this account, in the second of creation.
    fn by_grant(&self, row: usize, api: IssuingApi) -> Option<Link> {
        let arn = AssumedRoleArn::parse(self.uses.arn.get(row)?)?;
        let set = permission_set_of(arn.role_name)?;
        let creation = self.uses.creation_date.get(row)?;
        let at = |offset| {
            self.issuances
                .of_permission_set(arn.account_id, set, creation, offset)
        };
        let mut issues = at(0);
        if issues.is_empty() {
            issues = [-1, 1, -2, 2].into_iter().flat_map(at).collect();
            if issues.len() != 1 {
                return None;
            }
        }
        let all = &self.issuances.issues;
        let shown = self.uses.on_behalf_of_user_id.get(row);
        issues.retain(|issue| {
            let granted = all.caller_on_behalf_of_user_id.get(*issue);
            let store = all.caller_on_behalf_of_identity_store_arn.get(*issue);
            let is_other = shown
                .zip(granted)
                .is_some_and(|(shown, user)| shown != user);
            let may_be = granted.is_none_or(|user| {
                self.users
                    .may_be(store.unwrap_or_default(), user, arn.session_name)
            });
            self.is_of(api, *issue) && !is_other && may_be
        });
        // The session's name is the user's; with several users in a second, it alone tells whose it is.
        let confidence = match issues.len() {
            0 => return None,
            _ if shown.is_some() => Confidence::Exact,
            1 => Confidence::Strong,
            _ => Confidence::Probable,
        };
        Some(Link {
            method: Method::IdentityCenter,
            confidence,
            issues,
        })
    }

    /// Issues to the session's principal in the second of its creation plus `offset`.
    fn at_offset(
        &self,
        row: usize,
        api: IssuingApi,
        creation: i64,
        offset: i64,
    ) -> Vec<(usize, Confidence)> {
        let by_id = self
            .uses
            .principal_id
            .get(row)
            .map_or_else(Vec::new, |principal| {
                self.issuances.of_principal(principal, creation, offset)
            });
        let by_name = self
            .uses
            .arn
            .get(row)
            .and_then(AssumedRoleArn::parse)
            .map_or_else(
                Vec::new,
                // Without the role's unique id, a role made anew under its old name would look the same.
                |arn| self.issuances.of_role_session(&arn, creation, offset),
            );
        let sure = match self.uses.principal_id.get(row).and_then(role_session_of) {
            Some((role, _)) if self.degenerate_roles.contains(role) => Confidence::Strong,
            _ => Confidence::Exact,
        };
        let by_id = by_id.into_iter().map(|issue| (issue, sure));
        let by_name = by_name.into_iter().map(|issue| (issue, Confidence::Strong));
        by_id
            .chain(by_name)
            .filter(|(issue, _)| {
                self.is_of(api, *issue)
                    && self.agrees(row, *issue)
                    && !self.is_of_another_key(row, *issue)
            })
            .collect()
    }

    /// The issue handed out another key than the session uses: it is another's.
    ///
    /// The console and Identity Center hand out one key and use others; forwarded calls show keys that no call
    /// handed out, and masks say nothing. Any other session of one key was issued with that key.
    fn is_of_another_key(&self, row: usize, issue: usize) -> bool {
        let Some(key) = self.own_key(row) else {
            return false;
        };
        let issues = self.issuances.issues;
        let Some(issued) = issues
            .issued_access_key_id
            .get(issue)
            .filter(|issued| *issued != key && !self.is_degenerate(issued))
        else {
            return false;
        };
        if self.is_of_console(row) {
            return false;
        }
        let role = self.uses.arn.get(row).and_then(AssumedRoleArn::parse);
        let is_reserved = role.is_some_and(|arn| permission_set_of(arn.role_name).is_some());
        let is_signed_in = is_reserved
            || [
                issues.user_agent.get(issue),
                issues.caller_invoked_by.get(issue),
                self.uses.user_agent.get(row),
            ]
            .into_iter()
            .flatten()
            .any(is_of_sign_in);
        !is_signed_in || self.keys_in_use.contains(issued)
    }

    /// Whether a session was seen with this key.
    pub(super) fn is_in_use(&self, key: &str) -> bool {
        self.keys_in_use.contains(key)
    }

    /// The one key of a session all of whose calls show it, and that makes them itself.
    pub(super) fn own_key(&self, row: usize) -> Option<&'a str> {
        let key = self.uses.access_key_ids.only(row)?;
        let is_own = self.uses.keyless_count.get(row) == Some(0)
            && self.uses.invoked_by.get(row).is_none()
            && !self.is_degenerate(key);
        is_own.then_some(key)
    }

    /// Whether a call of this principal and second of creation is known to be the console's.
    pub(super) fn is_of_console(&self, row: usize) -> bool {
        let session = self
            .uses
            .principal_id
            .get(row)
            .zip(self.uses.creation_date.get(row));
        session.is_some_and(|(principal, created)| {
            self.console
                .contains(&(principal, created.div_euclid(SECOND)))
        })
    }

    fn is_of(&self, api: IssuingApi, issue: usize) -> bool {
        self.issuances
            .issued
            .get(issue)
            .is_some_and(|made| made.api == api)
    }

    /// The credentials were issued to the principal that the session shows.
    fn agrees(&self, row: usize, issue: usize) -> bool {
        let Some(made) = self.issuances.issued.get(issue) else {
            return false;
        };
        let arn = self.uses.arn.get(row);
        if made.api == IssuingApi::CognitoIdentity {
            // The call names no role; only the service gives sessions this name together with a key of its own.
            return arn
                .and_then(AssumedRoleArn::parse)
                .is_some_and(|arn| arn.session_name == COGNITO_SESSION_NAME);
        }
        // Masked or sample data may show one unique id for several roles, or users.
        let is_session = arn.is_some_and(|arn| AssumedRoleArn::parse(arn).is_some());
        if let (Some(issued), Some(used)) = (&made.session_arn, arn)
            && made.api == IssuingApi::Role
            && is_session
            && issued != used
        {
            return false;
        }
        let caller_arn = self.issuances.issues.caller_arn.get(issue);
        if let (true, Some(caller), Some(used)) = (made.api.is_of_caller(), caller_arn, arn)
            && caller.contains(":user/")
            && caller != used
        {
            return false;
        }
        // Cognito's sessions have one name; the identity tells them apart.
        if let Some(identity) = cognito_identity(self.uses, row)
            && self.issuances.issues.event_name.get(issue) == Some("AssumeRoleWithWebIdentity")
        {
            let caller = self.issuances.issues.caller_principal_id.get(issue);
            if caller.is_some_and(|caller| !caller.ends_with(&identity)) {
                return false;
            }
        }
        if let (Some(issued), Some(used)) = (&made.principal_id, self.uses.principal_id.get(row)) {
            return issued == used;
        }
        if let (Some((role, session)), Some(used)) =
            (made.role_session, arn.and_then(AssumedRoleArn::parse))
        {
            let account = made.account_id;
            return used.role_name == role
                && used.session_name == session
                && account.is_none_or(|account| account == used.account_id);
        }
        match (&made.session_arn, arn) {
            (Some(issued), Some(used)) => issued == used,
            _ => false,
        }
    }

    /// The session was used after it was issued and before it ended.
    fn in_time(&self, row: usize, issue: usize) -> bool {
        let (Some(issued), Some(first)) = (
            self.issuances.issues.event_time.get(issue),
            self.uses.first_used_at.get(row),
        ) else {
            return false;
        };
        let end = self.issuances.issues.issued_expiration.get(issue);
        let end = end.map_or(issued + LONGEST_LIFE, |end| end + EXPIRY_SLACK);
        issued <= first + SKEW && first <= end
    }

    fn created_at(&self, row: usize, issue: usize) -> bool {
        self.uses.creation_date.get(row) == self.issuances.issues.event_time.get(issue)
    }
}

/// What marks a call of the console's own machinery.
fn is_of_sign_in(program: &str) -> bool {
    [
        "AWS Signin",
        "AWS Internal",
        "aws-internal",
        "signin.amazonaws.com",
        "console.amazonaws.com",
    ]
    .iter()
    .any(|mark| program.contains(mark))
}

/// Principal and second of creation of every session of which one call is the console's.
fn console_sessions<'a>(uses: &'a Uses, issuances: &'a Issuances<'a>) -> HashSet<(&'a str, i64)> {
    let flagged = (0..uses.len)
        .filter(|row| {
            uses.is_from_console.get(*row) == Some(true)
                || uses.sign_in_session_arn.get(*row).is_some()
        })
        .filter_map(|row| Some((uses.principal_id.get(row)?, uses.creation_date.get(row)?)))
        .map(|(principal, created)| (principal, created.div_euclid(SECOND)));
    let opened = issuances
        .issued
        .iter()
        .enumerate()
        .filter_map(|(row, made)| {
            let is_sign_in = matches!(
                made.api,
                IssuingApi::ConsoleLogin
                    | IssuingApi::SwitchRole
                    | IssuingApi::SigninToken
                    | IssuingApi::OAuthToken
            );
            let principal = made.principal_id.as_deref().filter(|_| is_sign_in)?;
            let second = issuances.second_of(row)?;
            // Single sign-on gives the role first; the sign-in to the console with it comes a little later.
            Some((0..=SIGN_IN_DELAY).map(move |earlier| (principal, second - earlier)))
        });
    flagged.chain(opened.flatten()).collect()
}

/// Keys under which more than one (principal, creation date) acted, as far as both are shown.
fn degenerate_keys<'a>(uses: &'a Uses, issuances: &Issuances<'a>) -> HashSet<&'a str> {
    let mut seen: HashMap<&str, (Option<&str>, Option<i64>)> = HashMap::new();
    let mut degenerate = issued_twice(issuances);
    for row in 0..uses.len {
        let (principal, creation) = (uses.principal_id.get(row), uses.creation_date.get(row));
        for key in uses.access_key_ids.iter(row) {
            if is_long_lived(key) {
                continue;
            }
            let known = seen.entry(key).or_insert((principal, creation));
            // Some services write the second beside.
            let differ = |a: Option<i64>, b: Option<i64>| {
                a.zip(b)
                    .is_some_and(|(a, b)| (a - b).abs() > CREATION_TOLERANCE)
            };
            if known.0.zip(principal).is_some_and(|(a, b)| a != b) || differ(known.1, creation) {
                degenerate.insert(key);
            }
            known.0 = known.0.or(principal);
            known.1 = known.1.or(creation);
        }
    }
    degenerate
}

/// Keys that more than one call handed out.
fn issued_twice<'a>(issuances: &Issuances<'a>) -> HashSet<&'a str> {
    let issues = issuances.issues;
    let mut seen: HashMap<&str, (Option<&str>, Option<i64>)> = HashMap::new();
    let mut twice = HashSet::new();
    for (row, made) in issuances.issued.iter().enumerate() {
        let Some(key) = issues.issued_access_key_id.get(row) else {
            continue;
        };
        let issue = (made.session_arn.as_deref(), issues.event_time.get(row));
        if *seen.entry(key).or_insert(issue) != issue {
            twice.insert(key);
        }
    }
    twice
}

/// Role ids under which more than one role acted.
fn degenerate_roles(uses: &Uses) -> HashSet<&str> {
    let mut seen: HashMap<&str, &str> = HashMap::new();
    let pairs = (0..uses.len).filter_map(|row| {
        Some((
            uses.issuer_principal_id.get(row)?,
            uses.issuer_arn.get(row)?,
        ))
    });
    let mut degenerate = HashSet::new();
    for (id, arn) in pairs {
        if *seen.entry(id).or_insert(arn) != arn {
            degenerate.insert(id);
        }
    }
    degenerate
}
