//! What of a bucket is listed: what was asked for, each object once, and not from the beginning every time.

use serde_json::Value;

use super::super::support::s3::{Fault, Server};
use super::{ACCOUNT, OTHER, estate, ingest, key, log_file, run};

#[test]
fn only_what_is_asked_for_is_listed() {
    let server = Server::new();
    estate(&server);
    let folder = tempfile::tempdir().unwrap();
    let day = ["--from", "2026-03-02", "--to", "2026-03-02"];
    let (books, ran) = ingest(&server, folder.path(), "s3://trail/", &day);
    // The day after is read too, since delivery lags.
    assert_eq!(books["files_read"], 2 * 2 * 2 * 3, "{}", ran.stderr);
    let (lists, ..) = server.take_counts();
    // The bucket, `AWSLogs`, two accounts, two kinds of logs, four regions.
    assert_eq!(lists, 1 + 1 + 2 + 2 + 4, "{}", ran.stderr);
    let one = ["--account", ACCOUNT, "--region", "eu-west-1"];
    let (books, ran) = ingest(
        &server,
        folder.path(),
        "s3://trail",
        &[day.as_slice(), &one].concat(),
    );
    assert_eq!(books["files_known"], 2 * 3, "{}", ran.stderr);
    assert_eq!(server.take_counts().0, 5, "{}", ran.stderr);
}

#[test]
fn other_layouts_are_listed_as_they_are() {
    let server = Server::new();
    let day = "2026-03-01";
    let under = |prefix: &str, n: usize| format!("{prefix}{}", key(ACCOUNT, "us-east-1", day, n));
    for (at, name) in [
        under("", 0),
        under("teams/security/", 1),
        under("o-abc123/", 2),
        format!(
            "AWSLogs/o-abc123/{}",
            key(OTHER, "us-east-1", day, 3).trim_start_matches("AWSLogs/")
        ),
        "export/flat.json.gz".to_owned(),
        "export/deep/er/and/deeper/still.json".to_owned(),
        "top.json.gz".to_owned(),
    ]
    .into_iter()
    .enumerate()
    {
        server.put(&name, &log_file(&format!("event-{at}"), day));
    }
    server.put("export/readme.txt", b"no log");
    let folder = tempfile::tempdir().unwrap();
    let (books, ran) = ingest(&server, folder.path(), "s3://trail", &[]);
    assert_eq!(
        (&books["files_read"], &books["events"]),
        (&7.into(), &7.into()),
        "{}",
        ran.stderr
    );
    assert_eq!(books["files_skipped"], 1);
    // A part of it, with and without a slash; a sibling that begins alike is not meant.
    server.put("export-2/other.json", &log_file("event-8", day));
    for source in ["s3://trail/export", "s3://trail/export/"] {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(
            ingest(&server, folder.path(), source, &[]).0["files_read"],
            2,
            "{source}"
        );
    }
    // One object.
    let folder = tempfile::tempdir().unwrap();
    assert_eq!(
        ingest(
            &server,
            folder.path(),
            "s3://trail/export/flat.json.gz",
            &[]
        )
        .0["files_read"],
        1
    );
}

#[test]
fn more_objects_than_a_page_are_found_each_once() {
    let server = Server::new();
    let mut wanted = 0;
    for month in ["2026-01", "2026-02", "2026-03"] {
        for day in [1, 28] {
            let day = format!("{month}-{day:02}");
            for number in 0..600 {
                server.put(
                    &key(ACCOUNT, "us-east-1", &day, number),
                    b"{\"Records\":[]}",
                );
                wanted += 1;
            }
        }
    }
    let folder = tempfile::tempdir().unwrap();
    let (books, ran) = ingest(&server, folder.path(), "s3://trail", &[]);
    assert_eq!(books["files"], wanted, "{}", ran.stderr);
    let (books, ran) = ingest(
        &server,
        folder.path(),
        "s3://trail",
        &["--from", "2026-02-01", "--to", "2026-02-27"],
    );
    assert_eq!(books["files"], 1200, "{}", ran.stderr);
}

