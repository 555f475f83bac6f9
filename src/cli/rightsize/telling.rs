//! What `rolecall rightsize` says beside its answer: of which time the logs speak, what is not known, what was left out.

use std::collections::BTreeSet;

use crate::cli::World;
use crate::cli::failure::Failure;
use crate::engine::Engine;
use crate::output::safe_text;
use crate::policies::{Grants, Principal};
use crate::reports::{RightsizeQuestion, Rightsized, Subject, Window, window};
use crate::rightsize::State;

/// Below this the logs say little of what is done once a quarter.
const SHORT_WINDOW_DAYS: i64 = 90;

const MICROSECONDS_OF_DAY: i64 = 86_400_000_000;

/// Tells what was looked at, and returns the days that the logs speak of.
pub(super) async fn tell_window(
    world: &World,
    engine: &Engine,
    name: &str,
    subjects: &[Subject<'_>],
    found: &Rightsized,
    question: &RightsizeQuestion,
) -> Result<Option<i64>, Failure> {
    let say = |words: String| world.ui.say(&safe_text(&words));
    let own: BTreeSet<String> = subjects
        .iter()
        .filter_map(|it| it.account_id.clone())
        .collect();
    let accounts = if own.is_empty() {
        &found.seen.accounts
    } else {
        &own
    };
    let count = |state: State| found.states.values().filter(|it| **it == state).count();
    say(format!(
        "{name}: {} actions granted, {} used, {} not observable, {} unused; {} used and not granted today, {} used by grants that are not known, {} only refused",
        found.granted.len(),
        count(State::Used),
        count(State::NotObservable),
        count(State::Unused),
        count(State::NotGranted),
        count(State::GrantUnknown),
        count(State::Refused),
    ));
    let mut days = None;
    match window(engine, accounts).await? {
        None => say("note: no event of its account is in the lake".to_owned()),
        Some(window) => {
            let (first, last) = narrowed(window, question);
            let length = (last - first).max(0) / MICROSECONDS_OF_DAY;
            days = Some(length);
            say(format!(
                "the logs of its account speak of {} to {}, {length} days",
                as_day(first),
                as_day(last)
            ));
            if length < SHORT_WINDOW_DAYS {
                say(format!(
                    "warning: less than {SHORT_WINDOW_DAYS} days: what is done once a quarter does not show"
                ));
            }
        }
    }
    Ok(days)
}

/// Tells what is not known of the grants.
pub(super) fn tell_grants(
    world: &World,
    subjects: &[Subject<'_>],
    grants: &Grants,
    found: &Rightsized,
) {
    let say = |words: String| world.ui.say(&safe_text(&words));
    let unknown: BTreeSet<&String> = subjects
        .iter()
        .filter_map(|it| it.principal)
        .flat_map(|it| &it.unknown)
        .collect();
    for policy in unknown {
        say(format!(
            "warning: the text of `{policy}` is not in the files: what it grants is not known"
        ));
    }
    let capped = subjects
        .iter()
        .filter_map(|it| it.principal?.unknown_boundary.as_ref());
    for boundary in capped {
        say(format!(
            "warning: the text of the boundary `{boundary}` is not in the files: less may be granted than the policies say"
        ));
    }
    let is_guessed = found
        .proposal
        .policies()
        .iter()
        .flat_map(|it| &it.statements)
        .any(|it| {
            it.sid
                .as_deref()
                .is_some_and(|sid| sid.starts_with("GrantUnknown"))
        });
    if is_guessed && !found.granted.is_empty() {
        say("warning: `GrantUnknown` in the policy is what was used beyond what is known to be granted: take it out, or give the missing policies".to_owned());
    }
    if !found.is_known && found.granted.is_empty() {
        say(
            "warning: what it is granted is not known: the policy is made of what was used alone"
                .to_owned(),
        );
        let described: BTreeSet<&str> = grants
            .principals
            .values()
            .map(Principal::account_id)
            .collect();
        if !described.is_empty() {
            let described: Vec<&str> = described.into_iter().collect();
            say(format!(
                "note: nobody of that name is in the files, which are of {}",
                described.join(", ")
            ));
        }
    }
    for id in &found.other_ids {
        say(format!(
            "note: calls of `{id}` are left out: another of that name, which is gone"
        ));
    }
}

/// Tells what stands in the policy for more than was used, and what is not in it.
pub(super) fn tell_findings(world: &World, found: &Rightsized, question: &RightsizeQuestion) {
    let say = |words: String| world.ui.say(&safe_text(&words));
    for (what, count) in &found.proposal.widened {
        say(format!(
            "note: `{what}` stands for {count} that were used (`--max-resources`)"
        ));
    }
    for ((source, event), (calls, last)) in &found.seen.unmapped {
        say(format!(
            "note: {calls} calls {event} of {source} need no action that is known; the last is {last}"
        ));
    }
    let left_out = found.open.values().filter(|open| !open.is_meant).count();
    if !question.rules.keep_unobservable && !found.open.is_empty() {
        say(format!(
            "note: {} actions that no event can tell of are left out",
            found.open.len()
        ));
    } else if left_out > 0 {
        say(format!(
            "note: {left_out} actions that no event can tell of are left out: they are granted by wildcards alone, and nothing tells that they are meant"
        ));
    }
}

/// The UTC day of a time in microseconds since 1970.
pub(in crate::cli) fn as_day(at: i64) -> String {
    let time = chrono::DateTime::from_timestamp_micros(at);
    time.map_or_else(String::new, |time| time.format("%Y-%m-%d").to_string())
}

/// The part of the window that was asked for.
fn narrowed(window: Window, question: &RightsizeQuestion) -> (i64, i64) {
    let asked = |wanted: &str| {
        let (_, text) = question.times.iter().find(|(name, _)| *name == wanted)?;
        let time = chrono::DateTime::parse_from_rfc3339(text).ok()?;
        Some(time.timestamp_micros())
    };
    (
        asked("since").map_or(window.first, |since| since.max(window.first)),
        asked("until").map_or(window.last, |until| until.min(window.last)),
    )
}
