//! The manifest: the list of data files that count, one numbered JSON file per commit.
//!
//! The highest number is the truth. A reader keeps the manifest it opened with, and so sees one
//! state of the lake however long its query takes.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::ops::RangeInclusive;
use std::path::{Component, Path, PathBuf};

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

use super::LakeError;
use super::derived::{Derived, Upheld};
use super::store::{Store, chance};
use super::table::LakeTable;

/// The newest lake format this build reads and writes.
pub const FORMAT_VERSION: u32 = 5;

/// Manifests that stay behind the newest: a reader that listed them a moment ago may still open one.
const KEPT: u64 = 3;
/// In a bucket they stay for so long, so that a writer that was halted finds the number taken that it wants to use.
const KEPT_IN_BUCKET: TimeDelta = TimeDelta::days(1);

/// More commits than a lake can have seen: one a second for three hundred thousand years.
const MOST: u64 = 10_u64.pow(13);

/// One Parquet file of a table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DataFile {
    /// The path below the lake's folder, with `/` between its parts.
    pub path: String,
    /// The UTC day of all its rows, in tables that have days.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub date: Option<NaiveDate>,
    /// How many rows it holds.
    pub rows: u64,
    /// Its size in bytes.
    pub size: u64,
    /// The earliest `event_time`, in microseconds since 1970, where the table has one; of `sessions`, when the first was opened.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min_time: Option<i64>,
    /// The latest `event_time`; of `sessions`, when one was used last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_time: Option<i64>,
    /// What its rows say, as [`content_of`](super::content_of) has it, in tables that are worked out anew as a whole.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub content: Option<String>,
}

impl DataFile {
    /// A file that has no rows yet.
    pub(super) fn begun(path: String, date: Option<NaiveDate>) -> Self {
        Self {
            path,
            date,
            rows: 0,
            size: 0,
            min_time: None,
            max_time: None,
            content: None,
        }
    }

    /// Whether a row's time can lie in this UTC day, by the bounds that the file has.
    pub fn may_have_time_of(&self, day: NaiveDate) -> bool {
        let days = self.days();
        days.is_some_and(|days| days.contains(&day))
    }

    /// The UTC days of the bounds of its time, where it has them.
    pub fn days(&self) -> Option<RangeInclusive<NaiveDate>> {
        let day = |time| DateTime::from_timestamp_micros(time).map(|time| time.date_naive());
        Some(day(self.min_time?)?..=day(self.max_time?)?)
    }
}

/// What a commit was for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Operation {
    /// Log files were read in.
    #[default]
    Ingest,
    /// Sessions were worked out.
    Resolve,
    /// Files were put together; no row changed.
    Compact,
    /// Days were given up.
    Prune,
    /// What was used was worked out, by day.
    StoreUsage,
    /// What a report said was written down.
    Report,
    /// Nothing changed: a number was taken, so that nobody else can commit under it.
    Fence,
    /// Something that this version does not know.
    #[serde(other)]
    Other,
}

/// One committed state of the lake.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// The lake format.
    pub format: u32,
    /// The number of this commit; 0 is the empty lake.
    pub version: u64,
    /// Tells this commit from any other that was ever tried under its number.
    #[serde(default)]
    pub commit_id: String,
    /// The `commit_id` of the state that this commit was made of.
    #[serde(default)]
    pub parent_id: String,
    /// What this commit was for.
    #[serde(default)]
    pub operation: Operation,
    /// When the run that made this commit began.
    #[serde(default)]
    pub committed_at: DateTime<Utc>,
    /// The program that made it.
    #[serde(default)]
    pub written_by: String,
    /// The commit that last changed which events there are.
    #[serde(default)]
    pub events_version: u64,
    /// The `events_version` from which `sessions` was worked out.
    #[serde(default)]
    pub resolved_version: u64,
    /// The rules by which `sessions` was worked out from the facts of this state; empty where it was from others.
    #[serde(default)]
    pub session_rules: String,
    /// How far that holds which is worked out by day; what is missing, as before format 4, holds for no day.
    #[serde(default)]
    pub(super) derived: BTreeMap<Derived, Upheld>,
    /// The first day whose events are kept; the days before it were pruned.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pruned_before: Option<NaiveDate>,
    /// Sources in buckets, by URI, and the day on which the last whole reading of each began: what was delivered before that day is known.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub walked: BTreeMap<String, NaiveDate>,
    /// The files of each table, by path. A manifest without it is damaged: taken for an empty lake, it would cost all data.
    tables: BTreeMap<LakeTable, Vec<DataFile>>,
}

