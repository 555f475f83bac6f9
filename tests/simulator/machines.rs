//! What machines and services do: instances, functions, tasks, pipelines, pods, certificates, AWS itself.

use serde_json::{Value, json};

use super::estate::{Copies, Estate, PRODUCTION, SHOP, Session, Truth};

/// An AWS service as itself.
fn service(name: &str, account: &str) -> (Session, String) {
    let truth = Truth::Origin("aws_service", name.to_owned());
    let identity = json!({ "type": "AWSService", "invokedBy": name });
    (Session { identity, truth }, account.to_owned())
}

/// A service takes a role; as a rule the answer does not say which session it opened.
fn taken_by(
    estate: &mut Estate,
    by: &str,
    session: &Session,
    key: &str,
    change: impl FnOnce(&mut Value),
) -> String {
    let account = session.account();
    let (caller, _) = service(by, &account);
    let role = session.identity["sessionContext"]["sessionIssuer"]["arn"].clone();
    let name = session.identity["arn"]
        .as_str()
        .unwrap()
        .rsplit('/')
        .next()
        .unwrap()
        .to_owned();
    let mut answer = estate.issued(session, key, 21600);
    answer.as_object_mut().unwrap().remove("assumedRoleUser");
    let shared = estate.dice.uuid();
    estate.call(&caller, "sts", "AssumeRole", |record| {
        record["recipientAccountId"] = json!(account);
        record["sourceIPAddress"] = json!(by);
        record["userAgent"] = json!(by);
        record["requestParameters"] = json!({ "roleArn": role, "roleSessionName": name });
        record["responseElements"] = answer;
        record["sharedEventID"] = json!(shared);
        record["readOnly"] = json!(true);
        change(record);
    })
}

fn workload(
    estate: &mut Estate,
    kind: &'static str,
    id: &str,
    role: &str,
    name: &str,
) -> (Session, String) {
    let key = estate.key();
    let truth = Truth::Origin(kind, id.to_owned());
    let session = estate.role_session(PRODUCTION, role, name, &key, truth);
    (session, key)
}

pub fn instance(estate: &mut Estate) {
    let id = format!("i-{}", estate.dice.hex(17));
    let launcher = estate.user(PRODUCTION, "olga");
    let request = estate.dice.uuid();
    let response = json!({ "instancesSet": { "items": [{ "instanceId": id }] } });
    let (made, asked) = (
        request.clone(),
        json!({ "iamInstanceProfile": { "name": "web" } }),
    );
    estate.call(&launcher, "ec2", "RunInstances", |record| {
        record["requestID"] = json!(made);
        record["requestParameters"] = asked;
        record["responseElements"] = response;
        record["readOnly"] = json!(false);
    });
    estate.pass(1);
    for delivery in ["2.0", "1.0"] {
        let (mut session, key) = workload(estate, "ec2_instance", &id, "web", &id);
        let request = request.clone();
        taken_by(estate, "ec2.amazonaws.com", &session, &key, |record| {
            record["requestID"] = json!(request);
        });
        session.identity["sessionContext"]["ec2RoleDelivery"] = json!(delivery);
        estate.work(&session);
    }
}

pub fn old_instance(estate: &mut Estate) {
    let id = format!("i-{}", estate.dice.hex(17));
    let (mut session, _) = workload(estate, "ec2_instance", &id, "web", &id);
    session.identity["sessionContext"]["ec2RoleDelivery"] = json!("2.0");
    session.identity["sessionContext"]["attributes"]["creationDate"] =
        json!("2026-05-01T01:00:00Z");
    estate.work(&session);
}

/// Anybody may name a session after an instance.
pub fn claimed_instance(estate: &mut Estate) {
    let key = estate.key();
    let id = format!("i-{}", estate.dice.hex(17));
    let session = estate.role_session(PRODUCTION, "web", &id, &key, Truth::Unknowable("lost"));
    estate.work(&session);
}

