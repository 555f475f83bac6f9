//! From a role session back to the person: one hop, many hops, gaps, loops, order of files.

use super::support::TempLake;
use super::support::records::{ACCOUNT, assume, call, records_file, session, user};
use serde_json::{Value, json};

const ALICE: &str = "arn:aws:iam::111122223333:user/alice";

fn origin_of(lake: &TempLake, event: &str) -> Value {
    let rows = lake.sql(&format!(
        "SELECT origin_kind, origin_id, hop_count, attribution, confidence, unresolved_reason FROM attributed_events WHERE event_id = '{event}'"
    ));
    assert_eq!(rows.len(), 1, "{event}");
    rows[0].clone()
}

fn exact(hops: i64) -> Value {
    json!({
        "origin_kind": "iam_user", "origin_id": ALICE, "hop_count": hops, "attribution": "issued_key",
        "confidence": "exact", "unresolved_reason": null,
    })
}

/// Alice, then roles `r0`, `r1`, … each taken from the one before, five seconds apart.
fn chain(length: usize) -> Vec<Value> {
    let start: chrono::DateTime<chrono::Utc> = "2026-03-02T09:00:00Z".parse().unwrap();
    let time = |at: usize| {
        let at = i64::try_from(at).unwrap();
        (start + chrono::TimeDelta::seconds(5 * at))
            .format("%Y-%m-%dT%H:%M:%SZ")
            .to_string()
    };
    let mut who = user("alice");
    let mut records = Vec::new();
    for at in 0..length {
        let (role, key) = (format!("r{}", at % 2), format!("ASIA{at:05}EXAMPLE"));
        records.push(assume(
            &format!("take-{at}"),
            who,
            &time(at),
            ACCOUNT,
            &role,
            "juggler",
            &key,
        ));
        who = session(ACCOUNT, &role, "juggler", &key, &time(at));
    }
    records.push(call("used", who, &time(length), "s3", "ListBuckets"));
    records
}

#[test]
fn one_hop_and_three_hops_lead_to_the_person() {
    for length in [1, 3] {
        let lake = TempLake::of(&chain(length));
        assert_eq!(
            origin_of(&lake, "used"),
            exact(i64::try_from(length).unwrap())
        );
    }
}

#[test]
fn a_juggling_chain_of_a_thousand_hops_leads_to_the_person() {
    let lake = TempLake::of(&chain(1000));
    assert_eq!(origin_of(&lake, "used"), exact(1000));
    let row = &lake.sql("SELECT chain, chain_truncated FROM sessions WHERE hop_count = 1000")[0];
    assert_eq!(row["chain_truncated"], true);
    let chain = row["chain"].as_array().unwrap();
    assert_eq!(chain.len(), 128);
    assert_eq!(chain[0], "arn:aws:iam::111122223333:role/r0");
    assert_eq!(chain[127], "arn:aws:iam::111122223333:role/r1");
    let whole = lake
        .sql("SELECT cardinality(chain) AS n, chain_truncated FROM sessions WHERE hop_count = 128");
    assert_eq!(whole, [json!({"n": 128, "chain_truncated": false})]);
}

#[test]
fn the_issuing_event_may_come_in_a_later_run() {
    let records = chain(3);
    let lake = TempLake::new();
    lake.put("b.json", &records_file(&records[2..]));
    lake.ingest();
    assert_eq!(origin_of(&lake, "used")["origin_kind"], "unresolved");
    lake.put("a.json", &records_file(&records[..2]));
    lake.ingest();
    assert_eq!(origin_of(&lake, "used"), exact(3));
}

#[test]
fn a_gap_ends_the_chain_with_a_reason() {
    let mut records = chain(3);
    records.remove(1);
    let lake = TempLake::of(&records);
    let found = origin_of(&lake, "used");
    assert_eq!(found["origin_kind"], "unresolved");
    assert_eq!(found["origin_id"], Value::Null);
    assert_eq!(found["attribution"], "issued_key");
    assert_eq!(found["confidence"], "unresolved");
    assert_eq!(found["unresolved_reason"], "lost");
}

#[test]
fn a_loop_that_only_forged_data_can_make_ends_cleanly() {
    let time = "2026-03-02T09:00:00Z";
    let a = session(ACCOUNT, "a", "x", "ASIAAEXAMPLE", time);
    let b = session(ACCOUNT, "b", "x", "ASIABEXAMPLE", time);
    let lake = TempLake::of(&[
        assume("a-by-b", b, time, ACCOUNT, "a", "x", "ASIAAEXAMPLE"),
        assume("b-by-a", a.clone(), time, ACCOUNT, "b", "x", "ASIABEXAMPLE"),
        call("used", a, time, "s3", "ListBuckets"),
    ]);
    assert_eq!(origin_of(&lake, "used")["origin_kind"], "unresolved");
}

#[test]
fn credentials_never_seen_in_use_are_a_session_too() {
    let lake = TempLake::of(&chain(1)[..1]);
    let rows = lake.sql("SELECT session_name, role_arn, origin_id, event_count, first_used_at, attribution FROM sessions WHERE hop_count = 1");
    assert_eq!(
        rows,
        [json!({
            "session_name": "juggler", "role_arn": "arn:aws:iam::111122223333:role/r0", "origin_id": ALICE,
            "event_count": 0, "first_used_at": null, "attribution": "issued_key",
        })]
    );
}

#[test]
fn a_refused_call_hands_out_nothing() {
    let mut records = chain(1);
    records[0]["errorCode"] = json!("AccessDenied");
    records[0]["responseElements"] = Value::Null;
    let lake = TempLake::of(&records);
    assert_eq!(origin_of(&lake, "used")["origin_kind"], "unresolved");
}

#[test]
fn every_session_id_of_events_has_exactly_one_session() {
    let lake = TempLake::of(&chain(5));
    let missing = lake.sql("SELECT session_id FROM events EXCEPT SELECT session_id FROM sessions");
    assert_eq!(missing, Vec::<Value>::new());
    let twice = lake.sql("SELECT session_id FROM sessions GROUP BY session_id HAVING count(*) > 1");
    assert_eq!(twice, Vec::<Value>::new());
}

#[test]
fn the_role_is_shown_with_its_path_where_any_record_shows_it() {
    let mut records = chain(1);
    let with_path = "arn:aws:iam::111122223333:role/team/a/r0";
    records[0]["requestParameters"]["roleArn"] = json!(with_path);
    records[1]["userIdentity"]["sessionContext"]["sessionIssuer"]["arn"] = json!(with_path);
    let lake = TempLake::of(&records);
    assert_eq!(
        lake.value("SELECT persona_arn FROM attributed_events WHERE event_id = 'used'"),
        with_path
    );
    assert_eq!(
        lake.value("SELECT persona_id FROM attributed_events WHERE event_id = 'used'"),
        "AROAR0EXAMPLE"
    );
}
