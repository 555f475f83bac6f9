//! Log files on disk: single files, folders with all below them, and glob patterns.
//!
//! Links inside a folder are not followed: evidence may come from an attacker's machine, and a link
//! out of it would carry our own files into the lake. A link that the user names is followed.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::Read as _;
use std::path::{Component, Path, PathBuf};

use super::found::OnDisk;
use super::{SourceError, Unreadable};
use crate::lake::is_lake;

/// Adds the file, or all log files of the folder, at `path`.
pub(super) fn list(path: &Path, found: &mut OnDisk<'_>) -> Result<(), SourceError> {
    found.begin_source();
    match fs::metadata(path) {
        Ok(meta) if meta.is_dir() => {
            walk(path, path, found);
            Ok(())
        }
        Ok(meta) => {
            add(path.parent().unwrap_or(Path::new("")), path, &meta, found);
            Ok(())
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            Err(SourceError::NotFound(path.display().to_string()))
        }
        Err(error) => {
            let base = path.parent().unwrap_or(Path::new(""));
            found.unreadable.push(unreadable(base, path, &error));
            Ok(())
        }
    }
}

/// Adds everything that fits a glob pattern; keys start below its fixed part.
pub(super) fn list_pattern(pattern: &str, found: &mut OnDisk<'_>) -> Result<(), SourceError> {
    found.begin_source();
    let paths = glob::glob(pattern).map_err(|source| SourceError::Pattern {
        pattern: pattern.to_owned(),
        source,
    })?;
    let base: PathBuf = Path::new(pattern)
        .components()
        .take_while(|part| !part.as_os_str().to_string_lossy().contains(['*', '?', '[']))
        .collect();
    let mut fits = false;
    for path in paths {
        fits = true;
        match path {
            Ok(path) if path.is_dir() => walk(&base, &path, found),
            Ok(path) => match fs::metadata(&path) {
                Ok(meta) => add(&base, &path, &meta, found),
                Err(error) => found.unreadable.push(unreadable(&base, &path, &error)),
            },
            Err(error) => {
                found
                    .unreadable
                    .push(unreadable(&base, error.path(), error.error()));
            }
        }
    }
    if fits {
        Ok(())
    } else {
        Err(SourceError::NothingFits(pattern.to_owned()))
    }
}

/// Adds a file that was named. A pipe can be read only once, and what is read must be read twice.
fn add(base: &Path, path: &Path, meta: &fs::Metadata, found: &mut OnDisk<'_>) {
    if meta.is_file() {
        found.add(path, meta.len(), |path| key_of(base, path));
    } else {
        let reason = "it is a pipe or a device; write its content to a file";
        found.unreadable.push(unreadable(base, path, &reason));
    }
}

fn walk(base: &Path, folder: &Path, found: &mut OnDisk<'_>) {
    let entries = walkdir::WalkDir::new(folder)
        .sort_by_file_name()
        .into_iter();
    // Our own lake may lie among the logs; its files are no log files.
    for entry in entries.filter_entry(|entry| !is_lake(entry.path())) {
        match entry {
            Ok(entry) if entry.file_type().is_file() => {
                let path = entry.path();
                match entry.metadata() {
                    Ok(_) if !looks_like_log_file(path) => found.skipped += 1,
                    Ok(meta) => found.add(path, meta.len(), |path| key_of(base, path)),
                    Err(error) => found.unreadable.push(unreadable(base, path, &error)),
                }
            }
            Ok(entry) if entry.file_type().is_dir() => {}
            Ok(_) => found.skipped += 1,
            Err(error) => {
                let path = error.path().unwrap_or(folder).to_owned();
                found.unreadable.push(unreadable(base, &path, &error));
            }
        }
    }
}

