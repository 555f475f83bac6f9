//! The proof of an attribution in words, line by line.

use arrow::array::RecordBatch;

use crate::reports::{Chain, value_of};

/// One line, and how far it is indented.
#[derive(Debug)]
pub(super) struct Line {
    pub(super) depth: usize,
    pub(super) text: String,
}

fn line(depth: usize, text: impl Into<String>) -> Line {
    Line {
        depth,
        text: text.into(),
    }
}

/// One value, or the empty text.
fn text_of(batch: &RecordBatch, name: &str, row: usize) -> String {
    value_of(batch, name, row).unwrap_or_default()
}

/// Every row of every batch.
fn each(batches: &[RecordBatch]) -> impl Iterator<Item = (&RecordBatch, usize)> {
    batches
        .iter()
        .flat_map(|batch| (0..batch.num_rows()).map(move |row| (batch, row)))
}

/// From the origin to the session that was asked for.
pub(super) fn tell_chain(what: &str, chain: &Chain) -> Vec<Line> {
    let Some(last) = chain.hops.last() else {
        return Vec::new();
    };
    let mut lines = vec![line(0, format!("{what} ({})", chain.matched))];
    let confidence = text_of(last, "confidence", 0);
    lines.push(match value_of(last, "origin_id", 0) {
        Some(origin) => {
            let provider = value_of(last, "origin_provider", 0);
            let vouched = provider.map_or_else(String::new, |by| format!(", vouched for by {by}"));
            let kind = text_of(last, "origin_kind", 0);
            let person = value_of(last, "person", 0)
                .map_or_else(String::new, |person| format!("{person}: "));
            line(
                1,
                format!("is {person}{origin} ({kind}{vouched}), confidence {confidence}"),
            )
        }
        None => line(
            1,
            format!(
                "is unresolved, confidence {confidence}: {}",
                why(&text_of(last, "unresolved_reason", 0), &confidence)
            ),
        ),
    });
    for (at, hop) in chain.hops.iter().enumerate() {
        lines.extend(tell_hop(at, hop));
    }
    let mut makers: Vec<Line> = each(&chain.makers)
        .map(|(makers, row)| tell_maker(makers, row))
        .collect();
    if makers.is_empty() {
        makers.extend(tell_pruned_maker(last));
    }
    if !makers.is_empty() {
        lines.push(line(1, "who stands behind what acted:"));
        lines.extend(makers);
    }
    if let Some(operators) = value_of(last, "possible_operators", 0).filter(|list| list != "[]") {
        lines.push(line(
            1,
            format!("these opened a shell on the machine, and may have used its role: {operators}"),
        ));
    }
    if each(&chain.addresses).next().is_some() {
        lines.push(line(1, "it was used from:"));
        lines.extend(each(&chain.addresses).map(|(addresses, row)| {
            let value = |name| text_of(addresses, name, row);
            line(
                2,
                format!(
                    "{} with {}: {}",
                    or(value("source_ip_address"), "an unknown address"),
                    or(value("user_agent"), "an unknown program"),
                    calls(&value("events"), &value("first_at"), &value("last_at"))
                ),
            )
        }));
    }
    if !chain.candidates.is_empty() {
        lines.push(line(1, "calls that may have issued it:"));
        lines.extend(each(&chain.candidates).map(|(candidates, row)| {
            let value = |name| text_of(candidates, name, row);
            line(
                2,
                format!(
                    "{} {} by {} {} from {}, event {}",
                    value("event_time"),
                    value("event_name"),
                    value("origin_kind"),
                    value("origin_id"),
                    value("source_ip_address"),
                    value("event_id")
                ),
            )
        }));
    }
    lines.push(line(0, ""));
    lines
}

