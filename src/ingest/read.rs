//! Reads and decodes log files on one thread, and hands over their rows in chunks.

use std::collections::{HashMap, HashSet};
use std::io::{self, Read};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::SyncSender;

use arrow::array::RecordBatch;
use arrow::error::ArrowError;
use sha2::{Digest, Sha256};

use super::IngestOptions;
use crate::decode::{Form, Reason, Record, RecordSink, Rejected, decode_log_file};
use crate::events::{EVENTS, EventsError, append_event};
use crate::lake::RowBuilder;
use crate::source::{LogFile, LogFolder, LogKey};

/// Rows of one or more log files, and what was found out about the files that are done.
pub(super) struct Chunk {
    /// The reader it comes from.
    pub(super) worker: usize,
    /// Rows of `events`.
    pub(super) rows: RecordBatch,
    /// Bytes of text in the rows, about.
    pub(super) bytes: usize,
    /// Rejected records and files, with their log file's key.
    pub(super) rejected: Vec<(String, Rejected)>,
    /// Files whose last row is in this chunk.
    pub(super) done: Vec<FileDone>,
    /// Files whose reading began.
    pub(super) begun: Vec<Begun>,
    /// Files with nothing new that could not be read before.
    pub(super) readable: Vec<String>,
    /// Set while the chunk's last file has further rows to come.
    pub(super) unfinished: bool,
}

/// A log file whose reading began.
pub(super) struct Begun {
    pub(super) key: String,
    /// Whether the lake has rows of it, which must go before the new ones count.
    pub(super) is_known: bool,
}

/// What was found out about one log file.
pub(super) struct FileDone {
    pub(super) file: LogFile,
    pub(super) kind: &'static str,
    pub(super) content_hash: Option<String>,
    pub(super) records: u64,
    pub(super) first_event_time: Option<i64>,
    pub(super) last_event_time: Option<i64>,
    pub(super) outcome: Outcome,
    /// Whether `log_files` gets a new row for it.
    pub(super) has_new_row: bool,
}

/// How a log file fared.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Outcome {
    /// Read for the first time, or again with the same content.
    New,
    /// Read again, since its content is not what it was.
    Changed,
    /// In the lake already; not decoded.
    Known,
    /// Given up as a whole.
    Rejected,
}

/// What the lake knows of a log file.
pub(super) struct Known {
    /// Its content hash; `None` where it could not be read.
    pub(super) hash: Option<String>,
    /// What S3 said of its content.
    pub(super) etag: Option<String>,
    /// Whether it is to be read again, although its content is the same.
    pub(super) again: bool,
}

/// What the lake knows of the files that are to be read.
#[derive(Default)]
pub(super) struct KnownFiles {
    /// The log files in the lake, by their keys.
    pub(super) files: HashMap<String, Known>,
    /// Files and folders that it tells could not be read.
    pub(super) unreadable: HashSet<String>,
}

impl KnownFiles {
    fn get(&self, key: &str) -> Option<&Known> {
        self.files.get(key)
    }
}

/// One reading thread.
pub(super) struct Reader<'a> {
    worker: usize,
    known: &'a KnownFiles,
    options: IngestOptions,
    sender: SyncSender<Result<Chunk, EventsError>>,
    held: Held,
}

/// What is read and not yet handed over.
struct Held {
    rows: RowBuilder,
    rejected: Vec<(String, Rejected)>,
    rejected_bytes: usize,
    done: Vec<FileDone>,
    begun: Vec<Begun>,
    readable: Vec<String>,
    /// Set while rows of the file that is being read were handed over.
    is_part_sent: bool,
}

impl Held {
    fn bytes(&self) -> usize {
        self.rows.bytes() + self.rejected_bytes
    }

    fn take(&mut self, worker: usize, unfinished: bool) -> Result<Chunk, ArrowError> {
        let bytes = self.bytes();
        self.rejected_bytes = 0;
        Ok(Chunk {
            worker,
            rows: self.rows.take()?,
            bytes,
            rejected: std::mem::take(&mut self.rejected),
            done: std::mem::take(&mut self.done),
            begun: std::mem::take(&mut self.begun),
            readable: std::mem::take(&mut self.readable),
            unfinished,
        })
    }
}

impl<'a> Reader<'a> {
    pub(super) fn new(
        worker: usize,
        known: &'a KnownFiles,
        options: IngestOptions,
        sender: SyncSender<Result<Chunk, EventsError>>,
    ) -> Self {
        let held = Held {
            rows: RowBuilder::new(EVENTS),
            rejected: Vec::new(),
            rejected_bytes: 0,
            done: Vec::new(),
            begun: Vec::new(),
            readable: Vec::new(),
            is_part_sent: false,
        };
        Self {
            worker,
            known,
            options,
            sender,
            held,
        }
    }

