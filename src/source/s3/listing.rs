//! Lists a bucket by the layout of its keys, many folders at once.
//!
//! Folders are discovered down to the regions; below a region one listing begins at the first day that is asked for
//! and stops behind the last, and a long one goes on by months side by side. What does not follow the layout is listed as it is.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use aws_sdk_s3::error::SdkError;
use aws_sdk_s3::operation::list_objects_v2::{ListObjectsV2Error, ListObjectsV2Output};
use aws_sdk_s3::types::EncodingType;
use chrono::NaiveDate;
use futures::StreamExt as _;
use futures::stream::FuturesUnordered;
use percent_encoding::percent_decode_str;
use tokio::sync::mpsc;

use super::layout::{
    Level, Span, Step, is_left_alone, is_owner, level_of, month_of, months_after, span, step_into,
};
use super::{Bucket, S3Error};
use crate::aws::told;
use crate::source::log_key::LogKey;
use crate::source::{Listing, Selection, Unreadable};

/// Listings on their way at once; each is one request.
const LISTINGS: usize = 32;
/// Pages that wait to be read; a page has a thousand keys at most.
const WAITING: usize = 16;
/// Folders without `AWSLogs` are looked into so deep, and so many side by side.
const DEPTH: usize = 4;
const BREADTH: usize = 100;

/// Begins to list the bucket; pages come as they are ready, in no order.
///
/// The first request is waited for: a bucket that cannot be listed at all is an error and no empty listing.
pub(in crate::source) fn pages(
    bucket: &Arc<Bucket>,
    selection: &Selection,
    today: NaiveDate,
) -> Result<mpsc::Receiver<Listing>, S3Error> {
    let (sender, pages) = mpsc::channel(WAITING);
    let walk = Walk {
        bucket: Arc::clone(bucket),
        selection: selection.clone(),
        today,
        sender,
    };
    let first = walk.enter(bucket.prefix.clone(), 0);
    let page = bucket.runtime.block_on(walk.ask(&first, None));
    let page = page.map_err(|error| S3Error::of(&bucket.uri(), &error))?;
    if is_nothing(&bucket.prefix, &page) && !is_cut_out(&first) {
        return Err(S3Error::Nothing(bucket.uri()));
    }
    bucket.runtime.spawn(walk.run(first, page));
    Ok(pages)
}

/// One folder to be listed.
#[derive(Debug, Clone)]
enum Task {
    /// Its own objects, and the folders right below it.
    Enter { folder: String, depth: usize },
    /// All objects below it.
    /// Where it is a region's whole folder, it may be split by months.
    All { span: Span, may_split: bool },
}

impl Task {
    fn all(prefix: String) -> Self {
        Self::All {
            span: Span {
                prefix,
                after: None,
                last: None,
            },
            may_split: false,
        }
    }

    fn prefix(&self) -> &str {
        match self {
            Self::Enter { folder, .. } => folder,
            Self::All { span, .. } => &span.prefix,
        }
    }
}

/// Whether the first page under what was named shows that nothing is called so: no object, and no folder.
fn is_nothing(named: &str, page: &ListObjectsV2Output) -> bool {
    let is_it = |found: Option<&str>| {
        let found = decoded(found.unwrap_or_default(), page.encoding_type.is_some());
        named.ends_with('/') || found.trim_end_matches('/') == named
    };
    let mut objects = page.contents().iter();
    let mut folders = page.common_prefixes().iter();
    !named.is_empty()
        && page.is_truncated() != Some(true)
        && !objects.any(|object| is_it(object.key()))
        && !folders.any(|folder| is_it(folder.prefix()))
}

/// Whether a task asks for some days of a folder alone.
fn is_cut_out(task: &Task) -> bool {
    match task {
        Task::Enter { .. } => false,
        Task::All { span, .. } => span.after.is_some() || span.last.is_some(),
    }
}

type ListError = SdkError<ListObjectsV2Error>;

struct Walk {
    bucket: Arc<Bucket>,
    selection: Selection,
    today: NaiveDate,
    sender: mpsc::Sender<Listing>,
}

impl Walk {
    async fn run(self, first: Task, page: ListObjectsV2Output) {
        let mut open = self.take(&first, true, page).await;
        let mut running = FuturesUnordered::new();
        loop {
            while running.len() < LISTINGS
                && let Some((task, token)) = open.pop()
            {
                running.push(self.list(task, token));
            }
            match running.next().await {
                Some(found) => open.extend(found),
                None => return,
            }
            if self.sender.is_closed() {
                return;
            }
        }
    }

