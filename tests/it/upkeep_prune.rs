//! Days go, and what was known of the sessions that stay does not.

use std::collections::BTreeSet;

use super::support::records::{assume, call, records_file, session, user};
use super::support::{LIMITS, TempLake, copy_folder, project, rolecall, runtime};
use chrono::NaiveDate;
use rolecall::lake::Lake;
use rolecall::upkeep::{Policy, Pruned, compact, prune};
use serde_json::{Value, json};

pub fn pruned(lake: &TempLake, before: &str) -> Vec<Pruned> {
    let open = Lake::open(&lake.root()).unwrap();
    let guard = open
        .write("2026-04-02T00:00:00Z".parse().unwrap(), || ())
        .unwrap();
    let before: NaiveDate = before.parse().unwrap();
    runtime().block_on(prune(&guard, before, LIMITS)).unwrap()
}

/// Every story and every record of the SQL tests.
fn stories() -> TempLake {
    let lake = TempLake::new();
    lake.ingest_from(&[
        &project().join("sample-logs"),
        &project().join("tests/records"),
    ]);
    lake
}

#[test]
fn an_event_that_comes_back_on_a_day_of_its_own_is_found_by_its_id() {
    let lake = TempLake::new();
    let on = |id: &str, day: u32| {
        let time = format!("2026-03-0{day}T09:00:00Z");
        call(id, user("alice"), &time, "s3", "ListBuckets")
    };
    lake.put("a.json", &records_file(&[on("twice", 1)]));
    lake.put("b.json", &records_file(&[on("twice", 5), on("other", 5)]));
    lake.ingest();
    // The event goes, and the rejected copy of the other file stays.
    pruned(&lake, "2026-03-02");
    lake.put("c.json", &records_file(&[on("twice", 3)]));
    lake.ingest();
    lake.put("d.json", &records_file(&[on("twice", 4)]));
    lake.ingest();
    let everywhere = lake.sql("SELECT date FROM events WHERE concat(event_id, '') = 'twice'");
    assert_eq!(everywhere, [json!({ "date": "2026-03-05" })]);
    assert_eq!(
        lake.sql("SELECT date FROM events WHERE event_id = 'twice'"),
        everywhere
    );
}

#[test]
fn whatever_day_is_the_first_the_events_that_stay_are_attributed_as_before() {
    let whole = stories();
    let attributed = |lake: &TempLake, from: &str| {
        lake.sql(&format!(
            "SELECT * FROM attributed_events WHERE date >= '{from}' ORDER BY event_id"
        ))
    };
    let days = whole.sql("SELECT DISTINCT CAST(date AS text) AS day FROM events ORDER BY day");
    assert!(days.len() > 5, "{days:?}");
    let mut kept = 0;
    for day in &days {
        let day = day["day"].as_str().unwrap();
        let lake = TempLake::new();
        copy_folder(&whole.root(), &lake.root());
        let wanted = attributed(&lake, day);
        pruned(&lake, day);
        assert_eq!(attributed(&lake, day), wanted, "before {day}");
        assert_eq!(
            lake.value(&format!(
                "SELECT count(*) AS n FROM events WHERE date < '{day}'"
            )),
            0
        );
        // A second time there is nothing to do, and working it all out again changes nothing.
        let tables = lake.tables();
        assert_eq!(pruned(&lake, day), []);
        lake.put(
            "new.json",
            &records_file(&[call(
                "new",
                user("zoe"),
                "2026-03-31T00:00:00Z",
                "s3",
                "ListBuckets",
            )]),
        );
        lake.ingest();
        assert_eq!(attributed(&lake, day).len(), wanted.len() + 1);
        let again: BTreeSet<String> = lake.tables().into_iter().collect();
        let lost: Vec<_> = tables
            .iter()
            .filter(|row| row.starts_with("sessions ") && !again.contains(*row))
            .collect();
        assert_eq!(lost, Vec::<&String>::new(), "before {day}");
        let marked = "SELECT count(*) AS n FROM sessions WHERE events_pruned_before IS NOT NULL";
        kept += lake.value(marked).as_u64().unwrap();
    }
    assert!(kept > 0, "no session depended on a day that went");
}