    /// Reads files until none is left or nobody listens any more.
    ///
    /// `next` is the first file that nobody reads, `begun` the first that nobody fetches; all readers share them.
    pub(super) fn run(mut self, files: &[LogFile], next: &AtomicUsize, begun: &AtomicUsize) {
        loop {
            let at = next.fetch_add(1, Ordering::Relaxed);
            let Some(file) = files.get(at) else {
                break;
            };
            self.begin_ahead(files, at, begun);
            if !self.read(file) {
                return;
            }
            // The rest of a file of which a part was handed over goes at once, so that there can be a commit.
            let enough = std::mem::take(&mut self.held.is_part_sent)
                || self.held.bytes() >= self.options.chunk_bytes
                || self.held.done.len() >= 4096;
            if enough && !self.hand_over() {
                return;
            }
        }
        self.hand_over();
    }

    /// Begins to fetch the files that will be read soon.
    fn begin_ahead(&self, files: &[LogFile], at: usize, begun: &AtomicUsize) {
        let until = at + files.get(at).map_or(0, LogFile::ahead);
        let from = begun.fetch_max(until, Ordering::Relaxed).max(at);
        for file in files.get(from..until.min(files.len())).unwrap_or_default() {
            if !self.is_known_by_etag(file) {
                file.begin();
            }
        }
    }

    /// Whether the lake has the file with this very content, as far as S3 says.
    fn is_known_by_etag(&self, file: &LogFile) -> bool {
        file.etag.is_some()
            && self.known.get(&file.key).is_some_and(|known| {
                known.hash.is_some() && known.etag == file.etag && !known.again
            })
    }

    fn hand_over(&mut self) -> bool {
        let chunk = self.held.take(self.worker, false);
        self.sender.send(chunk.map_err(EventsError::from)).is_ok()
    }

    /// Reads one file; returns false when nobody listens any more.
    fn read(&mut self, file: &LogFile) -> bool {
        let known = self.known.get(&file.key);
        if self.is_known_by_etag(file) {
            self.is_readable(file);
            self.done(file, "", None, Outcome::Known);
            return true;
        }
        let mut is_same = false;
        if let Some(Known {
            hash: Some(known),
            again,
            ..
        }) = known
        {
            match hash_of(file) {
                Ok(hash) if hash == *known && !again => {
                    self.is_readable(file);
                    self.done(file, "", Some(hash), Outcome::Known);
                    return true;
                }
                Ok(hash) => is_same = hash == *known,
                Err(error) => {
                    self.give_up(file, &error);
                    return true;
                }
            }
        }
        let outcome = if known.is_some() && !is_same {
            Outcome::Changed
        } else {
            Outcome::New
        };
        let folder = LogKey::parse(&file.key).folder;
        let form = match folder {
            LogFolder::Digest => Form::Digest,
            LogFolder::Insight => Form::Insight,
            LogFolder::Aggregated => Form::Aggregated,
            LogFolder::Events | LogFolder::NetworkActivity => {
                return self.decode(file, outcome);
            }
        };
        match hash_of(file) {
            Ok(hash) => {
                self.begin(file);
                self.done(file, form.name(), Some(hash), outcome);
            }
            Err(error) => self.give_up(file, &error),
        }
        true
    }

    fn decode(&mut self, file: &LogFile, outcome: Outcome) -> bool {
        let mut input = match file.open() {
            Ok(input) => HashingReader::new(input),
            Err(error) => {
                self.give_up(file, &error);
                return true;
            }
        };
        self.begin(file);
        let mask = self.options.decode.mask_secrets;
        let mut sink = FileSink {
            key: &file.key,
            mask,
            held: &mut self.held,
            worker: self.worker,
            sender: &self.sender,
            chunk_bytes: self.options.chunk_bytes,
            listening: true,
            rejected_whole: false,
            first: None,
            last: None,
        };
        let decoded = decode_log_file(&mut input, self.options.decode, &mut sink);
        let FileSink {
            listening,
            rejected_whole,
            first,
            last,
            ..
        } = sink;
        if !listening {
            return false;
        }
        let outcome = if rejected_whole {
            Outcome::Rejected
        } else {
            outcome
        };
        // Without a hash the file is tried again: a read that failed may succeed next time.
        let content_hash = input.finish();
        self.held.done.push(FileDone {
            file: file.clone(),
            kind: decoded.form.name(),
            content_hash,
            records: decoded.records,
            first_event_time: first,
            last_event_time: last,
            outcome,
            has_new_row: true,
        });
        true
    }

