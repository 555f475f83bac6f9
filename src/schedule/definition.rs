//! What is to be done, once the file that says so was found valid.

use std::path::PathBuf;

use chrono_tz::Tz;
use sha2::{Digest as _, Sha256};

use super::period::{For, Window};
use super::timetable::Timetable;
use crate::output::Format;
use crate::queries::find;
use crate::reports::{BuiltInSource, UnusedPart};
use crate::sql_file::SqlFile;

/// All that a file defines.
#[derive(Debug, Clone)]
pub struct Definitions {
    /// The lake, where the file names one.
    pub lake: Option<PathBuf>,
    /// The organization's accounts.
    pub accounts: Option<PathBuf>,
    /// Which origins are one person.
    pub people: Option<PathBuf>,
    /// The countries of addresses.
    pub countries: Option<PathBuf>,
    /// What is granted.
    pub grants: Vec<PathBuf>,
    /// Where log files come from.
    pub ingest: IngestJob,
    /// When small files are put together.
    pub compact: Option<Timetable>,
    /// The reports, in the order of the file.
    pub reports: Vec<ReportDef>,
    /// Who is told of them.
    pub notify: Vec<NotifyDef>,
    /// Where the key of pseudonyms is.
    pub pseudonym_key: Option<SecretPlace>,
}

impl Definitions {
    /// The report called `name`.
    pub fn report(&self, name: &str) -> Option<&ReportDef> {
        self.reports.iter().find(|report| report.name == name)
    }
}

/// Where log files come from, and when they are fetched.
#[derive(Debug, Clone, Default)]
pub struct IngestJob {
    /// Files, folders, patterns and buckets.
    pub sources: Vec<String>,
    /// A queue that tells of new objects.
    pub sqs: Option<String>,
    /// Further flags of `rolecall ingest`.
    pub flags: Vec<String>,
    /// When; without it before each report.
    pub timetable: Option<Timetable>,
}

impl IngestJob {
    /// Whether there is nothing to fetch.
    pub fn is_empty(&self) -> bool {
        self.sources.is_empty() && self.sqs.is_none()
    }
}

/// One report.
#[derive(Debug, Clone)]
pub struct ReportDef {
    /// Its name, for the command line and for paths.
    pub name: String,
    /// Its heading.
    pub title: String,
    /// When it runs by itself.
    pub timetable: Option<Timetable>,
    /// The time zone of its days.
    pub zone: Tz,
    /// How far it looks back.
    pub window: Window,
    /// Runs that are made up for after a time in which nothing ran, at most; and those that are made again when log files came late.
    pub catch_up: usize,
    /// What it tells.
    pub sections: Vec<SectionDef>,
    /// Where it goes.
    pub outputs: Vec<OutputDef>,
}

/// One section of a report.
#[derive(Debug, Clone)]
pub struct SectionDef {
    /// Its name, one of its kind in the report.
    pub name: String,
    /// The heading.
    pub title: String,
    /// What the rows mean.
    pub about: String,
    /// What it means that there are none.
    pub empty: String,
    /// What there is to do about the rows.
    pub next: String,
    /// Where the rows come from.
    pub source: SectionSource,
    /// Values for the query's parameters, besides those of the period.
    pub params: Vec<(String, String)>,
    /// The columns that are kept of the answer; none means all.
    pub columns: Vec<String>,
    /// The columns that people read; none means all.
    pub for_people: Vec<String>,
    /// The columns by which a row is found again in another run; none means all of it.
    pub key: Vec<String>,
    /// The columns whose change is told; none means that only new and missing rows are.
    pub watch: Vec<String>,
    /// Whether its rows are what happened in the period, and not how things stand.
    pub is_of_period: bool,
    /// What it is held against.
    pub compare: Option<Baseline>,
    /// More rows than this are a finding.
    pub alert_above: Option<u64>,
    /// Rows that are told at most.
    pub max_rows: usize,
    /// Line and column of its definition.
    pub place: (usize, usize),
}

/// Where the rows of a section come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SectionSource {
    /// A query of ours, by name.
    Query(String),
    /// A query of the user's, and its text.
    File(PathBuf, String),
    /// See [`BuiltInSource::Unused`].
    Unused(UnusedPart),
    /// See [`BuiltInSource::Rightsizing`].
    Rightsizing,
}

