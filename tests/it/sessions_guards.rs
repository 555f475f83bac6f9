//! What looks like a link and is none: sample keys, one name for two people, contradictions.

use super::support::TempLake;
use super::support::records::{ACCOUNT, assume, call, session, user};
use serde_json::{Value, json};

const TIME: &str = "2026-03-02T09:00:00Z";
const LATER: &str = "2026-03-02T09:05:00Z";

fn row(lake: &TempLake, event: &str) -> Value {
    lake.sql(&format!(
        "SELECT origin_name, attribution, confidence FROM attributed_events WHERE event_id = '{event}'"
    ))[0]
        .clone()
}

#[test]
fn one_key_over_many_identities_proves_nothing() {
    let sample = "ASIAIOSFODNN7EXAMPLE";
    let lake = TempLake::of(&[
        assume("take", user("alice"), TIME, ACCOUNT, "One", "x", sample),
        call(
            "one",
            session(ACCOUNT, "One", "x", sample, "2026-03-02T08:00:00Z"),
            LATER,
            "s3",
            "ListBuckets",
        ),
        call(
            "two",
            session(ACCOUNT, "Two", "y", sample, TIME),
            LATER,
            "s3",
            "ListBuckets",
        ),
    ]);
    for event in ["one", "two"] {
        assert_eq!(row(&lake, event)["attribution"], "none", "{event}");
    }
}

#[test]
fn a_key_issued_for_another_role_proves_nothing() {
    let key = "ASIAKEYEXAMPLE";
    let lake = TempLake::of(&[
        assume("take", user("alice"), TIME, ACCOUNT, "One", "x", key),
        call(
            "used",
            session(ACCOUNT, "Two", "x", key, TIME),
            LATER,
            "s3",
            "ListBuckets",
        ),
    ]);
    assert_eq!(row(&lake, "used")["attribution"], "none");
}

#[test]
fn two_people_one_role_one_name_one_second_are_told_apart_by_key_alone() {
    let take = |id: &str, who: &str, key: &str| {
        assume(id, user(who), TIME, ACCOUNT, "Support", "support", key)
    };
    let use_of = |id: &str, key: &str| {
        call(
            id,
            session(ACCOUNT, "Support", "support", key, TIME),
            LATER,
            "s3",
            "ListBuckets",
        )
    };
    let forwarded = {
        let mut who = session(ACCOUNT, "Support", "support", "ASIAFORWARDEDEXAMPLE", TIME);
        who["invokedBy"] = json!("secretsmanager.amazonaws.com");
        call("forwarded", who, LATER, "kms", "Decrypt")
    };
    let lake = TempLake::of(&[
        take("1", "carol", "ASIACAROLEXAMPLE"),
        take("2", "dave", "ASIADAVEEXAMPLE"),
        use_of("by-carol", "ASIACAROLEXAMPLE"),
        use_of("by-dave", "ASIADAVEEXAMPLE"),
        forwarded,
    ]);
    assert_eq!(row(&lake, "by-carol")["origin_name"], "carol");
    assert_eq!(row(&lake, "by-dave")["origin_name"], "dave");
    // The forwarded call has a key that no event issued: it may be either's.
    assert_eq!(
        row(&lake, "forwarded"),
        json!({ "origin_name": null, "attribution": "issue_second", "confidence": "ambiguous" })
    );
}

#[test]
fn two_sessions_of_one_person_in_one_second_keep_their_origin() {
    let take =
        |id: &str, key: &str| assume(id, user("carol"), TIME, ACCOUNT, "Support", "support", key);
    let mut who = session(ACCOUNT, "Support", "support", "ASIAFORWARDEDEXAMPLE", TIME);
    who["invokedBy"] = json!("secretsmanager.amazonaws.com");
    let lake = TempLake::of(&[
        take("1", "ASIAONEEXAMPLE"),
        take("2", "ASIATWOEXAMPLE"),
        call("forwarded", who, LATER, "kms", "Decrypt"),
    ]);
    assert_eq!(
        row(&lake, "forwarded"),
        json!({ "origin_name": "carol", "attribution": "issue_second", "confidence": "strong" })
    );
    let session = lake.sql("SELECT parent_session_id, evidence_event_ids FROM sessions WHERE attribution = 'issue_second'");
    assert_eq!(
        session,
        [json!({ "parent_session_id": null, "evidence_event_ids": ["1", "2"] })]
    );
}

