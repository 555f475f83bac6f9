//! Who stands beside an origin: who made the workload, user or key, and who reached into the machine.
//!
//! Neither is ever the origin: a person who launched an instance did not make the calls of its programs.

use std::collections::{BTreeSet, HashMap};

use super::columns::Deeds;
use super::facts::Facts;
use super::link::SECOND;
use super::nodes::Node;
use super::origin::OriginKind;
use super::walk::{Verdict, root_first};
use crate::iam::is_long_lived;

/// A workload's first credentials may be recorded a little before the call that made it.
pub(super) const SKEW: i64 = 5 * SECOND;
/// A shell may have been opened this long before the session in which its commands were run.
const LONGEST_SHELL: i64 = 12 * 3600 * SECOND;

/// Who made what a session belongs to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Maker {
    pub(super) origin_id: Option<String>,
    pub(super) event_id: Option<String>,
}

/// What was made, and what was reached into, with the verdict on whoever did it.
pub(super) struct Doers<'a> {
    facts: &'a Facts,
    nodes: &'a [Node<'a>],
    verdicts: &'a [Verdict],
    made: HashMap<&'a str, Vec<usize>>,
    made_by_request: HashMap<&'a str, Vec<usize>>,
    /// Role and service → the calls of that service that gave the role away.
    given: HashMap<(&'a str, &'a str), Vec<usize>>,
    /// What was made in several regions under one name → region → the calls there.
    regions: HashMap<&'a str, HashMap<&'a str, Vec<usize>>>,
    reached: HashMap<&'a str, Vec<usize>>,
    index: HashMap<&'a str, usize>,
}

