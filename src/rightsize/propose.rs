//! The least-privilege policy: what was used, cut out of what is granted.
//!
//! Every statement of the proposal is cut out of one that grants it today: fewer actions, fewer resources, the same conditions. So it
//! never allows what is not allowed today; what was used and is granted no more is told and left out. Statements that deny stay.

use std::collections::{BTreeMap, BTreeSet};

use super::observed::{Came, Seen, Use};
use super::scope::{Need, Scope, needs_of, outermost};
use super::services::services_of;
use crate::permissions::{Action, Unlogged};
use crate::policies::{
    Condition, Decision, Effect, Fit, Grants, Listed, Policy, Principal, Statement, covers, decide,
    fits_action, fits_arn, overlaps,
};

/// Why a statement is in the proposal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Why {
    /// Calls needed it.
    Used,
    /// The parameters of calls show that it was needed: roles handed to services, tags on what was made.
    Inferred,
    /// Nothing tells whether it is used.
    NotObservable,
    /// It may be needed besides what was used; only where it was asked for.
    Dependent,
    /// Calls needed it, and what grants it today is not known.
    GrantUnknown,
}

impl Why {
    /// The word for it, which is the `Sid` too.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Used => "Used",
            Self::Inferred => "Inferred",
            Self::NotObservable => "NotObservable",
            Self::Dependent => "MaybeNeeded",
            Self::GrantUnknown => "GrantUnknown",
        }
    }
}

/// What to do with what the logs leave open.
#[derive(Debug, Clone, Copy)]
pub struct ProposalRules {
    /// Above how many resources of a kind all of the kind are named.
    pub most_resources: usize,
    /// Whether granted actions stay that no event can tell of.
    pub keep_unobservable: bool,
    /// Whether granted actions stay that what was used may need besides.
    pub keep_dependents: bool,
}

impl Default for ProposalRules {
    fn default() -> Self {
        Self {
            most_resources: 25,
            keep_unobservable: true,
            keep_dependents: false,
        }
    }
}

/// A statement of today, as a policy of 2012-10-17 writes it.
struct Granting {
    statement: Statement,
    /// Whether it stands for a policy whose text is not known.
    is_stand_in: bool,
}

/// What one slot of the proposal is about.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Slot {
    why: Why,
    condition: Condition,
    action: String,
    /// The pattern of today, within which the resources stay; or the list of `NotResource`.
    within: Listed,
}

/// Collects uses and cuts the policy out of what is granted.
pub struct Proposer<'g> {
    granting: Vec<Granting>,
    denying: Vec<Granting>,
    boundary: Option<&'g Policy>,
    grants: &'g Grants,
    rules: ProposalRules,
    slots: BTreeMap<Slot, Scope>,
    used: BTreeSet<&'static str>,
}

/// A proposal, before it is put into policies.
#[derive(Debug, Clone, Default)]
pub struct Proposal {
    /// The statements in order.
    pub statements: Vec<Statement>,
    /// Where resources were too many to name: what stands in their place, and how many they are.
    pub widened: Vec<(String, usize)>,
}