/// Alice is handed one key, and a session of that role and name is used with another.
fn with_another_key(created: &str, is_console: bool) -> Value {
    let taken = assume(
        "take",
        user("alice"),
        TIME,
        ACCOUNT,
        "Ops",
        "alice",
        "ASIAISSUEDEXAMPLE",
    );
    let who = session(ACCOUNT, "Ops", "alice", "ASIAUSEDEXAMPLE", created);
    let mut used = call("used", who, LATER, "s3", "ListBuckets");
    if is_console {
        used["sessionCredentialFromConsole"] = json!("true");
    }
    row(&TempLake::of(&[taken, used]), "used")
}

#[test]
fn the_second_of_creation_joins_where_the_console_uses_another_key_than_was_issued() {
    let exact =
        json!({ "origin_name": "alice", "attribution": "issue_second", "confidence": "exact" });
    assert_eq!(with_another_key(TIME, true), exact);
    let near =
        json!({ "origin_name": "alice", "attribution": "issue_second", "confidence": "strong" });
    assert_eq!(with_another_key("2026-03-02T09:00:02Z", true), near);
    assert_eq!(
        with_another_key("2026-03-02T09:00:03Z", true)["attribution"],
        "none"
    );
}

#[test]
fn a_session_with_a_key_of_its_own_is_not_that_of_another_key() {
    for created in [TIME, "2026-03-02T09:00:02Z"] {
        assert_eq!(with_another_key(created, false)["attribution"], "none");
    }
}

#[test]
fn a_contradiction_lowers_the_confidence() {
    let key = "ASIAKEYEXAMPLE";
    let mut who = session(ACCOUNT, "Ops", "alice", key, TIME);
    who["sessionContext"]["sourceIdentity"] = json!("mallory");
    let mut take = assume("take", user("alice"), TIME, ACCOUNT, "Ops", "alice", key);
    take["requestParameters"]["sourceIdentity"] = json!("alice");
    let lake = TempLake::of(&[take, call("used", who, LATER, "s3", "ListBuckets")]);
    assert_eq!(
        row(&lake, "used"),
        json!({ "origin_name": "alice", "attribution": "issued_key", "confidence": "strong" })
    );
}

#[test]
fn a_session_used_before_its_issue_or_long_after_its_end_is_not_joined_by_key() {
    for time in ["2026-03-02T08:59:00Z", "2026-03-02T10:06:00Z"] {
        let key = "ASIAKEYEXAMPLE";
        let created = "2026-03-01T00:00:00Z";
        let lake = TempLake::of(&[
            assume("take", user("alice"), TIME, ACCOUNT, "Ops", "alice", key),
            call(
                "used",
                session(ACCOUNT, "Ops", "alice", key, created),
                time,
                "s3",
                "ListBuckets",
            ),
        ]);
        assert_eq!(row(&lake, "used")["attribution"], "none", "{time}");
    }
}

#[test]
fn a_colleagues_name_as_session_name_fools_nobody() {
    let key = "ASIAKEYEXAMPLE";
    let lake = TempLake::of(&[
        assume("take", user("mallory"), TIME, ACCOUNT, "Ops", "alice", key),
        call(
            "used",
            session(ACCOUNT, "Ops", "alice", key, TIME),
            LATER,
            "s3",
            "ListBuckets",
        ),
        call(
            "unknown",
            session(ACCOUNT, "Other", "alice", "ASIAOTHEREXAMPLE", TIME),
            LATER,
            "s3",
            "ListBuckets",
        ),
    ]);
    assert_eq!(row(&lake, "used")["origin_name"], "mallory");
    assert_eq!(row(&lake, "unknown")["origin_name"], Value::Null);
}

