//! Clearing away what does not count: files that were never finished, and those that no manifest names.

use std::collections::HashSet;

use chrono::{DateTime, Utc};

use super::lease::Lease;
use super::manifest::{Manifest, Operation};
use super::store::{STAGING, Store};
use super::{LakeError, LakeTable};

/// Removes files that were never finished, Parquet files that the manifest does not name, and folders left empty.
///
/// Nobody else may be at work. Data files of a later commit than the next one mean that the manifest is an old one, put back: then
/// nothing is removed. Returns true where nothing stays that should go.
pub(super) fn on_disk(store: &Store, manifest: &Manifest) -> bool {
    // Links lead out of the lake, and nothing outside is ours to remove.
    let staging = std::fs::symlink_metadata(store.path_of(STAGING));
    let mut is_clean = true;
    if staging.is_ok_and(|found| found.is_dir()) {
        let Ok(staged) = store.list(STAGING) else {
            return false;
        };
        let staged = staged.into_iter().map(|name| format!("{STAGING}/{name}"));
        is_clean = store.remove_quietly(&staged.collect::<Vec<_>>());
    }
    let Ok(found) = store.data_files() else {
        return false;
    };
    if is_put_back(&found, manifest) {
        return false;
    }
    is_clean &= store.remove_quietly(&nameless(found, manifest));
    store.remove_empty_folders();
    is_clean
}

/// The same in a bucket, by the one who has the turn to write; returns the newest state.
///
/// A file may be on its way into a commit as long as its number is free. So a commit that changes nothing takes that number first:
/// then whoever else believes that it is his turn cannot publish what is removed here.
pub(super) fn in_bucket(
    store: &Store,
    lease: &Lease,
    manifest: Manifest,
    now: DateTime<Utc>,
) -> Result<Manifest, LakeError> {
    let found = store.data_files()?;
    if is_put_back(&found, &manifest) {
        return Ok(manifest);
    }
    let (unborn, retired): (Vec<_>, Vec<_>) = nameless(found, &manifest)
        .into_iter()
        .partition(|path| version_of(path).is_some_and(|version| version > manifest.version));
    let mut manifest = manifest;
    if !unborn.is_empty() {
        let fence = manifest.next(Operation::Fence, now)?;
        if !fence.publish(store)? {
            return Err(LakeError::Overtaken { path: store.root() });
        }
        manifest = fence;
        // Nobody ever read them.
        store.remove_quietly(&unborn);
    }
    if !retired.is_empty() {
        lease.alone(|| {
            store.remove_quietly(&retired);
        });
    }
    Ok(manifest)
}

fn is_put_back(found: &[String], manifest: &Manifest) -> bool {
    let mut versions = found.iter().filter_map(|path| version_of(path));
    versions.any(|version| version > manifest.version + 1)
}

fn nameless(found: Vec<String>, manifest: &Manifest) -> Vec<String> {
    let named: HashSet<&str> = LakeTable::ALL
        .into_iter()
        .flat_map(|table| manifest.files(table))
        .map(|file| file.path.as_str())
        .collect();
    let mut found = found;
    found.retain(|path| !named.contains(path.as_str()));
    found
}

/// The commit that a data file was written for, by its name.
fn version_of(path: &str) -> Option<u64> {
    let (_, name) = path.rsplit_once('/')?;
    name.split('-').next()?.parse().ok()
}