/// Decides by name, else by how the text begins.
fn looks_like_log_file(path: &Path) -> bool {
    const NAMES: [&str; 4] = [".json", ".jsonl", ".ndjson", ".gz"];
    let name = path
        .file_name()
        .unwrap_or(OsStr::new(""))
        .to_string_lossy()
        .to_ascii_lowercase();
    if NAMES.iter().any(|ending| name.ends_with(ending)) {
        return true;
    }
    let mut head = [0; 4096];
    let Ok(read) = File::open(path).and_then(|mut file| file.read(&mut head)) else {
        return true;
    };
    let head = head.get(..read).unwrap_or(&[]);
    if head.starts_with(&[0x1f, 0x8b]) {
        return true;
    }
    match head.trim_ascii_start().first() {
        Some(b'{' | b'[') => true,
        // A line of a CloudWatch Logs export: a time and a record.
        Some(b'0'..=b'9') => memchr::memmem::find(head, b"Z {").is_some_and(|at| at < 40),
        // The header of a CloudTrail Lake query's result.
        Some(_) => {
            let line = head.split(|byte| *byte == b'\n').next().unwrap_or(head);
            let line = String::from_utf8_lossy(line).to_ascii_lowercase();
            let columns = ["eventjson", "eventid", "eventname", "useridentity"];
            line.split(',')
                .map(|name| name.trim().trim_matches('"'))
                .any(|name| columns.contains(&name))
        }
        None => false,
    }
}

fn unreadable(base: &Path, path: &Path, error: &dyn std::fmt::Display) -> Unreadable {
    Unreadable {
        key: key_of(base, path),
        uri: path.display().to_string(),
        detail: error.to_string(),
    }
}

/// The path from the last `AWSLogs` on, else the path below `base`.
fn key_of(base: &Path, path: &Path) -> String {
    let absolute = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    let parts: Vec<_> = absolute.components().map(Component::as_os_str).collect();
    let below = match parts.iter().rposition(|part| *part == "AWSLogs") {
        Some(start) => parts.into_iter().skip(start).collect(),
        None => path.strip_prefix(base).unwrap_or(path).to_owned(),
    };
    let key = below
        .components()
        .map(|part| part.as_os_str().to_string_lossy());
    key.collect::<Vec<_>>().join("/")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::{Location, Selection, list as list_all};

    fn keys(source: &str) -> Vec<String> {
        let listing = list_all(&[Location::parse(source).unwrap()], &Selection::default()).unwrap();
        listing.files.into_iter().map(|file| file.key).collect()
    }

    #[test]
    fn keys_start_at_awslogs_or_below_the_source() {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().to_str().unwrap();
        let deep = dir.path().join("copy/AWSLogs/111122223333/CloudTrail");
        fs::create_dir_all(&deep).unwrap();
        fs::write(deep.join("a.json"), "{}").unwrap();
        fs::write(dir.path().join("b.json"), "{}").unwrap();
        assert_eq!(
            keys(root),
            ["AWSLogs/111122223333/CloudTrail/a.json", "b.json"]
        );
        assert_eq!(keys(&format!("{root}/b.json")), ["b.json"]);
        assert_eq!(keys(&format!("{root}/*.json")), ["b.json"]);
        // Entered further down, the key stays the same.
        assert_eq!(
            keys(deep.to_str().unwrap()),
            ["AWSLogs/111122223333/CloudTrail/a.json"]
        );
    }

    #[test]
    fn other_files_in_a_folder_are_counted_and_links_not_followed() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("README.md"), "# notes").unwrap();
        fs::write(dir.path().join("records"), "  [1]").unwrap();
        fs::write(dir.path().join("empty.json"), "").unwrap();
        std::os::unix::fs::symlink("/etc/hostname", dir.path().join("link.json")).unwrap();
        let location = Location::parse(dir.path().to_str().unwrap()).unwrap();
        let listing = list_all(&[location], &Selection::default()).unwrap();
        let keys: Vec<_> = listing.files.iter().map(|file| file.key.as_str()).collect();
        assert_eq!(keys, ["empty.json", "records"]);
        assert_eq!(listing.skipped, 2);
    }
}
