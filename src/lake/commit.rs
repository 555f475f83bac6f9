//! Changing a lake: new files are written first, the manifest makes them count, old ones go last.
//!
//! A process killed before the manifest is published leaves files that no manifest names; one killed
//! after it leaves files that should be gone. Either way the next opening sweeps them.

use std::collections::{BTreeSet, HashSet};
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};

use chrono::{DateTime, NaiveDate, Utc};

use super::manifest::{self, DataFile, Manifest, Operation};
use super::store::{STAGING, StagedFile, Store};
use super::table::LakeTable;
use super::{Lake, LakeError};

/// What one commit adds and takes away.
#[derive(Debug, Clone, Default)]
pub struct Change {
    /// What it is for.
    pub operation: Operation,
    /// New files, already written.
    pub add: Vec<(LakeTable, DataFile)>,
    /// Files that no longer count, by path.
    pub remove: Vec<(LakeTable, String)>,
    /// Set when `sessions` now reflects all events.
    pub resolved: bool,
    /// Set when events before this day are given up.
    pub pruned_before: Option<NaiveDate>,
}

impl Change {
    /// Returns true when there is nothing to commit.
    pub fn is_empty(&self) -> bool {
        self.add.is_empty()
            && self.remove.is_empty()
            && !self.resolved
            && self.pruned_before.is_none()
    }

    fn touches(&self, table: LakeTable) -> bool {
        let added = self.add.iter().any(|(of, _)| *of == table);
        added || self.remove.iter().any(|(of, _)| *of == table)
    }

    /// The state that comes of this change to `base`.
    fn applied_to(&self, base: &Manifest, at: DateTime<Utc>) -> Manifest {
        let mut next = base.clone();
        next.version += 1;
        next.operation = self.operation;
        next.committed_at = at;
        concat!("rolecall ", env!("CARGO_PKG_VERSION")).clone_into(&mut next.written_by);
        // Other files with the same rows: what was worked out from them still holds.
        if self.operation != Operation::Compact && self.touches(LakeTable::Events) {
            next.events_version = next.version;
        }
        if self.resolved {
            next.resolved_version = next.events_version;
        }
        next.pruned_before = base.pruned_before.max(self.pruned_before);
        let removed: HashSet<&str> = self.remove.iter().map(|(_, path)| path.as_str()).collect();
        for table in LakeTable::ALL {
            let files = next.files_mut(table);
            files.retain(|file| !removed.contains(file.path.as_str()));
            let added = self.add.iter().filter(|(of, _)| *of == table);
            files.extend(added.map(|(_, file)| file.clone()));
            files.sort_by(|a, b| a.path.cmp(&b.path));
        }
        next
    }

    /// Whether it may be applied to a state that another writer made of the one it was meant for.
    ///
    /// Compaction depends on nothing but the files it takes the place of.
    fn stands_on(&self, newest: &Manifest) -> bool {
        self.operation == Operation::Compact
            && self.remove.iter().all(|(table, path)| {
                let files = newest.files(*table);
                files.iter().any(|file| file.path == *path)
            })
    }
}

/// A new data file that is still to be written.
#[derive(Debug)]
pub(super) struct NewFile {
    /// The path below the lake's folder that it will have.
    pub(super) path: String,
    /// The open file, private to the user.
    pub(super) file: StagedFile,
}

/// The right to change the lake; on disk one process at a time holds it.
#[derive(Debug)]
pub struct WriteGuard<'a> {
    lake: &'a Lake,
    _lock: File,
    now: DateTime<Utc>,
    next_file: AtomicU32,
    /// The number that the next commit will have.
    next_version: AtomicU64,
}

impl<'a> WriteGuard<'a> {
    pub(super) fn new(lake: &'a Lake, lock: File, now: DateTime<Utc>) -> Result<Self, LakeError> {
        Ok(Self {
            lake,
            _lock: lock,
            now,
            next_file: AtomicU32::new(0),
            next_version: AtomicU64::new(lake.snapshot()?.version + 1),
        })
    }

    /// The state that the next commit builds on.
    pub fn snapshot(&self) -> Result<Manifest, LakeError> {
        self.lake.snapshot()
    }

    /// When this run began: the time that its rows and commits bear.
    pub fn now(&self) -> DateTime<Utc> {
        self.now
    }

    /// The files of the lake.
    pub fn store(&self) -> &Store {
        self.lake.store()
    }

    /// Begins a file for `table`.
    pub(super) fn new_file(
        &self,
        table: LakeTable,
        date: Option<NaiveDate>,
    ) -> Result<NewFile, LakeError> {
        let folder = match date {
            Some(date) => format!("{}/date={date}", table.name()),
            None => table.name().to_owned(),
        };
        self.store().create_dir(&self.store().path_of(&folder))?;
        let version = self.next_version.load(Ordering::Relaxed);
        let number = self.next_file.fetch_add(1, Ordering::Relaxed);
        let file = self.store().stage(&format!("{version:08}-{number:04}-"))?;
        let path = format!("{folder}/{}", file.name());
        Ok(NewFile { path, file })
    }

