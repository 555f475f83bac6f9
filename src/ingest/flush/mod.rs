//! Settles and writes what has been read: events, duplicates, rejections, log files, one commit.

mod rows;
mod settling;

use std::collections::{HashMap, HashSet};

use arrow::array::RecordBatch;
use chrono::{DateTime, Utc};

use self::rows::write_duplicates;
use super::IngestOptions;
use super::books::{Books, Tally};
use super::known_ids::KnownIds;
use super::lake_copies::{find_ids, find_rows, load_rows, reopen, standing_twice, take_out};
use super::log_files::{adjust_log_files, write_log_files};
use super::read::{Chunk, FileDone, Outcome, hash_of};
use crate::decode::{Reason, Rejected};
use crate::events::{Conflict, EventsError, Rows, write_events};
use crate::lake::{Draft, LakeTable, text_at};
use crate::source::{LogFile, Unreadable};

/// Log files after which it is, since what is known of each is held until then.
const COMMIT_FILES: usize = 50_000;
/// Events with ids at two times that are settled at once: their rows are held in memory.
const SETTLED_AT_ONCE: usize = 2_000;

/// What has been read and not yet written, and the books of the run.
pub(super) struct Flush {
    pub(super) books: Books,
    now: DateTime<Utc>,
    batch_bytes: usize,
    commit_events: usize,
    threads: usize,
    batches: Vec<RecordBatch>,
    bytes: usize,
    rejected: Vec<(String, Rejected)>,
    conflicts: Vec<Conflict>,
    /// Files that are read to their end.
    done: Vec<FileDone>,
    /// How many of them since the last batch was written.
    files_since: usize,
    /// Files whose old rows must go.
    replaced: HashSet<String>,
    /// Readers in the middle of a file.
    unfinished: HashSet<usize>,
    /// Files and folders rejected as a whole, whose earlier rejection must go.
    rejected_whole: HashSet<String>,
    /// Known files that could not be read before, and can now.
    readable: HashSet<String>,
    /// New `ETag`s of files with nothing new.
    etags: HashMap<String, String>,
    /// What became of records, for `log_files`, by the log file's key.
    tallies: HashMap<String, Tally>,
    /// The sum of the tallies of files that this run reads.
    total: Tally,
    /// The same for files of earlier runs.
    others: Tally,
    /// Files that this run reads, by the hash of their keys.
    read_now: HashSet<u64>,
    ids: KnownIds,
}

impl Flush {
    pub(super) fn new(now: DateTime<Utc>, options: IngestOptions) -> Self {
        Self {
            books: Books::default(),
            now,
            batch_bytes: options.batch_bytes,
            commit_events: options.commit_events,
            threads: options.threads,
            batches: Vec::new(),
            bytes: 0,
            rejected: Vec::new(),
            conflicts: Vec::new(),
            done: Vec::new(),
            files_since: 0,
            replaced: HashSet::new(),
            unfinished: HashSet::new(),
            rejected_whole: HashSet::new(),
            readable: HashSet::new(),
            etags: HashMap::new(),
            tallies: HashMap::new(),
            total: Tally::default(),
            others: Tally::default(),
            read_now: HashSet::new(),
            ids: KnownIds::default(),
        }
    }

    /// Returns true when so much is held that it is to be written: text, or files that gave none.
    ///
    /// A little more is waited for where a file is half read, since there can be a commit once it is whole.
    pub(super) fn is_full(&self) -> bool {
        let enough = if self.unfinished.is_empty() {
            self.batch_bytes
        } else {
            self.batch_bytes / 4 * 5
        };
        self.bytes >= enough || self.files_since >= COMMIT_FILES
    }

    /// Takes a folder or file that could not be listed.
    pub(super) fn unreadable(&mut self, unreadable: Unreadable) {
        let rejected = Rejected::of_file(Reason::Unreadable, unreadable.detail);
        self.books.files += 1;
        self.books.files_rejected += 1;
        self.reject(unreadable.key, rejected);
    }

    fn reject(&mut self, key: String, rejected: Rejected) {
        self.books.count_reason(rejected.reason);
        if rejected.index.is_some() {
            self.add_tally(
                &key,
                Tally {
                    rejected: 1,
                    ..Tally::default()
                },
            );
        } else {
            self.rejected_whole.insert(key.clone());
        }
        self.rejected.push((key, rejected));
    }

