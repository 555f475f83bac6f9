//! Where our own files live: one folder per table, and the manifest that says which files count.
//! In: a folder. Out: snapshots to read, and a guarded way to commit new files and retire old ones.
//! Why: the only path arithmetic on our side, so that no other room knows a file name.
//! Holds: a data file counts once the manifest names it; everything is private to the user (0700/0600).
//! Next: `engine` reads the snapshots, `ingest` and `sessions` write through [`WriteGuard`].

mod column;
mod commit;
mod draft;
mod file;
mod manifest;
mod parquet_file;
mod rows;
mod table;

use std::fs::{File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

pub use column::{Column, ColumnType, schema_of};
pub use commit::{Change, NewFile, WriteGuard};
pub use draft::Draft;
pub use manifest::{DataFile, FORMAT_VERSION, Manifest};
pub use parquet_file::{FileLayout, TableWriter, copy_without, read_columns, read_rows, text_at};
pub use rows::{Row, RowBuilder};
pub use table::LakeTable;

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
        found: u32,
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
            Self::Manifest { .. } => vec![
                "the data files are untouched; restore the manifest from a backup, or ingest again into a new lake"
                    .to_owned(),
            ],
            Self::Io { .. } | Self::Parquet { .. } => match self.io_kind() {
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

/// A lake on disk.
///
/// ```text
/// LAKE/manifest/00000007.json            which files count; the highest number is the truth
/// LAKE/events/date=2026-03-02/*.parquet  one folder per table, one per UTC day where a table has days
/// LAKE/lock                              held by the one process that writes
/// LAKE/readers                           held, shared, by processes that read
/// ```
#[derive(Debug)]
pub struct Lake {
    root: PathBuf,
    /// Shared by all readers; files are removed only by a process that gets it for itself.
    readers: Option<File>,
}

impl Lake {
    /// Opens the lake at `root`, or makes a new one in a missing or empty folder.
    pub fn open_or_create(root: &Path) -> Result<Self, LakeError> {
        if !manifest::folder(root).exists() {
            if root.exists() && !is_empty(root)? {
                return Err(LakeError::Occupied {
                    path: root.to_owned(),
                });
            }
            file::create_private_dir(root)?;
            file::create_private_dir(&manifest::folder(root))?;
        }
        Self::open(root)
    }

    /// Opens an existing lake, and clears away what a killed process left behind.
    pub fn open(root: &Path) -> Result<Self, LakeError> {
        let folder = manifest::folder(root);
        match std::fs::metadata(&folder) {
            Ok(found) if found.is_dir() => {}
            Err(source) if source.kind() == io::ErrorKind::PermissionDenied => {
                return Err(LakeError::Io {
                    doing: "open",
                    path: folder,
                    source,
                });
            }
            _ => {
                let path = root.to_owned();
                return Err(LakeError::NotALake { path });
            }
        }
        // Without `..` and links: the scan's paths may hold neither.
        let root = &std::fs::canonicalize(root).map_err(LakeError::io("open", root))?;
        manifest::newest(root)?;
        sweep_if_idle(root);
        let readers = file::open_lock(&root.join("readers")).ok();
        if let Some(readers) = &readers {
            // A file system without locks still serves a single process.
            drop(readers.lock_shared());
        }
        Ok(Self {
            root: root.clone(),
            readers,
        })
    }

    /// The folder of this lake.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The newest committed state.
    pub fn snapshot(&self) -> Result<Manifest, LakeError> {
        manifest::newest(&self.root)
    }

    /// Waits until no other process writes, and keeps others out until the guard is dropped.
    ///
    /// `on_wait` is called once if another process has to be waited for.
    pub fn write(&self, on_wait: impl FnOnce()) -> Result<WriteGuard<'_>, LakeError> {
        let path = self.root.join("lock");
        let lock = file::open_lock(&path)?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                on_wait();
                lock.lock().map_err(LakeError::io("lock", &path))?;
            }
            Err(TryLockError::Error(source)) => {
                return Err(LakeError::Io {
                    doing: "lock",
                    path,
                    source,
                });
            }
        }
        WriteGuard::new(self, lock)
    }
}

