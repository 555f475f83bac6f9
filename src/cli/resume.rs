//! Where a bucket's listing begins when it is read again and again.
//!
//! A reading that took a source as a whole leaves the day on which it began in the manifest. What came before that day is known, but
//! for objects that came late; a later reading may begin there, and then takes the source as a whole too.

use std::collections::BTreeMap;

use chrono::{NaiveDate, TimeDelta};

use super::failure::Failure;
use super::{World, time};
use crate::aws::S3Uri;
use crate::decode::Reason;
use crate::ingest::Books;
use crate::lake::{Draft, Lake, LakeError, Operation, WriteGuard};
use crate::source::Selection;

/// The day from which `sources` have to be listed, `span` before the last whole reading of each; none where one was never read.
pub(super) fn from(
    world: &World,
    sources: &[String],
    span: &str,
) -> Result<Option<NaiveDate>, Failure> {
    let span = TimeDelta::from_std(time::span("--resume", span)?).unwrap_or(TimeDelta::MAX);
    if let Some(other) = sources.iter().find(|source| !S3Uri::is_one(source)) {
        return Err(Failure::usage(
            format!("`--resume` is for buckets, and `{other}` is none"),
            vec![match time::span("--resume", other) {
                Ok(_) => format!("write `--resume={other}`"),
                Err(_) => "leave it out, or say `--from 2d`".to_owned(),
            }],
        ));
    }
    let walked = match Lake::open_in(world.store()?) {
        Ok(lake) => lake.snapshot()?.walked,
        Err(LakeError::NotALake { .. }) => BTreeMap::new(),
        Err(error) => return Err(error.into()),
    };
    let days: Option<Vec<NaiveDate>> = sources
        .iter()
        .map(|source| walked.get(&S3Uri::parse(source).ok()?.to_string()).copied())
        .collect();
    let first = days.and_then(|days| days.into_iter().min());
    let from = first.and_then(|day| day.checked_sub_signed(span));
    match from {
        Some(day) => world.ui.say(&format!(
            "listing from {day}: what came before was read when it came"
        )),
        None => world
            .ui
            .say("listing all: no reading of this lake has taken these sources as a whole yet"),
    }
    Ok(from)
}

/// The sources that this reading takes as a whole, if it goes well.
pub(super) fn walks(sources: &[String], selection: &Selection, resumes: bool) -> Vec<String> {
    let Selection {
        from,
        to,
        accounts,
        regions,
    } = selection;
    let is_whole =
        (from.is_none() || resumes) && to.is_none() && accounts.is_empty() && regions.is_empty();
    let buckets = sources
        .iter()
        .filter_map(|source| S3Uri::parse(source).ok());
    buckets
        .filter(|_| is_whole)
        .map(|bucket| bucket.to_string())
        .collect()
}

/// Leaves the day of a reading that went well: nothing was unreadable, so that nothing has to be tried again.
pub(super) fn note(
    world: &World,
    guard: &WriteGuard<'_>,
    walks: Vec<String>,
    books: &Books,
) -> Result<(), Failure> {
    if books.reasons.contains_key(Reason::Unreadable.code()) {
        return Ok(());
    }
    let mut draft = Draft::new(guard, Operation::Ingest)?;
    if books.files == 0
        && walks
            .iter()
            .any(|source| !draft.base().walked.contains_key(source))
    {
        // Nothing was there yet, or nothing was found: no reason to begin later the next time.
        return Ok(());
    }
    let today = world.now.date_naive();
    for source in walks {
        if draft.base().walked.get(&source) != Some(&today) {
            draft.walked(source, today);
        }
    }
    Ok(draft.commit()?)
}
