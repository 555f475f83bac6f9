//! Where a report goes: files that are replaced whole, and objects in S3.

use std::ffi::OsString;
use std::fs::File;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use chrono::DateTime;
use chrono_tz::Tz;
use sha2::{Digest as _, Sha256};

use super::definition::{OutputDef, OutputForm};
use super::make::Receivers;
use super::render::render;
use super::run::Finished;
use crate::aws::{S3Error, S3Options, S3Uri, reach};
use crate::output::{Format, OutputError};

/// What may stand in a path between braces.
pub(super) const PLACEHOLDERS: [&str; 8] = [
    "report", "section", "date", "from", "time", "year", "month", "day",
];

/// What can go wrong on the way.
#[derive(Debug, thiserror::Error)]
pub enum DeliverError {
    /// The report could not be put into the form.
    #[error("cannot write the report as {form}")]
    Render {
        /// The form.
        form: &'static str,
        /// Why.
        #[source]
        source: OutputError,
    },
    /// There is no key for pseudonyms.
    #[error("an output is to have pseudonyms, and there is no key for them")]
    NoKey,
    /// The file could not be written.
    #[error("cannot write `{}`", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// The object could not be put.
    #[error(transparent)]
    Bucket(#[from] S3Error),
}

/// One file or object that was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivered {
    /// In which form.
    pub form: OutputForm,
    /// Where it lies.
    pub place: String,
    /// Its size.
    pub bytes: u64,
    /// The SHA-256 of its bytes, in hexadecimal digits.
    pub sha256: String,
}

/// Writes a report to all its places, each file whole or not at all. The same report gives the same bytes.
pub(super) async fn deliver(
    finished: &Finished,
    receivers: &Receivers<'_>,
) -> Result<Vec<Delivered>, DeliverError> {
    let mut done = Vec::new();
    for output in &finished.report.outputs {
        let OutputDef {
            form,
            to,
            is_pseudonymous,
        } = output;
        let pseudonyms = match receivers.pseudonyms {
            None if *is_pseudonymous => return Err(DeliverError::NoKey),
            pseudonyms => pseudonyms.filter(|_| *is_pseudonymous || receivers.all_pseudonymous),
        };
        let by_section = to.contains("{section}");
        let parts = render(finished, *form, by_section, None, pseudonyms).map_err(|source| {
            DeliverError::Render {
                form: form.name(),
                source,
            }
        })?;
        for part in parts {
            let place = expand(to, finished, part.section.as_deref().unwrap_or_default());
            if S3Uri::is_one(&place) {
                put(&place, *form, &part.bytes, receivers.aws).await?;
            } else {
                let path = PathBuf::from(&place);
                replace(&path, &part.bytes)
                    .map_err(|source| DeliverError::File { path, source })?;
            }
            done.push(Delivered {
                form: *form,
                place,
                bytes: part.bytes.len() as u64,
                sha256: format!("{:x}", Sha256::digest(&part.bytes)),
            });
        }
    }
    Ok(done)
}

/// The place with its placeholders filled in; names of reports and sections cannot hold a slash.
pub(super) fn expand(to: &str, finished: &Finished, section: &str) -> String {
    let zone: Tz = finished.report.zone;
    let last = finished.period.last_day(zone);
    let end = finished.period.until.with_timezone(&zone);
    let from = finished.period.from.with_timezone(&zone).date_naive();
    let values: [String; PLACEHOLDERS.len()] = [
        finished.report.name.clone(),
        section.to_owned(),
        last.to_string(),
        from.to_string(),
        time_of(end),
        last.format("%Y").to_string(),
        last.format("%m").to_string(),
        last.format("%d").to_string(),
    ];
    let mut place = to.to_owned();
    for (name, value) in PLACEHOLDERS.iter().zip(&values) {
        place = place.replace(&format!("{{{name}}}"), value);
    }
    place
}

/// The time at the end of a period, `0230`; midnight is the end of its last day, and sorts there.
fn time_of(end: DateTime<Tz>) -> String {
    match end.format("%H%M").to_string() {
        midnight if midnight == "0000" => "2400".to_owned(),
        time => time,
    }
}

/// Writes a file beside its place, and puts it there once it is whole and safe on disk.
///
/// A link is followed, so that what it names is replaced; what is no file (a pipe, a device) is written to as it is.
fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    if std::fs::metadata(path).is_ok_and(|found| !found.is_file() && !found.is_dir()) {
        return File::options().write(true).open(path)?.write_all(bytes);
    }
    let path = path.canonicalize().unwrap_or_else(|_| path.to_owned());
    let folder = match path.parent() {
        Some(folder) if folder != Path::new("") => folder,
        _ => Path::new("."),
    };
    std::fs::create_dir_all(folder)?;
    let mut name = OsString::from(".");
    name.push(path.file_name().unwrap_or_default());
    name.push(".unfinished");
    let unfinished = folder.join(name);
    // One that a killed process left; under another name it would stay for good.
    match std::fs::remove_file(&unfinished) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    // What the user's umask allows: a report is to be handed on.
    let mut file = File::options()
        .write(true)
        .create_new(true)
        .open(&unfinished)?;
    let written = file
        .write_all(bytes)
        .and_then(|()| file.sync_all())
        .and_then(|()| std::fs::rename(&unfinished, &path));
    if written.is_err() {
        // The disk is full, as a rule: what is there of it only takes more room.
        drop(std::fs::remove_file(&unfinished));
    }
    written?;
    File::open(folder)?.sync_all()
}

async fn put(
    place: &str,
    form: OutputForm,
    bytes: &[u8],
    options: &S3Options,
) -> Result<(), S3Error> {
    let uri = S3Uri::parse(place)?;
    let reached = reach(&uri.bucket, options).await?;
    reached
        .client
        .put_object()
        .bucket(&uri.bucket)
        .key(&uri.prefix)
        .content_type(media_type(form.0))
        .set_expected_bucket_owner(options.expected_bucket_owner.clone())
        .body(bytes.to_vec().into())
        .send()
        .await
        .map(drop)
        .map_err(|error| S3Error::of(place, &error))
}

fn media_type(format: Format) -> &'static str {
    match format {
        Format::Html => "text/html; charset=utf-8",
        Format::Markdown => "text/markdown; charset=utf-8",
        Format::Csv => "text/csv; charset=utf-8",
        Format::Json => "application/json",
        Format::Jsonl => "application/x-ndjson",
        Format::Parquet => "application/vnd.apache.parquet",
        Format::Table => "text/plain; charset=utf-8",
    }
}
