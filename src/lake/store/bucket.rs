//! A lake's objects in a bucket, asked for one at a time by code that waits for the answer.

use std::future::Future;
use std::io;
use std::ops::Range;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc;
use std::time::Duration;

use bytes::Bytes;
use chrono::{DateTime, Utc};
use futures::{StreamExt as _, TryStreamExt as _};
use object_store::buffered::BufWriter;
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt as _, PutMode};
use tokio::io::AsyncWriteExt as _;
use tokio::runtime::Runtime;

use super::counted::{Counted, Traffic};
use crate::aws::{Refusal, S3Error, S3Options, S3Uri, reach};

/// Bytes of one part of an upload; what is smaller goes up in one request.
const PART_BYTES: usize = 8 << 20;
/// Parts of one upload on their way at once.
const PARTS: usize = 2;
/// A create that is neither done nor refused is tried so often.
const TRIES: u32 = 5;

/// How long those are believed to be at work who do not answer.
#[derive(Debug, Clone, Copy)]
pub struct Patience {
    /// A writer that did not renew its mark for so long has died.
    pub writer: Duration,
    /// A reader that did not renew its mark for so long has died.
    pub reader: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self {
            writer: Duration::from_secs(30),
            reader: Duration::from_mins(10),
        }
    }
}

/// A bucket that was reached, and the prefix of the lake in it.
#[derive(Debug)]
pub struct LakeBucket {
    name: String,
    prefix: Path,
    objects: Arc<Counted>,
    pub(in crate::lake) patience: Patience,
    thread: Thread,
}

/// A thread for requests alone: marks must be renewed however busy all others are.
#[derive(Debug)]
pub(in crate::lake) struct Thread(Option<Runtime>);

impl Thread {
    pub(in crate::lake) fn start() -> io::Result<Self> {
        let mut builder = tokio::runtime::Builder::new_multi_thread();
        let runtime = builder.worker_threads(1).enable_all().build()?;
        Ok(Self(Some(runtime)))
    }

    fn runtime(&self) -> io::Result<&Runtime> {
        let ended = || io::ErrorKind::BrokenPipe.into();
        self.0.as_ref().ok_or_else(ended)
    }

    /// Does something there, and waits until it is done, from plain code and from async code alike.
    fn wait<T: Send + 'static>(
        &self,
        work: impl Future<Output = T> + Send + 'static,
    ) -> io::Result<T> {
        let (sender, receiver) = mpsc::sync_channel(1);
        self.runtime()?.spawn(async move {
            // Nobody waits any more: then nobody needs it.
            sender.send(work.await).ok();
        });
        let ended = |_| io::Error::other("the request came to no end");
        receiver.recv().map_err(ended)
    }
}

impl Drop for Thread {
    fn drop(&mut self) {
        // To wait for it is forbidden to async code, and nothing is left to be done there.
        if let Some(runtime) = self.0.take() {
            runtime.shutdown_background();
        }
    }
}

impl LakeBucket {
    /// Reaches the bucket of `s3://BUCKET[/PREFIX]`.
    pub fn open(uri: &str, options: &S3Options, patience: Patience) -> Result<Arc<Self>, S3Error> {
        let named = S3Uri::parse(uri)?;
        let name = named.bucket.as_str();
        let prefix = Path::parse(&named.prefix).map_err(|_| S3Error::Prefix(uri.to_owned()))?;
        let refused = |detail: String| S3Error::Refused {
            place: format!("s3://{name}"),
            code: String::new(),
            detail,
        };
        let failed = |error: io::Error| refused(error.to_string());
        let thread = Thread::start().map_err(failed)?;
        let (bucket, options) = (name.to_owned(), options.clone());
        let handle = thread.runtime().map_err(failed)?.handle().clone();
        let reached = thread.wait(async move {
            let reached = reach(&bucket, &options).await?;
            Ok(reached.object_store(&handle).await)
        });
        let s3 = reached.map_err(failed)??;
        let s3 = s3.map_err(|error| refused(error.to_string()))?;
        Ok(Self::over(Arc::new(s3), name, prefix, patience, thread))
    }

    /// The same over any objects.
    pub(in crate::lake) fn over(
        objects: Arc<dyn ObjectStore>,
        name: &str,
        prefix: Path,
        patience: Patience,
        thread: Thread,
    ) -> Arc<Self> {
        Arc::new(Self {
            name: name.to_owned(),
            prefix,
            objects: Arc::new(Counted::new(objects)),
            patience,
            thread,
        })
    }

