//! Where our own files live: one folder per table, and the manifest that says which files count.
//! In: a folder. Out: snapshots to read, and a guarded way to commit new files and retire old ones.
//! Why: the only path arithmetic on our side, so that no other room knows a file name.
//! Holds: a data file counts once the manifest names it; everything is private to the user (0700/0600).
//! Next: `engine` reads the snapshots, `ingest` and `sessions` write through [`WriteGuard`].

mod column;
mod commit;
mod content;
mod days;
mod derived;
mod draft;
mod lease;
mod lookup;
mod manifest;
mod mark;
mod parquet_columns;
mod parquet_file;
mod parquet_merge;
mod parquet_rows;
mod rows;
mod store;
mod sweep;
mod table;

use std::io;
use std::path::{Path, PathBuf};

use chrono::{DateTime, NaiveDate, Utc};

pub use column::{Column, ColumnType, schema_of};
pub use commit::{Change, WriteGuard};
pub use content::content_of;
pub use days::{Days, days_together};
pub use derived::Derived;
pub use draft::Draft;
pub use lease::Lease;
pub use lookup::{Times, Wanted, find_events};
pub use manifest::{DataFile, FORMAT_VERSION, Manifest, Operation};
pub use parquet_columns::{ColumnFile, Gather, Slices};
pub use parquet_file::{FileLayout, ROW_GROUP_ROWS, TableWriter, copy_without};
pub use parquet_merge::merge_events;
pub use parquet_rows::{FileRows, read_columns, read_rows, text_at};
pub use rows::{Row, RowBuilder};
pub use store::{LakeBucket, Patience, Step, Store, Traffic, Watch};
pub use table::LakeTable;

use crate::aws::{NO_CREDENTIALS, Refusal};
use lease::{Turn, sweep_if_idle};

/// Held by the one process that writes.
const LOCK: &str = "lock";
/// Held, shared, by processes that read.
const READERS: &str = "readers";

/// What can go wrong with the lake itself.
#[derive(Debug, thiserror::Error)]
pub enum LakeError {
    /// The folder holds no lake.
    #[error("`{}` is not a rolecall lake", path.display())]
    NotALake {
        /// The folder that was named.
        path: PathBuf,
    },
    /// The folder holds other things than a lake.
    #[error("`{}` holds other files and no lake; nothing was written", path.display())]
    Occupied {
        /// The folder that was named.
        path: PathBuf,
    },
    /// A newer rolecall wrote this lake.
    #[error(
        "lake `{}` has format {found}; this rolecall reads formats up to {FORMAT_VERSION}",
        path.display()
    )]
    NewerFormat {
        /// The lake.
        path: PathBuf,
        /// The format it was written in.
        found: u64,
    },
    /// The manifest cannot be understood.
    #[error("manifest `{}` is damaged", path.display())]
    Manifest {
        /// The manifest file.
        path: PathBuf,
        /// What the parser found.
        #[source]
        source: serde_json::Error,
    },
    /// There are data files, and no manifest that says which of them count.
    #[error("lake `{}` has lost its manifests", path.display())]
    ManifestsLost {
        /// The lake.
        path: PathBuf,
    },
    /// The manifest names a file that does not lie in the lake.
    #[error("manifest `{}` names `{file}`, which is no path in the lake", path.display())]
    PathOutside {
        /// The manifest file.
        path: PathBuf,
        /// What it names.
        file: String,
    },
    /// Another writer changed the lake at the same moment: in a bucket, or where locks do not work.
    #[error("another rolecall changed lake `{}` at the same moment", path.display())]
    Overtaken {
        /// The lake.
        path: PathBuf,
    },
    /// A file or folder of the lake could not be used.
    #[error("cannot {doing} `{}`", path.display())]
    Io {
        /// What was tried, as an infinitive.
        doing: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// A Parquet file could not be written.
    #[error("cannot write `{}`", path.display())]
    Parquet {
        /// The file.
        path: PathBuf,
        /// What the writer said.
        #[source]
        source: parquet::errors::ParquetError,
    },
}

