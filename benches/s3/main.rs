//! Ingest from a bucket: requests, time and memory, against a server on loopback whose objects are made up as they are asked for.
//!
//! `just bench-s3` runs it and prints the tables of `docs/performance.md`. Figures of one run are compared with each other only.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::cast_precision_loss,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a program of its own, which ends where it fails"
)]

mod server;

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use server::{Estate, Server};

fn main() {
    // `cargo test --benches` asks whether it runs at all.
    let is_small = !std::env::args().any(|word| word == "--bench");
    let part = |whole: usize| if is_small { whole / 1000 } else { whole };

    println!(
        "| Objects | Requests to list | Requests to read | Seconds | Objects a second | Peak memory |"
    );
    println!("|---|---|---|---|---|---|");
    for objects in [part(10_000).max(1), part(100_000)] {
        let server = Server::start(Estate::flat(objects), Duration::ZERO);
        let ran = ingest(&server, &[]);
        assert_eq!(ran.gets, objects as u64);
        println!(
            "| {objects} | {} | {} | {:.1} | {:.0} | {} MB |",
            ran.lists,
            ran.gets,
            ran.seconds,
            objects as f64 / ran.seconds,
            ran.peak_kib >> 10
        );
    }

    println!("\n| Requests in flight, 30 ms of latency | Seconds | Times as fast |");
    println!("|---|---|---|");
    let mut one_at_a_time = None;
    for requests in ["1", "16", "64"] {
        let server = Server::start(Estate::flat(part(2_000)), Duration::from_millis(30));
        let ran = ingest(&server, &["--requests", requests]);
        let first = *one_at_a_time.get_or_insert(ran.seconds);
        println!(
            "| {requests} | {:.1} | {:.1} |",
            ran.seconds,
            first / ran.seconds
        );
    }

    println!(
        "\n| Asked for, of 400 days × 20 accounts × 17 regions | Objects | Requests to list | Seconds |"
    );
    println!("|---|---|---|---|");
    let day = ["--from", "2026-01-15", "--to", "2026-01-15"];
    for (what, more) in [
        (
            "one day of one account and region",
            &["--account", "111122220003", "--region", "us-east-5"][..],
        ),
        ("one day of one account", &["--account", "111122220003"]),
        ("one day", &[]),
    ] {
        let server = Server::start(Estate::wide(if is_small { 2 } else { 20 }), Duration::ZERO);
        let ran = ingest(&server, &[&day, more].concat());
        println!(
            "| {what} | {} | {} | {:.1} |",
            ran.gets, ran.lists, ran.seconds
        );
    }
}

struct Ran {
    seconds: f64,
    lists: u64,
    gets: u64,
    peak_kib: u64,
}

fn ingest(server: &Server, more: &[&str]) -> Ran {
    let folder = tempfile::tempdir().unwrap();
    let begun = Instant::now();
    let mut child = Command::new(env!("CARGO_BIN_EXE_rolecall"))
        .args([
            "ingest",
            "s3://trail",
            "--no-resolve",
            "--aws-region",
            "us-east-1",
        ])
        .args(["--endpoint-url", &server.url])
        .arg("--lake")
        .arg(folder.path().join("lake"))
        .args(more)
        .env("AWS_ACCESS_KEY_ID", "AKIABENCHEXAMPLE")
        .env("AWS_SECRET_ACCESS_KEY", "bench")
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let status = Path::new("/proc")
        .join(child.id().to_string())
        .join("status");
    let mut peak_kib = 0;
    let code = loop {
        peak_kib = peak_of(&status).unwrap_or(0).max(peak_kib);
        if let Some(code) = child.try_wait().unwrap() {
            break code;
        }
        std::thread::sleep(Duration::from_millis(5));
    };
    assert!(code.success(), "{code}");
    let (lists, gets) = server.counts();
    Ran {
        seconds: begun.elapsed().as_secs_f64(),
        lists,
        gets,
        peak_kib,
    }
}

/// The most memory that a process held so far, as Linux tells it.
fn peak_of(status: &Path) -> Option<u64> {
    let text = std::fs::read_to_string(status).ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.split_whitespace().next()?.parse().ok()
}
