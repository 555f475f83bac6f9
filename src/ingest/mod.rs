//! The corridor: source → decode → events.  In: a listing of log files. Out: a lake that holds them, and the books.
//! Why: the one place that orders other rooms about; it reads in parallel, settles copies, commits.
//! Holds: a log file is committed wholly or not at all; memory is bounded by the options, not by the input.
//! Next: `sessions`.

mod books;
mod flush;
mod known_ids;
mod lake_copies;
mod log_files;
mod meeting;
mod read;
mod write;

use std::collections::{HashMap, HashSet};
use std::sync::atomic::AtomicUsize;
use std::sync::mpsc;
use std::thread;

use arrow::array::{Array as _, AsArray as _};
use arrow::datatypes::{Int64Type, TimestampMicrosecondType};
use chrono::{NaiveDate, NaiveTime};

pub use books::Books;

use crate::decode::{DecodeOptions, Form, Reason};
use crate::events::EventsError;
use crate::lake::{Draft, LakeTable, Operation, WriteGuard, read_columns, text_at};
use crate::source::{Listing, LogFile};
use flush::Flush;
use read::{Chunk, Known, KnownFiles, Reader};

/// How ingest goes about its work.
#[derive(Debug, Clone, Copy)]
pub struct IngestOptions {
    /// Threads that read and decode.
    pub threads: usize,
    /// Bytes that a reader holds before it hands them over, about.
    pub chunk_bytes: usize,
    /// Bytes of event text held before they are sorted and written, about.
    pub batch_bytes: usize,
    /// New events after which what was written is committed, about. Each commit looks through the ids of all events of the lake.
    pub commit_events: usize,
    /// How records are decoded.
    pub decode: DecodeOptions,
    /// Reads files again of which something was rejected, although their content is the same.
    pub retry_rejected: bool,
}

impl IngestOptions {
    /// Options for a machine with `threads` processors.
    pub fn new(threads: usize) -> Self {
        Self {
            threads: threads.max(1),
            chunk_bytes: 8 << 20,
            batch_bytes: 80 << 20,
            commit_events: 1_000_000,
            decode: DecodeOptions::default(),
            retry_rejected: false,
        }
    }
}

/// Ingests what `listing` holds, and tells `progress` of the books now and then.
pub fn ingest(
    guard: &WriteGuard<'_>,
    listing: Listing,
    options: IngestOptions,
    progress: &mut dyn FnMut(&Books),
) -> Result<Books, EventsError> {
    let mut draft = Draft::new(guard, Operation::Ingest)?;
    let known = known_log_files(&draft, &listing, options.retry_rejected)?;
    let mut flush = Flush::new(guard.now(), options);
    flush.books.files_skipped = listing.skipped;
    flush.books.files_not_selected = listing.not_selected;
    for unreadable in listing.unreadable {
        flush.unreadable(unreadable);
    }
    let files = flush.set_apart_taken_keys(listing.files);
    read_all(&files, &known, options, &mut |chunk| {
        flush.take(chunk);
        progress(&flush.books);
        if flush.is_full() {
            flush.write(&mut draft)?;
        }
        Ok(())
    })?;
    flush.write(&mut draft)?;
    flush.commit(&mut draft)?;
    Ok(flush.books)
}

/// Reads all files on several threads and hands over what they hold.
fn read_all(
    files: &[LogFile],
    known: &KnownFiles,
    options: IngestOptions,
    take: &mut dyn FnMut(Chunk) -> Result<(), EventsError>,
) -> Result<(), EventsError> {
    let (next, begun) = (AtomicUsize::new(0), AtomicUsize::new(0));
    thread::scope(|scope| {
        // Read on while a batch is written, and wait with the next one: memory stays bounded, and one thread alone does
        // one thing at a time.
        let ahead = if options.threads > 1 {
            options.batch_bytes / options.chunk_bytes.max(1) / 3
        } else {
            0
        };
        let (sender, receiver) = mpsc::sync_channel(ahead);
        for worker in 0..options.threads.min(files.len()) {
            let reader = Reader::new(worker, known, options, sender.clone());
            let (next, begun) = (&next, &begun);
            scope.spawn(move || reader.run(files, next, begun));
        }
        drop(sender);
        // Leaving the loop early drops the receiver, which ends the readers.
        for chunk in receiver {
            take(chunk?)?;
        }
        Ok(())
    })
}

