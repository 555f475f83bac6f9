//! What attribution must withstand: masked logs, missing accounts, missing kinds of events, forged names, any order.

use std::collections::BTreeMap;

use super::cases::{Case, cases};
use super::simulation::{deliver, judge};
use super::simulator::act;
use super::support::TempLake;
use super::support::records::{ACCOUNT, OTHER_ACCOUNT, assume, call, session, user};
use serde_json::{Value, json};

fn case(name: &str) -> Case {
    let found = cases().into_iter().find(|case| case.name == name);
    found.unwrap_or_else(|| panic!("no case {name}"))
}

fn said(lake: &TempLake, id: &str) -> Value {
    let rows = lake.sql(&format!(
        "SELECT origin_kind, origin_id, attribution, confidence, unresolved_reason FROM attributed_events WHERE event_id = '{id}'"
    ));
    rows[0].clone()
}

/// Every order of a few things, else a thousand of them by seed.
fn orders(count: usize) -> Vec<Vec<usize>> {
    if count > 6 {
        let mut dice = super::simulator::dice::Dice::new(11);
        let mut order: Vec<usize> = (0..count).collect();
        return (0..1000)
            .map(|_| {
                dice.shuffle(&mut order);
                order.clone()
            })
            .collect();
    }
    let mut all = vec![Vec::new()];
    for item in 0..count {
        all = all
            .into_iter()
            .flat_map(|order| {
                (0..=order.len()).map(move |at| {
                    let mut longer = order.clone();
                    longer.insert(at, item);
                    longer
                })
            })
            .collect();
    }
    all
}

/// The rows of `events` as they lie in their files, without their places in the log file.
fn event_rows(lake: &TempLake) -> Vec<String> {
    use rolecall::events::rebuild_record;
    use rolecall::lake::{Lake, LakeTable, Store, read_columns};
    let manifest = Lake::open(&lake.root()).unwrap().snapshot().unwrap();
    let mut rows = Vec::new();
    for file in manifest.files(LakeTable::Events) {
        for batch in read_columns(&Store::new(&lake.root()), file, None).unwrap() {
            let batch = batch.unwrap();
            rows.extend((0..batch.num_rows()).map(|row| rebuild_record(&batch, row)));
        }
    }
    rows
}

#[test]
fn every_order_of_every_cases_records_gives_the_same_rows() {
    // Resolution reads nothing but these rows, so that equal rows are equal sessions; some are resolved all the same.
    let mut tried = 0;
    for case in cases() {
        let mut first: Option<(Vec<String>, Vec<String>)> = None;
        for (at, order) in orders(case.events.len()).into_iter().enumerate() {
            let records: Vec<Value> = order.iter().map(|at| case.events[*at].clone()).collect();
            let lake = TempLake::new();
            lake.put("a.json", &super::support::records::records_file(&records));
            lake.ingest_unresolved();
            let rows = event_rows(&lake);
            assert_eq!(rows.len(), records.len(), "{}", case.name);
            let (known, sessions) = first.get_or_insert_with(|| {
                lake.ingest();
                (rows.clone(), lake.sessions())
            });
            assert_eq!(rows, *known, "{} in order {order:?}", case.name);
            if at % 250 == 249 {
                lake.ingest();
                let again = lake.sessions();
                assert_eq!(again, *sessions, "{} in order {order:?}", case.name);
            }
            tried += 1;
        }
    }
    assert!(tried > 1200, "{tried}");
}

#[test]
fn without_the_callers_copy_the_account_is_named_and_the_console_still_names_the_person() {
    for (name, label, used) in [
        ("02-cross-account", "2.issue-source-view", "2.used"),
        ("04b-switch-role", "4b.issue-source-view", "4b.used"),
        ("18-organization-role", "18.issue-source-view", "18.used"),
    ] {
        let case = case(name);
        let id = case.id_of(&json!(used));
        let records: Vec<Value> = case
            .events
            .iter()
            .filter(|event| event["_label"] != label)
            .cloned()
            .collect();
        let lake = TempLake::of(&records);
        let row = said(&lake, id.as_str().unwrap());
        assert_eq!(
            row["unresolved_reason"], "cross_account_not_collected",
            "{name}: {row}"
        );
        if name == "04b-switch-role" {
            assert_eq!(row["origin_id"], "arn:aws:iam::111122223333:user/alice");
            assert_eq!(row["confidence"], "strong");
        } else {
            assert_eq!(row["origin_kind"], "external_account", "{name}");
        }
    }
}