const MONDAY: &str = "2026-03-02T23:50:00Z";
const TUESDAY: &str = "2026-03-03T00:10:00Z";

/// Alice takes a role before midnight and goes on from there after it.
fn over_midnight() -> [Value; 3] {
    let in_one = session("111122223333", "One", "a", "ASIAONEEXAMPLE", MONDAY);
    [
        assume(
            "take-1",
            user("alice"),
            MONDAY,
            "111122223333",
            "One",
            "a",
            "ASIAONEEXAMPLE",
        ),
        call(
            "before",
            in_one.clone(),
            "2026-03-02T23:55:00Z",
            "s3",
            "ListBuckets",
        ),
        call("after", in_one, TUESDAY, "s3", "ListBuckets"),
    ]
}

fn who(lake: &TempLake, event: &str) -> Vec<Value> {
    lake.sql(&format!(
        "SELECT origin_name, confidence, attribution, hop_count FROM attributed_events WHERE event_id = '{event}'"
    ))
}

#[test]
fn a_chain_that_begins_in_a_pruned_day_goes_on_to_grow() {
    let lake = TempLake::of(&over_midnight());
    let before = who(&lake, "after");
    assert_eq!(before[0]["origin_name"], "alice");
    pruned(&lake, "2026-03-03");
    assert_eq!(who(&lake, "after"), before);
    // Another hop from that session, and the first use of it, arrive later.
    let in_one = session("111122223333", "One", "a", "ASIAONEEXAMPLE", MONDAY);
    let two = "2026-03-03T00:20:00Z";
    lake.put(
        "later.json",
        &records_file(&[
            assume(
                "take-2",
                in_one,
                two,
                "111122223333",
                "Two",
                "a",
                "ASIATWOEXAMPLE",
            ),
            call(
                "far",
                session("111122223333", "Two", "a", "ASIATWOEXAMPLE", two),
                two,
                "s3",
                "ListBuckets",
            ),
        ]),
    );
    lake.ingest();
    assert_eq!(
        who(&lake, "far"),
        [
            json!({ "origin_name": "alice", "confidence": "exact", "attribution": "issued_key", "hop_count": 2 })
        ]
    );
    assert_eq!(who(&lake, "after"), before);
    // Also after the next prune, when the second session's own beginning has gone too.
    lake.put(
        "last.json",
        &records_file(&[call(
            "last",
            session("111122223333", "Two", "a", "ASIATWOEXAMPLE", two),
            "2026-03-04T00:01:00Z",
            "s3",
            "ListBuckets",
        )]),
    );
    lake.ingest();
    let last = who(&lake, "last");
    pruned(&lake, "2026-03-04");
    assert_eq!(who(&lake, "last"), last);
    assert_eq!(who(&lake, "last")[0]["origin_name"], "alice");
    assert_eq!(who(&lake, "last")[0]["hop_count"], 2);
    // The sessions that nothing needs are gone: two in the chain, and alice herself.
    assert_eq!(lake.value("SELECT count(*) AS n FROM sessions"), 3);
    assert_eq!(lake.value("SELECT sum(event_count) AS n FROM sessions"), 1);
}

#[test]
fn credentials_that_were_not_used_yet_are_still_known_when_they_are() {
    let [take, ..] = over_midnight();
    let lake = TempLake::of(&[take]);
    lake.put(
        "b.json",
        &records_file(&[call("other", user("bob"), TUESDAY, "s3", "ListBuckets")]),
    );
    lake.ingest();
    pruned(&lake, "2026-03-03");
    let in_one = session("111122223333", "One", "a", "ASIAONEEXAMPLE", MONDAY);
    lake.put(
        "c.json",
        &records_file(&[call("after", in_one, TUESDAY, "s3", "ListBuckets")]),
    );
    lake.ingest();
    assert_eq!(who(&lake, "after")[0]["origin_name"], "alice");
}

