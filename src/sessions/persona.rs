//! What a session acts as: a role, with its path where any record shows it, or the identity itself.

use std::sync::Arc;

use super::facts::Facts;
use crate::iam::{AssumedRoleArn, role_session_of};

/// What a session acts as.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Persona {
    pub(super) arn: Option<Arc<str>>,
    pub(super) id: Option<String>,
}

/// The role in use, with its path where any record of its unique id shows it.
pub(super) fn role_arn(facts: &Facts, row: usize) -> Option<Arc<str>> {
    let uses = &facts.uses;
    if !matches!(uses.identity_type.get(row), Some("AssumedRole" | "Role")) {
        return None;
    }
    let role_id = uses
        .issuer_principal_id
        .get(row)
        .or_else(|| Some(role_session_of(uses.principal_id.get(row)?)?.0));
    // Some records show the role's own ARN in the place of the session's.
    let of_session = || {
        let arn = uses.arn.get(row)?;
        match AssumedRoleArn::parse(arn) {
            Some(session) => Some(session.role_arn()),
            None => arn.contains(":role/").then(|| arn.to_owned()),
        }
    };
    let known = role_id.and_then(|id| facts.principals.get(id));
    // An ARN found by a masked or sample id may be another role's.
    let fits = |arn: &&Arc<str>| {
        uses.arn
            .get(row)
            .and_then(AssumedRoleArn::parse)
            .is_none_or(|session| session.is_session_of(arn))
    };
    known
        .filter(fits)
        .cloned()
        .or_else(|| uses.issuer_arn.get(row).map(Arc::from))
        .or_else(|| of_session().map(Arc::from))
}

pub(super) fn persona(facts: &Facts, row: usize, role_arn: Option<&Arc<str>>) -> Persona {
    let uses = &facts.uses;
    let owned = |text: Option<&str>| text.map(str::to_owned);
    match uses.identity_type.get(row) {
        Some("AssumedRole" | "Role") => Persona {
            arn: role_arn.cloned(),
            id: owned(
                uses.issuer_principal_id
                    .get(row)
                    .or_else(|| Some(role_session_of(uses.principal_id.get(row)?)?.0)),
            ),
        },
        Some("IAMUser" | "FederatedUser") => Persona {
            arn: uses.arn.get(row).map(Arc::from).or_else(|| {
                let id = uses.principal_id.get(row)?;
                facts.principals.get(id).cloned()
            }),
            id: owned(uses.principal_id.get(row)),
        },
        Some("Root") => {
            let account = uses.account_id.get(row);
            let built = || Some(Arc::from(format!("arn:aws:iam::{}:root", account?)));
            Persona {
                arn: uses.arn.get(row).map(Arc::from).or_else(built),
                id: owned(account),
            }
        }
        _ => Persona::default(),
    }
}
