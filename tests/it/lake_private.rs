//! The lake is its owner's alone, holds no stray file, and is plain Parquet.

use super::support::TempLake;
use super::support::records::{call, records_file, user};
use std::os::unix::fs::PermissionsExt as _;

#[test]
fn files_are_0600_and_folders_0700() {
    let lake = TempLake::of(&[call(
        "1",
        user("alice"),
        "2026-03-02T09:00:00Z",
        "s3",
        "ListBuckets",
    )]);
    let mut files = 0;
    for entry in walkdir::WalkDir::new(lake.root()) {
        let entry = entry.unwrap();
        let mode = entry.metadata().unwrap().permissions().mode() & 0o777;
        let wanted = if entry.file_type().is_dir() {
            0o700
        } else {
            0o600
        };
        assert_eq!(mode, wanted, "{}", entry.path().display());
        files += 1;
    }
    assert!(files > 8);
}

#[test]
fn only_files_of_the_manifest_lie_in_the_tables_folders() {
    use rolecall::lake::{Lake, LakeTable};
    let lake = TempLake::of(&[call(
        "1",
        user("alice"),
        "2026-03-02T09:00:00Z",
        "s3",
        "ListBuckets",
    )]);
    lake.put(
        "b.json",
        &records_file(&[call(
            "1",
            user("bob"),
            "2026-03-02T09:00:00Z",
            "s3",
            "ListBuckets",
        )]),
    );
    lake.put(
        "0.json",
        &records_file(&[call(
            "1",
            user("carol"),
            "2026-03-02T09:00:00Z",
            "s3",
            "ListBuckets",
        )]),
    );
    lake.ingest();
    let open = Lake::open(&lake.root()).unwrap();
    let manifest = open.snapshot().unwrap();
    for table in LakeTable::ALL {
        let mut on_disk: Vec<String> = walkdir::WalkDir::new(lake.root().join(table.name()))
            .into_iter()
            .filter_map(Result::ok)
            .filter(|entry| entry.file_type().is_file())
            .map(|entry| {
                entry
                    .path()
                    .strip_prefix(lake.root())
                    .unwrap()
                    .display()
                    .to_string()
            })
            .collect();
        on_disk.sort();
        let named: Vec<String> = manifest
            .files(table)
            .iter()
            .map(|file| file.path.clone())
            .collect();
        assert_eq!(on_disk, named, "{}", table.name());
    }
}

#[test]
fn files_retired_while_somebody_read_go_when_the_last_one_leaves() {
    use rolecall::lake::{Lake, LakeTable};
    let lake = TempLake::of(&[call(
        "1",
        user("alice"),
        "2026-03-02T09:00:00Z",
        "s3",
        "ListBuckets",
    )]);
    let reader = Lake::open(&lake.root()).unwrap();
    lake.put(
        "b.json",
        &records_file(&[call(
            "2",
            user("alice"),
            "2026-03-02T09:00:00Z",
            "s3",
            "ListBuckets",
        )]),
    );
    lake.ingest();
    let named = reader.snapshot().unwrap().files(LakeTable::Sessions).len();
    let on_disk = || {
        walkdir::WalkDir::new(lake.root().join("sessions"))
            .into_iter()
            .filter(|entry| entry.as_ref().unwrap().file_type().is_file())
            .count()
    };
    assert!(on_disk() > named, "the reader keeps what it may still need");
    drop(reader);
    assert_eq!(on_disk(), named);
}

#[test]
fn a_question_keeps_its_files_until_it_is_answered() {
    use rolecall::lake::Lake;
    let event = |id: &str| {
        call(
            id,
            user("alice"),
            "2026-03-02T09:00:00Z",
            "s3",
            "ListBuckets",
        )
    };
    let lake = TempLake::of(&[event("1")]);
    let runtime = super::support::runtime();
    let open = {
        let lake = Lake::open(&lake.root()).unwrap();
        let names = rolecall::directory::Directory::default();
        let limits = super::support::LIMITS;
        let open = rolecall::views::open_lake(&lake, &names, limits);
        runtime.block_on(open).unwrap()
    };
    // Another process takes the place of the sessions' files.
    lake.put("b.json", &records_file(&[event("2")]));
    lake.ingest();
    let answer = runtime.block_on(async {
        let sql = "SELECT count(*) AS n FROM attributed_events JOIN sessions USING (session_id)";
        let answer = open.engine.query("test", sql, &[]).await.unwrap();
        answer.collect().await
    });
    let batches = answer.unwrap();
    let counts =
        arrow::array::AsArray::as_primitive::<arrow::datatypes::Int64Type>(batches[0].column(0));
    assert_eq!(counts.value(0), 1);
}

#[test]
fn a_file_that_a_killed_process_left_does_not_stand_in_the_way() {
    use rolecall::lake::Lake;
    let lake = TempLake::of(&[call(
        "1",
        user("alice"),
        "2026-03-02T09:00:00Z",
        "s3",
        "ListBuckets",
    )]);
    let _reader = Lake::open(&lake.root()).unwrap();
    std::fs::write(
        lake.root()
            .join("events/date=2026-03-02/00000003-0000.parquet"),
        "torn",
    )
    .unwrap();
    lake.put(
        "b.json",
        &records_file(&[call(
            "2",
            user("alice"),
            "2026-03-02T09:00:00Z",
            "s3",
            "ListBuckets",
        )]),
    );
    assert_eq!(lake.ingest().events, 1);
    assert_eq!(lake.value("SELECT count(*) AS n FROM events"), 2);
}

#[test]
fn a_lake_may_be_named_by_a_path_with_dots_and_links() {
    let lake = TempLake::of(&[call(
        "1",
        user("alice"),
        "2026-03-02T09:00:00Z",
        "s3",
        "ListBuckets",
    )]);
    std::os::unix::fs::symlink(lake.root(), lake.folder.path().join("link")).unwrap();
    for name in ["logs/../lake", "./lake", "link"] {
        let ran = super::support::rolecall(
            lake.folder.path(),
            &[
                "sql",
                "SELECT count(*) AS n FROM attributed_events",
                "--lake",
                name,
            ],
        );
        assert_eq!(
            (ran.code, ran.stdout.as_str()),
            (0, "{\"n\":1}\n"),
            "{name}: {}",
            ran.stderr
        );
    }
}
