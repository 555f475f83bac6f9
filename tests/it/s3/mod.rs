//! Log files in a bucket, over a real server on loopback that fails as it is told.

mod lake;
mod queue;

use std::path::Path;

use super::support::records::{call, records_file, user};
use super::support::s3::{Fault, KEY, SECRET, Server};
use super::support::{Ran, gzip, rolecall_with, tables_in};
use serde_json::Value;

/// The key of a log file as CloudTrail names it.
fn key(account: &str, region: &str, day: &str, number: usize) -> String {
    let path = day.replace('-', "/");
    let stamp = day.replace('-', "");
    format!(
        "AWSLogs/{account}/CloudTrail/{region}/{path}/{account}_CloudTrail_{region}_{stamp}T09{:02}Z_{number:06}.json.gz",
        number % 60
    )
}

fn log_file(id: &str, day: &str) -> Vec<u8> {
    let time = format!("{day}T09:00:00Z");
    let event = call(id, user("alice"), &time, "s3", "ListBuckets");
    gzip(&records_file(&[event]))
}

/// Runs the command with the server's credentials.
fn run(server: &Server, folder: &Path, arguments: &[&str]) -> Ran {
    run_as(server, folder, arguments, SECRET)
}

fn run_as(server: &Server, folder: &Path, arguments: &[&str], secret: &str) -> Ran {
    let environment = [
        ("AWS_ACCESS_KEY_ID", KEY),
        ("AWS_SECRET_ACCESS_KEY", secret),
        ("AWS_EC2_METADATA_DISABLED", "true"),
        ("AWS_CONFIG_FILE", "/nonexistent"),
        ("AWS_SHARED_CREDENTIALS_FILE", "/nonexistent"),
    ];
    let endpoint = [
        "--endpoint-url",
        server.url.as_str(),
        "--aws-region",
        "us-east-1",
    ];
    rolecall_with(folder, &[arguments, &endpoint].concat(), &environment)
}

/// Ingests a part of the bucket and returns the books.
fn ingest(server: &Server, folder: &Path, source: &str, more: &[&str]) -> (Value, Ran) {
    let arguments = ["ingest", source, "--lake", "lake"];
    let ran = run(server, folder, &[&arguments, more].concat());
    let books =
        serde_json::from_str(ran.stdout.trim()).unwrap_or_else(|_| panic!("{}", ran.stderr));
    (books, ran)
}

const ACCOUNT: &str = "111122223333";
const OTHER: &str = "444455556666";

/// Three days of two accounts and two regions, three log files in each.
fn estate(server: &Server) -> usize {
    let mut count = 0;
    for account in [ACCOUNT, OTHER] {
        for region in ["us-east-1", "eu-west-1"] {
            for day in ["2026-03-01", "2026-03-02", "2026-03-03"] {
                for number in 0..3 {
                    let id = format!("{account}-{region}-{day}-{number}");
                    server.put(&key(account, region, day, number), &log_file(&id, day));
                    count += 1;
                }
            }
        }
    }
    server.put(
        &format!("AWSLogs/{ACCOUNT}/CloudTrail-Digest/us-east-1/2026/03/01/d.json.gz"),
        b"x",
    );
    server.put(
        &format!("AWSLogs/{ACCOUNT}/Config/us-east-1/2026/3/1/c.json.gz"),
        b"x",
    );
    count
}

