//! The same log files give the same tables, whatever the order and the number of runs.

use super::support::TempLake;
use super::support::records::{assume, call, lines, records_file, session, twin, user};
use proptest::prelude::*;
use rolecall::events::event_id_hash;
use rolecall::ingest::IngestOptions;
use serde_json::{Value, json};

/// A small estate: two people, a chain, a cross-account hop, duplicates, conflicts, damage.
fn files() -> Vec<(String, Vec<u8>)> {
    let one = "2026-03-02T09:00:00Z";
    let two = "2026-03-02T09:10:00Z";
    let first = assume(
        "take-1",
        user("alice"),
        one,
        "111122223333",
        "One",
        "a",
        "ASIAONEEXAMPLE",
    );
    let in_one = session("111122223333", "One", "a", "ASIAONEEXAMPLE", one);
    let mut second = assume(
        "take-2",
        in_one.clone(),
        two,
        "444455556666",
        "Two",
        "a",
        "ASIATWOEXAMPLE",
    );
    let theirs = twin(&mut second, "take-2-theirs", "444455556666");
    let in_two = session("444455556666", "Two", "a", "ASIATWOEXAMPLE", two);
    let late = call(
        "late",
        in_two.clone(),
        "2026-03-02T09:30:00Z",
        "rds",
        "DeleteDBInstance",
    );
    let next_day = call(
        "next-day",
        user("bob"),
        "2026-03-03T00:00:00Z",
        "s3",
        "ListBuckets",
    );
    let used = call("used", in_one, "2026-03-02T09:05:00Z", "s3", "ListBuckets");
    let mut forged = late.clone();
    forged["userIdentity"] = user("bob");
    // The same id at another time, and on another day: conflicts too, though no search by time would find them.
    let mut moved = late.clone();
    moved["eventTime"] = json!("2026-03-02T09:45:00Z");
    let mut later = next_day.clone();
    later["eventTime"] = json!("2026-03-05T09:45:00Z");
    let bad = json!({ "eventID": "no time" });
    let file = |name: &str, records: &[Value]| (name.to_owned(), records_file(records));
    vec![
        file("a.json", &[first.clone(), used.clone()]),
        file("b.json", &[late.clone(), next_day.clone()]),
        (
            "c.jsonl".to_owned(),
            lines(&[second.clone(), bad, late.clone()]),
        ),
        file("d.json", &[theirs.clone(), forged.clone(), used.clone()]),
        file("e.json", &[forged, theirs, first, next_day]),
        file("a-moved.json", &[moved.clone()]),
        file("g.json", &[moved, used]),
        file("a-later.json", &[later]),
        (
            "f.json".to_owned(),
            b"{\"Records\":[{\"eventID\":\"cut\"".to_vec(),
        ),
    ]
}

/// Puts the files into a lake run by run.
fn tables_of(runs: &[Vec<usize>], options: IngestOptions) -> Vec<String> {
    let files = files();
    let lake = TempLake::new();
    for run in runs {
        for &at in run {
            let (name, bytes) = &files[at];
            lake.put(name, bytes);
        }
        let books = lake.ingest_in(options);
        assert!(books.balance(), "{books:?}");
    }
    lake.assert_books_balance();
    assert_days_are_known(&lake);
    lake.tables()
}

/// Whoever looks for an event by its id is told its day.
fn assert_days_are_known(lake: &TempLake) {
    let day = "CAST(date - DATE '1970-01-01' AS BIGINT)";
    let known = lake.sql("SELECT event_id_hash, event_day FROM event_ids");
    for event in lake.sql(&format!("SELECT event_id, {day} AS day FROM events")) {
        let id = event_id_hash(event["event_id"].as_str().unwrap());
        let row = json!({ "event_id_hash": id, "event_day": event["day"] });
        assert!(known.contains(&row), "{event} is not in {known:?}");
    }
}

fn any_runs() -> impl Strategy<Value = Vec<Vec<usize>>> {
    let order = Just((0..files().len()).collect::<Vec<_>>()).prop_shuffle();
    (
        order,
        proptest::collection::vec(any::<bool>(), files().len() - 1),
    )
        .prop_map(|(order, cuts)| {
            let mut runs = vec![vec![order[0]]];
            for (at, cut) in order[1..].iter().zip(cuts) {
                if cut {
                    runs.push(Vec::new());
                }
                runs.last_mut().unwrap().push(*at);
            }
            runs
        })
}

/// Portions as large as usual, or of a record or a file, with a commit after each or at the end.
fn any_portions() -> impl Strategy<Value = IngestOptions> {
    (0..3_usize, any::<bool>(), 1..3_usize).prop_map(|(portion, commits, threads)| {
        let usual = IngestOptions::new(threads);
        IngestOptions {
            chunk_bytes: [1, 2_000, usual.chunk_bytes][portion],
            batch_bytes: [1, 2_000, usual.batch_bytes][portion],
            commit_events: if commits { 0 } else { usual.commit_events },
            ..usual
        }
    })
}

#[test]
fn order_and_number_of_runs_do_not_matter() {
    let wanted = tables_of(&[(0..files().len()).collect()], IngestOptions::new(2));
    assert!(
        wanted
            .iter()
            .any(|line| line.contains("conflicting_duplicate"))
    );
    let mut runner = proptest::test_runner::TestRunner::new(ProptestConfig {
        cases: 48,
        failure_persistence: None,
        rng_seed: proptest::test_runner::RngSeed::Fixed(20_260_302),
        ..ProptestConfig::default()
    });
    runner
        .run(&(any_runs(), any_portions()), |(runs, options)| {
            let found = tables_of(&runs, options);
            let missing: Vec<_> = wanted.iter().filter(|line| !found.contains(line)).collect();
            let extra: Vec<_> = found.iter().filter(|line| !wanted.contains(line)).collect();
            prop_assert!(
                missing.is_empty() && extra.is_empty(),
                "{runs:?} {options:?}\nmissing {missing:#?}\nextra {extra:#?}"
            );
            Ok(())
        })
        .unwrap();
}
