//! A queue of notifications: what came into buckets, a message at a time.

use std::collections::BTreeMap;
use std::sync::Arc;

use aws_sdk_sqs::Client;
use aws_sdk_sqs::types::{DeleteMessageBatchRequestEntry, MessageSystemAttributeName};
use tokio::runtime::Handle;

use super::layout::{from_logs, is_left_alone};
use super::notice::Notice;
use super::{Bucket, listing};
use crate::aws::{S3Error, S3Options, configuration, told};
use crate::source::{LogFile, Unreadable};

/// Seconds in which a message that we received is shown to nobody else: longer than any batch takes.
const HIDDEN: i32 = 900;
/// Seconds to wait for the first message; asked for without waiting, a queue may seem empty that is not.
const WAIT: i32 = 2;
/// Messages of one request, as SQS limits them.
const TOGETHER: i32 = 10;

/// A queue of Amazon SQS.
#[derive(Debug)]
pub struct Queue {
    client: Client,
    url: String,
    runtime: Handle,
}

/// A message that was received and not yet deleted.
#[derive(Debug, Clone)]
pub struct QueueMessage {
    /// Its id.
    pub id: String,
    /// What it says.
    pub body: String,
    /// Whether it was received before, and not deleted.
    pub is_again: bool,
    receipt: String,
}

impl Queue {
    /// A queue by its URL; nothing is asked of it yet.
    pub fn open(url: &str, options: &S3Options, runtime: &Handle) -> Self {
        let config = runtime.block_on(configuration(options));
        let mut builder = aws_sdk_sqs::config::Builder::from(&config);
        match region_of(url) {
            Some(region) => {
                let region = aws_sdk_sqs::config::Region::new(region.to_owned());
                builder = builder.region(region);
            }
            // Another server; it is asked where the queue is.
            None => builder = builder.endpoint_url(origin_of(url)),
        }
        Self {
            client: Client::from_conf(builder.build()),
            url: url.to_owned(),
            runtime: runtime.clone(),
        }
    }

    /// Receives messages until there is none or `most` are there.
    pub fn receive(&self, most: usize) -> Result<Vec<QueueMessage>, S3Error> {
        let mut messages = Vec::new();
        while messages.len() < most {
            let asked = self
                .client
                .receive_message()
                .queue_url(&self.url)
                .max_number_of_messages(TOGETHER)
                .visibility_timeout(HIDDEN)
                .message_system_attribute_names(MessageSystemAttributeName::ApproximateReceiveCount)
                .wait_time_seconds(if messages.is_empty() { WAIT } else { 0 });
            let answer = self.runtime.block_on(asked.send());
            let answer = answer.map_err(|error| S3Error::of(&self.url, &error))?;
            let received = answer.messages.unwrap_or_default();
            if received.is_empty() {
                break;
            }
            messages.extend(received.into_iter().filter_map(|message| {
                let count = message.attributes.as_ref().and_then(|known| {
                    known.get(&MessageSystemAttributeName::ApproximateReceiveCount)
                });
                Some(QueueMessage {
                    is_again: count.is_some_and(|count| count != "1"),
                    id: message.message_id.unwrap_or_default(),
                    body: message.body.unwrap_or_default(),
                    receipt: message.receipt_handle?,
                })
            }));
        }
        Ok(messages)
    }

    /// Deletes messages whose objects are committed; returns how many would not go.
    pub fn delete(&self, messages: &[&QueueMessage]) -> Result<usize, S3Error> {
        let mut left = 0;
        for some in messages.chunks(TOGETHER.unsigned_abs() as usize) {
            let entries = some.iter().enumerate().filter_map(|(at, message)| {
                let entry = DeleteMessageBatchRequestEntry::builder()
                    .id(at.to_string())
                    .receipt_handle(&message.receipt);
                entry.build().ok()
            });
            let asked = self
                .client
                .delete_message_batch()
                .queue_url(&self.url)
                .set_entries(Some(entries.collect()));
            let answer = self.runtime.block_on(asked.send());
            let answer = answer.map_err(|error| S3Error::of(&self.url, &error))?;
            left += answer.failed.len();
        }
        Ok(left)
    }
}

