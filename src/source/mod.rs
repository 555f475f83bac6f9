//! Where log files come from.  In: what the user named. Out: keys, sizes and readers of bytes.
//! Why: decode must not care whether bytes came from a disk, a pipe or a bucket.
//! Holds: a file or folder that cannot be read is reported, never passed over in silence; nothing here looks
//! inside a log file beyond the first bytes of one whose name does not tell.
//! Next: `decode`.

mod disk;
mod found;
mod location;
mod log_key;
mod s3;
mod selection;
mod stream;

use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, Read};
use std::path::PathBuf;
use std::sync::Arc;

use chrono::NaiveDate;
use tokio::sync::mpsc;

pub use location::Location;
pub use log_key::{LogFolder, LogKey};
pub use s3::{Bucket, Buckets, Notice, Queue, QueueMessage, Requests, notices};
pub use selection::Selection;
pub use stream::Stream;

use crate::aws::S3Error;
use found::{OnDisk, Sorted};
use s3::Object;

/// What can be wrong with the sources a user named.
#[derive(Debug, thiserror::Error)]
pub enum SourceError {
    /// Nothing has that path.
    #[error("no such file or folder: `{0}`")]
    NotFound(String),
    /// The pattern is no glob.
    #[error("`{pattern}` is not a valid pattern")]
    Pattern {
        /// The pattern as it was given.
        pattern: String,
        /// What is wrong with it.
        #[source]
        source: glob::PatternError,
    },
    /// The pattern fits no file.
    #[error("no file fits the pattern `{0}`")]
    NothingFits(String),
    /// A bucket cannot be read.
    #[error(transparent)]
    Bucket(#[from] S3Error),
    /// Nothing is piped in.
    #[error("`-` is standard input, and that is a terminal")]
    Terminal,
    /// Standard input broke off.
    #[error("cannot read standard input")]
    Stream(#[source] io::Error),
}

impl SourceError {
    /// What the user can do about it.
    pub fn hints(&self) -> Vec<String> {
        match self {
            Self::NotFound(_) => {
                vec!["check the spelling; folders are read with all their subfolders".to_owned()]
            }
            Self::NothingFits(_) => {
                vec!["`*` stays within a folder, `**` goes through all below; folders can be named as they are".to_owned()]
            }
            Self::Bucket(error) => error.hints(),
            Self::Terminal => vec!["pipe log files in, for example `zcat logs/*.gz | rolecall ingest -`".to_owned()],
            Self::Stream(_) => vec!["it is kept in the folder for temporary files (`TMPDIR`) while it is read; there must be room".to_owned()],
            Self::Pattern { .. } => Vec::new(),
        }
    }
}

/// Where a log file's bytes are.
#[derive(Debug, Clone)]
enum Bytes {
    Disk(PathBuf),
    Stream(Stream),
    Object(Arc<Object>),
}

/// One log file, found but not yet read.
#[derive(Debug, Clone)]
pub struct LogFile {
    /// What the file is known by: the path from `AWSLogs/` on, else the path below the source.
    pub key: String,
    /// Where it lies, as the user would name it.
    pub uri: String,
    /// Its size in bytes, as stored.
    pub size: u64,
    /// What S3 says of its content; another content has another one.
    pub etag: Option<String>,
    bytes: Bytes,
}

impl LogFile {
    /// Opens the file for reading from its first byte.
    pub fn open(&self) -> io::Result<Box<dyn Read + Send>> {
        Ok(match &self.bytes {
            Bytes::Disk(path) => Box::new(File::open(path)?),
            Bytes::Stream(stream) => Box::new(stream.open()),
            Bytes::Object(object) => Box::new(object.open()),
        })
    }

    /// Begins to fetch a file that is far away, so that it is there when it is opened.
    pub fn begin(&self) {
        if let Bytes::Object(object) = &self.bytes {
            object.begin();
        }
    }

    /// How many files behind this one are worth beginning to fetch.
    pub fn ahead(&self) -> usize {
        match &self.bytes {
            Bytes::Object(object) => object.ahead(),
            Bytes::Disk(_) | Bytes::Stream(_) => 0,
        }
    }

    /// Whether the bytes lie at the same place as those of another file.
    fn is_at_same_place(&self, other: &Self) -> bool {
        match (&self.bytes, &other.bytes) {
            (Bytes::Disk(one), Bytes::Disk(other)) => one == other,
            // A stream is known by its content.
            (Bytes::Stream(_), Bytes::Stream(_)) => self.key == other.key,
            (Bytes::Object(one), Bytes::Object(other)) => one.is(other),
            _ => false,
        }
    }
}

/// A file or folder that is there but cannot be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unreadable {
    /// What it would be known by.
    pub key: String,
    /// Where it lies.
    pub uri: String,
    /// What the system said.
    pub detail: String,
}

/// Everything found under the sources, ordered by day and key.
#[derive(Debug, Default)]
pub struct Listing {
    /// The log files.
    pub files: Vec<LogFile>,
    /// What could not be listed.
    pub unreadable: Vec<Unreadable>,
    /// Files passed over since neither name nor first byte is that of a log file.
    pub skipped: u64,
    /// Log files left out by the selection.
    pub not_selected: u64,
    /// Log files that were found with these and come in later listings.
    pub later_files: usize,
    /// The bytes of those.
    pub later_bytes: u64,
}

impl Listing {
    /// Whether nothing at all was found.
    pub fn is_empty(&self) -> bool {
        self.files.is_empty()
            && self.unreadable.is_empty()
            && self.skipped == 0
            && self.not_selected == 0
    }

