//! Every record read is an event, a duplicate or rejected; running again changes nothing.

use super::support::records::{call, lines, records_file, user};
use super::support::{LIMITS, TempLake, runtime};
use rolecall::ingest::{Books, IngestOptions, ingest};
use rolecall::lake::Lake;
use rolecall::source::{Location, Selection, list};
use rolecall::upkeep::resolve_all;
use serde_json::{Value, json};

fn event(id: &str, time: &str) -> Value {
    call(id, user("alice"), time, "s3", "ListBuckets")
}

const NOON: &str = "2026-03-02T12:00:00Z";

#[test]
fn a_second_run_changes_nothing() {
    let lake = TempLake::new();
    lake.put(
        "a.json",
        &records_file(&[event("1", NOON), event("2", NOON)]),
    );
    lake.put("b.jsonl", b"{\"eventID\":\"no time\"}\nnonsense\n");
    lake.put("c.json", b"");
    let first = lake.ingest();
    assert_eq!((first.files, first.files_read, first.records), (3, 2, 4));
    assert_eq!(
        (first.events, first.rejected, first.files_rejected),
        (2, 2, 1)
    );
    let tables = lake.tables();
    let manifests = std::fs::read_dir(lake.root().join("manifest"))
        .unwrap()
        .count();
    let second = lake.ingest();
    assert_eq!(
        (second.files, second.files_known, second.records),
        (3, 3, 0)
    );
    assert!(second.is_clean() && second.balance());
    assert_eq!(lake.tables(), tables);
    assert_eq!(
        std::fs::read_dir(lake.root().join("manifest"))
            .unwrap()
            .count(),
        manifests
    );
}

#[test]
fn the_smallest_place_is_kept_also_when_it_comes_late() {
    let lake = TempLake::new();
    let copies = |n: u32| records_file(&[event("same", NOON), event(&format!("own-{n}"), NOON)]);
    let kept = "SELECT log_file_key FROM events WHERE event_id = 'same'";
    lake.put("m.json", &copies(1));
    lake.ingest();
    lake.put("z.json", &copies(2));
    let books = lake.ingest();
    assert_eq!((books.records, books.events, books.duplicates), (2, 1, 1));
    assert_eq!(lake.value(kept), "m.json");
    lake.put("a.json", &copies(3));
    let books = lake.ingest();
    // Both of a's records are kept; m's copy is a duplicate from now on.
    assert_eq!((books.records, books.events, books.duplicates), (2, 2, 0));
    assert_eq!(lake.value(kept), "a.json");
    assert_eq!(
        lake.sql("SELECT * FROM duplicates WHERE event_id = 'same'")
            .len(),
        2
    );
    lake.assert_books_balance();
}

#[test]
fn another_body_under_the_same_id_is_a_conflict_whoever_came_first() {
    let body = |agent: &str| {
        let mut record = event("same", NOON);
        record["userAgent"] = json!(agent);
        records_file(&[record])
    };
    let mut seen = Vec::new();
    for order in [
        ["a.json", "b.json", "c.json"],
        ["c.json", "b.json", "a.json"],
        ["b.json", "a.json", "c.json"],
    ] {
        let lake = TempLake::new();
        for name in order {
            // a and c say the same, b something else.
            lake.put(
                name,
                &body(if name == "b.json" { "other" } else { "usual" }),
            );
            lake.ingest();
            lake.assert_books_balance();
        }
        assert_eq!(lake.value("SELECT user_agent FROM events"), "usual");
        assert_eq!(
            lake.value("SELECT log_file_key FROM rejected WHERE reason = 'conflicting_duplicate'"),
            "b.json"
        );
        assert_eq!(lake.value("SELECT log_file_key FROM duplicates"), "c.json");
        seen.push(lake.tables());
    }
    assert_eq!(seen[0], seen[1]);
    assert_eq!(seen[0], seen[2]);
}

#[test]
fn a_conflict_of_any_size_is_judged_again_when_a_smaller_copy_comes() {
    let body = |agent: &str| {
        let mut record = event("same", NOON);
        record["userAgent"] = json!(agent);
        records_file(&[record])
    };
    let large = "x".repeat(100_000);
    let mut seen = Vec::new();
    for order in [
        ["a.json", "b.json", "c.json"],
        ["b.json", "c.json", "a.json"],
    ] {
        let lake = TempLake::new();
        for name in order {
            lake.put(name, &body(if name == "b.json" { "other" } else { &large }));
            lake.ingest();
        }
        lake.assert_books_balance();
        seen.push(lake.tables());
        // The kept copy goes: the next one takes its place.
        lake.put("a.json", &records_file(&[event("another", NOON)]));
        lake.ingest();
        lake.assert_books_balance();
        let kept = "SELECT log_file_key FROM events WHERE event_id = 'same'";
        assert_eq!(lake.value(kept), "b.json");
        let conflict = "SELECT log_file_key FROM rejected WHERE reason = 'conflicting_duplicate'";
        assert_eq!(lake.value(conflict), "c.json");
    }
    assert_eq!(seen[0], seen[1]);
}

