//! The front door: arguments, terminal, clock, environment, exit codes.  In: what was typed. Out: an exit code.
//! Why: the only room that knows the time, the environment and the screen; all others get them as arguments.
//! Holds: data goes to stdout, words to stderr; every failure names the thing in hand and what to do next.

mod failure;
mod ingest;
mod resolve;
mod review;
mod sql;
mod status;
mod time;
mod timeline;
mod ui;
mod who;

use std::path::PathBuf;
use std::process::ExitCode;

use chrono::{DateTime, Utc};
use clap::{Args, Parser, Subcommand, ValueEnum};

use failure::Failure;
use ui::Ui;

use crate::engine::EngineLimits;
use crate::lake::Lake;
use crate::output::Format;

/// Tells who was really behind every assumed-role session in AWS CloudTrail logs, and what they did with it
#[derive(Debug, Parser)]
#[command(name = "rolecall", version, after_help = EXIT_CODES)]
struct Cli {
    #[command(flatten)]
    global: Global,
    #[command(subcommand)]
    command: Command,
}

const EXIT_CODES: &str = "Exit codes:\n  \
    0  done\n  \
    1  failed\n  \
    2  bad usage\n  \
    3  finished, but some input was rejected";

/// Flags of every command
#[derive(Debug, Args)]
struct Global {
    /// Folder that holds the lake; `ROLECALL_LAKE` may name it too [default: rolecall-lake]
    #[arg(long, global = true, value_name = "PATH")]
    lake: Option<PathBuf>,
    /// Form of the answer [default: table on a terminal, else jsonl]
    #[arg(long, global = true, value_enum, value_name = "FORMAT")]
    format: Option<FormatArg>,
}

/// The forms of an answer
#[derive(Debug, Clone, Copy, ValueEnum)]
enum FormatArg {
    /// Columns for people
    Table,
    /// One JSON object a line
    Jsonl,
}

/// The commands, in the order in which a user meets them
#[derive(Debug, Subcommand)]
enum Command {
    Review(review::ReviewArgs),
    Ingest(ingest::IngestArgs),
    Resolve(resolve::ResolveArgs),
    Status(status::StatusArgs),
    Who(who::WhoArgs),
    Timeline(timeline::TimelineArgs),
    Sql(sql::SqlArgs),
}

/// What a command needs of the world.
struct World {
    lake: Option<PathBuf>,
    format: Format,
    now: DateTime<Utc>,
    threads: usize,
    runtime: tokio::runtime::Runtime,
    ui: Ui,
}

impl World {
    fn limits(&self) -> EngineLimits {
        EngineLimits {
            threads: self.threads,
            memory_bytes: 512 << 20,
        }
    }

    fn lake_path(&self) -> PathBuf {
        self.lake
            .clone()
            .unwrap_or_else(|| PathBuf::from("rolecall-lake"))
    }

    /// Opens the lake that was named, or the default one.
    fn open_lake(&self) -> Result<Lake, Failure> {
        Ok(Lake::open(&self.lake_path())?)
    }
}

/// Runs the command that was typed.
#[expect(
    clippy::disallowed_methods,
    reason = "clock and environment are read here, once, and handed on"
)]
pub fn run() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            // Help and version are data and go to stdout with code 0; mistakes to stderr with code 2.
            let code = u8::try_from(error.exit_code()).unwrap_or(2);
            drop(error.print());
            return ExitCode::from(code);
        }
    };
    let ui = Ui::new();
    let runtime = match tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
    {
        Ok(runtime) => runtime,
        Err(error) => {
            return Failure::new("cannot start its threads", error)
                .report(&ui)
                .into();
        }
    };
    let format = match cli.global.format {
        Some(FormatArg::Table) => Format::Table,
        None if ui.is_terminal() => Format::Table,
        Some(FormatArg::Jsonl) | None => Format::Jsonl,
    };
    let from_environment = std::env::var_os("ROLECALL_LAKE").filter(|lake| !lake.is_empty());
    let world = World {
        lake: cli
            .global
            .lake
            .or_else(|| from_environment.map(PathBuf::from)),
        format,
        now: Utc::now(),
        threads: std::thread::available_parallelism().map_or(1, usize::from),
        runtime,
        ui,
    };
    if let Some(lake) = world
        .lake
        .as_ref()
        .filter(|lake| lake.to_string_lossy().contains("://"))
    {
        let message = format!(
            "`{}` is no folder: this build keeps lakes on disk only",
            lake.display()
        );
        return Failure::usage(message, vec!["name a folder with `--lake`".to_owned()])
            .report(&world.ui)
            .into();
    }
    let outcome = match cli.command {
        Command::Review(args) => review::run(&world, &args),
        Command::Ingest(args) => ingest::run(&world, &args),
        Command::Resolve(args) => resolve::run(&world, &args),
        Command::Status(args) => status::run(&world, &args),
        Command::Who(args) => who::run(&world, &args),
        Command::Timeline(args) => timeline::run(&world, &args),
        Command::Sql(args) => sql::run(&world, &args),
    };
    match outcome {
        Ok(exit) => exit.into(),
        Err(failure) => failure.report(&world.ui).into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory as _;

    #[test]
    fn the_arguments_are_well_formed() {
        Cli::command().debug_assert();
    }
}
