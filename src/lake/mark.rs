//! Marks in a bucket: objects that say that somebody is at work, renewed as long as he is.
//!
//! A bucket has no locks. A writer's mark saves work, and no promise rests on it: what makes a commit safe is that its manifest must
//! not be there. A reader's keeps the files that he reads.

use std::io;
use std::sync::{Arc, Mutex, mpsc};
use std::time::{Duration, Instant};

use bytes::Bytes;
use chrono::{DateTime, TimeDelta, Utc};
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt as _};
use tokio::sync::oneshot;

use super::store::{LakeBucket, chance};
use super::{LOCK, READERS};

/// So long a mark's removal is waited for.
const FAREWELL: Duration = Duration::from_secs(5);

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
    /// One that is not renewed is a dead writer's, and goes together with the mark that he left as a reader. `on_wait` is called once if
    /// there is one to wait for.
    pub(super) fn writer(
        bucket: &Arc<LakeBucket>,
        as_reader: Option<&Self>,
        on_wait: impl FnOnce(),
    ) -> io::Result<Self> {
        let patience = bucket.patience.writer;
        let mut on_wait = Some(on_wait);
        let mut seen: Option<(Bytes, Instant)> = None;
        let as_reader = as_reader.map_or("-", |mark| mark.name.as_str());
        let holder = format!("{} {as_reader}", chance()?);
        loop {
            if bucket.create(LOCK, &beat(&holder, 0))? {
                // Commits would overwrite each other where this is taken.
                if bucket.create(LOCK, &beat("nobody", 0))? {
                    bucket.remove_all(&[LOCK.to_owned()])?;
                    return Err(io::Error::new(
                        io::ErrorKind::Unsupported,
                        "the server overwrites an object although it is told to create it (`If-None-Match: *`)",
                    ));
                }
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
                        bucket.remove_all(&marks_of(&now))?;
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
        let (stop, stopped) = oneshot::channel();
        let (done, gone) = mpsc::sync_channel(1);
        let renewal = Renewal {
            objects: bucket.objects(),
            key: bucket.key(&name),
            is_of_reader: name != LOCK,
            holder,
        };
        bucket.spawn(async move {
            renewal.go_on(every, stopped).await;
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
        // One that cannot be removed now is a dead one's before long.
        if let Ok(gone) = self.gone.get_mut() {
            gone.recv_timeout(FAREWELL).ok();
        }
    }
}

struct Renewal {
    objects: Arc<dyn ObjectStore>,
    key: Path,
    holder: String,
    /// A reader's own mark is put again where it was taken for a dead one's.
    is_of_reader: bool,
}

impl Renewal {
    async fn go_on(&self, every: Duration, mut stopped: oneshot::Receiver<()>) {
        let mut number = 0;
        loop {
            number += 1;
            let renewed = async {
                tokio::time::sleep(every).await;
                // One renewal that fails or hangs is made up for by the next.
                tokio::time::timeout(every, self.renew(number)).await
            };
            tokio::select! {
                _ = &mut stopped => break,
                renewed = renewed => {
                    if let Ok(Ok(false)) = renewed {
                        return;
                    }
                }
            }
        }
        if let Ok(true) = self.is_ours().await {
            self.objects.delete(&self.key).await.ok();
        }
    }

    /// Writes the mark anew; returns false where it is another's by now.
    async fn renew(&self, number: u64) -> object_store::Result<bool> {
        if !self.is_of_reader && !self.is_ours().await? {
            return Ok(false);
        }
        let beat = beat(&self.holder, number);
        self.objects.put(&self.key, beat.into()).await?;
        Ok(true)
    }

    async fn is_ours(&self) -> object_store::Result<bool> {
        match self.objects.get(&self.key).await {
            Ok(found) => Ok(found.bytes().await?.starts_with(self.holder.as_bytes())),
            Err(object_store::Error::NotFound { .. }) => Ok(false),
            Err(error) => Err(error),
        }
    }
}

/// The marks of the writer who left this one.
fn marks_of(mark: &[u8]) -> Vec<String> {
    let text = String::from_utf8_lossy(mark);
    let as_reader = text.split_whitespace().nth(1);
    let as_reader = as_reader.filter(|name| {
        let id = name
            .strip_prefix(READERS)
            .and_then(|rest| rest.strip_prefix('/'));
        id.is_some_and(|id| id.bytes().all(|byte| byte.is_ascii_alphanumeric()))
    });
    let marks = [Some(LOCK), as_reader];
    marks.into_iter().flatten().map(str::to_owned).collect()
}

fn beat(holder: &str, number: u64) -> Bytes {
    format!("{holder} {number}\n").into()
}
