//! Every lake that an earlier version wrote is opened by this one. The lakes lie in `tests/lakes`, one for each format, and are never written anew.

use super::support::records::{call, records_file, user};
use super::support::{TempLake, copy_folder, project, rolecall};
use rolecall::lake::{Derived, FORMAT_VERSION, Lake, LakeTable};
use rolecall::sessions::FACT_RULES;
use rolecall::views::is_usage_stored;
use serde_json::{Value, json};

/// A copy of the committed lake of a format: opening one writes lock files into it.
fn lake_of_format(format: u32) -> TempLake {
    let lake = TempLake::new();
    let from = project().join(format!("tests/lakes/format-{format}"));
    copy_folder(&from, &lake.root());
    lake
}

#[test]
fn there_is_a_lake_of_every_format() {
    for format in 1..=FORMAT_VERSION {
        let lake = lake_of_format(format);
        let manifest = Lake::open(&lake.root()).unwrap().snapshot().unwrap();
        assert_eq!(manifest.format, format);
        // What pruning keeps is there after pruning alone; ids have a table of their own since format 2, usage by day since format 3, facts by day since format 4, what reports said since format 5.
        let mut absent = vec![LakeTable::KeptIssues, LakeTable::KeptUsers];
        if format < 2 {
            absent.push(LakeTable::EventIds);
        }
        if format < 3 {
            absent.push(LakeTable::DailyUsage);
        }
        if format < 4 {
            absent.extend(Derived::Facts.tables());
        }
        if format < 5 {
            absent.extend([LakeTable::ReportRuns, LakeTable::ReportRows]);
        }
        for table in LakeTable::ALL
            .into_iter()
            .filter(|table| !absent.contains(table))
        {
            assert!(manifest.rows(table) > 0, "{} is empty", table.name());
        }
    }
}

#[test]
fn a_lake_of_format_1_answers_as_it_did() {
    let lake = lake_of_format(1);
    lake.assert_books_balance();
    let stories = "SELECT origin_name, persona_arn, hop_count, confidence FROM attributed_events \
        WHERE event_name IN ('DeleteDBInstance', 'ModifyDBSnapshotAttribute') ORDER BY event_time";
    assert_eq!(
        lake.sql(stories),
        [
            json!({ "origin_name": "bob", "persona_arn": "arn:aws:iam::777788889999:role/DatabaseAdmin", "hop_count": 3, "confidence": "exact" }),
            json!({ "origin_name": "svc-backup", "persona_arn": "arn:aws:iam::111122223333:role/DataExport", "hop_count": 1, "confidence": "exact" }),
        ]
    );
    for command in [
        ["review", "--lake", "lake"].as_slice(),
        &["status", "--lake", "lake"],
        &["who", "AKIABACKDOOR0EXAMPLE", "--lake", "lake"],
        &["timeline", "--lake", "lake"],
        &["switches", "--lake", "lake"],
        &["permissions", "--lake", "lake"],
    ] {
        let ran = rolecall(lake.folder.path(), command);
        assert_eq!(ran.code, 0, "{command:?}: {}", ran.stderr);
        assert!(!ran.stdout.is_empty(), "{command:?}");
    }
}

#[test]
fn usage_is_added_up_in_lakes_of_old_formats_too() {
    let usage = "SELECT origin_id, iam_action, use_count FROM permission_usage \
        ORDER BY origin_id, persona_arn, iam_action, event_source, event_name, via_service, account_id";
    let newest = lake_of_format(FORMAT_VERSION);
    // By the rules of today.
    newest.ingest();
    let wanted = newest.sql(usage);
    assert!(wanted.len() > 20, "{}", wanted.len());
    for format in 1..=FORMAT_VERSION {
        let lake = lake_of_format(format);
        assert_eq!(lake.sql(usage), wanted, "before it is stored");
        let ran = rolecall(lake.folder.path(), &["resolve", "--lake", "lake"]);
        assert_eq!(ran.code, 0, "{}", ran.stderr);
        let manifest = Lake::open(&lake.root()).unwrap().snapshot().unwrap();
        assert!(is_usage_stored(&manifest));
        assert!(manifest.is_stored(Derived::Facts, FACT_RULES));
        assert_eq!(lake.sql(usage), wanted, "when it is stored");
    }
}

#[test]
fn a_lake_of_format_1_goes_on_to_be_used() {
    let lake = lake_of_format(1);
    let before = lake
        .value("SELECT count(*) AS n FROM events")
        .as_u64()
        .unwrap();
    lake.put(
        "new.json",
        &records_file(&[call(
            "new",
            user("alice"),
            "2026-03-20T09:00:00Z",
            "s3",
            "ListBuckets",
        )]),
    );
    assert_eq!(lake.ingest().events, 1);
    let manifest = Lake::open(&lake.root()).unwrap().snapshot().unwrap();
    assert_eq!(manifest.format, FORMAT_VERSION);
    // The ids of all events, the old ones too: an id that comes again at another time is noticed.
    assert_eq!(manifest.rows(LakeTable::EventIds), before + 1);
    let known =
        lake.sql("SELECT event_id FROM events ORDER BY event_id LIMIT 1")[0]["event_id"].clone();
    let known = known.as_str().unwrap().to_owned();
    let again = call(
        &known,
        user("mallory"),
        "2026-03-21T09:00:00Z",
        "s3",
        "ListBuckets",
    );
    lake.put("again.json", &records_file(&[again]));
    let books = lake.ingest();
    assert_eq!(
        (
            books.events,
            books.rejected + books.rejected_of_earlier_runs
        ),
        (0, 1),
        "{books:?}"
    );
    for command in [
        ["compact", "--lake", "lake"].as_slice(),
        &["prune", "--before", "2026-03-04", "--lake", "lake"],
        &["resolve", "--lake", "lake"],
    ] {
        let ran = rolecall(lake.folder.path(), command);
        assert_eq!(ran.code, 0, "{command:?}: {}", ran.stderr);
    }
    let rows = lake.sql("SELECT count(*) AS n FROM events WHERE date < '2026-03-04'");
    assert_eq!(rows, [json!({ "n": 0 })]);
    let after = lake
        .value("SELECT count(*) AS n FROM events")
        .as_u64()
        .unwrap();
    assert!(after > 1 && after < before + 1, "{after} of {before}");
    let unresolved: Vec<Value> =
        lake.sql("SELECT event_id FROM attributed_events WHERE confidence IS NULL");
    assert_eq!(unresolved, Vec::<Value>::new());
}
