//! The front door: arguments, terminal, clock, environment, exit codes.  In: what was typed. Out: an exit code.
//! Why: the only room that knows the time, the environment and the screen; all others get them as arguments.
//! Holds: data goes to stdout, words to stderr; every failure names the thing in hand and what to do next.

mod asking;
mod bucket;
mod compact;
mod denied;
mod failure;
mod ingest;
mod limits;
mod permissions;
mod progress;
mod prune;
mod query;
mod queue;
mod report;
mod resolve;
mod resume;
mod review;
mod rightsize;
mod run;
mod schema;
mod sessions;
mod show;
mod sql;
mod status;
mod switches;
mod telling;
mod time;
mod timeline;
mod ui;
mod unused;
mod who;

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::{Arc, OnceLock};

use bytesize::ByteSize;
use chrono::{DateTime, Utc};
use clap::{Args, Parser, Subcommand, ValueEnum};

use bucket::AwsArgs;
use failure::{Exit, Failure};
use ui::Ui;

use crate::aws::{S3Options, S3Uri};
use crate::directory::Directory;
use crate::engine::EngineLimits;
use crate::lake::{Lake, LakeBucket, Patience, Store, Traffic};
use crate::output::{Format, safe_text};

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
    3  finished, but some input was rejected\n  \
    4  finished, with findings above a threshold that was asked for";

/// Exit codes of commands that read log files.
const READING: &str = "Exit codes:\n  \
    0  done: every record was read\n  \
    1  failed: the lake or the answer cannot be written\n  \
    2  bad usage: a flag, or a source that is not there; nothing was written\n  \
    3  finished, but some records or files were rejected; `rolecall status` lists them";

/// Exit codes of commands that change a lake and read no log files.
const WORKING: &str = "Exit codes:\n  \
    0  done\n  \
    1  failed: no such lake, or it cannot be written\n  \
    2  bad usage";

/// Exit codes of commands that ask.
const ASKING: &str = "Exit codes:\n  \
    0  done, also when nothing fits\n  \
    1  failed: no such lake, or it cannot answer\n  \
    2  bad usage: a flag, a time, a query, a table or a column that is not there";

/// Exit codes of commands that look for one thing.
const FINDING: &str = "Exit codes:\n  \
    0  found\n  \
    1  failed: nothing fits, or no such lake\n  \
    2  bad usage";

/// Exit codes of commands that ask what is granted.
const GRANTED: &str = "Exit codes:\n  \
    0  done\n  \
    1  failed: no such lake, or it cannot answer\n  \
    2  bad usage, or a file that says nothing of what is granted\n  \
    3  finished, but some policies could not be read";

/// Flags of every command
#[derive(Debug, Args)]
struct Global {
    /// Folder or `s3://BUCKET/PREFIX` that holds the lake; `ROLECALL_LAKE` may name it too [default: rolecall-lake]
    #[arg(
        long,
        global = true,
        value_name = "PATH",
        help_heading = "Options of every command"
    )]
    lake: Option<PathBuf>,
    /// Form of the answer [default: by the ending of --output, else table on a terminal, else jsonl]
    #[arg(
        long,
        global = true,
        value_enum,
        value_name = "FORMAT",
        help_heading = "Options of every command"
    )]
    format: Option<FormatArg>,
    /// File for the answer instead of stdout; replaced as a whole, once all of it is there
    #[arg(
        long,
        global = true,
        value_name = "FILE",
        help_heading = "Options of every command"
    )]
    output: Option<PathBuf>,
    /// The organization's accounts, as `aws organizations list-accounts` prints them: names, and whose an account is
    #[arg(
        long,
        global = true,
        value_name = "FILE",
        help_heading = "Options of every command"
    )]
    accounts: Option<PathBuf>,
    /// Memory for sorting, grouping and joining; what does not fit is sorted and grouped on disk, in the system's temporary folder
    #[arg(
        long,
        global = true,
        value_name = "SIZE",
        default_value = "2GiB",
        help_heading = "Options of every command"
    )]
    memory: ByteSize,
    /// Which origins are one person, as TOML: `[[person]]` with `name` and a list of `origins`
    #[arg(
        long,
        global = true,
        value_name = "FILE",
        help_heading = "Options of every command"
    )]
    people: Option<PathBuf>,
    /// Countries of addresses, as a `MaxMind` file (GeoLite2-Country.mmdb), for `country_of(ip)` in SQL and in reports
    #[arg(
        long,
        global = true,
        value_name = "FILE",
        help_heading = "Options of every command"
    )]
    countries: Option<PathBuf>,
    #[command(flatten)]
    aws: AwsArgs,
}