    /// What was named.
    pub fn uri(&self) -> String {
        let Self { name, prefix, .. } = self;
        match prefix.as_ref() {
            "" => format!("s3://{name}"),
            prefix => format!("s3://{name}/{prefix}"),
        }
    }

    /// What came from it so far.
    pub fn traffic(&self) -> Traffic {
        self.objects.traffic()
    }

    pub(super) fn root(&self) -> PathBuf {
        PathBuf::from(self.uri())
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    pub(in crate::lake) fn objects(&self) -> Arc<dyn ObjectStore> {
        Arc::<Counted>::clone(&self.objects) as _
    }

    /// The key of a path below the lake.
    pub(in crate::lake) fn key(&self, path: &str) -> Path {
        let parts = path.split('/').filter(|part| !part.is_empty());
        let parts = parts.map(Into::into);
        self.prefix.parts().chain(parts).collect()
    }

    /// Does something on the runtime, and waits until it is done.
    pub(in crate::lake) fn wait<T: Send + 'static>(
        &self,
        work: impl Future<Output = object_store::Result<T>> + Send + 'static,
    ) -> io::Result<T> {
        self.thread.wait(work)?.map_err(io_error)
    }

    /// Begins something that nobody waits for.
    pub(in crate::lake) fn spawn(&self, work: impl Future<Output = ()> + Send + 'static) {
        if let Ok(runtime) = self.thread.runtime() {
            drop(runtime.spawn(work));
        }
    }

    pub(in crate::lake) fn read(&self, path: &str) -> io::Result<Bytes> {
        let (objects, key) = (self.objects(), self.key(path));
        self.wait(async move { objects.get(&key).await?.bytes().await })
    }

    pub(in crate::lake) fn read_ranges(
        &self,
        path: &str,
        ranges: &[Range<u64>],
    ) -> io::Result<Vec<Bytes>> {
        let (objects, key, ranges) = (self.objects(), self.key(path), ranges.to_vec());
        self.wait(async move { objects.get_ranges(&key, &ranges).await })
    }

    /// Writes an object that must not be there; returns false where another one is.
    ///
    /// An answer that is lost leaves open whether it was written; then what is there tells.
    pub(in crate::lake) fn create(&self, path: &str, bytes: &Bytes) -> io::Result<bool> {
        let (objects, key, bytes) = (self.objects(), self.key(path), bytes.clone());
        self.wait(async move {
            let mut tries = 0;
            loop {
                let put = objects.put_opts(&key, bytes.clone().into(), PutMode::Create.into());
                let Err(error) = put.await else {
                    return Ok(true);
                };
                tries += 1;
                let found = match objects.get(&key).await {
                    Ok(found) => Some(found.bytes().await?),
                    Err(object_store::Error::NotFound { .. }) => None,
                    // It may be written and not read; then the first answer says most.
                    Err(_) => return Err(error),
                };
                match found {
                    Some(found) => return Ok(found == bytes),
                    // It came and went.
                    None if matches!(error, object_store::Error::AlreadyExists { .. }) => {
                        return Ok(false);
                    }
                    None if tries < TRIES && is_unsure(&error) => {
                        tokio::time::sleep(Duration::from_millis(100 << tries)).await;
                    }
                    None => return Err(error),
                }
            }
        })
    }

    pub(in crate::lake) fn overwrite(&self, path: &str, bytes: Bytes) -> io::Result<()> {
        let (objects, key) = (self.objects(), self.key(path));
        self.wait(async move { objects.put(&key, bytes.into()).await.map(drop) })
    }

    /// The names of objects and folders in a folder, objects with their time.
    pub(in crate::lake) fn list(
        &self,
        folder: &str,
    ) -> io::Result<Vec<(String, Option<DateTime<Utc>>)>> {
        let (objects, key) = (self.objects(), self.key(folder));
        let own = key.clone();
        let found = self.wait(async move { objects.list_with_delimiter(Some(&key)).await })?;
        let name = |path: &Path| path.filename().unwrap_or_default().to_owned();
        let folders = found.common_prefixes.iter().map(|path| (name(path), None));
        // A folder made by hand is an object of its own name.
        let files = found.objects.iter().filter(|object| object.location != own);
        Ok(files
            .map(|object| (name(&object.location), Some(object.last_modified)))
            .chain(folders)
            .collect())
    }

