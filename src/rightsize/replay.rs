//! Asks a proposal about every call that was seen: would it have come through?

use std::collections::{BTreeMap, BTreeSet};

use super::observed::{Came, Use};
use super::scope::{Need, needs_of};
use crate::permissions::Action;
use crate::policies::{Decision, Effect, Listed, Policy, decide, overlaps};

/// What the proposal says of a call that was seen; the worse the later.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verdict {
    /// The call was refused, and the proposal does not allow it.
    StillRefused,
    /// The call was refused, and the proposal allows it, as today's policies do: another kind of policy refused it.
    RefusedElsewhere,
    /// It comes through.
    Allowed,
    /// It comes through under the conditions of today.
    UnderConditions,
    /// The event does not name the resource, and the proposal allows the action on the resources of today.
    ResourceUnknown,
    /// No action is known for the call, so that nothing can be said of it.
    Unmapped,
    /// Today's policies do not allow it either.
    NotGrantedToday,
    /// It would be refused.
    WouldBeRefused,
}

impl Verdict {
    /// The word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::StillRefused => "still_refused",
            Self::RefusedElsewhere => "refused_elsewhere",
            Self::Allowed => "allowed",
            Self::UnderConditions => "allowed_under_conditions",
            Self::ResourceUnknown => "allowed_resource_unknown",
            Self::Unmapped => "unmapped",
            Self::NotGrantedToday => "not_granted_today",
            Self::WouldBeRefused => "would_be_refused",
        }
    }

    /// Every verdict, the best first.
    pub const ALL: [Self; 8] = [
        Self::Allowed,
        Self::UnderConditions,
        Self::ResourceUnknown,
        Self::StillRefused,
        Self::RefusedElsewhere,
        Self::Unmapped,
        Self::NotGrantedToday,
        Self::WouldBeRefused,
    ];
}

/// How many calls there were of one verdict.
#[derive(Debug, Clone, Default)]
pub struct Count {
    /// Calls.
    pub calls: u64,
    /// Their actions.
    pub actions: BTreeSet<&'static str>,
    /// One of them.
    pub event_id: String,
}

/// Goes through the calls.
#[derive(Debug)]
pub struct Replay<'p> {
    proposal: &'p [Policy],
    /// What came of it.
    pub counts: BTreeMap<Verdict, Count>,
}

impl<'p> Replay<'p> {
    /// A replay against the policies of a proposal.
    pub fn new(proposal: &'p [Policy]) -> Self {
        Self {
            proposal,
            counts: BTreeMap::new(),
        }
    }

    /// Takes calls; `is_granted` says whether what they needed is granted today.
    pub fn take(&mut self, action: Action, used: &Use, is_granted: bool) {
        let needs = needs_of(action, used);
        let of = |need| self.verdict(action, used, need, is_granted);
        let all = needs.all.iter().map(of);
        let best = needs.one_of.iter().map(of).min();
        let Some(verdict) = all.chain(best).max() else {
            return;
        };
        let count = self.counts.entry(verdict).or_default();
        count.calls += used.calls;
        count.actions.insert(action.name);
        count.event_id.clone_from(&used.event_id);
    }

    /// Takes calls for which no action is known.
    pub fn take_unmapped(&mut self, used: &Use) {
        let count = self.counts.entry(Verdict::Unmapped).or_default();
        count.calls += used.calls;
        count.event_id.clone_from(&used.event_id);
    }

    fn verdict(&self, action: Action, used: &Use, need: &Need, is_granted: bool) -> Verdict {
        let decision = decide(self.proposal, action.name, need.resource());
        if used.came == Came::Refused {
            return if decision >= Decision::Conditional {
                Verdict::RefusedElsewhere
            } else {
                Verdict::StillRefused
            };
        }
        match decision {
            Decision::Allowed => Verdict::Allowed,
            Decision::Conditional => Verdict::UnderConditions,
            _ if !is_granted => Verdict::NotGrantedToday,
            Decision::ImplicitlyDenied if self.may_allow(action, need) => Verdict::ResourceUnknown,
            _ => Verdict::WouldBeRefused,
        }
    }

    /// Whether the proposal allows the action on some resource that the need may mean.
    fn may_allow(&self, action: Action, need: &Need) -> bool {
        let Need::Some(wanted) = need else {
            return false;
        };
        let statements = self.proposal.iter().flat_map(|policy| &policy.statements);
        statements
            .filter(|it| it.effect == Effect::Allow && it.fits_action(action.name))
            .any(|statement| match &statement.resources {
                Some(Listed::These(patterns)) => {
                    patterns.iter().any(|pattern| overlaps(pattern, wanted))
                }
                Some(Listed::AllBut(_)) => true,
                None => false,
            })
    }
}

#[cfg(test)]
mod tests {
    use super::super::observed::Person;
    use super::*;

    fn used(came: Came, resources: &[&str]) -> Use {
        Use {
            persona_arn: "arn:aws:iam::111122223333:role/r".to_owned(),
            persona_id: None,
            person: Person {
                kind: "iam_user".to_owned(),
                id: None,
                account_id: None,
                provider: None,
                who: "alice".to_owned(),
            },
            action: None,
            is_inferred: false,
            needs_none: false,
            event_source: "s3.amazonaws.com".to_owned(),
            event_name: "GetObject".to_owned(),
            account_id: "111122223333".to_owned(),
            region: "eu-west-1".to_owned(),
            came,
            resources: resources.iter().map(|arn| (*arn).to_owned()).collect(),
            calls: 2,
            first: 0,
            last: 0,
            event_id: "e".to_owned(),
        }
    }

    fn verdict(statement: &str, used: &Use, is_granted: bool) -> Verdict {
        let policy = format!(r#"{{"Version":"2012-10-17","Statement":[{statement}]}}"#);
        let policies = [Policy::parse(&policy).unwrap()];
        let mut replay = Replay::new(&policies);
        replay.take(Action::find("s3:GetObject").unwrap(), used, is_granted);
        let (verdict, count) = replay.counts.first_key_value().unwrap();
        assert_eq!((replay.counts.len(), count.calls), (1, 2));
        *verdict
    }

    #[test]
    fn each_call_has_its_verdict() {
        let object = used(Came::Through, &["arn:aws:s3:::b/k"]);
        let allow = r#"{"Effect":"Allow","Action":"s3:GetObject","Resource":"arn:aws:s3:::b/*"}"#;
        let other = r#"{"Effect":"Allow","Action":"s3:GetObject","Resource":"arn:aws:s3:::c/*"}"#;
        let mfa = r#"{"Effect":"Allow","Action":"s3:GetObject","Resource":"*","Condition":{"Bool":{"aws:MultiFactorAuthPresent":"true"}}}"#;
        assert_eq!(verdict(allow, &object, true), Verdict::Allowed);
        assert_eq!(verdict(mfa, &object, true), Verdict::UnderConditions);
        assert_eq!(verdict(other, &object, true), Verdict::WouldBeRefused);
        assert_eq!(verdict(other, &object, false), Verdict::NotGrantedToday);
        assert_eq!(
            verdict(allow, &used(Came::Through, &[]), true),
            Verdict::ResourceUnknown
        );
        let refused = used(Came::Refused, &["arn:aws:s3:::b/k"]);
        assert_eq!(verdict(allow, &refused, false), Verdict::RefusedElsewhere);
        assert_eq!(verdict(other, &refused, false), Verdict::StillRefused);
    }
}
