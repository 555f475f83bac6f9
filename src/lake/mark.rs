//! Marks in a bucket: objects that say that somebody is at work, renewed as long as he is.
//!
//! A bucket has no locks. Marks save work and keep files that are being read; no promise rests on them: what makes a commit safe is
//! that its manifest must not be there.

use std::io;
use std::sync::{Arc, Mutex, mpsc};
use std::time::{Duration, Instant};

use bytes::Bytes;
use chrono::{DateTime, TimeDelta, Utc};
use object_store::ObjectStoreExt as _;
use tokio::sync::oneshot;

use super::store::{LakeBucket, chance};
use super::{LOCK, READERS};

/// Our own mark; gone when it is dropped.
#[derive(Debug)]
pub(super) struct Mark {
    bucket: Arc<LakeBucket>,
    name: String,
    stop: Option<oneshot::Sender<()>>,
    /// Ends once the mark is gone.
    gone: Mutex<mpsc::Receiver<()>>,
}

impl Mark {
    /// Leaves the mark of a writer, as soon as no other writer's is there.
    ///
    /// One that is not renewed is a dead writer's. `on_wait` is called once if there is one to wait for.
    pub(super) fn writer(bucket: &Arc<LakeBucket>, on_wait: impl FnOnce()) -> io::Result<Self> {
        let patience = bucket.patience.writer;
        let mut on_wait = Some(on_wait);
        let mut seen: Option<(Bytes, Instant)> = None;
        let holder = chance()?;
        loop {
            if bucket.create(LOCK, &beat(&holder, 0))? {
                let every = patience / 4;
                return Ok(Self::keep(bucket, LOCK.to_owned(), holder, every));
            }
            if let Some(tell) = on_wait.take() {
                tell();
            }
            match (bucket.read(LOCK), &seen) {
                (Err(error), _) if error.kind() == io::ErrorKind::NotFound => {
                    seen = None;
                    continue;
                }
                (Err(error), _) => return Err(error),
                (Ok(now), Some((before, since))) if now == *before => {
                    if since.elapsed() >= patience {
                        bucket.remove_all(&[LOCK.to_owned()])?;
                        seen = None;
                        continue;
                    }
                }
                (Ok(now), _) => seen = Some((now, Instant::now())),
            }
            std::thread::sleep(patience / 16);
        }
    }

    /// Leaves the mark of a reader; `None` where that is not allowed.
    pub(super) fn reader(bucket: &Arc<LakeBucket>) -> io::Result<Option<Self>> {
        let holder = chance()?;
        let name = format!("{READERS}/{holder}");
        match bucket.overwrite(&name, beat(&holder, 0)) {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::PermissionDenied => return Ok(None),
            Err(error) => return Err(error),
        }
        let every = bucket.patience.reader / 4;
        Ok(Some(Self::keep(bucket, name, holder, every)))
    }

    /// Renews the mark until it is dropped, or is another's.
    fn keep(bucket: &Arc<LakeBucket>, name: String, holder: String, every: Duration) -> Self {
        let (stop, mut stopped) = oneshot::channel();
        let (done, gone) = mpsc::sync_channel(1);
        let (objects, key) = (bucket.objects(), bucket.key(&name));
        bucket.spawn(async move {
            let mut number = 0_u64;
            loop {
                let is_over = tokio::select! {
                    _ = &mut stopped => true,
                    () = tokio::time::sleep(every) => false,
                };
                // A mark that was taken for a dead one's is not ours any more.
                let found = objects.get(&key).await;
                let found = match found {
                    Ok(found) => found.bytes().await,
                    Err(error) => Err(error),
                };
                let is_ours = match found {
                    Ok(found) => found.starts_with(holder.as_bytes()),
                    Err(object_store::Error::NotFound { .. }) => false,
                    // It cannot be told now; the next time will.
                    Err(_) => !is_over,
                };
                if is_over || !is_ours {
                    if is_ours {
                        drop(objects.delete(&key).await);
                    }
                    break;
                }
                number += 1;
                // One renewal that fails is made up for by the next.
                drop(objects.put(&key, beat(&holder, number).into()).await);
            }
            // Nobody waits for a mark whose process is ending.
            done.send(()).ok();
        });
        Self {
            bucket: Arc::clone(bucket),
            name,
            stop: Some(stop),
            gone: Mutex::new(gone),
        }
    }

    /// Whether any other reader may be at work; marks of readers that died are removed.
    ///
    /// Ages are differences of the bucket's own times: a clock that is off does no harm.
    pub(super) fn is_only_reader(&self) -> io::Result<bool> {
        let found = self.bucket.list(READERS)?;
        let own = self.name.rsplit('/').next().unwrap_or_default();
        let time = |name: &str| -> Option<DateTime<Utc>> {
            let (_, time) = found.iter().find(|(of, _)| of == name)?;
            *time
        };
        let Some(now) = time(own) else {
            return Ok(false);
        };
        let patience = TimeDelta::from_std(self.bucket.patience.reader).unwrap_or(TimeDelta::MAX);
        let others = found.iter().filter(|(name, _)| name != own);
        let (dead, alive): (Vec<_>, Vec<_>) = others
            .filter_map(|(name, time)| Some((name, (*time)?)))
            .partition(|(_, time)| now.signed_duration_since(*time) > patience);
        let dead: Vec<String> = dead
            .into_iter()
            .map(|(name, _)| format!("{READERS}/{name}"))
            .collect();
        if !dead.is_empty() {
            self.bucket.remove_all(&dead)?;
        }
        Ok(alive.is_empty())
    }
}

impl Drop for Mark {
    fn drop(&mut self) {
        drop(self.stop.take());
        // Until it is gone, or can never go.
        if let Ok(gone) = self.gone.get_mut() {
            gone.recv().ok();
        }
    }
}

fn beat(holder: &str, number: u64) -> Bytes {
    format!("{holder} {number}\n").into()
}
