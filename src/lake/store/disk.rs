//! A lake's files on disk: private to their owner (0700/0600), durable before they count.

use std::fs::{DirBuilder, File, OpenOptions};
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

/// Makes a folder for the owner alone; one that is there already is as good.
pub(super) fn create_folder(path: &Path) -> io::Result<()> {
    match DirBuilder::new().mode(0o700).create(path) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        other => other,
    }
}

/// Makes the names in a folder durable.
pub(super) fn sync_folder(path: &Path) -> io::Result<()> {
    File::open(path)?.sync_all()
}

/// An empty file with a name that nobody else has; tempfile makes its files with mode 0600.
pub(super) fn empty_file(folder: &Path, prefix: &str) -> io::Result<NamedTempFile> {
    tempfile::Builder::new()
        .prefix(prefix)
        .rand_bytes(10)
        .suffix(".parquet")
        .tempfile_in(folder)
}

/// The names in a folder.
pub(super) fn names_in(path: &Path) -> io::Result<Vec<String>> {
    std::fs::read_dir(path)?
        .map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned()))
        .collect()
}

/// The Parquet files below a folder.
pub(super) fn parquet_files_below(folder: &Path) -> impl Iterator<Item = PathBuf> {
    // Links lead out of the lake, and nothing outside is ours.
    let entries = walkdir::WalkDir::new(folder).follow_root_links(false);
    entries
        .into_iter()
        .flatten()
        .filter(|entry| entry.file_type().is_file())
        .map(walkdir::DirEntry::into_path)
        .filter(|path| {
            path.extension()
                .is_some_and(|extension| extension == "parquet")
        })
}

/// Opens a lock file, making it where it is missing.
pub(in crate::lake) fn open_lock(path: &Path) -> io::Result<File> {
    OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .open(path)
}
