//! A server that speaks S3 over loopback, and fails as it is told.

mod queue;

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use http_body_util::BodyExt as _;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto::Builder;
pub use queue::MemoryQueue;
use s3s::auth::SimpleAuth;
use s3s::service::{S3Service, S3ServiceBuilder};
use s3s::{Body, HttpResponse};
use s3s_fs::FileSystem;
use sha2::{Digest as _, Sha256};

pub const KEY: &str = "AKIALOOPBACKEXAMPLE";
pub const SECRET: &str = "loopback/secret/key/that/opens/nothing00";

/// What goes wrong with a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// Nothing.
    None,
    /// 503 `SlowDown`.
    SlowDown,
    /// 403 `AccessDenied`.
    Denied,
    /// 404 `NoSuchKey`, as of an object that was removed after it was listed.
    Gone,
    /// 403 `InvalidObjectState`, as of an object in Glacier.
    Archived,
    /// The connection ends after so many bytes of the body.
    CutAt(usize),
    /// The answer comes so many milliseconds later.
    Late(u64),
    /// What is written is written, and the answer is lost.
    AnswerLost,
    /// 403 `AccessDenied` to whoever writes or removes.
    ReadOnly,
}

/// Which fault the request of this method, path and query has; it is asked each time.
pub type Plan = Box<dyn Fn(&str, &str) -> Fault + Send + Sync>;

/// A running server; it ends when it is dropped.
pub struct Server {
    pub url: String,
    pub folder: tempfile::TempDir,
    shared: Arc<Shared>,
    runtime: Option<tokio::runtime::Runtime>,
}

struct Shared {
    queue: MemoryQueue,
    root: PathBuf,
    plan: Mutex<Plan>,
    lists: AtomicU64,
    gets: AtomicU64,
    now: AtomicU64,
    most: AtomicU64,
    /// The server looks first and writes then; between the two nobody else may.
    create: tokio::sync::Mutex<()>,
}