#[test]
fn a_bucket_gives_the_tables_that_its_copy_on_disk_gives() {
    let server = Server::new();
    let count = estate(&server);
    let folder = tempfile::tempdir().unwrap();
    let (books, ran) = ingest(&server, folder.path(), "s3://trail", &[]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    assert_eq!(books["files_read"], count, "{books}");
    assert_eq!(books["events"], count);
    let copy = tempfile::tempdir().unwrap();
    super::support::copy_folder(&server.bucket(), &copy.path().join("logs"));
    // Digests and other services' files are none that were asked for in the bucket.
    for other in ["CloudTrail-Digest", "Config"] {
        std::fs::remove_dir_all(copy.path().join(format!("logs/AWSLogs/{ACCOUNT}/{other}")))
            .unwrap();
    }
    let on_disk = super::support::rolecall(copy.path(), &["ingest", "logs", "--lake", "lake"]);
    assert_eq!(on_disk.code, 0, "{}", on_disk.stderr);
    let without_place = |root: &Path| {
        let mut rows: Vec<String> = tables_in(root)
            .into_iter()
            .filter(|row| !row.starts_with("log_files "))
            .collect();
        rows.sort();
        rows
    };
    assert_eq!(
        without_place(&folder.path().join("lake")),
        without_place(&copy.path().join("lake"))
    );
}

#[test]
fn a_second_run_lists_and_reads_nothing_and_a_changed_object_is_noticed() {
    let server = Server::new();
    let count = estate(&server) as u64;
    let folder = tempfile::tempdir().unwrap();
    ingest(&server, folder.path(), "s3://trail", &[]);
    let (_, gets, _) = server.take_counts();
    assert_eq!(gets, count);
    let (books, _) = ingest(&server, folder.path(), "s3://trail/AWSLogs/", &[]);
    assert_eq!(books["files_known"], count, "{books}");
    let (_, gets, _) = server.take_counts();
    assert_eq!(gets, 0, "a known object is known by its ETag");
    let changed = key(OTHER, "eu-west-1", "2026-03-02", 1);
    server.put(&changed, &log_file("new content", "2026-03-02"));
    let (books, ran) = ingest(&server, folder.path(), "s3://trail", &[]);
    assert_eq!(books["files_replaced"], 1, "{}", ran.stderr);
    assert_eq!(books["files_known"], count - 1);
    assert_eq!(books["events"], 1);
}

#[test]
fn a_lake_that_was_begun_from_a_copy_goes_on_from_the_bucket() {
    let server = Server::new();
    let count = estate(&server) as u64;
    let folder = tempfile::tempdir().unwrap();
    super::support::copy_folder(&server.bucket(), &folder.path().join("logs"));
    let logs = folder.path().join("logs").join("AWSLogs");
    for other in ["CloudTrail-Digest", "Config"] {
        std::fs::remove_dir_all(logs.join(ACCOUNT).join(other)).unwrap();
    }
    super::support::rolecall(folder.path(), &["ingest", "logs", "--lake", "lake"]);
    // The first time the content is compared, and its ETag noted.
    let (books, ran) = ingest(&server, folder.path(), "s3://trail", &[]);
    assert_eq!(books["files_known"], count, "{}", ran.stderr);
    server.take_counts();
    let (books, ran) = ingest(&server, folder.path(), "s3://trail", &[]);
    assert_eq!(books["files_known"], count, "{}", ran.stderr);
    assert_eq!(server.take_counts().1, 0);
}

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
fn throttling_and_cut_bodies_pass_and_nothing_is_lost() {
    let server = Server::new();
    let records: Vec<Value> = (0..4000)
        .map(|n| {
            call(
                &format!("event-{n}"),
                user("alice"),
                "2026-03-01T09:00:00Z",
                "s3",
                "ListBuckets",
            )
        })
        .collect();
    let large = gzip(&records_file(&records));
    assert!(large.len() > 30_000, "{}", large.len());
    server.put(&key(ACCOUNT, "us-east-1", "2026-03-01", 0), &large);
    server.put(
        &key(ACCOUNT, "us-east-1", "2026-03-01", 1),
        &log_file("small", "2026-03-01"),
    );
    let asked = std::sync::atomic::AtomicUsize::new(0);
    server.fail(move |path, query| {
        let asked = asked.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
        match asked % 3 {
            0 => Fault::SlowDown,
            1 if path.ends_with(".gz") && !query.contains("list-type") => Fault::CutAt(10_000),
            _ => Fault::None,
        }
    });
    let folder = tempfile::tempdir().unwrap();
    let (books, ran) = ingest(&server, folder.path(), "s3://trail", &[]);
    assert_eq!(
        (ran.code, &books["events"]),
        (0, &4001.into()),
        "{}",
        ran.stderr
    );
}

#[test]
fn what_one_object_refuses_is_reported_and_taken_the_next_time() {
    let faults = [
        (Fault::Denied, "AccessDenied"),
        (Fault::Gone, "removed after it was listed"),
        (Fault::Archived, "restored"),
        (Fault::CutAt(5), "connection closed"),
    ];
    for (fault, words) in faults {
        let server = Server::new();
        for number in 0..3 {
            let id = format!("event-{number}");
            server.put(
                &key(ACCOUNT, "us-east-1", "2026-03-01", number),
                &log_file(&id, "2026-03-01"),
            );
        }
        let bad = key(ACCOUNT, "us-east-1", "2026-03-01", 1);
        server.fail(move |path, query| {
            if path.ends_with(&bad) && !query.contains("list-type") {
                fault
            } else {
                Fault::None
            }
        });
        let folder = tempfile::tempdir().unwrap();
        let (books, ran) = ingest(&server, folder.path(), "s3://trail", &[]);
        assert_eq!(
            (ran.code, &books["events"]),
            (3, &2.into()),
            "{fault:?} {}",
            ran.stderr
        );
        let rejected = run(&server, folder.path(), &["ingest", "--help"]);
        assert_eq!(rejected.code, 0);
        let told = super::support::rolecall(
            folder.path(),
            &[
                "sql",
                "SELECT reason, detail FROM rejected",
                "--lake",
                "lake",
            ],
        );
        assert!(
            told.stdout.contains("unreadable") && told.stdout.contains(words),
            "{fault:?} {}",
            told.stdout
        );
        server.fail(|_, _| Fault::None);
        let (books, ran) = ingest(&server, folder.path(), "s3://trail", &[]);
        assert_eq!(
            (ran.code, &books["events"]),
            (0, &1.into()),
            "{fault:?} {}",
            ran.stderr
        );
        let left = super::support::rolecall(
            folder.path(),
            &["sql", "SELECT * FROM rejected", "--lake", "lake"],
        );
        assert_eq!(left.stdout, "", "{fault:?}");
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
fn a_bucket_that_cannot_be_read_says_why_and_writes_nothing() {
    let server = Server::new();
    estate(&server);
    let folder = tempfile::tempdir().unwrap();
    let missing = run(
        &server,
        folder.path(),
        &["ingest", "s3://no-such-bucket/x", "--lake", "lake"],
    );
    assert_eq!(missing.code, 2, "{}", missing.stderr);
    assert!(
        missing.stderr.contains("NoSuchBucket"),
        "{}",
        missing.stderr
    );
    let wrong = run_as(
        &server,
        folder.path(),
        &["ingest", "s3://trail", "--lake", "lake"],
        "another",
    );
    assert_eq!(wrong.code, 2, "{}", wrong.stderr);
    assert!(
        wrong.stderr.contains("SignatureDoesNotMatch"),
        "{}",
        wrong.stderr
    );
    assert!(wrong.stderr.contains("hint:"), "{}", wrong.stderr);
    let nameless = run(
        &server,
        folder.path(),
        &["ingest", "s3://", "--lake", "lake"],
    );
    assert_eq!(nameless.code, 2, "{}", nameless.stderr);
    let none = rolecall_with(
        folder.path(),
        &[
            "ingest",
            "s3://trail",
            "--lake",
            "lake",
            "--endpoint-url",
            &server.url,
        ],
        &[("AWS_EC2_METADATA_DISABLED", "true")],
    );
    assert_eq!(none.code, 2, "{}", none.stderr);
    assert!(none.stderr.contains("credentials"), "{}", none.stderr);
    assert!(!folder.path().join("lake").exists());
}

#[test]
fn many_requests_are_on_their_way_at_once_and_no_more_than_asked_for() {
    let server = Server::new();
    for number in 0..60 {
        server.put(
            &key(ACCOUNT, "us-east-1", "2026-03-01", number),
            &log_file(&format!("event-{number}"), "2026-03-01"),
        );
    }
    server.fail(|_, query| {
        if query.contains("list-type") {
            Fault::None
        } else {
            Fault::Late(30)
        }
    });
    let mut most = Vec::new();
    for requests in ["1", "16"] {
        let folder = tempfile::tempdir().unwrap();
        server.take_counts();
        let (books, ran) = ingest(
            &server,
            folder.path(),
            "s3://trail",
            &["--requests", requests],
        );
        assert_eq!(books["events"], 60, "{}", ran.stderr);
        most.push(server.take_counts().2);
    }
    assert!(most[0] <= 4 && most[1] > 8 && most[1] <= 20, "{most:?}");
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
