//! Walks from every session to its origin, through chains of any length.
//!
//! Each session is settled once and remembers its verdict, so that a chain of a thousand hops costs a
//! thousand steps. The walk keeps its own stack; a loop, which only bad data can make, ends it cleanly.

use std::borrow::{Borrow, Cow};
use std::sync::Arc;

use super::origin::Origin;
use super::verdict::{Confidence, UnresolvedReason};

/// How many role ARNs a chain shows at each end when it is too long to show whole.
const CHAIN_END: usize = 64;

/// One possible way a session came about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Candidate {
    /// The caller's session, where it is known.
    pub(super) parent: Option<usize>,
    /// The origin, where something else than the caller's session names it.
    pub(super) origin: Option<Arc<Origin>>,
    /// A role that the caller had taken in a session that the logs do not show.
    pub(super) taken: Option<Arc<str>>,
}

/// What is known of one session before the walk.
#[derive(Debug, Clone)]
pub(super) enum Start {
    /// Its own records name the origin.
    Origin(Arc<Origin>),
    /// Its caller is in an account that is not in the logs.
    External(Arc<Origin>),
    /// It was issued by one of these, or is another view of one of these.
    Tied {
        candidates: Vec<Candidate>,
        confidence: Confidence,
        /// Credentials that this session adds to the chain.
        hops: u32,
        /// The role it adds to the chain.
        role: Option<Arc<str>>,
        /// What is missing in the logs, although the origin is named.
        missing: Option<UnresolvedReason>,
    },
    /// It was settled when more was known; some of that was pruned since.
    Kept(Box<Verdict>),
    /// Nothing says how it came about; it is in use, so its role is known.
    Unknown {
        reason: UnresolvedReason,
        hops: u32,
        role: Option<Arc<str>>,
    },
}

/// What the walk finds out about one session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Verdict {
    pub(super) origin: Arc<Origin>,
    pub(super) confidence: Confidence,
    pub(super) parent: Option<usize>,
    pub(super) hop_count: u32,
    pub(super) chain: Chain,
    pub(super) reason: Option<UnresolvedReason>,
}

/// Role ARNs from the first hop on; the first and the last 64 where there are more than 128.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Chain {
    roles: Vec<Arc<str>>,
    pub(super) truncated: bool,
}

impl Chain {
    pub(super) fn iter(&self) -> impl Iterator<Item = &str> {
        self.roles.iter().map(AsRef::as_ref)
    }

    /// A chain that was worked out before.
    pub(super) fn of(roles: Vec<String>, truncated: bool) -> Self {
        Self {
            roles: roles.into_iter().map(Arc::from).collect(),
            truncated,
        }
    }

    fn with(&self, role: Option<&Arc<str>>) -> Self {
        let Some(role) = role else {
            return self.clone();
        };
        // No more room than needed: most chains are short, and there is one for each session.
        let mut roles = Vec::with_capacity(self.roles.len() + 1);
        roles.extend(self.roles.iter().chain([role]).cloned());
        let is_too_long = roles.len() > 2 * CHAIN_END;
        if is_too_long {
            roles.remove(CHAIN_END);
        }
        Self {
            roles,
            truncated: self.truncated || is_too_long,
        }
    }
}

/// Settles every session.
pub(super) fn walk<S: Borrow<Start>>(starts: &[S]) -> Vec<Verdict> {
    let mut verdicts: Vec<Option<Verdict>> = vec![None; starts.len()];
    let mut on_path = vec![false; starts.len()];
    let mut stack: Vec<usize> = Vec::new();
    for first in 0..starts.len() {
        stack.push(first);
        while let Some(&at) = stack.last() {
            let settled = verdicts.get(at).is_none_or(Option::is_some);
            let Some(start) = starts.get(at).filter(|_| !settled) else {
                stack.pop();
                continue;
            };
            let start = start.borrow();
            mark(&mut on_path, at, true);
            let open =
                parents(start).find(|parent| verdicts.get(*parent).is_some_and(Option::is_none));
            match open {
                Some(parent) if on_path.get(parent) == Some(&true) => {
                    // The loop is cut here: this session's caller would be its own descendant.
                    let verdict = without(start, parent).map_or_else(
                        || cut(start),
                        |rest| settle(&rest, &|at| verdicts.get(at)?.as_ref()),
                    );
                    set(&mut verdicts, at, verdict);
                }
                Some(parent) => {
                    stack.push(parent);
                    continue;
                }
                None => {
                    let verdict = settle(start, &|at| verdicts.get(at)?.as_ref());
                    set(&mut verdicts, at, verdict);
                }
            }
            mark(&mut on_path, at, false);
            stack.pop();
        }
    }
    verdicts
        .into_iter()
        .map(|verdict| verdict.unwrap_or_else(lost))
        .collect()
}

