//! Compaction makes files fewer and changes no row.

use super::support::records::{call, records_file, user};
use super::support::{LIMITS, TempLake, runtime};
use rolecall::lake::{Lake, LakeTable};
use rolecall::upkeep::{Compacted, Policy, compact, plan};

/// A lake of three days to which `runs` log files came one by one, with a duplicate and a rejection in each.
fn lake_of(runs: usize) -> TempLake {
    let lake = TempLake::new();
    for run in 0..runs {
        let event = |day: usize| {
            let time = format!("2026-03-0{}T{:02}:00:00Z", day + 1, (run * 7) % 24);
            call(
                &format!("{run}-{day}"),
                user("alice"),
                &time,
                "s3",
                "ListBuckets",
            )
        };
        let mut records: Vec<_> = (0..3).map(event).collect();
        records.push(call(
            "same",
            user("bob"),
            "2026-03-02T10:00:00Z",
            "s3",
            "ListBuckets",
        ));
        records.push(serde_json::json!({ "eventID": format!("no time {run}") }));
        lake.put(&format!("{run:02}.json"), &records_file(&records));
        lake.ingest();
    }
    lake
}

fn compacted(lake: &TempLake, policy: Policy) -> Vec<Compacted> {
    let open = Lake::open(&lake.root()).unwrap();
    let guard = open
        .write("2026-04-02T00:00:00Z".parse().unwrap(), || ())
        .unwrap();
    runtime()
        .block_on(compact(&guard, policy, LIMITS, &mut |_| ()))
        .unwrap()
}

#[test]
fn each_day_becomes_one_file_and_no_row_changes() {
    let lake = lake_of(4);
    let tables = lake.tables();
    let done = compacted(&lake, Policy::ALL);
    let days: Vec<_> = done
        .iter()
        .map(|done| (done.table.name(), done.files_before > 1, done.files_after))
        .collect();
    assert_eq!(
        days,
        [
            ("events", true, 1),
            ("events", true, 1),
            ("events", true, 1),
            ("rejected", true, 1),
            ("log_files", true, 1),
            ("duplicates", true, 1),
            ("event_ids", true, 1),
        ]
    );
    assert_eq!(lake.tables(), tables);
    lake.assert_books_balance();
    let manifest = Lake::open(&lake.root()).unwrap().snapshot().unwrap();
    assert!(
        manifest.is_resolved(),
        "no event changed, so no session did"
    );
    assert_eq!(compacted(&lake, Policy::ALL), []);
    // Nothing of the old files is left for a reader that takes every file it finds.
    for table in LakeTable::ALL {
        let on_disk = walkdir::WalkDir::new(lake.root().join(table.name()))
            .into_iter()
            // Some tables have no folder yet.
            .filter(|entry| {
                entry
                    .as_ref()
                    .is_ok_and(|entry| entry.file_type().is_file())
            })
            .count();
        assert_eq!(on_disk, manifest.files(table).len(), "{}", table.name());
    }
}

#[test]
fn a_compacted_file_is_sorted_and_bounded_by_its_times() {
    let lake = lake_of(5);
    compacted(&lake, Policy::ALL);
    let open = Lake::open(&lake.root()).unwrap();
    let manifest = open.snapshot().unwrap();
    for file in manifest.files(LakeTable::Events) {
        let columns = Some(["event_time", "event_id"].as_slice());
        let mut rows = Vec::new();
        for batch in rolecall::lake::read_columns(open.store(), file, columns).unwrap() {
            let batch = batch.unwrap();
            let times = arrow::array::AsArray::as_primitive::<
                arrow::datatypes::TimestampMicrosecondType,
            >(batch.column_by_name("event_time").unwrap());
            let ids = batch.column_by_name("event_id").unwrap();
            for row in 0..batch.num_rows() {
                let id = rolecall::lake::text_at(ids, row).unwrap().to_owned();
                rows.push((times.value(row), id));
            }
        }
        assert!(rows.is_sorted(), "{rows:?}");
        assert_eq!(file.min_time, Some(rows[0].0));
        assert_eq!(file.max_time, Some(rows[rows.len() - 1].0));
    }
}

#[test]
fn more_files_than_are_read_at_once_are_put_together_in_rounds() {
    let lake = lake_of(18);
    let tables = lake.tables();
    let done = compacted(&lake, Policy::ALL);
    assert!(done.iter().all(|done| done.files_after == 1), "{done:?}");
    assert_eq!(lake.tables(), tables);
}

#[test]
fn a_file_that_nothing_is_put_together_with_stays() {
    // Sixteen become one that is large enough, and the last one is alone.
    let lake = lake_of(17);
    let tables = lake.tables();
    let policy = Policy {
        large: 1,
        least: 2,
        target: 256 << 20,
    };
    let done = compacted(&lake, policy);
    assert!(done.iter().all(|done| done.files_after <= 2), "{done:?}");
    assert_eq!(lake.tables(), tables);
    lake.assert_books_balance();
}

