//! Log files found on disk, each held as a name in a folder: of a million of them there is no more than that in memory.

use std::cmp::Ordering;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::vec;

use chrono::NaiveDate;

use super::{Bytes, Listing, LogFile, LogKey, Selection, Unreadable};

/// A folder in which log files lie.
#[derive(Debug)]
struct Folder {
    path: PathBuf,
    /// What the keys of its files begin with; empty, or with a `/` at its end.
    key: String,
}

/// One log file.
#[derive(Debug)]
struct Found {
    folder: Arc<Folder>,
    name: Box<OsStr>,
    size: u64,
    /// The day in its key.
    date: Option<NaiveDate>,
}

impl Found {
    fn key(&self) -> String {
        format!("{}{}", self.folder.key, self.name.to_string_lossy())
    }

    /// By day and key, as in a [`Listing`].
    fn order(&self, other: &Self) -> Ordering {
        let by_key = || {
            if Arc::ptr_eq(&self.folder, &other.folder) {
                return self
                    .name
                    .to_string_lossy()
                    .cmp(&other.name.to_string_lossy());
            }
            let (one, another) = (self.name.to_string_lossy(), other.name.to_string_lossy());
            let one = self.folder.key.bytes().chain(one.bytes());
            one.cmp(other.folder.key.bytes().chain(another.bytes()))
        };
        let by_day = self.date.cmp(&other.date);
        by_day
            .then_with(by_key)
            .then_with(|| self.folder.path.cmp(&other.folder.path))
    }

    fn is_same_file(&self, other: &Self) -> bool {
        self.name == other.name
            && self.folder.path == other.folder.path
            && self.folder.key == other.folder.key
    }

    fn log_file(&self) -> LogFile {
        let path = self.folder.path.join(&*self.name);
        LogFile {
            key: self.key(),
            uri: path.display().to_string(),
            size: self.size,
            etag: None,
            bytes: Bytes::Disk(path),
        }
    }
}

/// Everything found on disk under the sources.
#[derive(Debug)]
pub(super) struct OnDisk<'a> {
    selection: &'a Selection,
    /// Where the last file lay: those of one folder come one after the other.
    folder: Option<Arc<Folder>>,
    files: Vec<Found>,
    /// Folders and files that could not be looked at.
    pub(super) unreadable: Vec<Unreadable>,
    /// Files passed over.
    pub(super) skipped: u64,
    /// Log files left out by the selection.
    pub(super) not_selected: u64,
}

impl<'a> OnDisk<'a> {
    pub(super) fn new(selection: &'a Selection) -> Self {
        Self {
            selection,
            folder: None,
            files: Vec::new(),
            unreadable: Vec::new(),
            skipped: 0,
            not_selected: 0,
        }
    }

    /// Begins another source, by which the same folder may have another key.
    pub(super) fn begin_source(&mut self) {
        self.folder = None;
    }

    /// Adds the log file at `path`, whose key is what `key_of` says of it, if the selection takes it.
    pub(super) fn add(&mut self, path: &Path, size: u64, key_of: impl Fn(&Path) -> String) {
        let (Some(folder), Some(name)) = (path.parent(), path.file_name()) else {
            return;
        };
        let known = self.folder.take().filter(|known| known.path == folder);
        let folder = known.unwrap_or_else(|| {
            let key = key_of(&folder.join("-"));
            Arc::new(Folder {
                path: folder.to_owned(),
                key: key.strip_suffix('-').unwrap_or(&key).to_owned(),
            })
        });
        self.folder = Some(Arc::clone(&folder));
        let mut file = Found {
            folder,
            name: name.into(),
            size,
            date: None,
        };
        let key = file.key();
        let key = LogKey::parse(&key);
        if self.selection.allows(&key) {
            file.date = key.date;
            self.files.push(file);
        } else {
            self.not_selected += 1;
        }
    }

    /// The files in the order of their days and keys; one that was reached by two sources is one file.
    pub(super) fn sorted(&mut self) -> Sorted {
        let mut files = std::mem::take(&mut self.files);
        files.sort_unstable_by(Found::order);
        files.dedup_by(|a, b| a.is_same_file(b));
        Sorted {
            bytes: files.iter().map(|file| file.size).sum(),
            files: files.into_iter(),
        }
    }
}