#[test]
fn any_part_of_a_long_region_is_listed_whole() {
    let server = Server::new();
    // More than a page in each month, on days of every kind.
    for day in [
        "2026-01-03",
        "2026-01-15",
        "2026-02-03",
        "2026-02-19",
        "2026-03-02",
        "2026-03-21",
    ] {
        for number in 0..520 {
            server.put(&key(ACCOUNT, "us-east-1", day, number), b"{\"Records\":[]}");
        }
    }
    let region = format!("s3://trail/AWSLogs/{ACCOUNT}/CloudTrail/us-east-1");
    let cases: [(&str, &[&str], u64); 8] = [
        ("", &["--from", "2026-02-01", "--to", "2026-02-19"], 2),
        ("", &[], 6),
        ("/", &[], 6),
        ("/", &["--from", "2026-01-10"], 5),
        ("", &["--from", "2026-02-01"], 4),
        ("/", &["--to", "2026-02-10"], 3),
        ("/", &["--from", "2026-01-01", "--to", "2026-01-31"], 2),
        ("/2026/02/", &[], 2),
    ];
    for (part, days, wanted) in cases {
        let folder = tempfile::tempdir().unwrap();
        let (books, ran) = ingest(&server, folder.path(), &format!("{region}{part}"), days);
        assert_eq!(
            books["files"],
            wanted * 520,
            "{part} {days:?} {}",
            ran.stderr
        );
    }
}

#[test]
fn a_folder_that_may_not_be_listed_is_reported_and_the_rest_is_read() {
    let server = Server::new();
    let count = estate(&server);
    server.fail(|_, query| {
        if query.contains(OTHER) && query.contains("eu-west-1") {
            Fault::Denied
        } else {
            Fault::None
        }
    });
    let folder = tempfile::tempdir().unwrap();
    let (books, ran) = ingest(&server, folder.path(), "s3://trail", &[]);
    assert_eq!(ran.code, 3, "{}", ran.stderr);
    assert_eq!(books["files_read"], count - 9, "{}", ran.stderr);
    assert_eq!(books["files_rejected"], 1);
}

#[test]
fn a_listing_resumes_where_the_last_whole_reading_ended() {
    let server = Server::new();
    let count = estate(&server);
    let folder = tempfile::tempdir().unwrap();
    let day_before = |days: u64| {
        let today = chrono::Utc::now().date_naive();
        (today - chrono::Days::new(days)).to_string()
    };
    let put = |days: u64, number: usize| {
        let day = day_before(days);
        let id = format!("{days} days before, {number}");
        server.put(
            &key(ACCOUNT, "us-east-1", &day, number),
            &log_file(&id, &day),
        );
    };
    let resume = |more: &[&str]| {
        let flags = [&["--resume"], more].concat();
        ingest(&server, folder.path(), "s3://trail", &flags)
    };
    let (books, ran) = resume(&[]);
    assert_eq!(books["files_read"], count, "{}", ran.stderr);
    assert!(ran.stderr.contains("listing all"), "{}", ran.stderr);

    // Late by a day, and by more than is looked back.
    put(1, 1);
    put(9, 2);
    let (books, ran) = resume(&[]);
    assert_eq!(
        (&books["files"], &books["files_read"]),
        (&1.into(), &1.into())
    );
    let from = format!("listing from {}", day_before(2));
    assert!(ran.stderr.contains(&from), "{}", ran.stderr);
    let wide = ["ingest", "s3://trail", "--lake", "lake", "--resume=10d"];
    let ran = run(&server, folder.path(), &wide);
    assert!(ran.stdout.contains("\"files_read\":1,"), "{}", ran.stdout);

    // What could not be read is tried again, however late: the day stays.
    put(0, 3);
    server.fail(|path, _| {
        if path.ends_with("000003.json.gz") {
            Fault::Denied
        } else {
            Fault::None
        }
    });
    let (_, ran) = resume(&[]);
    assert_eq!(ran.code, 3);
    server.fail(|_, _| Fault::None);
    let (books, _) = resume(&[]);
    assert_eq!(books["files_read"], 1);

    // Another part of the bucket was never read as a whole.
    let (_, ran) = ingest(&server, folder.path(), "s3://trail/AWSLogs/", &["--resume"]);
    assert!(ran.stderr.contains("listing all"), "{}", ran.stderr);
    let ran = run(&server, folder.path(), &["ingest", "logs", "--resume"]);
    assert_eq!(ran.code, 2, "{}", ran.stderr);
    assert!(
        ran.stderr.contains("`--resume` is for buckets"),
        "{}",
        ran.stderr
    );
}