#[test]
fn a_conflict_with_an_earlier_file_is_no_clean_run() {
    let lake = TempLake::new();
    let mut other = event("same", NOON);
    lake.put("b.json", &records_file(&[other.clone()]));
    assert!(lake.ingest().is_clean());
    other["userAgent"] = json!("sha256:another");
    lake.put("a.json", &records_file(&[other]));
    let books = lake.ingest();
    assert_eq!(
        (books.events, books.rejected, books.rejected_of_earlier_runs),
        (1, 0, 1)
    );
    assert!(books.balance() && !books.is_clean());
    assert_eq!(books.reasons["conflicting_duplicate"], 1);
}

#[test]
fn what_only_looks_like_a_made_id_still_counts_as_content() {
    let lake = TempLake::new();
    for (name, agent) in [("a.json", "sha256:one"), ("b.json", "sha256:two")] {
        let mut record = event("same", NOON);
        record["userAgent"] = json!(agent);
        lake.put(name, &records_file(&[record]));
    }
    let books = lake.ingest();
    assert_eq!((books.events, books.duplicates, books.rejected), (1, 0, 1));
}

#[test]
fn our_own_lake_among_the_logs_is_no_log() {
    let lake = TempLake::new();
    lake.put("a.json", &records_file(&[event("1", NOON)]));
    let everything = lake.folder.path();
    assert_eq!(lake.ingest_from(&[everything]).files_read, 1);
    let again = lake.ingest_from(&[everything]);
    assert_eq!((again.files_known, again.files_rejected), (1, 0));
}

#[test]
fn a_conflict_may_claim_another_day() {
    let lake = TempLake::new();
    lake.put("a.json", &records_file(&[event("same", NOON)]));
    lake.ingest();
    lake.put(
        "b.json",
        &records_file(&[event("same", "2026-05-05T12:00:00Z")]),
    );
    let books = lake.ingest();
    assert_eq!((books.events, books.rejected), (0, 1));
    assert_eq!(lake.value("SELECT count(*) AS n FROM events"), 1);
}

#[test]
fn a_file_whose_content_changed_replaces_its_old_rows() {
    let lake = TempLake::new();
    lake.put(
        "a.json",
        &records_file(&[
            event("1", NOON),
            event("2", NOON),
            json!({"eventID": "bad"}),
        ]),
    );
    lake.put(
        "b.json",
        &records_file(&[event("2", NOON), event("3", NOON)]),
    );
    lake.ingest();
    lake.put(
        "a.json",
        &records_file(&[event("1", NOON), event("4", NOON)]),
    );
    let books = lake.ingest();
    assert!(books.balance(), "{books:?}");
    assert_eq!(books.files_replaced, 1);
    lake.assert_books_balance();
    let rows = lake.sql("SELECT event_id, log_file_key FROM events ORDER BY event_id");
    let rows: Vec<_> = rows
        .iter()
        .map(|row| {
            (
                row["event_id"].as_str().unwrap(),
                row["log_file_key"].as_str().unwrap(),
            )
        })
        .collect();
    // Event 2 is gone from a, and b's copy of it is kept now.
    assert_eq!(
        rows,
        [
            ("1", "a.json"),
            ("2", "b.json"),
            ("3", "b.json"),
            ("4", "a.json")
        ]
    );
    assert_eq!(lake.sql("SELECT * FROM rejected"), Vec::<Value>::new());
    assert_eq!(lake.sql("SELECT * FROM duplicates"), Vec::<Value>::new());
}

#[test]
fn two_files_with_one_key_are_told_apart_or_one_is_refused() {
    let lake = TempLake::new();
    lake.put("x/a.json", &records_file(&[event("1", NOON)]));
    lake.put("y/a.json", &records_file(&[event("1", NOON)]));
    lake.put("z/a.json", &records_file(&[event("2", NOON)]));
    let [x, y, z] = ["x", "y", "z"].map(|folder| lake.logs().join(folder));
    let books = lake.ingest_from(&[&z, &y, &x]);
    assert_eq!(
        (books.files_read, books.files_known, books.files_rejected),
        (1, 1, 1)
    );
    assert_eq!(lake.value("SELECT event_id FROM events"), "1");
    assert_eq!(lake.value("SELECT reason FROM rejected"), "key_taken");
    lake.assert_books_balance();
}