    fn append(&mut self, mut other: Self) {
        self.files.append(&mut other.files);
        self.unreadable.append(&mut other.unreadable);
        self.skipped += other.skipped;
        self.not_selected += other.not_selected;
    }

    /// Puts the files in the order of the days in their keys, so that a run writes one day after the other.
    pub fn sort(&mut self) {
        self.files.sort_by_cached_key(|file| {
            (
                LogKey::parse(&file.key).date,
                file.key.clone(),
                file.uri.clone(),
            )
        });
        // The same file reached by two sources is one file.
        self.files
            .dedup_by(|a, b| a.key == b.key && a.is_at_same_place(b));
    }
}

/// Log files of a bucket that are ingested together; more of them would only take memory.
const TOGETHER: usize = 20_000;
/// The same on disk, where all are found at once, and each time all keys in the lake are looked through.
const TOGETHER_ON_DISK: usize = 50_000;

/// The log files under some locations, some at a time.
#[derive(Debug)]
pub struct Batches {
    /// What was found besides files, and standard input.
    first: Option<Listing>,
    on_disk: Sorted,
    pages: VecDeque<mpsc::Receiver<Listing>>,
    /// Folders that could not be listed. They come last and alone: whoever reads a file of a folder forgets that the folder failed.
    unreadable: Vec<Unreadable>,
}

impl Iterator for Batches {
    type Item = Listing;

