//! One object, read while it comes in: a body that breaks off is gone on with, and a short one is never whole.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::io::{self, Read};
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::ChecksumMode;
use bytes::Bytes;
use tokio::sync::mpsc;

use super::Bucket;
use crate::aws::told;

/// Parts of a body that wait to be read; each has some hundred kilobytes at most.
const WAITING: usize = 2;
/// How long a body may be silent before it is asked for again.
const SILENCE: Duration = Duration::from_mins(1);
/// Attempts to go on without a byte more.
const ATTEMPTS: u32 = 6;

/// An object as it was listed.
#[derive(Debug)]
pub(crate) struct Object {
    pub(super) bucket: Arc<Bucket>,
    pub(super) key: String,
    pub(super) etag: Option<String>,
    pub(super) size: u64,
    pub(super) download: Download<Body>,
}

/// A download that may be begun before anybody reads it, and is not begun again behind whoever reads already.
#[derive(Debug)]
pub(super) struct Download<T>(Mutex<Stage<T>>);

#[derive(Debug)]
enum Stage<T> {
    Wanted,
    Begun(T),
    Taken,
}

impl<T> Download<T> {
    pub(super) fn new() -> Self {
        Self(Mutex::new(Stage::Wanted))
    }

    fn begin(&self, fetch: impl FnOnce() -> T) {
        let mut stage = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if matches!(*stage, Stage::Wanted) {
            *stage = Stage::Begun(fetch());
        }
    }

    fn take(&self, fetch: impl FnOnce() -> T) -> T {
        let mut stage = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match std::mem::replace(&mut *stage, Stage::Taken) {
            Stage::Begun(begun) => begun,
            Stage::Wanted | Stage::Taken => fetch(),
        }
    }
}

impl Object {
    /// How many objects may be on their way at once.
    pub(crate) fn ahead(&self) -> usize {
        self.bucket.ahead()
    }

    /// Begins to fetch it, so that it is there when it is read.
    pub(crate) fn begin(self: &Arc<Self>) {
        self.download.begin(|| self.fetch());
    }

    /// Its bytes from the first one on.
    pub(crate) fn open(self: &Arc<Self>) -> Body {
        self.download.take(|| self.fetch())
    }

    /// Whether it is the same object of the same bucket.
    pub(crate) fn is(&self, other: &Self) -> bool {
        self.key == other.key && self.bucket.name == other.bucket.name
    }

    fn fetch(self: &Arc<Self>) -> Body {
        let (sender, parts) = mpsc::channel(WAITING);
        let object = Arc::clone(self);
        self.bucket.runtime.spawn(async move {
            if let Err(error) = object.download(&sender).await {
                // Nobody may be reading any more.
                drop(sender.send(Err(error)).await);
            }
        });
        Body {
            parts,
            part: Bytes::new(),
            left: self.size,
        }
    }

    async fn download(&self, sender: &mpsc::Sender<Part>) -> io::Result<()> {
        let (mut at, mut failures) = (0, 0);
        loop {
            let before = at;
            let broken = match self.get(at).await? {
                None => None,
                Some(body) => self.pass_on(body, &mut at, sender).await?,
            };
            if sender.is_closed() {
                return Ok(());
            }
            if at == self.size {
                // All of it came and its checksum is another one.
                return broken.map_or(Ok(()), |why| Err(self.failed(&why)));
            }
            if at > self.size {
                return Err(self.failed(&format!("{at} bytes came instead of {}", self.size)));
            }
            failures = if at > before { 1 } else { failures + 1 };
            if failures >= ATTEMPTS {
                let why = broken.unwrap_or_else(|| "the body ended".to_owned());
                return Err(self.failed(&format!("{at} of {} bytes came: {why}", self.size)));
            }
            tokio::time::sleep(self.pause(failures)).await;
        }
    }

    /// Asks for the object from a byte on.
    async fn get(&self, at: u64) -> io::Result<Option<ByteStream>> {
        if self.size == 0 {
            return Ok(None);
        }
        let bucket = &self.bucket;
        bucket.counters.gets.fetch_add(1, Ordering::Relaxed);
        let mut asked = bucket
            .client
            .get_object()
            .bucket(&bucket.name)
            .key(&self.key)
            .set_if_match(self.etag.clone())
            .set_request_payer(bucket.payer())
            .set_expected_bucket_owner(bucket.options.expected_bucket_owner.clone());
        if at == 0 {
            asked = asked.checksum_mode(ChecksumMode::Enabled);
        } else {
            asked = asked.range(format!("bytes={at}-"));
        }
        match asked.send().await {
            Ok(answer) => Ok(Some(answer.body)),
            Err(error) => {
                let (code, detail) = told(&error);
                let detail = match code.as_str() {
                    "PreconditionFailed" => "it changed after it was listed".to_owned(),
                    "InvalidObjectState" => {
                        format!("it is archived and must be restored first ({detail})")
                    }
                    "NoSuchKey" => "it was removed after it was listed".to_owned(),
                    _ => detail,
                };
                Err(self.failed(&detail))
            }
        }
    }

    /// Hands on what comes; tells why the body broke off, if it did.
    async fn pass_on(
        &self,
        mut body: ByteStream,
        at: &mut u64,
        sender: &mpsc::Sender<Part>,
    ) -> io::Result<Option<String>> {
        loop {
            let Ok(next) = tokio::time::timeout(SILENCE, body.try_next()).await else {
                return Ok(Some("nothing came for a minute".to_owned()));
            };
            match next {
                Ok(Some(part)) => {
                    *at += part.len() as u64;
                    let count = part.len() as u64;
                    self.bucket
                        .counters
                        .bytes
                        .fetch_add(count, Ordering::Relaxed);
                    if sender.send(Ok(part)).await.is_err() {
                        return Ok(None);
                    }
                }
                Ok(None) => return Ok(None),
                Err(error) => return Ok(Some(error.to_string())),
            }
        }
    }

    fn failed(&self, detail: &str) -> io::Error {
        io::Error::other(format!("{}: {detail}", self.bucket.uri_of(&self.key)))
    }

    /// Grows with each failure, and differs between objects so that they do not all come back at once.
    fn pause(&self, failures: u32) -> Duration {
        let mut hasher = DefaultHasher::new();
        (&self.key, failures).hash(&mut hasher);
        let spread = hasher.finish() % 100;
        Duration::from_millis((50 << failures.min(6)) * (50 + spread) / 100)
    }
}

type Part = io::Result<Bytes>;

/// The bytes of an object, as they come.
#[derive(Debug)]
pub(crate) struct Body {
    parts: mpsc::Receiver<Part>,
    part: Bytes,
    left: u64,
}

impl Read for Body {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.part.is_empty() {
            match self.parts.blocking_recv() {
                Some(part) => self.part = part?,
                None if self.left == 0 => return Ok(0),
                // Whoever fetched it is gone.
                None => return Err(io::ErrorKind::UnexpectedEof.into()),
            }
        }
        let count = self.part.as_ref().read(buffer)?;
        drop(self.part.split_to(count));
        self.left = self.left.saturating_sub(count as u64);
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_object_is_asked_for_once_whoever_comes_first() {
        let (ahead, at_once) = (Download::new(), Download::new());
        let mut asked = 0;
        let mut fetch = || {
            asked += 1;
            asked
        };
        ahead.begin(&mut fetch);
        ahead.begin(&mut fetch);
        assert_eq!(ahead.take(&mut fetch), 1);
        assert_eq!(at_once.take(&mut fetch), 2);
        at_once.begin(&mut fetch);
        ahead.begin(&mut fetch);
        assert_eq!(asked, 2);
    }
}
