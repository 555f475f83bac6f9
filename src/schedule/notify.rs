//! Who is told of a report: webhooks, Slack, and topics of Amazon SNS.
//!
//! A message is a summary with links. Addresses and tokens come in as secrets and are never shown: an error names the notification
//! as the definitions do. Sources: Slack, "Sending messages using incoming webhooks" and "Formatting text for app surfaces";
//! Amazon SNS API Reference, "Publish".

use std::fmt;
use std::time::Duration;

use chrono::SecondsFormat;
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, HeaderValue, RETRY_AFTER};
use reqwest::{StatusCode, Url};
use serde_json::{Value, json};

use super::definition::{NotifyDef, NotifyKind, NotifyWhen};
use super::deliver::expand;
use super::run::Finished;
use crate::aws::{S3Options, configuration};
use crate::output::{OutputError, Pseudonyms, json_rows};

/// For one attempt, with all of its answer.
const PATIENCE: Duration = Duration::from_secs(10);
const ATTEMPTS: u32 = 4;
/// The longest wait between two attempts, also where the server asks for more.
const LONGEST_WAIT: Duration = Duration::from_secs(30);
/// Subjects of SNS, in characters.
const SUBJECT: usize = 100;

/// Something that is shown nowhere.
#[derive(Clone)]
pub struct Secret(String);

impl Secret {
    /// A secret, without the line end that a file gives it.
    pub fn new(text: &str) -> Self {
        Self(text.trim().to_owned())
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret")
    }
}

/// Why somebody was not told.
#[derive(Debug, thiserror::Error)]
pub enum NotifyError {
    /// The address is none.
    #[error("the address of notification `{name}` is {wrong}")]
    Address {
        /// The notification.
        name: String,
        /// What is wrong with it.
        wrong: &'static str,
    },
    /// The server could not be reached.
    #[error("notification `{name}` could not be sent")]
    Send {
        /// The notification.
        name: String,
        /// What the client said, without the address.
        #[source]
        source: reqwest::Error,
    },
    /// The server did not take it.
    #[error("notification `{name}` was refused: {status}")]
    Refused {
        /// The notification.
        name: String,
        /// The answer.
        status: String,
    },
    /// Its rows could not be put into it.
    #[error("the rows of notification `{name}` cannot be written")]
    Rows {
        /// The notification.
        name: String,
        /// Why.
        #[source]
        source: OutputError,
    },
}

/// Somebody who is told, and how they are reached.
#[derive(Debug, Clone)]
pub struct Notifier {
    def: NotifyDef,
    address: Secret,
    token: Option<Secret>,
    client: Option<reqwest::Client>,
}

impl Notifier {
    /// One by its definition and its secrets.
    pub fn new(
        def: NotifyDef,
        address: Secret,
        token: Option<Secret>,
    ) -> Result<Self, NotifyError> {
        let wrong = |wrong| NotifyError::Address {
            name: def.name.clone(),
            wrong,
        };
        let client = match def.kind {
            NotifyKind::Sns => {
                if !address.0.starts_with("arn:") {
                    return Err(wrong("no ARN of a topic"));
                }
                None
            }
            NotifyKind::Webhook | NotifyKind::Slack => {
                let url = Url::parse(&address.0).map_err(|_| wrong("no URL"))?;
                let is_local = matches!(url.host_str(), Some("localhost" | "127.0.0.1" | "[::1]"));
                if url.scheme() != "https" && !(url.scheme() == "http" && is_local) {
                    return Err(wrong("not `https`: whoever listens would read along"));
                }
                let client = reqwest::Client::builder()
                    .timeout(PATIENCE)
                    .connect_timeout(PATIENCE)
                    // A redirection would carry the message to who knows whom.
                    .redirect(reqwest::redirect::Policy::none())
                    .user_agent(concat!("rolecall/", env!("CARGO_PKG_VERSION")))
                    .build();
                Some(client.map_err(|source| NotifyError::Send {
                    name: def.name.clone(),
                    source: source.without_url(),
                })?)
            }
        };
        Ok(Self {
            def,
            address,
            token,
            client,
        })
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.def.name
    }

