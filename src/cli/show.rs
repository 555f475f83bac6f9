//! `rolecall show`: one record as it was, and where it came from.

use std::io::Write as _;

use arrow::array::{ArrayRef, RecordBatch, StringArray};
use clap::Args;

use super::World;
use super::asking::open;
use super::failure::{Exit, Failure};
use crate::engine::align;
use crate::events::{EVENTS, rebuild_record};
use crate::lake::schema_of;
use crate::output::{Format, OutputError, longest_run, markdown_text, safe_text};
use crate::queries::ask;
use crate::reports::value_of;

/// Show the original record of an event, and where it came from
///
/// The record is put together again from its row: order of fields, white space, nulls and empty objects are not those of the log file,
/// and secrets are masked. Further copies and other records under the same id are listed with it.
#[derive(Debug, Args)]
#[command(after_help = super::FINDING)]
pub(super) struct ShowArgs {
    /// Event id
    #[arg(value_name = "EVENT_ID")]
    event_id: String,
}

pub(super) fn run(world: &World, args: &ShowArgs) -> Result<Exit, Failure> {
    let event_id = &args.event_id;
    let (rows, copies) = world.runtime.block_on(async {
        let open = open(world).await?;
        let given = [("event_id", event_id.clone())];
        let rows = ask(&open.engine, "show/event", &given).await?;
        let copies = ask(&open.engine, "show/copies", &given).await?;
        Ok::<_, Failure>((rows.collect().await?, copies.collect_all().await?))
    })?;
    let (schema, copies) = copies;
    let failed = |error| Failure::new("cannot put the record together", error);
    let copies = arrow::compute::concat_batches(&schema, &copies).map_err(failed)?;
    if copies.num_rows() == 0 {
        return Err(Failure::not_found(
            format!("no event has the id `{event_id}`"),
            vec![
                "`rolecall timeline` shows events with their ids; what could not be read is in the table `rejected`".to_owned(),
            ],
        ));
    }
    let mut record = None;
    for batch in rows.iter().filter(|batch| batch.num_rows() > 0) {
        let batch = align(batch, &schema_of(EVENTS)).map_err(failed)?;
        record = Some(rebuild_record(&batch, 0));
    }
    let records: Vec<Option<String>> = (0..copies.num_rows())
        .map(|row| match value_of(&copies, "status", row).as_deref() {
            Some("kept") => record.clone(),
            _ => value_of(&copies, "record", row),
        })
        .collect();
    if world.format.is_for_people() {
        tell(world, &copies, &records)?;
    } else {
        let batch = with_records(&copies, records).map_err(failed)?;
        world.ui.batches(
            world.format,
            batch.schema_ref(),
            std::slice::from_ref(&batch),
        )?;
    }
    Ok(Exit::Done)
}

fn with_records(
    copies: &RecordBatch,
    records: Vec<Option<String>>,
) -> Result<RecordBatch, arrow::error::ArrowError> {
    let columns = copies
        .schema_ref()
        .fields()
        .iter()
        .zip(copies.columns())
        .filter(|(field, _)| field.name() != "record")
        .map(|(field, column)| (field.name().clone(), ArrayRef::clone(column), true));
    let records: ArrayRef = std::sync::Arc::new(StringArray::from(records));
    RecordBatch::try_from_iter_with_nullable(columns.chain([("record".to_owned(), records, true)]))
}

/// Where each copy is, and each record laid out to be read.
fn tell(world: &World, copies: &RecordBatch, records: &[Option<String>]) -> Result<(), Failure> {
    let is_markdown = world.format == Format::Markdown;
    let mut out = world.ui.out()?;
    let mut line = |text: String| writeln!(out, "{text}").map_err(OutputError::Write);
    for (row, record) in records.iter().enumerate() {
        let value = |name| value_of(copies, name, row).unwrap_or_default();
        let place = format!(
            "{} in {}, record {} ({}, read {})",
            value("status"),
            value("source_uri"),
            value("log_record_index"),
            value("log_file_kind"),
            value("ingested_at")
        );
        if is_markdown {
            line(markdown_text(&place).into_owned())?;
        } else {
            line(safe_text(&place).into_owned())?;
        }
        let Some(record) = record else { continue };
        // What was rebuilt is JSON; what another record holds may not be.
        let laid_out = serde_json::from_str::<serde_json::Value>(record)
            .and_then(|value| serde_json::to_string_pretty(&value))
            .unwrap_or_else(|_| record.clone());
        line(String::new())?;
        // A fence longer than any in it: nothing inside is markup.
        let fence = "`".repeat(3.max(longest_run(&laid_out, '`') + 1));
        if is_markdown {
            line(format!("{fence}json"))?;
        }
        for text in laid_out.lines() {
            line(safe_text(text).into_owned())?;
        }
        if is_markdown {
            line(fence)?;
        }
        line(String::new())?;
    }
    out.flush().map_err(OutputError::Write)?;
    Ok(())
}
