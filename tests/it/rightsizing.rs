//! From what was used to a smaller policy: nothing that came through is refused, and nothing is granted that was neither used nor
//! marked.

use std::collections::BTreeSet;

use rolecall::directory::Directory;
use rolecall::lake::Lake;
use rolecall::permissions::{Action, ArnPattern};
use rolecall::policies::{Decision, Effect, Grants, Listed, Policy, decide};
use rolecall::reports::{RightsizeQuestion, Subject, replay, rightsize};
use rolecall::rightsize::{Home, ProposalRules, Verdict};
use rolecall::views::open_lake;
use serde_json::{Value, json};

use super::simulation::deliver;
use super::simulator;
use super::support::{LIMITS, TempLake, project, runtime};

/// A lake with the sample stories and the records of the SQL tests.
fn lake_of_samples() -> TempLake {
    let lake = TempLake::new();
    let stories = project().join("sample-logs/stories");
    let records = project().join("tests/records");
    lake.ingest_from(&[&stories, &records]);
    lake
}

/// Policies that grant the same in several ways, and less.
fn grants_for(actions: &BTreeSet<String>) -> Vec<(&'static str, Value)> {
    let services: BTreeSet<String> = actions
        .iter()
        .map(|action| format!("{}:*", action.split(':').next().unwrap()))
        .collect();
    let allow = |action: Value, resource: Value| json!({"Effect": "Allow", "Action": action, "Resource": resource});
    let mut conditional = allow(json!("*"), json!("*"));
    conditional["Condition"] = json!({"Bool": {"aws:SecureTransport": "true"}});
    [
        ("everything", json!([allow(json!("*"), json!("*"))])),
        ("services", json!([allow(json!(services), json!("*"))])),
        ("actions in two halves", json!([
            allow(json!(actions), json!(["arn:*"])),
            allow(json!(actions), json!("*")),
        ])),
        ("all but", json!([{"Effect": "Allow", "NotAction": "chime:*", "NotResource": "arn:aws:s3:::nobody/*"}])),
        ("under a condition", json!([conditional])),
        ("with a deny", json!([
            allow(json!("*"), json!("*")),
            {"Effect": "Deny", "Action": "s3:DeleteBucket", "Resource": "*"},
        ])),
    ]
    .map(|(name, statements)| (name, json!({"Version": "2012-10-17", "Statement": statements})))
    .into()
}