impl SectionSource {
    /// Whether its columns mean what ours of their names mean.
    pub fn is_ours(&self) -> bool {
        !matches!(self, Self::File(..))
    }
}

impl From<BuiltInSource> for SectionSource {
    fn from(source: BuiltInSource) -> Self {
        match source {
            BuiltInSource::Query(name, _) => Self::Query(name.to_owned()),
            BuiltInSource::Unused(part) => Self::Unused(part),
            BuiltInSource::Rightsizing => Self::Rightsizing,
        }
    }
}

/// What a run is held against.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Baseline {
    /// The last run of a period that ended before.
    Previous,
    /// The run of one day or period.
    Run(For),
}

/// One place that a report goes to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutputDef {
    /// In which form.
    pub form: OutputForm,
    /// A path or an `s3://` URI, with placeholders.
    pub to: String,
    /// Whether names become pseudonyms.
    pub is_pseudonymous: bool,
}

/// Where a secret is; never the secret itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SecretPlace {
    /// In a variable of the environment.
    Environment(String),
    /// In a file.
    File(PathBuf),
}

/// Somebody who is told of reports.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NotifyDef {
    /// A name for words.
    pub name: String,
    /// In which form.
    pub kind: NotifyKind,
    /// Where the URL, or the ARN of the topic, is.
    pub address: SecretPlace,
    /// Where the token is that a webhook wants.
    pub token: Option<SecretPlace>,
    /// Of which reports; none means all.
    pub reports: Vec<String>,
    /// When.
    pub when: NotifyWhen,
    /// A link to the report, with placeholders.
    pub link: Option<String>,
    /// How many rows of each section are in the message.
    pub rows: usize,
    /// Whether names in these rows become pseudonyms.
    pub is_pseudonymous: bool,
}

/// The forms of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NotifyKind {
    /// JSON to a URL.
    Webhook,
    /// Slack's own.
    Slack,
    /// A topic of Amazon SNS.
    Sns,
}

/// What is worth a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NotifyWhen {
    /// A section above its threshold.
    Findings,
    /// A section with rows; where it is held against an earlier run, with changes.
    Rows,
    /// Every run.
    Always,
}

/// The forms of a report.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OutputForm(pub Format);

impl OutputForm {
    /// The names of the forms.
    pub const NAMES: [(&'static str, Format); 6] = [
        ("markdown", Format::Markdown),
        ("html", Format::Html),
        ("csv", Format::Csv),
        ("json", Format::Json),
        ("jsonl", Format::Jsonl),
        ("parquet", Format::Parquet),
    ];

    /// The form of that name.
    pub fn parse(name: &str) -> Option<Self> {
        let found = Self::NAMES.iter().find(|(known, _)| *known == name);
        found.map(|(_, format)| Self(*format))
    }

    /// Its name.
    pub fn name(self) -> &'static str {
        let found = Self::NAMES.iter().find(|(_, format)| *format == self.0);
        found.map_or("table", |(name, _)| name)
    }
}

impl SectionDef {
    /// Whether it is about what is granted.
    pub fn needs_grants(&self) -> bool {
        matches!(
            self.source,
            SectionSource::Unused(_) | SectionSource::Rightsizing
        )
    }

    /// Whether it asks of nothing behind the end of the period.
    pub fn has_end(&self) -> bool {
        let file = match &self.source {
            SectionSource::File(_, sql) => SqlFile::parse(&self.name, sql),
            SectionSource::Query(name) => match find(name) {
                Ok(file) => file,
                Err(_) => return false,
            },
            SectionSource::Unused(_) | SectionSource::Rightsizing => return true,
        };
        file.params.iter().any(|param| param.name == "until")
    }

    /// What is asked, as a hash: rows of another question are not held against these.
    pub fn hash(&self) -> String {
        let mut hash = Sha256::new();
        let mut put = |text: &str| {
            hash.update((text.len() as u64).to_le_bytes());
            hash.update(text.as_bytes());
        };
        match &self.source {
            SectionSource::Query(name) => put(&format!("query {name}")),
            SectionSource::File(_, sql) => put(&format!("sql {sql}")),
            SectionSource::Unused(part) => put(&format!("unused {part:?}")),
            SectionSource::Rightsizing => put("rightsizing"),
        }
        for (name, value) in &self.params {
            put(name);
            put(value);
        }
        for column in &self.columns {
            put(column);
        }
        format!("{:x}", hash.finalize())
    }
}