    /// Whether a report is worth a word.
    fn wants(&self, finished: &Finished) -> bool {
        let def = &self.def;
        let is_its_report = def.reports.is_empty() || def.reports.contains(&finished.report.name);
        let has_changed = || {
            let mut sections = finished.sections.iter();
            sections.any(|section| section.kept.shown > 0)
        };
        is_its_report
            && match def.when {
                NotifyWhen::Always => true,
                NotifyWhen::Rows => has_changed(),
                NotifyWhen::Findings => finished.run.findings() > 0,
            }
    }

    /// Tells of a report, if it is worth it; returns whether it was told.
    pub async fn tell(
        &self,
        finished: &Finished,
        pseudonyms: Option<&Pseudonyms>,
        aws: &S3Options,
    ) -> Result<bool, NotifyError> {
        if !self.wants(finished) {
            return Ok(false);
        }
        let message = self.message(finished, pseudonyms)?;
        match self.def.kind {
            NotifyKind::Webhook => self.post(&message).await?,
            NotifyKind::Slack => self.post(&json!({ "text": slack(&message) })).await?,
            NotifyKind::Sns => self.publish(&message, aws).await?,
        }
        Ok(true)
    }

    /// What is said: counts, and rows only where they were asked for.
    fn message(
        &self,
        finished: &Finished,
        pseudonyms: Option<&Pseudonyms>,
    ) -> Result<Value, NotifyError> {
        let time =
            |time: chrono::DateTime<chrono::Utc>| time.to_rfc3339_opts(SecondsFormat::Secs, true);
        let mut sections = Vec::new();
        for answered in &finished.sections {
            let kept = &answered.kept;
            let [new, changed, gone] = match answered.counts {
                Some(counts) => counts.map(Some),
                None => [None; 3],
            };
            let mut section = json!({
                "name": kept.name,
                "title": answered.section.title,
                "rows": kept.rows,
                "shown": kept.shown,
                "new": new,
                "changed": changed,
                "gone": gone,
                "is_finding": kept.is_finding(),
            });
            if self.def.rows > 0 {
                let rows = self
                    .rows(answered, pseudonyms)
                    .map_err(|source| NotifyError::Rows {
                        name: self.def.name.clone(),
                        source,
                    })?;
                if let Some(section) = section.as_object_mut() {
                    section.insert("first_rows".to_owned(), Value::Array(rows));
                }
            }
            sections.push(section);
        }
        Ok(json!({
            "report": finished.report.name,
            "title": finished.report.title,
            "window_from": time(finished.period.from),
            "window_to": time(finished.period.until),
            "findings": finished.run.findings(),
            "link": self.def.link.as_ref().map(|link| expand(link, finished, "")),
            "sections": sections,
        }))
    }

    fn rows(
        &self,
        answered: &super::run::Answered,
        pseudonyms: Option<&Pseudonyms>,
    ) -> Result<Vec<Value>, OutputError> {
        let first = answered
            .rows
            .slice(0, self.def.rows.min(answered.rows.num_rows()));
        let first = match pseudonyms {
            Some(pseudonyms) => pseudonyms.rows(&first)?,
            None => first,
        };
        let rows = json_rows(&[first])?;
        let read = |row: &String| serde_json::from_str(row).ok();
        Ok(rows.iter().filter_map(read).collect())
    }