    /// Removes a file that was written and is not to count.
    pub fn discard(&self, file: &DataFile) {
        self.store()
            .remove_quietly(&self.store().path_of(&file.path));
    }

    /// Publishes `change`, which was made of `base`, as the newest state; then removes what no longer counts.
    ///
    /// Where another writer published first, a change that does not depend on what it did is put on top;
    /// else [`LakeError::Overtaken`] is returned, and nothing counts that was not there before.
    pub fn commit(&self, base: &Manifest, change: &Change) -> Result<Manifest, LakeError> {
        if change.is_empty() {
            return Ok(base.clone());
        }
        let store = self.store();
        for folder in folders_of(change) {
            store.sync_dir(&store.path_of(folder))?;
        }
        // Where locks do not work, another one may have taken them for leftovers.
        if change
            .add
            .iter()
            .any(|(_, file)| !store.path_of(&file.path).exists())
        {
            return Err(LakeError::Overtaken {
                path: store.root().to_owned(),
            });
        }
        let mut next = change.applied_to(base, self.now);
        while !next.publish(store)? {
            let newest = self.snapshot()?;
            if !change.stands_on(&newest) {
                return Err(LakeError::Overtaken {
                    path: store.root().to_owned(),
                });
            }
            next = change.applied_to(&newest, self.now);
        }
        self.next_version.store(next.version + 1, Ordering::Relaxed);
        manifest::forget_old(store, next.version);
        let named = |table: LakeTable, path: &str| {
            let files = next.files(table);
            files.iter().any(|file| file.path == path)
        };
        let retired: Vec<_> = change
            .remove
            .iter()
            .filter(|(table, path)| !named(*table, path))
            .cloned()
            .collect();
        self.remove_unless_read(&retired);
        Ok(next)
    }

    /// Removes retired files at once when nobody else reads; else the next opening does.
    fn remove_unless_read(&self, retired: &[(LakeTable, String)]) {
        if retired.is_empty() {
            return;
        }
        let Some(own) = &self.lake.lease.readers else {
            return;
        };
        // Our own shared lock would stand in the way of the exclusive one.
        if own.unlock().is_err() {
            return;
        }
        if own.try_lock().is_ok() {
            for (_, path) in retired {
                self.store().remove_quietly(&self.store().path_of(path));
            }
        }
        drop(own.lock_shared());
    }
}

fn folders_of(change: &Change) -> BTreeSet<&str> {
    change
        .add
        .iter()
        .filter_map(|(_, file)| Some(file.path.rsplit_once('/')?.0))
        .collect()
}

/// Removes files that were never finished, Parquet files that the manifest does not name, and folders left empty.
///
/// Data files of a later commit than the next one mean that the manifest is an old one, put back: then nothing is removed.
pub(super) fn sweep(store: &Store, manifest: &Manifest) {
    let staging = store.path_of(STAGING);
    // Links lead out of the lake, and nothing outside is ours to remove.
    let is_folder = std::fs::symlink_metadata(&staging).is_ok_and(|found| found.is_dir());
    let staged = if is_folder {
        store.list(&staging).unwrap_or_default()
    } else {
        Vec::new()
    };
    for name in staged {
        store.remove_quietly(&staging.join(name));
    }
    let found = data_files(store);
    let is_later =
        |path: &PathBuf| version_of(path).is_some_and(|version| version > manifest.version + 1);
    if found.iter().any(is_later) {
        return;
    }
    let named: HashSet<PathBuf> = LakeTable::ALL
        .into_iter()
        .flat_map(|table| manifest.files(table))
        .map(|file| store.path_of(&file.path))
        .collect();
    for path in found.iter().filter(|path| !named.contains(*path)) {
        store.remove_quietly(path);
    }
    for table in LakeTable::ALL {
        let folders = walkdir::WalkDir::new(store.path_of(table.name()))
            .follow_root_links(false)
            .contents_first(true);
        for folder in folders.into_iter().flatten() {
            if folder.file_type().is_dir() {
                // Fails, as it should, unless the folder is empty.
                store.remove_dir_quietly(folder.path());
            }
        }
    }
}

/// Whether there is any data file, whoever names it.
pub(super) fn has_data_files(store: &Store) -> bool {
    !data_files(store).is_empty()
}

/// The Parquet files in the tables' folders.
fn data_files(store: &Store) -> Vec<PathBuf> {
    LakeTable::ALL
        .into_iter()
        .flat_map(|table| {
            walkdir::WalkDir::new(store.path_of(table.name())).follow_root_links(false)
        })
        .flatten()
        .filter(|entry| entry.file_type().is_file())
        .map(walkdir::DirEntry::into_path)
        .filter(|path| {
            path.extension()
                .is_some_and(|extension| extension == "parquet")
        })
        .collect()
}

/// The commit that a data file was written for, by its name.
fn version_of(path: &Path) -> Option<u64> {
    let name = path.file_name()?.to_str()?;
    name.split('-').next()?.parse().ok()
}
