//! Lakes in a bucket, as a user keeps and asks them.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use serde_json::Value;

use super::super::support::s3::{Fault, KEY, Server};
use super::super::support::{Ran, project, rolecall, rolecall_with};
use super::{ACCOUNT, SECRET, key, log_file, run, run_as};

const LAKE: &str = "s3://lake/team/rolecall";

fn folder_of(server: &Server) -> PathBuf {
    server.folder.path().join("lake/team/rolecall")
}

/// A lake of the sample stories in the bucket.
fn lake_of_stories(server: &Server, folder: &Path) {
    let stories = project().join("sample-logs/stories");
    let ran = run(
        server,
        folder,
        &["ingest", stories.to_str().unwrap(), "--lake", LAKE],
    );
    assert_eq!(ran.code, 3, "{}", ran.stderr);
}

fn ask(server: &Server, folder: &Path, sql: &str) -> Ran {
    run(server, folder, &["sql", sql, "--lake", LAKE])
}

/// Bytes and requests that a command told of the lake.
fn traffic(ran: &Ran) -> (u64, u64) {
    let line = ran
        .stderr
        .lines()
        .find_map(|line| line.strip_prefix("s3://lake/team/rolecall: "));
    let line = line.unwrap_or_else(|| panic!("{}", ran.stderr));
    let requests = line.split(' ').next().unwrap().parse().unwrap();
    let bytes = line
        .split(", ")
        .nth(1)
        .unwrap()
        .strip_suffix(" came")
        .unwrap();
    (
        requests,
        bytes.parse::<bytesize::ByteSize>().unwrap().as_u64(),
    )
}

#[test]
fn a_lake_in_a_bucket_answers_as_one_on_disk() {
    let server = Server::new();
    let folder = tempfile::tempdir().unwrap();
    lake_of_stories(&server, folder.path());
    let stories = project().join("sample-logs/stories");
    rolecall(
        folder.path(),
        &["ingest", stories.to_str().unwrap(), "--lake", "lake"],
    );
    let commands: [&[&str]; 8] = [
        &["status"],
        &["review"],
        &["sessions"],
        &["switches"],
        &["timeline", "--principal", "alice"],
        &["permissions"],
        &["query", "hats/worn"],
        &[
            "sql",
            "SELECT * FROM attributed_events ORDER BY event_time, event_id",
        ],
    ];
    for command in commands {
        let here = rolecall(folder.path(), &[command, &["--lake", "lake"]].concat());
        let there = run(
            &server,
            folder.path(),
            &[command, &["--lake", LAKE]].concat(),
        );
        assert_eq!(here.code, there.code, "{command:?}: {}", there.stderr);
        assert_eq!(without_time(&here), without_time(&there), "{command:?}");
    }
    // Nobody left a mark, and there is nothing but what the manifest names.
    let left: Vec<_> = std::fs::read_dir(folder_of(&server))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name == "lock" || name == "staging")
        .collect();
    assert!(left.is_empty(), "{left:?}");
    let marks = std::fs::read_dir(folder_of(&server).join("readers"));
    assert_eq!(marks.map_or(0, Iterator::count), 0);
}

/// The answer without what tells when and from where a run took its files.
fn without_time(ran: &Ran) -> Vec<Value> {
    ran.stdout
        .lines()
        .map(|line| {
            let mut row: Value = serde_json::from_str(line).unwrap();
            if let Some(row) = row.as_object_mut() {
                row.remove("ingested_at");
            }
            row
        })
        .collect()
}

#[test]
fn a_bucket_of_logs_goes_into_a_bucket_of_a_lake_and_is_kept_there() {
    let server = Server::new();
    let folder = tempfile::tempdir().unwrap();
    let days = ["2026-03-01", "2026-03-02", "2026-03-03"];
    for (number, day) in days.iter().enumerate() {
        server.put(
            &key(ACCOUNT, "us-east-1", day, number),
            &log_file(&format!("event-{number}"), day),
        );
    }
    let first = ingest_into_bucket(&server, folder.path());
    let again = ingest_into_bucket(&server, folder.path());
    assert_eq!(
        (&first["events"], &first["files_read"]),
        (&3.into(), &3.into())
    );
    assert_eq!(
        (&again["events"], &again["files_known"]),
        (&0.into(), &3.into())
    );
    let ran = run(
        &server,
        folder.path(),
        &["prune", "--before", "2026-03-02", "--lake", LAKE],
    );
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    let ran = ask(&server, folder.path(), "SELECT count(*) AS n FROM events");
    assert_eq!(ran.stdout, "{\"n\":2}\n", "{}", ran.stderr);
    // A tool that takes whatever lies there finds each row once.
    let files = walkdir::WalkDir::new(folder_of(&server).join("events"));
    let files = files.into_iter().flatten().filter(|entry| {
        let path = entry.path();
        path.extension().is_some_and(|ending| ending == "parquet")
    });
    assert_eq!(files.count(), 2);
}

