//! `rolecall run`: the scheduler as a process.

mod clock;
mod endpoint;
mod log;
mod metrics;
mod worker;

use std::net::SocketAddr;
use std::sync::Arc;

use clap::{Args, ValueEnum};

use super::World;
use super::failure::{Exit, Failure};
use super::report::{Confidants, ConfigArgs, checked, set_up};
use crate::schedule::Scheduler;
use clock::RealClock;
use metrics::Metrics;
use worker::CliWorker;

const SCHEDULING: &str = "Exit codes:\n  \
    0  stopped as it was told to; with --once everything that was due was done\n  \
    1  failed; with --once something that was due could not be done\n  \
    2  bad usage, or a definition that cannot be\n  \
    3  with --once: some log files or records were rejected\n  \
    4  with --once: a section has more rows than its `alert_above`";

/// Read log files, make reports and put the lake in order, each on its schedule, until told to stop
///
/// What was due while it did not run is made up for. It does one thing at a time, and ends what it is doing when it is told to stop
/// (SIGTERM, SIGINT); killed at any moment it loses nothing. What it does goes to the log on stderr, and into the numbers under
/// `http://ADDR/metrics`.
#[derive(Debug, Args)]
#[command(after_help = SCHEDULING)]
pub(super) struct RunArgs {
    #[command(flatten)]
    config: ConfigArgs,
    /// Where /healthz, /readyz and /metrics are served; `off` for nowhere
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:9464", value_parser = address)]
    listen: Listen,
    /// Form of the log [default: text on a terminal, else json]
    #[arg(long, value_enum, value_name = "FORM")]
    log_format: Option<LogForm>,
    /// Do what is due now, and end
    #[arg(long)]
    once: bool,
}

/// Where to serve.
#[derive(Debug, Clone, Copy)]
enum Listen {
    Off,
    At(SocketAddr),
}

fn address(text: &str) -> Result<Listen, String> {
    if text == "off" {
        return Ok(Listen::Off);
    }
    text.parse()
        .map(Listen::At)
        .map_err(|_| "it is no address; write `127.0.0.1:9464`, or `off`".to_owned())
}

/// The forms of the log
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum LogForm {
    /// Lines for people
    Text,
    /// One JSON object a line
    Json,
}

pub(super) fn run(world: &mut World, args: &RunArgs) -> Result<Exit, Failure> {
    let definitions = checked(world, &args.config.config)?;
    set_up(world, &definitions)?;
    let confidants = Confidants::of(&definitions)?;
    log::begin(args.log_format);
    let metrics = Arc::new(Metrics::new());
    let mut clock = RealClock::new(world.runtime.handle())
        .map_err(|error| Failure::new("cannot listen for signals", error))?;
    if let (Listen::At(address), false) = (args.listen, args.once) {
        let served = endpoint::serve(address, Arc::clone(&metrics));
        let local = world.runtime.block_on(served).map_err(|error| {
            Failure::new(&format!("cannot listen on {address}"), error)
                .with_hint("another address with `--listen ADDR`, or none with `--listen off`")
        })?;
        tracing::info!(address = %local, "serving /healthz, /readyz and /metrics");
    }
    tracing::info!(
        version = env!("CARGO_PKG_VERSION"),
        reports = definitions.reports.len(),
        lake = %world.lake_path().display(),
        "started"
    );
    let mut worker = CliWorker::new(world, &definitions, confidants, metrics);
    let mut scheduler = Scheduler::new(&definitions);
    if args.once {
        scheduler.step(&clock, &mut worker);
        return Ok(worker.exit());
    }
    scheduler.run(&mut clock, &mut worker);
    tracing::info!("stopped");
    Ok(Exit::Done)
}
