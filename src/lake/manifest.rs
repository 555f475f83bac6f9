//! The manifest: the list of data files that count, one numbered JSON file per commit.
//!
//! The highest number is the truth. A reader keeps the manifest it opened with, and so sees one
//! state of the lake however long its query takes.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use super::table::LakeTable;
use super::{LakeError, file};

/// The newest lake format this build reads and writes.
pub const FORMAT_VERSION: u32 = 1;

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
    /// The earliest `event_time`, in microseconds since 1970, where the table has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min_time: Option<i64>,
    /// The latest `event_time`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_time: Option<i64>,
}

/// One committed state of the lake.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// The lake format.
    pub format: u32,
    /// The number of this commit; 0 is the empty lake, which has no file.
    pub version: u64,
    /// The commit that last changed `events`.
    #[serde(default)]
    pub events_version: u64,
    /// The `events_version` from which `sessions` was worked out.
    #[serde(default)]
    pub resolved_version: u64,
    /// The files of each table, by path.
    #[serde(default)]
    tables: BTreeMap<LakeTable, Vec<DataFile>>,
}

impl Manifest {
    /// The state of a lake that holds nothing.
    pub fn empty() -> Self {
        Self {
            format: FORMAT_VERSION,
            version: 0,
            events_version: 0,
            resolved_version: 0,
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

    pub(super) fn files_mut(&mut self, table: LakeTable) -> &mut Vec<DataFile> {
        self.tables.entry(table).or_default()
    }

    pub(super) fn publish(&self, root: &Path) -> Result<(), LakeError> {
        let path = path_of(root, self.version);
        let text = serde_json::to_vec(self).map_err(|source| LakeError::Manifest {
            path: path.clone(),
            source,
        })?;
        file::publish(&path, &text)
    }
}

/// The folder that holds the manifests.
pub(super) fn folder(root: &Path) -> PathBuf {
    root.join("manifest")
}

fn path_of(root: &Path, version: u64) -> PathBuf {
    folder(root).join(format!("{version:08}.json"))
}

/// The version numbers present, ascending; names that are no version are passed over.
pub(super) fn versions(root: &Path) -> Result<Vec<u64>, LakeError> {
    let folder = folder(root);
    let mut versions = Vec::new();
    for entry in std::fs::read_dir(&folder).map_err(LakeError::io("read folder", &folder))? {
        let name = entry
            .map_err(LakeError::io("read folder", &folder))?
            .file_name();
        let number = name.to_str().and_then(|name| name.strip_suffix(".json"));
        versions.extend(number.and_then(|number| number.parse::<u64>().ok()));
    }
    versions.sort_unstable();
    Ok(versions)
}

/// Forgets all but the newest few manifests.
pub(super) fn forget_old(root: &Path, newest: u64) {
    const KEPT: u64 = 3;
    for version in versions(root).unwrap_or_default() {
        if version + KEPT <= newest {
            // An old manifest that stays is harmless; the next commit tries again.
            drop(std::fs::remove_file(path_of(root, version)));
        }
    }
}

pub(super) fn newest(root: &Path) -> Result<Manifest, LakeError> {
    #[derive(Deserialize)]
    struct FormatOnly {
        format: u32,
    }
    let Some(version) = versions(root)?.pop() else {
        return Ok(Manifest::empty());
    };
    let path = path_of(root, version);
    let text = std::fs::read(&path).map_err(LakeError::io("read", &path))?;
    let damaged = |source| LakeError::Manifest {
        path: path.clone(),
        source,
    };
    // The format first: a newer manifest need not have the shape that follows.
    let FormatOnly { format } = serde_json::from_slice(&text).map_err(damaged)?;
    if format > FORMAT_VERSION {
        return Err(LakeError::NewerFormat {
            path: root.to_owned(),
            found: format,
        });
    }
    serde_json::from_slice(&text).map_err(damaged)
}
