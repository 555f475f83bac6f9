//! A lake's files, on disk or in a bucket: whole or not there at all, durable before they count.
//!
//! Paths are those below the lake, with `/`. On disk a new file is written in `staging/`, synced, and given its name in one step
//! that fails where the name is taken; in a bucket an upload is complete or nothing, and a put can be made to fail in the same way.
//! That step is the only primitive that the lake's protocol needs.

mod bucket;
mod counted;
mod disk;

use std::io::{self, Read as _, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use object_store::ObjectStore;
use tempfile::NamedTempFile;

#[cfg(test)]
pub(super) use bucket::Thread;
pub use bucket::{LakeBucket, Patience};
pub use counted::Traffic;
pub(super) use disk::open_lock;

use super::{LakeError, LakeTable};
use bucket::Upload;

/// The folder of files that are still being written.
pub(super) const STAGING: &str = "staging";
/// Bytes that are handed to an upload at once.
const UPLOAD_BYTES: usize = 1 << 20;

/// What is done to a lake's files, one step at a time; at each of them a disk may be full and a process may die.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Step {
    /// A folder is made; on disk only.
    CreateFolder,
    /// An empty file is made in `staging/`; on disk only.
    CreateFile,
    /// Bytes are written to it.
    Write,
    /// Its bytes are made durable; on disk only.
    SyncFile,
    /// It gets its name, if that is not taken.
    Publish,
    /// The names in a folder are made durable; on disk only.
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
    place: Place,
    watch: Option<Arc<dyn Watch>>,
}

#[derive(Debug, Clone)]
enum Place {
    Disk(PathBuf),
    Bucket(Arc<LakeBucket>),
}

impl Store {
    /// The files below `root`, on disk.
    pub fn new(root: &Path) -> Self {
        Self {
            place: Place::Disk(root.to_owned()),
            watch: None,
        }
    }

    /// The objects of a lake in a bucket.
    pub fn in_bucket(bucket: Arc<LakeBucket>) -> Self {
        Self {
            place: Place::Bucket(bucket),
            watch: None,
        }
    }

    /// The same, with every step told to `watch`.
    #[must_use]
    pub fn watched(self, watch: Arc<dyn Watch>) -> Self {
        Self {
            watch: Some(watch),
            ..self
        }
    }

    /// The same files under a path without `..` and links: a scan's paths may hold neither.
    pub(super) fn canonical(self) -> Result<Self, LakeError> {
        let place = match self.place {
            Place::Disk(root) => {
                Place::Disk(std::fs::canonicalize(&root).map_err(LakeError::io("open", &root))?)
            }
            bucket @ Place::Bucket(_) => bucket,
        };
        Ok(Self { place, ..self })
    }

    /// The lake's folder, or its URI.
    pub fn root(&self) -> PathBuf {
        match &self.place {
            Place::Disk(root) => root.clone(),
            Place::Bucket(bucket) => bucket.root(),
        }
    }

    /// The bucket, where the lake lies in one.
    pub fn bucket(&self) -> Option<&Arc<LakeBucket>> {
        match &self.place {
            Place::Disk(_) => None,
            Place::Bucket(bucket) => Some(bucket),
        }
    }

    /// Where a file lies, as the system or a person would name it.
    pub(super) fn path_of(&self, path: &str) -> PathBuf {
        match path {
            "" => self.root(),
            path => self.root().join(path),
        }
    }

    /// Where a scan finds a file: below [`scan_root`](Self::scan_root).
    pub fn scan_path(&self, path: &str) -> object_store::path::Path {
        match &self.place {
            Place::Disk(root) => {
                let path = root.join(path);
                // Without a current folder the open will tell.
                let absolute = std::path::absolute(&path).unwrap_or(path);
                object_store::path::Path::from_absolute_path(absolute).unwrap_or_default()
            }
            Place::Bucket(bucket) => bucket.key(path),
        }
    }

