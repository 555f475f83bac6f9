//! Whom `rolecall rightsize` is asked about, and whose policy nobody should change.

use super::RightsizeArgs;
use crate::cli::failure::Failure;
use crate::policies::{Grants, Principal, PrincipalKind};
use crate::reports::Subject;

/// Whom the flags mean: principals of the files, or a name alone where the files have none of that name.
pub(super) fn subjects<'g>(
    args: &RightsizeArgs,
    grants: &'g Grants,
) -> Result<Vec<Subject<'g>>, Failure> {
    if let Some(set) = &args.permission_set {
        let roles = grants.principals.values();
        let roles: Vec<_> = roles
            .filter(|role| {
                role.permission_set() == Some(set)
                    || (role.permission_set().is_some() && role.name == *set)
            })
            .map(known)
            .collect();
        if roles.is_empty() {
            return Err(Failure::not_found(
                format!("no role of the permission set `{set}` is in the files of grants"),
                vec!["its roles are called `AWSReservedSSO_NAME_` and sixteen digits; give the export of every account with `--grants`".to_owned()],
            ));
        }
        return Ok(roles);
    }
    let (kind, asked) = match (&args.role, &args.user) {
        (Some(role), _) => (PrincipalKind::Role, role.as_str()),
        (None, user) => (PrincipalKind::User, user.as_deref().unwrap_or_default()),
    };
    let found = fitting(grants, kind, asked);
    match found.as_slice() {
        [] => Ok(vec![unknown(kind, asked)?]),
        [one] => Ok(vec![known(one)]),
        several => Err(Failure::usage(
            format!("`{asked}` fits {} principals", several.len()),
            several
                .iter()
                .map(|it| format!("name one by its ARN: {}", it.arn))
                .collect(),
        )),
    }
}

/// The principals that were meant: by ARN, with its path or without, as the logs often have it; by name; or by a part of these.
fn fitting<'g>(grants: &'g Grants, kind: PrincipalKind, asked: &str) -> Vec<&'g Principal> {
    let principals = || grants.principals.values().filter(|it| it.kind == kind);
    let exact: Vec<_> = principals().filter(|it| it.arn == asked).collect();
    if !exact.is_empty() {
        return exact;
    }
    let name = name_in(asked);
    let account = account_in(asked);
    principals()
        .filter(|it| it.name == name && account.is_none_or(|account| account == it.account_id()))
        .collect()
}

/// `Support` of an ARN, of `role/Support` and of itself.
fn name_in(asked: &str) -> &str {
    asked.rsplit('/').next().unwrap_or(asked)
}

/// The account in an ARN, or in what is left of one: `444455556666:role/Support`.
fn account_in(asked: &str) -> Option<&str> {
    let is_account =
        |part: &&str| part.len() == 12 && part.bytes().all(|byte| byte.is_ascii_digit());
    asked.split(':').find(is_account)
}

fn known(principal: &Principal) -> Subject<'_> {
    Subject {
        name: principal.arn.clone(),
        persona: match principal.kind {
            PrincipalKind::Role => principal.name.clone(),
            PrincipalKind::User => principal.arn.clone(),
        },
        account_id: Some(principal.account_id().to_owned()),
        principal: Some(principal),
    }
}

fn unknown(kind: PrincipalKind, asked: &str) -> Result<Subject<'static>, Failure> {
    let account = account_in(asked).map(str::to_owned);
    if kind == PrincipalKind::User && !asked.starts_with("arn:") {
        return Err(Failure::not_found(
            format!("no user `{asked}` is in the files of grants"),
            vec!["give its ARN, or its export with `--grants`".to_owned()],
        ));
    }
    Ok(Subject {
        name: asked.to_owned(),
        persona: match kind {
            PrincipalKind::Role => name_in(asked).to_owned(),
            PrincipalKind::User => asked.to_owned(),
        },
        account_id: account,
        principal: None,
    })
}

/// Why no policy is to be written for the subjects.
pub(super) fn refusal(
    args: &RightsizeArgs,
    exclude: &[glob::Pattern],
    subjects: &[Subject<'_>],
) -> Option<String> {
    let principals = subjects.iter().filter_map(|subject| subject.principal);
    for principal in principals {
        if principal.is_service_linked() {
            return Some(format!(
                "{} is linked to a service: AWS keeps its policy, and nobody else can change it",
                principal.arn
            ));
        }
        if args.permission_set.is_none()
            && let Some(set) = principal.permission_set()
        {
            return Some(format!(
                "{} is made by Identity Center out of a permission set: change that, with `--permission-set {set}`",
                principal.arn
            ));
        }
    }
    for subject in subjects.iter().filter(|it| it.principal.is_none()) {
        if args.permission_set.is_none() && subject.persona.starts_with("AWSReservedSSO_") {
            return Some(format!(
                "{} is made by Identity Center out of a permission set: change that, with `--permission-set`",
                subject.name
            ));
        }
        if subject.persona.starts_with("AWSServiceRoleFor") {
            return Some(format!(
                "{} is linked to a service: AWS keeps its policy, and nobody else can change it",
                subject.name
            ));
        }
    }
    let excluded = subjects.iter().find(|subject| {
        let names = [
            Some(subject.name.as_str()),
            Some(subject.persona.as_str()),
            subject.principal.map(|it| it.name.as_str()),
        ];
        exclude
            .iter()
            .any(|pattern| names.iter().flatten().any(|name| pattern.matches(name)))
    });
    excluded.map(|subject| format!("{} is left as it is by `--exclude`", subject.name))
}