impl<'g> Proposer<'g> {
    /// A proposer for somebody with these policies. Where `is_known` is false there are others whose text is not known, and what was
    /// used beyond these counts as granted by them.
    pub fn new(
        principal: Option<&'g Principal>,
        policies: &[&'g Policy],
        is_known: bool,
        grants: &'g Grants,
        rules: ProposalRules,
    ) -> Self {
        let of_effect = |effect| {
            let all = policies.iter().flat_map(|policy| {
                let statements = policy.statements.iter();
                statements.map(|statement| statement.as_of_2012(policy.has_variables))
            });
            let of_effect = all.filter(|statement: &Statement| statement.effect == effect);
            let granting = of_effect.map(|statement| Granting {
                statement,
                is_stand_in: false,
            });
            granting.collect::<Vec<_>>()
        };
        let mut granting = of_effect(Effect::Allow);
        if !is_known {
            granting.push(Granting {
                statement: Statement::anything(),
                is_stand_in: true,
            });
        }
        Self {
            granting,
            denying: of_effect(Effect::Deny),
            boundary: principal.and_then(|principal| principal.boundary.as_deref()),
            grants,
            rules,
            slots: BTreeMap::new(),
            used: BTreeSet::new(),
        }
    }

    /// Takes calls that came through. Returns whether what they needed is granted today.
    pub fn observe(&mut self, action: Action, used: &Use) -> bool {
        if used.came == Came::Refused {
            return false;
        }
        self.used.insert(action.name);
        let needs = needs_of(action, used);
        let mut is_granted = true;
        for need in &needs.all {
            is_granted &= self.take(action, need, used);
        }
        let mut has_one = needs.one_of.is_empty();
        for need in &needs.one_of {
            has_one |= self.take(action, need, used);
        }
        is_granted && has_one
    }

    fn take(&mut self, action: Action, need: &Need, used: &Use) -> bool {
        let resource = need.resource();
        if matches!(need, Need::Proven { .. }) {
            let capped = self.boundary.is_some_and(|boundary| {
                decide([boundary], action.name, resource) <= Decision::ImplicitlyDenied
            });
            let denied = self
                .denying
                .iter()
                .any(|denying| denying.statement.fit(action.name, resource, true) == Fit::Yes);
            if capped || denied {
                return false;
            }
        }
        let fitting: Vec<usize> = (0..self.granting.len())
            .filter(|at| {
                self.granting
                    .get(*at)
                    .is_some_and(|it| it.statement.fits_action(action.name))
            })
            .collect();
        // One statement without conditions that grants it all is enough, and the first of them is as good as any.
        let sure = fitting.iter().copied().find_map(|at| {
            let granting = self.granting.get(at)?;
            if !granting.statement.condition.is_empty() {
                return None;
            }
            let cuts = granting.cuts(need);
            cuts.iter().any(|(_, _, is_whole)| *is_whole).then_some(at)
        });
        let chosen = sure.map_or(fitting, |at| vec![at]);
        let mut is_granted = false;
        for at in chosen {
            let Some(granting) = self.granting.get(at) else {
                continue;
            };
            for (within, resource, _) in granting.cuts(need) {
                is_granted = true;
                let slot = Slot {
                    why: match (granting.is_stand_in, used.is_inferred) {
                        (true, _) => Why::GrantUnknown,
                        (false, true) => Why::Inferred,
                        (false, false) => Why::Used,
                    },
                    condition: self.condition_for(
                        &granting.statement,
                        action,
                        resource.as_deref(),
                        used,
                    ),
                    action: action.name.to_owned(),
                    within,
                };
                let scope = self.slots.entry(slot).or_default();
                if let Some(resource) = resource {
                    scope.insert(resource);
                }
            }
        }
        is_granted
    }

    /// The conditions of today, and for roles that were handed over the services that may get them.
    fn condition_for(
        &self,
        statement: &Statement,
        action: Action,
        resource: Option<&str>,
        used: &Use,
    ) -> Condition {
        let mut condition = statement.condition.clone();
        if action.name == "iam:PassRole" {
            let services = services_of(resource, used, self.grants);
            let is_said = condition
                .values()
                .any(|keys| keys.keys().any(|key| key.eq_ignore_ascii_case(PASSED_TO)));
            if !is_said && !services.is_empty() {
                let of_operator = condition.entry("StringEquals".to_owned()).or_default();
                of_operator.insert(PASSED_TO.to_owned(), services);
            }
        }
        condition
    }

    /// Adds what the logs leave open, as far as the rules keep it.
    pub fn keep_open(&mut self, open: &BTreeMap<String, Open>) {
        for (why, action) in self.actions_left_open(open) {
            for granting in &self.granting {
                if granting.is_stand_in || !granting.statement.fits_action(&action) {
                    continue;
                }
                let Some(resources) = &granting.statement.resources else {
                    continue;
                };
                let slot = |within| Slot {
                    why,
                    condition: granting.statement.condition.clone(),
                    action: action.clone(),
                    within,
                };
                match resources {
                    Listed::These(patterns) => {
                        for pattern in patterns {
                            let within = Listed::These(vec![pattern.clone()]);
                            self.slots
                                .entry(slot(within))
                                .or_default()
                                .insert(pattern.clone());
                        }
                    }
                    Listed::AllBut(_) => {
                        self.slots.entry(slot(resources.clone())).or_default();
                    }
                }
            }
        }
    }

    fn actions_left_open(&self, open: &BTreeMap<String, Open>) -> BTreeSet<(Why, String)> {
        let mut actions = BTreeSet::new();
        if self.rules.keep_unobservable {
            let meant = open.iter().filter(|(_, open)| open.is_meant);
            actions.extend(meant.map(|(name, _)| (Why::NotObservable, name.clone())));
        }
        if self.rules.keep_dependents {
            let used = self.used.iter().filter_map(|name| Action::find(name));
            let dependents: BTreeSet<&str> = used.flat_map(Action::dependents).collect();
            let unused = dependents
                .into_iter()
                .filter(|name| !self.used.contains(name));
            actions.extend(unused.map(|name| (Why::Dependent, name.to_owned())));
        }
        actions
    }

    /// The proposal from all that was taken.
    pub fn finish(&self) -> Proposal {
        let mut proposal = Proposal::default();
        let mut by_action: BTreeMap<(Why, &Condition, &str, Option<&Listed>), BTreeSet<String>> =
            BTreeMap::new();
        let mut widened = BTreeSet::new();
        for (slot, scope) in &self.slots {
            let key = |list| (slot.why, &slot.condition, slot.action.as_str(), list);
            match &slot.within {
                Listed::AllBut(_) => {
                    by_action.entry(key(Some(&slot.within))).or_default();
                }
                Listed::These(within) => {
                    let named = scope.named(match slot.why {
                        Why::NotObservable | Why::Dependent => usize::MAX,
                        Why::Used | Why::Inferred | Why::GrantUnknown => self.rules.most_resources,
                    });
                    let resources = by_action.entry(key(None)).or_default();
                    for pattern in named.patterns {
                        let fits = within.iter().all(|within| covers(within, &pattern));
                        match within.first() {
                            Some(within) if !fits => resources.insert(within.clone()),
                            _ => resources.insert(pattern),
                        };
                    }
                    widened.extend(named.widened);
                }
            }
        }
        let mut grouped: BTreeMap<(Why, &Condition, Listed), BTreeSet<&str>> = BTreeMap::new();
        for ((why, condition, action, all_but), resources) in by_action {
            let resources = match all_but {
                Some(list) => list.clone(),
                None => Listed::These(
                    outermost(&resources)
                        .into_iter()
                        .map(str::to_owned)
                        .collect(),
                ),
            };
            grouped
                .entry((why, condition, resources))
                .or_default()
                .insert(action);
        }
        let allowing = grouped
            .into_iter()
            .map(|((why, condition, resources), actions)| Statement {
                sid: Some(why.as_str().to_owned()),
                effect: Effect::Allow,
                actions: Listed::These(actions.into_iter().map(str::to_owned).collect()),
                resources: Some(resources),
                principals: Vec::new(),
                all_but_principals: false,
                condition: condition.clone(),
            });
        proposal.statements.extend(allowing);
        proposal.statements.sort_by(|a, b| {
            let key = |it: &Statement| {
                (
                    it.sid.clone(),
                    it.actions.clone(),
                    it.resources.clone(),
                    it.condition.clone(),
                )
            };
            key(a).cmp(&key(b))
        });
        let denying = self.denying.iter().map(|it| it.statement.clone());
        for deny in denying {
            if !proposal.statements.contains(&deny) {
                proposal.statements.push(deny);
            }
        }
        proposal.widened = widened.into_iter().collect();
        proposal
    }
}

const PASSED_TO: &str = "iam:PassedToService";

impl Granting {
    /// What of the statement's resources the need leaves: each with the pattern of today, and whether it is all that is needed.
    fn cuts(&self, need: &Need) -> Vec<(Listed, Option<String>, bool)> {
        let one = |pattern: &str| Listed::These(vec![pattern.to_owned()]);
        let Some(resources) = &self.statement.resources else {
            return Vec::new();
        };
        let needed = need.named();
        match resources {
            Listed::These(patterns) => {
                let cuts = patterns.iter().filter_map(|pattern| match need {
                    Need::Proven { arn, .. } => match fits_arn(pattern, arn, true) {
                        Fit::No => None,
                        Fit::Maybe => Some((one(pattern), Some(pattern.clone()), false)),
                        Fit::Yes => {
                            let inner = if covers(pattern, needed) {
                                needed
                            } else {
                                pattern
                            };
                            Some((one(pattern), Some(inner.to_owned()), true))
                        }
                    },
                    Need::Some(wanted) if wanted == "*" => {
                        (pattern == "*").then(|| (one("*"), Some("*".to_owned()), true))
                    }
                    Need::Some(wanted) if covers(pattern, wanted) => {
                        Some((one(pattern), Some(wanted.clone()), true))
                    }
                    Need::Some(wanted) => overlaps(pattern, wanted)
                        .then(|| (one(pattern), Some(pattern.clone()), false)),
                });
                cuts.collect()
            }
            Listed::AllBut(patterns) => match need {
                Need::Proven { arn, .. } => {
                    let excluded = patterns
                        .iter()
                        .map(|pattern| fits_arn(pattern, arn, true))
                        .max();
                    match excluded.unwrap_or(Fit::No) {
                        Fit::Yes => Vec::new(),
                        _ if patterns.iter().any(|pattern| overlaps(pattern, needed)) => {
                            vec![(resources.clone(), None, true)]
                        }
                        _ => vec![(one("*"), Some(needed.to_owned()), true)],
                    }
                }
                Need::Some(wanted) => {
                    if patterns.iter().any(|pattern| covers(pattern, wanted)) {
                        Vec::new()
                    } else if wanted != "*"
                        && patterns.iter().any(|pattern| overlaps(pattern, wanted))
                    {
                        vec![(resources.clone(), None, false)]
                    } else {
                        vec![(one("*"), Some(wanted.clone()), true)]
                    }
                }
            },
        }
    }
}

/// How narrowly a grant names an action.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Breadth {
    /// A pattern for any service, or all but a list.
    #[default]
    Everything,
    /// A pattern that names the service.
    Service,
    /// The action itself.
    Action,
}

