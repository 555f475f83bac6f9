//! Log files in a bucket, over a real server on loopback that fails as it is told.

mod lake;
mod listing;
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
