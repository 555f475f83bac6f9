//! Who a session belongs to when no call that issued it is in the logs, from what AWS itself wrote on its records.
//!
//! Names that the caller chose are no evidence; see `docs/attribution.md`, "What never counts".

use std::collections::HashMap;

use serde::Deserialize;

use super::columns::Uses;
use super::identity::{Names, identity_center_user, of_identity};
use super::identity_center::{has_reserved_path, permission_set_of};
use super::issuance::Issuances;
use super::link::{COGNITO_SESSION_NAME, SECOND};
use super::origin::{Origin, OriginKind};
use super::service_issue::pod_of_tags;
use super::verdict::{Confidence, Method};
use crate::iam::{Arn, AssumedRoleArn, role_session_of};

/// An origin that a session's own records name, and how sure that is.
#[derive(Debug)]
pub(super) struct Named {
    pub(super) origins: Vec<Origin>,
    pub(super) method: Method,
    pub(super) confidence: Confidence,
    /// Rows of the calls that speak of it.
    pub(super) issues: Vec<usize>,
}

impl Named {
    fn one(origin: Origin, method: Method, confidence: Confidence) -> Self {
        Self {
            origins: vec![origin],
            method,
            confidence,
            issues: Vec::new(),
        }
    }
}

const EC2_SERVICE: &str = "ec2.amazonaws.com";
pub(super) const COGNITO: &str = "cognito-identity.amazonaws.com";

/// What is left to say of a role session without an issuing call, the surest first.
pub(super) fn of_own_records(
    uses: &Uses,
    row: usize,
    names: Names<'_>,
    issuances: &Issuances<'_>,
    subjects: &WebSubjects,
) -> Option<Named> {
    of_identity_center(uses, row, names)
        .or_else(|| of_resource(uses, row))
        .or_else(|| of_ec2(uses, row))
        .or_else(|| of_service_role(uses, row))
        .or_else(|| of_cognito(uses, row))
        .or_else(|| of_web_identity(uses, row, subjects))
        .or_else(|| of_certificate(uses, row, issuances))
        .or_else(|| of_carried_tags(uses, row))
        .or_else(|| of_source_identity(uses, row, issuances))
}

/// A role that only Identity Center hands out, to the user after whom it names the session.
fn of_identity_center(uses: &Uses, row: usize, names: Names<'_>) -> Option<Named> {
    let arn = AssumedRoleArn::parse(uses.arn.get(row)?)?;
    let _set = permission_set_of(arn.role_name)?;
    if !uses.issuer_arn.get(row).is_none_or(has_reserved_path) {
        return None;
    }
    let user_id = uses.on_behalf_of_user_id.get(row);
    let store = uses.on_behalf_of_identity_store_arn.get(row);
    let origin = identity_center_user(Some(arn.session_name), user_id, store, names.users)?;
    let confidence = if user_id.is_some() {
        Confidence::Exact
    } else {
        Confidence::Probable
    };
    Some(Named::one(origin, Method::IdentityCenter, confidence))
}

/// `inScopeOf`: the resource that AWS gave the credentials to.
fn of_resource(uses: &Uses, row: usize) -> Option<Named> {
    let issued_to = uses.in_scope_of_credentials_issued_to.get(row)?;
    let issuer_type = uses.in_scope_of_issuer_type.get(row)?;
    let account = uses.account_id.get(row);
    let origin = match resource_of(issuer_type, issued_to) {
        Some((kind, id)) => Origin::new(kind, id).in_account(account),
        None => Origin::new(OriginKind::AwsService, &service_of(issued_to)?).named(Some(issued_to)),
    };
    Some(Named::one(origin, Method::Workload, Confidence::Strong))
}

/// The kind and id of a workload by the kind of its resource and its ARN.
pub(super) fn resource_of<'a>(
    issuer_type: &str,
    issued_to: &'a str,
) -> Option<(OriginKind, &'a str)> {
    let resource = Arn::parse(issued_to)?.resource;
    match issuer_type {
        "AWS::EC2::Instance" => {
            Some((OriginKind::Ec2Instance, resource.strip_prefix("instance/")?))
        }
        "AWS::Lambda::Function" => {
            let name = resource.strip_prefix("function:")?;
            Some((OriginKind::LambdaFunction, name.split(':').next()?))
        }
        "AWS::ECS::Task" => Some((OriginKind::EcsTask, resource.rsplit('/').next()?)),
        _ => None,
    }
}

fn service_of(arn: &str) -> Option<String> {
    let service = Arn::parse(arn)?.service;
    (!service.is_empty()).then(|| format!("{service}.amazonaws.com"))
}

