//! The log files of the job: the sample stories and the records of the SQL tests, with copies, a conflict, a forged copy, files that
//! are broken, and one whose content changes.

use std::path::{Path, PathBuf};

use super::support::records::{call, records_file, user};
use super::support::{gzip, project};

/// Every log file with its path below the folder of the logs.
pub fn all() -> Vec<(String, Vec<u8>)> {
    let mut files = Vec::new();
    for (folder, take_one_in) in [("sample-logs", 2), ("tests/records", 1)] {
        let root = project().join(folder);
        let paths: Vec<PathBuf> = walkdir::WalkDir::new(&root)
            .sort_by_file_name()
            .into_iter()
            .map(|entry| entry.unwrap().into_path())
            .filter(|path| {
                path.extension()
                    .is_some_and(|ending| ending == "gz" || ending == "jsonl")
            })
            .collect();
        // Half the stories make each try twice as fast, and show as much.
        for path in paths.iter().step_by(take_one_in) {
            let below = path.strip_prefix(&root).unwrap().display().to_string();
            files.push((below, std::fs::read(path).unwrap()));
        }
    }
    assert!(files.len() > 12, "{}", files.len());
    // Other trails deliver some of it again, under places that are smaller and larger.
    let copies: Vec<_> = files
        .iter()
        .step_by(4)
        .enumerate()
        .map(|(at, (_, bytes))| {
            let trail = if at % 2 == 0 { "0-trail" } else { "z-trail" };
            (format!("{trail}/{at}.json.gz"), bytes.clone())
        })
        .collect();
    files.extend(copies);
    let noon = "2026-03-02T12:00:00Z";
    let event = |id: &str, who: &str| call(id, user(who), noon, "s3", "ListBuckets");
    let one = records_file(&[event("disputed", "alice"), event("plain", "alice")]);
    let other = records_file(&[event("disputed", "mallory"), event("other", "bob")]);
    files.push(("disputed/b.json".to_owned(), one));
    files.push(("disputed/a.json".to_owned(), other));
    files.push(("broken/empty.json".to_owned(), Vec::new()));
    files.push(("broken/words.json".to_owned(), b"no log file".to_vec()));
    let mut cut = gzip(&records_file(&[
        event("cut-1", "alice"),
        event("cut-2", "bob"),
    ]));
    cut.truncate(cut.len() - 20);
    files.push(("broken/cut.json.gz".to_owned(), cut));
    files
}

/// The file whose content changes between the two runs of the job, before and after.
pub fn changing() -> [(String, Vec<u8>); 2] {
    let noon = "2026-03-03T12:00:00Z";
    let event = |id: &str| call(id, user("carol"), noon, "s3", "ListBuckets");
    [["was", "stays"], ["is", "stays"]].map(|ids| {
        let bytes = records_file(&ids.map(event));
        ("changing.json".to_owned(), bytes)
    })
}

/// Writes the files of the first run and those of the second one, which are late, into two folders.
pub fn write(folder: &Path) -> [PathBuf; 2] {
    let [before, after] = changing();
    let mut runs = [vec![before], vec![after]];
    for (at, file) in all().into_iter().enumerate() {
        runs[at % 2].push(file);
    }
    let folders = ["first", "second"].map(|name| folder.join(name));
    for (folder, files) in folders.iter().zip(&runs) {
        for (name, bytes) in files {
            put(folder, name, bytes);
        }
    }
    folders
}

/// Writes one file.
pub fn put(folder: &Path, name: &str, bytes: &[u8]) {
    let path = folder.join(name);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, bytes).unwrap();
}