impl<'a> Doers<'a> {
    pub(super) fn new(facts: &'a Facts, nodes: &'a [Node<'a>], verdicts: &'a [Verdict]) -> Self {
        let by_request = |row: &usize| {
            facts.told.deployments.event_source.get(*row) == Some("ec2.amazonaws.com")
        };
        let mut made_by_request: HashMap<&str, Vec<usize>> = HashMap::new();
        for row in (0..facts.told.deployments.len).filter(by_request) {
            if let Some(request) = facts.told.deployments.request_id.get(row) {
                made_by_request.entry(request).or_default().push(row);
            }
        }
        let made = by_target(&facts.told.deployments);
        let regions = made.iter().filter_map(|(name, rows)| {
            let regions = by_region(&facts.told.deployments, rows);
            (regions.len() > 1).then_some((*name, regions))
        });
        let regions = regions.collect();
        let mut given: HashMap<(&str, &str), Vec<usize>> = HashMap::new();
        for (role, rows) in made.iter().filter(|(target, _)| target.contains(":role/")) {
            for row in rows {
                if let Some(service) = facts.told.deployments.event_source.get(*row) {
                    given.entry((*role, service)).or_default().push(*row);
                }
            }
        }
        Self {
            facts,
            nodes,
            verdicts,
            made,
            given,
            regions,
            made_by_request,
            reached: by_target(&facts.told.operations),
            index: nodes
                .iter()
                .enumerate()
                .map(|(at, node)| (node.id.as_ref(), at))
                .collect(),
        }
    }

    /// The makers of all sessions; one that is taken from another session of the same origin has that one's maker.
    pub(super) fn makers(&self) -> Vec<Maker> {
        let mut makers: Vec<Maker> = vec![Maker::default(); self.nodes.len()];
        for at in root_first(self.verdicts) {
            let inherited = || {
                let parent = self.verdicts.get(at)?.parent?;
                let maker = self
                    .is_of_one_origin(at, parent)
                    .then(|| makers.get(parent));
                maker.flatten().cloned()
            };
            let settled = || self.settled_maker(at);
            let maker = settled().or_else(|| self.maker_of(at).or_else(inherited));
            if let (Some(slot), Some(maker)) = (makers.get_mut(at), maker) {
                *slot = maker;
            }
        }
        makers
    }

    /// The maker of a session that is not worked out anew.
    fn settled_maker(&self, at: usize) -> Option<Maker> {
        let _reached = self.facts.reached.as_ref()?;
        self.nodes.get(at)?.settled_maker.clone()
    }

    /// The verdict on a session that was in use at this time.
    fn verdict_on(&self, session_id: &str, time: Option<i64>) -> Option<&Verdict> {
        let place = self.index.get(session_id).copied();
        if let (None, Some(reached)) = (place, &self.facts.reached) {
            reached.strangers.add(session_id, time.unwrap_or_default());
        }
        self.verdicts.get(place?)
    }

    fn is_of_one_origin(&self, a: usize, b: usize) -> bool {
        let pair = self.verdicts.get(a).zip(self.verdicts.get(b));
        pair.is_some_and(|(a, b)| a.origin.is_same(&b.origin))
    }

    /// The last call before the session that made what the session itself shows.
    fn maker_of(&self, at: usize) -> Option<Maker> {
        let (node, verdict) = (self.nodes.get(at)?, self.verdicts.get(at)?);
        let origin = &verdict.origin;
        let role = || verdict.chain.iter().next();
        let id = origin.id.as_deref();
        let made = |target: &str| self.maker(at, self.made.get(target)?);
        match origin.kind {
            OriginKind::Ec2Instance => made(id?).or_else(|| self.maker_by_request(at, node)),
            OriginKind::LambdaFunction => self.maker(at, self.function(at, id?)?),
            OriginKind::EksPod => made(id?),
            OriginKind::EcsTask => {
                made(id?).or_else(|| self.giver(at, "ecs.amazonaws.com", role()?))
            }
            OriginKind::RolesAnywhere => made(origin.provider.as_deref()?),
            // A build or a database by its own id, else the role that the service was given.
            OriginKind::AwsService => origin
                .name
                .as_deref()
                .and_then(made)
                .or_else(|| self.giver(at, id?, role()?)),
            OriginKind::IamUser if node.role_arn.is_none() => {
                let keys = node
                    .used
                    .map(|row| self.facts.uses.access_key_ids.iter(row));
                let of_key = keys
                    .into_iter()
                    .flatten()
                    .filter(|key| is_long_lived(key))
                    .find_map(made)
                    // Whoever makes a key for himself is no maker of himself.
                    .filter(|maker| maker.origin_id != origin.id);
                of_key.or_else(|| made(node.persona.id.as_deref()?))
            }
            _ => None,
        }
    }

    /// Whoever gave a service this role last: by that service's own call, or IAM's for a role that is linked to it.
    fn giver(&self, at: usize, service: &str, role: &str) -> Option<Maker> {
        let of = |service| self.last_before(at, self.given.get(&(role, service))?);
        self.maker_in(of(service).max(of("iam.amazonaws.com"))?)
    }

    /// A function's name stands for another function in another region; where there are several, AWS must say which.
    fn function(&self, at: usize, name: &str) -> Option<&[usize]> {
        let Some(regions) = self.regions.get(name) else {
            return self.made.get(name).map(Vec::as_slice);
        };
        let used = self.nodes.get(at)?.used?;
        let uses = &self.facts.uses;
        let issued_to = uses.in_scope_of_credentials_issued_to.get(used)?;
        let region = issued_to.split(':').nth(3)?;
        regions.get(region).map(Vec::as_slice)
    }

    /// The launch whose request handed out an instance's first credentials.
    fn maker_by_request(&self, at: usize, node: &Node<'_>) -> Option<Maker> {
        let request = self.facts.issues.request_id.get(*node.issues.first()?)?;
        self.maker(at, self.made_by_request.get(request)?)
    }

    fn maker(&self, at: usize, rows: &[usize]) -> Option<Maker> {
        self.maker_in(self.last_before(at, rows)?)
    }

    /// The last of these calls before a session, in the account of its origin.
    fn last_before(&self, at: usize, rows: &[usize]) -> Option<usize> {
        let deployments = &self.facts.told.deployments;
        let account = self.account_of(at);
        let before = until(deployments, rows, self.began(at)? + SKEW);
        let mut rows = rows.iter().take(before).rev().copied();
        rows.find(|row| account.is_none() || deployments.account_id.get(*row) == account)
    }

    fn maker_in(&self, row: usize) -> Option<Maker> {
        let deployments = &self.facts.told.deployments;
        let by = deployments.session_id.get(row)?;
        let origin = &self.verdict_on(by, deployments.event_time.get(row))?.origin;
        Some(Maker {
            origin_id: origin.id.clone(),
            event_id: deployments.event_id.get(row).map(str::to_owned),
        })
    }

    fn account_of(&self, at: usize) -> Option<&str> {
        self.verdicts.get(at)?.origin.account_id.as_deref()
    }

    fn began(&self, at: usize) -> Option<i64> {
        let node = self.nodes.get(at)?;
        let uses = &self.facts.uses;
        node.used
            .and_then(|row| uses.creation_date.get(row).or(uses.first_used_at.get(row)))
            .or_else(|| self.facts.issues.event_time.get(*node.issues.first()?))
    }

    /// The people who opened a shell on a session's machine before or while it was used.
    pub(super) fn operators(&self, at: usize) -> BTreeSet<String> {
        let Some(verdict) = self.verdicts.get(at).filter(|verdict| {
            matches!(
                verdict.origin.kind,
                OriginKind::Ec2Instance | OriginKind::EcsTask
            )
        }) else {
            return BTreeSet::new();
        };
        let began = self.began(at);
        let last = self
            .nodes
            .get(at)
            .and_then(|node| self.facts.uses.last_used_at.get(node.used?));
        let (Some(id), Some(began), Some(last)) = (verdict.origin.id.as_deref(), began, last)
        else {
            return BTreeSet::new();
        };
        let operations = &self.facts.told.operations;
        let rows = self.reached.get(id).map_or(&[][..], Vec::as_slice);
        let from = until(operations, rows, began - LONGEST_SHELL - 1);
        let rows = rows.iter().take(until(operations, rows, last)).skip(from);
        rows.filter_map(|row| {
            let by = operations.session_id.get(*row)?;
            let verdict = self.verdict_on(by, operations.event_time.get(*row))?;
            verdict.origin.id.clone()
        })
        .collect()
    }
}

/// How many of these rows, which are in the order of time, are not later than `time`.
fn until(deeds: &Deeds, rows: &[usize], time: i64) -> usize {
    rows.partition_point(|row| deeds.event_time.get(*row).is_some_and(|at| at <= time))
}

fn by_region<'d>(deeds: &'d Deeds, rows: &[usize]) -> HashMap<&'d str, Vec<usize>> {
    let mut regions: HashMap<&str, Vec<usize>> = HashMap::new();
    for row in rows {
        let region = deeds.aws_region.get(*row).unwrap_or_default();
        regions.entry(region).or_default().push(*row);
    }
    regions
}

fn by_target(deeds: &Deeds) -> HashMap<&str, Vec<usize>> {
    let mut rows: HashMap<&str, Vec<usize>> = HashMap::new();
    for row in 0..deeds.len {
        if let Some(target) = deeds.target_id.get(row) {
            rows.entry(target).or_default().push(row);
        }
    }
    rows
}
