//! Where log files come from.  In: what the user named. Out: keys, sizes and readers of bytes.
//! Why: decode must not care whether bytes came from a disk or, later, from a bucket.
//! Holds: a file or folder that cannot be read is reported, never passed over in silence; nothing here looks
//! inside a log file beyond the first bytes of one whose name does not tell.
//! Next: `decode`.

mod disk;
mod location;
mod log_key;
mod selection;
mod stream;

use std::fs::File;
use std::io::{self, Read};
use std::path::PathBuf;

pub use location::Location;
pub use log_key::{LogFolder, LogKey};
pub use selection::Selection;
pub use stream::Stream;

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
    /// This build reads files only.
    #[error("cannot read `{0}`: this build reads log files from disk only")]
    Bucket(String),
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
            Self::Bucket(uri) => {
                vec![format!(
                    "copy it first, for example `aws s3 sync {uri} logs/`, then ingest `logs/`"
                )]
            }
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
    bytes: Bytes,
}

impl LogFile {
    /// Opens the file for reading from its first byte.
    pub fn open(&self) -> io::Result<Box<dyn Read + Send>> {
        Ok(match &self.bytes {
            Bytes::Disk(path) => Box::new(File::open(path)?),
            Bytes::Stream(stream) => Box::new(stream.open()),
        })
    }

    /// Whether the bytes lie at the same place as those of another file.
    fn is_at_same_place(&self, other: &Self) -> bool {
        match (&self.bytes, &other.bytes) {
            (Bytes::Disk(one), Bytes::Disk(other)) => one == other,
            // A stream is known by its content.
            (Bytes::Stream(_), Bytes::Stream(_)) => self.key == other.key,
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
}

/// Lists the log files under all `locations` that `selection` allows.
///
/// The order is that of the days in the keys, so that a run writes one day after the other.
pub fn list(locations: &[Location], selection: &Selection) -> Result<Listing, SourceError> {
    let mut listing = Listing::default();
    for location in locations {
        match location {
            Location::Disk(path) => disk::list(path, &mut listing)?,
            Location::Pattern(pattern) => disk::list_pattern(pattern, &mut listing)?,
            Location::Stream(stream) => listing.files.push(stream.log_file()),
        }
    }
    let found = listing.files.len();
    listing
        .files
        .retain(|file| selection.allows(&LogKey::parse(&file.key)));
    listing.not_selected = (found - listing.files.len()) as u64;
    listing.files.sort_by_cached_key(|file| {
        (
            LogKey::parse(&file.key).date,
            file.key.clone(),
            file.uri.clone(),
        )
    });
    // The same file reached by two sources is one file.
    listing
        .files
        .dedup_by(|a, b| a.key == b.key && a.is_at_same_place(b));
    Ok(listing)
}