/// A granted action of which nothing tells whether it is used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Open {
    /// Why no event tells of it; `None` where the catalogue does not have the action.
    pub why: Option<Unlogged>,
    /// Whether the grant means it: a pattern names its service, or the principal was seen to use the service; an action that no call is
    /// known to need must be named itself. A grant of everything alone says nothing of what is meant.
    pub is_meant: bool,
}

/// The granted actions of which nothing tells whether they are used: their calls leave no event, or none that anybody was seen to
/// make in each of the accounts, or the catalogue does not have them.
pub fn open_actions(
    granted: &BTreeMap<String, Breadth>,
    used: &BTreeSet<&str>,
    accounts: &BTreeSet<String>,
    seen: &Seen,
) -> BTreeMap<String, Open> {
    let services: BTreeSet<&str> = used
        .iter()
        .filter_map(|name| Some(name.split_once(':')?.0))
        .collect();
    let mut open = BTreeMap::new();
    for (name, breadth) in granted {
        let Some(action) = Action::find(name) else {
            let is_meant = true;
            open.insert(
                name.clone(),
                Open {
                    why: None,
                    is_meant,
                },
            );
            continue;
        };
        let was_seen = || {
            !accounts.is_empty()
                && accounts
                    .iter()
                    .all(|account| seen.has(account, action.name))
        };
        if let Some(why) = action.unlogged()
            && !used.contains(action.name)
            && !was_seen()
        {
            let is_meant = match why {
                Unlogged::NoCall => *breadth == Breadth::Action,
                _ => *breadth >= Breadth::Service || services.contains(action.prefix()),
            };
            open.insert(
                name.clone(),
                Open {
                    why: Some(why),
                    is_meant,
                },
            );
        }
    }
    open
}