fn tell_hop(at: usize, hop: &RecordBatch) -> Vec<Line> {
    let value = |name| value_of(hop, name, 0);
    let persona = value("persona_arn")
        .or_else(|| value("session_arn"))
        .or_else(|| value("origin_id"));
    let account =
        value("account_name").map_or_else(String::new, |name| format!(" in account {name}"));
    let name = value("session_name").map_or_else(String::new, |name| format!(" as {name}"));
    let from = format!(
        "from {} with {}",
        or(text_of(hop, "source_ip_address", 0), "an unknown address"),
        or(text_of(hop, "user_agent", 0), "an unknown program")
    );
    let at_time = || text_of(hop, "issued_at", 0);
    let (how, from_calls) = match (value("issuing_api"), value("issuing_event_id")) {
        (Some(api), Some(event)) => (
            format!("{api} at {} {from}, event {event}", at_time()),
            String::new(),
        ),
        (Some(_), None) => (
            format!(
                "one of several calls that may have issued it at {}",
                text_of(hop, "created_at", 0)
            ),
            String::new(),
        ),
        _ => {
            let how = match value("attribution").as_deref() {
                Some("direct") => "named by its own records".to_owned(),
                Some("shared_event") => "the same call as another account recorded it".to_owned(),
                Some("account_only") => "an account that is not in these logs".to_owned(),
                Some("request_id") => "the same request as the call that caused it".to_owned(),
                Some("sign_in") => "the console says who it was".to_owned(),
                Some("identity_center") => "Identity Center says who it was".to_owned(),
                Some("carried") => {
                    "only the source identity it carries speaks of somebody".to_owned()
                }
                Some("workload") => "its own records say what got the credentials".to_owned(),
                Some("only_session_alive") => {
                    "the only session of this principal that was alive".to_owned()
                }
                _ => format!(
                    "issuing event not found: {}",
                    why(&text_of(hop, "unresolved_reason", 0), "")
                ),
            };
            (how, format!(", first {from}"))
        }
    };
    let keys = value("access_key_ids")
        .filter(|keys| keys != "[]")
        .map_or_else(String::new, |keys| format!(", keys {keys}"));
    let handed = value("issued_access_key_id")
        .map_or_else(String::new, |key| format!(", handed out key {key}"));
    let list = |name| value(name).filter(|list| list != "[]");
    let mut lines = vec![
        line(
            1,
            format!(
                "{at}. {}{account}{name}",
                persona.unwrap_or_else(|| "(caller not named)".to_owned())
            ),
        ),
        line(
            2,
            format!(
                " {how}{handed}; join {}, {}",
                text_of(hop, "attribution", 0),
                text_of(hop, "confidence", 0)
            ),
        ),
        line(
            2,
            format!(
                " {}{from_calls}{keys}",
                match value("events_pruned_before") {
                    Some(day) => calls_of_pruned(hop, &day),
                    None => calls(
                        &text_of(hop, "event_count", 0),
                        &text_of(hop, "first_used_at", 0),
                        &text_of(hop, "last_used_at", 0)
                    ),
                }
            ),
        ),
    ];
    lines.extend(list("confirmed_by").map(|joins| line(2, format!(" confirmed by {joins}"))));
    lines.extend(list("contradicted_by").map(|found| line(2, format!(" CONTRADICTED by {found}"))));
    lines.extend(
        value("would_contradict").map(|text| line(2, format!(" would be contradicted by {text}"))),
    );
    lines
}

/// What is left of the calls of a session some of whose days were pruned, beside when it was in use.
fn calls_of_pruned(hop: &RecordBatch, day: &str) -> String {
    let value = |name| text_of(hop, name, 0);
    let (first, last) = (value("first_used_at"), value("last_used_at"));
    let used = match (first.as_str(), last.as_str()) {
        ("", _) => "not seen in use".to_owned(),
        (first, last) if first == last => format!("in use at {first}"),
        (first, last) => format!("in use from {first} to {last}"),
    };
    let count = or(value("event_count"), "0");
    let day = day.split('T').next().unwrap_or(day);
    format!(
        "{used}, {count} of its calls are kept; events before {day} were pruned, and those named here may be among them"
    )
}

/// Who made it, where the event of that was pruned and the row still tells.
fn tell_pruned_maker(session: &RecordBatch) -> Option<Line> {
    let maker = value_of(session, "created_by_origin_id", 0)?;
    let event = text_of(session, "created_by_event_id", 0);
    Some(line(
        2,
        format!(" it was made by {maker}, event {event} (pruned)"),
    ))
}

