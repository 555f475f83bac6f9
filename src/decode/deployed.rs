//! What a call made or changed, which role it gave a service, and on what it opened a shell: who stands behind
//! a workload that acts later.
//!
//! Sources: the API reference of each service for the place of the id in its request or response.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::value::RawValue;

use super::lifted::{Lifted, Parts, parsed, text};

/// How a call's id is found.
#[derive(Clone, Copy)]
enum Place {
    /// A text in the response, at this path.
    Response(&'static [&'static str]),
    /// A text in the request, at this path.
    Request(&'static [&'static str]),
    /// Every text at this path below the items of a list in the response.
    Each(&'static [&'static str], &'static str),
    /// Every text of a list in the request.
    EachRequested(&'static str),
}

use Place::{Each, EachRequested, Request, Response};

/// Service, call (a version behind it is allowed), and where the ids stand of what it made or changed.
///
/// A role that is handed to a service stands for what will act in it: `iam:PassRole` has no event of its own.
const DEPLOYING_CALLS: [(&str, &str, &[Place]); 22] = [
    (
        "ec2",
        "RunInstances",
        &[Each(&["instancesSet", "items"], "instanceId")],
    ),
    (
        "lambda",
        "CreateFunction",
        &[Response(&["functionName"]), Response(&["role"])],
    ),
    (
        "lambda",
        "UpdateFunctionCode",
        &[Response(&["functionName"])],
    ),
    (
        "lambda",
        "UpdateFunctionConfiguration",
        &[Response(&["functionName"]), Response(&["role"])],
    ),
    ("ecs", "RunTask", &[Each(&["tasks"], "taskArn")]),
    ("ecs", "StartTask", &[Each(&["tasks"], "taskArn")]),
    (
        "ecs",
        "RegisterTaskDefinition",
        &[Response(&["taskDefinition", "taskRoleArn"])],
    ),
    (
        "eks",
        "CreatePodIdentityAssociation",
        &[Request(&["roleArn"])],
    ),
    ("codebuild", "StartBuild", &[Response(&["build", "id"])]),
    (
        "codebuild",
        "CreateProject",
        &[Response(&["project", "serviceRole"])],
    ),
    ("glue", "CreateJob", &[Request(&["role"])]),
    ("rds", "CreateDBInstance", &[Response(&["dbiResourceId"])]),
    (
        "cloudtrail",
        "CreateTrail",
        &[Request(&["cloudWatchLogsRoleArn"])],
    ),
    ("events", "PutRule", &[Request(&["roleArn"])]),
    ("cloudformation", "CreateStack", &[Request(&["roleARN"])]),
    ("states", "CreateStateMachine", &[Request(&["roleArn"])]),
    ("monitoring", "PutMetricStream", &[Request(&["roleArn"])]),
    (
        "rolesanywhere",
        "CreateTrustAnchor",
        &[Response(&["trustAnchor", "trustAnchorArn"])],
    ),
    (
        "iam",
        "CreateAccessKey",
        &[Response(&["accessKey", "accessKeyId"])],
    ),
    ("iam", "CreateUser", &[Response(&["user", "userId"])]),
    ("iam", "CreateRole", &[Response(&["role", "roleId"])]),
    (
        "iam",
        "CreateServiceLinkedRole",
        &[Response(&["role", "arn"])],
    ),
];

/// Service, call, and where the ids stand of the machines it reaches into.
const OPERATING_CALLS: [(&str, &str, Place); 5] = [
    ("ssm", "StartSession", Request(&["target"])),
    ("ssm", "SendCommand", EachRequested("instanceIds")),
    (
        "ec2-instance-connect",
        "SendSSHPublicKey",
        Request(&["instanceId"]),
    ),
    (
        "ec2-instance-connect",
        "SendSerialConsoleSSHPublicKey",
        Request(&["instanceId"]),
    ),
    ("ecs", "ExecuteCommand", Request(&["task"])),
];

pub(super) fn lift<'a>(lifted: &mut Lifted<'a>, record: &Parts<'_, 'a>, source: &str, name: &str) {
    let call = DEPLOYING_CALLS
        .iter()
        .find(|(service, call, _)| *service == source && is_call(name, call));
    if let Some((_, _, places)) = call {
        for place in *places {
            lifted.deployed_ids.extend(ids_at(*place, record));
        }
        if source == "eks" {
            lifted
                .deployed_ids
                .extend(pod_identity(record.request_parameters));
        }
    }
    if source == "iam" && call.is_some() {
        lift_principal(lifted, record.response_elements);
    }
    let call = OPERATING_CALLS
        .iter()
        .find(|(service, call, _)| *service == source && is_call(name, call));
    if let Some((_, _, place)) = call {
        lifted.operated_ids = ids_at(*place, record);
    }
}