    async fn post(&self, body: &Value) -> Result<(), NotifyError> {
        let Some(client) = &self.client else {
            return Ok(());
        };
        let name = || self.def.name.clone();
        let mut wait = Duration::from_secs(1);
        let mut attempt = 1;
        loop {
            let mut request = client
                .post(&self.address.0)
                .header(CONTENT_TYPE, "application/json")
                .body(body.to_string());
            if let Some(Secret(token)) = &self.token
                && let Ok(mut value) = HeaderValue::from_str(&format!("Bearer {token}"))
            {
                value.set_sensitive(true);
                request = request.header(AUTHORIZATION, value);
            }
            let error = match request.send().await {
                Ok(answer) if answer.status().is_success() => return Ok(()),
                Ok(answer) => {
                    let status = answer.status();
                    let is_for_later = status.is_server_error()
                        || status == StatusCode::TOO_MANY_REQUESTS
                        || status == StatusCode::REQUEST_TIMEOUT;
                    let asked = answer
                        .headers()
                        .get(RETRY_AFTER)
                        .and_then(|value| value.to_str().ok()?.parse().ok());
                    wait = asked.map_or(wait, Duration::from_secs);
                    let refused = NotifyError::Refused {
                        name: name(),
                        status: status.to_string(),
                    };
                    if !is_for_later {
                        return Err(refused);
                    }
                    refused
                }
                Err(source) => NotifyError::Send {
                    name: name(),
                    source: source.without_url(),
                },
            };
            if attempt == ATTEMPTS {
                return Err(error);
            }
            tokio::time::sleep(wait.min(LONGEST_WAIT)).await;
            wait *= 2;
            attempt += 1;
        }
    }

    async fn publish(&self, message: &Value, aws: &S3Options) -> Result<(), NotifyError> {
        let topic = &self.address.0;
        let config = configuration(aws).await;
        let mut builder = aws_sdk_sns::config::Builder::from(&config);
        if let Some(region) = topic.split(':').nth(3) {
            builder = builder.region(aws_sdk_sns::config::Region::new(region.to_owned()));
        }
        if let Some(url) = &aws.endpoint_url {
            builder = builder.endpoint_url(url);
        }
        let text = |name: &str| {
            message
                .get(name)
                .and_then(Value::as_str)
                .unwrap_or_default()
        };
        let subject: String = format!("rolecall: {}", text("report"))
            .chars()
            .filter(|c| c.is_ascii_graphic() || *c == ' ')
            .take(SUBJECT)
            .collect();
        aws_sdk_sns::Client::from_conf(builder.build())
            .publish()
            .topic_arn(topic)
            .subject(subject)
            .message(message.to_string())
            .send()
            .await
            .map(drop)
            .map_err(|error| {
                let (code, _) = crate::aws::told(&error);
                NotifyError::Refused {
                    name: self.def.name.clone(),
                    status: code,
                }
            })
    }
}

/// The message as Slack shows it; `&`, `<` and `>` are its markup.
fn slack(message: &Value) -> String {
    let text = |value: &Value, name: &str| {
        let text = value.get(name).and_then(Value::as_str).unwrap_or_default();
        text.replace('&', "&amp;")
            .replace('<', "&lt;")
            .replace('>', "&gt;")
    };
    let count = |value: &Value, name: &str| value.get(name).and_then(Value::as_u64);
    let mut lines = vec![format!(
        "*{}*: {} to {}",
        text(message, "title"),
        text(message, "window_from"),
        text(message, "window_to")
    )];
    let sections = message.get("sections").and_then(Value::as_array);
    for section in sections.into_iter().flatten() {
        let shown = count(section, "shown").unwrap_or_default();
        if shown == 0 {
            continue;
        }
        let mark = match section.get("is_finding") {
            Some(Value::Bool(true)) => ":warning: ",
            _ => "",
        };
        let changes: Vec<String> = ["new", "changed", "gone"]
            .iter()
            .filter_map(|name| Some((count(section, name)?, name)))
            .filter(|(count, _)| *count > 0)
            .map(|(count, name)| format!("{count} {name}"))
            .collect();
        let said = if changes.is_empty() {
            format!("{shown} rows")
        } else {
            changes.join(", ")
        };
        lines.push(format!("• {mark}{}: {said}", text(section, "title")));
        let rows = section.get("first_rows").and_then(Value::as_array);
        for row in rows.into_iter().flatten() {
            let row = row.to_string();
            let row = row
                .replace('&', "&amp;")
                .replace('<', "&lt;")
                .replace('>', "&gt;");
            lines.push(format!("    {}", row.replace('`', "'")));
        }
    }
    if lines.len() == 1 {
        lines.push("Nothing to tell.".to_owned());
    }
    if message.get("link").is_some_and(Value::is_string) {
        lines.push(text(message, "link"));
    }
    lines.join("\n")
}
