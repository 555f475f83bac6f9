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
            Self::NotGrantedToday => "not_granted_today",
            Self::WouldBeRefused => "would_be_refused",
        }
    }

    /// Every verdict, the best first.
    pub const ALL: [Self; 7] = [
        Self::Allowed,
        Self::UnderConditions,
        Self::ResourceUnknown,
        Self::StillRefused,
        Self::RefusedElsewhere,
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
        let verdicts = needs
            .iter()
            .map(|need| self.verdict(action, used, need, is_granted));
        let Some(verdict) = verdicts.max() else {
            return;
        };
        let count = self.counts.entry(verdict).or_default();
        count.calls += used.calls;
        count.actions.insert(action.name);
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
