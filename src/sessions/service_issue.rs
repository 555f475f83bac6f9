//! The origin that an issuing call names itself, without a look at the caller's session.

use std::collections::HashMap;

use serde::Deserialize;

use super::columns::Issues;
use super::issuance::ROLES_ANYWHERE;
use super::origin::{Origin, OriginKind};
use crate::iam::{Arn, AssumedRoleArn};

/// The workload for which a service took a role, named by what only the service sets.
pub(super) fn of_service_issue(issues: &Issues, row: usize) -> Option<Origin> {
    if issues.event_source.get(row) == Some(ROLES_ANYWHERE) {
        return of_certificate(issues, row);
    }
    if issues.caller_type.get(row) != Some("AWSService") {
        return None;
    }
    let service = issues.caller_invoked_by.get(row)?;
    let name = session_name(issues, row);
    let account = account_of(issues, row);
    let kind = match (service, name) {
        (ROLES_ANYWHERE, Some(name)) if name != "RolesAnywhereInternalSession" => {
            return of_certificate(issues, row);
        }
        ("pods.eks.amazonaws.com", _) => {
            if let Some(pod) = of_pod(issues, row) {
                return Some(pod);
            }
            None
        }
        ("ec2.amazonaws.com", Some(name)) if name.starts_with("i-") => {
            Some(OriginKind::Ec2Instance)
        }
        // The check at a function's creation runs under a name of its own.
        ("lambda.amazonaws.com", Some(name)) if !name.starts_with("awslambda_") => {
            Some(OriginKind::LambdaFunction)
        }
        ("ecs-tasks.amazonaws.com", Some(_)) => Some(OriginKind::EcsTask),
        _ => None,
    };
    Some(match kind.zip(name) {
        Some((kind, id)) => Origin::new(kind, id).in_account(account),
        // A service belongs to no account, whichever it works in.
        None => Origin::new(OriginKind::AwsService, service)
            .named(name.and_then(|name| resource_of(service, name))),
    })
}

/// The identity that Amazon Cognito gave credentials to.
pub(super) fn of_cognito_issue(issues: &Issues, row: usize, pool: Option<&str>) -> Option<Origin> {
    let identity = issues.issued_identity_id.get(row)?;
    Some(Origin::new(OriginKind::CognitoIdentity, identity).vouched_by(pool))
}

fn session_name(issues: &Issues, row: usize) -> Option<&str> {
    issues
        .issued_session_arn
        .get(row)
        .and_then(|arn| Some(AssumedRoleArn::parse(arn)?.session_name))
        .or_else(|| issues.requested_session_name.get(row))
}

fn account_of(issues: &Issues, row: usize) -> Option<&str> {
    let role = issues
        .requested_role_arn
        .get(row)
        .or_else(|| issues.issued_session_arn.get(row));
    role.and_then(|arn| Some(Arn::parse(arn)?.account_id))
        .or_else(|| issues.recipient_account_id.get(row))
}

/// The resource in a session name that only the service sets: a build, a database instance.
fn resource_of<'a>(service: &str, name: &'a str) -> Option<&'a str> {
    match service {
        "codebuild.amazonaws.com" => name.strip_prefix("AWSCodeBuild-"),
        "rds.amazonaws.com" => name.strip_prefix("dbi-id-"),
        _ => None,
    }
}

/// A certificate's owner: the common name that the service sets as source identity, else the serial number.
fn of_certificate(issues: &Issues, row: usize) -> Option<Origin> {
    let serial = session_name(issues, row);
    let common_name = issues
        .requested_source_identity
        .get(row)
        .filter(|name| name.starts_with("CN="));
    let origin = Origin::new(OriginKind::RolesAnywhere, common_name.or(serial)?)
        .named(serial)
        .in_account(account_of(issues, row));
    Some(origin.vouched_by(issues.requested_provider_arn.get(row)))
}

/// One session tag.
#[derive(Deserialize)]
struct Tag {
    key: String,
    value: String,
}

/// The pod for which EKS Pod Identity took a role: all of it is in the session tags that the service sets.
fn of_pod(issues: &Issues, row: usize) -> Option<Origin> {
    let tags: Vec<Tag> = serde_json::from_str(issues.requested_session_tags.get(row)?).ok()?;
    let tags = tags.into_iter().map(|tag| (tag.key, tag.value)).collect();
    pod_of_tags(&tags, account_of(issues, row))
}

/// The pod that session tags name, as EKS Pod Identity sets them.
pub(super) fn pod_of_tags(tags: &HashMap<String, String>, account: Option<&str>) -> Option<Origin> {
    let tag = |key: &str| tags.get(key).map(String::as_str);
    let cluster = tag("eks-cluster-name")?;
    let namespace = tag("kubernetes-namespace")?;
    let service_account = tag("kubernetes-service-account")?;
    let id = format!("{cluster}/{namespace}/{service_account}");
    let origin = Origin::new(OriginKind::EksPod, &id)
        .named(tag("kubernetes-pod-name"))
        .in_account(account);
    Some(origin.vouched_by(tag("eks-cluster-arn")))
}