impl LakeError {
    /// What the user can do about it.
    pub fn hints(&self) -> Vec<String> {
        if let Some(hint) = self.hint_of_answer() {
            return vec![hint.to_owned()];
        }
        match self {
            Self::NotALake { .. } => vec![
                "name the lake with `--lake` or `ROLECALL_LAKE`, or make one with `rolecall ingest SOURCE`"
                    .to_owned(),
            ],
            Self::Occupied { .. } => {
                vec!["name a new or empty folder with `--lake`".to_owned()]
            }
            Self::NewerFormat { .. } => {
                vec!["use the rolecall that wrote it, or a newer one".to_owned()]
            }
            Self::Overtaken { .. } => {
                vec!["run it again: what was committed is kept, and nothing counts twice".to_owned()]
            }
            Self::Manifest { .. } | Self::ManifestsLost { .. } | Self::PathOutside { .. } => vec![
                "the data files are untouched; restore the newest manifest from a backup, or ingest again into a new lake"
                    .to_owned(),
            ],
            Self::Io { .. } | Self::Parquet { .. } => match self.io_kind() {
                Some(io::ErrorKind::PermissionDenied) if self.is_in_bucket() => vec![
                    "the identity needs s3:ListBucket on the bucket, and s3:GetObject, s3:PutObject and s3:DeleteObject below the prefix; docs/s3.md has the policy"
                        .to_owned(),
                ],
                Some(io::ErrorKind::PermissionDenied) => {
                    vec!["check who owns the folder and whether it may be written".to_owned()]
                }
                Some(io::ErrorKind::StorageFull) => vec![
                    "make room and run again: nothing that was committed is lost".to_owned(),
                ],
                _ => Vec::new(),
            },
        }
    }

    fn is_in_bucket(&self) -> bool {
        match self {
            Self::Io { path, .. } | Self::Parquet { path, .. } => path.starts_with("s3:"),
            _ => false,
        }
    }

    /// What can be done about what S3 said.
    fn hint_of_answer(&self) -> Option<&'static str> {
        let mut error: Option<&(dyn std::error::Error + 'static)> = Some(self);
        while let Some(cause) = error {
            if let Some(io) = cause.downcast_ref::<io::Error>() {
                let inner = io.get_ref()?;
                return match inner.downcast_ref::<object_store::Error>() {
                    Some(object_store::Error::Unauthenticated { .. }) => Some(NO_CREDENTIALS),
                    _ => inner.downcast_ref::<Refusal>()?.hint(),
                };
            }
            error = cause.source();
        }
        None
    }

    /// What the system said, however deep it is wrapped.
    fn io_kind(&self) -> Option<io::ErrorKind> {
        let mut error: Option<&(dyn std::error::Error + 'static)> = Some(self);
        while let Some(cause) = error {
            if let Some(io) = cause.downcast_ref::<io::Error>() {
                return Some(io.kind());
            }
            error = cause.source();
        }
        None
    }

    pub(crate) fn io<'a>(
        doing: &'static str,
        path: &'a Path,
    ) -> impl FnOnce(io::Error) -> Self + 'a {
        move |source| Self::Io {
            doing,
            path: path.to_owned(),
            source,
        }
    }
}

/// What lies in a lake that is just being made.
const OURS: [&str; 4] = [LOCK, READERS, store::STAGING, manifest::FOLDER];

/// A lake, on disk or in a bucket.
///
/// ```text
/// LAKE/manifest/00000007.json            which files count; the highest number is the truth
/// LAKE/events/date=2026-03-02/*.parquet  one folder per table, one per UTC day where a table has days
/// LAKE/staging/                          files that are being written
/// LAKE/lock                              held by the one process that writes
/// LAKE/readers                           held, shared, by processes that read
/// ```
///
/// `docs/lake-format.md` is the whole of it.
#[derive(Debug)]
pub struct Lake {
    store: Store,
    lease: Lease,
}

impl Lake {
    /// Opens the lake at `root`, or makes a new one in a missing or empty folder.
    pub fn open_or_create(root: &Path) -> Result<Self, LakeError> {
        Self::open_or_create_in(Store::new(root))
    }

    /// The same in a store that may be watched.
    pub fn open_or_create_in(store: Store) -> Result<Self, LakeError> {
        match store.bucket() {
            Some(bucket) if manifest::versions(&store)?.is_empty() => {
                Self::create_in_bucket(&store, bucket)?;
            }
            Some(_) => {}
            None => {
                let manifests = manifest::folder(&store.root());
                if !manifests.exists() || manifest::versions(&store)?.is_empty() {
                    Self::create(&store)?;
                }
            }
        }
        Self::open_in(store)
    }