    fn next(&mut self) -> Option<Listing> {
        if self.first.is_some() || self.on_disk.len() > 0 {
            let mut listing = self.first.take().unwrap_or_default();
            self.on_disk.take_into(&mut listing, TOGETHER_ON_DISK);
            listing.sort();
            listing.later_files = self.on_disk.len();
            listing.later_bytes = self.on_disk.bytes();
            return Some(listing);
        }
        let mut listing = Listing::default();
        while let Some(pages) = self.pages.front_mut() {
            match pages.blocking_recv() {
                Some(mut page) => {
                    self.unreadable.append(&mut page.unreadable);
                    listing.append(page);
                }
                None => drop(self.pages.pop_front()),
            }
            if listing.files.len() >= TOGETHER {
                break;
            }
        }
        if listing.is_empty() {
            listing.unreadable = std::mem::take(&mut self.unreadable);
        }
        listing.sort();
        (!listing.is_empty()).then_some(listing)
    }
}

/// Finds the log files under all `locations` that `selection` allows: those on disk at once, those of buckets as they are listed.
///
/// `today` is the newest day that a bucket is expected to have.
pub fn batches(
    locations: &[Location],
    selection: &Selection,
    today: NaiveDate,
) -> Result<Batches, SourceError> {
    let mut pages = VecDeque::new();
    for location in locations {
        if let Location::Bucket(bucket) = location {
            pages.push_back(s3::pages(bucket, selection, today)?);
        }
    }
    let (mut first, on_disk) = find_on_disk(locations, selection)?;
    // Where nothing else is found, they are what was found.
    let unreadable = if on_disk.len() > 0 || !pages.is_empty() {
        std::mem::take(&mut first.unreadable)
    } else {
        Vec::new()
    };
    Ok(Batches {
        first: (!first.is_empty()).then_some(first),
        on_disk,
        pages,
        unreadable,
    })
}

/// Lists the log files on disk under all `locations` that `selection` allows.
pub fn list(locations: &[Location], selection: &Selection) -> Result<Listing, SourceError> {
    let (mut listing, mut on_disk) = find_on_disk(locations, selection)?;
    on_disk.take_into(&mut listing, usize::MAX);
    listing.sort();
    Ok(listing)
}

fn find_on_disk(
    locations: &[Location],
    selection: &Selection,
) -> Result<(Listing, Sorted), SourceError> {
    let mut found = OnDisk::new(selection);
    let mut listing = Listing::default();
    for location in locations {
        match location {
            Location::Disk(path) => disk::list(path, &mut found)?,
            Location::Pattern(pattern) => disk::list_pattern(pattern, &mut found)?,
            // Its key tells no day, account or region, which is what a selection goes by.
            Location::Stream(stream) => listing.files.push(stream.log_file()),
            Location::Bucket(_) => {}
        }
    }
    let files = found.sorted();
    listing.unreadable = found.unreadable;
    listing.skipped = found.skipped;
    listing.not_selected = found.not_selected;
    Ok((listing, files))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_read_is_told_at_once_where_there_is_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("README"), "notes").unwrap();
        let found = || {
            let sources = [folder.path().to_str().unwrap(), "/dev/null"];
            let sources = sources.map(|source| Location::parse(source).unwrap());
            let today = NaiveDate::default();
            let batches = batches(&sources, &Selection::default(), today).unwrap();
            let told = |found: Listing| (found.files.len(), found.unreadable.len(), found.skipped);
            batches.map(told).collect::<Vec<_>>()
        };
        assert_eq!(found(), [(0, 1, 1)]);
        std::fs::write(folder.path().join("a.json"), "[]").unwrap();
        assert_eq!(found(), [(1, 0, 1), (0, 1, 0)]);
    }

    #[test]
    fn a_folder_that_failed_is_told_after_all_files_that_may_lie_in_it() {
        let (sender, pages) = mpsc::channel(2);
        let failed = Unreadable {
            key: "folder".to_owned(),
            uri: "s3://trail/folder/".to_owned(),
            detail: "denied".to_owned(),
        };
        let file = LogFile {
            key: "folder/a.json".to_owned(),
            uri: "s3://trail/folder/a.json".to_owned(),
            size: 1,
            etag: None,
            bytes: Bytes::Disk(PathBuf::new()),
        };
        let found = [
            Listing {
                unreadable: vec![failed.clone()],
                ..Listing::default()
            },
            Listing {
                files: vec![file],
                ..Listing::default()
            },
        ];
        for listing in found {
            sender.blocking_send(listing).unwrap();
        }
        drop(sender);
        let batches = Batches {
            first: None,
            on_disk: Sorted::default(),
            pages: VecDeque::from([pages]),
            unreadable: Vec::new(),
        };
        let told: Vec<_> = batches
            .map(|listing| (listing.files.len(), listing.unreadable))
            .collect();
        assert_eq!(told, [(1, vec![]), (0, vec![failed])]);
    }
}
