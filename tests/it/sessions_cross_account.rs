//! A call that two accounts recorded: who it was, with both copies and with one.

use super::support::TempLake;
use super::support::records::{OTHER_ACCOUNT, assume, call, session, twin, user};
use serde_json::{Value, json};

const TIME: &str = "2026-03-02T09:00:00Z";

/// Alice's call as her account has it, the other account's copy, and a use.
fn story() -> [Value; 3] {
    let mut ours = assume(
        "ours",
        user("alice"),
        TIME,
        OTHER_ACCOUNT,
        "Reader",
        "x",
        "ASIAREADEREXAMPLE",
    );
    let theirs = twin(&mut ours, "theirs", OTHER_ACCOUNT);
    let used = session(OTHER_ACCOUNT, "Reader", "x", "ASIAREADEREXAMPLE", TIME);
    [
        ours,
        theirs,
        call("used", used, "2026-03-02T09:01:00Z", "s3", "ListBuckets"),
    ]
}

fn row(lake: &TempLake, event: &str) -> Value {
    lake.sql(&format!(
        "SELECT origin_kind, origin_id, origin_name, hop_count, persona_arn, attribution, confidence, evidence_event_ids, unresolved_reason FROM attributed_events WHERE event_id = '{event}'"
    ))[0]
        .clone()
}

#[test]
fn with_both_copies_the_person_is_named() {
    let lake = TempLake::of(&story());
    let alice = "arn:aws:iam::111122223333:user/alice";
    assert_eq!(
        row(&lake, "used"),
        json!({
            "origin_kind": "iam_user", "origin_id": alice, "origin_name": "alice", "hop_count": 1,
            "persona_arn": "arn:aws:iam::444455556666:role/Reader", "attribution": "issued_key", "confidence": "exact",
            "evidence_event_ids": ["theirs"], "unresolved_reason": null,
        })
    );
    let theirs = row(&lake, "theirs");
    assert_eq!(theirs["attribution"], "shared_event");
    assert_eq!(theirs["origin_id"], alice);
    assert_eq!(theirs["persona_arn"], alice);
    assert_eq!(theirs["hop_count"], 0);
    assert_eq!(theirs["evidence_event_ids"], json!(["ours", "theirs"]));
}

#[test]
fn with_the_callers_copy_alone_the_person_is_named() {
    let [ours, _, used] = story();
    let lake = TempLake::of(&[ours, used]);
    assert_eq!(row(&lake, "used")["origin_name"], "alice");
}

#[test]
fn with_the_owners_copy_alone_the_account_is_named_and_nobody_else() {
    let [_, theirs, used] = story();
    let lake = TempLake::of(&[theirs, used]);
    assert_eq!(
        row(&lake, "used"),
        json!({
            "origin_kind": "external_account", "origin_id": "111122223333", "origin_name": "AIDAALICEEXAMPLE", "hop_count": 1,
            "persona_arn": "arn:aws:iam::444455556666:role/Reader", "attribution": "issued_key", "confidence": "exact",
            "evidence_event_ids": ["theirs"], "unresolved_reason": "cross_account_not_collected",
        })
    );
}

#[test]
fn of_both_copies_one_counts_as_use() {
    let lake = TempLake::of(&story());
    let rows = lake
        .sql("SELECT account_id, use_count FROM permission_usage WHERE event_name = 'AssumeRole'");
    assert_eq!(
        rows,
        [json!({ "account_id": "111122223333", "use_count": 1 })]
    );
    let [_, theirs, used] = story();
    let lake = TempLake::of(&[theirs, used]);
    let rows = lake
        .sql("SELECT account_id, use_count FROM permission_usage WHERE event_name = 'AssumeRole'");
    assert_eq!(
        rows,
        [json!({ "account_id": "444455556666", "use_count": 1 })]
    );
}
