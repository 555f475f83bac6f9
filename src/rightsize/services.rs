//! To which services a role was handed, for `iam:PassedToService`.

use super::observed::Use;
use crate::policies::{Effect, Grants};

/// Services that take roles under another name than their calls' source has, by event source and name where it depends on it.
///
/// Source: "AWS services that work with IAM" and each service's page on its roles.
const OTHER_NAMES: [(&str, &str); 12] = [
    (
        "application-autoscaling",
        "application-autoscaling.amazonaws.com",
    ),
    ("cloudformation", "cloudformation.amazonaws.com"),
    ("codebuild", "codebuild.amazonaws.com"),
    ("codepipeline", "codepipeline.amazonaws.com"),
    ("ec2", "ec2.amazonaws.com"),
    ("ecs", "ecs-tasks.amazonaws.com"),
    ("eks", "eks.amazonaws.com"),
    ("glue", "glue.amazonaws.com"),
    ("lambda", "lambda.amazonaws.com"),
    ("rds", "rds.amazonaws.com"),
    ("sagemaker", "sagemaker.amazonaws.com"),
    ("states", "states.amazonaws.com"),
];

/// The services to which the role may be handed: those that its trust policy lets in, else the one that the call went to.
///
/// Empty where neither is known: a condition that is wrong would refuse what is done today.
pub(super) fn services_of(role: Option<&str>, used: &Use, grants: &Grants) -> Vec<String> {
    let trusted = role
        .and_then(|role| grants.principals.get(role))
        .and_then(|role| role.trust.as_ref());
    if let Some(trust) = trusted {
        let allowing = trust
            .statements
            .iter()
            .filter(|statement| statement.effect == Effect::Allow && !statement.all_but_principals);
        let mut services: Vec<String> = allowing
            .flat_map(|statement| &statement.principals)
            .filter(|(kind, _)| kind == "Service")
            .map(|(_, name)| name.clone())
            .collect();
        services.sort_unstable();
        services.dedup();
        if !services.is_empty() {
            return services;
        }
    }
    let label = used.event_source.trim_end_matches(".amazonaws.com");
    // Flow logs and services of ECS get theirs from others; where that is not sure, no condition is better than a wrong one.
    let is_sure = match label {
        "ec2" => {
            used.event_name.ends_with("Instances") || used.event_name.contains("IamInstanceProfile")
        }
        "ecs" => matches!(
            used.event_name.as_str(),
            "RunTask" | "StartTask" | "RegisterTaskDefinition"
        ),
        _ => true,
    };
    let found = OTHER_NAMES
        .iter()
        .filter(|(source, _)| is_sure && *source == label);
    found.map(|(_, service)| (*service).to_owned()).collect()
}
