//! A server that knows of S3 what ingest asks: whether a bucket is there, its keys, its objects. It checks no signature.

use std::convert::Infallible;
use std::fmt::Write as _;
use std::io::Write as _;
use std::ops::Bound;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use chrono::{Days, NaiveDate};
use flate2::Compression;
use flate2::write::GzEncoder;
use http_body_util::Full;
use hyper::{Method, Request, Response};
use hyper_util::rt::TokioIo;
use percent_encoding::percent_decode_str;

/// The keys of a bucket, sorted.
pub(crate) struct Estate(Vec<String>);

impl Estate {
    /// One account and region, thirty days.
    pub(crate) fn flat(objects: usize) -> Self {
        Self::of((0..objects).map(|number| {
            let day = NaiveDate::from_ymd_opt(2026, 3, 1).unwrap();
            let day = day + Days::new((number * 30 / objects) as u64);
            key("111122223333", "us-east-1", day, number)
        }))
    }

    /// One object a day, 400 days, 17 regions, so many accounts.
    pub(crate) fn wide(accounts: usize) -> Self {
        let first = NaiveDate::from_ymd_opt(2025, 1, 1).unwrap();
        Self::of((0..accounts * 17 * 400).map(|number| {
            let (place, day) = (number / 400, first + Days::new((number % 400) as u64));
            let (account, region) = (place / 17, place % 17);
            let account = (111_122_220_000 + account).to_string();
            key(&account, &format!("us-east-{region}"), day, number)
        }))
    }

    fn of(keys: impl Iterator<Item = String>) -> Self {
        let mut keys: Vec<String> = keys.collect();
        keys.sort_unstable();
        Self(keys)
    }
}

fn key(account: &str, region: &str, day: NaiveDate, number: usize) -> String {
    let (path, stamp) = (day.format("%Y/%m/%d"), day.format("%Y%m%d"));
    format!(
        "AWSLogs/{account}/CloudTrail/{region}/{path}/{account}_CloudTrail_{region}_{stamp}T0900Z_{number:08}.json.gz"
    )
}

/// A running server; it ends with the program.
pub(crate) struct Server {
    pub(crate) url: String,
    shared: Arc<Shared>,
    _runtime: tokio::runtime::Runtime,
}

struct Shared {
    keys: Vec<String>,
    latency: Duration,
    lists: AtomicU64,
    gets: AtomicU64,
}

impl Server {
    pub(crate) fn start(estate: Estate, latency: Duration) -> Self {
        let shared = Arc::new(Shared {
            keys: estate.0,
            latency,
            lists: AtomicU64::new(0),
            gets: AtomicU64::new(0),
        });
        let mut builder = tokio::runtime::Builder::new_multi_thread();
        let runtime = builder.worker_threads(1).enable_all().build().unwrap();
        let listener = runtime
            .block_on(tokio::net::TcpListener::bind(("127.0.0.1", 0)))
            .unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let serving = Arc::clone(&shared);
        runtime.spawn(async move {
            while let Ok((socket, _)) = listener.accept().await {
                socket.set_nodelay(true).unwrap();
                let shared = Arc::clone(&serving);
                tokio::spawn(async move {
                    let answer = hyper::service::service_fn(move |request| {
                        let shared = Arc::clone(&shared);
                        async move { Ok::<_, Infallible>(answer(&shared, &request).await) }
                    });
                    let http = hyper::server::conn::http1::Builder::new();
                    http.serve_connection(TokioIo::new(socket), answer)
                        .await
                        .ok();
                });
            }
        });
        Self {
            url,
            shared,
            _runtime: runtime,
        }
    }

    /// Requests to list and to read.
    pub(crate) fn counts(&self) -> (u64, u64) {
        let read = |counter: &AtomicU64| counter.load(Ordering::SeqCst);
        (read(&self.shared.lists), read(&self.shared.gets))
    }
}

