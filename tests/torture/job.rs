//! The job that is disturbed, phase by phase: two runs of ingest in many small commits, resolve, reports, compaction, pruning.
//!
//! The lake as each phase finds it is made once and copied, so that a try costs the phase that is disturbed and no other.

use std::error::Error;
use std::path::{Path, PathBuf};

use chrono::{DateTime, Utc};
use rolecall::ingest::{IngestOptions, ingest};
use rolecall::lake::{Lake, LakeTable, Manifest, Store, WriteGuard};
use rolecall::schedule::{For, Materials, Receivers, make_report, read_definitions};
use rolecall::source::{Location, Selection, list};
use rolecall::upkeep::resolve_all;
use rolecall::upkeep::{Policy, compact, prune};
use tempfile::TempDir;

use super::logs;
use super::place::{Ground, Place, Side};
use super::support::{LIMITS, runtime, tables_of};

/// The first day that is not pruned at the end of the job.
pub const PRUNED_BEFORE: &str = "2026-03-04";

/// The day that a report is made of.
const REPORTED: &str = "2026-03-05";

type Done = Result<(), Box<dyn Error + Send + Sync>>;

/// One part of the job.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Phase {
    ReadFirst,
    ReadSecond,
    Resolve,
    Report,
    Compact,
    Prune,
}

impl Phase {
    pub const ALL: [Self; 6] = [
        Self::ReadFirst,
        Self::ReadSecond,
        Self::Resolve,
        Self::Report,
        Self::Compact,
        Self::Prune,
    ];

    pub fn named(name: &str) -> Self {
        let named = Self::ALL
            .into_iter()
            .find(|phase| format!("{phase:?}") == name);
        named.unwrap()
    }

    /// The same as a user would type it.
    pub fn command(self, [first, second]: &[PathBuf; 2]) -> Vec<String> {
        let words: &[&str] = match self {
            Self::ReadFirst => &["ingest", first.to_str().unwrap(), "--no-resolve"],
            Self::ReadSecond => &["ingest", second.to_str().unwrap(), "--no-resolve"],
            Self::Resolve => &["resolve"],
            Self::Report => {
                let config = definitions(first).to_str().unwrap().to_owned();
                let words = ["report", "run", "nightly", "--no-ingest", "--for", REPORTED];
                let words = words.map(str::to_owned).into_iter();
                return words.chain(["--config".to_owned(), config]).collect();
            }
            Self::Compact => &["compact"],
            Self::Prune => &["prune", "--before", PRUNED_BEFORE],
        };
        words.iter().map(|word| (*word).to_owned()).collect()
    }

    /// Does it, on a lake in whatever state an earlier try left it.
    pub fn run(self, store: &Store, [first, second]: &[PathBuf; 2]) -> Done {
        let lake = Lake::open_or_create_in(store.clone())?;
        let now = "2026-04-01T00:00:00Z".parse()?;
        if self == Self::Report {
            return report(&lake, now, first);
        }
        let guard = lake.write(now, || ())?;
        match self {
            Self::Report => unreachable!("it takes its own turn"),
            Self::ReadFirst => read_in(&guard, first, 24 << 10)?,
            Self::ReadSecond => read_in(&guard, second, 24 << 10)?,
            Self::Resolve => {
                runtime().block_on(resolve_all(&guard, LIMITS))?;
            }
            Self::Compact => {
                runtime().block_on(compact(&guard, Policy::ALL, LIMITS, &mut |_| ()))?;
            }
            Self::Prune => {
                runtime().block_on(prune(&guard, PRUNED_BEFORE.parse()?, LIMITS))?;
            }
        }
        Ok(())
    }
}

/// The job undisturbed: the lake before each phase, and what every table holds after it.
pub struct Job {
    ground: Ground,
    _folder: TempDir,
    pub logs: [PathBuf; 2],
    after: Vec<Vec<String>>,
}