/// Every access key and role id as one and the same text, as shared data sets show them.
fn masked(records: &[Value]) -> Vec<Value> {
    let mut ids: BTreeMap<String, String> = BTreeMap::new();
    let records = records.iter().map(|record| {
        let mut text = record.to_string();
        for (prefix, mask) in [
            ("ASIA", "ASIAMASKEDMASKED0000"),
            ("AKIA", "AKIAMASKEDMASKED0000"),
            ("AROA", "AROAMASKEDMASKED00000"),
        ] {
            let mut from = 0;
            while let Some(at) = text[from..].find(&format!("\"{prefix}")) {
                let start = from + at + 1;
                let end = start + text[start..].find(['"', ':']).unwrap();
                ids.insert(text[start..end].to_owned(), mask.to_owned());
                text.replace_range(start..end, mask);
                from = start;
            }
        }
        serde_json::from_str(&text).unwrap()
    });
    records.collect()
}

#[test]
fn masked_keys_and_ids_join_nothing_by_key_and_mislead_nobody() {
    let mut estate = act(21, |_| 2);
    estate.records = masked(&estate.records);
    let lake = TempLake::new();
    deliver(&mut estate, &lake);
    lake.ingest();
    assert_eq!(
        lake.value("SELECT count(*) AS n FROM sessions WHERE attribution = 'issued_key' AND event_count > 0"),
        0
    );
    let (tallies, faults) = judge(&estate, &lake);
    let wrong: usize = tallies.values().map(|tally| tally.wrong).sum();
    assert_eq!(wrong, 0, "{}", faults.join("\n"));
    let web = lake.sql(
        "SELECT DISTINCT attribution, confidence FROM attributed_events WHERE origin_kind = 'web_identity' AND user_identity_type = 'AssumedRole' AND persona_arn LIKE '%:role/cart'",
    );
    assert_eq!(
        web,
        [json!({ "attribution": "issue_second", "confidence": "strong" })]
    );
    let keys = lake.ask("suspicion/shared_keys");
    assert_eq!(keys[0]["access_key_id"], "ASIAMASKEDMASKED0000");
}

#[test]
fn a_trail_without_read_events_is_told_of_and_leads_to_no_wrong_link() {
    let mut estate = act(22, |_| 2);
    estate.records.retain(|record| record["readOnly"] == false);
    let kept: Vec<String> = estate
        .records
        .iter()
        .map(|record| record["eventID"].as_str().unwrap().to_owned())
        .collect();
    estate.truth.retain(|event, _| kept.contains(event));
    let lake = TempLake::new();
    deliver(&mut estate, &lake);
    lake.ingest();
    let limits = lake.ask("status/limits");
    let of_account = |account: &str| {
        let rows = limits
            .iter()
            .filter(|row| row["account_id"] == account && row["reason"] == "read_events_excluded");
        rows.count()
    };
    assert_eq!(of_account(ACCOUNT), 1, "{limits:?}");
    let (tallies, faults) = judge(&estate, &lake);
    let wrong: usize = tallies.values().map(|tally| tally.wrong).sum();
    assert_eq!(wrong, 0, "{}", faults.join("\n"));
}

#[test]
fn two_jobs_of_one_second_with_masked_keys_are_ambiguous_and_both_are_named() {
    let mut records = Vec::new();
    let time = "2026-03-02T06:00:00Z";
    for repository in ["infra", "shop"] {
        let mut issue = case("06a-github").events[0].clone();
        let text = issue
            .to_string()
            .replace("acme/infra", &format!("acme/{repository}"));
        issue = serde_json::from_str(&text).unwrap();
        issue["eventID"] = json!(format!("issue-{repository}"));
        issue["requestID"] = json!(format!("request-{repository}"));
        let mut used = case("06a-github").events[1].clone();
        used["eventID"] = json!(format!("used-{repository}"));
        records.extend([issue, used]);
    }
    assert_eq!(records[0]["eventTime"], time);
    let lake = TempLake::of(&masked(&records));
    let row = said(&lake, "used-infra");
    assert_eq!(row["confidence"], "ambiguous");
    assert_eq!(row["origin_kind"], "unresolved");
    let candidates = lake
        .value("SELECT evidence_event_ids FROM attributed_events WHERE event_id = 'used-infra'");
    assert_eq!(candidates, json!(["issue-infra", "issue-shop"]));
}