pub fn function(estate: &mut Estate) {
    let maker = estate.user(PRODUCTION, "olga");
    let name = format!("orders-{}", estate.dice.below(5));
    let role = format!("arn:aws:iam::{PRODUCTION}:role/service-role/{name}-fn");
    let response = json!({ "functionName": name, "role": role });
    estate.call(&maker, "lambda", "CreateFunction20150331", |record| {
        record["responseElements"] = response;
        record["readOnly"] = json!(false);
    });
    estate.wait();
    let (mut session, key) = workload(
        estate,
        "lambda_function",
        &name,
        &format!("service-role/{name}-fn"),
        &name,
    );
    taken_by(estate, "lambda.amazonaws.com", &session, &key, |_| ());
    if estate.dice.one_in(2) {
        session.identity["inScopeOf"] = json!({
            "issuerType": "AWS::Lambda::Function",
            "credentialsIssuedTo": format!("arn:aws:lambda:us-east-1:{PRODUCTION}:function:{name}"),
        });
    }
    estate.work(&session);
}

pub fn function_in_scope(estate: &mut Estate) {
    let name = format!("orders-{}", estate.dice.below(5));
    let (mut session, _) = workload(
        estate,
        "lambda_function",
        &name,
        &format!("service-role/{name}-fn"),
        &name,
    );
    session.identity["inScopeOf"] = json!({
        "issuerType": "AWS::Lambda::Function",
        "credentialsIssuedTo": format!("arn:aws:lambda:us-east-1:{PRODUCTION}:function:{name}"),
    });
    estate.work(&session);
}

pub fn task(estate: &mut Estate) {
    let id = estate.dice.hex(32);
    let (session, key) = workload(estate, "ecs_task", &id, "task", &id);
    taken_by(estate, "ecs-tasks.amazonaws.com", &session, &key, |_| ());
    estate.work(&session);
}

pub fn build(estate: &mut Estate) {
    let name = format!("AWSCodeBuild-{}", estate.dice.uuid());
    let (session, key) = workload(
        estate,
        "aws_service",
        "codebuild.amazonaws.com",
        "build",
        &name,
    );
    taken_by(estate, "codebuild.amazonaws.com", &session, &key, |_| ());
    estate.work(&session);
}

pub fn glue_job(estate: &mut Estate) {
    let (session, key) = workload(
        estate,
        "aws_service",
        "glue.amazonaws.com",
        "glue",
        "GlueJobRunnerSession",
    );
    taken_by(estate, "glue.amazonaws.com", &session, &key, |_| ());
    estate.work(&session);
}

fn web_identity(
    estate: &mut Estate,
    provider: &str,
    subject: &str,
    role: &str,
    name: &str,
) -> Session {
    let key = estate.key();
    let truth = Truth::Origin("web_identity", subject.to_owned());
    let provider = format!("arn:aws:iam::{PRODUCTION}:oidc-provider/{provider}");
    let mut session = estate.role_session(PRODUCTION, role, name, &key, truth.clone());
    let answer = estate.issued(&session, &key, 3600);
    session.identity["sessionContext"]["webIdFederationData"] =
        json!({ "federatedProvider": provider, "attributes": {} });
    let caller = Session {
        identity: json!({
            "type": "WebIdentityUser", "principalId": format!("{provider}:sts.amazonaws.com:{subject}"),
            "userName": subject, "identityProvider": provider,
        }),
        truth,
    };
    estate.call(&caller, "sts", "AssumeRoleWithWebIdentity", |record| {
        record["recipientAccountId"] = json!(PRODUCTION);
        record["requestParameters"] = json!({
            "roleArn": format!("arn:aws:iam::{PRODUCTION}:role/{role}"), "roleSessionName": name,
        });
        record["responseElements"] = answer;
        record["readOnly"] = json!(true);
    });
    session
}

/// Two jobs of two repositories in one second, under the one name that every job has.
pub fn pipelines(estate: &mut Estate) {
    let jobs = [
        "repo:acme/infra:ref:refs/heads/main",
        "repo:acme/shop:environment:prod",
    ]
    .map(|subject| {
        web_identity(
            estate,
            "token.actions.githubusercontent.com",
            subject,
            "Pipeline",
            "GitHubActions",
        )
    });
    for job in &jobs {
        estate.work(job);
    }
    estate.pass(1);
}

