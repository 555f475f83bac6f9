//! `rolecall report`: reports by their definitions.

mod check;
mod making;

use std::path::PathBuf;

use chrono::{DateTime, NaiveDate};
use clap::{Args, Subcommand};

use super::World;
use super::asking::show_rows;
use super::failure::{Exit, Failure};
use crate::lake::{Column, ColumnType, RowBuilder};
use crate::output::Pseudonyms;
use crate::queries::nearest;
use crate::schedule::{
    Definitions, For, Made, OutputForm, ReportDef, Timetable, read_definitions, render,
};

pub(super) use making::{Confidants, checked, fetch, make, materials, set_up, untold};

/// Exit codes of runs of reports.
const RUNNING: &str = "Exit codes:\n  \
    0  done\n  \
    1  failed: no such lake, or a file cannot be written\n  \
    2  bad usage, or a definition that cannot be\n  \
    3  finished, but some log files or records were rejected, or some grants could not be read\n  \
    4  finished, with more rows in a section than its `alert_above`";

/// Exit codes of what only looks at definitions.
const CHECKING: &str = "Exit codes:\n  \
    0  every definition holds\n  \
    1  failed: the answer cannot be written\n  \
    2  bad usage, or a definition that cannot be";

/// Make reports as a file defines them, and check that file
#[derive(Debug, Args)]
pub(super) struct ReportArgs {
    #[command(subcommand)]
    command: ReportCommand,
}

#[derive(Debug, Subcommand)]
enum ReportCommand {
    /// Make one report: read what is new, ask its sections, write its files, remember what it said
    ///
    /// For cron, systemd and Kubernetes. Run again for the same day it writes the same bytes, unless log files of that day came late.
    /// Without outputs in its definition the report goes to stdout, in the form of --format.
    #[command(after_help = RUNNING)]
    Run(RunArgs),
    /// Check the whole file of definitions: names, schedules, queries, columns and the files it names
    #[command(after_help = CHECKING)]
    Check(ConfigArgs),
    /// List the reports, when each runs next, and what it tells
    #[command(after_help = CHECKING)]
    List(ConfigArgs),
}

/// Where the definitions are
#[derive(Debug, Clone, Args)]
pub(super) struct ConfigArgs {
    /// The file of definitions; paths in it are below its folder
    #[arg(long, value_name = "FILE", default_value = "rolecall.toml")]
    pub(super) config: PathBuf,
}

#[derive(Debug, Args)]
struct RunArgs {
    /// The report, by its name
    #[arg(value_name = "NAME")]
    name: String,
    #[command(flatten)]
    config: ConfigArgs,
    /// The last day that it is about, in its time zone, or the time at which its period ends [default: yesterday; since the last run: now]
    #[arg(long = "for", value_name = "DATE")]
    wanted: Option<String>,
    /// Leave the log files of `[ingest]` alone, and take the lake as it is
    #[arg(long)]
    no_ingest: bool,
    /// Read no log files, write nothing into the lake and tell nobody: later runs are not held against this one
    #[arg(long)]
    no_record: bool,
    /// Put pseudonyms for names, accounts, addresses and keys into everything this run writes or sends; `pseudonym_key_env` or
    /// `pseudonym_key_file` in the definitions say where their key is
    #[arg(long)]
    pseudonymise: bool,
}

pub(super) fn run(world: &mut World, args: &ReportArgs) -> Result<Exit, Failure> {
    match &args.command {
        ReportCommand::Run(args) => run_one(world, args),
        ReportCommand::Check(args) => check::run(world, args),
        ReportCommand::List(args) => {
            let definitions = read_definitions(&args.config)?;
            list(world, &definitions)?;
            Ok(Exit::Done)
        }
    }
}

fn run_one(world: &mut World, args: &RunArgs) -> Result<Exit, Failure> {
    let definitions = checked(world, &args.config.config)?;
    let report = named(&definitions, &args.name)?;
    let wanted = match &args.wanted {
        Some(text) => wanted(text)?,
        None => For::Until(DateTime::from_timestamp(world.now.timestamp(), 0).unwrap_or(world.now)),
    };
    let confidants = if args.no_record {
        Confidants::without_notifiers(&definitions)?
    } else {
        Confidants::of(&definitions)?
    };
    if args.pseudonymise && confidants.pseudonyms.is_none() {
        return Err(no_key());
    }
    let (grants, of_grants) = set_up(world, &definitions)?;
    let of_ingest = if args.no_ingest || args.no_record {
        Exit::Done
    } else {
        fetch(world, &definitions)?
    };
    let receivers = confidants.receivers(world, args.pseudonymise);
    let materials = materials(world, &grants);
    let made = make(world, report, wanted, materials, receivers, !args.no_record)?;
    show(
        world,
        &made,
        receivers.pseudonyms.filter(|_| args.pseudonymise),
    )?;
    for (_, error) in &made.untold {
        world.ui.say(&format!("error: {}", in_one_line(error)));
    }
    if !made.untold.is_empty() {
        return Err(untold(&made));
    }
    let findings = made.finished.run.findings();
    if findings > 0 {
        world.ui.say(&format!(
            "{findings} of {} sections are above their thresholds",
            made.finished.sections.len()
        ));
        return Ok(Exit::Findings);
    }
    Ok(if of_ingest == Exit::Done {
        of_grants
    } else {
        of_ingest
    })
}