/// The forms of an answer
#[derive(Debug, Clone, Copy, ValueEnum)]
enum FormatArg {
    /// Columns for people
    Table,
    /// One JSON list; of several sections an object with a list for each
    Json,
    /// One JSON object a line
    Jsonl,
    /// Comma-separated values; cells that a spreadsheet would run are made text
    Csv,
    /// A Markdown table
    Markdown,
    /// A Parquet file
    Parquet,
}

impl From<FormatArg> for Format {
    fn from(format: FormatArg) -> Self {
        match format {
            FormatArg::Table => Self::Table,
            FormatArg::Json => Self::Json,
            FormatArg::Jsonl => Self::Jsonl,
            FormatArg::Csv => Self::Csv,
            FormatArg::Markdown => Self::Markdown,
            FormatArg::Parquet => Self::Parquet,
        }
    }
}

/// The form that a file's ending asks for.
fn format_of(path: &Path) -> Option<Format> {
    let ending = path.extension()?.to_str()?.to_ascii_lowercase();
    Some(match ending.as_str() {
        "txt" => Format::Table,
        "json" => Format::Json,
        "jsonl" | "ndjson" => Format::Jsonl,
        "csv" => Format::Csv,
        "md" | "markdown" => Format::Markdown,
        "parquet" => Format::Parquet,
        _ => return None,
    })
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
    Sessions(sessions::SessionsArgs),
    Switches(switches::SwitchesArgs),
    Permissions(permissions::PermissionsArgs),
    Rightsize(rightsize::RightsizeArgs),
    Unused(unused::UnusedArgs),
    Denied(denied::DeniedArgs),
    Query(query::QueryArgs),
    Sql(sql::SqlArgs),
    Report(report::ReportArgs),
    Run(run::RunArgs),
    Show(show::ShowArgs),
    Schema(schema::SchemaArgs),
    Compact(compact::CompactArgs),
    Prune(prune::PruneArgs),
}

/// What a command needs of the world.
struct World {
    lake: Option<PathBuf>,
    /// The lake's bucket, once it was reached.
    lake_bucket: OnceLock<Arc<LakeBucket>>,
    aws: S3Options,
    format: Format,
    directory: Directory,
    now: DateTime<Utc>,
    threads: usize,
    memory_bytes: usize,
    runtime: tokio::runtime::Runtime,
    ui: Ui,
}

impl World {
    fn limits(&self) -> EngineLimits {
        EngineLimits {
            threads: self.threads,
            memory_bytes: self.memory_bytes,
        }
    }

    fn lake_path(&self) -> PathBuf {
        self.lake
            .clone()
            .unwrap_or_else(|| PathBuf::from("rolecall-lake"))
    }

    /// Where the lake that was named lies, or the default one.
    fn store(&self) -> Result<Store, Failure> {
        let path = self.lake_path();
        let uri = path.to_str().filter(|path| S3Uri::is_one(path));
        let Some(uri) = uri else {
            return Ok(Store::new(&path));
        };
        if let Some(bucket) = self.lake_bucket.get() {
            return Ok(Store::in_bucket(Arc::clone(bucket)));
        }
        let reached = LakeBucket::open(uri, &self.aws, Patience::default())?;
        let bucket = self.lake_bucket.get_or_init(|| reached);
        Ok(Store::in_bucket(Arc::clone(bucket)))
    }

    /// Opens the lake that was named, or the default one.
    fn open_lake(&self) -> Result<Lake, Failure> {
        Ok(Lake::open_in(self.store()?)?)
    }

    /// Tells what was read of a lake in a bucket.
    fn tell_traffic(&self) {
        if let Some(bucket) = self.lake_bucket.get() {
            let Traffic { gets, bytes } = bucket.traffic();
            self.ui.say(&format!(
                "{}: {gets} requests to read, {} came",
                safe_text(&bucket.uri()),
                ByteSize(bytes)
            ));
        }
    }
}