pub fn service_account(estate: &mut Estate) {
    let name = format!("aws-sdk-java-{}", estate.dice.below(1_000_000));
    let provider = "oidc.eks.us-east-1.amazonaws.com/id/DEMO0123456789";
    let session = web_identity(
        estate,
        provider,
        "system:serviceaccount:shop:cart",
        "cart",
        &name,
    );
    estate.work(&session);
    let chained = estate.assume(&session, SHOP, "Orders", "cart", &Copies::All);
    estate.work(&chained);
}

fn cognito(estate: &mut Estate, issue: Option<&str>, shows_attributes: bool) {
    let identity = format!("us-east-1:{}", estate.dice.uuid());
    let pool = "us-east-1:99998888-7777-4666-8555-444433332222";
    let truth = if issue.is_some() || shows_attributes {
        Truth::Origin("cognito_identity", identity.clone())
    } else {
        Truth::Unknowable("data_event_not_logged")
    };
    let key = estate.key();
    let mut session = estate.role_session(
        PRODUCTION,
        "app",
        "CognitoIdentityCredentials",
        &key,
        truth.clone(),
    );
    let mut answer = estate.issued(&session, &key, 3600);
    let provider = "cognito-identity.amazonaws.com";
    if shows_attributes {
        session.identity["sessionContext"]["webIdFederationData"] = json!({
            "federatedProvider": provider,
            "attributes": { format!("{provider}:aud"): pool, format!("{provider}:sub"): identity },
        });
    }
    match issue {
        Some("basic") => {
            let caller = Session {
                identity: json!({
                    "type": "WebIdentityUser", "principalId": format!("{provider}:{pool}:{identity}"), "userName": identity,
                    "identityProvider": provider,
                }),
                truth,
            };
            estate.call(&caller, "sts", "AssumeRoleWithWebIdentity", |record| {
                record["recipientAccountId"] = json!(PRODUCTION);
                record["requestParameters"] = json!({
                    "roleArn": format!("arn:aws:iam::{PRODUCTION}:role/app"), "roleSessionName": "CognitoIdentityCredentials",
                });
                record["responseElements"] = answer;
                record["readOnly"] = json!(true);
            });
        }
        Some(_) => {
            let caller = Session {
                identity: json!({ "type": "Unknown", "principalId": "Anonymous" }),
                truth: Truth::Origin("anonymous", "anonymous".to_owned()),
            };
            answer.as_object_mut().unwrap().remove("assumedRoleUser");
            answer["identityId"] = json!(identity);
            estate.call(
                &caller,
                "cognito-identity",
                "GetCredentialsForIdentity",
                |record| {
                    record["recipientAccountId"] = json!(PRODUCTION);
                    record["responseElements"] = answer;
                    record["eventCategory"] = json!("Data");
                    record["managementEvent"] = json!(false);
                },
            );
        }
        None => {}
    }
    estate.work(&session);
    estate.pass(1);
}

pub fn cognito_basic(estate: &mut Estate) {
    cognito(estate, Some("basic"), true);
}

pub fn cognito_enhanced(estate: &mut Estate) {
    cognito(estate, Some("enhanced"), false);
}

pub fn cognito_use_only(estate: &mut Estate) {
    cognito(estate, None, true);
}

pub fn cognito_hidden(estate: &mut Estate) {
    cognito(estate, None, false);
}

pub fn pod(estate: &mut Estate) {
    let pod = format!("cart-{}", estate.dice.hex(5));
    let name = format!("eks-shop-{pod}-{}", estate.dice.uuid());
    let (session, key) = workload(estate, "eks_pod", "shop/orders/cart", "pod", &name);
    let cluster = format!("arn:aws:eks:us-east-1:{PRODUCTION}:cluster/shop");
    taken_by(estate, "pods.eks.amazonaws.com", &session, &key, |record| {
        record["requestParameters"]["tags"] = json!([
            { "key": "eks-cluster-arn", "value": cluster },
            { "key": "eks-cluster-name", "value": "shop" },
            { "key": "kubernetes-namespace", "value": "orders" },
            { "key": "kubernetes-service-account", "value": "cart" },
            { "key": "kubernetes-pod-name", "value": pod },
        ]);
    });
    estate.work(&session);
}