fn tell_maker(makers: &RecordBatch, row: usize) -> Line {
    let value = |name| text_of(makers, name, row);
    let made = match value("via").as_str() {
        "access_key" => format!("its key {} was made", value("created_access_key_id")),
        "workload" => "the workload was launched, deployed or given its role".to_owned(),
        _ => "the user was made".to_owned(),
    };
    let persona = value("persona_arn");
    let acting = if persona.is_empty() || persona == value("origin_id") {
        String::new()
    } else {
        format!(" acting as {persona}")
    };
    line(
        2,
        format!(
            " {made} by {} ({}){acting} from {}: {} at {}, event {}",
            or(value("origin_id"), "somebody unresolved"),
            value("origin_kind"),
            value("source_ip_address"),
            value("event_name"),
            value("event_time"),
            value("event_id")
        ),
    )
}

/// Who made, or named, something that was never seen in use.
pub(super) fn tell_named(what: &str, named: &[RecordBatch]) -> Vec<Line> {
    let mut lines = vec![line(
        0,
        format!("{what} was not seen in use; these calls made it, or named it:"),
    )];
    lines.extend(each(named).map(|(batch, row)| {
        let value = |name| text_of(batch, name, row);
        line(
            1,
            format!(
                "{} {} by {} ({}) acting as {} from {}, event {}",
                value("event_time"),
                value("event_name"),
                or(value("origin_id"), "somebody unresolved"),
                value("origin_kind"),
                or(value("persona_arn"), "(no persona)"),
                or(value("source_ip_address"), "an unknown address"),
                value("event_id")
            ),
        )
    }));
    lines
}

/// Everything that grew out of the sessions that were asked for.
pub(super) fn tell_descendants(grown: &[RecordBatch]) -> Vec<Line> {
    let is_new = |(batch, row): &(&RecordBatch, usize)| value_of(batch, "via", *row).is_some();
    let new: Vec<_> = each(grown).filter(is_new).collect();
    if new.is_empty() {
        return vec![line(0, "nothing grew out of it")];
    }
    let mut lines = vec![line(0, "what grew out of it:")];
    lines.extend(new.into_iter().map(|(batch, row)| {
        let value = |name| text_of(batch, name, row);
        let via = match value("via").as_str() {
            "access_key" => "by a key it made",
            "user" => "by a user it made",
            "workload" => "by a workload it launched or deployed",
            _ => "by credentials it asked for",
        };
        line(
            1,
            format!(
                "{} {} of {}, {via}: {}; event {}, session {}",
                value("began_at"),
                or(value("persona_arn"), "(no persona)"),
                value("who"),
                calls(
                    &value("event_count"),
                    &value("first_used_at"),
                    &value("last_used_at")
                ),
                value("evidence_event_id"),
                value("session_id")
            ),
        )
    }));
    lines
}

/// A reason in words; docs/attribution.md tells what takes each away.
fn why(reason: &str, confidence: &str) -> String {
    let words = match reason {
        _ if confidence == "ambiguous" => {
            return "several calls may have issued it, and their callers differ".to_owned();
        }
        "service_internal" => "AWS's own sessions of this kind have no issuing event",
        "cross_account_not_collected" => "the caller is in an account whose logs are not here",
        "issuer_outside_window" => "it is older than the logs of its account",
        "redacted" => "AWS hides what the call that issued it handed out",
        "data_event_not_logged" => "it is issued by a data event, and those are not logged",
        "read_events_excluded" => "the trail leaves out read events, and AssumeRole is one",
        "event_omitted" => "the issuing event was too large, and its parts were left out",
        "region_not_collected" => "the logs have no STS event of its region",
        "lost" => "the issuing event should be in the logs and is not",
        other => return other.to_owned(),
    };
    format!("{reason}: {words}")
}

fn or(text: String, instead: &str) -> String {
    if text.is_empty() {
        instead.to_owned()
    } else {
        text
    }
}

fn calls(count: &str, first: &str, last: &str) -> String {
    let calls = match count {
        "" | "0" => return "never used, as far as the logs tell".to_owned(),
        "1" => "1 call".to_owned(),
        count => format!("{count} calls"),
    };
    if first == last {
        format!("{calls} at {first}")
    } else {
        format!("{calls} from {first} to {last}")
    }
}