#[test]
fn a_folder_that_may_not_be_entered_is_reported_once() {
    use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
    let lake = TempLake::new();
    lake.put("closed/a.json", &records_file(&[event("1", NOON)]));
    lake.put("open.json", &records_file(&[event("2", NOON)]));
    let closed = lake.logs().join("closed");
    std::fs::set_permissions(&closed, std::fs::Permissions::from_mode(0o000)).unwrap();
    let may_do_anything = std::fs::read_dir(&closed).is_ok();
    let first = lake.ingest();
    let second = lake.ingest();
    std::fs::set_permissions(&closed, std::fs::Permissions::from_mode(0o700)).unwrap();
    if may_do_anything {
        // Root enters every folder; then there is nothing to report.
        assert_eq!(std::fs::metadata(lake.logs()).unwrap().uid(), 0);
        assert_eq!(first.events, 2);
        return;
    }
    assert_eq!((first.files_rejected, second.files_rejected), (1, 1));
    assert_eq!(lake.value("SELECT log_file_key FROM rejected"), "closed");
    let third = lake.ingest();
    assert_eq!(third.events, 1);
}

/// Ingests the log folder as it was before something happened to it.
fn ingest_after_listing(lake: &TempLake, happens: impl FnOnce()) -> Books {
    let logs = Location::parse(lake.logs().to_str().unwrap()).unwrap();
    let listing = list(&[logs], &Selection::default()).unwrap();
    happens();
    let open = Lake::open_or_create(&lake.root()).unwrap();
    let guard = open
        .write("2026-04-01T00:00:00Z".parse().unwrap(), || ())
        .unwrap();
    let books = ingest(&guard, listing, IngestOptions::new(1), &mut |_| ()).unwrap();
    runtime().block_on(resolve_all(&guard, LIMITS)).unwrap();
    books
}

#[test]
fn a_file_that_vanishes_before_it_is_read_is_reported_and_the_rest_is_read() {
    let lake = TempLake::new();
    lake.put("a.json", &records_file(&[event("1", NOON)]));
    lake.put("b.json", &records_file(&[event("2", NOON)]));
    let books = ingest_after_listing(&lake, || {
        std::fs::remove_file(lake.logs().join("a.json")).unwrap();
    });
    assert_eq!((books.files_rejected, books.events), (1, 1));
    assert_eq!(
        lake.value("SELECT log_file_key FROM rejected WHERE reason = 'unreadable'"),
        "a.json"
    );
    // Back again, it is read, and its rejection goes.
    lake.put("a.json", &records_file(&[event("1", NOON)]));
    assert_eq!(lake.ingest().events, 1);
    assert_eq!(lake.sql("SELECT * FROM rejected"), Vec::<Value>::new());
    lake.assert_books_balance();
}

#[test]
fn a_known_file_that_can_be_read_again_is_no_longer_told_as_unreadable() {
    let lake = TempLake::new();
    let file = lake.logs().join("a.json");
    let bytes = records_file(&[event("1", NOON)]);
    lake.put("a.json", &bytes);
    assert_eq!(lake.ingest().events, 1);
    assert_eq!(
        ingest_after_listing(&lake, || std::fs::remove_file(&file).unwrap()).files_rejected,
        1
    );
    let unreadable = "SELECT count(*) AS n FROM rejected WHERE reason = 'unreadable'";
    assert_eq!(lake.value(unreadable), 1);
    lake.put("a.json", &bytes);
    assert_eq!(lake.ingest().files_known, 1);
    assert_eq!(lake.value(unreadable), 0);
    assert_eq!(lake.value("SELECT count(*) AS n FROM events"), 1);
    lake.assert_books_balance();
}

#[test]
fn a_broken_link_that_was_named_is_reported_and_tried_again() {
    let lake = TempLake::new();
    let link = lake.logs().join("link.json");
    let target = lake.folder.path().join("target.json");
    std::os::unix::fs::symlink(&target, &link).unwrap();
    lake.put("other.json", &lines(&[event("1", NOON)]));
    // Links inside a folder are passed over, and counted.
    assert_eq!(lake.ingest().files_skipped, 1);
    std::fs::write(&target, lines(&[event("2", NOON)])).unwrap();
    assert_eq!(lake.ingest_from(&[&link]).events, 1);
}