/// The verdict that a start gives by itself, where all others are settled as they are.
pub(super) fn walk_one(start: &Start, verdicts: &[Verdict]) -> Verdict {
    settle(start, &|at| verdicts.get(at))
}

/// The places of the verdicts in an order in which every parent comes before its children.
pub(super) fn root_first(verdicts: &[Verdict]) -> Vec<usize> {
    let mut order = Vec::with_capacity(verdicts.len());
    let mut seen = vec![false; verdicts.len()];
    for first in 0..verdicts.len() {
        let mut path = Vec::new();
        let mut next = Some(first);
        while let Some(at) = next.filter(|at| seen.get(*at) == Some(&false)) {
            mark(&mut seen, at, true);
            path.push(at);
            next = verdicts.get(at).and_then(|verdict| verdict.parent);
        }
        order.extend(path.into_iter().rev());
    }
    order
}

fn parents(start: &Start) -> impl Iterator<Item = usize> + '_ {
    let candidates: &[Candidate] = match start {
        Start::Tied { candidates, .. } => candidates,
        Start::Origin(_) | Start::External(_) | Start::Kept(_) | Start::Unknown { .. } => &[],
    };
    // A candidate that names its origin needs no walk.
    candidates
        .iter()
        .filter(|candidate| candidate.origin.is_none())
        .filter_map(|candidate| candidate.parent)
}

fn mark(flags: &mut [bool], at: usize, value: bool) {
    if let Some(flag) = flags.get_mut(at) {
        *flag = value;
    }
}

fn set(verdicts: &mut [Option<Verdict>], at: usize, verdict: Verdict) {
    if let Some(slot) = verdicts.get_mut(at) {
        *slot = Some(verdict);
    }
}

fn lost() -> Verdict {
    unresolved(
        Confidence::Unresolved,
        UnresolvedReason::Lost,
        0,
        Chain::default(),
    )
}

fn unresolved(
    confidence: Confidence,
    reason: UnresolvedReason,
    hop_count: u32,
    chain: Chain,
) -> Verdict {
    Verdict {
        origin: Arc::new(Origin::unresolved()),
        confidence,
        parent: None,
        hop_count,
        chain,
        reason: Some(reason),
    }
}

/// The same session without the candidate that would make a loop, where others are left that are settled.
fn without(start: &Start, looping: usize) -> Option<Start> {
    let mut rest = start.clone();
    let Start::Tied { candidates, .. } = &mut rest else {
        return None;
    };
    candidates.retain(|candidate| candidate.origin.is_some() || candidate.parent != Some(looping));
    (!candidates.is_empty()).then_some(rest)
}

fn cut(start: &Start) -> Verdict {
    let (hops, role) = match start {
        Start::Tied { hops, role, .. } | Start::Unknown { hops, role, .. } => {
            (*hops, role.as_ref())
        }
        Start::Origin(_) | Start::External(_) | Start::Kept(_) => (0, None),
    };
    let chain = Chain::default().with(role);
    unresolved(Confidence::Unresolved, UnresolvedReason::Lost, hops, chain)
}

fn settle<'v>(start: &Start, settled: &dyn Fn(usize) -> Option<&'v Verdict>) -> Verdict {
    match start {
        Start::Origin(origin) => named(origin),
        Start::Kept(verdict) => verdict.as_ref().clone(),
        // What is certain is the account; that its logs are missing is told, and lowers nothing.
        Start::External(origin) => Verdict {
            reason: Some(UnresolvedReason::CrossAccountNotCollected),
            ..named(origin)
        },
        Start::Unknown { reason, hops, role } => {
            let chain = Chain::default().with(role.as_ref());
            unresolved(Confidence::Unresolved, *reason, *hops, chain)
        }
        Start::Tied {
            candidates,
            confidence,
            hops,
            role,
            missing,
        } => {
            let callers: Vec<Cow<'_, Verdict>> = candidates
                .iter()
                .map(|candidate| caller(candidate, settled))
                .collect();
            let verdict = tied(candidates, &callers, *confidence, *hops, role.as_ref());
            Verdict {
                reason: verdict.reason.or(*missing),
                ..verdict
            }
        }
    }
}

fn named(origin: &Arc<Origin>) -> Verdict {
    Verdict {
        origin: Arc::clone(origin),
        confidence: Confidence::Exact,
        parent: None,
        hop_count: 0,
        chain: Chain::default(),
        reason: None,
    }
}

/// The verdict on the caller of one candidate.
fn caller<'v>(
    candidate: &Candidate,
    settled: &dyn Fn(usize) -> Option<&'v Verdict>,
) -> Cow<'v, Verdict> {
    match &candidate.origin {
        Some(origin) => Cow::Owned(match &candidate.taken {
            Some(role) => Verdict {
                hop_count: 1,
                chain: Chain::default().with(Some(role)),
                ..named(origin)
            },
            None => named(origin),
        }),
        None => candidate
            .parent
            .and_then(settled)
            .map_or_else(|| Cow::Owned(lost()), Cow::Borrowed),
    }
}

