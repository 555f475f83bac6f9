//! Log files in a bucket: listed by the layout of their keys, fetched many at once, never staged on disk.

mod layout;
mod listing;
mod notice;
mod object;
mod queue;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use aws_sdk_s3::Client;
use aws_sdk_s3::types::RequestPayer;
use tokio::runtime::Handle;

use super::{Bytes, LogFile};
use crate::aws::{S3Error, S3Options, S3Uri, reach};

pub(super) use listing::pages;
pub use notice::{Notice, notices};
use object::Download;
pub(super) use object::Object;
pub use queue::{Buckets, Queue, QueueMessage};

/// What was asked of a bucket.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Requests {
    /// `ListObjectsV2` and what else is asked of the bucket itself.
    pub lists: u64,
    /// `GetObject`, those that go on where a body broke off among them.
    pub gets: u64,
    /// Bytes of objects that came in.
    pub bytes: u64,
}

#[derive(Debug, Default)]
struct Counters {
    lists: AtomicU64,
    gets: AtomicU64,
    bytes: AtomicU64,
}

/// A bucket that was reached, and the part of it that was named.
#[derive(Debug)]
pub struct Bucket {
    name: String,
    prefix: String,
    client: Client,
    options: S3Options,
    counters: Counters,
    runtime: Handle,
}

impl Bucket {
    /// Reaches the bucket of `s3://BUCKET[/PREFIX]`; it and the right to list it are checked.
    pub fn open(uri: &str, options: &S3Options, runtime: &Handle) -> Result<Arc<Self>, S3Error> {
        let S3Uri {
            bucket: name,
            prefix,
        } = S3Uri::parse(uri)?;
        let client = runtime.block_on(reach(&name, options))?.client;
        Ok(Arc::new(Self {
            name,
            prefix,
            client,
            options: options.clone(),
            counters: Counters::default(),
            runtime: runtime.clone(),
        }))
    }

    /// What was named.
    pub fn uri(&self) -> String {
        self.uri_of(&self.prefix)
    }

    /// What was asked of it so far.
    pub fn requests(&self) -> Requests {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        Requests {
            lists: read(&self.counters.lists),
            gets: read(&self.counters.gets),
            bytes: read(&self.counters.bytes),
        }
    }

    /// How many objects may be on their way at once.
    pub(super) fn ahead(&self) -> usize {
        self.options.requests
    }

    /// The log file that an object of it is.
    fn log_file(self: &Arc<Self>, key: &str, size: u64, etag: Option<String>) -> LogFile {
        LogFile {
            key: self.log_file_key(key).to_owned(),
            uri: self.uri_of(key),
            size,
            etag: etag.clone(),
            bytes: Bytes::Object(Arc::new(Object {
                bucket: Arc::clone(self),
                key: key.to_owned(),
                etag,
                size,
                download: Download::new(),
            })),
        }
    }

    fn uri_of(&self, key: &str) -> String {
        format!("s3://{}/{key}", self.name)
    }

    fn payer(&self) -> Option<RequestPayer> {
        self.options
            .requester_pays
            .then_some(RequestPayer::Requester)
    }

    /// What a key is known by: the part from the last `AWSLogs/` on, else the part below the folder that was named.
    fn log_file_key<'k>(&self, key: &'k str) -> &'k str {
        let below = || {
            let named = if key == self.prefix {
                key
            } else {
                &self.prefix
            };
            key.get(named.rfind('/').map_or(0, |slash| slash + 1)..)
        };
        layout::from_logs(key).or_else(below).unwrap_or(key)
    }
}