#[test]
fn a_switch_under_a_colleagues_name_leads_to_the_one_who_switched() {
    let time = "2026-03-02T09:00:00Z";
    let taken = assume(
        "take",
        user("mallory"),
        time,
        OTHER_ACCOUNT,
        "Ops",
        "alice",
        "ASIANEVERUSEDEXAMPLE",
    );
    let mut used = session(OTHER_ACCOUNT, "Ops", "alice", "ASIACONSOLEXXEXAMPLE", time);
    let mut switch = call("switch", used.clone(), time, "signin", "SwitchRole");
    let identity = switch["userIdentity"].as_object_mut().unwrap();
    identity.remove("accessKeyId");
    identity.remove("sessionContext");
    switch["additionalEventData"] = json!({ "SwitchFrom": user("mallory")["arn"] });
    switch["responseElements"] = json!({ "SwitchRole": "Success" });
    used["sessionContext"]["attributes"]["mfaAuthenticated"] = json!("true");
    let mut seen = call("seen", used, "2026-03-02T09:01:00Z", "s3", "ListBuckets");
    seen["sessionCredentialFromConsole"] = json!("true");
    let lake = TempLake::of(&[
        taken,
        switch,
        seen,
        call("alice", user("alice"), time, "s3", "ListBuckets"),
    ]);
    assert_eq!(
        said(&lake, "seen")["origin_id"],
        "arn:aws:iam::111122223333:user/mallory"
    );
    let found = lake.ask("suspicion/borrowed_names");
    assert_eq!(
        found[0]["named_user"],
        "arn:aws:iam::111122223333:user/alice"
    );
    assert_eq!(found[0]["who"], "mallory");
}

#[test]
fn a_console_that_names_somebody_else_contradicts_the_call() {
    let time = "2026-03-02T09:00:00Z";
    let taken = assume(
        "take",
        user("alice"),
        time,
        ACCOUNT,
        "Ops",
        "x",
        "ASIANEVERUSEDEXAMPLE",
    );
    let used = session(ACCOUNT, "Ops", "x", "ASIACONSOLEXXEXAMPLE", time);
    let mut switch = call("switch", used.clone(), time, "signin", "SwitchRole");
    switch["userIdentity"]
        .as_object_mut()
        .unwrap()
        .remove("accessKeyId");
    switch["additionalEventData"] = json!({ "SwitchFrom": user("bob")["arn"] });
    let mut seen = call("seen", used, "2026-03-02T09:01:00Z", "s3", "ListBuckets");
    seen["sessionCredentialFromConsole"] = json!("true");
    let lake = TempLake::of(&[taken, switch, seen]);
    let row = said(&lake, "seen");
    assert_eq!(row["origin_id"], "arn:aws:iam::111122223333:user/alice");
    assert_eq!(row["confidence"], "strong");
    let found = lake.ask("suspicion/contradictions");
    assert_eq!(found[0]["contradicted_by"], "switch_from");
}

#[test]
fn logs_with_holes_mislead_nobody() {
    for seed in 31..43 {
        let mut estate = act(seed, |_| 2);
        estate.lose(seed, 2 + seed % 4);
        let lake = TempLake::new();
        deliver(&mut estate, &lake);
        lake.ingest();
        let (tallies, faults) = judge(&estate, &lake);
        let wrong: usize = tallies.values().map(|tally| tally.wrong).sum();
        let named: Vec<&String> = faults
            .iter()
            .filter(|fault| !fault.contains("\"origin_kind\":\"unresolved\""))
            .collect();
        assert_eq!(wrong, 0, "seed {seed}: {named:#?}");
    }
}
