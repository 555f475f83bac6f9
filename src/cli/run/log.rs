//! The log: one line for each step, for people or for programs.

use std::io::{self, IsTerminal as _};

use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{fmt, registry};

use super::LogForm;

/// Begins the log, on stderr. Only what we say is in it: what the crates below us would say may hold requests.
pub(super) fn begin(form: Option<LogForm>) {
    let is_terminal = io::stderr().is_terminal();
    let form = form.unwrap_or(if is_terminal {
        LogForm::Text
    } else {
        LogForm::Json
    });
    let ours = Targets::new().with_target("rolecall", LevelFilter::INFO);
    let log = registry().with(ours);
    // A second log in one process is none.
    drop(match form {
        LogForm::Text => {
            let lines = fmt::layer()
                .with_writer(io::stderr)
                .with_ansi(is_terminal)
                .with_target(false);
            log.with(lines).try_init()
        }
        LogForm::Json => {
            let objects = fmt::layer()
                .with_writer(io::stderr)
                .json()
                .flatten_event(true)
                .with_current_span(false)
                .with_span_list(false);
            log.with(objects).try_init()
        }
    });
}