/// The region that a queue's host tells: `sqs.REGION.amazonaws.com`.
fn region_of(url: &str) -> Option<&str> {
    let host = url.split_once("://")?.1.split('/').next()?;
    let rest = host.strip_prefix("sqs.")?;
    rest.split_once(".amazonaws.").map(|(region, _)| region)
}

/// Scheme and host of a URL.
fn origin_of(url: &str) -> &str {
    let host = url.find("://").map_or(0, |at| at + 3);
    let rest = url.get(host..).unwrap_or_default();
    let end = rest.find('/').map_or(url.len(), |at| host + at);
    url.get(..end).unwrap_or(url)
}

/// The buckets that notices name, each opened once.
#[derive(Debug)]
pub struct Buckets {
    options: S3Options,
    runtime: Handle,
    /// Why one could not be reached is kept too: a queue may tell of it many times.
    open: BTreeMap<String, Result<Arc<Bucket>, String>>,
}

impl Buckets {
    /// None opened yet.
    pub fn new(options: &S3Options, runtime: &Handle) -> Self {
        Self {
            options: options.clone(),
            runtime: runtime.clone(),
            open: BTreeMap::new(),
        }
    }

    /// The buckets that were opened.
    pub fn all(&self) -> impl Iterator<Item = &Arc<Bucket>> {
        self.open.values().filter_map(|open| open.as_ref().ok())
    }

    /// The log file that a notice tells of: `None` where it is none that holds calls.
    ///
    /// With `look` the object is asked what it is now; the message may be older.
    pub fn log_file(&mut self, notice: &Notice, look: bool) -> Option<Result<LogFile, Unreadable>> {
        let uri = format!("s3://{}/{}", notice.bucket, notice.key);
        let unreadable = |detail: String| Unreadable {
            key: from_logs(&notice.key).unwrap_or(&notice.key).to_owned(),
            uri: uri.clone(),
            detail,
        };
        if !listing::is_log_file(&notice.key) || is_left_alone(&notice.key) {
            return None;
        }
        let (options, runtime) = (&self.options, &self.runtime);
        let open = self.open.entry(notice.bucket.clone()).or_insert_with(|| {
            let bucket = format!("s3://{}", notice.bucket);
            Bucket::open(&bucket, options, runtime).map_err(|error| error.to_string())
        });
        let bucket = match open {
            Ok(bucket) => bucket,
            Err(detail) => return Some(Err(unreadable(detail.clone()))),
        };
        let (size, etag) = match (notice.size, &notice.etag) {
            (Some(size), etag) if !look => (size, etag.clone()),
            _ => match self.runtime.block_on(bucket.look_at(&notice.key)) {
                Ok(found) => found,
                Err(detail) => return Some(Err(unreadable(detail))),
            },
        };
        Some(Ok(bucket.log_file(&notice.key, size, etag)))
    }
}

impl Bucket {
    /// An object's size and `ETag`.
    async fn look_at(&self, key: &str) -> Result<(u64, Option<String>), String> {
        let asked = self
            .client
            .head_object()
            .bucket(&self.name)
            .key(key)
            .set_request_payer(self.payer())
            .set_expected_bucket_owner(self.options.expected_bucket_owner.clone());
        match asked.send().await {
            Ok(found) => {
                let size = found
                    .content_length
                    .and_then(|size| u64::try_from(size).ok());
                Ok((size.unwrap_or_default(), found.e_tag))
            }
            Err(error)
                if error
                    .raw_response()
                    .is_some_and(|found| found.status().as_u16() == 404) =>
            {
                Err("there is no such object any more".to_owned())
            }
            Err(error) => Err(told(&error).1),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_queues_host_tells_its_region() {
        let url = "https://sqs.eu-west-1.amazonaws.com/111122223333/trail";
        assert_eq!(region_of(url), Some("eu-west-1"));
        assert_eq!(region_of("http://127.0.0.1:5000/123456789012/trail"), None);
        assert_eq!(
            origin_of("http://127.0.0.1:5000/123456789012/trail"),
            "http://127.0.0.1:5000"
        );
    }
}