    /// What a scan reads from, and its URL; none for the disk, which every scan can read.
    pub fn scan_root(&self) -> Option<(String, Arc<dyn ObjectStore>)> {
        let bucket = self.bucket()?;
        Some((format!("s3://{}", bucket.name()), bucket.objects()))
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
    ///
    /// A bucket has none.
    pub(super) fn create_dir(&self, path: &str) -> Result<(), LakeError> {
        let Place::Disk(root) = &self.place else {
            return Ok(());
        };
        let path = if path.is_empty() {
            root.clone()
        } else {
            root.join(path)
        };
        let missing: Vec<&Path> = path
            .ancestors()
            .take_while(|folder| !folder.as_os_str().is_empty() && !folder.is_dir())
            .collect();
        for folder in missing.into_iter().rev() {
            self.try_step(Step::CreateFolder, folder, || disk::create_folder(folder))?;
            match folder.parent() {
                // A relative path of one part.
                Some(parent) if parent.as_os_str().is_empty() => self.sync_path(Path::new("."))?,
                Some(parent) => self.sync_path(parent)?,
                None => {}
            }
        }
        Ok(())
    }

    /// Makes the names in a folder durable; in a bucket they are.
    pub(super) fn sync_dir(&self, path: &str) -> Result<(), LakeError> {
        match &self.place {
            Place::Disk(root) => self.sync_path(&root.join(path)),
            Place::Bucket(_) => Ok(()),
        }
    }

    fn sync_path(&self, path: &Path) -> Result<(), LakeError> {
        self.try_step(Step::SyncFolder, path, || disk::sync_folder(path))
    }

    /// Begins a file in `folder` whose name starts with `prefix`; it is nowhere to be seen before it is finished.
    pub(super) fn begin(&self, folder: &str, prefix: &str) -> Result<NewFile, LakeError> {
        let (name, body) = match &self.place {
            Place::Disk(_) => {
                self.create_dir(folder)?;
                let file = self.stage(prefix)?;
                let name = file.path().file_name().unwrap_or_default();
                (name.to_string_lossy().into_owned(), Body::Disk(file))
            }
            Place::Bucket(bucket) => {
                let chance =
                    chance().map_err(LakeError::io("name a file in", &self.path_of(folder)))?;
                let name = format!("{prefix}{chance}.parquet");
                let upload = bucket.begin(&format!("{folder}/{name}"));
                let held = BytesMut::new();
                (
                    name,
                    Body::Bucket(Arc::clone(bucket), Box::new(upload), held),
                )
            }
        };
        Ok(NewFile {
            store: self.clone(),
            path: format!("{folder}/{name}"),
            body: Some(body),
            size: 0,
        })
    }

    fn stage(&self, prefix: &str) -> Result<NamedTempFile, LakeError> {
        self.create_dir(STAGING)?;
        let folder = self.path_of(STAGING);
        self.try_step(Step::CreateFile, &folder, || {
            disk::empty_file(&folder, prefix)
        })
    }

    /// Writes `bytes` under a name that nobody has taken, all or nothing; returns false where it is taken.
    pub(super) fn put_new(&self, path: &str, bytes: Vec<u8>) -> Result<bool, LakeError> {
        let place = self.path_of(path);
        let done = match &self.place {
            Place::Disk(_) => {
                let mut file = self.stage("")?;
                let staged = file.path().to_owned();
                self.try_step(Step::Write, &staged, || file.write_all(&bytes))?;
                self.try_step(Step::SyncFile, &place, || file.as_file().sync_all())?;
                let named = self.step(Step::Publish, &place, || {
                    file.persist_noclobber(&place)
                        .map(|_| true)
                        .map_err(|error| error.error)
                });
                match named {
                    Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(false),
                    other => other,
                }
            }
            Place::Bucket(bucket) => {
                let bytes = Bytes::from(bytes);
                self.step(Step::Publish, &place, || bucket.create(path, &bytes))
            }
        };
        let is_new = done.map_err(LakeError::io("publish", &place))?;
        if is_new && let Some((folder, _)) = path.rsplit_once('/') {
            self.sync_dir(folder)?;
        }
        Ok(is_new)
    }

    /// The names in a folder.
    pub(super) fn list(&self, path: &str) -> Result<Vec<String>, LakeError> {
        self.list_behind(path, None)
    }

    /// The same; those up to `name` may be left out.
    pub(super) fn list_behind(
        &self,
        path: &str,
        name: Option<&str>,
    ) -> Result<Vec<String>, LakeError> {
        let place = self.path_of(path);
        self.try_step(Step::List, &place, || match (&self.place, name) {
            (Place::Disk(_), _) => disk::names_in(&place),
            (Place::Bucket(bucket), Some(name)) => bucket.list_behind(path, name),
            (Place::Bucket(bucket), None) => {
                let found = bucket.list(path)?;
                Ok(found.into_iter().map(|(name, _)| name).collect())
            }
        })
    }

    /// The Parquet files in the tables' folders; on disk those that can be looked at.
    pub(super) fn data_files(&self) -> Result<Vec<String>, LakeError> {
        let folders = LakeTable::ALL.map(LakeTable::name);
        match &self.place {
            Place::Disk(root) => {
                let folders = folders.map(|folder| root.join(folder));
                let found = folders
                    .iter()
                    .flat_map(|folder| disk::parquet_files_below(folder));
                let below =
                    |path: PathBuf| Some(path.strip_prefix(root).ok()?.to_str()?.to_owned());
                Ok(found.filter_map(below).collect())
            }
            Place::Bucket(bucket) => {
                let place = self.root();
                self.try_step(Step::List, &place, || bucket.parquet_files_below(&folders))
            }
        }
    }

    /// Reads a small file.
    pub(super) fn read(&self, path: &str) -> Result<Bytes, LakeError> {
        let place = self.path_of(path);
        match &self.place {
            Place::Disk(_) => {
                let mut text = Vec::new();
                self.open(path)?
                    .read_to_end(&mut text)
                    .map_err(LakeError::io("read", &place))?;
                Ok(text.into())
            }
            Place::Bucket(bucket) => self.try_step(Step::Open, &place, || bucket.read(path)),
        }
    }

    /// Opens a file on disk for reading.
    pub(super) fn open(&self, path: &str) -> Result<std::fs::File, LakeError> {
        let place = self.path_of(path);
        self.try_step(Step::Open, &place, || std::fs::File::open(&place))
    }

    /// Removes files; one that stays is swept later. Returns true where none stays.
    pub(super) fn remove_quietly(&self, paths: &[String]) -> bool {
        match &self.place {
            Place::Disk(root) => {
                let mut all = true;
                for path in paths.iter().map(|path| root.join(path)) {
                    let removed = self.step(Step::Remove, &path, || std::fs::remove_file(&path));
                    all &= removed.is_ok();
                }
                all
            }
            Place::Bucket(_) if paths.is_empty() => true,
            Place::Bucket(bucket) => self
                .step(Step::Remove, &self.root(), || bucket.remove_all(paths))
                .is_ok(),
        }
    }

    /// Removes the folders of the tables that are empty; a bucket has none.
    pub(super) fn remove_empty_folders(&self) {
        let Place::Disk(root) = &self.place else {
            return;
        };
        for table in LakeTable::ALL {
            let folders = walkdir::WalkDir::new(root.join(table.name()))
                .follow_root_links(false)
                .contents_first(true);
            for folder in folders.into_iter().flatten() {
                if folder.file_type().is_dir() {
                    // Fails, as it should, unless the folder is empty.
                    let path = folder.path();
                    drop(self.step(Step::Remove, path, || std::fs::remove_dir(path)));
                }
            }
        }
    }
}

/// A name that nobody else has.
pub(super) fn chance() -> io::Result<String> {
    let chance = getrandom::u64().map_err(io::Error::other)?;
    Ok(format!("{chance:016x}"))
}

/// A data file that is being written. Dropped before it is published, it is gone.
#[derive(Debug)]
pub(super) struct NewFile {
    store: Store,
    path: String,
    /// None once it is published.
    body: Option<Body>,
    size: u64,
}

#[derive(Debug)]
enum Body {
    Disk(NamedTempFile),
    /// With the bytes that are not yet on their way.
    Bucket(Arc<LakeBucket>, Box<Upload>, BytesMut),
}

impl NewFile {
    /// The path below the lake that it will have.
    pub(super) fn path(&self) -> &str {
        &self.path
    }