#[test]
fn with_little_memory_fewer_rows_are_read_at_once() {
    let lake = TempLake::new();
    for run in 0..12 {
        let event = |at: usize| {
            let time = format!("2026-03-02T09:{:02}:{:02}Z", at / 60 % 60, at % 60);
            let mut event = call(
                &format!("{run}-{at}"),
                user("alice"),
                &time,
                "s3",
                "PutObject",
            );
            event["requestParameters"] = serde_json::json!({ "key": format!("{at:01000}") });
            event
        };
        let records: Vec<_> = (0..2_000).map(event).collect();
        lake.put(&format!("{run:02}.json"), &records_file(&records));
        lake.ingest_unresolved();
    }
    let tables = lake.tables();
    let open = Lake::open(&lake.root()).unwrap();
    let guard = open
        .write("2026-04-02T00:00:00Z".parse().unwrap(), || ())
        .unwrap();
    let limits = rolecall::engine::EngineLimits {
        threads: 1,
        memory_bytes: 24 << 20,
    };
    let done = runtime()
        .block_on(compact(&guard, Policy::ALL, limits, &mut |_| ()))
        .unwrap();
    assert_eq!((done[0].files_before, done[0].files_after), (12, 1));
    drop(guard);
    drop(open);
    assert_eq!(lake.tables(), tables);
}

#[test]
fn a_large_day_becomes_several_files_one_behind_the_other() {
    let lake = TempLake::new();
    for run in 0..3 {
        let time = |at: usize| format!("2026-03-02T{:02}:{:02}:{run:02}Z", at / 60 % 24, at % 60);
        let event = |at: usize| {
            call(
                &format!("{run}-{at}"),
                user("alice"),
                &time(at),
                "s3",
                "ListBuckets",
            )
        };
        let records: Vec<_> = (0..6_000).map(event).collect();
        lake.put(&format!("{run}.json"), &records_file(&records));
        lake.ingest_unresolved();
    }
    let tables = lake.tables();
    let small = Policy {
        large: 1 << 20,
        least: 2,
        target: 16 << 10,
    };
    let done = &compacted(&lake, small)[0];
    assert!(done.files_after > 1, "{done:?}");
    assert_eq!(lake.tables(), tables);
    let manifest = Lake::open(&lake.root()).unwrap().snapshot().unwrap();
    let mut times: Vec<_> = manifest
        .files(LakeTable::Events)
        .iter()
        .map(|file| (file.min_time, file.max_time))
        .collect();
    times.sort();
    assert!(
        times.windows(2).all(|pair| pair[0].1 <= pair[1].0),
        "{times:?}"
    );
}

#[test]
fn late_files_meet_a_compacted_lake_as_they_meet_any_other() {
    let lake = lake_of(3);
    compacted(&lake, Policy::ALL);
    // A smaller place for the event that all files share, a copy of another, and one that is new.
    let records = [
        call(
            "same",
            user("bob"),
            "2026-03-02T10:00:00Z",
            "s3",
            "ListBuckets",
        ),
        call(
            "1-1",
            user("alice"),
            "2026-03-02T07:00:00Z",
            "s3",
            "ListBuckets",
        ),
        call(
            "new",
            user("carol"),
            "2026-03-02T07:00:00Z",
            "s3",
            "ListBuckets",
        ),
    ];
    lake.put("0.json", &records_file(&records));
    lake.ingest();
    let other = lake_of(3);
    other.put("0.json", &records_file(&records));
    other.ingest();
    assert_eq!(lake.tables(), other.tables());
    lake.assert_books_balance();
    compacted(&lake, Policy::ALL);
    assert_eq!(lake.tables(), other.tables());
}

#[test]
fn a_reader_goes_on_with_the_files_it_began_with() {
    let lake = lake_of(3);
    let reader = Lake::open(&lake.root()).unwrap();
    let before = reader.snapshot().unwrap();
    compacted(&lake, Policy::ALL);
    for table in LakeTable::ALL {
        for file in before.files(table) {
            let rows: usize = rolecall::lake::read_columns(reader.store(), file, None)
                .unwrap()
                .map(|batch| batch.unwrap().num_rows())
                .sum();
            assert_eq!(rows as u64, file.rows);
        }
    }
}

#[test]
fn status_tells_what_compaction_would_do() {
    let lake = lake_of(3);
    let told: Vec<_> = lake
        .ask("status/small_files")
        .iter()
        .map(|row| {
            let number = |name: &str| row[name].as_u64().unwrap();
            let text = |name: &str| row[name].as_str().map(str::to_owned);
            (
                text("table_name").unwrap(),
                text("date"),
                number("files"),
                number("rows"),
                number("bytes"),
            )
        })
        .collect();
    let manifest = Lake::open(&lake.root()).unwrap().snapshot().unwrap();
    let mut planned: Vec<_> = plan(&manifest, Policy::ALL)
        .iter()
        .map(|merge| {
            let date = merge.date.map(|date| date.to_string());
            let files = merge.files.len() as u64;
            (
                merge.table.name().to_owned(),
                date,
                files,
                merge.rows(),
                merge.bytes(),
            )
        })
        .collect();
    planned.sort_by(|a, b| (b.2, &a.0, &a.1).cmp(&(a.2, &b.0, &b.1)));
    assert!(!planned.is_empty());
    assert_eq!(told, planned);
    assert_eq!(plan(&manifest, Policy::AFTER_INGEST), []);
}

#[test]
fn ingest_puts_files_together_before_they_are_too_many() {
    let lake = TempLake::new();
    for run in 0..9 {
        let time = format!("2026-03-02T{run:02}:00:00Z");
        let event = call(&format!("{run}"), user("alice"), &time, "s3", "ListBuckets");
        lake.put(&format!("{run}.json"), &records_file(&[event]));
        let ran =
            super::support::rolecall(lake.folder.path(), &["ingest", "logs", "--lake", "lake"]);
        assert_eq!(ran.code, 0, "{}", ran.stderr);
    }
    assert_eq!(
        lake.value("SELECT count(*) AS n FROM data_files WHERE table_name = 'events'"),
        2
    );
    assert_eq!(lake.value("SELECT count(*) AS n FROM events"), 9);
}