/// Right-sizes one persona under one grant and holds the result against the calls as they stand in the lake.
fn hold(lake: &TempLake, persona: &str, name: &str, policy: &Value) {
    let file = lake.folder.path().join("policy.json");
    std::fs::write(&file, policy.to_string()).unwrap();
    let grants = Grants::read(&[file]).unwrap();
    let today = Policy::parse(&policy.to_string()).unwrap();
    let role = persona.contains(":role/");
    let subjects = [Subject {
        name: persona.to_owned(),
        persona: if role {
            persona.rsplit('/').next().unwrap()
        } else {
            persona
        }
        .to_owned(),
        account_id: Some(persona.split(':').nth(4).unwrap().to_owned()),
        principal: None,
    }];
    let question = RightsizeQuestion {
        times: Vec::new(),
        rules: ProposalRules::default(),
        home: Home::Managed,
    };
    let opened = Lake::open(&lake.root()).unwrap();
    let (policies, counts, open) = runtime().block_on(async {
        let open = open_lake(&opened, &Directory::default(), LIMITS)
            .await
            .unwrap();
        let found = rightsize(&open.engine, &subjects, &grants, &question)
            .await
            .unwrap();
        let policies = found.proposal.policies.clone().unwrap();
        let replay = replay(&open.engine, &subjects, &grants, &question, &policies)
            .await
            .unwrap();
        let counts = replay.counts.clone();
        (policies, counts, found.open)
    });
    let what = format!("{persona}, {name}");
    for bad in [Verdict::WouldBeRefused, Verdict::NotGrantedToday] {
        assert!(!counts.contains_key(&bad), "{what}: {counts:?}");
    }

    // The same, asked without any of the code that made the proposal: each call as the lake has it.
    let calls = lake.sql(&format!(
        "SELECT DISTINCT iam_action, mapping, action_resource_arns FROM call_permissions
         WHERE persona_arn = '{persona}' AND outcome IN ('allowed', 'authorized_error', 'denied_downstream')
         AND iam_action IS NOT NULL"
    ));
    let mut used = BTreeSet::new();
    for call in &calls {
        let action = Action::find(call["iam_action"].as_str().unwrap()).unwrap();
        used.insert(action.name);
        let patterns: Vec<&'static str> = action
            .resource_types()
            .filter_map(|(name, _)| action.arn_pattern(name))
            .collect();
        let arns = call["action_resource_arns"].as_array().unwrap();
        let arns: Vec<&str> = arns
            .iter()
            .map(|arn| arn.as_str().unwrap())
            .filter(|arn| {
                patterns
                    .iter()
                    .any(|pattern| ArnPattern::of(pattern).unwrap().fits(arn))
            })
            .collect();
        let asked = if patterns.is_empty() { vec!["*"] } else { arns };
        for resource in asked {
            let then = decide([&today], action.name, resource);
            let now = decide(&policies, action.name, resource);
            assert_eq!(now, then, "{what}: {} on {resource}", action.name);
        }
    }
    for statement in policies.iter().flat_map(|policy| &policy.statements) {
        if statement.effect == Effect::Deny {
            continue;
        }
        let Listed::These(actions) = &statement.actions else {
            panic!("{what}: the proposal has `NotAction`");
        };
        let is_marked = statement.sid.as_ref().unwrap().starts_with("NotObservable");
        for action in actions {
            assert!(!action.contains('*'), "{what}: {action}");
            let is_open = open.get(action).is_some_and(|open| open.is_meant);
            assert!(
                if is_marked {
                    is_open
                } else {
                    used.contains(action.as_str())
                },
                "{what}: {action}"
            );
        }
    }
    // Nothing that is not allowed today: of every action of the services in use, on some resources.
    let services: BTreeSet<&str> = used
        .iter()
        .map(|action| action.split(':').next().unwrap())
        .collect();
    for action in services
        .iter()
        .flat_map(|service| Action::of_prefix(service))
    {
        let patterns: Vec<&'static str> = action
            .resource_types()
            .filter_map(|(name, _)| action.arn_pattern(name))
            .collect();
        let arns = [
            "arn:aws:s3:::nobody/x",
            "arn:aws:s3:::b/k",
            "arn:aws:s3:::b",
            "arn:aws:iam::111122223333:role/x",
        ];
        let mut asked: Vec<&str> = arns
            .into_iter()
            .filter(|arn| {
                patterns
                    .iter()
                    .any(|pattern| ArnPattern::of(pattern).unwrap().fits(arn))
            })
            .collect();
        if patterns.is_empty() {
            asked.push("*");
        }
        for resource in asked {
            let now = decide(&policies, action.name, resource);
            let then = decide([&today], action.name, resource);
            assert!(
                now <= Decision::ImplicitlyDenied || now <= then,
                "{what}: {} on {resource}",
                action.name
            );
        }
    }
}

fn hold_all(lake: &TempLake, most: usize) {
    let personas = lake.sql(
        "SELECT persona_arn, array_agg(DISTINCT iam_action) AS actions FROM permission_usage
         WHERE persona_arn IS NOT NULL AND use_count + authorized_error_count > 0 AND iam_action IS NOT NULL
         GROUP BY persona_arn ORDER BY count(*) DESC, persona_arn",
    );
    assert!(personas.len() > 10, "{}", personas.len());
    for (at, row) in personas.iter().take(most).enumerate() {
        let actions = row["actions"].as_array().unwrap().iter();
        let actions = actions
            .map(|action| action.as_str().unwrap().to_owned())
            .collect();
        let grants = grants_for(&actions);
        // Each persona under one of the grants: there are many of both.
        let (name, policy) = &grants[at % grants.len()];
        hold(lake, row["persona_arn"].as_str().unwrap(), name, policy);
    }
}

#[test]
fn no_call_of_the_samples_would_be_refused() {
    hold_all(&lake_of_samples(), 40);
}

#[test]
fn no_call_of_the_simulator_would_be_refused() {
    let mut estate = simulator::act(11, |_| 1);
    let lake = TempLake::new();
    deliver(&mut estate, &lake);
    lake.ingest();
    hold_all(&lake, 30);
}