fn ingest_into_bucket(server: &Server, folder: &Path) -> Value {
    let ran = run(server, folder, &["ingest", "s3://trail", "--lake", LAKE]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    serde_json::from_str(ran.stdout.trim()).unwrap()
}

#[test]
fn a_day_is_read_and_not_the_whole_lake() {
    let server = Server::new();
    let folder = tempfile::tempdir().unwrap();
    lake_of_stories(&server, folder.path());
    let whole = ask(&server, folder.path(), "SELECT event_id FROM events");
    let one = ask(
        &server,
        folder.path(),
        "SELECT event_id FROM events WHERE event_time >= '2026-03-03' AND event_time < '2026-03-04'",
    );
    assert!(one.stdout.lines().count() > 3);
    let ((all, all_bytes), (some, some_bytes)) = (traffic(&whole), traffic(&one));
    assert!(
        some * 3 < all && some_bytes * 3 < all_bytes,
        "{some} of {all}"
    );
}

#[test]
fn throttling_and_lost_answers_change_nothing() {
    let server = Server::new();
    let folder = tempfile::tempdir().unwrap();
    let asked = AtomicU64::new(0);
    server.fail(move |path, _| {
        let number = asked.fetch_add(1, Ordering::SeqCst);
        if path.contains("/manifest/") && number.is_multiple_of(2) {
            Fault::AnswerLost
        } else if number % 5 == 3 {
            Fault::SlowDown
        } else {
            Fault::None
        }
    });
    lake_of_stories(&server, folder.path());
    server.fail(|_, _| Fault::None);
    let ran = ask(
        &server,
        folder.path(),
        "SELECT count(*) AS n, count(DISTINCT event_id) AS ids FROM events",
    );
    assert_eq!(ran.stdout, "{\"n\":61,\"ids\":61}\n", "{}", ran.stderr);
}

#[test]
fn who_may_only_read_can_ask() {
    let server = Server::new();
    let folder = tempfile::tempdir().unwrap();
    lake_of_stories(&server, folder.path());
    server.fail(|_, _| Fault::ReadOnly);
    let ran = ask(&server, folder.path(), "SELECT count(*) AS n FROM events");
    assert_eq!(
        (ran.code, ran.stdout.as_str()),
        (0, "{\"n\":61}\n"),
        "{}",
        ran.stderr
    );
    let ran = run(&server, folder.path(), &["resolve", "--lake", LAKE]);
    insta::assert_snapshot!(told(&ran), @"
    exit 1
    error: cannot write `s3://lake/team/rolecall/lock`
    hint: the identity needs s3:ListBucket on the bucket, and s3:GetObject, s3:PutObject and s3:DeleteObject below the prefix; docs/s3.md has the policy
    ");
}

/// How it ended, and the words without what the server says of itself.
fn told(ran: &Ran) -> String {
    let lines = ran.stderr.lines();
    let lines = lines.filter(|line| !line.starts_with("  because:") && !line.starts_with("    "));
    format!(
        "exit {}\n{}",
        ran.code,
        lines.collect::<Vec<_>>().join("\n")
    )
}

#[test]
fn a_lake_that_is_not_there_and_a_bucket_that_may_not_be_read_are_told() {
    let server = Server::new();
    let folder = tempfile::tempdir().unwrap();
    let ran = run(&server, folder.path(), &["status", "--lake", LAKE]);
    insta::assert_snapshot!(told(&ran), @"
    exit 1
    error: `s3://lake/team/rolecall` is not a rolecall lake
    hint: name the lake with `--lake` or `ROLECALL_LAKE`, or make one with `rolecall ingest SOURCE`
    ");
    let ran = run(
        &server,
        folder.path(),
        &["status", "--lake", "s3://nowhere/lake"],
    );
    insta::assert_snapshot!(told(&ran), @"
    exit 1
    error: cannot read `s3://nowhere`: NoSuchBucket
    hint: check the bucket's name and the account; `aws s3 ls` lists the buckets of an account
    ");
    let ran = run(&server, folder.path(), &["status", "--lake", "s3://"]);
    insta::assert_snapshot!(told(&ran), @"
    exit 2
    error: `s3://` names no bucket
    hint: write `s3://BUCKET/PREFIX`
    ");
    let ran = run(
        &server,
        folder.path(),
        &["status", "--lake", "s3://lake/a//b"],
    );
    insta::assert_snapshot!(told(&ran), @"
    exit 2
    error: the prefix of `s3://lake/a//b` is none that a lake can have
    hint: name one without empty parts, `.`, `..` and control characters
    ");
    let ran = run_as(
        &server,
        folder.path(),
        &["status", "--lake", LAKE],
        "another/secret",
    );
    insta::assert_snapshot!(told(&ran), @"
    exit 1
    error: cannot read folder `s3://lake/team/rolecall/manifest`
    hint: check the credentials: the access key is not known, or its secret is another one
    ");
    // Other people's objects stay as they are.
    std::fs::create_dir_all(folder_of(&server)).unwrap();
    std::fs::write(folder_of(&server).join("letter.txt"), "dear").unwrap();
    let stories = project().join("sample-logs/stories");
    let ran = run(
        &server,
        folder.path(),
        &["ingest", stories.to_str().unwrap(), "--lake", LAKE],
    );
    insta::assert_snapshot!(told(&ran), @"
    exit 1
    error: `s3://lake/team/rolecall` holds other files and no lake; nothing was written
    hint: name a new or empty folder with `--lake`
    ");
}

#[test]
fn the_environment_may_name_lake_and_server() {
    let server = Server::new();
    let folder = tempfile::tempdir().unwrap();
    lake_of_stories(&server, folder.path());
    let environment = [
        ("AWS_ACCESS_KEY_ID", KEY),
        ("AWS_SECRET_ACCESS_KEY", SECRET),
        ("AWS_EC2_METADATA_DISABLED", "true"),
        ("AWS_REGION", "us-east-1"),
        ("AWS_ENDPOINT_URL_S3", server.url.as_str()),
        ("ROLECALL_LAKE", LAKE),
    ];
    let asked = ["sql", "SELECT count(*) AS n FROM events"];
    let ran = rolecall_with(folder.path(), &asked, &environment);
    assert_eq!(ran.stdout, "{\"n\":61}\n", "{}", ran.stderr);
}