impl Manifest {
    /// The state of a lake that holds nothing.
    pub fn empty() -> Self {
        Self {
            format: FORMAT_VERSION,
            version: 0,
            commit_id: String::new(),
            parent_id: String::new(),
            operation: Operation::default(),
            committed_at: DateTime::UNIX_EPOCH,
            written_by: String::new(),
            events_version: 0,
            resolved_version: 0,
            session_rules: String::new(),
            derived: Derived::ALL.map(|what| (what, Upheld::of_nothing())).into(),
            pruned_before: None,
            walked: BTreeMap::new(),
            tables: BTreeMap::new(),
        }
    }

    /// The files of one table, ordered by path.
    pub fn files(&self, table: LakeTable) -> &[DataFile] {
        self.tables.get(&table).map_or(&[], Vec::as_slice)
    }

    /// How many rows a table holds.
    pub fn rows(&self, table: LakeTable) -> u64 {
        self.files(table).iter().map(|file| file.rows).sum()
    }

    /// Returns true when `sessions` reflects all events.
    pub fn is_resolved(&self) -> bool {
        self.events_version == self.resolved_version
    }

    /// The UTC days of which a table has rows.
    pub fn days_of(&self, table: LakeTable) -> BTreeSet<NaiveDate> {
        let files = self.files(table).iter();
        files.filter_map(|file| file.date).collect()
    }

    /// The same state under the next number, committed now for a purpose of its own.
    pub(super) fn next(&self, operation: Operation, at: DateTime<Utc>) -> Result<Self, LakeError> {
        let unnamed = |source| LakeError::Io {
            doing: "name a commit in",
            path: PathBuf::from(FOLDER),
            source,
        };
        Ok(Self {
            format: FORMAT_VERSION,
            version: self.version + 1,
            commit_id: chance().map_err(unnamed)?,
            parent_id: self.commit_id.clone(),
            operation,
            committed_at: at,
            written_by: concat!("rolecall ", env!("CARGO_PKG_VERSION")).to_owned(),
            ..self.clone()
        })
    }

    /// What it says that cannot be, under the number that its name bears.
    fn contradiction(&self, version: u64) -> Option<&'static str> {
        let files = || self.tables.values().flatten();
        let total = |of: fn(&DataFile) -> u64| {
            let sum = files().try_fold(0_u64, |sum, file| sum.checked_add(of(file)));
            sum.filter(|sum| i64::try_from(*sum).is_ok())
        };
        if self.version != version || version > MOST {
            Some("its number is not that of its name, or cannot be one")
        } else if total(|file| file.rows).is_none() || total(|file| file.size).is_none() {
            Some("its files would hold more rows or bytes than can be counted")
        } else {
            None
        }
    }

    pub(super) fn files_mut(&mut self, table: LakeTable) -> &mut Vec<DataFile> {
        self.tables.entry(table).or_default()
    }

    /// Makes this the newest state; returns false where another writer took the number.
    pub(super) fn publish(&self, store: &Store) -> Result<bool, LakeError> {
        let path = path_of(self.version);
        let text = serde_json::to_vec(self).map_err(|source| LakeError::Manifest {
            path: store.path_of(&path),
            source,
        })?;
        // Without working locks another one may be further than we know, and its older manifests gone.
        let is_late = versions_from(store, self.version)?
            .last()
            .is_some_and(|last| *last >= self.version);
        if is_late || !store.put_new(&path, text)? {
            return Ok(false);
        }
        Ok(store.bucket().is_none() || self.is_told(store)?)
    }

    /// Whether what came after this commit, if anything did, was built on it.
    ///
    /// A number that was used and forgotten is free again: whoever was halted for days between his last look and his put would take it.
    fn is_told(&self, store: &Store) -> Result<bool, LakeError> {
        if versions_from(store, self.version)?.last() == Some(&self.version) {
            return Ok(true);
        }
        match read(store, self.version + 1) {
            Ok(after) => Ok(after.parent_id == self.commit_id),
            Err(LakeError::Io { source, .. }) if source.kind() == io::ErrorKind::NotFound => {
                Ok(false)
            }
            Err(error) => Err(error),
        }
    }
}

/// The name of the folder that holds the manifests.
pub(super) const FOLDER: &str = "manifest";

