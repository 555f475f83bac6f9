//! `rolecall run`: the process, its signals, its pages and its log.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use serde_json::Value;

use super::support::records::{call, records_file, user};
use super::support::{TempLake, rolecall};

fn set_up(lake: &TempLake, more: &str) {
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
    let text = format!(
        "lake = \"lake\"\n[ingest]\nsources = [\"logs\"]\nschedule = \"*/5 * * * *\"\n[compact]\nschedule = \"@daily\"\n\
         [[report]]\nname = \"nightly\"\nschedule = \"30 2 * * *\"\nsection = [{{ builtin = \"origins\" }}]\n\
         output = [{{ format = \"markdown\", to = \"out/nightly.md\" }}]\n{more}"
    );
    std::fs::write(lake.folder.path().join("rolecall.toml"), text).unwrap();
}

#[test]
fn once_does_what_is_due_and_ends() {
    let lake = TempLake::new();
    set_up(&lake, "");
    let folder = lake.folder.path();
    let ran = rolecall(folder, &["run", "--once"]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    assert!(folder.join("out/nightly.md").exists());
    let lines: Vec<Value> = ran
        .stderr
        .lines()
        .map(|line| serde_json::from_str(line).unwrap_or_else(|_| panic!("no JSON: {line}")))
        .collect();
    let done: Vec<&str> = lines
        .iter()
        .filter(|line| line["message"] == "done")
        .map(|line| line["job"].as_str().unwrap())
        .collect();
    assert_eq!(done, ["ingest", "report:nightly", "compact"]);
    // The report was made; only what has no memory is done again.
    let again = rolecall(folder, &["run", "--once", "--log-format", "text"]);
    assert_eq!(again.code, 0, "{}", again.stderr);
    assert!(!again.stderr.contains("report:nightly"), "{}", again.stderr);
    assert!(
        again.stderr.contains("INFO done job=\"ingest\""),
        "{}",
        again.stderr
    );
}

#[test]
fn what_cannot_be_done_is_told_and_the_rest_is_done() {
    let lake = TempLake::new();
    set_up(
        &lake,
        "[[report]]\nname = \"other\"\nschedule = \"30 2 * * *\"\nsection = [{ builtin = \"origins\" }]\noutput = [{ format = \"csv\", to = \"logs/a.json/x.csv\" }]\n",
    );
    let ran = rolecall(lake.folder.path(), &["run", "--once"]);
    assert_eq!(ran.code, 1, "{}", ran.stderr);
    assert!(lake.folder.path().join("out/nightly.md").exists());
    assert!(
        ran.stderr.contains("\"level\":\"ERROR\"")
            && ran.stderr.contains("cannot write `logs/a.json/x.csv`"),
        "{}",
        ran.stderr
    );
}

/// A scheduler that is running, and where its pages are.
struct Running {
    process: Child,
    log: BufReader<std::process::ChildStderr>,
    address: String,
}

impl Running {
    fn start(folder: &Path) -> Self {
        let mut process = Command::new(env!("CARGO_BIN_EXE_rolecall"))
            .args(["run", "--listen", "127.0.0.1:0", "--log-format", "json"])
            .current_dir(folder)
            .env_clear()
            .env("TMPDIR", std::env::temp_dir())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut log = BufReader::new(process.stderr.take().unwrap());
        let mut address = None;
        // It waits once everything that was due is done.
        loop {
            let mut line = String::new();
            assert!(log.read_line(&mut line).unwrap() > 0, "it ended");
            let line: Value = serde_json::from_str(&line).unwrap();
            if line["address"].is_string() {
                address = line["address"].as_str().map(str::to_owned);
            }
            if line["message"] == "waiting" {
                break;
            }
        }
        Self {
            process,
            log,
            address: address.unwrap(),
        }
    }

    fn get(&self, request: &str) -> String {
        let mut stream = TcpStream::connect(&self.address).unwrap();
        write!(stream, "{request} HTTP/1.1\r\nHost: x\r\n\r\n").unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    }
}

#[test]
fn a_scheduler_serves_its_numbers_and_stops_when_it_is_told_to() {
    let lake = TempLake::new();
    set_up(&lake, "");
    let mut running = Running::start(lake.folder.path());
    assert!(running.get("GET /healthz").starts_with("HTTP/1.1 200 OK"));
    assert!(running.get("GET /readyz").ends_with("ok\n"));
    let metrics = running.get("GET /metrics");
    for line in [
        "rolecall_job_runs_total{job=\"report:nightly\",outcome=\"done\"} 1",
        "rolecall_report_findings{report=\"nightly\"} 0",
        "rolecall_notifications_failed_total 0",
    ] {
        assert!(
            metrics.lines().any(|known| known == line),
            "{line}\n{metrics}"
        );
    }
    assert!(running.get("POST /metrics").starts_with("HTTP/1.1 405"));
    assert!(running.get("GET /etc/passwd").starts_with("HTTP/1.1 404"));
    let pid = rustix::process::Pid::from_child(&running.process);
    rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
    let status = running.process.wait().unwrap();
    assert_eq!(status.code(), Some(0));
    let mut rest = String::new();
    running.log.read_to_string(&mut rest).unwrap();
    assert!(
        rest.contains("told to stop") && rest.contains("\"stopped\""),
        "{rest}"
    );
}

#[test]
fn an_address_that_is_taken_is_told() {
    let lake = TempLake::new();
    set_up(&lake, "");
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let ran = rolecall(lake.folder.path(), &["run", "--listen", &address]);
    assert_eq!(ran.code, 1);
    assert!(
        ran.stderr.contains(&format!("cannot listen on {address}")),
        "{}",
        ran.stderr
    );
    let ran = rolecall(lake.folder.path(), &["run", "--listen", "localhost"]);
    assert_eq!(ran.code, 2);
}
