//! Files and folders that only their owner may read (0700/0600), made durable before they count.

use std::fs::{DirBuilder, File, OpenOptions};
use std::io::Write as _;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::Path;

use super::LakeError;

/// Makes a folder, and the ones above it where they are missing, for the owner alone.
pub(super) fn create_private_dir(path: &Path) -> Result<(), LakeError> {
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(path)
        .map_err(LakeError::io("create folder", path))
}

/// Makes a new file for the owner alone; an existing one is an error.
pub(super) fn create_private_file(path: &Path) -> Result<File, LakeError> {
    OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)
        .map_err(LakeError::io("create", path))
}

/// Opens a lock file, making it where it is missing.
pub(super) fn open_lock(path: &Path) -> Result<File, LakeError> {
    OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .open(path)
        .map_err(LakeError::io("open", path))
}

/// Writes `bytes` under a name nobody has taken, all or nothing: the one step that makes a commit.
pub(super) fn publish(path: &Path, bytes: &[u8]) -> Result<(), LakeError> {
    let folder = path.parent().unwrap_or(path);
    // tempfile makes its files with mode 0600.
    let mut staged =
        tempfile::NamedTempFile::new_in(folder).map_err(LakeError::io("write in", folder))?;
    staged
        .write_all(bytes)
        .map_err(LakeError::io("write", path))?;
    staged
        .as_file()
        .sync_all()
        .map_err(LakeError::io("write", path))?;
    staged
        .persist_noclobber(path)
        .map_err(|error| LakeError::Io {
            doing: "publish",
            path: path.to_owned(),
            source: error.error,
        })?;
    sync_dir(folder)
}

/// Makes the names in a folder durable.
pub(super) fn sync_dir(path: &Path) -> Result<(), LakeError> {
    File::open(path)
        .and_then(|folder| folder.sync_all())
        .map_err(LakeError::io("sync folder", path))
}

/// Removes a file; one that stays is swept at the next opening.
pub(super) fn remove_quietly(path: &Path) {
    drop(std::fs::remove_file(path));
}
