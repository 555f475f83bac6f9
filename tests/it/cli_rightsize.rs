//! `rightsize`, `unused`, `denied` and `permissions --grants`, as a user meets them.

use std::path::Path;

use insta::assert_snapshot;
use rolecall::policies::{Decision, Policy, decide};
use serde_json::{Value, json};

use super::support::records::{assume, call, lines, session, user};
use super::support::{Ran, TempLake, project, rolecall};

/// A lake of the sample stories, beside the files of what is granted in them.
fn stories() -> TempLake {
    let lake = TempLake::new();
    lake.ingest_from(&[&project().join("sample-logs/stories")]);
    for name in [
        "grants-111122223333.json",
        "grants-444455556666.json",
        "credential-report.csv",
    ] {
        let from = project().join("docs/examples").join(name);
        std::fs::copy(from, lake.folder.path().join(name)).unwrap();
    }
    lake
}

fn run(lake: &TempLake, arguments: &[&str]) -> Ran {
    let all = [&["--lake", "lake"], arguments].concat();
    rolecall(lake.folder.path(), &all)
}

fn with_grants<'a>(arguments: &[&'a str]) -> Vec<&'a str> {
    let grants = [
        "--grants",
        "grants-111122223333.json",
        "grants-444455556666.json",
    ];
    [arguments, &grants].concat()
}

fn policy_at(path: &Path) -> Policy {
    Policy::parse(&std::fs::read_to_string(path).unwrap()).unwrap()
}

#[test]
fn rightsize_shows_what_is_used_of_what_is_granted() {
    let lake = stories();
    let arguments = [
        "rightsize",
        "--role",
        "Support",
        "--check",
        "--policy-out",
        "policy.json",
        "--format",
        "table",
    ];
    let ran = run(&lake, &with_grants(&arguments));
    assert_snapshot!(ran.shown(lake.folder.path()));
    assert_snapshot!(std::fs::read_to_string(lake.folder.path().join("policy.json")).unwrap());
}

#[test]
fn a_difference_shows_what_goes() {
    let lake = stories();
    let ran = run(
        &lake,
        &with_grants(&["rightsize", "--role", "ResizeImagesRole", "--diff"]),
    );
    assert_snapshot!(ran.stdout);
}

#[test]
fn unused_tells_of_roles_users_entries_keys_and_passwords() {
    let lake = stories();
    let mut arguments = with_grants(&["unused", "--older-than", "2026-01-01", "--format", "table"]);
    arguments.push("credential-report.csv");
    let ran = run(&lake, &arguments);
    assert_snapshot!(ran.shown(lake.folder.path()));
}