#[test]
fn a_missing_issue_is_not_replaced_by_a_colleagues_of_the_same_second() {
    let taken = assume(
        "take",
        user("alice"),
        TIME,
        ACCOUNT,
        "Deploy",
        "ci",
        "ASIAALICEKEYEXAMPLE",
    );
    let used = |id: &str, key: &str| {
        call(
            id,
            session(ACCOUNT, "Deploy", "ci", key, TIME),
            LATER,
            "s3",
            "ListBuckets",
        )
    };
    let lake = TempLake::of(&[
        taken,
        used("hers", "ASIAALICEKEYEXAMPLE"),
        used("his", "ASIABOBKEYEXAMPLE"),
    ]);
    assert_eq!(row(&lake, "hers")["origin_name"], "alice");
    assert_eq!(
        row(&lake, "his"),
        json!({ "origin_name": null, "attribution": "none", "confidence": "unresolved" })
    );
}

#[test]
fn one_masked_role_id_over_two_roles_joins_neither_to_the_other() {
    let masked = |mut record: Value| {
        record["userIdentity"]["principalId"] = json!("AROAMASKED:user");
        record["userIdentity"]["sessionContext"]["sessionIssuer"]["principalId"] =
            json!("AROAMASKED");
        record
    };
    let mut taken = assume(
        "take",
        user("alice"),
        TIME,
        ACCOUNT,
        "RoleX",
        "user",
        "ASIAMASKEDEXAMPLE",
    );
    taken["responseElements"]["assumedRoleUser"]["assumedRoleId"] = json!("AROAMASKED:user");
    let used = |id: &str, role: &str, key: &str| {
        masked(call(
            id,
            session(ACCOUNT, role, "user", key, TIME),
            LATER,
            "s3",
            "ListBuckets",
        ))
    };
    let lake = TempLake::of(&[
        taken,
        used("x", "RoleX", "ASIAONEEXAMPLE"),
        used("y", "RoleY", "ASIATWOEXAMPLE"),
    ]);
    assert_eq!(
        row(&lake, "x"),
        json!({ "origin_name": "alice", "attribution": "issue_second", "confidence": "strong" })
    );
    assert_eq!(row(&lake, "y")["attribution"], "none");
}

#[test]
fn a_call_that_does_not_show_the_creation_date_makes_no_key_degenerate() {
    let key = "ASIAKEYEXAMPLE";
    let who = session(ACCOUNT, "Ops", "alice", key, TIME);
    let mut bare = who.clone();
    bare.as_object_mut().unwrap().remove("sessionContext");
    let lake = TempLake::of(&[
        assume("take", user("alice"), TIME, ACCOUNT, "Ops", "alice", key),
        call("full", who, LATER, "s3", "ListBuckets"),
        call("bare", bare, LATER, "s3", "ListBuckets"),
    ]);
    for event in ["full", "bare"] {
        assert_eq!(row(&lake, event)["attribution"], "issued_key", "{event}");
    }
}

#[test]
fn a_user_is_one_origin_also_where_a_record_leaves_out_the_arn() {
    let mut bare = user("alice");
    for field in ["arn", "userName", "accessKeyId"] {
        bare.as_object_mut().unwrap().remove(field);
    }
    let lake = TempLake::of(&[
        call("full", user("alice"), TIME, "s3", "ListBuckets"),
        call("bare", bare, LATER, "signin", "CheckMfa"),
    ]);
    assert_eq!(
        lake.value("SELECT count(DISTINCT origin_id) AS n FROM attributed_events"),
        1
    );
    assert_eq!(row(&lake, "bare")["origin_name"], "alice");
}
