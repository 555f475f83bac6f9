//! The resources of a call, as ARNs: those that the event names, and those that its parameters make.

use std::cell::LazyCell;

use super::arn_pattern::{ArnPattern, Parts, arn_patterns};
use super::catalogue::{Action, templates};
use super::parameters::{Parameters, Place};
use crate::iam::{Arn, as_in_policy};

/// Where the resources of one action stand in the events of one name.
#[derive(Debug)]
pub(super) struct Places {
    pub(super) action: Action,
    types: Vec<OfType>,
}

/// Where the resources of one type stand.
#[derive(Debug)]
struct OfType {
    /// The form of its ARNs.
    pattern: ArnPattern,
    /// Forms of the service's other types that say more: an object is no bucket whose name has a slash.
    better: Vec<&'static ArnPattern>,
    /// What makes its ARNs of parameters.
    templates: Vec<&'static str>,
}

impl OfType {
    fn has(&self, arn: &str) -> bool {
        Parts::of(arn).is_some_and(|arn| {
            self.pattern.has_form(arn) && !self.better.iter().any(|better| better.has_form(arn))
        })
    }
}

/// The parameters of a call, which are read when they are needed.
pub(super) type Lazy<'a, F> = LazyCell<Parameters<'a>, F>;

impl Places {
    /// Looks up where the resources of `action` stand in calls of `operation`.
    pub(super) fn of(action: Action, prefix: &str, operation: &str) -> Self {
        let types = action.resource_types().filter_map(|(name, _)| {
            let templates = templates(prefix, operation, action.name, name);
            let pattern = ArnPattern::of(action.arn_pattern(name)?)?;
            let others = arn_patterns(action.prefix()).iter();
            Some(OfType {
                better: others.filter(|it| it.says_more_than(&pattern)).collect(),
                templates: templates.collect(),
                pattern,
            })
        });
        Self {
            types: types.collect(),
            action,
        }
    }

    /// The resources on which a call needed the action, sorted; empty where the event does not tell, or the action has none.
    ///
    /// An ARN counts when it fits the pattern of one of the action's resource types. What `resources` names goes before what is put
    /// together of names in the parameters, and that before whole ARNs in them. All stand as a policy writes them.
    pub(super) fn resources<'a, F: FnOnce() -> Parameters<'a>>(
        &self,
        place: Place<'_>,
        named: &[&str],
        parameters: &Lazy<'a, F>,
    ) -> Vec<String> {
        let mut found = Vec::new();
        for of_type in &self.types {
            let fits = |arn: &&str| of_type.has(arn);
            let before = found.len();
            found.extend(named.iter().copied().filter(fits).map(as_in_policy));
            if found.len() == before {
                let arns = of_type.templates.iter();
                found.extend(arns.flat_map(|template| parameters.arns(template, place)));
            }
            if found.len() == before {
                found.extend(parameters.references().filter(fits).map(as_in_policy));
            }
        }
        found.sort_unstable();
        found.dedup();
        found
    }
}

