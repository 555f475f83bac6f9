//! Each failure names the thing, the reason and what to do, and has its exit code.

use super::support::records::{call, records_file, user};
use super::support::{TempLake, rolecall};

#[test]
fn a_source_that_is_not_there() {
    let folder = tempfile::tempdir().unwrap();
    let ran = rolecall(folder.path(), &["ingest", "no/such/folder"]);
    insta::assert_snapshot!(ran.shown(folder.path()), @"
    exit 2
    --- stdout
    --- stderr
    error: no such file or folder: `no/such/folder`
    hint: check the spelling; folders are read with all their subfolders
    ");
    assert_eq!(
        std::fs::read_dir(folder.path()).unwrap().count(),
        0,
        "nothing was written"
    );
}

#[test]
fn what_was_mistyped_is_shown_without_its_controls() {
    let folder = tempfile::tempdir().unwrap();
    for arguments in [["--la\u{1b}[31mke", "x"], ["qu\u{202e}ery", "x"]] {
        let ran = rolecall(folder.path(), &arguments);
        assert_eq!(ran.code, 2, "{}", ran.stderr);
        assert!(
            !ran.stderr.contains(['\u{1b}', '\u{202e}']),
            "{:?}",
            ran.stderr
        );
        // The parser of arguments takes whole escape sequences out by itself.
        assert!(
            ran.stderr.contains("\\u{202e}") || ran.stderr.contains("--lake"),
            "{:?}",
            ran.stderr
        );
    }
}

#[test]
fn a_file_that_is_replaced_keeps_its_mode() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = tempfile::tempdir().unwrap();
    let report = folder.path().join("report.json");
    std::fs::write(&report, "old").unwrap();
    std::fs::set_permissions(&report, std::fs::Permissions::from_mode(0o600)).unwrap();
    let ran = rolecall(folder.path(), &["schema", "--output", "report.json"]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    let mode = report.metadata().unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    assert_ne!(std::fs::read_to_string(&report).unwrap(), "old");
}

#[test]
fn a_question_that_needs_more_memory_says_which_flag_gives_it() {
    let lake = TempLake::of(&[call(
        "1",
        user("alice"),
        "2026-03-02T09:00:00Z",
        "s3",
        "ListBuckets",
    )]);
    let ran = rolecall(
        lake.folder.path(),
        &[
            "sql",
            "SELECT * FROM events ORDER BY event_id",
            "--lake",
            "lake",
            "--memory",
            "1KiB",
        ],
    );
    assert_eq!(ran.code, 1, "{}", ran.stderr);
    assert!(ran.stderr.contains("--memory"), "{}", ran.stderr);
}

#[test]
fn a_lake_that_is_not_there() {
    let folder = tempfile::tempdir().unwrap();
    let ran = rolecall(folder.path(), &["status"]);
    insta::assert_snapshot!(ran.shown(folder.path()), @"
    exit 1
    --- stdout
    --- stderr
    error: `rolecall-lake` is not a rolecall lake
    hint: name the lake with `--lake` or `ROLECALL_LAKE`, or make one with `rolecall ingest SOURCE`
    ");
}

#[test]
fn a_lake_of_a_newer_format() {
    let lake = TempLake::of(&[call(
        "1",
        user("alice"),
        "2026-03-02T09:00:00Z",
        "s3",
        "ListBuckets",
    )]);
    std::fs::write(
        lake.root().join("manifest/00000099.json"),
        r#"{"format":6,"version":99}"#,
    )
    .unwrap();
    let ran = rolecall(lake.folder.path(), &["status", "--lake", "lake"]);
    insta::assert_snapshot!(ran.shown(lake.folder.path()), @"
    exit 1
    --- stdout
    --- stderr
    error: lake `FOLDER/lake` has format 6; this rolecall reads formats up to 5
    hint: use the rolecall that wrote it, or a newer one
    ");
}

#[test]
fn a_folder_that_holds_other_things_is_no_lake() {
    let lake = TempLake::new();
    lake.put(
        "a.json",
        &records_file(&[call(
            "1",
            user("alice"),
            "2026-03-02T09:00:00Z",
            "s3",
            "ListBuckets",
        )]),
    );
    let ran = rolecall(lake.folder.path(), &["ingest", "logs", "--lake", "logs"]);
    insta::assert_snapshot!(ran.shown(lake.folder.path()), @"
    exit 1
    --- stdout
    --- stderr
    error: `logs` holds other files and no lake; nothing was written
    hint: name a new or empty folder with `--lake`
    ");
}

#[test]
fn a_lake_that_cannot_be_written() {
    let lake = TempLake::new();
    lake.put(
        "a.json",
        &records_file(&[call(
            "1",
            user("alice"),
            "2026-03-02T09:00:00Z",
            "s3",
            "ListBuckets",
        )]),
    );
    std::fs::write(lake.folder.path().join("file"), "").unwrap();
    let ran = rolecall(
        lake.folder.path(),
        &["ingest", "logs", "--lake", "file/lake"],
    );
    insta::assert_snapshot!(ran.shown(lake.folder.path()), @"
    exit 1
    --- stdout
    --- stderr
    error: cannot create folder `file/lake`
      because: Not a directory (os error 20)
    ");
}

#[test]
fn an_unknown_name_and_a_time_that_is_none() {
    let lake = TempLake::of(&[call(
        "1",
        user("alice"),
        "2026-03-02T09:00:00Z",
        "s3",
        "ListBuckets",
    )]);
    let ran = rolecall(lake.folder.path(), &["who", "nobody", "--lake", "lake"]);
    insta::assert_snapshot!(ran.shown(lake.folder.path()), @"
    exit 1
    --- stdout
    --- stderr
    error: `nobody` is no event id, access key, session or instance in this lake
    hint: ids are compared as they are written, or in the case in which AWS writes them; for everything of a person use `rolecall timeline --principal NAME`, for a role `--role`
    ");
    let ran = rolecall(
        lake.folder.path(),
        &["timeline", "--from", "yesterday", "--lake", "lake"],
    );
    insta::assert_snapshot!(ran.shown(lake.folder.path()), @"
    exit 2
    --- stdout
    --- stderr
    error: `--from` is `yesterday`, which is no time
    hint: give RFC 3339 with seconds and zone (2026-03-02T09:00:00Z), a date (2026-03-02), or a span back from now (7d, 12h)
    ");
}

#[test]
fn a_lake_that_lies_elsewhere() {
    let folder = tempfile::tempdir().unwrap();
    let ran = rolecall(folder.path(), &["status", "--lake", "gs://bucket/lake"]);
    insta::assert_snapshot!(ran.shown(folder.path()), @"
    exit 2
    --- stdout
    --- stderr
    error: `gs://bucket/lake` is neither a folder nor in S3, and no lake lies elsewhere
    hint: name a folder or `s3://BUCKET/PREFIX` with `--lake`
    ");
}

#[test]
fn what_is_meant_for_s3_makes_no_folder_here() {
    let lake = TempLake::new();
    let folder = lake.folder.path();
    for arguments in [
        &["ingest", "logs", "--lake", "s3:/lake/x"][..],
        &[
            "sql",
            "SELECT 1",
            "--lake",
            "lake",
            "--output",
            "s3://lake/out.csv",
        ],
    ] {
        let ran = rolecall(folder, arguments);
        assert_eq!(ran.code, 2, "{}", ran.stderr);
        assert!(!folder.join("s3:").exists());
    }
}

#[test]
fn a_given_null_is_a_name_and_no_wildcard() {
    let lake = TempLake::of(&[call(
        "1",
        user("alice"),
        "2026-03-02T09:00:00Z",
        "s3",
        "ListBuckets",
    )]);
    let ran = rolecall(
        lake.folder.path(),
        &["timeline", "--access-key", "null", "--lake", "lake"],
    );
    assert_eq!((ran.code, ran.stdout.as_str()), (0, ""));
}

#[test]
fn a_pattern_that_fits_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let ran = rolecall(folder.path(), &["ingest", "*.json.gz"]);
    insta::assert_snapshot!(ran.shown(folder.path()), @"
    exit 2
    --- stdout
    --- stderr
    error: no file fits the pattern `*.json.gz`
    hint: `*` stays within a folder, `**` goes through all below; folders can be named as they are
    ");
}

#[test]
fn hostile_text_does_nothing_to_the_terminal() {
    let evil = "\u{1b}]0;owned\u{7}\u{1b}[2J\u{9b}31m\u{202e}evil";
    let mut record = call(
        "1",
        user("alice"),
        "2026-03-02T09:00:00Z",
        "s3",
        "ListBuckets",
    );
    record["userAgent"] = evil.into();
    record["userIdentity"]["userName"] = evil.into();
    record["userIdentity"]["arn"] = format!("arn:aws:iam::111122223333:user/{evil}").into();
    let lake = TempLake::new();
    lake.put("a.json", &records_file(&[record]));
    lake.put(&format!("{}.json", "\u{1b}[31m"), b"broken\x1b[2J");
    for format in ["table", "jsonl"] {
        for arguments in [
            vec!["review", "logs"],
            vec!["ingest", "logs", "--lake", "lake"],
            vec!["status", "--lake", "lake"],
            vec!["who", "1", "--lake", "lake"],
            vec!["timeline", "--principal", evil, "--lake", "lake"],
            vec!["timeline", "--lake", "lake"],
            vec!["who", evil, "--lake", "lake"],
            vec!["sql", "SELECT * FROM events", "--lake", "lake"],
            vec!["sql", "SELECT * FROM rejected", "--lake", "lake"],
        ] {
            let mut arguments = arguments;
            arguments.extend(["--format", format]);
            let ran = rolecall(lake.folder.path(), &arguments);
            for text in [&ran.stdout, &ran.stderr] {
                let acts = text
                    .chars()
                    .find(|c| (c.is_control() && *c != '\n') || *c == '\u{202e}');
                assert_eq!(acts, None, "{arguments:?}: {text}");
            }
        }
    }
}