/// `ec2RoleDelivery`, which only the metadata service sets, and EC2's own identities.
fn of_ec2(uses: &Uses, row: usize) -> Option<Named> {
    let (issuer, name) = role_session_of(uses.principal_id.get(row)?)?;
    let account = uses.account_id.get(row);
    if issuer.ends_with(":aws:ec2-infrastructure") {
        let origin = Origin::new(OriginKind::AwsService, EC2_SERVICE);
        return Some(Named::one(origin, Method::Workload, Confidence::Strong));
    }
    let is_delivered = uses.ec2_role_delivery.get(row).is_some();
    let is_own_role = issuer.ends_with(":aws:ec2-instance");
    if !name.starts_with("i-") || !(is_delivered || is_own_role) {
        return None;
    }
    let origin = Origin::new(OriginKind::Ec2Instance, name).in_account(account);
    Some(Named::one(origin, Method::Workload, Confidence::Strong))
}

/// A service-linked role, which only its service can take.
fn of_service_role(uses: &Uses, row: usize) -> Option<Named> {
    let arn = Arn::parse(uses.issuer_arn.get(row)?)?;
    let path = arn.resource.strip_prefix("role/aws-service-role/")?;
    let (service, _) = path.split_once('/')?;
    let origin = Origin::new(OriginKind::AwsService, service);
    Some(Named::one(origin, Method::Workload, Confidence::Strong))
}

/// What Amazon Cognito tells of a session: the identity and its pool.
#[derive(Deserialize)]
struct CognitoAttributes {
    #[serde(rename = "cognito-identity.amazonaws.com:sub")]
    identity: String,
    #[serde(rename = "cognito-identity.amazonaws.com:aud", default)]
    pool: Option<String>,
}

/// The identity of a Cognito session, where its records show it.
pub(super) fn cognito_identity(uses: &Uses, row: usize) -> Option<String> {
    if uses.federated_provider.get(row) != Some(COGNITO) {
        return None;
    }
    let attributes = uses.federated_attributes.get(row)?;
    let attributes: CognitoAttributes = serde_json::from_str(attributes).ok()?;
    Some(attributes.identity)
}

/// The pool of a Cognito session, where its records show it.
pub(super) fn cognito_pool(uses: &Uses, row: usize) -> Option<String> {
    let attributes = uses.federated_attributes.get(row)?;
    let attributes: CognitoAttributes = serde_json::from_str(attributes).ok()?;
    attributes.pool
}

fn of_cognito(uses: &Uses, row: usize) -> Option<Named> {
    if uses.federated_provider.get(row) != Some(COGNITO) {
        return None;
    }
    let attributes = uses.federated_attributes.get(row)?;
    let attributes: CognitoAttributes = serde_json::from_str(attributes).ok()?;
    let origin = Origin::new(OriginKind::CognitoIdentity, &attributes.identity)
        .vouched_by(attributes.pool.as_deref());
    Some(Named::one(origin, Method::Workload, Confidence::Strong))
}

/// A subject that took a role by a web identity, its first call for it, and how many there were.
#[derive(Debug, Clone)]
pub(super) struct WebSubject {
    origin: Origin,
    issue: usize,
    calls: usize,
}

/// Role, by account and name → the subjects that took it.
pub(super) type WebSubjects = HashMap<(String, String), Vec<WebSubject>>;

/// So often must the only subject of a role have taken it, before it is likely to be the only one.
pub(super) const OFTEN: usize = 3;

/// Collects the subjects of all roles once, since many sessions may ask for them.
pub(super) fn web_subjects(
    uses: &Uses,
    names: Names<'_>,
    issuances: &Issuances<'_>,
    index: &HashMap<&str, usize>,
) -> WebSubjects {
    let mut subjects = WebSubjects::new();
    let mut seen: HashMap<((String, String), &str), usize> = HashMap::new();
    for (issue, made) in issuances.issued.iter().enumerate() {
        let (Some("AssumeRoleWithWebIdentity"), Some(account), Some((role, _)), Some(caller)) = (
            issuances.issues.event_name.get(issue),
            made.account_id,
            made.role_session,
            issuances.issues.caller_session_id.get(issue),
        ) else {
            continue;
        };
        let role = (account.to_owned(), role.to_owned());
        let found = subjects.entry(role.clone()).or_default();
        let place = *seen.entry((role, caller)).or_insert(found.len());
        if let Some(subject) = found.get_mut(place) {
            subject.calls += 1;
        } else if let Some(origin) = index
            .get(caller)
            .and_then(|caller| of_identity(uses, *caller, names))
        {
            let calls = 1;
            found.push(WebSubject {
                origin,
                issue,
                calls,
            });
        }
    }
    subjects
}

