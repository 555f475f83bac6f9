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
