//! Days go, and what was known of the sessions that stay does not.

use std::collections::BTreeSet;
use std::path::Path;

use super::support::records::{assume, call, records_file, session, user};
use super::support::{LIMITS, TempLake, project, rolecall, runtime};
use chrono::NaiveDate;
use rolecall::lake::Lake;
use rolecall::upkeep::{Policy, Pruned, compact, prune};
use serde_json::Value;

fn pruned(lake: &TempLake, before: &str) -> Vec<Pruned> {
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

fn copy(from: &Path, to: &Path) {
    for entry in walkdir::WalkDir::new(from) {
        let entry = entry.unwrap();
        let target = to.join(entry.path().strip_prefix(from).unwrap());
        if entry.file_type().is_dir() {
            std::fs::create_dir_all(target).unwrap();
        } else {
            std::fs::copy(entry.path(), target).unwrap();
        }
    }
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
        copy(&whole.root(), &lake.root());
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
            serde_json::json!({ "origin_name": "alice", "confidence": "exact", "attribution": "issued_key", "hop_count": 2 })
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
    pruned(&lake, "2026-03-04");
    assert_eq!(who(&lake, "last"), who(&lake, "last"));
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
        &records_file(&[serde_json::json!({ "eventID": "no time" })]),
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
    copy(&one.root(), &other.root());
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
    {"table":"events","date":"2026-03-02","rows":2,"rows_kept":0}
    {"table":"sessions","date":null,"rows":0,"rows_kept":2}
    {"table":"duplicates","date":null,"rows":0,"rows_kept":0}
    {"table":"rejected","date":null,"rows":0,"rows_kept":0}
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