async fn answer<B>(shared: &Shared, request: &Request<B>) -> Response<Full<Bytes>> {
    tokio::time::sleep(shared.latency).await;
    let parameters: Vec<(String, String)> = request
        .uri()
        .query()
        .unwrap_or_default()
        .split('&')
        .filter_map(|pair| {
            let (name, value) = pair.split_once('=')?;
            let value = percent_decode_str(value).decode_utf8().ok()?;
            Some((name.to_owned(), value.into_owned()))
        })
        .collect();
    let parameter = |name: &str| {
        let found = parameters.iter().find(|(of, _)| of == name);
        found.map_or("", |(_, value)| value.as_str())
    };
    let body = if request.method() == Method::HEAD {
        Bytes::new()
    } else if parameter("list-type") == "2" {
        shared.lists.fetch_add(1, Ordering::SeqCst);
        let after = match parameter("continuation-token") {
            "" => parameter("start-after"),
            token => token,
        };
        list(
            &shared.keys,
            parameter("prefix"),
            parameter("delimiter"),
            after,
        )
        .into()
    } else {
        shared.gets.fetch_add(1, Ordering::SeqCst);
        let path = percent_decode_str(request.uri().path()).decode_utf8_lossy();
        object(path.strip_prefix("/trail/").unwrap()).into()
    };
    let response = Response::builder().header("etag", "\"made-up\"");
    response.body(Full::new(body)).unwrap()
}

/// A page of keys, as `ListObjectsV2` has it.
fn list(keys: &[String], prefix: &str, delimiter: &str, after: &str) -> String {
    let first = |from: Bound<&str>| {
        keys.partition_point(|key| match from {
            Bound::Excluded(after) => key.as_str() <= after,
            _ => key.as_str() < prefix,
        })
    };
    let mut at = first(Bound::Unbounded).max(first(Bound::Excluded(after)));
    let (mut text, mut count, mut last) = (String::new(), 0, String::new());
    while count < 1000 && keys.get(at).is_some_and(|key| key.starts_with(prefix)) {
        let key = &keys[at];
        count += 1;
        let folder = (!delimiter.is_empty())
            .then(|| key[prefix.len()..].find(delimiter))
            .flatten();
        if let Some(end) = folder {
            let folder = &key[..=prefix.len() + end];
            write!(
                text,
                "<CommonPrefixes><Prefix>{folder}</Prefix></CommonPrefixes>"
            )
            .unwrap();
            at += keys[at..].partition_point(|key| key.starts_with(folder));
            // Behind every key of the folder.
            last = format!("{folder}\u{10ffff}");
        } else {
            write!(
                text,
                "<Contents><Key>{key}</Key><LastModified>2026-03-01T00:00:00.000Z</LastModified>\
                 <ETag>&quot;made-up&quot;</ETag><Size>{}</Size></Contents>",
                object(key).len()
            )
            .unwrap();
            at += 1;
            last.clone_from(key);
        }
    }
    let is_more = keys.get(at).is_some_and(|key| key.starts_with(prefix));
    if is_more {
        write!(
            text,
            "<NextContinuationToken>{last}</NextContinuationToken>"
        )
        .unwrap();
    }
    format!("<ListBucketResult><IsTruncated>{is_more}</IsTruncated>{text}</ListBucketResult>")
}

/// A log file of three records, named for its key; not deflated, since every listing asks for its size.
fn object(key: &str) -> Vec<u8> {
    let stem = key.rsplit('/').next().unwrap();
    let (account, rest) = stem.split_once('_').unwrap();
    let day = rest.rsplit('_').nth(1).unwrap();
    let time = format!("{}-{}-{}T09:00:00Z", &day[..4], &day[4..6], &day[6..8]);
    let record = |number: u32| {
        format!(
            r#"{{"eventVersion":"1.11","userIdentity":{{"type":"IAMUser","principalId":"AIDABENCH","arn":"arn:aws:iam::{account}:user/alice","accountId":"{account}","accessKeyId":"AKIABENCH0000EXAMPLE","userName":"alice"}},"eventTime":"{time}","eventSource":"s3.amazonaws.com","eventName":"ListBuckets","awsRegion":"us-east-1","sourceIPAddress":"198.51.100.7","userAgent":"aws-cli/2.27.0","requestParameters":null,"responseElements":null,"eventID":"{stem}-{number}","readOnly":true,"eventType":"AwsApiCall","managementEvent":true,"recipientAccountId":"{account}","eventCategory":"Management"}}"#
        )
    };
    let records: Vec<String> = (0..3).map(record).collect();
    let mut gzip = GzEncoder::new(Vec::new(), Compression::none());
    write!(gzip, "{{\"Records\":[{}]}}", records.join(",")).unwrap();
    gzip.finish().unwrap()
}
