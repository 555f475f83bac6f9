//! The `rolecall` command: parses arguments, runs, returns the exit code.

use std::process::ExitCode;

fn main() -> ExitCode {
    rolecall::cli::run()
}