impl Server {
    /// A server of two empty buckets, `trail` and `lake`.
    pub fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        for bucket in ["trail", "lake"] {
            std::fs::create_dir(folder.path().join(bucket)).unwrap();
        }
        let mut builder = S3ServiceBuilder::new(FileSystem::new(folder.path()).unwrap());
        builder.set_auth(SimpleAuth::from_single(KEY, SECRET));
        let service = builder.build();
        let shared = Arc::new(Shared {
            queue: MemoryQueue::default(),
            root: folder.path().to_owned(),
            plan: Mutex::new(Box::new(|_, _| Fault::None)),
            lists: AtomicU64::new(0),
            gets: AtomicU64::new(0),
            now: AtomicU64::new(0),
            most: AtomicU64::new(0),
            create: tokio::sync::Mutex::new(()),
        });
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .unwrap();
        let listener = runtime
            .block_on(tokio::net::TcpListener::bind(("127.0.0.1", 0)))
            .unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let serving = Arc::clone(&shared);
        runtime.spawn(async move {
            while let Ok((socket, _)) = listener.accept().await {
                // Else every answer in two parts waits for the other side's patience.
                socket.set_nodelay(true).unwrap();
                let (service, shared) = (service.clone(), Arc::clone(&serving));
                tokio::spawn(async move {
                    let answer = hyper::service::service_fn(move |request| {
                        answer(service.clone(), Arc::clone(&shared), request)
                    });
                    let connection = Builder::new(TokioExecutor::new());
                    // A connection that was cut on purpose ends with an error.
                    drop(
                        connection
                            .serve_connection(TokioIo::new(socket), answer)
                            .await,
                    );
                });
            }
        });
        Self {
            url,
            folder,
            shared,
            runtime: Some(runtime),
        }
    }

    /// The folder of the bucket.
    pub fn bucket(&self) -> PathBuf {
        self.folder.path().join("trail")
    }

    /// Puts an object.
    pub fn put(&self, key: &str, bytes: &[u8]) {
        let path = self.bucket().join(key);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, bytes).unwrap();
    }

    /// The queue of the same server.
    pub fn queue(&self) -> &MemoryQueue {
        &self.shared.queue
    }

    /// From now on requests fail as `plan` says.
    pub fn fail(&self, plan: impl Fn(&str, &str) -> Fault + Send + Sync + 'static) {
        *self.shared.plan.lock().unwrap() = Box::new(plan);
    }

    /// Requests to list and to read since the last look, and the most that were answered at once.
    pub fn take_counts(&self) -> (u64, u64, u64) {
        let take = |counter: &AtomicU64| counter.swap(0, Ordering::SeqCst);
        (
            take(&self.shared.lists),
            take(&self.shared.gets),
            take(&self.shared.most),
        )
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

async fn answer(
    service: S3Service,
    shared: Arc<Shared>,
    request: hyper::Request<hyper::body::Incoming>,
) -> Result<HttpResponse, std::io::Error> {
    let target = request.headers().get("x-amz-target");
    let action = target.and_then(|target| target.to_str().ok()?.strip_prefix("AmazonSQS."));
    if let Some(action) = action.map(str::to_owned) {
        let body = request
            .collect()
            .await
            .map_err(std::io::Error::other)?
            .to_bytes();
        let asked = serde_json::from_slice(&body).unwrap();
        let told = shared.queue.answer(&action, &asked).to_string();
        let answer =
            hyper::Response::builder().header("content-type", "application/x-amz-json-1.0");
        return Ok(answer.body(Body::from(told)).unwrap());
    }
    let path = request.uri().path().to_owned();
    let query = request.uri().query().unwrap_or_default().to_owned();
    let is_list = query.contains("list-type=2");
    let counter = if is_list { &shared.lists } else { &shared.gets };
    if request.method() == "GET" {
        counter.fetch_add(1, Ordering::SeqCst);
    }
    let fault = (shared.plan.lock().unwrap())(&path, &query);
    let now = shared.now.fetch_add(1, Ordering::SeqCst) + 1;
    shared.most.fetch_max(now, Ordering::SeqCst);
    let alone = if request.headers().contains_key("if-none-match") {
        Some(shared.create.lock().await)
    } else {
        None
    };
    let answer = faulty(service, fault, shared.root.clone(), request).await;
    drop(alone);
    shared.now.fetch_sub(1, Ordering::SeqCst);
    answer
}

async fn faulty(
    service: S3Service,
    fault: Fault,
    root: PathBuf,
    request: hyper::Request<hyper::body::Incoming>,
) -> Result<HttpResponse, std::io::Error> {
    let refused = |status: u16, code: &str| {
        let text = format!(
            "<?xml version=\"1.0\"?><Error><Code>{code}</Code><Message>as told</Message></Error>"
        );
        hyper::Response::builder()
            .status(status)
            .header("content-type", "application/xml")
            .body(Body::from(text))
            .unwrap()
    };
    match fault {
        Fault::SlowDown => return Ok(refused(503, "SlowDown")),
        Fault::Denied => return Ok(refused(403, "AccessDenied")),
        Fault::Gone => return Ok(refused(404, "NoSuchKey")),
        Fault::Archived => return Ok(refused(403, "InvalidObjectState")),
        Fault::Late(millis) => tokio::time::sleep(Duration::from_millis(millis)).await,
        Fault::ReadOnly if request.method() != "GET" && request.method() != "HEAD" => {
            return Ok(refused(403, "AccessDenied"));
        }
        Fault::None | Fault::CutAt(_) | Fault::AnswerLost | Fault::ReadOnly => {}
    }
    let is_lost = fault == Fault::AnswerLost && request.method() == "PUT";
    let path = root.join(request.uri().path().trim_start_matches('/'));
    let is_list = request
        .uri()
        .query()
        .is_some_and(|query| query.contains("list-type=2"));
    let asked = request.headers().get("if-match").cloned();
    if asked.is_some_and(|asked| path.is_file() && asked != etag_of(&path).as_str()) {
        return Ok(refused(412, "PreconditionFailed"));
    }
    let mut answer = service
        .call(request.map(Body::from))
        .await
        .map_err(|error| std::io::Error::other(format!("{error:?}")))?;
    if is_lost {
        return Err(std::io::Error::other("the line is cut"));
    }
    if answer.headers().contains_key("etag") && path.is_file() {
        let etag = etag_of(&path).parse().unwrap();
        answer.headers_mut().insert("etag", etag);
    }
    if is_list {
        answer = with_etags(answer, &path).await?;
    }
    let Fault::CutAt(at) = fault else {
        return Ok(answer);
    };
    let (parts, body) = answer.into_parts();
    let bytes = body
        .collect()
        .await
        .map_err(std::io::Error::other)?
        .to_bytes();
    let some = bytes.slice(..at.min(bytes.len()));
    // The header promises all of it.
    let cut = futures::stream::iter([
        Ok(hyper::body::Frame::data(some)),
        Err(std::io::Error::other("the line is cut")),
    ]);
    let body = Body::http_body(http_body_util::StreamBody::new(cut));
    Ok(HttpResponse::from_parts(parts, body))
}

/// The server's listings have no `ETag`; S3's have.
async fn with_etags(answer: HttpResponse, bucket: &Path) -> Result<HttpResponse, std::io::Error> {
    let (mut parts, body) = answer.into_parts();
    let bytes = body
        .collect()
        .await
        .map_err(std::io::Error::other)?
        .to_bytes();
    let text = String::from_utf8(bytes.to_vec()).unwrap();
    let mut with = String::with_capacity(text.len() * 2);
    for (at, part) in text.split("</Key>").enumerate() {
        if at > 0 {
            let key = with.rsplit("<Key>").next().unwrap_or_default().to_owned();
            let etag = etag_of(&bucket.join(key)).replace('"', "&quot;");
            with.push_str(&format!("</Key><ETag>{etag}</ETag>"));
        }
        with.push_str(part);
    }
    parts.headers.remove("content-length");
    Ok(HttpResponse::from_parts(parts, Body::from(with)))
}

fn etag_of(path: &Path) -> String {
    let bytes = std::fs::read(path).unwrap_or_default();
    format!("\"{:x}\"", Sha256::digest(bytes))
}
