//! Who is told of a report: webhooks, Slack, and topics of Amazon SNS.
//!
//! A message is a summary with links. Addresses and tokens come in as secrets and are never shown: an error names the notification
//! as the definitions do. Sources: Slack, "Sending messages using incoming webhooks", "Formatting text for app surfaces" and "Rich text block";
//! Amazon SNS API Reference, "Publish".

mod slack;

use std::fmt;
use std::time::Duration;

use chrono::SecondsFormat;
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, HeaderValue, RETRY_AFTER};
use reqwest::{StatusCode, Url};
use serde_json::{Value, json};

use slack::slack;

use super::definition::{NotifyDef, NotifyKind, NotifyWhen};
use super::deliver::expand;
use super::render::shown_to_people;
use super::run::Finished;
use crate::aws::{S3Options, configuration};
use crate::output::{OutputError, Pseudonyms, json_rows};

/// For one attempt, with all of its answer.
const PATIENCE: Duration = Duration::from_secs(10);
const ATTEMPTS: u32 = 4;
/// The longest wait between two attempts, also where the server asks for more.
const LONGEST_WAIT: Duration = Duration::from_secs(30);
/// The longest text of a row, in characters.
const LONGEST_TEXT: usize = 300;
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
    /// The token cannot be sent.
    #[error(
        "the token of notification `{name}` is more than one line, or has characters that no header can have"
    )]
    Token {
        /// The notification.
        name: String,
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
    /// There is no key for pseudonyms.
    #[error("notification `{name}` is to have pseudonyms, and there is no key for them")]
    NoKey {
        /// The notification.
        name: String,
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
    token: Option<HeaderValue>,
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
                let mut client = reqwest::Client::builder()
                    .timeout(PATIENCE)
                    .connect_timeout(PATIENCE)
                    // A redirection would carry the message to who knows whom.
                    .redirect(reqwest::redirect::Policy::none())
                    .user_agent(concat!("rolecall/", env!("CARGO_PKG_VERSION")));
                if is_local {
                    // Not over TLS: it must not leave this machine.
                    client = client.no_proxy();
                }
                Some(client.build().map_err(|source| NotifyError::Send {
                    name: def.name.clone(),
                    source: source.without_url(),
                })?)
            }
        };
        let token = match token {
            None => None,
            Some(Secret(token)) => {
                let mut value =
                    HeaderValue::from_str(&format!("Bearer {token}")).map_err(|_| {
                        NotifyError::Token {
                            name: def.name.clone(),
                        }
                    })?;
                value.set_sensitive(true);
                Some(value)
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
    pub(super) fn wants(&self, finished: &Finished) -> bool {
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

    /// Tells of a report.
    pub(super) async fn tell(
        &self,
        finished: &Finished,
        pseudonyms: Option<&Pseudonyms>,
        all_pseudonymous: bool,
        aws: &S3Options,
    ) -> Result<(), NotifyError> {
        let pseudonyms = match pseudonyms {
            None if self.def.is_pseudonymous => {
                return Err(NotifyError::NoKey {
                    name: self.def.name.clone(),
                });
            }
            pseudonyms => pseudonyms.filter(|_| all_pseudonymous || self.def.is_pseudonymous),
        };
        let message = self.message(finished, pseudonyms)?;
        match self.def.kind {
            NotifyKind::Webhook => self.post(&message).await,
            NotifyKind::Slack => self.post(&slack(&message)).await,
            NotifyKind::Sns => self.publish(&message, aws).await,
        }
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
        let shown = shown_to_people(answered)?;
        let first = shown.slice(0, self.def.rows.min(shown.num_rows()));
        let first = match pseudonyms {
            Some(pseudonyms) => pseudonyms.rows(&first, answered.section.source.is_ours())?,
            None => first,
        };
        let rows = json_rows(&[first])?;
        let read = |row: &String| serde_json::from_str(row).ok().map(shortened);
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
            if let Some(token) = &self.token {
                request = request.header(AUTHORIZATION, token.clone());
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
            let now;
            (now, wait) = waits(wait);
            tokio::time::sleep(now).await;
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

/// How long to wait now, where `wanted` is wanted, and how long the next time.
fn waits(wanted: Duration) -> (Duration, Duration) {
    let now = wanted.min(LONGEST_WAIT);
    (now, now.saturating_mul(2))
}

/// The row with long texts cut.
fn shortened(mut row: Value) -> Value {
    let values = row
        .as_object_mut()
        .into_iter()
        .flat_map(serde_json::Map::values_mut);
    for value in values {
        let long = value
            .as_str()
            .filter(|text| text.chars().count() > LONGEST_TEXT);
        if let Some(text) = long {
            let cut: String = text.chars().take(LONGEST_TEXT).collect();
            *value = Value::String(format!("{cut}…"));
        }
    }
    row
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_that_asks_for_more_seconds_than_there_are_gets_half_a_minute() {
        let (now, next) = waits(Duration::from_secs(u64::MAX));
        assert_eq!(now, LONGEST_WAIT);
        assert_eq!(waits(next).0, LONGEST_WAIT);
        assert_eq!(waits(Duration::from_secs(1)).1, Duration::from_secs(2));
    }

    #[test]
    fn long_texts_of_rows_are_cut() {
        let row = shortened(json!({ "who": "é".repeat(LONGEST_TEXT + 1), "calls": 1 }));
        let who = row["who"].as_str().unwrap();
        assert_eq!(who.chars().count(), LONGEST_TEXT + 1);
        assert!(who.ends_with('…'));
    }
}