/// Those of the listed files that the lake knows, with their content hashes.
fn known_log_files(
    draft: &Draft<'_>,
    listing: &Listing,
    retry_rejected: bool,
) -> Result<KnownFiles, EventsError> {
    const COLUMNS: [&str; 7] = [
        "log_file_key",
        "etag",
        "kind",
        "content_hash",
        "records",
        "rejected",
        "last_event_time",
    ];
    let wanted: HashSet<&str> = listing.files.iter().map(|file| file.key.as_str()).collect();
    let without_calls = [
        Form::Digest,
        Form::Insight,
        Form::Aggregated,
        Form::QuerySignature,
    ]
    .map(Form::name);
    let pruned_before = draft.base().pruned_before.map(midnight);
    let store = draft.guard().store();
    let mut known = KnownFiles::default();
    for file in draft.files(LakeTable::LogFiles) {
        for batch in read_columns(store, &file, Some(&COLUMNS))? {
            let batch = batch?;
            let text = |name, row| text_at(batch.column_by_name(name)?, row);
            let count = |name, row| {
                let counts = batch.column_by_name(name)?;
                Some(counts.as_primitive_opt::<Int64Type>()?.value(row))
            };
            let last_event = |row| {
                let times = batch.column_by_name("last_event_time")?;
                let times = times.as_primitive_opt::<TimestampMicrosecondType>()?;
                times.is_valid(row).then(|| times.value(row))
            };
            for row in 0..batch.num_rows() {
                let Some(key) = text("log_file_key", row).filter(|key| wanted.contains(key)) else {
                    continue;
                };
                // One that was given up as a whole has no records, and no kind that has none.
                let holds_calls =
                    text("kind", row).is_none_or(|kind| !without_calls.contains(&kind));
                let gave_all = count("rejected", row) == Some(0)
                    && (count("records", row) > Some(0) || !holds_calls);
                // What was pruned is not read again.
                let is_pruned = last_event(row)
                    .zip(pruned_before)
                    .is_some_and(|(last, day)| last < day);
                let is_whole = gave_all || is_pruned;
                let hash = text("content_hash", row).map(str::to_owned);
                let again = retry_rejected && !is_whole;
                let entry = Known {
                    hash,
                    etag: text("etag", row).map(str::to_owned),
                    again,
                };
                known.files.insert(key.to_owned(), entry);
            }
        }
    }
    known.unreadable = unreadable_keys(draft)?;
    Ok(known)
}

/// The keys of those files that the lake holds with the content that they were listed with.
pub fn committed(
    guard: &WriteGuard<'_>,
    files: &[LogFile],
) -> Result<HashSet<String>, EventsError> {
    let wanted: HashMap<&str, Option<&str>> = files
        .iter()
        .map(|file| (file.key.as_str(), file.etag.as_deref()))
        .collect();
    let mut found = HashSet::new();
    for file in guard.snapshot()?.files(LakeTable::LogFiles) {
        let columns = ["log_file_key", "etag", "content_hash"];
        for batch in read_columns(guard.store(), file, Some(&columns))? {
            let batch = batch?;
            let text = |name, row| text_at(batch.column_by_name(name)?, row);
            for row in 0..batch.num_rows() {
                let Some(key) = text("log_file_key", row) else {
                    continue;
                };
                let is_held = wanted.get(key).is_some_and(|etag| {
                    text("content_hash", row).is_some()
                        && (etag.is_none() || *etag == text("etag", row))
                });
                if is_held {
                    found.insert(key.to_owned());
                }
            }
        }
    }
    Ok(found)
}

/// Files and folders that could not be read when they were last looked at.
fn unreadable_keys(draft: &Draft<'_>) -> Result<HashSet<String>, EventsError> {
    let mut unreadable = HashSet::new();
    for file in draft.files(LakeTable::Rejected) {
        let columns = ["log_file_key", "reason"];
        for batch in read_columns(draft.guard().store(), &file, Some(&columns))? {
            let batch = batch?;
            let text = |name, row| text_at(batch.column_by_name(name)?, row);
            let rows = (0..batch.num_rows())
                .filter(|row| text("reason", *row) == Some(Reason::Unreadable.code()));
            unreadable.extend(
                rows.filter_map(|row| text("log_file_key", row))
                    .map(str::to_owned),
            );
        }
    }
    Ok(unreadable)
}

/// The beginning of a UTC day, in microseconds since 1970.
fn midnight(day: NaiveDate) -> i64 {
    day.and_time(NaiveTime::MIN).and_utc().timestamp_micros()
}