    /// Asks for one page, and says what is to be asked for after it.
    async fn list(&self, task: Task, token: Option<String>) -> Vec<(Task, Option<String>)> {
        let is_first = token.is_none();
        match self.ask(&task, token).await {
            Ok(page) => self.take(&task, is_first, page).await,
            Err(error) => {
                let (_, detail) = told(&error);
                let prefix = task.prefix();
                let listing = Listing {
                    unreadable: vec![Unreadable {
                        key: folder_of(self.bucket.log_file_key(prefix)).to_owned(),
                        uri: self.bucket.uri_of(prefix),
                        detail: format!("cannot list it: {detail}"),
                    }],
                    ..Listing::default()
                };
                self.send(listing).await;
                Vec::new()
            }
        }
    }

    /// Asks for keys as they are, and again in another form where they hold characters that XML cannot.
    async fn ask(
        &self,
        task: &Task,
        token: Option<String>,
    ) -> Result<ListObjectsV2Output, ListError> {
        match self.ask_in(task, token.clone(), None).await {
            Err(SdkError::ResponseError(_)) => {
                self.ask_in(task, token, Some(EncodingType::Url)).await
            }
            answer => answer,
        }
    }

    async fn ask_in(
        &self,
        task: &Task,
        token: Option<String>,
        encoding: Option<EncodingType>,
    ) -> Result<ListObjectsV2Output, ListError> {
        let bucket = &self.bucket;
        bucket.counters.lists.fetch_add(1, Ordering::Relaxed);
        let mut asked = bucket
            .client
            .list_objects_v2()
            .bucket(&bucket.name)
            .prefix(task.prefix())
            .set_encoding_type(encoding)
            .set_request_payer(bucket.payer())
            .set_expected_bucket_owner(bucket.options.expected_bucket_owner.clone());
        match task {
            Task::Enter { .. } => asked = asked.delimiter("/"),
            Task::All { span, .. } if token.is_none() => {
                asked = asked.set_start_after(span.after.clone());
            }
            Task::All { .. } => {}
        }
        asked.set_continuation_token(token).send().await
    }

    async fn take(
        &self,
        task: &Task,
        is_first: bool,
        page: ListObjectsV2Output,
    ) -> Vec<(Task, Option<String>)> {
        match task {
            Task::Enter { folder, depth } => {
                self.take_folder(task, folder, (*depth, is_first), page)
                    .await
            }
            Task::All { span, may_split } => self.take_objects(task, span, *may_split, page).await,
        }
    }

    async fn take_folder(
        &self,
        task: &Task,
        folder: &str,
        (depth, is_first): (usize, bool),
        page: ListObjectsV2Output,
    ) -> Vec<(Task, Option<String>)> {
        let is_encoded = page.encoding_type.is_some();
        let mut next = Vec::new();
        let folders: Vec<String> = page
            .common_prefixes()
            .iter()
            .filter_map(|found| Some(decoded(found.prefix()?, is_encoded)))
            // What was named without a slash is that folder, and not all that begin like it.
            .filter(|found| {
                folder.is_empty() || folder.ends_with('/') || *found == format!("{folder}/")
            })
            .collect();
        let level = level_of(folder);
        let logs = folders
            .iter()
            .any(|found| found.ends_with("/AWSLogs/") || found == "AWSLogs/");
        let name_of = |found: &String| {
            found
                .trim_end_matches('/')
                .rsplit('/')
                .next()
                .map(str::to_owned)
        };
        let owners = folders
            .iter()
            .filter_map(name_of)
            .filter(|name| is_owner(name))
            .count();
        let is_broad = folders.len() > BREADTH && owners < folders.len() / 2;
        if is_first && level == Level::Unknown && !logs && (depth >= DEPTH || is_broad) {
            return vec![(Task::all(folder.to_owned()), None)];
        }
        for found in folders {
            let parent = found
                .trim_end_matches('/')
                .rfind('/')
                .map_or(0, |slash| slash + 1);
            let name = found
                .get(parent..)
                .unwrap_or_default()
                .trim_end_matches('/');
            // What was named without a slash is entered, whatever it is.
            let step = if folder.is_empty() || folder.ends_with('/') {
                step_into(level, name, &self.selection)
            } else {
                Step::Enter
            };
            match step {
                Step::Leave => {}
                Step::All => next.push((Task::all(found), None)),
                Step::Enter => next.push((self.enter(found, depth + 1), None)),
            }
        }
        let is_named = |key: &str| folder.is_empty() || folder.ends_with('/') || key == folder;
        self.send(self.listing(&page, &is_named)).await;
        next.extend(rest_of(task, &page));
        next
    }

    fn enter(&self, folder: String, depth: usize) -> Task {
        let is_folder = folder.is_empty() || folder.ends_with('/');
        match level_of(&folder) {
            Level::Days if is_folder => {
                let span = span(&folder, &self.selection);
                Task::All {
                    may_split: span.prefix == folder,
                    span,
                }
            }
            Level::Below if is_folder => Task::all(folder),
            _ => Task::Enter { folder, depth },
        }
    }