/// A web identity role: the provider is known, and the subject where only one ever took the role.
fn of_web_identity(uses: &Uses, row: usize, subjects: &WebSubjects) -> Option<Named> {
    let provider = uses.federated_provider.get(row)?;
    if provider == COGNITO {
        return None;
    }
    let arn = AssumedRoleArn::parse(uses.arn.get(row)?)?;
    let role = (arn.account_id.to_owned(), arn.role_name.to_owned());
    let of_provider: Vec<&WebSubject> = subjects
        .get(&role)?
        .iter()
        .filter(|subject| subject.origin.provider.as_deref() == Some(provider))
        .collect();
    let calls: usize = of_provider.iter().map(|subject| subject.calls).sum();
    let confidence = if calls < OFTEN {
        Confidence::Asserted
    } else {
        Confidence::Probable
    };
    (!of_provider.is_empty()).then(|| Named {
        origins: of_provider
            .iter()
            .map(|subject| subject.origin.clone())
            .collect(),
        issues: of_provider.iter().map(|subject| subject.issue).collect(),
        method: Method::Workload,
        confidence,
    })
}

/// Roles Anywhere: the service sets the certificate's name as source identity and its serial as session name.
fn of_certificate(uses: &Uses, row: usize, issuances: &Issuances<'_>) -> Option<Named> {
    let name = uses.source_identity.get(row)?;
    let arn = AssumedRoleArn::parse(uses.arn.get(row)?)?;
    let (serial, role) = (arn.session_name, (arn.account_id, arn.role_name));
    if !name.starts_with("CN=") || !is_serial(serial) {
        return None;
    }
    let origin = Origin::new(OriginKind::RolesAnywhere, name)
        .named(Some(serial))
        .in_account(uses.account_id.get(row))
        .vouched_by(issuances.trust_anchor_of(name));
    // Whoever may set a source identity can write the same; only a role that certificates are seen to take makes it sure.
    let confidence = if issuances.is_taken_by_certificate(role) {
        Confidence::Strong
    } else {
        Confidence::Asserted
    };
    Some(Named::one(origin, Method::Carried, confidence))
}

/// A certificate's serial number: sixteen or more hexadecimal digits, in lower case.
fn is_serial(name: &str) -> bool {
    name.len() >= 16
        && name
            .bytes()
            .all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte))
}

/// A pod by the session tags that its calls carry into further roles; whoever may tag a session can write the same.
fn of_carried_tags(uses: &Uses, row: usize) -> Option<Named> {
    let tags: HashMap<String, String> =
        serde_json::from_str(uses.carried_session_tags.get(row)?).ok()?;
    let pod = pod_of_tags(&tags, uses.account_id.get(row))?;
    Some(Named::one(pod, Method::Carried, Confidence::Asserted))
}

/// A first session of twelve hours and a chained one of one: what was set longer ago was set by another call.
pub(super) const LONGEST_CHAIN: i64 = 13 * 3600 * SECOND;

/// The source identity, which sticks from the hop that set it; surer where that call is in the logs.
fn of_source_identity(uses: &Uses, row: usize, issuances: &Issuances<'_>) -> Option<Named> {
    let value = uses.source_identity.get(row)?;
    let created = uses.creation_date.get(row).or(uses.first_used_at.get(row));
    let set_before = |issue: &&usize| {
        let set_at = issuances.issues.event_time.get(**issue);
        set_at
            .zip(created)
            .is_some_and(|(set, created)| set <= created && created - set <= LONGEST_CHAIN)
    };
    let setters = issuances.by_source_identity(value).iter();
    let issues: Vec<usize> = setters.filter(set_before).take(1).copied().collect();
    let confidence = if issues.is_empty() {
        Confidence::Asserted
    } else {
        Confidence::Strong
    };
    let origin =
        Origin::new(OriginKind::SourceIdentity, value).in_account(uses.account_id.get(row));
    Some(Named {
        issues,
        ..Named::one(origin, Method::Carried, confidence)
    })
}

/// Whether a session can be one of Amazon Cognito's, whose issuing call is a data event.
pub(super) fn is_cognito(uses: &Uses, row: usize) -> bool {
    uses.federated_provider.get(row) == Some(COGNITO)
        || uses
            .arn
            .get(row)
            .and_then(AssumedRoleArn::parse)
            .is_some_and(|arn| arn.session_name == COGNITO_SESSION_NAME)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_resource_tells_the_workload() {
        let of = |kind, arn| resource_of(kind, arn).map(|(kind, id)| (kind.code(), id));
        assert_eq!(
            of(
                "AWS::EC2::Instance",
                "arn:aws:ec2:us-east-1:1:instance/i-0a"
            ),
            Some(("ec2_instance", "i-0a"))
        );
        assert_eq!(
            of(
                "AWS::Lambda::Function",
                "arn:aws:lambda:us-east-1:1:function:orders:3"
            ),
            Some(("lambda_function", "orders"))
        );
        assert_eq!(of("AWS::Glue::Job", "arn:aws:glue:us-east-1:1:job/x"), None);
    }

    #[test]
    fn a_serial_is_long_and_hexadecimal() {
        assert!(is_serial("2a9900112233445566778899aabbccddeeff0011"));
        assert!(!is_serial("deadbeef"));
        assert!(!is_serial("alice-with-a-long-name"));
    }
}