    /// Makes the bytes durable and gives the file its name, which must be free; returns its size.
    pub(super) fn publish(&mut self) -> Result<u64, LakeError> {
        let place = self.store.path_of(&self.path);
        match self.body.take() {
            None => {}
            Some(Body::Disk(file)) => {
                self.store
                    .try_step(Step::SyncFile, &place, || file.as_file().sync_all())?;
                self.store.try_step(Step::Publish, &place, || {
                    file.persist_noclobber(&place)
                        .map(drop)
                        .map_err(|error| error.error)
                })?;
            }
            Some(Body::Bucket(bucket, mut upload, held)) => {
                let size = self.size;
                let done = self.store.try_step(Step::Publish, &place, || {
                    upload.write(&bucket, held.freeze())?;
                    upload.finish(&bucket, &self.path, size)
                });
                if done.is_err() {
                    upload.abort(&bucket);
                }
                done?;
            }
        }
        Ok(self.size)
    }
}

impl Drop for NewFile {
    fn drop(&mut self) {
        if let Some(Body::Bucket(bucket, upload, _)) = &mut self.body {
            upload.abort(bucket);
        }
    }
}

impl Write for NewFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = match &mut self.body {
            None => return Err(io::ErrorKind::NotFound.into()),
            Some(Body::Disk(file)) => {
                let path = file.path().to_owned();
                self.store
                    .step(Step::Write, &path, || file.as_file_mut().write(bytes))?
            }
            Some(Body::Bucket(bucket, upload, held)) => {
                held.extend_from_slice(bytes);
                if held.len() >= UPLOAD_BYTES {
                    let part = held.split().freeze();
                    let path = self.store.path_of(&self.path);
                    self.store
                        .step(Step::Write, &path, || upload.write(bucket, part))?;
                }
                bytes.len()
            }
        };
        self.size += written as u64;
        Ok(written)
    }

    /// Nothing is held back that `publish` would not write.
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
