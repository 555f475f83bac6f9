//! From sessions that came out otherwise than they were stored to those whose verdicts rest on them.

use std::collections::{HashMap, HashSet};

use super::super::kept::KeptRows;
use super::super::nodes::LONGEST_CONSOLE;
use super::super::told::Told;
use super::super::write::SessionRow;
use super::keys::Key;
use super::{Calls, Reach};

/// Which sessions ask for a session in whose place another one made a call, by the session asked for.
pub(in super::super) struct Pairs<'a>(HashMap<&'a str, Vec<&'a str>>);

impl<'a> Pairs<'a> {
    pub(in super::super) fn new(told: &'a Told) -> Self {
        let mut asked: HashMap<&str, Vec<&str>> = HashMap::new();
        for (session, pairs) in told.twins.iter().chain(&told.forwarded) {
            for pair in pairs {
                asked.entry(&pair.session_id).or_default().push(session);
            }
        }
        Self(asked)
    }
}

impl Reach<'_> {
    /// Reaches whoever is held against the calls that are reached so far, since their caller is the same.
    pub(in super::super) fn pair(&mut self, pairs: &Pairs<'_>) {
        for caller in self.callers().keys() {
            for session in pairs.0.get(caller.as_str()).into_iter().flatten() {
                self.calls_of(session);
            }
        }
    }

    /// Reaches whoever rests on a session that is not as it was; false where everything is to be worked out anew.
    pub(in super::super) fn spread(
        &mut self,
        before: &KeptRows,
        now: &KeptRows,
        told: &Told,
        pairs: &Pairs<'_>,
    ) -> bool {
        let mut gone: HashMap<&str, &SessionRow> =
            before.iter().map(|row| (row.id.as_str(), row)).collect();
        let mut other_origins: Vec<&str> = Vec::new();
        for row in now.iter() {
            let was = gone.remove(row.id.as_str());
            match was {
                Some(was) if is_alike(was, row) => {
                    if end_of(was) != end_of(row) {
                        self.lived(row);
                    }
                }
                was => {
                    if was.is_some_and(|was| was.verdict.origin != row.verdict.origin) {
                        other_origins.push(&row.id);
                    }
                    self.other(row, pairs);
                }
            }
        }
        for row in gone.values() {
            other_origins.push(&row.id);
            self.other(row, pairs);
        }
        // Whatever they made may be theirs no more.
        if other_origins.is_empty() {
            return true;
        }
        let doers: HashSet<&str> = [&told.deployments, &told.operations]
            .into_iter()
            .flat_map(|deeds| (0..deeds.len).filter_map(|row| deeds.session_id.get(row)))
            .collect();
        !other_origins.iter().any(|id| doers.contains(id))
    }

    fn lived(&mut self, row: &SessionRow) {
        let principal = self.sessions.get(&row.id).cloned().flatten();
        if let Some(principal) = principal {
            self.keys.meet(&Key::Lived(&principal));
        }
    }

    /// Another verdict than before: on whoever it called for, and whoever took roles from it.
    fn other(&mut self, row: &SessionRow, pairs: &Pairs<'_>) {
        self.lived(row);
        self.calls_of(&row.id);
        for session in pairs.0.get(row.id.as_str()).into_iter().flatten() {
            self.keys.meet(&Key::Session(session));
        }
        let switches = row.session_arn.as_deref().zip(row.created_at);
        let switches = switches.map_or_else(Vec::new, |(arn, created)| {
            let time = |row: &usize| self.calls.issuances.issues.event_time.get(*row);
            let switches = self.calls.switches_from(arn).iter().copied();
            let life = created..=created + LONGEST_CONSOLE;
            let switches = switches.filter(|row| time(row).is_some_and(|at| life.contains(&at)));
            switches.collect()
        });
        for call in switches {
            self.call(call);
        }
        for (account, role) in self.calls.web_roles_of(&row.id) {
            self.keys.meet(&Key::WebRole(account, role));
        }
    }
}

impl<'a> Calls<'a> {
    /// The roles that a session took by a web identity.
    fn web_roles_of(&self, session: &str) -> Vec<super::calls::Role<'a>> {
        let calls = self.issuances.by_session(session);
        let roles = calls.filter_map(|call| {
            let made = self.issuances.issued.get(call)?;
            let name = self.issuances.issues.event_name.get(call)?;
            let (role, _) = made.role_session?;
            (name == "AssumeRoleWithWebIdentity").then_some((made.account_id?, role))
        });
        roles.collect()
    }
}

/// Whether both say the same to those whose verdicts rest on it.
fn is_alike(was: &SessionRow, now: &SessionRow) -> bool {
    was.verdict == now.verdict
        && was.persona == now.persona
        && was.chain_started_at == now.chain_started_at
        && was.maker == now.maker
        && was.role_arn == now.role_arn
        && was.session_arn == now.session_arn
        && was.created_at == now.created_at
}

/// What tells until when a session lived.
fn end_of(row: &SessionRow) -> (Option<i64>, Option<i64>) {
    (row.expires_at, row.last_used_at)
}