/// The granted actions, each with how narrowly it is named; patterns without wildcards that the catalogue does not have
/// stand as they are.
pub fn granted_actions(policies: &[&Policy]) -> BTreeMap<String, Breadth> {
    let mut granted = BTreeMap::new();
    let statements = policies.iter().flat_map(|policy| &policy.statements);
    for statement in statements.filter(|statement| statement.effect == Effect::Allow) {
        match &statement.actions {
            Listed::These(patterns) => {
                for pattern in patterns {
                    let (prefix, _) = pattern.split_once(':').unwrap_or((pattern, ""));
                    let is_named = !prefix.contains(['*', '?']);
                    let found: Vec<Action> = if is_named {
                        let actions = Action::of_prefix(prefix).into_iter();
                        actions
                            .filter(|action| fits_action(pattern, action.name))
                            .collect()
                    } else {
                        Action::all()
                            .filter(|action| fits_action(pattern, action.name))
                            .collect()
                    };
                    if found.is_empty() && is_named {
                        granted.insert(pattern.clone(), Breadth::Action);
                    }
                    let breadth = if !is_named {
                        Breadth::Everything
                    } else if pattern.contains(['*', '?']) {
                        Breadth::Service
                    } else {
                        Breadth::Action
                    };
                    for action in found {
                        let widest = granted.entry(action.name.to_owned()).or_default();
                        *widest = breadth.max(*widest);
                    }
                }
            }
            Listed::AllBut(_) => {
                for action in Action::all().filter(|action| statement.fits_action(action.name)) {
                    granted.entry(action.name.to_owned()).or_default();
                }
            }
        }
    }
    granted
}
