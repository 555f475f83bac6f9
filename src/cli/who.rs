//! `rolecall who`: who is behind it, and the proof.

use std::sync::Arc;

use arrow::array::{ArrayRef, Int64Array, RecordBatch, StringArray};
use arrow::datatypes::{DataType, Field, Schema};
use clap::Args;

use super::World;
use super::failure::{Exit, Failure};
use super::sql::warn_if_stale;
use crate::output::{Format, safe_text};
use crate::reports::{Chain, prove, value_of};
use crate::views::open_lake;

/// Tell who is behind an event, key, session or instance, with the proof
///
/// WHAT is an event id, an access key, a session ARN, ROLE/SESSION-NAME, a session id or an instance id.
#[derive(Debug, Args)]
pub(super) struct WhoArgs {
    /// What to ask about
    #[arg(value_name = "WHAT")]
    what: String,
}

pub(super) fn run(world: &World, args: &WhoArgs) -> Result<Exit, Failure> {
    let lake = world.open_lake()?;
    let proof = world.runtime.block_on(async {
        let open = open_lake(&lake, world.limits()).await?;
        warn_if_stale(world, &open);
        Ok::<_, Failure>(prove(&open.engine, &args.what).await?)
    })?;
    if proof.chains.iter().all(|chain| chain.hops.is_empty()) {
        let what = &args.what;
        let message =
            format!("`{what}` is no event id, access key, session or instance in this lake");
        return Err(Failure::not_found(
            message,
            hints_for(what, proof.chains.is_empty()),
        ));
    }
    for (at, chain) in proof.chains.iter().enumerate() {
        match world.format {
            Format::Table => tell(world, &args.what, chain, at > 0)?,
            Format::Jsonl => rows(world, &args.what, at, chain)?,
        }
    }
    if proof.not_shown > 0 {
        world.ui.say(&format!(
            "{} further sessions fit and are not shown",
            proof.not_shown
        ));
    }
    Ok(Exit::Done)
}

/// What else to try, by what the words look like.
fn hints_for(what: &str, is_unknown: bool) -> Vec<String> {
    let hint = if !is_unknown {
        "its sessions are not worked out yet: run `rolecall resolve`"
    } else if what.contains(":role/") || what.contains("/role/") {
        "for everything done in a role use `rolecall timeline --role ROLE`"
    } else if what.parse::<std::net::IpAddr>().is_ok() {
        "for an address use `rolecall timeline --ip ADDRESS`"
    } else {
        "ids and keys are compared as they are written; for a person use `rolecall timeline --principal NAME`, for a role `--role`"
    };
    vec![hint.to_owned()]
}