fn tied(
    candidates: &[Candidate],
    callers: &[Cow<'_, Verdict>],
    confidence: Confidence,
    hops: u32,
    role: Option<&Arc<str>>,
) -> Verdict {
    let Some(first) = callers.first() else {
        return lost();
    };
    // Somebody unknown is never the same as anybody.
    let unknown = Candidate {
        parent: None,
        origin: None,
        taken: None,
    };
    let one_caller = candidates.windows(2).all(|pair| match pair {
        [a, b] => a == b && *a != unknown,
        _ => true,
    });
    let one_origin = first.origin.id.is_some()
        && callers
            .iter()
            .all(|caller| caller.origin.is_same(&first.origin));
    if !(one_caller || one_origin) {
        let chain = Chain::default().with(role);
        return unresolved(Confidence::Ambiguous, UnresolvedReason::Lost, hops, chain);
    }
    // Several calls by one origin: who is certain, which of the calls is not.
    let single = candidates.len() == 1;
    let confidence = if single {
        confidence
    } else {
        confidence.min(Confidence::Strong)
    };
    let nearest = callers
        .iter()
        .min_by_key(|caller| caller.hop_count)
        .unwrap_or(first);
    Verdict {
        origin: Arc::clone(&nearest.origin),
        confidence: callers
            .iter()
            .fold(confidence, |least, caller| least.min(caller.confidence)),
        parent: candidates
            .first()
            .filter(|_| single)
            .and_then(|candidate| candidate.parent),
        hop_count: nearest.hop_count.saturating_add(hops),
        chain: nearest.chain.with(role),
        reason: nearest.reason,
    }
}

#[cfg(test)]
mod tests {
    use super::super::origin::OriginKind;
    use super::*;

    fn origin(id: &str) -> Origin {
        Origin {
            kind: OriginKind::IamUser,
            id: Some(id.to_owned()),
            name: None,
            account_id: None,
            provider: None,
        }
    }

    fn tied_to(parents: &[usize], role: &str) -> Start {
        Start::Tied {
            candidates: parents
                .iter()
                .map(|&parent| Candidate {
                    parent: Some(parent),
                    origin: None,
                    taken: None,
                })
                .collect(),
            confidence: Confidence::Exact,
            hops: 1,
            role: Some(Arc::from(role)),
            missing: None,
        }
    }

    #[test]
    fn a_chain_of_a_thousand_hops_ends_at_its_first_caller() {
        let mut starts: Vec<Start> = (0..1000)
            .map(|at| tied_to(&[at + 1], if at % 2 == 0 { "a" } else { "b" }))
            .collect();
        starts.push(Start::Origin(Arc::new(origin("alice"))));
        let verdicts = walk(&starts);
        assert_eq!(verdicts[0].origin.id.as_deref(), Some("alice"));
        assert_eq!(verdicts[0].hop_count, 1000);
        assert_eq!(verdicts[0].confidence, Confidence::Exact);
        assert!(verdicts[0].chain.truncated);
        let chain: Vec<_> = verdicts[0].chain.iter().collect();
        assert_eq!(chain.len(), 128);
        // 999 is the first hop, 0 the last.
        assert_eq!((chain[0], chain[127]), ("b", "a"));
        let short: Vec<_> = verdicts[998].chain.iter().collect();
        assert_eq!(short, ["b", "a"]);
    }

    #[test]
    fn a_loop_is_cut_and_everything_is_settled() {
        let starts = [tied_to(&[1], "a"), tied_to(&[2], "b"), tied_to(&[0], "c")];
        for verdict in walk(&starts) {
            assert_eq!(verdict.origin.kind, OriginKind::Unresolved);
            assert_eq!(verdict.reason, Some(UnresolvedReason::Lost));
        }
        assert_eq!(
            walk(&[tied_to(&[0], "a")])[0].origin.kind,
            OriginKind::Unresolved
        );
    }

    #[test]
    fn several_candidates_of_one_origin_keep_it_and_others_are_ambiguous() {
        let starts = [
            tied_to(&[2, 3], "a"),
            tied_to(&[2, 4], "a"),
            Start::Origin(Arc::new(origin("alice"))),
            Start::Origin(Arc::new(origin("alice"))),
            Start::Origin(Arc::new(origin("bob"))),
        ];
        let verdicts = walk(&starts);
        assert_eq!(verdicts[0].origin.id.as_deref(), Some("alice"));
        assert_eq!(verdicts[0].confidence, Confidence::Strong);
        assert_eq!(verdicts[0].parent, None);
        assert_eq!(verdicts[1].origin.kind, OriginKind::Unresolved);
        assert_eq!(verdicts[1].confidence, Confidence::Ambiguous);
    }
}