/// There is no key for pseudonyms.
fn no_key() -> Failure {
    Failure::usage(
        "there is no key for pseudonyms".to_owned(),
        vec!["name where it is with `pseudonym_key_env` or `pseudonym_key_file` in the definitions; `openssl rand -hex 32` makes one".to_owned()],
    )
}

/// An error and what caused it.
pub(super) fn in_one_line(error: &dyn std::error::Error) -> String {
    let mut words = vec![error.to_string()];
    let mut next = error.source();
    while let Some(cause) = next {
        words.push(cause.to_string());
        next = cause.source();
    }
    words.dedup();
    words.join(": ")
}

/// The report called `name`.
fn named<'d>(definitions: &'d Definitions, name: &str) -> Result<&'d ReportDef, Failure> {
    definitions.report(name).ok_or_else(|| {
        let names = definitions
            .reports
            .iter()
            .map(|report| report.name.as_str());
        let hint = match nearest(names.clone(), name) {
            Some(nearest) => format!("did you mean `{nearest}`?"),
            None => format!("there are {}", names.collect::<Vec<_>>().join(", ")),
        };
        Failure::usage(format!("no report is called `{name}`"), vec![hint])
    })
}

/// Reads what a run is to be about. CloudTrail began in 2013; who means another century has mistyped.
fn wanted(text: &str) -> Result<For, Failure> {
    let day = text.parse::<NaiveDate>().map(For::Day);
    let time = || DateTime::parse_from_rfc3339(text).map(|time| For::Until(time.to_utc()));
    match day.or_else(|_| time()) {
        Ok(wanted) if (1970..3000).contains(&wanted.year()) => Ok(wanted),
        _ => Err(Failure::usage(
            format!("`--for` is `{text}`, which is no day"),
            vec!["give the last day of the period (2026-03-02), or the time at which it ends (2026-03-02T06:00:00Z)".to_owned()],
        )),
    }
}

const DELIVERED: &[Column] = &[
    Column::required("report", ColumnType::Text, "the report"),
    Column::required(
        "window_from",
        ColumnType::Time,
        "the beginning of the period",
    ),
    Column::required("window_to", ColumnType::Time, "its end"),
    Column::required(
        "findings",
        ColumnType::Int,
        "sections above their thresholds",
    ),
    Column::required("form", ColumnType::Text, "the form"),
    Column::required("place", ColumnType::Text, "where it lies"),
    Column::required("bytes", ColumnType::Int, "its size"),
    Column::required("sha256", ColumnType::Text, "the hash of its bytes"),
];

/// Shows what was written, or the report itself where it goes nowhere else.
fn show(world: &World, made: &Made, pseudonyms: Option<&Pseudonyms>) -> Result<(), Failure> {
    use std::io::Write as _;
    let finished = &made.finished;
    if finished.report.outputs.is_empty() {
        let parts = render(
            finished,
            OutputForm(world.format),
            false,
            world.ui.width(),
            pseudonyms,
        )?;
        let mut out = world.ui.out()?;
        for part in parts {
            out.write_all(&part.bytes)
                .and_then(|()| out.flush())
                .map_err(crate::output::OutputError::Write)?;
        }
        return Ok(());
    }
    let mut rows = RowBuilder::new(DELIVERED);
    for delivered in &made.delivered {
        rows.row()
            .text("report", Some(&finished.report.name))
            .time("window_from", Some(finished.period.from.timestamp_micros()))
            .time("window_to", Some(finished.period.until.timestamp_micros()))
            .count("findings", finished.run.findings() as u64)
            .text("form", Some(delivered.form.name()))
            .text("place", Some(&delivered.place))
            .count("bytes", delivered.bytes)
            .text("sha256", Some(&delivered.sha256));
    }
    show_rows(world, rows)
}

const LIST: &[Column] = &[
    Column::required("name", ColumnType::Text, "the report"),
    Column::required("title", ColumnType::Text, "its heading"),
    Column::new("schedule", ColumnType::Text, "when it runs"),
    Column::required("time_zone", ColumnType::Text, "the time zone of its days"),
    Column::new(
        "next_run_at",
        ColumnType::Time,
        "when `rolecall run` makes it next",
    ),
    Column::required("sections", ColumnType::Text, "what it tells"),
    Column::required("outputs", ColumnType::Text, "where it goes"),
];

fn list(world: &World, definitions: &Definitions) -> Result<(), Failure> {
    let mut rows = RowBuilder::new(LIST);
    for report in &definitions.reports {
        let sections: Vec<&str> = report.sections.iter().map(|s| s.name.as_str()).collect();
        let outputs: Vec<String> = report
            .outputs
            .iter()
            .map(|output| format!("{} {}", output.form.name(), output.to))
            .collect();
        let next = report
            .timetable
            .as_ref()
            .and_then(|table| table.next_after(world.now));
        rows.row()
            .text("name", Some(&report.name))
            .text("title", Some(&report.title))
            .text("schedule", report.timetable.as_ref().map(Timetable::text))
            .text("time_zone", Some(report.zone.name()))
            .time("next_run_at", next.map(|time| time.timestamp_micros()))
            .text("sections", Some(sections.join(", ")))
            .text("outputs", Some(outputs.join(", ")));
    }
    if rows.is_empty() {
        world.ui.say("the file defines no report");
    }
    show_rows(world, rows)
}