/// The chain in words.
fn tell(world: &World, what: &str, chain: &Chain, is_further: bool) -> Result<(), Failure> {
    let Some(last) = chain.hops.last() else {
        return Ok(());
    };
    let line = |text: String| world.ui.line(&safe_text(&text));
    let last_value = |name| value_of(last, name, 0).unwrap_or_default();
    if is_further {
        world.ui.line("")?;
    }
    line(format!("{what} ({})", chain.matched))?;
    match value_of(last, "origin_id", 0) {
        Some(origin) => {
            let provider = value_of(last, "origin_provider", 0);
            let vouched = provider.map_or_else(String::new, |by| format!(", vouched for by {by}"));
            line(format!(
                "  is {origin} ({}{vouched}), confidence {}",
                last_value("origin_kind"),
                last_value("confidence")
            ))?;
        }
        None => line(format!(
            "  is unresolved: {}, confidence {}",
            last_value("unresolved_reason"),
            last_value("confidence")
        ))?,
    }
    for (at, hop) in chain.hops.iter().enumerate() {
        let value = |name| value_of(hop, name, 0);
        let persona = value("persona_arn")
            .or_else(|| value("session_arn"))
            .or_else(|| value("origin_id"));
        let name = value("session_name").map_or_else(String::new, |name| format!(" as {name}"));
        line(format!(
            "  {at}. {}{name}",
            persona.unwrap_or_else(|| "(caller not named)".to_owned())
        ))?;
        let how = match (value("issuing_api"), value("issuing_event_id")) {
            (Some(api), Some(event)) => format!(
                "{api} at {}, event {event}",
                value("created_at").unwrap_or_default()
            ),
            (Some(api), None) => format!(
                "one of several {api} calls at {}",
                value("created_at").unwrap_or_default()
            ),
            _ => match value("attribution").as_deref() {
                Some("direct") => "named by its own records".to_owned(),
                Some("shared_event") => "the same call as another account recorded it".to_owned(),
                Some("account_only") => "an account that is not in these logs".to_owned(),
                _ => format!(
                    "issuing event not found: {}",
                    value("unresolved_reason").unwrap_or_default()
                ),
            },
        };
        line(format!(
            "     {how}; join {}, {}",
            value("attribution").unwrap_or_default(),
            value("confidence").unwrap_or_default()
        ))?;
        line(format!(
            "     calls: {}{}, from {} with {}{}",
            value("event_count").unwrap_or_default(),
            value("first_used_at").map_or_else(String::new, |first| {
                let last = value("last_used_at").unwrap_or_default();
                if first == last {
                    format!(" at {first}")
                } else {
                    format!(" from {first} to {last}")
                }
            }),
            value("source_ip_address").unwrap_or_else(|| "an unknown address".to_owned()),
            value("user_agent").unwrap_or_else(|| "an unknown program".to_owned()),
            value("access_key_ids")
                .filter(|keys| keys != "[]")
                .map_or_else(String::new, |keys| format!(", keys {keys}"))
        ))?;
    }
    if !chain.candidates.is_empty() {
        line("  calls that may have issued it:".to_owned())?;
        for candidate in &chain.candidates {
            for row in 0..candidate.num_rows() {
                let value = |name| value_of(candidate, name, row).unwrap_or_default();
                line(format!(
                    "     {} {} by {} {} from {}, event {}",
                    value("event_time"),
                    value("event_name"),
                    value("origin_kind"),
                    value("origin_id"),
                    value("source_ip_address"),
                    value("event_id")
                ))?;
            }
        }
    }
    Ok(())
}

/// The chain as rows: what was asked, and the step from the origin's side. Calls that may have issued a session
/// follow without a step.
fn rows(world: &World, what: &str, answer: usize, chain: &Chain) -> Result<(), Failure> {
    for (step, hop) in chain.hops.iter().enumerate() {
        let batch = with_step(what, answer, &chain.matched, Some(step), hop)
            .map_err(|error| Failure::new("cannot show the chain", error))?;
        world.ui.batches(
            world.format,
            batch.schema_ref(),
            std::slice::from_ref(&batch),
        )?;
    }
    for candidate in &chain.candidates {
        let batch = with_step(what, answer, "candidate", None, candidate)
            .map_err(|error| Failure::new("cannot show the candidates", error))?;
        world.ui.batches(
            world.format,
            batch.schema_ref(),
            std::slice::from_ref(&batch),
        )?;
    }
    Ok(())
}

fn with_step(
    what: &str,
    answer: usize,
    matched: &str,
    step: Option<usize>,
    rows: &RecordBatch,
) -> Result<RecordBatch, arrow::error::ArrowError> {
    let count = rows.num_rows();
    let text = |value: &str| Arc::new(StringArray::from(vec![value; count])) as ArrayRef;
    let mut fields = vec![
        Arc::new(Field::new("what", DataType::Utf8, false)),
        Arc::new(Field::new("answer", DataType::Int64, false)),
        Arc::new(Field::new("matched", DataType::Utf8, false)),
        Arc::new(Field::new("step", DataType::Int64, true)),
    ];
    fields.extend(rows.schema_ref().fields().iter().cloned());
    let number = |value: Option<usize>| {
        let value = value.and_then(|value| i64::try_from(value).ok());
        Arc::new(Int64Array::from(vec![value; count])) as ArrayRef
    };
    let mut columns = vec![
        text(what),
        number(Some(answer)),
        text(matched),
        number(step),
    ];
    columns.extend(rows.columns().iter().cloned());
    RecordBatch::try_new(Arc::new(Schema::new(fields)), columns)
}
