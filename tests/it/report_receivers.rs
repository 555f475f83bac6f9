//! Where reports go besides the disk: buckets, webhooks, Slack; and what never goes anywhere.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use serde_json::Value;

use super::support::records::{call, user};
use super::support::s3::{KEY, SECRET, Server};
use super::support::{Ran, TempLake, rolecall_with};

/// What a receiver got: its path, whether a token came along, and the body.
type Got = Arc<Mutex<Vec<(String, Option<String>, Value)>>>;

/// A receiver on loopback that answers with these statuses, one after the other, and then with 200.
struct Receiver {
    address: SocketAddr,
    got: Got,
    _runtime: tokio::runtime::Runtime,
}

impl Receiver {
    fn new(statuses: &[u16]) -> Self {
        Self::leading_to(statuses, "127.0.0.1:1".parse().unwrap())
    }

    /// One that leads elsewhere where it answers with 307.
    fn leading_to(statuses: &[u16], elsewhere: SocketAddr) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .unwrap();
        let listener = runtime
            .block_on(tokio::net::TcpListener::bind("127.0.0.1:0"))
            .unwrap();
        let address = listener.local_addr().unwrap();
        let got = Got::default();
        let statuses = Arc::new(Mutex::new(
            statuses.iter().rev().copied().collect::<Vec<_>>(),
        ));
        let seen = Arc::clone(&got);
        runtime.spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let (seen, statuses) = (Arc::clone(&seen), Arc::clone(&statuses));
                let answer = service_fn(move |request: Request<hyper::body::Incoming>| {
                    let (seen, statuses) = (Arc::clone(&seen), Arc::clone(&statuses));
                    async move {
                        let path = request.uri().to_string();
                        let token = request.headers().get("authorization");
                        let token = token.map(|token| token.to_str().unwrap().to_owned());
                        let body = request.into_body().collect().await.unwrap().to_bytes();
                        let body = serde_json::from_slice(&body).unwrap();
                        seen.lock().unwrap().push((path, token, body));
                        let status = statuses.lock().unwrap().pop().unwrap_or(200);
                        let mut response = Response::new(Full::new(Bytes::new()));
                        *response.status_mut() = StatusCode::from_u16(status).unwrap();
                        let headers = response.headers_mut();
                        if status == 307 {
                            let there = format!("http://{elsewhere}/elsewhere").parse().unwrap();
                            headers.insert("location", there);
                        }
                        Ok::<_, Infallible>(response)
                    }
                });
                tokio::spawn(
                    hyper::server::conn::http1::Builder::new()
                        .serve_connection(TokioIo::new(stream), answer),
                );
            }
        });
        Self {
            address,
            got,
            _runtime: runtime,
        }
    }

    fn url(&self) -> String {
        format!("http://{}/hook/T000/secret-path", self.address)
    }

    fn take(&self) -> Vec<(String, Option<String>, Value)> {
        std::mem::take(&mut self.got.lock().unwrap())
    }
}

fn lake() -> TempLake {
    TempLake::of(&[call(
        "1",
        user("alice"),
        "2026-03-02T09:00:00Z",
        "s3",
        "ListBuckets",
    )])
}

fn define(folder: &Path, notify: &str) {
    let text = format!(
        "lake = \"lake\"\n[[report]]\nname = \"daily\"\ntitle = \"The <day> & more\"\n[[report.section]]\nbuiltin = \"origins\"\nalert_above = 0\n{notify}"
    );
    std::fs::write(folder.join("rolecall.toml"), text).unwrap();
}

fn run(lake: &TempLake, day: &str, environment: &[(&str, &str)]) -> Ran {
    rolecall_with(
        lake.folder.path(),
        &["report", "run", "daily", "--for", day],
        environment,
    )
}