#[test]
fn what_comes_late_is_believed_where_it_is_surer() {
    let [take, before, after] = over_midnight();
    let lake = TempLake::of(&[before, after]);
    assert_eq!(who(&lake, "after")[0]["confidence"], "unresolved");
    pruned(&lake, "2026-03-03");
    assert_eq!(who(&lake, "after")[0]["confidence"], "unresolved");
    lake.put("late.json", &records_file(&[take]));
    lake.ingest();
    assert_eq!(who(&lake, "after")[0]["confidence"], "exact");
    pruned(&lake, "2026-03-03");
    assert_eq!(who(&lake, "after")[0]["confidence"], "exact");
}

#[test]
fn reading_the_same_log_files_again_brings_nothing_back() {
    let lake = TempLake::of(&over_midnight());
    lake.put("copy.json", &records_file(&over_midnight()));
    lake.put(
        "bad.json",
        &records_file(&[json!({ "eventID": "no time" })]),
    );
    lake.ingest();
    let gone = pruned(&lake, "2026-03-03");
    let told: Vec<_> = gone
        .iter()
        .map(|gone| (gone.table.name(), gone.rows, gone.rows_kept))
        .collect();
    assert_eq!(
        told,
        [
            ("events", 2, 0),
            ("sessions", 0, 2),
            ("duplicates", 2, 1),
            ("rejected", 0, 1)
        ]
    );
    let tables = lake.tables();
    let books = lake.ingest();
    assert_eq!((books.files_known, books.records), (3, 0));
    assert_eq!(lake.tables(), tables);
}

#[test]
fn compaction_and_pruning_may_follow_each_other() {
    let one = stories();
    let other = TempLake::new();
    copy_folder(&one.root(), &other.root());
    pruned(&one, "2026-03-05");
    for lake in [&one, &other] {
        let open = Lake::open(&lake.root()).unwrap();
        let guard = open
            .write("2026-04-02T00:00:00Z".parse().unwrap(), || ())
            .unwrap();
        runtime()
            .block_on(compact(&guard, Policy::ALL, LIMITS, &mut |_| ()))
            .unwrap();
    }
    pruned(&other, "2026-03-05");
    assert_eq!(one.tables(), other.tables());
}