    async fn take_objects(
        &self,
        task: &Task,
        span: &Span,
        may_split: bool,
        page: ListObjectsV2Output,
    ) -> Vec<(Task, Option<String>)> {
        let last_key = page
            .contents()
            .last()
            .and_then(|object| Some(decoded(object.key()?, page.encoding_type.is_some())));
        let last_day = last_key
            .as_deref()
            .and_then(|key| LogKey::parse(self.bucket.log_file_key(key)).date);
        self.send(self.listing(&page, &|_| true)).await;
        let is_behind = last_day
            .zip(span.last)
            .is_some_and(|(day, last)| day > last);
        if is_behind || page.is_truncated() != Some(true) {
            return Vec::new();
        }
        if may_split
            && let Some((key, day)) = last_key.zip(last_day)
            && let Some(tasks) = self.by_months(span, &key, day)
        {
            return tasks;
        }
        rest_of(task, &page).into_iter().collect()
    }

    /// The rest of a region's whole folder behind `key`, month by month.
    fn by_months(
        &self,
        span: &Span,
        key: &str,
        day: NaiveDate,
    ) -> Option<Vec<(Task, Option<String>)>> {
        let end = span.last.unwrap_or(self.today).min(self.today);
        let folder = span.prefix.as_str();
        let months = months_after(day, end)?;
        let of_month = |month: &str, after: Option<String>| {
            let span = Span {
                prefix: format!("{folder}{month}"),
                after,
                last: span.last,
            };
            (
                Task::All {
                    span,
                    may_split: false,
                },
                None,
            )
        };
        let newest = months.last().cloned().unwrap_or_else(|| month_of(day));
        let mut tasks = vec![of_month(&month_of(day), Some(key.to_owned()))];
        tasks.extend(months.iter().map(|month| of_month(month, None)));
        // Whatever else there is sorts behind the newest month.
        tasks.push(of_month("", Some(format!("{folder}{newest}~"))));
        Some(tasks)
    }

    fn listing(&self, page: &ListObjectsV2Output, is_named: &dyn Fn(&str) -> bool) -> Listing {
        let is_encoded = page.encoding_type.is_some();
        // What was named itself is listed, whatever it is.
        let keeps_to_calls =
            !is_left_alone(&format!("{}/", self.bucket.prefix.trim_end_matches('/')));
        let mut listing = Listing::default();
        for object in page.contents() {
            let Some(key) = object.key().map(|key| decoded(key, is_encoded)) else {
                continue;
            };
            // A folder that was made by hand is an object without content.
            if !is_named(&key) || key.ends_with('/') || (keeps_to_calls && is_left_alone(&key)) {
                continue;
            }
            let name = self.bucket.log_file_key(&key);
            if !is_log_file(name) {
                listing.skipped += 1;
            } else if self.selection.allows(&LogKey::parse(name)) {
                let size = object.size().and_then(|size| u64::try_from(size).ok());
                let etag = object.e_tag().map(str::to_owned);
                let file = self.bucket.log_file(&key, size.unwrap_or_default(), etag);
                listing.files.push(file);
            } else {
                listing.not_selected += 1;
            }
        }
        listing
    }

    async fn send(&self, listing: Listing) {
        if !listing.is_empty() {
            // Nobody may want to know any more; `run` sees it.
            drop(self.sender.send(listing).await);
        }
    }
}

fn rest_of(task: &Task, page: &ListObjectsV2Output) -> Option<(Task, Option<String>)> {
    let token = page.next_continuation_token()?;
    (page.is_truncated() == Some(true)).then(|| (task.clone(), Some(token.to_owned())))
}

/// The key as it is.
fn decoded(key: &str, is_encoded: bool) -> String {
    if !is_encoded {
        return key.to_owned();
    }
    let spaces = key.replace('+', "%20");
    percent_decode_str(&spaces).decode_utf8_lossy().into_owned()
}

/// The folder that a prefix lies in or names, as other keys lie in it.
fn folder_of(prefix: &str) -> &str {
    prefix.rsplit_once('/').map_or(prefix, |(folder, _)| folder)
}

/// Whether a key is that of a manifest of a lake in the same bucket.
fn is_manifest(key: &str) -> bool {
    let Some((folder, name)) = key.rsplit_once('/') else {
        return false;
    };
    let number = name.strip_suffix(".json").unwrap_or_default();
    (folder == "manifest" || folder.ends_with("/manifest"))
        && number.len() >= 8
        && number.bytes().all(|byte| byte.is_ascii_digit())
}

/// Decides by name alone: the content would cost a request.
pub(super) fn is_log_file(key: &str) -> bool {
    if is_manifest(key) {
        return false;
    }
    let name = key.rsplit('/').next().unwrap_or(key).to_ascii_lowercase();
    [".json", ".jsonl", ".ndjson", ".gz"]
        .iter()
        .any(|ending| name.ends_with(ending))
}
