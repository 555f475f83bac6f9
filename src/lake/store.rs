//! A lake's files on disk: private to their owner (0700/0600), whole or not there at all, durable before they count.
//!
//! A new file is written in `staging/`, synced, and given its name in one step that fails where the name is taken.
//! That step is the only primitive the lake's protocol needs, and object stores have it too.

use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tempfile::NamedTempFile;

use super::LakeError;

/// The folder of files that are still being written.
pub(super) const STAGING: &str = "staging";

/// What is done to a lake's files, one step at a time; at each of them a disk may be full and a process may die.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Step {
    /// A folder is made.
    CreateFolder,
    /// An empty file is made in `staging/`.
    CreateFile,
    /// Bytes are written to it.
    Write,
    /// Its bytes are made durable.
    SyncFile,
    /// It gets its name, if that is not taken.
    Publish,
    /// The names in a folder are made durable.
    SyncFolder,
    /// A folder is listed.
    List,
    /// A file is opened for reading.
    Open,
    /// A file or an empty folder is removed.
    Remove,
}

impl Step {
    /// What is being done, for an error.
    fn doing(self) -> &'static str {
        match self {
            Self::CreateFolder => "create folder",
            Self::CreateFile => "create a file in",
            Self::Write | Self::SyncFile => "write",
            Self::Publish => "publish",
            Self::SyncFolder => "sync folder",
            Self::List => "read folder",
            Self::Open => "open",
            Self::Remove => "remove",
        }
    }
}

/// Is told of every step, so that tests can make any of them fail, or die at it.
pub trait Watch: std::fmt::Debug + Send + Sync {
    /// Called before a step; an error takes the place of the step.
    fn before(&self, step: Step, path: &Path) -> io::Result<()>;
    /// Called after a step that went well.
    fn after(&self, step: Step, path: &Path);
}

/// The files of one lake.
#[derive(Debug, Clone)]
pub struct Store {
    root: PathBuf,
    watch: Option<Arc<dyn Watch>>,
}

impl Store {
    /// The files below `root`.
    pub fn new(root: &Path) -> Self {
        Self {
            root: root.to_owned(),
            watch: None,
        }
    }

    /// The same, with every step told to `watch`.
    pub fn watched(root: &Path, watch: Arc<dyn Watch>) -> Self {
        Self {
            root: root.to_owned(),
            watch: Some(watch),
        }
    }

    /// The same files under a path without `..` and links: a scan's paths may hold neither.
    pub(super) fn canonical(self) -> Result<Self, LakeError> {
        let root = std::fs::canonicalize(&self.root).map_err(LakeError::io("open", &self.root))?;
        Ok(Self { root, ..self })
    }

    /// The lake's folder.
    pub fn root(&self) -> &Path {
        &self.root
    }

    pub(super) fn path_of(&self, path: &str) -> PathBuf {
        self.root.join(path)
    }

    fn step<T>(
        &self,
        step: Step,
        path: &Path,
        act: impl FnOnce() -> io::Result<T>,
    ) -> io::Result<T> {
        let Some(watch) = &self.watch else {
            return act();
        };
        watch.before(step, path)?;
        let done = act()?;
        watch.after(step, path);
        Ok(done)
    }

    fn try_step<T>(
        &self,
        step: Step,
        path: &Path,
        act: impl FnOnce() -> io::Result<T>,
    ) -> Result<T, LakeError> {
        self.step(step, path, act)
            .map_err(LakeError::io(step.doing(), path))
    }

    /// Makes a folder for the owner alone, and those above it where they are missing; their names are durable.
    pub(super) fn create_dir(&self, path: &Path) -> Result<(), LakeError> {
        let missing: Vec<&Path> = path
            .ancestors()
            .take_while(|folder| !folder.as_os_str().is_empty() && !folder.is_dir())
            .collect();
        for folder in missing.into_iter().rev() {
            self.try_step(Step::CreateFolder, folder, || {
                match DirBuilder::new().mode(0o700).create(folder) {
                    Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
                    other => other,
                }
            })?;
            match folder.parent() {
                // A relative path of one part.
                Some(parent) if parent.as_os_str().is_empty() => self.sync_dir(Path::new("."))?,
                Some(parent) => self.sync_dir(parent)?,
                None => {}
            }
        }
        Ok(())
    }