    /// Makes a new lake. Two that do so at once do it one after the other, and the second finds it made.
    fn create(store: &Store) -> Result<(), LakeError> {
        let root = store.root();
        let manifests = manifest::folder(&root);
        if root.exists() && holds_other_files(&root)? && !manifests.exists() {
            return Err(LakeError::Occupied { path: root });
        }
        store.create_dir("")?;
        // Who sweeps needs this lock too, so that our half-made files stay.
        let _turn = Turn::on_disk(store, || ())?;
        store.create_dir(manifest::FOLDER)?;
        if manifest::versions(store)?.is_empty() && store.data_files()?.is_empty() {
            // From now on a lake without any manifest has lost them.
            Manifest::empty().publish(store)?;
        }
        Ok(())
    }

    /// The same below a prefix without objects.
    fn create_in_bucket(store: &Store, bucket: &LakeBucket) -> Result<(), LakeError> {
        let path = store.root();
        let found = bucket.list("").map_err(LakeError::io("list", &path))?;
        if !manifest::versions(store)?.is_empty() {
            return Ok(());
        }
        if !store.data_files()?.is_empty() {
            // Somebody may have made it between our two looks.
            return manifest::newest(store).map(drop);
        }
        if found.iter().any(|(name, _)| !OURS.contains(&name.as_str())) {
            return Err(LakeError::Occupied { path });
        }
        // Where another one was first, its is as good.
        Manifest::empty().publish(store).map(drop)
    }

    /// Opens an existing lake, and clears away what a killed process left behind.
    pub fn open(root: &Path) -> Result<Self, LakeError> {
        Self::open_in(Store::new(root))
    }

    /// The same in a store that may be watched.
    pub fn open_in(store: Store) -> Result<Self, LakeError> {
        if store.bucket().is_none() {
            let folder = manifest::folder(&store.root());
            match std::fs::metadata(&folder) {
                Ok(found) if found.is_dir() => {}
                Err(source) if source.kind() == io::ErrorKind::PermissionDenied => {
                    return Err(LakeError::Io {
                        doing: "open",
                        path: folder,
                        source,
                    });
                }
                _ => return Err(LakeError::NotALake { path: store.root() }),
            }
        }
        let store = store.canonical()?;
        manifest::newest(&store)?;
        sweep_if_idle(&store);
        let lease = Lease::take(&store)?;
        Ok(Self { store, lease })
    }

    /// Keeps the files of the snapshots taken from now on, for as long as it is held.
    pub fn lease(&self) -> Result<Lease, LakeError> {
        Lease::take(&self.store)
    }

    /// The files of this lake.
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// Whether files of a day lie on disk, also those that no longer count.
    pub fn has_files_of(&self, table: LakeTable, date: NaiveDate) -> bool {
        let folder = format!("{}/date={date}", table.name());
        self.store
            .list(&folder)
            .is_ok_and(|names| !names.is_empty())
    }

    /// The newest committed state.
    pub fn snapshot(&self) -> Result<Manifest, LakeError> {
        manifest::newest(&self.store)
    }

    /// Waits until no other process writes, and keeps others out until the guard is dropped.
    ///
    /// `now` is the time that commits bear. `on_wait` is called once if another process has to be waited for.
    pub fn write(
        &self,
        now: DateTime<Utc>,
        on_wait: impl FnOnce(),
    ) -> Result<WriteGuard<'_>, LakeError> {
        let turn = Turn::take(&self.store, &self.lease, on_wait)?;
        WriteGuard::new(self, turn, now)
    }
}

/// Returns true when the folder holds a lake.
pub fn is_lake(folder: &Path) -> bool {
    manifest::folder(folder).is_dir() && folder.join(READERS).is_file()
}

/// Whether there is more in a folder than a lake that is just being made.
fn holds_other_files(folder: &Path) -> Result<bool, LakeError> {
    let entries = std::fs::read_dir(folder).map_err(LakeError::io("read folder", folder))?;
    Ok(entries
        .flatten()
        .any(|entry| !OURS.iter().any(|ours| entry.file_name() == *ours)))
}

#[cfg(test)]
mod tests;
