//! Callers of other accounts, of whom the recording account knows account and unique id alone.
//!
//! The caller's own copy of the call names them; else any record with the unique id, the console's role switch, a
//! session of that id that was alive; else the account is all that is known.

use std::borrow::Cow;
use std::sync::Arc;

use super::identity::of_arn;
use super::issuance::IssuingApi;
use super::nodes::{Node, NodeBuilder, named, tied};
use super::origin::{Origin, OriginKind};
use super::persona::Persona;
use super::reason;
use super::verdict::{Confidence, Contradiction, Method, UnresolvedReason};
use super::walk::{Candidate, Start};
use crate::iam::{Arn, account_of_id};

impl<'f> NodeBuilder<'f, '_> {
    /// A caller that the recording account knows by account and unique id alone.
    pub(super) fn other_accounts_caller(&self, node: &mut Node<'f>, row: usize) {
        let uses = &self.facts.uses;
        if let Some(pairs) = self.facts.told.twins.get(node.id.as_ref()) {
            let is_shared = pairs.iter().all(|pair| pair.is_shared);
            let candidates = self.parents_of(node, pairs);
            node.twin = match candidates.as_slice() {
                [only] => only.parent,
                _ => None,
            };
            node.method = Method::SharedEvent;
            let confidence = if is_shared {
                Confidence::Exact
            } else {
                Confidence::Strong
            };
            node.start = tied(candidates, confidence);
            return;
        }
        let principal = uses.principal_id.get(row);
        let of_id = || account_of_id(principal?);
        let account = uses.account_id.get(row).map(str::to_owned).or_else(of_id);
        let is_collected = account
            .as_ref()
            .is_some_and(|account| self.facts.told.accounts.contains_key(account));
        let missing = (!is_collected).then_some(UnresolvedReason::CrossAccountNotCollected);
        let switched = self.switch_beside(node);
        if let Some((origin, arn)) = principal.and_then(|id| self.known_user(id)) {
            node.method = Method::Direct;
            node.persona = Persona {
                arn: Some(Arc::clone(arn)),
                id: principal.map(Cow::Borrowed),
            };
            if switched.as_ref().is_some_and(|(_, candidates)| {
                candidates
                    .iter()
                    .any(|c| c.origin.is_some() && c.origin.as_deref() != Some(&origin))
            }) {
                node.contradicted_by.insert(Contradiction::SwitchFrom);
            } else if switched.is_some() {
                node.confirmed_by.insert(Method::SignIn);
            }
            let confidence = if node.contradicted_by.is_empty() {
                Confidence::Exact
            } else {
                Confidence::Exact.lowered()
            };
            node.start = with_missing(tied(vec![named(origin)], confidence), missing);
        } else if let Some((event_id, candidates)) = switched {
            node.method = Method::SignIn;
            node.evidence = vec![event_id];
            node.start = with_missing(tied(candidates, Confidence::Strong), missing);
        } else if let (Some(account), false) = (&account, is_collected) {
            node.start = Start::External(Arc::new(Origin::external(account, principal)));
            node.method = Method::AccountOnly;
            // A session of that id may be in the logs all the same, where a third account was left to get there.
            node.is_any_of_principal = principal.is_some_and(|id| id.contains(':'));
        } else {
            node.start = Start::Unknown {
                reason: reason::of_missing_caller(self.facts, account.as_deref()),
                hops: 0,
                role: None,
            };
            node.is_any_of_principal = true;
        }
    }

    /// An IAM user whose unique id any record shows beside an ARN.
    fn known_user(&self, principal: &str) -> Option<(Origin, &Arc<str>)> {
        let arn = self.facts.told.principals.get(principal)?;
        let origin = of_arn(arn).filter(|origin| origin.kind == OriginKind::IamUser)?;
        Some((origin, arn))
    }

    /// The role switch in the console that goes with a cross-account call: its event, and who switched.
    fn switch_beside(&self, node: &Node<'f>) -> Option<(Cow<'f, str>, Vec<Candidate>)> {
        let issues = &self.facts.issues;
        for issue in self.issuances.by_session(&node.id) {
            let Some(principal) = self
                .issuances
                .issued
                .get(issue)
                .and_then(|made| made.principal_id.as_deref())
            else {
                continue;
            };
            // A key that is in use is not the console's.
            let key = issues.issued_access_key_id.get(issue);
            if key.is_some_and(|key| !self.linker.is_degenerate(key) && self.linker.is_in_use(key))
            {
                continue;
            }
            let time = issues.event_time.get(issue)?;
            let switches = self.issuances.of_principal(principal, time, 0);
            let is_switch = |row: &&usize| {
                self.issuances
                    .issued
                    .get(**row)
                    .is_some_and(|made| made.api == IssuingApi::SwitchRole)
            };
            let [switch] = switches.iter().filter(is_switch).collect::<Vec<_>>()[..] else {
                continue;
            };
            // Somebody of another account who takes the role in that second is not the one who switched.
            let from = issues.switch_from_arn.get(*switch).and_then(Arn::parse);
            if from.map(|arn| arn.account_id) != issues.caller_account_id.get(issue) {
                continue;
            }
            let candidates = self.switched_from(*switch);
            if !candidates.is_empty() {
                return Some((Cow::Borrowed(issues.event_id.get(*switch)?), candidates));
            }
        }
        None
    }
}

fn with_missing(start: Start, reason: Option<UnresolvedReason>) -> Start {
    match start {
        Start::Tied {
            candidates,
            confidence,
            hops,
            role,
            ..
        } => Start::Tied {
            candidates,
            confidence,
            hops,
            role,
            missing: reason,
        },
        other => other,
    }
}