#[test]
fn a_webhook_gets_a_summary_with_a_link_and_no_rows() {
    let (lake, receiver) = (lake(), Receiver::new(&[503, 429]));
    define(
        lake.folder.path(),
        "[[notify]]\nkind = \"webhook\"\naddress_env = \"HOOK\"\ntoken_file = \"token\"\nlink = \"https://reports.example.com/{report}/{date}.html\"\n",
    );
    std::fs::write(lake.folder.path().join("token"), "very-secret-token\n").unwrap();
    let ran = run(&lake, "2026-03-02", &[("HOOK", &receiver.url())]);
    assert_eq!(ran.code, 4, "{}", ran.stderr);
    let got = receiver.take();
    // Twice it was asked to come again.
    assert_eq!(got.len(), 3);
    let (path, token, body) = &got[2];
    assert_eq!(path, "/hook/T000/secret-path");
    assert_eq!(token.as_deref(), Some("Bearer very-secret-token"));
    assert_eq!(body["report"], "daily");
    assert_eq!(body["findings"], 1);
    assert_eq!(body["window_to"], "2026-03-03T00:00:00Z");
    assert_eq!(
        body["link"],
        "https://reports.example.com/daily/2026-03-02.html"
    );
    assert_eq!(body["sections"][0]["rows"], 1);
    assert!(!body.to_string().contains("alice"), "{body}");
    // Of what says the same again nobody is told again; of a day without a finding neither.
    assert_eq!(
        run(&lake, "2026-03-02", &[("HOOK", &receiver.url())]).code,
        4
    );
    assert_eq!(
        run(&lake, "2026-03-05", &[("HOOK", &receiver.url())]).code,
        0
    );
    assert_eq!(receiver.take().len(), 0);
}

#[test]
fn slack_gets_its_own_form_and_rows_only_where_they_are_asked_for() {
    let (lake, receiver) = (lake(), Receiver::new(&[]));
    std::fs::write(lake.folder.path().join("address"), receiver.url()).unwrap();
    define(
        lake.folder.path(),
        "[[notify]]\nkind = \"slack\"\naddress_file = \"address\"\nwhen = \"always\"\nrows = 1\n",
    );
    assert_eq!(run(&lake, "2026-03-02", &[]).code, 4);
    assert_eq!(run(&lake, "2026-03-09", &[]).code, 0);
    let got = receiver.take();
    let text = got[0].2["text"].as_str().unwrap();
    assert!(text.starts_with("*The &lt;day&gt; &amp; more*: 2026-03-02T00:00:00Z to 2026-03-03T00:00:00Z\n• :warning: Who acted, and in which roles: 1 row"), "{text}");
    assert!(text.ends_with(": 1 row"), "{text}");
    // Rows are preformatted text, in which nothing is a link or a mention.
    assert!(!text.contains("alice"), "{text}");
    let rows = &got[0].2["blocks"][1]["elements"][0];
    assert_eq!(rows["type"], "rich_text_preformatted");
    assert!(
        rows["elements"][0]["text"]
            .as_str()
            .unwrap()
            .starts_with("origins: {"),
        "{rows}"
    );
    assert!(rows.to_string().contains("alice"), "{rows}");
    assert!(
        got[1].2["text"]
            .as_str()
            .unwrap()
            .ends_with("\nNothing to tell."),
        "{}",
        got[1].2
    );
}

