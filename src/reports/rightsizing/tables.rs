//! What right-sizing found, as rows.

use std::collections::{BTreeMap, BTreeSet};

use arrow::array::RecordBatch;
use arrow::error::ArrowError;

use super::{Rightsized, Subject};
use crate::lake::{Column, ColumnType, RowBuilder};
use crate::permissions::Unlogged;
use crate::policies::{Effect, GrantedPolicy, Grants, Listed, Statement, fits_action};
use crate::rightsize::{Replay, State, Verdict, level_of};

/// Every action that is granted or was asked for.
const ACTIONS: &[Column] = &[
    Column::required(
        "principal",
        ColumnType::Text,
        "the role, user or permission set",
    ),
    Column::required("iam_action", ColumnType::Text, "the action"),
    Column::new(
        "access_level",
        ColumnType::Text,
        "what it does, in the words of the Service Authorization Reference",
    ),
    Column::required(
        "state",
        ColumnType::Text,
        "`used`, `unused`, `not_observable`, `used_not_granted` (taken away since, or granted by another policy), `refused` (only asked for), `grant_unknown`",
    ),
    Column::new("why", ColumnType::Text, "why nothing tells of it"),
    Column::new(
        "proposed_as",
        ColumnType::Text,
        "the `Sid` under which the proposal has it; null where it has not",
    ),
    Column::required("use_count", ColumnType::Int, "calls that came through"),
    Column::required(
        "not_granted_count",
        ColumnType::Int,
        "those of them that today's policies do not allow",
    ),
    Column::required("denied_count", ColumnType::Int, "calls that were refused"),
    Column::new(
        "first_used_at",
        ColumnType::Time,
        "the first that came through",
    ),
    Column::new("last_used_at", ColumnType::Time, "the last"),
    Column::new(
        "last_denied_at",
        ColumnType::Time,
        "the last that was refused",
    ),
    Column::required("who", ColumnType::TextList, "who made the calls"),
    Column::required(
        "granted_by",
        ColumnType::TextList,
        "policies and numbers of the statements that grant it today",
    ),
    Column::required(
        "is_conditional",
        ColumnType::Bool,
        "whether all of them have conditions",
    ),
    Column::required(
        "resource_arns",
        ColumnType::TextList,
        "on which resources, the first twenty",
    ),
    Column::new(
        "last_event_id",
        ColumnType::Text,
        "the last of all these calls",
    ),
];

/// What is granted and unused, by service.
const UNUSED: &[Column] = &[
    Column::required("service", ColumnType::Text, "the prefix of the actions"),
    Column::required("unused_actions", ColumnType::Int, "granted, and never used"),
    Column::required("granted_actions", ColumnType::Int, "granted"),
];

/// The statements of today.
const STATEMENTS: &[Column] = &[
    Column::required("policy", ColumnType::Text, "the policy in which it stands"),
    Column::required("statement", ColumnType::Int, "its number there, from 1"),
    Column::new("sid", ColumnType::Text, "its `Sid`"),
    Column::required("effect", ColumnType::Text, "`Allow` or `Deny`"),
    Column::required(
        "state",
        ColumnType::Text,
        "`used`, `unused`, `not_observable`, or `kept` for those that deny",
    ),
    Column::required(
        "granted_actions",
        ColumnType::Int,
        "how many actions of the catalogue it allows",
    ),
    Column::required(
        "used_actions",
        ColumnType::Int,
        "how many of them were used",
    ),
    Column::required(
        "is_conditional",
        ColumnType::Bool,
        "whether it has conditions",
    ),
];

/// The people behind a principal.
const PEOPLE_TABLE: &[Column] = &[
    Column::required("who", ColumnType::Text, "the person or workload"),
    Column::required("origin_kind", ColumnType::Text, "what they are"),
    Column::new("origin_id", ColumnType::Text, "their id"),
    Column::required("iam_action", ColumnType::Text, "the action"),
    Column::required("use_count", ColumnType::Int, "calls that came through"),
    Column::required("denied_count", ColumnType::Int, "calls that were refused"),
    Column::new("last_at", ColumnType::Time, "the last of all"),
    Column::required(
        "is_theirs_alone",
        ColumnType::Bool,
        "whether nobody else used it through this principal",
    ),
];

/// What proves each action.
const PROOFS: &[Column] = &[
    Column::required("iam_action", ColumnType::Text, "the action"),
    Column::new(
        "proposed_as",
        ColumnType::Text,
        "the `Sid` under which the proposal has it",
    ),
    Column::required("who", ColumnType::Text, "the person or workload"),
    Column::new("origin_id", ColumnType::Text, "their id"),
    Column::required("use_count", ColumnType::Int, "calls that came through"),
    Column::required("denied_count", ColumnType::Int, "calls that were refused"),
    Column::new("first_at", ColumnType::Time, "the first of all"),
    Column::new("last_at", ColumnType::Time, "the last of all"),
    Column::new("last_event_id", ColumnType::Text, "the last call"),
];

