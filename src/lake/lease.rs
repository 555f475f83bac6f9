//! Who is at work on a lake: readers who keep files in place, and the one who writes.

use std::fs::{File, TryLockError};
use std::io::{self, Write as _};
use std::sync::Arc;

use super::mark::Mark;
use super::store::{LakeBucket, Store, open_lock};
use super::{LOCK, LakeError, READERS, sweep};

/// Keeps files in place that somebody may still read, though a later manifest does not name them.
#[derive(Debug)]
pub struct Lease {
    store: Store,
    /// `None` for who may only read: on disk nothing is removed then, in a bucket others may remove what he reads.
    hold: Option<Hold>,
}

#[derive(Debug)]
enum Hold {
    /// A lock, shared; files are removed only by who gets it for himself.
    Disk(File),
    Bucket(Mark),
}

impl Lease {
    pub(super) fn take(store: &Store) -> Result<Self, LakeError> {
        let path = store.path_of(READERS);
        let hold = match store.bucket() {
            Some(bucket) => Mark::reader(bucket)
                .map_err(LakeError::io("write", &path))?
                .map(Hold::Bucket),
            None => match open_lock(&path) {
                Ok(readers) => {
                    // A file system without locks still serves a single process.
                    drop(readers.lock_shared());
                    Some(Hold::Disk(readers))
                }
                // A lake that may only be read; nobody removes anything there.
                Err(error) if may_only_read(&error) => None,
                Err(error) => return Err(LakeError::io("open", &path)(error)),
            },
        };
        Ok(Self {
            store: store.clone(),
            hold,
        })
    }

    fn mark(&self) -> Option<&Mark> {
        match &self.hold {
            Some(Hold::Bucket(mark)) => Some(mark),
            _ => None,
        }
    }

    /// Does something that needs that nobody else reads, or leaves it where somebody does.
    pub(super) fn alone(&self, act: impl FnOnce()) {
        match &self.hold {
            None => {}
            Some(Hold::Disk(own)) => {
                // Our own shared lock would stand in the way of the exclusive one.
                if own.unlock().is_err() {
                    return;
                }
                if own.try_lock().is_ok() {
                    act();
                }
                drop(own.lock_shared());
            }
            // Where it cannot be told whether others read, they may.
            Some(Hold::Bucket(own)) if !own.is_only_reader().unwrap_or(false) => {}
            Some(Hold::Bucket(_)) => act(),
        }
    }
}

impl Drop for Lease {
    /// The last one to leave clears away what was retired while others were reading; in a bucket the next writer does.
    fn drop(&mut self) {
        drop(self.hold.take());
        sweep_if_idle(&self.store);
    }
}

fn may_only_read(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem
    )
}

/// The turn of the one who writes.
#[derive(Debug)]
pub(super) enum Turn {
    Disk { _lock: File },
    Bucket { _mark: Mark },
}

impl Turn {
    /// Waits until no other process writes. `on_wait` is called once if another process has to be waited for.
    ///
    /// `lease` is what this process itself reads under.
    pub(super) fn take(
        store: &Store,
        lease: &Lease,
        on_wait: impl FnOnce(),
    ) -> Result<Self, LakeError> {
        match store.bucket() {
            Some(bucket) => Self::in_bucket(store, bucket, lease, on_wait),
            None => Self::on_disk(store, on_wait),
        }
    }

    fn in_bucket(
        store: &Store,
        bucket: &Arc<LakeBucket>,
        lease: &Lease,
        on_wait: impl FnOnce(),
    ) -> Result<Self, LakeError> {
        let mark = Mark::writer(bucket, lease.mark(), on_wait);
        let mark = mark.map_err(LakeError::io("write", &store.path_of(LOCK)))?;
        Ok(Self::Bucket { _mark: mark })
    }

    pub(super) fn on_disk(store: &Store, on_wait: impl FnOnce()) -> Result<Self, LakeError> {
        let path = store.path_of(LOCK);
        let lock = open_lock(&path).map_err(LakeError::io("open", &path))?;
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
        note_writing(&lock).map_err(LakeError::io("write", &path))?;
        Ok(Self::Disk { _lock: lock })
    }
}

/// Says in the lock that somebody writes, or did when he was killed; so that not everybody has to look through all folders.
fn note_writing(mut lock: &File) -> io::Result<()> {
    if lock.metadata()?.len() == 0 {
        lock.write_all(b"written to since the last sweep\n")?;
        // After a power cut, files may be there that came later.
        lock.sync_data()?;
    }
    Ok(())
}

/// Removes files that no manifest names, if somebody wrote since the last time, and unless another process reads or writes this lake on disk.
///
/// Best effort: a lake that may only be read is read all the same.
pub(super) fn sweep_if_idle(store: &Store) {
    if store.bucket().is_some() {
        return;
    }
    let Ok(lock) = open_lock(&store.path_of(LOCK)) else {
        return;
    };
    if lock.metadata().is_ok_and(|found| found.len() == 0) {
        return;
    }
    let Ok(readers) = open_lock(&store.path_of(READERS)) else {
        return;
    };
    if lock.try_lock().is_ok()
        && readers.try_lock().is_ok()
        && let Ok(manifest) = super::manifest::newest(store)
        && sweep::on_disk(store, &manifest)
    {
        // Where this fails, the next one looks through the folders as well.
        drop(lock.set_len(0));
    }
}