#[test]
fn addresses_and_tokens_are_shown_nowhere() {
    let lake = lake();
    define(
        lake.folder.path(),
        "[[notify]]\nname = \"ops\"\nkind = \"webhook\"\naddress_env = \"HOOK\"\ntoken_env = \"TOKEN\"\nwhen = \"always\"\n",
    );
    let elsewhere = Receiver::new(&[]);
    let receiver = Receiver::leading_to(&[400, 307], elsewhere.address);
    let environment = [
        ("HOOK", receiver.url()),
        ("TOKEN", "very-secret-token".to_owned()),
    ];
    let environment: Vec<(&str, &str)> = environment
        .iter()
        .map(|(name, value)| (*name, value.as_str()))
        .collect();
    for (day, answer) in [
        ("2026-03-02", "400 Bad Request"),
        ("2026-03-03", "307 Temporary Redirect"),
    ] {
        let ran = run(&lake, day, &environment);
        assert_eq!(ran.code, 1, "{}", ran.stderr);
        assert!(
            ran.stderr
                .contains(&format!("notification `ops` was refused: {answer}")),
            "{}",
            ran.stderr
        );
        for secret in ["secret-path", "very-secret-token", "127.0.0.1"] {
            assert!(
                !ran.stderr.contains(secret) && !ran.stdout.contains(secret),
                "{}",
                ran.stderr
            );
        }
    }
    assert_eq!(elsewhere.take().len(), 0, "it went where it was led");
    let tables = lake.tables().join("\n");
    assert!(!tables.contains("secret"), "{tables}");
    // A proxy is not for what must not leave the machine.
    let proxy = Receiver::new(&[]);
    let address = proxy.url();
    let through = [
        ("HTTP_PROXY", address.as_str()),
        ("http_proxy", address.as_str()),
    ];
    let through = [environment.as_slice(), &through].concat();
    assert_eq!(run(&lake, "2026-03-04", &through).code, 0);
    assert_eq!(proxy.take().len(), 0);
    // A token that no header can have.
    let ran = run(
        &lake,
        "2026-03-05",
        &[environment[0], ("TOKEN", "one\ntwo")],
    );
    assert!(
        ran.code == 2 && ran.stderr.contains("the token of notification `ops`"),
        "{}",
        ran.stderr
    );
    // Addresses do not stand in the definitions, and go out over TLS or not at all.
    define(
        lake.folder.path(),
        "[[notify]]\nkind = \"webhook\"\nurl = \"https://example.com\"\n",
    );
    let ran = run(&lake, "2026-03-02", &[]);
    assert!(
        ran.code == 2 && ran.stderr.contains("unknown field `url`"),
        "{}",
        ran.stderr
    );
    define(
        lake.folder.path(),
        "[[notify]]\nkind = \"webhook\"\naddress_env = \"HOOK\"\n",
    );
    let ran = run(
        &lake,
        "2026-03-02",
        &[("HOOK", "http://example.com/secret-path")],
    );
    assert!(
        ran.code == 2 && ran.stderr.contains("not `https`"),
        "{}",
        ran.stderr
    );
    assert!(!ran.stderr.contains("secret-path"), "{}", ran.stderr);
}

#[test]
fn who_was_not_told_is_told_the_next_time_and_nobody_twice() {
    let (lake, broken, sound) = (lake(), Receiver::new(&[400]), Receiver::new(&[]));
    define(
        lake.folder.path(),
        "[[notify]]\nname = \"one\"\nkind = \"webhook\"\naddress_env = \"ONE\"\n[[notify]]\nname = \"two\"\nkind = \"webhook\"\naddress_env = \"TWO\"\n",
    );
    let (one, two) = (broken.url(), sound.url());
    let environment = [("ONE", one.as_str()), ("TWO", two.as_str())];
    let ran = run(&lake, "2026-03-02", &environment);
    assert!(
        ran.code == 1 && ran.stderr.contains("not everybody was told: one"),
        "{}",
        ran.stderr
    );
    assert_eq!((broken.take().len(), sound.take().len()), (1, 1));
    assert_eq!(run(&lake, "2026-03-02", &environment).code, 4);
    assert_eq!((broken.take().len(), sound.take().len()), (1, 0));
    assert_eq!(run(&lake, "2026-03-02", &environment).code, 4);
    assert_eq!((broken.take().len(), sound.take().len()), (0, 0));
}

#[test]
fn a_report_goes_into_a_bucket() {
    let (lake, server) = (lake(), Server::new());
    let text = "[[report]]\nname = \"daily\"\nsection = [{ builtin = \"origins\" }]\noutput = [{ format = \"html\", to = \"s3://trail/reports/{date}.html\" }]\n";
    std::fs::write(lake.folder.path().join("rolecall.toml"), text).unwrap();
    let environment = [
        ("AWS_ACCESS_KEY_ID", KEY),
        ("AWS_SECRET_ACCESS_KEY", SECRET),
        ("AWS_EC2_METADATA_DISABLED", "true"),
        ("AWS_CONFIG_FILE", "/nonexistent"),
        ("AWS_SHARED_CREDENTIALS_FILE", "/nonexistent"),
    ];
    let arguments = [
        "report",
        "run",
        "daily",
        "--for",
        "2026-03-02",
        "--lake",
        "lake",
        "--endpoint-url",
        server.url.as_str(),
        "--aws-region",
        "us-east-1",
    ];
    let ran = rolecall_with(lake.folder.path(), &arguments, &environment);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    let page = std::fs::read_to_string(server.bucket().join("reports/2026-03-02.html")).unwrap();
    assert!(page.contains("<td>alice</td>"), "{page}");
    let row: Value = serde_json::from_str(&ran.stdout).unwrap();
    assert_eq!(row["place"], "s3://trail/reports/2026-03-02.html");
}