/// What the proposal says of the calls that were seen.
const REPLAY: &[Column] = &[
    Column::required(
        "verdict",
        ColumnType::Text,
        "`allowed`, `allowed_under_conditions` (those of today), `allowed_resource_unknown` (on the resources of today; the event does not name its own), `still_refused`, `refused_elsewhere` (another kind of policy refused it), `unmapped` (no action is known for it), `not_granted_today`, `would_be_refused`",
    ),
    Column::required("calls", ColumnType::Int, "how many calls"),
    Column::required(
        "actions",
        ColumnType::TextList,
        "their actions, the first twenty",
    ),
    Column::new("event_id", ColumnType::Text, "one of them"),
];

impl Rightsized {
    /// The rows of `ACTIONS`; those that are granted and say nothing of use only where they are asked for.
    pub fn actions(
        &self,
        name: &str,
        subjects: &[Subject<'_>],
        grants: &Grants,
        with_unused: bool,
    ) -> Result<RecordBatch, ArrowError> {
        let proposed = self.proposed_as();
        let statements = statements_of(subjects, grants);
        let mut rows = RowBuilder::new(ACTIONS);
        for (action, state) in &self.states {
            let says_nothing = match state {
                State::Unused => !self.seen.actions.contains_key(action.as_str()),
                State::NotObservable => !proposed.contains_key(action.as_str()),
                _ => false,
            };
            if says_nothing && !with_unused {
                continue;
            }
            let tally = self.seen.actions.get(action.as_str());
            let granting: Vec<_> = statements
                .iter()
                .filter(|(_, _, it)| it.effect == Effect::Allow && it.fits_action(action))
                .collect();
            let why = self.open.get(action).map(|open| why(open.why));
            let who: BTreeSet<&str> = tally
                .iter()
                .flat_map(|tally| tally.people.keys())
                .map(|it| it.who.as_str())
                .collect();
            rows.row()
                .text("principal", Some(name))
                .text("iam_action", Some(action))
                .text(
                    "access_level",
                    Some(level_of(action)).filter(|level| !level.is_empty()),
                )
                .text("state", Some(state.as_str()))
                .text("why", why.filter(|_| *state == State::NotObservable))
                .text("proposed_as", proposed.get(action.as_str()))
                .count("use_count", tally.map_or(0, |tally| tally.through))
                .count(
                    "not_granted_count",
                    tally.map_or(0, |tally| tally.not_granted),
                )
                .count("denied_count", tally.map_or(0, |tally| tally.refused))
                .time("first_used_at", tally.and_then(|tally| tally.first))
                .time("last_used_at", tally.and_then(|tally| tally.last))
                .time("last_denied_at", tally.and_then(|tally| tally.last_refused))
                .texts("who", who)
                .texts(
                    "granted_by",
                    granting
                        .iter()
                        .map(|(policy, number, _)| format!("{} #{number}", policy.source)),
                )
                .bool(
                    "is_conditional",
                    Some(
                        !granting.is_empty()
                            && granting.iter().all(|(_, _, it)| !it.condition.is_empty()),
                    ),
                )
                .texts(
                    "resource_arns",
                    tally.iter().flat_map(|tally| &tally.resources),
                )
                .text(
                    "last_event_id",
                    tally
                        .and_then(|tally| tally.last_event.as_ref())
                        .map(|(_, id)| id),
                );
        }
        rows.take()
    }

    /// Action → the `Sid` under which the proposal has it.
    fn proposed_as(&self) -> BTreeMap<&str, String> {
        let mut proposed = BTreeMap::new();
        let statements = self
            .proposal
            .policies()
            .iter()
            .flat_map(|policy| &policy.statements);
        for statement in statements.filter(|it| it.effect == Effect::Allow) {
            let Listed::These(actions) = &statement.actions else {
                continue;
            };
            for action in actions {
                proposed.entry(action.as_str()).or_insert_with(|| {
                    let sid = statement.sid.as_deref().unwrap_or_default();
                    sid.trim_end_matches(|c: char| c.is_ascii_digit())
                        .to_owned()
                });
            }
        }
        proposed
    }

    /// The rows of `UNUSED`.
    pub fn unused_services(&self) -> Result<RecordBatch, ArrowError> {
        let mut services: BTreeMap<&str, (u64, u64)> = BTreeMap::new();
        for action in self.granted.keys() {
            let service = action
                .split_once(':')
                .map_or(action.as_str(), |(service, _)| service);
            let (unused, granted) = services.entry(service).or_default();
            *granted += 1;
            *unused += u64::from(self.states.get(action) == Some(&State::Unused));
        }
        let mut rows = RowBuilder::new(UNUSED);
        for (service, (unused, granted)) in
            services.into_iter().filter(|(_, (unused, _))| *unused > 0)
        {
            rows.row()
                .text("service", Some(service))
                .count("unused_actions", unused)
                .count("granted_actions", granted);
        }
        rows.take()
    }

    /// The rows of `STATEMENTS`.
    pub fn statements(
        &self,
        subjects: &[Subject<'_>],
        grants: &Grants,
    ) -> Result<RecordBatch, ArrowError> {
        let mut rows = RowBuilder::new(STATEMENTS);
        for (policy, number, statement) in statements_of(subjects, grants) {
            let granted: Vec<_> = self
                .granted
                .keys()
                .filter(|action| speaks_of(statement, action))
                .collect();
            let state_of = |wanted: State| {
                granted
                    .iter()
                    .filter(|action| self.states.get(**action) == Some(&wanted))
                    .count()
            };
            let used = state_of(State::Used);
            let state = match statement.effect {
                Effect::Deny => "kept",
                Effect::Allow if used > 0 => "used",
                Effect::Allow if state_of(State::NotObservable) > 0 => "not_observable",
                Effect::Allow => "unused",
            };
            rows.row()
                .text("policy", Some(policy.source.to_string()))
                .count("statement", number as u64)
                .text("sid", statement.sid.as_ref())
                .text(
                    "effect",
                    Some(if statement.effect == Effect::Allow {
                        "Allow"
                    } else {
                        "Deny"
                    }),
                )
                .text("state", Some(state))
                .count("granted_actions", granted.len() as u64)
                .count("used_actions", used as u64)
                .bool("is_conditional", Some(!statement.condition.is_empty()));
        }
        rows.take()
    }

    /// The rows of `PEOPLE_TABLE`.
    pub fn people(&self) -> Result<RecordBatch, ArrowError> {
        let mut rows = RowBuilder::new(PEOPLE_TABLE);
        for (person, _) in &self.people {
            for (action, tally) in &self.seen.actions {
                let Some(own) = tally.people.get(person) else {
                    continue;
                };
                let users = tally.people.values().filter(|it| it.through > 0).count();
                rows.row()
                    .text("who", Some(&person.who))
                    .text("origin_kind", Some(&person.kind))
                    .text("origin_id", person.id.as_ref())
                    .text("iam_action", Some(action))
                    .count("use_count", own.through)
                    .count("denied_count", own.refused)
                    .time("last_at", Some(own.last))
                    .bool("is_theirs_alone", Some(own.through > 0 && users == 1));
            }
        }
        rows.take()
    }

    /// The rows of `PROOFS`.
    pub fn proofs(&self) -> Result<RecordBatch, ArrowError> {
        let proposed = self.proposed_as();
        let mut rows = RowBuilder::new(PROOFS);
        for (action, tally) in &self.seen.actions {
            for (person, own) in &tally.people {
                rows.row()
                    .text("iam_action", Some(action))
                    .text("proposed_as", proposed.get(action))
                    .text("who", Some(&person.who))
                    .text("origin_id", person.id.as_ref())
                    .count("use_count", own.through)
                    .count("denied_count", own.refused)
                    .time("first_at", Some(own.first))
                    .time("last_at", Some(own.last))
                    .text("last_event_id", Some(&own.event_id));
            }
        }
        rows.take()
    }

    /// How many granted actions the proposal leaves out.
    pub fn vanishing(&self) -> usize {
        let proposed = self.proposed_as();
        self.granted
            .keys()
            .filter(|action| !proposed.contains_key(action.as_str()))
            .count()
    }
}

/// The rows of `REPLAY`.
pub fn replay_rows(replay: &Replay<'_>) -> Result<RecordBatch, ArrowError> {
    let mut rows = RowBuilder::new(REPLAY);
    for verdict in Verdict::ALL {
        let count = replay.counts.get(&verdict).cloned().unwrap_or_default();
        rows.row()
            .text("verdict", Some(verdict.as_str()))
            .count("calls", count.calls)
            .texts("actions", count.actions.iter().take(20))
            .text("event_id", Some(count.event_id).filter(|id| !id.is_empty()));
    }
    rows.take()
}

type Standing<'g> = (&'g GrantedPolicy, usize, &'g Statement);

fn statements_of<'g>(subjects: &[Subject<'g>], grants: &'g Grants) -> Vec<Standing<'g>> {
    let mut all: Vec<Standing<'g>> = Vec::new();
    let own = subjects
        .iter()
        .filter_map(|subject| subject.principal)
        .flat_map(|principal| &principal.policies);
    for granted in own.chain(&grants.loose) {
        for (at, statement) in granted.policy.statements.iter().enumerate() {
            let is_there = |(other, number, _): &Standing<'_>| {
                other.source == granted.source && *number == at + 1
            };
            if !all.iter().any(is_there) {
                all.push((granted, at + 1, statement));
            }
        }
    }
    all
}

fn speaks_of(statement: &Statement, action: &str) -> bool {
    // An action that the catalogue does not have is written out in the statement that grants it.
    statement.fits_action(action)
        || statement
            .actions
            .patterns()
            .iter()
            .any(|it| fits_action(it, action) && matches!(statement.actions, Listed::These(_)))
}

fn why(unlogged: Option<Unlogged>) -> &'static str {
    match unlogged {
        None => "the catalogue of actions does not have it",
        Some(Unlogged::DataEvent) => {
            "its calls are data events, and none of them is in the logs of the account"
        }
        Some(Unlogged::Never) => "CloudTrail does not log it",
        Some(Unlogged::NoCall) => "no API call is known that needs it",
    }
}
