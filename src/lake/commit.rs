//! Changing a lake: new files are written first, the manifest makes them count, old ones go last.
//!
//! A process killed before the manifest is published leaves files that no manifest names; one killed
//! after it leaves files that should be gone. Either way the next opening sweeps them.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};

use chrono::NaiveDate;

use super::manifest::{self, DataFile, Manifest};
use super::table::LakeTable;
use super::{Lake, LakeError, file};

/// What one commit adds and takes away.
#[derive(Debug, Default)]
pub struct Change {
    /// New files, already written.
    pub add: Vec<(LakeTable, DataFile)>,
    /// Files that no longer count, by path.
    pub remove: Vec<(LakeTable, String)>,
    /// Set when `sessions` now reflects all events.
    pub resolved: bool,
}

impl Change {
    /// Returns true when there is nothing to commit.
    pub fn is_empty(&self) -> bool {
        self.add.is_empty() && self.remove.is_empty() && !self.resolved
    }
}

/// A new data file that is still to be written.
#[derive(Debug)]
pub struct NewFile {
    /// The path below the lake's folder.
    pub path: String,
    /// The open file, private to the user.
    pub file: File,
}

/// The right to change the lake; one process at a time holds it.
#[derive(Debug)]
pub struct WriteGuard<'a> {
    lake: &'a Lake,
    _lock: File,
    next_file: AtomicU32,
    /// The number that the next commit will have.
    next_version: AtomicU64,
}

impl<'a> WriteGuard<'a> {
    pub(super) fn new(lake: &'a Lake, lock: File) -> Result<Self, LakeError> {
        Ok(Self {
            lake,
            _lock: lock,
            next_file: AtomicU32::new(0),
            next_version: AtomicU64::new(lake.snapshot()?.version + 1),
        })
    }

    /// The state that the next commit builds on.
    pub fn snapshot(&self) -> Result<Manifest, LakeError> {
        self.lake.snapshot()
    }

    /// The path of one of the lake's files.
    pub fn path_of(&self, path: &str) -> PathBuf {
        self.lake.root.join(path)
    }

    /// Makes an empty file for `table`.
    pub fn new_file(
        &self,
        table: LakeTable,
        date: Option<NaiveDate>,
    ) -> Result<NewFile, LakeError> {
        let folder = match date {
            Some(date) => format!("{}/date={date}", table.name()),
            None => table.name().to_owned(),
        };
        let dir = self.lake.root.join(&folder);
        file::create_private_dir(&dir)?;
        let version = self.next_version.load(Ordering::Relaxed);
        loop {
            let number = self.next_file.fetch_add(1, Ordering::Relaxed);
            let path = format!("{folder}/{version:08}-{number:04}.parquet");
            match file::create_private_file(&self.lake.root.join(&path)) {
                Ok(file) => return Ok(NewFile { path, file }),
                // A killed process left it, and a reader kept us from sweeping.
                Err(LakeError::Io { source, .. }) if source.kind() == ErrorKind::AlreadyExists => {}
                Err(error) => return Err(error),
            }
        }
    }

    /// Publishes a new manifest with `change` applied, then removes what no longer counts.
    pub fn commit(&self, change: Change) -> Result<Manifest, LakeError> {
        let mut manifest = self.snapshot()?;
        if change.is_empty() {
            return Ok(manifest);
        }
        for folder in folders_of(&change) {
            file::sync_dir(&self.lake.root.join(folder))?;
        }
        manifest.version += 1;
        let touches_events = change
            .add
            .iter()
            .any(|(table, _)| *table == LakeTable::Events)
            || change
                .remove
                .iter()
                .any(|(table, _)| *table == LakeTable::Events);
        if touches_events {
            manifest.events_version = manifest.version;
        }
        if change.resolved {
            manifest.resolved_version = manifest.events_version;
        }
        for (table, path) in &change.remove {
            manifest.files_mut(*table).retain(|file| file.path != *path);
        }
        for (table, file) in change.add {
            manifest.files_mut(table).push(file);
        }
        for table in LakeTable::ALL {
            manifest
                .files_mut(table)
                .sort_by(|a, b| a.path.cmp(&b.path));
        }
        manifest.publish(&self.lake.root)?;
        self.next_version
            .store(manifest.version + 1, Ordering::Relaxed);
        manifest::forget_old(&self.lake.root, manifest.version);
        self.remove_unless_read(&change.remove);
        Ok(manifest)
    }

    /// Removes retired files at once when nobody else reads; else the next opening does.
    fn remove_unless_read(&self, retired: &[(LakeTable, String)]) {
        if retired.is_empty() {
            return;
        }
        let Some(own) = &self.lake.readers else {
            return;
        };
        // Our own shared lock would stand in the way of the exclusive one.
        if own.unlock().is_err() {
            return;
        }
        if own.try_lock().is_ok() {
            for (_, path) in retired {
                file::remove_quietly(&self.lake.root.join(path));
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

/// Removes Parquet files that the manifest does not name, and day folders left empty.
pub(super) fn sweep(root: &Path, manifest: &Manifest) {
    for table in LakeTable::ALL {
        let named: BTreeSet<PathBuf> = manifest
            .files(table)
            .iter()
            .map(|file| root.join(&file.path))
            .collect();
        let folder = root.join(table.name());
        for entry in walkdir::WalkDir::new(&folder)
            .contents_first(true)
            .into_iter()
            .flatten()
        {
            let path = entry.path();
            let is_ours = path
                .extension()
                .is_some_and(|extension| extension == "parquet");
            if entry.file_type().is_file() && is_ours && !named.contains(path) {
                file::remove_quietly(path);
            } else if entry.file_type().is_dir() && entry.depth() > 0 {
                // Fails, as it should, unless the folder is empty.
                drop(std::fs::remove_dir(path));
            }
        }
    }
}
