//! Keeps policies within IAM's quotas, by splitting and never by allowing more.
//!
//! Source: IAM User Guide, "IAM and AWS STS quotas".

use crate::policies::{Listed, Policy, Statement};

/// Where a policy will stand, which says how long it may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Home {
    /// Managed policies of 6,144 characters; a role may have ten, and twenty on request.
    Managed,
    /// The one inline policy of a permission set, of 32,768 characters.
    PermissionSet,
}

impl Home {
    /// How many characters one policy may have.
    pub fn most_characters(self) -> usize {
        match self {
            Self::Managed => 6_144,
            Self::PermissionSet => 32_768,
        }
    }

    /// How many policies there may be.
    pub fn most_policies(self) -> usize {
        match self {
            Self::Managed => 20,
            Self::PermissionSet => 1,
        }
    }
}

/// Why statements do not fit.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TooLarge {
    /// They need more policies than there may be.
    #[error(
        "{needed} policies of {most_characters} characters would be needed, and there may be {most}"
    )]
    Policies {
        /// How many would be needed.
        needed: usize,
        /// How many there may be.
        most: usize,
        /// How long each may be.
        most_characters: usize,
    },
    /// One action on one resource is too long by itself.
    #[error("a statement of one action on one resource has more than {0} characters")]
    Statement(usize),
}

/// Puts statements into as few policies as their order allows.
pub fn fit(statements: Vec<Statement>, home: Home) -> Result<Vec<Policy>, TooLarge> {
    let most = home.most_characters();
    let mut pieces = Vec::new();
    for statement in statements {
        halve(statement, most, &mut pieces)?;
    }
    let empty = policy(Vec::new()).size();
    let mut policies: Vec<Policy> = Vec::new();
    let mut size = usize::MAX;
    for piece in pieces {
        // One more for the comma between two statements.
        let more = policy(vec![piece.clone()]).size() - empty + 1;
        match policies.last_mut() {
            Some(last) if size.saturating_add(more) <= most => {
                last.statements.push(piece);
                size += more;
            }
            _ => {
                policies.push(policy(vec![piece]));
                size = empty + more;
            }
        }
    }
    if policies.len() > home.most_policies() {
        return Err(TooLarge::Policies {
            needed: policies.len(),
            most: home.most_policies(),
            most_characters: most,
        });
    }
    for policy in &mut policies {
        number_sids(policy);
    }
    Ok(policies)
}

fn policy(statements: Vec<Statement>) -> Policy {
    Policy {
        has_variables: true,
        statements,
    }
}

/// Splits a statement until each piece fits a policy of its own: by actions, then by resources. What all but a list is about cannot
/// be split without allowing more.
fn halve(statement: Statement, most: usize, pieces: &mut Vec<Statement>) -> Result<(), TooLarge> {
    // Room for the number that its `Sid` gets.
    if policy(vec![statement.clone()]).size() + 4 <= most {
        pieces.push(statement);
        return Ok(());
    }
    // The longer list is split: the other one stands in both halves.
    let length = |list: &Listed| list.patterns().iter().map(String::len).sum::<usize>();
    let resources = statement.resources.as_ref();
    let actions_first =
        resources.is_none_or(|resources| length(&statement.actions) >= length(resources));
    for of_actions in [actions_first, !actions_first] {
        let list = if of_actions {
            Some(&statement.actions)
        } else {
            resources
        };
        let Some(Listed::These(list)) = list else {
            continue;
        };
        let (first, second) = list.split_at_checked(list.len() / 2).unwrap_or_default();
        if first.is_empty() {
            continue;
        }
        for half in [first, second] {
            let mut piece = statement.clone();
            let half = Listed::These(half.to_vec());
            if of_actions {
                piece.actions = half;
            } else {
                piece.resources = Some(half);
            }
            halve(piece, most, pieces)?;
        }
        return Ok(());
    }
    Err(TooLarge::Statement(most))
}

/// A `Sid` may stand once in a policy and have letters and digits alone.
fn number_sids(policy: &mut Policy) {
    let mut taken = std::collections::BTreeSet::<String>::new();
    for statement in &mut policy.statements {
        let plain = statement.sid.as_deref().unwrap_or("Statement");
        let plain: String = plain
            .chars()
            .filter(char::is_ascii_alphanumeric)
            .take(48)
            .collect();
        let numbered = (2..).map(|count| format!("{plain}{count}"));
        let free = std::iter::once(plain.clone())
            .chain(numbered)
            .find(|sid| !taken.contains(sid));
        if let Some(sid) = free {
            taken.insert(sid.clone());
            statement.sid = Some(sid);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policies::{Condition, Decision, Effect, decide};

    fn statement(actions: usize, resources: usize) -> Statement {
        let texts = |count: usize, begin: &str| -> Vec<String> {
            (0..count).map(|n| format!("{begin}{n}")).collect()
        };
        Statement {
            sid: Some("Used".to_owned()),
            effect: Effect::Allow,
            actions: Listed::These(texts(actions, "s3:ActionOfSomeLength")),
            resources: Some(Listed::These(texts(
                resources,
                "arn:aws:s3:::bucket-of-some-length-",
            ))),
            principals: Vec::new(),
            all_but_principals: false,
            condition: Condition::new(),
        }
    }

    #[test]
    fn what_is_too_long_is_split_and_allows_the_same() {
        let whole = statement(40, 300);
        let mut other = statement(1, 1);
        other.sid = Some("Used2".to_owned());
        let policies = fit(vec![whole.clone(), other], Home::Managed).unwrap();
        assert!(policies.len() > 1);
        for policy in &policies {
            assert!(policy.size() <= 6_144, "{}", policy.size());
            let mut sids: Vec<_> = policy.statements.iter().map(|it| it.sid.clone()).collect();
            sids.sort();
            sids.dedup();
            assert_eq!(sids.len(), policy.statements.len());
        }
        for action in whole.actions.patterns() {
            for resource in whole.resources.as_ref().unwrap().patterns() {
                assert_eq!(decide(&policies, action, resource), Decision::Allowed);
            }
        }
        let extra = decide(
            &policies,
            "s3:ActionOfSomeLength99",
            "arn:aws:s3:::bucket-of-some-length-0",
        );
        assert_eq!(extra, Decision::ImplicitlyDenied);
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        assert!(matches!(
            fit(vec![statement(1, 1000)], Home::PermissionSet),
            Err(TooLarge::Policies {
                needed: 2,
                most: 1,
                ..
            })
        ));
        let mut long = statement(1, 1);
        long.resources = Some(Listed::These(vec!["x".repeat(7_000)]));
        assert_eq!(
            fit(vec![long], Home::Managed),
            Err(TooLarge::Statement(6_144))
        );
        let mut all_but = statement(1, 300);
        all_but.resources = Some(Listed::AllBut(
            all_but.resources.unwrap().patterns().to_vec(),
        ));
        assert_eq!(
            fit(vec![all_but], Home::Managed),
            Err(TooLarge::Statement(6_144))
        );
    }
}