/// The roles that a call hands to a service, sorted; `None` where it hands over none.
///
/// One that is named by its name alone, or by an instance profile, is handed over too, and the list does not have it.
pub(super) fn passed_roles(parameters: &Parameters<'_>) -> Option<Vec<String>> {
    let is_role = |text: &&str| {
        Arn::parse(text)
            .is_some_and(|arn| arn.service == "iam" && arn.resource.starts_with("role/"))
    };
    let mut roles: Vec<String> = parameters
        .roles()
        .filter(is_role)
        .map(as_in_policy)
        .collect();
    roles.sort_unstable();
    roles.dedup();
    let by_name = ["role", "serviceRole", "iamRole", "jobRole"]
        .iter()
        .any(|name| parameters.has(name));
    let is_passed = !roles.is_empty() || by_name || parameters.has_anywhere("iamInstanceProfile");
    is_passed.then_some(roles)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resources(action: &str, operation: &str, arns: &[&str], json: &str) -> Vec<String> {
        let action = Action::find(action).unwrap();
        let place = Place {
            region: "eu-west-1",
            account_id: "111122223333",
        };
        let places = Places::of(action, action.prefix(), operation);
        places.resources(place, arns, &Lazy::new(|| Parameters::read(json)))
    }

    #[test]
    fn an_object_is_no_bucket() {
        assert_eq!(
            resources(
                "s3:ListBucket",
                "ListObjects",
                &["arn:aws:s3:::b/k", "arn:aws:s3:::b"],
                "{}"
            ),
            ["arn:aws:s3:::b"]
        );
        assert!(resources("s3:ListBucket", "ListObjects", &["arn:aws:s3:::b/k"], "{}").is_empty());
    }

    #[test]
    fn a_resource_is_named_or_put_together() {
        assert_eq!(
            resources(
                "s3:GetObject",
                "GetObject",
                &["arn:aws:s3:::b", "arn:aws:s3:::b/k"],
                "{}"
            ),
            ["arn:aws:s3:::b/k"]
        );
        assert_eq!(
            resources(
                "s3:GetObject",
                "GetObject",
                &["arn:aws:s3:::b"],
                r#"{"bucketName":"b","key":"k"}"#
            ),
            ["arn:aws:s3:::b/k"]
        );
        assert_eq!(
            resources(
                "sns:Subscribe",
                "Subscribe",
                &[],
                r#"{"topicArn":"arn:aws:sns:eu-west-1:1:t"}"#
            ),
            ["arn:aws:sns:eu-west-1:1:t"]
        );
        assert_eq!(
            resources(
                "iam:AttachRolePolicy",
                "AttachRolePolicy",
                &[],
                r#"{"roleName":"r","policyArn":"arn:aws:iam::aws:policy/AdministratorAccess"}"#
            ),
            ["arn:aws:iam::111122223333:role/r"]
        );
        assert_eq!(
            resources(
                "ec2:StopInstances",
                "StopInstances",
                &[],
                r#"{"instancesSet":{"items":[{"instanceId":"i-1"}]}}"#
            ),
            ["arn:aws:ec2:eu-west-1:111122223333:instance/i-1"]
        );
        assert!(
            resources(
                "s3:ListAllMyBuckets",
                "ListBuckets",
                &["arn:aws:s3:::b"],
                "{}"
            )
            .is_empty()
        );
    }

    #[test]
    fn what_the_caller_fills_as_they_like_is_no_resource() {
        let table = "arn:aws:dynamodb:eu-west-1:111122223333:table/orders";
        assert_eq!(
            resources(
                "dynamodb:GetItem",
                "GetItem",
                &[],
                r#"{"tableName":"orders","key":{"id":"arn:aws:dynamodb:eu-west-1:111122223333:table/secrets"}}"#
            ),
            [table]
        );
        assert_eq!(
            resources(
                "iam:TagRole",
                "TagRole",
                &[],
                r#"{"roleName":"build","tags":[{"key":"id","value":"arn:aws:iam::111122223333:role/Admin"}]}"#
            ),
            ["arn:aws:iam::111122223333:role/build"]
        );
        assert_eq!(
            resources(
                "sts:AssumeRole",
                "AssumeRole",
                &[],
                r#"{"roleArn":"arn:aws:iam::1:role/r","externalId":"arn:aws:iam::1:role/Admin"}"#
            ),
            ["arn:aws:iam::1:role/r"]
        );
        let tagged = r#"{"tagSpecificationSet":{"items":[{"tags":[{"key":"role","value":"arn:aws:iam::1:role/Admin"}]}]}}"#;
        assert_eq!(passed_roles(&Parameters::read(tagged)), None);
        let nested =
            r#"{"AssociateIamInstanceProfileRequest":{"IamInstanceProfile":{"Name":"p"}}}"#;
        assert_eq!(passed_roles(&Parameters::read(nested)), Some(vec![]));
    }

    #[test]
    fn names_mean_themselves_alone() {
        assert_eq!(
            resources(
                "s3:GetObject",
                "GetObject",
                &[],
                r#"{"bucketName":"${aws:username}","key":"*"}"#
            ),
            ["arn:aws:s3:::${$}{aws:username}/${*}"]
        );
        assert_eq!(
            resources(
                "lambda:InvokeFunction",
                "Invoke",
                &[],
                r#"{"functionName":"f","qualifier":"live"}"#
            ),
            [
                "arn:aws:lambda:eu-west-1:111122223333:function:f",
                "arn:aws:lambda:eu-west-1:111122223333:function:f:live"
            ]
        );
        assert_eq!(
            resources(
                "iam:CreateRole",
                "CreateRole",
                &[],
                r#"{"roleName":"svc","path":"/app/"}"#
            ),
            ["arn:aws:iam::111122223333:role/app/svc"]
        );
        assert_eq!(
            resources("iam:CreateRole", "CreateRole", &[], r#"{"roleName":"svc"}"#),
            ["arn:aws:iam::111122223333:role/svc"]
        );
    }

    #[test]
    fn a_role_that_is_handed_over_is_an_arn_of_its_own() {
        let roles = |json| passed_roles(&Parameters::read(json));
        assert_eq!(
            roles(r#"{"role":"arn:aws:iam::1:role/r","layers":["arn:aws:lambda:x:1:layer:l"]}"#),
            Some(vec!["arn:aws:iam::1:role/r".to_owned()])
        );
        assert_eq!(
            roles(r#"{"iamInstanceProfile":{"name":"p"}}"#),
            Some(vec![])
        );
        assert_eq!(roles(r#"{"functionName":"f"}"#), None);
    }
}