fn certificate(estate: &mut Estate, shows_issue: bool) {
    let common_name = format!("CN=host{}.example.com", estate.dice.below(4));
    let serial = estate.dice.hex(40);
    let (mut session, key) = workload(estate, "roles_anywhere", &common_name, "onprem", &serial);
    session.identity["sessionContext"]["sourceIdentity"] = json!(common_name);
    if shows_issue {
        let mut set = estate.issued(&session, &key, 3600);
        set["sourceIdentity"] = json!(common_name);
        let (caller, _) = service("rolesanywhere.amazonaws.com", PRODUCTION);
        estate.call(&caller, "rolesanywhere", "CreateSession", |record| {
            record["recipientAccountId"] = json!(PRODUCTION);
            record["requestParameters"] = json!({
                "roleArn": format!("arn:aws:iam::{PRODUCTION}:role/onprem"),
                "trustAnchorArn": format!("arn:aws:rolesanywhere:us-east-1:{PRODUCTION}:trust-anchor/a"),
            });
            record["responseElements"] = json!({ "credentialSet": [set] });
            record["readOnly"] = json!(false);
        });
    }
    estate.work(&session);
}

pub fn roles_anywhere(estate: &mut Estate) {
    certificate(estate, true);
}

pub fn roles_anywhere_use_only(estate: &mut Estate) {
    certificate(estate, false);
}

fn linked_role(estate: &mut Estate, shows_issue: bool) {
    let by = "autoscaling.amazonaws.com";
    let role = format!("aws-service-role/{by}/AWSServiceRoleForAutoScaling");
    let (mut session, key) = workload(estate, "aws_service", by, &role, "AutoScaling");
    if shows_issue {
        taken_by(estate, by, &session, &key, |_| ());
    }
    session
        .identity
        .as_object_mut()
        .unwrap()
        .remove("accessKeyId");
    session.identity["invokedBy"] = json!(by);
    estate.work(&session);
    estate.pass(1);
}

pub fn service_linked_role(estate: &mut Estate) {
    linked_role(estate, true);
}

pub fn service_linked_role_use_only(estate: &mut Estate) {
    linked_role(estate, false);
}

pub fn service_event(estate: &mut Estate) {
    let who = Session {
        identity: json!({ "accountId": PRODUCTION, "invokedBy": "kms.amazonaws.com" }),
        truth: Truth::Origin("aws_service", "kms.amazonaws.com".to_owned()),
    };
    estate.call(&who, "kms", "RotateKey", |record| {
        record["eventType"] = json!("AwsServiceEvent");
        record["readOnly"] = json!(false);
    });
}

/// A service calls in somebody's name, under a key that nobody handed out.
pub fn forwarded(estate: &mut Estate) {
    let user = estate.user(PRODUCTION, "bob");
    let mut of_user = user.clone();
    of_user.identity["accessKeyId"] = json!(estate.key());
    of_user.identity["sessionContext"] =
        json!({ "attributes": { "creationDate": estate.time(), "mfaAuthenticated": "false" } });
    let role = estate.assume(&user, PRODUCTION, "team/Deployer", "bob", &Copies::All);
    estate.pass(1);
    let mut of_role = role;
    of_role.identity["accessKeyId"] = json!(estate.key());
    for mut who in [of_user, of_role] {
        who.identity["invokedBy"] = json!("secretsmanager.amazonaws.com");
        estate.call(&who, "kms", "Decrypt", |record| {
            record["sourceIPAddress"] = json!("secretsmanager.amazonaws.com");
        });
    }
    estate.pass(1);
}

/// `CloudFormation` takes the role that it was given; the calls are the service's, not the person's.
pub fn passed_role(estate: &mut Estate) {
    let by = "cloudformation.amazonaws.com";
    let (mut session, key) = workload(estate, "aws_service", by, "stack", "AWSCloudFormation");
    taken_by(estate, by, &session, &key, |_| ());
    session.identity["invokedBy"] = json!(by);
    estate.work(&session);
    estate.pass(1);
}