/// `CreateFunction20150331` and `UpdateFunctionCode20150331v2` are versions of their calls.
fn is_call(name: &str, call: &str) -> bool {
    name.strip_prefix(call)
        .is_some_and(|version| version.is_empty() || version.starts_with("20"))
}

fn ids_at<'a>(place: Place, record: &Parts<'_, 'a>) -> Vec<Cow<'a, str>> {
    let found = match place {
        Response(path) => text(at(record.response_elements, path))
            .into_iter()
            .collect(),
        Request(path) => text(at(record.request_parameters, path))
            .into_iter()
            .collect(),
        Each(path, name) => {
            let items: Vec<&'a RawValue> = parsed(at(record.response_elements, path));
            let ids = items
                .into_iter()
                .filter_map(|item| text(at(Some(item), &[name])));
            ids.collect()
        }
        EachRequested(name) => {
            let items: Vec<&'a RawValue> = parsed(at(record.request_parameters, &[name]));
            items
                .into_iter()
                .filter_map(|item| text(Some(item)))
                .collect::<Vec<_>>()
        }
    };
    found.into_iter().map(short).collect()
}

/// The value at a path of object fields.
fn at<'a>(raw: Option<&'a RawValue>, path: &[&str]) -> Option<&'a RawValue> {
    path.iter().try_fold(raw?, |raw, name| {
        let object: super::JsonObject<'a> = serde_json::from_str(raw.get()).ok()?;
        let field = object.fields.into_iter().find(|(key, _)| key == name);
        field.map(|(_, value)| value)
    })
}

/// A task's, a build's and a function's own id out of a longer one, as their sessions are named; a role's ARN stays whole.
fn short(id: Cow<'_, str>) -> Cow<'_, str> {
    if id.contains(":role/") || id.contains(":trust-anchor/") {
        return id;
    }
    let cut = |id: &str| id.rsplit(['/', ':']).next().unwrap_or_default().to_owned();
    if id.contains(['/', ':']) {
        Cow::Owned(cut(&id))
    } else {
        id
    }
}

/// `cluster/namespace/serviceaccount`: what an EKS Pod Identity association is for.
fn pod_identity(request: Option<&RawValue>) -> Option<Cow<'_, str>> {
    let part = |name| text(at(request, &[name]));
    let cluster = part("clusterName").or_else(|| part("name"))?;
    let (namespace, account) = (part("namespace")?, part("serviceAccount")?);
    Some(Cow::Owned(format!("{cluster}/{namespace}/{account}")))
}

/// What IAM answers when it has made a principal or a key.
#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct Creation<'a> {
    #[serde(borrow)]
    access_key: Option<Created<'a>>,
    #[serde(borrow)]
    user: Option<Created<'a>>,
    #[serde(borrow)]
    role: Option<Created<'a>>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct Created<'a> {
    #[serde(borrow)]
    access_key_id: Option<&'a RawValue>,
    #[serde(borrow)]
    user_id: Option<&'a RawValue>,
    #[serde(borrow)]
    role_id: Option<&'a RawValue>,
    #[serde(borrow)]
    arn: Option<&'a RawValue>,
}

fn lift_principal<'a>(lifted: &mut Lifted<'a>, response: Option<&'a RawValue>) {
    let made: Creation<'a> = parsed(response);
    let key = made.access_key.unwrap_or_default();
    let principal = made.user.or(made.role).unwrap_or_default();
    lifted.created_access_key_id = text(key.access_key_id);
    lifted.created_principal_id = text(principal.user_id).or_else(|| text(principal.role_id));
    lifted.created_principal_arn = text(principal.arn);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_of_a_call_are_the_call() {
        assert!(is_call("CreateFunction20150331", "CreateFunction"));
        assert!(is_call("RunTask", "RunTask"));
        assert!(!is_call("CreateFunctionUrlConfig", "CreateFunction"));
    }

    #[test]
    fn ids_are_cut_to_what_a_session_is_named_by() {
        let task = "arn:aws:ecs:eu-west-1:111122223333:task/shop/0a1b";
        assert_eq!(short(Cow::Borrowed(task)), "0a1b");
        assert_eq!(short(Cow::Borrowed("shop:11112222-3333")), "11112222-3333");
        assert_eq!(short(Cow::Borrowed("i-0a")), "i-0a");
        let role = "arn:aws:iam::111122223333:role/web";
        assert_eq!(short(Cow::Borrowed(role)), role);
    }
}
