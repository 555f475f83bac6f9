//! All joins of a session held against each other: the first gives the link, the others confirm or contradict it.

use std::borrow::Cow;
use std::collections::{BTreeSet, HashMap, HashSet};

use rayon::iter::{IntoParallelIterator as _, ParallelIterator as _};

use super::columns::Kept;
use super::facts::Facts;
use super::identity_center::user_of;
use super::issuance::IssuingApi;
use super::link::{CREATION_TOLERANCE, EXPIRY_SLACK, Link, Linker, SECOND};
use super::verdict::{Confidence, Contradiction, Method};
use super::workload;
use crate::iam::{AssumedRoleArn, account_of_id};

/// A link with what speaks for and against it.
#[derive(Debug)]
pub(super) struct Evidence {
    pub(super) link: Link,
    /// Further joins that lead to the same call.
    pub(super) confirmed_by: BTreeSet<Method>,
    pub(super) contradicted_by: BTreeSet<Contradiction>,
    /// Another session of the same principal and second was issued by a call that is missing: this one may be its.
    pub(super) is_contested: bool,
}

impl Linker<'_> {
    /// The best link of a session in use, weighed; `None` when no call in the logs can have issued it.
    pub(super) fn weigh(&self, facts: &Facts, row: usize) -> Option<Evidence> {
        let mut links = self.links(row).into_iter();
        let mut link = links.next()?;
        let mut confirmed_by = BTreeSet::new();
        let mut contradicted_by = BTreeSet::new();
        for other in links {
            match self.compare(facts, &link, &other) {
                Some(true) => {
                    confirmed_by.insert(other.method);
                }
                Some(false) => {
                    contradicted_by.extend(contradiction_of(other.method));
                }
                None => {}
            }
        }
        if let &[issue] = link.issues.as_slice() {
            self.hold_against(facts, row, issue, link.method, &mut contradicted_by);
            self.confirm(facts, row, issue, &mut confirmed_by);
        }
        for _ in &contradicted_by {
            link.confidence = link.confidence.lowered();
        }
        Some(Evidence {
            link,
            confirmed_by,
            contradicted_by,
            is_contested: false,
        })
    }

    /// The weighed links of all sessions.
    pub(super) fn weigh_all(&self, facts: &Facts) -> Vec<Option<Evidence>> {
        let uses = self.uses;
        let rows = (0..uses.len).into_par_iter();
        let mut all: Vec<Option<Evidence>> = rows.map(|row| self.weigh(facts, row)).collect();
        let session = |row| {
            let principal = Cow::Borrowed(uses.principal_id.get(row)?);
            Some((principal, uses.creation_date.get(row)?))
        };
        let mut kept: HashMap<(Cow<'_, str>, i64), Vec<&str>> = HashMap::new();
        for row in 0..facts.kept.len {
            if let Some((session, id)) = self.kept_orphan(&facts.kept, row) {
                kept.entry(session).or_default().push(id);
            }
        }
        let orphans: HashSet<(Cow<'_, str>, i64)> = (0..uses.len)
            .filter(|row| {
                all.get(*row).is_some_and(Option::is_none)
                    && self.own_key(*row).is_some()
                    && !self.is_of_console(*row)
            })
            .filter_map(session)
            .collect();
        for (row, evidence) in all.iter_mut().enumerate() {
            if let Some(evidence) = evidence
                && uses.invoked_by.get(row).is_some()
                && session(row).is_some_and(|session| {
                    let others = kept.get(&session).map_or(&[][..], Vec::as_slice);
                    orphans.contains(&session)
                        || others
                            .iter()
                            .any(|id| Some(*id) != uses.session_id.get(row))
                })
            {
                evidence.is_contested = true;
            }
        }
        all
    }

    /// Principal, creation and id of a session whose events are gone, which had keys and nobody who took it.
    fn kept_orphan<'k>(
        &self,
        kept: &'k Kept,
        row: usize,
    ) -> Option<((Cow<'k, str>, i64), &'k str)> {
        let keys = || kept.access_key_ids.iter(row);
        let is_orphan = kept.confidence.get(row) == Some(Confidence::Unresolved.code())
            && keys().next().is_some()
            && !keys().any(|key| self.is_degenerate(key));
        let (role, name) = (kept.role_id.get(row)?, kept.session_name.get(row)?);
        let principal = Cow::Owned(format!("{role}:{name}"));
        let session = (principal, kept.created_at.get(row)?);
        is_orphan.then_some((session, kept.session_id.get(row)?))
    }

    /// Whether another join means the same call, or somebody else; `None` where it cannot be told.
    fn compare(&self, facts: &Facts, link: &Link, other: &Link) -> Option<bool> {
        let issues = self.issuances.issues;
        if other.issues.iter().any(|issue| link.issues.contains(issue)) {
            return Some(true);
        }
        let (&[ours], &[theirs]) = (link.issues.as_slice(), other.issues.as_slice()) else {
            return None;
        };
        match self.issuances.issued.get(theirs)?.api {
            IssuingApi::SwitchRole => {
                let from = issues.switch_from_arn.get(theirs)?;
                Some(from == self.caller_arn(facts, ours)?)
            }
            // The console's token of the same principal and second; of a grant the second and the permission set agree,
            // and whose it is, is told by the user id: see `hold_against`.
            IssuingApi::SigninToken | IssuingApi::OAuthToken | IssuingApi::Grant => Some(true),
            _ => None,
        }
    }

    /// The caller's ARN, by the caller's own account's copy of the call where the other one does not show it.
    fn caller_arn(&self, facts: &Facts, issue: usize) -> Option<&str> {
        let issues = self.issuances.issues;
        issues.caller_arn.get(issue).or_else(|| {
            let twins = facts.told.twins.get(issues.caller_session_id.get(issue)?)?;
            let twin = twins.first().filter(|_| twins.len() == 1)?;
            let copy = self.issuances.by_session(&twin.session_id).next()?;
            issues.caller_arn.get(copy)
        })
    }

    /// What the session's own records say against the call.
    fn hold_against(
        &self,
        facts: &Facts,
        row: usize,
        issue: usize,
        method: Method,
        found: &mut BTreeSet<Contradiction>,
    ) {
        let (uses, issues) = (self.uses, self.issuances.issues);
        let apart = uses
            .creation_date
            .get(row)
            .zip(self.issuances.second_of(issue))
            .is_some_and(|(created, second)| {
                (created - second * SECOND).abs() > CREATION_TOLERANCE
            });
        if apart {
            found.insert(Contradiction::CreationDate);
        }
        let renamed = uses
            .source_identity
            .get(row)
            .zip(issues.requested_source_identity.get(issue))
            .is_some_and(|(used, asked)| used != asked);
        if renamed {
            found.insert(Contradiction::SourceIdentity);
        }
        // The end of a key that was handed out is not the end of a console session that it opened.
        let outlived = uses
            .last_used_at
            .get(row)
            .zip(issues.issued_expiration.get(issue))
            .is_some_and(|(last, end)| last > end + EXPIRY_SLACK);
        if outlived && method == Method::IssuedKey {
            found.insert(Contradiction::UsedAfterExpiry);
        }
        let others_grant = uses
            .on_behalf_of_user_id
            .get(row)
            .zip(user_of(issues, issue))
            .is_some_and(|(used, (_, granted))| used != granted);
        if others_grant {
            found.insert(Contradiction::IdentityCenterUser);
        }
        if self.workload_agrees(facts, row, issue) == Some(false) {
            found.insert(Contradiction::Workload);
        }
    }

    /// What else the session's own records say for the call.
    fn confirm(&self, facts: &Facts, row: usize, issue: usize, found: &mut BTreeSet<Method>) {
        let (uses, issues) = (self.uses, self.issuances.issues);
        let carried = uses.source_identity.get(row).is_some()
            && uses.source_identity.get(row) == issues.requested_source_identity.get(issue);
        if carried {
            found.insert(Method::Carried);
        }
        if let Some(caller) = issues.caller_session_id.get(issue)
            && facts.told.twins.contains_key(caller)
        {
            found.insert(Method::SharedEvent);
        }
        if self.workload_agrees(facts, row, issue) == Some(true) {
            found.insert(Method::Workload);
        }
        // The key itself says in which account it was made; another account there means anonymised logs, and no more.
        let of_key = issues
            .issued_access_key_id
            .get(issue)
            .and_then(account_of_id);
        if of_key.is_some() && of_key.as_deref() == uses.account_id.get(row) {
            found.insert(Method::AccountOnly);
        }
    }

    /// Whether the workload that AWS names on the session's records is the one that the call was made for.
    fn workload_agrees(&self, facts: &Facts, row: usize, issue: usize) -> Option<bool> {
        let uses = &facts.uses;
        let issued_to = uses.in_scope_of_credentials_issued_to.get(row);
        let (_, id) = workload::resource_of(uses.in_scope_of_issuer_type.get(row)?, issued_to?)?;
        let service = self.issuances.issues.caller_invoked_by.get(issue)?;
        let named = AssumedRoleArn::parse(uses.arn.get(row)?)?.session_name;
        // Only these services name the session after the workload.
        matches!(
            service,
            "ec2.amazonaws.com" | "lambda.amazonaws.com" | "ecs-tasks.amazonaws.com"
        )
        .then(|| named == id || named.starts_with("awslambda_"))
    }
}

fn contradiction_of(method: Method) -> Option<Contradiction> {
    match method {
        Method::SignIn => Some(Contradiction::SwitchFrom),
        Method::IdentityCenter => Some(Contradiction::IdentityCenterUser),
        _ => None,
    }
}
