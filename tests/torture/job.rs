//! The job that is disturbed: two runs of ingest in many small commits, resolve, compaction, pruning.

use std::error::Error;
use std::path::{Path, PathBuf};

use rolecall::ingest::{IngestOptions, ingest};
use rolecall::lake::{Lake, LakeTable, Store, WriteGuard};
use rolecall::sessions::resolve;
use rolecall::source::{Location, Selection, list};
use rolecall::upkeep::{Policy, compact, prune};

use super::support::{LIMITS, runtime, tables_in};

/// The first day that is not pruned at the end of the job.
pub const PRUNED_BEFORE: &str = "2026-03-04";

type Done = Result<(), Box<dyn Error + Send + Sync>>;

/// Does all of it, on a lake in whatever state an earlier try left it.
pub fn run(store: &Store, [first, second]: &[PathBuf; 2]) -> Done {
    with_lake(store, |guard| read_in(guard, first, 24 << 10))?;
    with_lake(store, |guard| {
        read_in(guard, second, 24 << 10)?;
        runtime().block_on(resolve(guard, LIMITS))?;
        Ok(())
    })?;
    with_lake(store, |guard| {
        runtime().block_on(compact(guard, Policy::ALL, LIMITS, &mut |_| ()))?;
        Ok(())
    })?;
    with_lake(store, |guard| {
        runtime().block_on(prune(guard, PRUNED_BEFORE.parse()?, LIMITS))?;
        Ok(())
    })
}

fn with_lake(store: &Store, act: impl FnOnce(&WriteGuard<'_>) -> Done) -> Done {
    let lake = Lake::open_or_create_in(store.clone())?;
    let guard = lake.write("2026-04-01T00:00:00Z".parse()?, || ())?;
    act(&guard)
}

/// Reads a folder into the lake, with a commit after about `batch_bytes` of text.
pub fn read_in(guard: &WriteGuard<'_>, logs: &Path, batch_bytes: usize) -> Done {
    let logs = Location::parse(logs.to_str().unwrap())?;
    let listing = list(&[logs], &Selection::default())?;
    let options = IngestOptions {
        batch_bytes,
        // One reader, so that the same files go into the same commits and a step has the same number in every run.
        ..IngestOptions::new(1)
    };
    ingest(guard, listing, options, &mut |_| ())?;
    Ok(())
}

/// What an undisturbed run leaves.
pub fn undisturbed(logs: &[PathBuf; 2]) -> Vec<String> {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("lake");
    run(&Store::new(&root), logs).unwrap();
    assert_sound(&root);
    tables_in(&root)
}

/// What must hold of a lake in any state, once a process has opened it.
pub fn assert_sound(root: &Path) {
    let lake = Lake::open(root).unwrap();
    let manifest = lake.snapshot().unwrap();
    drop(lake);
    // A reader that takes every file it finds sees each row once.
    for table in LakeTable::ALL {
        let mut on_disk: Vec<String> = walkdir::WalkDir::new(root.join(table.name()))
            .into_iter()
            .filter_map(Result::ok)
            .filter(|entry| entry.file_type().is_file())
            .map(|entry| {
                entry
                    .path()
                    .strip_prefix(root)
                    .unwrap()
                    .display()
                    .to_string()
            })
            .collect();
        on_disk.sort();
        let named: Vec<&str> = manifest
            .files(table)
            .iter()
            .map(|file| file.path.as_str())
            .collect();
        assert_eq!(on_disk, named, "files of {}", table.name());
    }
    let staged = std::fs::read_dir(root.join("staging")).map_or(0, Iterator::count);
    assert_eq!(staged, 0, "half-written files");
    // Log files are there wholly or not at all.
    let rows = tables_in(root);
    let mut sums = [0_u64; 3];
    for row in &rows {
        let Some(row) = row.strip_prefix("log_files ") else {
            continue;
        };
        let row: serde_json::Value = serde_json::from_str(row).unwrap();
        let counts = ["events", "duplicates", "rejected"].map(|name| row[name].as_u64().unwrap());
        assert_eq!(
            row["records"].as_u64().unwrap(),
            counts.iter().sum::<u64>(),
            "{row}"
        );
        for (sum, count) in sums.iter_mut().zip(counts) {
            *sum += count;
        }
    }
    let count = |start: &str| rows.iter().filter(|row| row.starts_with(start)).count() as u64;
    let files_rejected = rows
        .iter()
        .filter(|row| row.starts_with("rejected ") && row.contains("\"log_record_index\":null"))
        .count() as u64;
    let found = [
        count("events "),
        count("duplicates "),
        count("rejected ") - files_rejected,
    ];
    // Log files are counted as they were read; pruning takes of what they gave.
    let is_pruned = manifest.pruned_before.is_some();
    for (sum, found) in sums.into_iter().zip(found) {
        assert!(
            sum == found || is_pruned && sum > found,
            "{sums:?} events, duplicates and rejections by log files, {found} in a table"
        );
    }
}

/// Says how `found` differs from `wanted`, in few lines.
pub fn assert_same(found: &[String], wanted: &[String], what: &str) {
    if found == wanted {
        return;
    }
    let short = |row: &&String| row.chars().take(300).collect::<String>();
    let more: Vec<_> = found
        .iter()
        .filter(|row| !wanted.contains(row))
        .take(3)
        .collect();
    let less: Vec<_> = wanted
        .iter()
        .filter(|row| !found.contains(row))
        .take(3)
        .collect();
    panic!(
        "{what}: {} rows instead of {}\nnot wanted: {:#?}\nmissing: {:#?}",
        found.len(),
        wanted.len(),
        more.iter().map(short).collect::<Vec<_>>(),
        less.iter().map(short).collect::<Vec<_>>()
    );
}