    /// Keeps one of several files with the same key; one with other content is rejected.
    ///
    /// `files` are ordered by key, so that the first of them wins whatever was named first.
    pub(super) fn set_apart_taken_keys(&mut self, files: Vec<LogFile>) -> Vec<LogFile> {
        self.books.files += files.len() as u64;
        let mut kept: Vec<LogFile> = Vec::with_capacity(files.len());
        for file in files {
            match kept.last() {
                Some(first) if first.key == file.key => {
                    let same = hash_of(first)
                        .ok()
                        .is_some_and(|hash| hash_of(&file).is_ok_and(|other| other == hash));
                    if same {
                        self.books.files_known += 1;
                        continue;
                    }
                    let detail = format!(
                        "`{}` has the same key as `{}` and other content; name a folder above both",
                        file.uri, first.uri
                    );
                    let rejected = Rejected::of_file(Reason::KeyTaken, detail);
                    self.books.files_rejected += 1;
                    self.reject(file.key, rejected);
                }
                _ => kept.push(file),
            }
        }
        kept
    }

    /// Takes what a reader hands over.
    pub(super) fn take(&mut self, chunk: Chunk) {
        let Chunk {
            worker,
            rows,
            bytes,
            rejected,
            done,
            begun,
            readable,
            unfinished,
        } = chunk;
        if rows.num_rows() > 0 {
            self.batches.push(rows);
        }
        self.bytes += bytes;
        for file in begun {
            self.read_now.insert(hash_one(&file.key));
            // It can be read now, and so can the folders it lies in.
            let folders = file
                .key
                .match_indices('/')
                .filter_map(|(at, _)| file.key.get(..at));
            self.rejected_whole.extend(folders.map(str::to_owned));
            self.rejected_whole.insert(file.key.clone());
            if file.is_known {
                self.replaced.insert(file.key);
            }
        }
        self.readable.extend(readable);
        if unfinished {
            self.unfinished.insert(worker);
        } else {
            self.unfinished.remove(&worker);
        }
        for (key, rejected) in rejected {
            self.reject(key, rejected);
        }
        for file in done {
            self.books.records += file.records;
            self.books.bytes += file.file.size;
            match file.outcome {
                Outcome::New => self.books.files_read += 1,
                Outcome::Changed => {
                    self.books.files_read += 1;
                    self.books.files_replaced += 1;
                }
                Outcome::Known => {
                    self.books.files_known += 1;
                    // By its hash, since the lake knows no such ETag.
                    if let (Some(_), Some(etag)) = (&file.content_hash, &file.file.etag) {
                        self.etags.insert(file.file.key.clone(), etag.clone());
                    }
                }
                Outcome::Rejected => self.books.files_rejected += 1,
            }
            if file.has_new_row {
                self.files_since += 1;
                self.done.push(file);
            }
        }
    }

    /// Writes everything that is held, and commits where that is worth it and no file is only half read.
    pub(super) fn write(&mut self, draft: &mut Draft<'_>) -> Result<(), EventsError> {
        let mut batches = self.forget_replaced(draft)?;
        batches.append(&mut self.batches);
        self.bytes = 0;
        self.files_since = 0;
        self.write_rows_of(draft, batches)?;
        let is_much = self.ids.len() >= self.commit_events;
        if is_much {
            // There may be no commit for long, where files are large and readers many.
            self.ids.compare(draft)?;
        }
        if is_much || self.done.len() >= COMMIT_FILES {
            self.commit(draft)?;
        }
        Ok(())
    }

    /// Commits what was written, unless a file is only half read.
    pub(super) fn commit(&mut self, draft: &mut Draft<'_>) -> Result<(), EventsError> {
        if !self.unfinished.is_empty() {
            return Ok(());
        }
        let suspects = self.ids.suspects(draft)?;
        let mut disputed: Vec<String> = standing_twice(draft, &suspects)?.into_iter().collect();
        disputed.sort_unstable();
        for some in disputed.chunks(SETTLED_AT_ONCE) {
            let again = self.take_back(draft, &some.iter().cloned().collect())?;
            self.write_rows_of(draft, again)?;
        }
        // What was settled may stand on another day now.
        self.ids.compare(draft)?;
        write_log_files(draft, &self.done, &mut self.tallies, self.now)?;
        self.done.clear();
        adjust_log_files(draft, &mut self.tallies, &mut self.etags)?;
        draft.commit()?;
        Ok(())
    }