#[test]
fn a_dry_run_tells_what_would_go_and_changes_nothing() {
    let lake = TempLake::of(&over_midnight());
    let folder = lake.folder.path();
    let tables = lake.tables();
    let arguments = ["prune", "--before", "2026-03-03", "--lake", "lake"];
    let dry = rolecall(folder, &[arguments.as_slice(), &["--dry-run"]].concat());
    assert_eq!(dry.code, 0, "{}", dry.stderr);
    assert_eq!(lake.tables(), tables);
    let done = rolecall(folder, &arguments);
    assert_eq!(
        (done.code, &done.stdout),
        (0, &dry.stdout),
        "{}",
        done.stderr
    );
    insta::assert_snapshot!(done.stdout, @r#"
    {"table":"events","date":"2026-03-02","rows_removed":2,"rows_kept":0}
    {"table":"sessions","date":null,"rows_removed":0,"rows_kept":2}
    {"table":"duplicates","date":null,"rows_removed":0,"rows_kept":0}
    {"table":"rejected","date":null,"rows_removed":0,"rows_kept":0}
    "#);
    assert_ne!(lake.tables(), tables);
    assert_eq!(
        rolecall(
            folder,
            &["prune", "--before", "2099-01-01", "--lake", "lake"]
        )
        .code,
        2
    );
    assert_eq!(
        rolecall(folder, &["prune", "--before", "soon", "--lake", "lake"]).code,
        2
    );
    assert_eq!(
        rolecall(
            folder,
            &["prune", "--before", "2026-03-03", "--lake", "nowhere"]
        )
        .code,
        1
    );
}

/// Ops as alice takes it before midnight and bob after it, both under the same name, for twelve hours.
fn two_in_ops() -> [Value; 2] {
    let take = |id: &str, who: &str, time: &str, key: &str, end: &str| {
        let mut take = assume(id, user(who), time, "111122223333", "Ops", "ops", key);
        take["responseElements"]["credentials"]["expiration"] = json!(end);
        take
    };
    [
        take(
            "alice-takes",
            "alice",
            "2026-03-02T20:00:00Z",
            "ASIAOPSALICEEXAMPLE",
            "Mar 3, 2026, 8:00:00 AM",
        ),
        take(
            "bob-takes",
            "bob",
            "2026-03-03T01:00:00Z",
            "ASIAOPSBOBEXAMPLE",
            "Mar 3, 2026, 1:00:00 PM",
        ),
    ]
}

/// A call as another account records it: the caller's account and unique id, and nothing else.
fn seen_from_outside() -> Value {
    let caller = json!({ "type": "AWSAccount", "principalId": "AROAOPSEXAMPLE:ops", "accountId": "111122223333" });
    let mut call = call("outside", caller, "2026-03-03T02:00:00Z", "s3", "GetObject");
    call["recipientAccountId"] = json!("444455556666");
    call
}

#[test]
fn a_candidate_that_was_pruned_still_makes_it_ambiguous() {
    let [alice, bob] = two_in_ops();
    let lake = TempLake::of(&[alice.clone(), bob.clone(), seen_from_outside()]);
    let before = who(&lake, "outside");
    assert_eq!(before[0]["confidence"], "ambiguous");
    pruned(&lake, "2026-03-03");
    assert_eq!(who(&lake, "outside"), before);
    // The same when the call comes only after the prune.
    let late = TempLake::of(&[alice, bob]);
    pruned(&late, "2026-03-03");
    late.put("b.json", &records_file(&[seen_from_outside()]));
    late.ingest();
    assert_eq!(who(&late, "outside"), before);
}

#[test]
fn an_account_that_is_collected_later_is_external_no_longer() {
    let take = assume(
        "take",
        user("alice"),
        MONDAY,
        "111122223333",
        "One",
        "a",
        "ASIAONEEXAMPLE",
    );
    let in_one = session("111122223333", "One", "a", "ASIAONEEXAMPLE", MONDAY);
    let mut theirs = call("theirs", in_one.clone(), TUESDAY, "s3", "GetObject");
    theirs["recipientAccountId"] = json!("444455556666");
    theirs["sharedEventID"] = json!("shared");
    theirs["userIdentity"] = json!({ "type": "AWSAccount", "principalId": "AROAONEEXAMPLE:a", "accountId": "111122223333" });
    let mut early = theirs.clone();
    early["eventID"] = json!("early");
    early["eventTime"] = json!(MONDAY);
    let lake = TempLake::of(&[early, theirs]);
    assert_eq!(
        lake.value("SELECT origin_kind FROM attributed_events WHERE event_id = 'theirs'"),
        "external_account"
    );
    pruned(&lake, "2026-03-03");
    let mut own = call("own", in_one, TUESDAY, "s3", "GetObject");
    own["sharedEventID"] = json!("shared");
    lake.put("own.json", &records_file(&[take, own]));
    lake.ingest();
    assert_eq!(who(&lake, "theirs")[0]["origin_name"], "alice");
}

#[test]
fn what_was_known_of_a_long_lived_key_is_known_when_it_is_used_again() {
    let mut made = call(
        "make",
        user("mallory"),
        "2026-03-02T09:00:00Z",
        "iam",
        "CreateAccessKey",
    );
    made["requestParameters"] = json!({ "userName": "svc" });
    made["responseElements"] = json!({ "accessKey": { "accessKeyId": "AKIASVCEXAMPLE", "userName": "svc", "status": "Active" } });
    let use_at = |id: &str, time: &str| call(id, user("svc"), time, "s3", "ListBuckets");
    let lake = TempLake::of(&[
        made,
        use_at("first", "2026-03-02T10:00:00Z"),
        call("other", user("bob"), TUESDAY, "s3", "ListBuckets"),
    ]);
    let maker = "SELECT created_by_origin_id FROM sessions WHERE origin_name = 'svc'";
    let mallory = "arn:aws:iam::111122223333:user/mallory";
    assert_eq!(lake.value(maker), mallory);
    pruned(&lake, "2026-03-03");
    lake.put(
        "again.json",
        &records_file(&[use_at("again", "2026-03-05T10:00:00Z")]),
    );
    lake.ingest();
    assert_eq!(lake.value(maker), mallory);
    let told = rolecall(
        lake.folder.path(),
        &["who", "again", "--lake", "lake", "--format", "table"],
    );
    assert!(
        told.stdout.contains(mallory) && told.stdout.contains("were pruned"),
        "{}",
        told.stdout
    );
    assert!(
        told.stderr.contains("events before 2026-03-03 were pruned"),
        "{}",
        told.stderr
    );
}

#[test]
fn what_comes_late_is_believed_also_of_a_session_without_events() {
    // Nobody knows who took One on Monday; from it Two was taken, which is used on Tuesday.
    let in_one = session("111122223333", "One", "a", "ASIAONEEXAMPLE", MONDAY);
    let in_two = session("111122223333", "Two", "b", "ASIATWOEXAMPLE", MONDAY);
    let take_one = assume(
        "take-1",
        user("alice"),
        MONDAY,
        "111122223333",
        "One",
        "a",
        "ASIAONEEXAMPLE",
    );
    let take_two = assume(
        "take-2",
        in_one,
        MONDAY,
        "111122223333",
        "Two",
        "b",
        "ASIATWOEXAMPLE",
    );
    let lake = TempLake::of(&[
        take_two,
        call("after", in_two, TUESDAY, "s3", "ListBuckets"),
    ]);
    assert_eq!(who(&lake, "after")[0]["confidence"], "unresolved");
    pruned(&lake, "2026-03-03");
    lake.put("late.json", &records_file(&[take_one]));
    lake.ingest();
    assert_eq!(who(&lake, "after")[0]["origin_name"], "alice");
}

#[test]
fn a_prune_opens_no_session_and_an_earlier_one_forgets_nothing() {
    let [take, before, after] = over_midnight();
    // Credentials that had ended by midnight.
    let mut ended = assume(
        "ended",
        user("bob"),
        "2026-03-02T10:00:00Z",
        "111122223333",
        "Old",
        "b",
        "ASIAOLDEXAMPLE",
    );
    ended["responseElements"]["credentials"]["expiration"] = json!("Mar 2, 2026, 11:00:00 AM");
    let lake = TempLake::of(&[ended, take, before, after]);
    let gone = pruned(&lake, "2026-03-03");
    let sessions = gone
        .iter()
        .find(|gone| gone.table.name() == "sessions")
        .unwrap();
    assert_eq!(
        lake.value("SELECT count(*) AS n FROM sessions"),
        sessions.rows_kept
    );
    let kept = lake.sql("SELECT * FROM kept_issues");
    assert_eq!(kept.len(), 2);
    // A file of an earlier day comes late, and that day is given up in its turn.
    lake.put(
        "late.json",
        &records_file(&[call(
            "late",
            user("zoe"),
            "2026-02-27T09:00:00Z",
            "s3",
            "ListBuckets",
        )]),
    );
    lake.ingest();
    pruned(&lake, "2026-03-01");
    assert_eq!(lake.sql("SELECT * FROM kept_issues"), kept);
    let days = "SELECT DISTINCT events_pruned_before AS day FROM sessions WHERE events_pruned_before IS NOT NULL";
    assert_eq!(lake.sql(days), [json!({ "day": "2026-03-03T00:00:00Z" })]);
}
