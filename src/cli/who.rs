//! `rolecall who`: who is behind it, and the proof.

use std::io::Write as _;
use std::sync::Arc;

use arrow::array::{ArrayRef, Int64Array, RecordBatch, StringArray};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use arrow::error::ArrowError;
use clap::Args;

use super::World;
use super::asking::open;
use super::failure::{Exit, Failure};
use super::telling::{Line, tell_chain, tell_descendants, tell_named};
use crate::output::{Format, OutputError, Words, markdown_text, safe_text};
use crate::reports::{Chain, Proof, descendants, named, prove};

/// Tell who is behind an event, key, session or instance, with the proof
///
/// WHAT is an event id, an access key, a session ARN, ROLE/SESSION-NAME, a principal id (AROA…:NAME), a unique id (AIDA…, AROA…), a session
/// id, an instance id, or an identity's ARN or name. Of
/// many sessions the 20 with the most calls are shown. The proof goes hop by hop from
/// the origin to the session; for a user or a long-lived key it says who made it, where the logs show that.
#[derive(Debug, Args)]
#[command(after_help = super::FINDING)]
pub(super) struct WhoArgs {
    /// What to ask about
    #[arg(value_name = "WHAT")]
    what: String,
    /// Show every session that grew out of it: by credentials it asked for, and by users and keys it made
    #[arg(long)]
    descendants: bool,
}

pub(super) fn run(world: &World, args: &WhoArgs) -> Result<Exit, Failure> {
    let what = args.what.trim();
    let (proof, grown, named) = world.runtime.block_on(async {
        let open = open(world).await?;
        let proof = prove(&open, what).await?;
        let grown = if args.descendants && !proof.session_ids.is_empty() {
            Some(descendants(&open.engine, &proof.session_ids).await?)
        } else {
            None
        };
        let named = if proof.session_ids.is_empty() {
            named(&open.engine, what).await?
        } else {
            Vec::new()
        };
        Ok::<_, Failure>((proof, grown, named))
    })?;
    if named.iter().any(|batch| batch.num_rows() > 0) {
        return show_named(world, what, &named);
    }
    if proof.chains.iter().all(|chain| chain.hops.is_empty()) {
        let message =
            format!("`{what}` is no event id, access key, session or instance in this lake");
        return Err(Failure::not_found(
            message,
            hints_for(what, proof.chains.is_empty()),
        ));
    }
    if world.format.is_for_people() {
        let mut lines = Vec::new();
        for chain in &proof.chains {
            lines.extend(tell_chain(what, chain));
        }
        if let Some(grown) = &grown {
            lines.extend(tell_descendants(grown));
        }
        write(world, &lines)?;
    } else {
        rows(world, what, &proof, grown)?;
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
        "for everything done in a role use `rolecall timeline --role ROLE`, for its sessions `rolecall sessions --role ROLE`"
    } else if what.parse::<std::net::IpAddr>().is_ok() {
        "for an address use `rolecall timeline --ip ADDRESS`"
    } else {
        "ids are compared as they are written, or in the case in which AWS writes them; for everything of a person use `rolecall timeline --principal NAME`, for a role `--role`"
    };
    vec![hint.to_owned()]
}

/// What was made or named, and never seen in use.
fn show_named(world: &World, what: &str, named: &[RecordBatch]) -> Result<Exit, Failure> {
    if world.format.is_for_people() {
        write(world, &tell_named(what, named))?;
        return Ok(Exit::Done);
    }
    let schema = named
        .first()
        .map_or_else(|| Arc::new(Schema::empty()), RecordBatch::schema);
    let mut out = world
        .ui
        .sections(world.format, std::slice::from_ref(&schema))?;
    out.section(Words::named("named"), &schema, named)?;
    out.finish()?;
    Ok(Exit::Done)
}

/// Lines for people: indented, or as nested lists.
fn write(world: &World, lines: &[Line]) -> Result<(), OutputError> {
    let mut out = world.ui.out()?;
    for line in lines {
        let indent = "  ".repeat(line.depth);
        let text = if line.text.is_empty() {
            String::new()
        } else if world.format == Format::Markdown {
            format!("{indent}- {}", markdown_text(line.text.trim()))
        } else {
            format!("{indent}{}", safe_text(&line.text))
        };
        writeln!(out, "{text}").map_err(OutputError::Write)?;
    }
    out.flush().map_err(OutputError::Write)
}

/// The proof as rows, by section: the hops from the origin's side, the calls that may have issued a session, who made its user
/// or key, its addresses, what grew out of it.
fn rows(
    world: &World,
    what: &str,
    proof: &Proof,
    grown: Option<Vec<RecordBatch>>,
) -> Result<(), Failure> {
    let fail = |error: ArrowError| Failure::new("cannot show the proof", error);
    let pick = |part: fn(&Chain) -> &Vec<RecordBatch>,
                is_of_last: bool|
     -> Result<Vec<RecordBatch>, ArrowError> {
        let mut rows = Vec::new();
        for (answer, chain) in proof.chains.iter().enumerate() {
            for (step, batch) in part(chain).iter().enumerate() {
                // Hops are counted from the origin; everything else is said of the session that was asked for.
                let last = chain.hops.len().saturating_sub(1);
                let step = if is_of_last { last } else { step };
                rows.push(with_step(what, answer, &chain.matched, step, batch)?);
            }
        }
        Ok(rows)
    };
    let mut sections = vec![
        ("hop", pick(|chain| &chain.hops, false).map_err(fail)?),
        (
            "candidate",
            pick(|chain| &chain.candidates, true).map_err(fail)?,
        ),
        ("maker", pick(|chain| &chain.makers, true).map_err(fail)?),
        (
            "address",
            pick(|chain| &chain.addresses, true).map_err(fail)?,
        ),
    ];
    sections.extend(grown.map(|grown| ("descendant", grown)));
    let schema_of = |batches: &[RecordBatch]| -> SchemaRef {
        batches
            .first()
            .map_or_else(|| Arc::new(Schema::empty()), RecordBatch::schema)
    };
    let schemas: Vec<SchemaRef> = sections.iter().map(|(_, rows)| schema_of(rows)).collect();
    let mut out = world.ui.sections(world.format, &schemas)?;
    for ((name, batches), schema) in sections.iter().zip(&schemas) {
        out.section(Words::named(name), schema, batches)?;
    }
    Ok(out.finish()?)
}

fn with_step(
    what: &str,
    answer: usize,
    matched: &str,
    step: usize,
    rows: &RecordBatch,
) -> Result<RecordBatch, ArrowError> {
    let count = rows.num_rows();
    let text = |value: &str| Arc::new(StringArray::from(vec![value; count])) as ArrayRef;
    let number = |value: usize| {
        let value = i64::try_from(value).ok();
        Arc::new(Int64Array::from(vec![value; count])) as ArrayRef
    };
    let mut fields = vec![
        Arc::new(Field::new("what", DataType::Utf8, false)),
        Arc::new(Field::new("answer", DataType::Int64, true)),
        Arc::new(Field::new("matched", DataType::Utf8, false)),
        Arc::new(Field::new("step", DataType::Int64, true)),
    ];
    fields.extend(rows.schema_ref().fields().iter().cloned());
    let mut columns = vec![text(what), number(answer), text(matched), number(step)];
    columns.extend(rows.columns().iter().cloned());
    RecordBatch::try_new(Arc::new(Schema::new(fields)), columns)
}