/// Runs the command that was typed.
pub fn run() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            // Help and version are data and go to stdout with code 0; mistakes to stderr with code 2.
            let code = u8::try_from(error.exit_code()).unwrap_or(2);
            if error.use_stderr() {
                // It repeats what was typed, which may have been pasted from a log.
                for line in error.render().to_string().lines() {
                    ui::say(&safe_text(line));
                }
            } else {
                drop(error.print());
            }
            return ExitCode::from(code);
        }
    };
    let outcome = world(cli.global).and_then(|mut world| {
        let exit = execute(&mut world, &cli.command)?;
        world.tell_traffic();
        world.ui.publish()?;
        Ok(exit)
    });
    match outcome {
        Ok(exit) => exit.into(),
        Err(failure) => failure.report().into(),
    }
}

/// Checks the flags of every command, before any work.
#[expect(
    clippy::disallowed_methods,
    reason = "clock and environment are read here, once, and handed on"
)]
fn world(global: Global) -> Result<World, Failure> {
    let from_environment = std::env::var_os("ROLECALL_LAKE").filter(|lake| !lake.is_empty());
    let lake = global.lake.or_else(|| from_environment.map(PathBuf::from));
    if let Some(lake) = lake
        .as_ref()
        .filter(|lake| {
            let lake = lake.to_string_lossy();
            lake.contains("://") || lake.starts_with("s3:")
        })
        .filter(|lake| !lake.to_str().is_some_and(S3Uri::is_one))
    {
        return Err(Failure::usage(
            format!(
                "`{}` is neither a folder nor in S3, and no lake lies elsewhere",
                lake.display()
            ),
            vec!["name a folder or `s3://BUCKET/PREFIX` with `--lake`".to_owned()],
        ));
    }
    let directory = Directory::read(
        global.accounts.as_deref(),
        global.people.as_deref(),
        global.countries.as_deref(),
    )?;
    let ui = Ui::open(global.output.as_deref())?;
    let by_ending = || global.output.as_deref().and_then(format_of);
    let format = match global.format.map(Format::from).or_else(by_ending) {
        Some(format) => format,
        None if ui.is_terminal() => Format::Table,
        None => Format::Jsonl,
    };
    if format == Format::Parquet && ui.is_terminal() {
        return Err(Failure::usage(
            "Parquet is no text, and stdout is a terminal".to_owned(),
            vec!["add `--output FILE.parquet`".to_owned()],
        ));
    }
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::new("cannot start its threads", error))?;
    Ok(World {
        lake,
        lake_bucket: OnceLock::new(),
        aws: global.aws.options(),
        format,
        directory,
        now: Utc::now(),
        memory_bytes: usize::try_from(global.memory.as_u64()).unwrap_or(usize::MAX),
        threads: std::thread::available_parallelism().map_or(1, usize::from),
        runtime,
        ui,
    })
}

fn execute(world: &mut World, command: &Command) -> Result<Exit, Failure> {
    match command {
        Command::Review(args) => review::run(world, args),
        Command::Ingest(args) => ingest::run(world, args),
        Command::Resolve(args) => resolve::run(world, args),
        Command::Status(args) => status::run(world, args),
        Command::Who(args) => who::run(world, args),
        Command::Timeline(args) => timeline::run(world, args),
        Command::Sessions(args) => sessions::run(world, args),
        Command::Switches(args) => switches::run(world, args),
        Command::Permissions(args) => permissions::run(world, args),
        Command::Rightsize(args) => rightsize::run(world, args),
        Command::Unused(args) => unused::run(world, args),
        Command::Denied(args) => denied::run(world, args),
        Command::Query(args) => query::run(world, args),
        Command::Sql(args) => sql::run(world, args),
        Command::Report(args) => report::run(world, args),
        Command::Run(args) => run::run(world, args),
        Command::Show(args) => show::run(world, args),
        Command::Schema(args) => schema::run(world, args),
        Command::Compact(args) => compact::run(world, args),
        Command::Prune(args) => prune::run(world, args),
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