#[test]
fn a_reading_of_a_part_leaves_no_day_to_resume_at() {
    let server = Server::new();
    estate(&server);
    let folder = tempfile::tempdir().unwrap();
    for part in [
        &["--from", "2026-03-03"][..],
        &["--to", "2026-03-02"],
        &["--account", ACCOUNT],
        &["--region", "us-east-1"],
    ] {
        ingest(&server, folder.path(), "s3://trail", part);
        let manifests = std::fs::read_dir(folder.path().join("lake/manifest")).unwrap();
        for manifest in manifests {
            let text = std::fs::read_to_string(manifest.unwrap().path()).unwrap();
            assert!(!text.contains("walked"), "{part:?}: {text}");
        }
    }
}

#[test]
fn a_folder_that_is_not_there_and_a_pattern_are_refused() {
    let server = Server::new();
    estate(&server);
    let folder = tempfile::tempdir().unwrap();
    for (source, hint) in [
        ("s3://trail/nothing", "check the spelling"),
        ("s3://trail/AWSLogs/1111", "check the spelling"),
        ("s3://trail/AWSLogs/*", "patterns are for files on disk"),
    ] {
        let ran = run(
            &server,
            folder.path(),
            &["ingest", source, "--lake", "lake"],
        );
        assert_eq!(ran.code, 2, "{source}: {}", ran.stderr);
        assert!(ran.stderr.contains("nothing lies under"), "{}", ran.stderr);
        assert!(ran.stderr.contains(hint), "{}", ran.stderr);
        assert!(!folder.path().join("lake").exists());
    }
    // A region without logs of the days that are asked for is no mistake.
    let region = format!("s3://trail/AWSLogs/{ACCOUNT}/CloudTrail/us-east-1/");
    let (books, ran) = ingest(&server, folder.path(), &region, &["--from", "2026-05-01"]);
    assert_eq!(
        (ran.code, &books["files"]),
        (0, &0.into()),
        "{}",
        ran.stderr
    );
    assert!(
        ran.stderr.contains("of a bucket only what"),
        "{}",
        ran.stderr
    );
}

#[test]
fn a_reading_of_an_empty_bucket_leaves_no_day_to_resume_at() {
    let server = Server::new();
    let folder = tempfile::tempdir().unwrap();
    let (books, _) = ingest(&server, folder.path(), "s3://trail", &["--resume"]);
    assert_eq!(books["files"], 0);
    let count = estate(&server);
    let (books, ran) = ingest(&server, folder.path(), "s3://trail", &["--resume"]);
    assert_eq!(books["files_read"], count, "{}", ran.stderr);
}

#[test]
fn a_lake_among_the_logs_is_not_read_as_one_of_them() {
    let server = Server::new();
    let count = estate(&server);
    let folder = tempfile::tempdir().unwrap();
    for _ in 0..2 {
        let arguments = ["ingest", "s3://trail", "--lake", "s3://trail/rolecall"];
        let ran = run(&server, folder.path(), &arguments);
        assert_eq!(ran.code, 0, "{}", ran.stderr);
        let books: Value = serde_json::from_str(ran.stdout.trim()).unwrap();
        assert_eq!(books["files"], count);
    }
}