    /// Takes every copy of the events out of the draft, as rows to be settled again.
    fn take_back(
        &mut self,
        draft: &mut Draft<'_>,
        disputed: &HashSet<String>,
    ) -> Result<Vec<RecordBatch>, EventsError> {
        if disputed.is_empty() {
            return Ok(Vec::new());
        }
        for id in disputed {
            self.ids.take_back(id);
        }
        let mut reopened = HashMap::new();
        let rows = find_ids(draft, disputed.iter().map(String::as_str))?;
        let back = reopen(draft, &rows, disputed, &mut reopened)?;
        for (key, tally) in reopened {
            // What is taken back is counted anew if it is rejected again.
            self.books.uncount_conflicts(-tally.rejected);
            self.add_tally(&key, tally);
        }
        Ok(back)
    }

    /// Settles rows and writes what comes of it.
    fn write_rows_of(
        &mut self,
        draft: &mut Draft<'_>,
        mut batches: Vec<RecordBatch>,
    ) -> Result<(), EventsError> {
        let settled = self.settle(draft, &mut batches)?;
        let rows = Rows::new(&batches);
        for file in write_events(draft.guard(), &rows, &settled.keep, self.threads)? {
            draft.add(LakeTable::Events, file);
        }
        write_duplicates(draft, settled.duplicates)?;
        self.conflicts = settled.conflicts;
        self.write_rejected(draft)?;
        self.books.set(self.total, self.others);
        Ok(())
    }

    /// Takes the old rows of replaced files out of the lake.
    ///
    /// Returns rows to settle again: other files' copies of the events that went with them.
    fn forget_replaced(&mut self, draft: &mut Draft<'_>) -> Result<Vec<RecordBatch>, EventsError> {
        let replaced = std::mem::take(&mut self.replaced);
        if replaced.is_empty() {
            return Ok(Vec::new());
        }
        let of_replaced = |batch: &RecordBatch, row: usize| {
            batch
                .column_by_name("log_file_key")
                .and_then(|keys| text_at(keys, row))
                .is_some_and(|key| replaced.contains(key))
        };
        let gone = find_rows(draft, "log_file_key", &|key| replaced.contains(key))?;
        for table in [
            LakeTable::Duplicates,
            LakeTable::Rejected,
            LakeTable::LogFiles,
        ] {
            take_out(draft, table, &mut |batch, row| of_replaced(batch, row))?;
        }
        let mut events = HashSet::new();
        for (batch, ..) in load_rows(draft, &gone)? {
            let Some(ids) = batch.column_by_name("event_id") else {
                continue;
            };
            events.extend(
                (0..batch.num_rows())
                    .filter_map(|row| text_at(ids, row))
                    .map(str::to_owned),
            );
        }
        for id in &events {
            self.ids.take_back(id);
        }
        let mut reopened = HashMap::new();
        let back = reopen(draft, &gone, &events, &mut reopened)?;
        for (key, tally) in reopened {
            if !replaced.contains(&key) {
                self.add_tally(&key, tally);
            }
        }
        let others = back.into_iter().map(|batch| {
            let kept: arrow::array::BooleanArray = (0..batch.num_rows())
                .map(|row| Some(!of_replaced(&batch, row)))
                .collect();
            arrow::compute::filter_record_batch(&batch, &kept)
        });
        Ok(others.collect::<Result<_, _>>()?)
    }

    fn add_tally(&mut self, key: &str, tally: Tally) {
        match self.tallies.get_mut(key) {
            Some(known) => *known += tally,
            None => {
                self.tallies.insert(key.to_owned(), tally);
            }
        }
        // What a later copy changes in a file of an earlier run is in `log_files`, not in this run's books.
        if self.read_now.contains(&hash_one(key)) {
            self.total += tally;
        } else {
            self.others += tally;
        }
    }
}

fn hash_one(key: &str) -> u64 {
    use std::hash::{BuildHasher as _, BuildHasherDefault, DefaultHasher};
    BuildHasherDefault::<DefaultHasher>::default().hash_one(key)
}