    /// The names of objects in a folder behind `name`.
    pub(super) fn list_behind(&self, folder: &str, name: &str) -> io::Result<Vec<String>> {
        let (key, offset) = (self.key(folder), self.key(&format!("{folder}/{name}")));
        let found = self.objects.list_with_offset(Some(&key), &offset);
        let found: Vec<_> = self.wait(found.try_collect())?;
        let names = found.iter().filter_map(|object| object.location.filename());
        Ok(names.map(str::to_owned).collect())
    }

    /// The Parquet objects below folders, as paths below the lake.
    pub(super) fn parquet_files_below(&self, folders: &[&str]) -> io::Result<Vec<String>> {
        let lists: Vec<_> = folders
            .iter()
            .map(|folder| self.objects.list(Some(&self.key(folder))))
            .collect();
        let found: Vec<_> =
            self.wait(async move { futures::stream::iter(lists).flatten().try_collect().await })?;
        let found = found.into_iter().map(|object| object.location);
        Ok(found
            .filter(|path| path.extension() == Some("parquet"))
            .filter_map(|path| {
                let below: Vec<_> = path.prefix_match(&self.prefix)?.collect();
                let below: Vec<&str> = below.iter().map(AsRef::as_ref).collect();
                Some(below.join("/"))
            })
            .collect())
    }

    /// Removes objects; those that stay are removed later.
    pub(in crate::lake) fn remove_all(&self, paths: &[String]) -> io::Result<()> {
        let objects = self.objects();
        let keys: Vec<_> = paths.iter().map(|path| Ok(self.key(path))).collect();
        let removed = objects.delete_stream(futures::stream::iter(keys).boxed());
        self.wait(async move { removed.try_for_each(|_| async { Ok(()) }).await })
    }

    pub(super) fn begin(&self, path: &str) -> Upload {
        let writer = BufWriter::with_capacity(self.objects(), self.key(path), PART_BYTES);
        Upload(Some(writer.with_max_concurrency(PARTS)))
    }
}

/// An object on its way up; it is not there before it is whole.
#[derive(Debug)]
pub(super) struct Upload(Option<BufWriter>);

impl Upload {
    pub(super) fn write(&mut self, bucket: &LakeBucket, bytes: Bytes) -> io::Result<()> {
        let mut writer = self.0.take().ok_or(io::ErrorKind::BrokenPipe)?;
        // It comes back also where it failed, so that its parts can be given up.
        let (writer, done) = bucket.wait(async move {
            let done = writer.put(bytes).await;
            Ok((writer, done))
        })?;
        self.0 = Some(writer);
        done.map_err(io_error)
    }

    /// Makes it whole, with so many bytes in all.
    pub(super) fn finish(&mut self, bucket: &LakeBucket, path: &str, size: u64) -> io::Result<()> {
        let mut writer = self.0.take().ok_or(io::ErrorKind::BrokenPipe)?;
        let (objects, key) = (bucket.objects(), bucket.key(path));
        let (writer, done) = bucket.wait(async move {
            let Err(error) = writer.shutdown().await else {
                return Ok((None, Ok(())));
            };
            // Where only the answer was lost, it is there.
            if objects
                .head(&key)
                .await
                .is_ok_and(|found| found.size == size)
            {
                return Ok((None, Ok(())));
            }
            // What object_store said is inside what tokio was told.
            let error = match error.downcast::<object_store::Error>() {
                Ok(error) => io_error(error),
                Err(error) => error,
            };
            Ok((Some(writer), Err(error)))
        })?;
        self.0 = writer;
        done
    }

    /// Gives up what was begun, so that its parts cost nothing.
    pub(super) fn abort(&mut self, bucket: &LakeBucket) {
        if let Some(mut writer) = self.0.take() {
            drop(bucket.wait(async move { writer.abort().await }));
        }
    }
}

/// Whether an error leaves open that the object was written.
fn is_unsure(error: &object_store::Error) -> bool {
    !matches!(
        error,
        object_store::Error::PermissionDenied { .. } | object_store::Error::Unauthenticated { .. }
    )
}

/// The same as an error of the system, of the nearest kind.
pub(super) fn io_error(error: object_store::Error) -> io::Error {
    use object_store::Error;
    if let Some(refusal) = Refusal::of(&error.to_string()) {
        return io::Error::new(refusal.kind(), refusal);
    }
    let kind = match &error {
        Error::NotFound { .. } => io::ErrorKind::NotFound,
        Error::AlreadyExists { .. } => io::ErrorKind::AlreadyExists,
        Error::PermissionDenied { .. } | Error::Unauthenticated { .. } => {
            io::ErrorKind::PermissionDenied
        }
        _ => io::ErrorKind::Other,
    };
    io::Error::new(kind, error)
}