impl Drop for Lake {
    /// The last one to leave clears away what was retired while others were reading.
    fn drop(&mut self) {
        drop(self.readers.take());
        sweep_if_idle(&self.root);
    }
}

/// Removes files that no manifest names, unless another process reads or writes this lake.
///
/// Best effort: a lake that may only be read is read all the same.
fn sweep_if_idle(root: &Path) {
    let Ok(lock) = file::open_lock(&root.join("lock")) else {
        return;
    };
    let Ok(readers) = file::open_lock(&root.join("readers")) else {
        return;
    };
    if lock.try_lock().is_ok()
        && readers.try_lock().is_ok()
        && let Ok(manifest) = manifest::newest(root)
    {
        commit::sweep(root, &manifest);
    }
}

/// Returns true when the folder holds a lake.
pub fn is_lake(folder: &Path) -> bool {
    manifest::folder(folder).is_dir() && folder.join("readers").is_file()
}

fn is_empty(folder: &Path) -> Result<bool, LakeError> {
    let mut entries = std::fs::read_dir(folder).map_err(LakeError::io("read folder", folder))?;
    Ok(entries.next().is_none())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn data_file(guard: &WriteGuard<'_>) -> DataFile {
        let file = guard.new_file(LakeTable::Rejected, None).unwrap();
        std::fs::write(guard.path_of(&file.path), b"x").unwrap();
        DataFile {
            path: file.path,
            date: None,
            rows: 1,
            size: 1,
            min_time: None,
            max_time: None,
        }
    }

    #[test]
    fn a_committed_file_counts_and_an_uncommitted_one_is_swept_at_the_next_opening() {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().join("lake");
        let lake = Lake::open_or_create(&root).unwrap();
        let guard = lake.write(|| ()).unwrap();
        let kept = data_file(&guard);
        let stray = data_file(&guard);
        let change = Change {
            add: vec![(LakeTable::Rejected, kept.clone())],
            ..Change::default()
        };
        guard.commit(change).unwrap();
        drop(guard);
        drop(lake);

        let lake = Lake::open(&root).unwrap();
        assert_eq!(
            lake.snapshot().unwrap().files(LakeTable::Rejected),
            std::slice::from_ref(&kept)
        );
        assert!(root.join(kept.path).exists());
        assert!(!root.join(stray.path).exists());
    }

    #[test]
    fn a_removed_file_stays_while_somebody_reads_and_goes_afterwards() {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().join("lake");
        let lake = Lake::open_or_create(&root).unwrap();
        let guard = lake.write(|| ()).unwrap();
        let old = data_file(&guard);
        guard
            .commit(Change {
                add: vec![(LakeTable::Rejected, old.clone())],
                ..Change::default()
            })
            .unwrap();
        drop(guard);
        let reader = Lake::open(&root).unwrap();
        let guard = lake.write(|| ()).unwrap();
        guard
            .commit(Change {
                remove: vec![(LakeTable::Rejected, old.path.clone())],
                ..Change::default()
            })
            .unwrap();
        drop(guard);
        assert!(root.join(&old.path).exists(), "a reader may still need it");
        drop(reader);
        drop(lake);
        drop(Lake::open(&root).unwrap());
        assert!(!root.join(&old.path).exists());
    }

    #[test]
    fn a_newer_format_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().join("lake");
        drop(Lake::open_or_create(&root).unwrap());
        std::fs::write(
            root.join("manifest/00000009.json"),
            r#"{"format":99,"version":9,"something":"new"}"#,
        )
        .unwrap();
        let error = Lake::open(&root).unwrap_err();
        assert!(
            matches!(error, LakeError::NewerFormat { found: 99, .. }),
            "{error}"
        );
    }

    #[test]
    fn a_folder_with_other_files_is_left_alone() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("letter.txt"), b"dear").unwrap();
        let error = Lake::open_or_create(dir.path()).unwrap_err();
        assert!(matches!(error, LakeError::Occupied { .. }), "{error}");
        assert!(matches!(
            Lake::open(dir.path()).unwrap_err(),
            LakeError::NotALake { .. }
        ));
    }
}