#[test]
fn permissions_tell_what_was_taken_away_since() {
    let lake = stories();
    let ran = run(
        &lake,
        &with_grants(&[
            "permissions",
            "--role",
            "SecurityAnalystRole",
            "--format",
            "jsonl",
        ]),
    );
    let granted: Vec<Value> = ran
        .stdout
        .lines()
        .map(|line| {
            let row: Value = serde_json::from_str(line).unwrap();
            json!([row["iam_action"], row["granted"]])
        })
        .collect();
    assert_eq!(
        json!(granted),
        json!([
            ["cloudtrail:LookupEvents", "granted"],
            ["sts:AssumeRole", "conditionally"],
            ["guardduty:ListFindings", "granted"],
            ["iam:UpdateAccessKey", "not_granted"],
        ])
    );
    let unknown = run(
        &lake,
        &with_grants(&["permissions", "--role", "ShopWeb", "--format", "jsonl"]),
    );
    assert!(
        unknown.stdout.contains(r#""granted":"unknown""#),
        "{}",
        unknown.stdout
    );
}

#[test]
fn some_roles_are_not_for_anybody_to_change() {
    let lake = stories();
    let cases: [(&[&str], &str); 5] = [
        (
            &["--role", "AWSServiceRoleForSupport"],
            "is linked to a service",
        ),
        (
            &["--role", "AWSReservedSSO_Administrator_0123456789abcdef"],
            "with `--permission-set Administrator`",
        ),
        (
            &[
                "--role",
                "SecurityBreakGlassRole",
                "--exclude",
                "*BreakGlass*",
            ],
            "is left as it is by `--exclude`",
        ),
        (
            &["--role", "SecurityBreakGlassRole", "--min-window", "90d"],
            "less time than `--min-window`",
        ),
        (
            &["--role", "NobodyHasThisName"],
            "nothing is known of `NobodyHasThisName`",
        ),
    ];
    for (whom, reason) in cases {
        let arguments = [&["rightsize", "--policy-out", "no.json"], whom].concat();
        let ran = run(&lake, &with_grants(&arguments));
        assert_eq!(ran.code, 1, "{whom:?}: {}", ran.stderr);
        assert!(ran.stderr.contains(reason), "{whom:?}: {}", ran.stderr);
        assert!(!lake.folder.path().join("no.json").exists(), "{whom:?}");
    }
    let set = run(
        &lake,
        &with_grants(&[
            "rightsize",
            "--permission-set",
            "Administrator",
            "--policy-out",
            "set.json",
            "--drop-unobservable",
        ]),
    );
    assert_eq!(set.code, 0, "{}", set.stderr);
    let policy = policy_at(&lake.folder.path().join("set.json"));
    let instance = "arn:aws:ec2:us-east-1:444455556666:instance/i-0f00000000000a001";
    assert_eq!(
        decide([&policy], "ec2:TerminateInstances", instance),
        Decision::Allowed
    );
    assert_eq!(
        decide(
            [&policy],
            "ec2:TerminateInstances",
            "arn:aws:ec2:us-east-1:444455556666:instance/i-1"
        ),
        Decision::ImplicitlyDenied
    );
}

#[test]
fn a_role_is_found_by_any_of_its_names() {
    let lake = stories();
    let asked = |role: &str| {
        run(
            &lake,
            &with_grants(&["rightsize", "--role", role, "--format", "jsonl"]),
        )
        .stdout
    };
    let whole = asked("SecurityAnalystRole");
    assert!(whole.contains(r#""state":"used""#), "{whole}");
    for role in [
        "role/SecurityAnalystRole",
        "111122223333:role/SecurityAnalystRole",
        "arn:aws:iam::111122223333:role/SecurityAnalystRole",
    ] {
        assert_eq!(asked(role), whole, "{role}");
    }
    let grants =
        std::fs::read_to_string(lake.folder.path().join("grants-111122223333.json")).unwrap();
    let ran = run(
        &lake,
        &[
            "rightsize",
            "--role",
            "SecurityAnalystRole",
            "--grants",
            "grants-111122223333.json",
            "--policy-out",
            "grants-111122223333.json",
        ],
    );
    assert_eq!(ran.code, 2, "{}", ran.stderr);
    assert_eq!(
        std::fs::read_to_string(lake.folder.path().join("grants-111122223333.json")).unwrap(),
        grants
    );
}

#[test]
fn each_person_has_a_policy_of_their_own() {
    let lake = stories();
    let ran = run(
        &lake,
        &with_grants(&[
            "rightsize",
            "--role",
            "Support",
            "--by-person",
            "--policy-out",
            "p.json",
            "--drop-unobservable",
        ]),
    );
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    assert!(
        ran.stderr.contains("p-2.json: for carol") && ran.stderr.contains("p-3.json: for dave"),
        "{}",
        ran.stderr
    );
    let carol = policy_at(&lake.folder.path().join("p-2.json"));
    let tickets = "arn:aws:dynamodb:us-east-1:444455556666:table/tickets";
    assert_eq!(
        decide([&carol], "dynamodb:DeleteTable", tickets),
        Decision::ImplicitlyDenied
    );
    let dave = policy_at(&lake.folder.path().join("p-3.json"));
    assert_eq!(
        decide([&dave], "dynamodb:DeleteTable", tickets),
        Decision::Allowed
    );
}

#[test]
fn broken_policies_are_told_with_file_and_statement() {
    let lake = stories();
    let put = |name: &str, text: &str| std::fs::write(lake.folder.path().join(name), text).unwrap();
    put(
        "single.json",
        r#"{"Statement":[{"Effect":"Allow","Action":"s3:*","Resource":"*"},{"Sid":"Oops","Effect":"Maybe"}]}"#,
    );
    let ran = run(
        &lake,
        &["rightsize", "--role", "Support", "--grants", "single.json"],
    );
    assert_eq!(ran.code, 2);
    assert!(
        ran.stderr.contains("single.json is no policy")
            && ran
                .stderr
                .contains(r#"statement 2 (Sid "Oops"): `Effect` is neither `Allow` nor `Deny`"#),
        "{}",
        ran.stderr
    );
    put(
        "export.json",
        r#"{"RoleDetailList":[{"RoleName":"Support","RoleId":"AROABE91940B79EXAMPLE","Arn":"arn:aws:iam::444455556666:role/Support",
        "RolePolicyList":[{"PolicyName":"p","PolicyDocument":"%7B%22Statement%22"}]}]}"#,
    );
    let ran = run(
        &lake,
        &["rightsize", "--role", "Support", "--grants", "export.json"],
    );
    assert_eq!(ran.code, 3, "{}", ran.stderr);
    assert!(
        ran.stderr.contains(
            "export.json: policy p of arn:aws:iam::444455556666:role/Support: the policy is no JSON"
        ),
        "{}",
        ran.stderr
    );
    for (name, text) in [
        ("a.json", "{}"),
        ("b.json", ""),
        ("c.json", "[[[["),
        ("d.json", "\u{1b}[2J"),
    ] {
        put(name, text);
        let ran = run(&lake, &["unused", "--grants", name]);
        assert_eq!(ran.code, 2, "{name}: {}", ran.stderr);
        assert!(
            ran.stderr.contains(name) && !ran.stderr.contains('\u{1b}'),
            "{name}: {}",
            ran.stderr
        );
    }
}

/// Whoever makes a call chooses the names in it; none of them makes the policy wider than the call.
#[test]
fn names_in_calls_make_no_policy_wider() {
    let time = "2026-03-02T09:00:00Z";
    let key = "ASIANAMES0000EXAMPLE";
    let mut records = vec![assume(
        "take",
        user("alice"),
        time,
        "111122223333",
        "Names",
        "s",
        key,
    )];
    let names = [
        "*",
        "?",
        "a*",
        "${aws:username}",
        "${*}",
        "a\nb",
        "a\",\"Resource\":\"*",
        "é\u{202e}x",
        "*/*",
    ];
    for (at, name) in names.iter().enumerate() {
        let mut get = call(
            &format!("get-{at}"),
            session("111122223333", "Names", "s", key, time),
            time,
            "s3",
            "GetObject",
        );
        get["requestParameters"] = json!({"bucketName": "b", "key": name});
        get["resources"] =
            json!([{"ARN": format!("arn:aws:s3:::b/{name}"), "type": "AWS::S3::Object"}]);
        records.push(get);
        let mut send = call(
            &format!("send-{at}"),
            session("111122223333", "Names", "s", key, time),
            time,
            "sqs",
            "SendMessage",
        );
        send["requestParameters"] =
            json!({"queueUrl": format!("https://sqs.us-east-1.amazonaws.com/111122223333/{name}")});
        records.push(send);
        let mut pass = call(
            &format!("pass-{at}"),
            session("111122223333", "Names", "s", key, time),
            time,
            "lambda",
            "CreateFunction20150331",
        );
        pass["requestParameters"] =
            json!({"functionName": name, "role": format!("arn:aws:iam::111122223333:role/{name}")});
        records.push(pass);
    }
    let lake = TempLake::new();
    lake.put("a.json", &lines(&records));
    lake.ingest();
    let grants = r#"{"Version":"2012-10-17","Statement":[
        {"Effect":"Allow","Action":["s3:GetObject"],"Resource":"arn:aws:s3:::b/*"},
        {"Effect":"Allow","Action":["sqs:SendMessage","lambda:CreateFunction"],"Resource":"*"},
        {"Effect":"Allow","Action":"iam:PassRole","Resource":"arn:aws:iam::111122223333:role/app-*"}]}"#;
    std::fs::write(lake.folder.path().join("grants.json"), grants).unwrap();
    let ran = run(
        &lake,
        &[
            "rightsize",
            "--role",
            "Names",
            "--grants",
            "grants.json",
            "--policy-out",
            "p.json",
            "--check",
        ],
    );
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    let policy = policy_at(&lake.folder.path().join("p.json"));
    let today = Policy::parse(grants).unwrap();
    let made = std::fs::read_to_string(lake.folder.path().join("p.json")).unwrap();
    assert!(!made.contains(r#""*""#), "{made}");
    for (action, resource) in [
        (
            "sqs:SendMessage",
            "arn:aws:sqs:us-east-1:111122223333:other",
        ),
        (
            "lambda:CreateFunction",
            "arn:aws:lambda:us-east-1:111122223333:function:other",
        ),
        ("s3:GetObject", "arn:aws:s3:::c/k"),
        ("s3:GetObject", "arn:aws:s3:::bb/k"),
        ("iam:PassRole", "arn:aws:iam::111122223333:role/admin"),
        ("iam:PassRole", "arn:aws:iam::999999999999:role/app-x"),
        ("s3:PutObject", "arn:aws:s3:::b/k"),
        ("sqs:DeleteQueue", "arn:aws:sqs:us-east-1:111122223333:q"),
    ] {
        let then = decide([&today], action, resource);
        assert!(then == Decision::ImplicitlyDenied || resource.ends_with(":other"));
        assert_eq!(
            decide([&policy], action, resource),
            Decision::ImplicitlyDenied,
            "{action} {resource}"
        );
    }
    for statement in &policy.statements {
        for text in statement
            .resources
            .iter()
            .flat_map(rolecall::policies::Listed::patterns)
        {
            let rest = ["${*}", "${?}", "${$}"]
                .iter()
                .fold(text.clone(), |text, it| text.replace(it, ""));
            assert!(
                !rest.contains("${") && text.chars().all(|c| !c.is_control()),
                "{text:?}"
            );
        }
    }
}
