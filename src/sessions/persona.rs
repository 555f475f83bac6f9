//! What a session acts as: a role, with its path where any record shows it, or the identity itself.

use std::borrow::Cow;
use std::sync::Arc;

use super::facts::Facts;
use crate::iam::{AssumedRoleArn, role_session_of};

/// What a session acts as.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Persona<'a> {
    pub(super) arn: Option<Arc<str>>,
    pub(super) id: Option<Cow<'a, str>>,
}

impl Persona<'_> {
    /// The same with text of its own.
    pub(super) fn to_owned(&self) -> Persona<'static> {
        Persona {
            arn: self.arn.clone(),
            id: self.id.as_deref().map(|id| Cow::Owned(id.to_owned())),
        }
    }
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
    let known = role_id.and_then(|id| facts.told.principals.get(id));
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

pub(super) fn persona<'a>(
    facts: &'a Facts,
    row: usize,
    role_arn: Option<&Arc<str>>,
) -> Persona<'a> {
    let uses = &facts.uses;
    match uses.identity_type.get(row) {
        Some("AssumedRole" | "Role") => Persona {
            arn: role_arn.cloned(),
            id: uses
                .issuer_principal_id
                .get(row)
                .or_else(|| Some(role_session_of(uses.principal_id.get(row)?)?.0))
                .map(Cow::Borrowed),
        },
        Some("IAMUser" | "FederatedUser") => Persona {
            arn: uses.arn.get(row).map(Arc::from).or_else(|| {
                let id = uses.principal_id.get(row)?;
                facts.told.principals.get(id).cloned()
            }),
            id: uses.principal_id.get(row).map(Cow::Borrowed),
        },
        Some("Root") => {
            let account = uses.account_id.get(row);
            let built = || Some(Arc::from(format!("arn:aws:iam::{}:root", account?)));
            Persona {
                arn: uses.arn.get(row).map(Arc::from).or_else(built),
                id: account.map(Cow::Borrowed),
            }
        }
        _ => Persona::default(),
    }
}