    /// Begins a file whose name starts with `prefix`; it is nowhere to be seen before it is finished.
    pub(super) fn stage(&self, prefix: &str) -> Result<StagedFile, LakeError> {
        let folder = self.path_of(STAGING);
        self.create_dir(&folder)?;
        // tempfile makes its files with mode 0600, and finds them a name that nobody else has.
        let file = self.try_step(Step::CreateFile, &folder, || {
            tempfile::Builder::new()
                .prefix(prefix)
                .rand_bytes(10)
                .suffix(".parquet")
                .tempfile_in(&folder)
        })?;
        Ok(StagedFile {
            store: self.clone(),
            file: Some(file),
            size: 0,
        })
    }

    /// Writes `bytes` under a name that nobody has taken, all or nothing; returns false where it is taken.
    pub(super) fn put_new(&self, path: &Path, bytes: &[u8]) -> Result<bool, LakeError> {
        let mut staged = self.stage("")?;
        staged
            .write_all(bytes)
            .map_err(LakeError::io("write", path))?;
        match staged.publish(path) {
            Ok(_) => {}
            Err(LakeError::Io { source, .. }) if source.kind() == io::ErrorKind::AlreadyExists => {
                return Ok(false);
            }
            Err(error) => return Err(error),
        }
        self.sync_dir(path.parent().unwrap_or(path))?;
        Ok(true)
    }

    /// Makes the names in a folder durable.
    pub(super) fn sync_dir(&self, path: &Path) -> Result<(), LakeError> {
        self.try_step(Step::SyncFolder, path, || File::open(path)?.sync_all())
    }

    /// The names in a folder.
    pub(super) fn list(&self, path: &Path) -> Result<Vec<String>, LakeError> {
        self.try_step(Step::List, path, || {
            std::fs::read_dir(path)?
                .map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned()))
                .collect()
        })
    }

    /// Opens a file for reading.
    pub(super) fn open(&self, path: &Path) -> Result<File, LakeError> {
        self.try_step(Step::Open, path, || File::open(path))
    }

    /// Removes a file; one that stays is swept at a later opening.
    pub(super) fn remove_quietly(&self, path: &Path) {
        drop(self.step(Step::Remove, path, || std::fs::remove_file(path)));
    }

    /// Removes a folder that is empty.
    pub(super) fn remove_dir_quietly(&self, path: &Path) {
        drop(self.step(Step::Remove, path, || std::fs::remove_dir(path)));
    }
}

/// A file that is being written. Dropped before it is published, it is gone.
#[derive(Debug)]
pub(super) struct StagedFile {
    store: Store,
    /// None once it is published.
    file: Option<NamedTempFile>,
    size: u64,
}

impl StagedFile {
    /// Its name, in `staging/` and wherever it goes.
    pub(super) fn name(&self) -> String {
        let path = self.file.as_ref().map(NamedTempFile::path);
        let name = path.and_then(Path::file_name).unwrap_or_default();
        name.to_string_lossy().into_owned()
    }

    /// Makes the bytes durable and gives the file its name, which must be free; returns its size.
    pub(super) fn publish(&mut self, path: &Path) -> Result<u64, LakeError> {
        let Some(file) = self.file.take() else {
            return Ok(self.size);
        };
        self.store
            .try_step(Step::SyncFile, path, || file.as_file().sync_all())?;
        self.store.try_step(Step::Publish, path, || {
            file.persist_noclobber(path)
                .map(drop)
                .map_err(|error| error.error)
        })?;
        Ok(self.size)
    }
}

impl Write for StagedFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let Self { store, file, size } = self;
        let Some(file) = file else {
            return Err(io::ErrorKind::NotFound.into());
        };
        let path = file.path().to_owned();
        let written = store.step(Step::Write, &path, || file.as_file_mut().write(bytes))?;
        *size += written as u64;
        Ok(written)
    }

    /// Nothing is held back.
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Opens a lock file, making it where it is missing.
pub(super) fn open_lock(path: &Path) -> io::Result<File> {
    OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .open(path)
}