    /// Notes that a file could be opened, so that what the lake holds of it is out of date.
    fn begin(&mut self, file: &LogFile) {
        self.held.begun.push(Begun {
            key: file.key.clone(),
            is_known: self.known.get(&file.key).is_some(),
        });
    }

    /// Notes that a file with nothing new can be read, and so can the folders it lies in.
    fn is_readable(&mut self, file: &LogFile) {
        if self.known.unreadable.is_empty() {
            return;
        }
        let folders = file.key.match_indices('/').map(|(at, _)| at);
        let parts = folders.chain([file.key.len()]);
        let parts = parts.filter_map(|end| file.key.get(..end));
        let readable = parts.filter(|part| self.known.unreadable.contains(*part));
        self.held.readable.extend(readable.map(str::to_owned));
    }

    /// Notes that a file cannot be read. What was read of it earlier stays, if its key is known.
    fn give_up(&mut self, file: &LogFile, error: &io::Error) {
        let rejected = Rejected::of_file(Reason::Unreadable, error.to_string());
        self.held.rejected.push((file.key.clone(), rejected));
        self.done(file, "unknown", None, Outcome::Rejected);
    }

    fn done(
        &mut self,
        file: &LogFile,
        kind: &'static str,
        content_hash: Option<String>,
        outcome: Outcome,
    ) {
        self.held.done.push(FileDone {
            file: file.clone(),
            kind,
            content_hash,
            records: 0,
            first_event_time: None,
            last_event_time: None,
            outcome,
            // A file that is in the lake, and now cannot be read, keeps the row it has.
            has_new_row: outcome != Outcome::Known
                && !(outcome == Outcome::Rejected
                    && self
                        .known
                        .get(&file.key)
                        .is_some_and(|known| known.hash.is_some())),
        });
    }
}

/// Puts the records of one file among the rows.
struct FileSink<'a> {
    key: &'a str,
    mask: bool,
    held: &'a mut Held,
    worker: usize,
    sender: &'a SyncSender<Result<Chunk, EventsError>>,
    chunk_bytes: usize,
    listening: bool,
    rejected_whole: bool,
    first: Option<i64>,
    last: Option<i64>,
}

impl RecordSink for FileSink<'_> {
    fn record(&mut self, index: u64, record: &Record<'_>) {
        let time = record.event_time;
        self.first = Some(self.first.map_or(time, |first| first.min(time)));
        self.last = Some(self.last.map_or(time, |last| last.max(time)));
        append_event(&mut self.held.rows, record, self.key, index, self.mask);
        self.hand_over_if_full();
    }

    fn rejected(&mut self, rejected: Rejected) {
        self.rejected_whole |= rejected.index.is_none();
        let raw = rejected.raw.as_ref().map_or(0, String::len);
        self.held.rejected_bytes += raw + rejected.detail.len() + self.key.len();
        self.held.rejected.push((self.key.to_owned(), rejected));
        self.hand_over_if_full();
    }
}

impl FileSink<'_> {
    fn hand_over_if_full(&mut self) {
        // A file larger than a chunk is handed over in parts; it is committed whole all the same.
        if self.listening && self.held.bytes() >= self.chunk_bytes {
            self.held.is_part_sent = true;
            let chunk = self.held.take(self.worker, true);
            self.listening = self.sender.send(chunk.map_err(EventsError::from)).is_ok();
        }
    }
}

/// Hashes what is read through it.
struct HashingReader<R> {
    inner: R,
    hasher: Sha256,
    failed: bool,
}

impl<R: Read> HashingReader<R> {
    fn new(inner: R) -> Self {
        Self {
            inner,
            hasher: Sha256::new(),
            failed: false,
        }
    }

    /// Reads on to the end and returns the hash of all bytes, or `None` where reading failed.
    fn finish(mut self) -> Option<String> {
        io::copy(&mut self, &mut io::sink()).ok()?;
        (!self.failed).then(|| hash_text(self.hasher))
    }
}

impl<R: Read> Read for HashingReader<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer);
        match &read {
            Ok(count) => self.hasher.update(buffer.get(..*count).unwrap_or_default()),
            Err(error) => self.failed |= error.kind() != io::ErrorKind::Interrupted,
        }
        read
    }
}

/// The content hash of a file.
pub(super) fn hash_of(file: &LogFile) -> io::Result<String> {
    let mut input = file.open()?;
    let mut hasher = Sha256::new();
    io::copy(&mut input, &mut hasher)?;
    Ok(hash_text(hasher))
}

fn hash_text(hasher: Sha256) -> String {
    format!("sha256:{:x}", hasher.finalize())
}