/// Files on disk that are yet to be handed on.
#[derive(Debug, Default)]
pub(super) struct Sorted {
    files: vec::IntoIter<Found>,
    bytes: u64,
}

impl Sorted {
    pub(super) fn len(&self) -> usize {
        self.files.len()
    }

    pub(super) fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Moves the first `most` of them to a listing, and those with the key of the last, which are settled together.
    pub(super) fn take_into(&mut self, listing: &mut Listing, most: usize) {
        let mut taken = 0;
        while let Some(next) = self.files.as_slice().first() {
            let file = next.log_file();
            let is_copy = |last: &LogFile| last.key == file.key;
            if taken >= most && !listing.files.last().is_some_and(is_copy) {
                return;
            }
            taken += 1;
            self.bytes -= file.size;
            listing.files.push(file);
            self.files.next();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found<'a>(selection: &'a Selection, files: &[(&str, &'static str)]) -> OnDisk<'a> {
        let mut found = OnDisk::new(selection);
        for (path, base) in files {
            found.begin_source();
            found.add(Path::new(path), 10, |path| {
                let below = path.strip_prefix(base).unwrap_or(path);
                below.to_string_lossy().into_owned()
            });
        }
        found
    }

    #[test]
    fn copies_of_a_key_come_together_and_a_file_comes_once() {
        let selection = Selection::default();
        let files = [
            ("/two/c.json", "/two"),
            ("/two/b.json", "/two"),
            ("/one/b.json", "/one"),
            ("/one/b.json", "/one"),
            ("/one/a.json", "/one"),
            ("/one/b/a.json", "/one"),
        ];
        let mut sorted = found(&selection, &files).sorted();
        assert_eq!((sorted.len(), sorted.bytes()), (5, 50));
        let mut next = || {
            let mut listing = Listing::default();
            sorted.take_into(&mut listing, 2);
            let files = listing.files.into_iter();
            (
                files.map(|file| file.uri).collect::<Vec<_>>(),
                sorted.bytes(),
            )
        };
        let told = [next(), next(), next()];
        let expected = [
            (vec!["/one/a.json", "/one/b.json", "/two/b.json"], 20),
            (vec!["/one/b/a.json", "/two/c.json"], 0),
            (vec![], 0),
        ];
        let expected =
            expected.map(|(uris, bytes)| (uris.into_iter().map(str::to_owned).collect(), bytes));
        assert_eq!(told, expected);
    }

    #[test]
    fn a_folder_has_the_key_of_the_source_by_which_it_was_reached() {
        let selection = Selection::default();
        let files = [
            ("/k/A/x.json", "/k/A"),
            ("/k/A/a.json", "/k"),
            ("/k/A/x.json", "/k"),
            ("/k/a.json", "/k"),
        ];
        let mut listing = Listing::default();
        let mut sorted = found(&selection, &files).sorted();
        sorted.take_into(&mut listing, usize::MAX);
        let keys: Vec<_> = listing.files.iter().map(|file| file.key.as_str()).collect();
        assert_eq!(keys, ["A/a.json", "A/x.json", "a.json", "x.json"]);
    }

    #[test]
    fn the_order_is_that_of_a_listing() {
        let selection = Selection::default();
        let day =
            |day, name| format!("AWSLogs/111122223333/CloudTrail/eu-west-1/2026/03/{day}/{name}");
        let paths = [
            day("02", "b"),
            day("01", "c"),
            day("02", "a"),
            "x/b".into(),
            "x.json".into(),
        ];
        let files: Vec<_> = paths.iter().map(|path| (path.as_str(), "")).collect();
        let mut listing = Listing::default();
        found(&selection, &files)
            .sorted()
            .take_into(&mut listing, usize::MAX);
        let keys = |listing: &Listing| -> Vec<String> {
            listing.files.iter().map(|file| file.key.clone()).collect()
        };
        let told = keys(&listing);
        listing.files.reverse();
        listing.sort();
        assert_eq!(told, keys(&listing));
        assert_eq!(told.last(), Some(&day("02", "b")));
    }
}