impl Job {
    pub fn new(side: Side) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let logs = logs::write(folder.path());
        let ground = Ground::new(side);
        let lake = ground.place("lake");
        let mut after = Vec::new();
        for phase in Phase::ALL {
            ground.place(&format!("{phase:?}")).become_copy_of(&lake);
            phase.run(&lake.store(), &logs).unwrap();
            assert_sound(&lake);
            after.push(tables_of(&lake.store()));
        }
        Self {
            ground,
            _folder: folder,
            logs,
            after,
        }
    }

    /// A lake as `phase` finds it.
    pub fn before(&self, phase: Phase, name: &str) -> Place {
        let lake = self.ground.place(name);
        lake.become_copy_of(&self.ground.place(&format!("{phase:?}")));
        lake
    }

    /// The lake is sound as a disturbed phase left it, and doing that phase again makes it what it should be.
    pub fn assert_mended(&self, lake: &Place, phase: Phase, what: &str) {
        println!("{what}");
        if lake.is_there() {
            assert_sound(lake);
        }
        phase.run(&lake.store(), &self.logs).unwrap();
        assert_sound(lake);
        self.assert_done(lake, phase, what);
    }

    /// The tables are those that `phase` leaves.
    pub fn assert_done(&self, lake: &Place, phase: Phase, what: &str) {
        assert_same(&tables_of(&lake.store()), &self.after[phase as usize], what);
    }
}

/// Reads a folder into the lake, with a commit after about `batch_bytes` of text.
pub fn read_in(guard: &WriteGuard<'_>, logs: &Path, batch_bytes: usize) -> Done {
    let logs = Location::parse(logs.to_str().unwrap())?;
    let listing = list(&[logs], &Selection::default())?;
    let options = IngestOptions {
        batch_bytes,
        chunk_bytes: batch_bytes,
        // Each batch is a commit.
        commit_events: 0,
        // One reader, so that the same files go into the same commits and a step has the same number in every run.
        ..IngestOptions::new(1)
    };
    ingest(guard, listing, options, &mut |_| ())?;
    Ok(())
}

/// Whether a reader that takes every file it finds sees each row once.
fn has_its_files_only(place: &Place) -> Result<Manifest, String> {
    let lake = Lake::open_in(place.store()).unwrap();
    let manifest = lake.snapshot().unwrap();
    drop(lake);
    let root = place.folder();
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
        if on_disk != named {
            return Err(format!(
                "files of {}: {on_disk:?} instead of {named:?}",
                table.name()
            ));
        }
    }
    Ok(manifest)
}

/// What must hold of a lake in any state, once a process has opened it.
pub fn assert_sound(place: &Place) {
    place.rest();
    // Another thread of this program may be starting a process, which holds all our locks for a moment.
    let manifest = (0..20)
        .find_map(|_| {
            let found = has_its_files_only(place).ok();
            if found.is_none() {
                std::thread::sleep(std::time::Duration::from_millis(20));
            }
            found
        })
        .unwrap_or_else(|| has_its_files_only(place).unwrap());
    let staged = std::fs::read_dir(place.folder().join("staging")).map_or(0, Iterator::count);
    assert_eq!(staged, 0, "half-written files");
    // Log files are there wholly or not at all.
    let rows = tables_of(&place.store());
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

/// The definitions beside the logs.
fn definitions(logs: &Path) -> PathBuf {
    let path = logs.with_file_name("rolecall.toml");
    if !path.exists() {
        let text = "[[report]]\nname = \"nightly\"\ncompare = \"previous\"\nsection = [{ builtin = \"account_review\" }]\n\
            output = [{ format = \"html\", to = \"reports/{date}.html\" }]\n";
        std::fs::write(&path, text).unwrap();
    }
    path
}

/// A run of a report.
fn report(lake: &Lake, now: DateTime<Utc>, logs: &Path) -> Done {
    let definitions = read_definitions(&definitions(logs))?;
    let (directory, grants, aws) = Default::default();
    let materials = Materials {
        directory: &directory,
        grants: &grants,
        limits: LIMITS,
    };
    let receivers = Receivers {
        aws: &aws,
        notifiers: &[],
        pseudonyms: None,
        all_pseudonymous: false,
    };
    let (wanted, report) = (For::Day(REPORTED.parse()?), &definitions.reports[0]);
    let made = make_report(lake, now, &|| (), report, wanted, materials, receivers);
    runtime().block_on(made)?;
    Ok(())
}