/// The folder that holds the manifests.
pub(super) fn folder(root: &Path) -> PathBuf {
    root.join(FOLDER)
}

fn path_of(version: u64) -> String {
    format!("{FOLDER}/{}", name_of(version))
}

fn name_of(version: u64) -> String {
    format!("{version:08}.json")
}

/// The version numbers present, ascending; names that are no version are passed over.
pub(super) fn versions(store: &Store) -> Result<Vec<u64>, LakeError> {
    versions_from(store, 0)
}

/// The same; those before `first` may be left out.
fn versions_from(store: &Store, first: u64) -> Result<Vec<u64>, LakeError> {
    let before = first.checked_sub(1).map(name_of);
    let names = store.list_behind(FOLDER, before.as_deref())?;
    let mut versions: Vec<u64> = names.iter().filter_map(|name| version_of(name)).collect();
    versions.sort_unstable();
    Ok(versions)
}

fn version_of(name: &str) -> Option<u64> {
    let version: u64 = name.strip_suffix(".json")?.parse().ok()?;
    (*name == name_of(version)).then_some(version)
}

/// Forgets all but the newest few manifests. One that stays is harmless; the next commit tries again.
pub(super) fn forget_old(store: &Store, newest: u64) {
    let is_old = |version: &u64| version + KEPT <= newest;
    let old: Vec<u64> = match store.bucket() {
        None => {
            let found = versions(store).unwrap_or_default();
            found.into_iter().filter(is_old).collect()
        }
        // To look each time would make many commits dear.
        Some(_) if !newest.is_multiple_of(16) => return,
        Some(bucket) => {
            let found = bucket.list(FOLDER).unwrap_or_default();
            let times: BTreeMap<u64, DateTime<Utc>> = found
                .iter()
                .filter_map(|(name, time)| Some((version_of(name)?, (*time)?)))
                .collect();
            // By the bucket's own clock.
            let now = times.values().max().copied().unwrap_or_default();
            let rested = |time: &DateTime<Utc>| now.signed_duration_since(*time) > KEPT_IN_BUCKET;
            let times = times.iter().filter(|(_, time)| rested(time));
            times.map(|(version, _)| *version).filter(is_old).collect()
        }
    };
    store.remove_quietly(&old.into_iter().map(path_of).collect::<Vec<_>>());
}

/// Reads the newest state.
pub(super) fn newest(store: &Store) -> Result<Manifest, LakeError> {
    let mut last_seen = None;
    loop {
        let Some(version) = versions(store)?.pop() else {
            let path = store.root();
            if store.data_files()?.is_empty() {
                return Err(LakeError::NotALake { path });
            }
            // Somebody may have made it between our two looks.
            if versions(store)?.is_empty() {
                return Err(LakeError::ManifestsLost { path });
            }
            continue;
        };
        match read(store, version) {
            // Writers went so far between our two looks that it was forgotten; there is a newer one.
            Err(LakeError::Io { source, .. })
                if source.kind() == io::ErrorKind::NotFound && last_seen != Some(version) =>
            {
                last_seen = Some(version);
            }
            other => return other,
        }
    }
}

fn read(store: &Store, version: u64) -> Result<Manifest, LakeError> {
    #[derive(Deserialize)]
    struct FormatOnly {
        format: u64,
    }
    let text = store.read(&path_of(version))?;
    let path = store.path_of(&path_of(version));
    let damaged = |source| LakeError::Manifest {
        path: path.clone(),
        source,
    };
    // The format first: a newer manifest need not have the shape that follows.
    let FormatOnly { format } = serde_json::from_slice(&text).map_err(damaged)?;
    if format > u64::from(FORMAT_VERSION) {
        return Err(LakeError::NewerFormat {
            path: store.root(),
            found: format,
        });
    }
    let manifest: Manifest = serde_json::from_slice(&text).map_err(damaged)?;
    if let Some(wrong) = manifest.contradiction(version) {
        return Err(damaged(serde::de::Error::custom(wrong)));
    }
    let mut files = manifest.tables.values().flatten();
    match files.find(|file| !is_below(&file.path)) {
        Some(file) => Err(LakeError::PathOutside {
            path: path.clone(),
            file: file.path.clone(),
        }),
        None => Ok(manifest),
    }
}

/// Whether a path stays below the folder it is joined to.
fn is_below(path: &str) -> bool {
    let mut parts = Path::new(path).components().peekable();
    parts.peek().is_some() && parts.all(|part| matches!(part, Component::Normal(_)))
}
