//! Ingests driven by a queue.

use std::path::Path;

use serde_json::{Value, json};

use super::super::support::s3::{Fault, Server};
use super::{ACCOUNT, key, log_file, run};

fn created(key: &str, size: usize) -> Value {
    let s3 = json!({ "bucket": { "name": "trail" }, "object": { "key": key, "size": size } });
    json!({ "Records": [{ "eventName": "ObjectCreated:Put", "s3": s3 }] })
}

fn take(server: &Server, folder: &Path) -> (i32, Value, String) {
    let url = format!("{}/123456789012/notices", server.url);
    let ran = run(server, folder, &["ingest", "--sqs", &url, "--lake", "lake"]);
    let books =
        serde_json::from_str(ran.stdout.trim()).unwrap_or_else(|_| panic!("{}", ran.stderr));
    (ran.code, books, ran.stderr)
}

#[test]
fn objects_of_every_form_of_message_are_taken_and_the_messages_go() {
    let server = Server::new();
    let day = "2026-03-01";
    let mut sizes = Vec::new();
    for number in 0..4 {
        let bytes = log_file(&format!("event-{number}"), day);
        server.put(&key(ACCOUNT, "us-east-1", day, number), &bytes);
        sizes.push(bytes.len());
    }
    let name = |number| key(ACCOUNT, "us-east-1", day, number);
    let delivered = json!({ "s3Bucket": "trail", "s3ObjectKey": [name(3)] });
    let digest = name(0).replace("/CloudTrail/", "/CloudTrail-Digest/");
    for body in [
        created(&name(0), sizes[0]),
        json!({ "Type": "Notification", "Message": created(&name(1), sizes[1]).to_string() }),
        json!({ "detail-type": "Object Created", "detail": { "bucket": { "name": "trail" }, "object": { "key": name(2), "size": sizes[2] } } }),
        json!({ "Type": "Notification", "Message": delivered.to_string() }),
        created(&digest, 10),
        json!({ "Service": "Amazon S3", "Event": "s3:TestEvent" }),
        // The same once more: SQS delivers at least once.
        created(&name(0), sizes[0]),
    ] {
        server.queue().push(&body.to_string());
    }
    let folder = tempfile::tempdir().unwrap();
    let (code, books, words) = take(&server, folder.path());
    assert_eq!((code, &books["events"]), (0, &4.into()), "{words}");
    assert_eq!(server.queue().bodies(), Vec::<String>::new(), "{words}");
    // Nothing to do is no failure.
    let (code, books, words) = take(&server, folder.path());
    assert_eq!((code, &books["files"]), (0, &0.into()), "{words}");
}

#[test]
fn messages_stay_whose_objects_cannot_be_read_and_those_that_nobody_knows() {
    let server = Server::new();
    let day = "2026-03-01";
    let bytes = log_file("event", day);
    let name = key(ACCOUNT, "us-east-1", day, 0);
    server.put(&name, &bytes);
    let poison = "{\"hello\": \"\u{1b}[31mthere\"}";
    server.queue().push(poison);
    server
        .queue()
        .push(&created(&name, bytes.len()).to_string());
    server.queue().push(
        &created(&name, bytes.len())
            .to_string()
            .replace("trail", "no-such-bucket"),
    );
    let denied = name.clone();
    server.fail(move |path, _| {
        if path.ends_with(&denied) {
            Fault::Denied
        } else {
            Fault::None
        }
    });
    let folder = tempfile::tempdir().unwrap();
    let (code, books, words) = take(&server, folder.path());
    assert_eq!((code, &books["events"]), (3, &0.into()), "{words}");
    assert_eq!(server.queue().bodies().len(), 3, "{words}");
    assert!(words.contains("tells of no object"), "{words}");
    server.fail(|_, _| Fault::None);
    server.queue().show_again();
    let (code, books, words) = take(&server, folder.path());
    assert_eq!((code, &books["events"]), (3, &1.into()), "{words}");
    assert_eq!(server.queue().bodies().len(), 2, "{words}");
}

#[test]
fn objects_of_one_key_in_two_buckets_are_taken_one_at_a_time() {
    let server = Server::new();
    let day = "2026-03-01";
    let name = key(ACCOUNT, "us-east-1", day, 0);
    let bytes = log_file("event", day);
    server.put(&name, &bytes);
    let other = server.bucket().with_file_name("copies").join(&name);
    std::fs::create_dir_all(other.parent().unwrap()).unwrap();
    std::fs::write(&other, &bytes).unwrap();
    let copy = created(&name, bytes.len())
        .to_string()
        .replace("trail", "copies");
    server
        .queue()
        .push(&created(&name, bytes.len()).to_string());
    server.queue().push(&copy);
    let folder = tempfile::tempdir().unwrap();
    let (code, books, words) = take(&server, folder.path());
    assert_eq!((code, &books["events"]), (3, &1.into()), "{words}");
    assert_eq!(server.queue().bodies(), [copy], "{words}");
    server.queue().show_again();
    let (code, books, words) = take(&server, folder.path());
    assert_eq!((code, &books["files_known"]), (0, &1.into()), "{words}");
    assert_eq!(server.queue().bodies(), Vec::<String>::new(), "{words}");
}

#[test]
fn a_queue_that_is_not_there_or_named_beside_sources_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::new();
    let ran = run(
        &server,
        folder.path(),
        &["ingest", "--sqs", "http://127.0.0.1:1/q", "x"],
    );
    assert_eq!(ran.code, 2, "a queue or sources, not both: {}", ran.stderr);
    let ran = run(
        &server,
        folder.path(),
        &["ingest", "--sqs", "http://127.0.0.1:1/q", "--lake", "lake"],
    );
    assert_eq!(ran.code, 2, "{}", ran.stderr);
    assert!(
        ran.stderr.contains("cannot read `http://127.0.0.1:1/q`"),
        "{}",
        ran.stderr
    );
    assert!(!folder.path().join("lake").exists());
}

#[test]
fn an_object_that_was_overwritten_is_read_as_it_is_now() {
    let server = Server::new();
    let day = "2026-03-01";
    let name = key(ACCOUNT, "us-east-1", day, 0);
    let (old, new) = (log_file("old", day), log_file("new and longer", day));
    server.put(&name, &new);
    // The first of two messages speaks of content that is gone.
    for (etag, size) in [("0123", old.len()), ("4567", new.len())] {
        let mut message = created(&name, size);
        message["Records"][0]["s3"]["object"]["eTag"] = json!(etag);
        server.queue().push(&message.to_string());
    }
    let folder = tempfile::tempdir().unwrap();
    let (code, books, words) = take(&server, folder.path());
    assert_eq!((code, &books["events"]), (0, &1.into()), "{words}");
    assert_eq!(server.queue().bodies(), Vec::<String>::new(), "{words}");
}
