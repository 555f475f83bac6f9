//! The promises, from outside. One executable, since each one links all of DataFusion.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    clippy::print_stderr,
    clippy::too_many_lines,
    clippy::needless_pass_by_value,
    clippy::format_collect,
    clippy::format_push_string,
    clippy::items_after_statements,
    clippy::case_sensitive_file_extension_comparisons,
    missing_docs,
    unreachable_pub,
    reason = "a test binary"
)]

// Temp lakes, records made by hand, the command and its output.
mod support;

// What can be read, and what is kept of what cannot.
mod decode_damaged;
mod decode_envelopes;
mod decode_forms;
mod decode_limits;
mod decode_nothing_lost;
mod secrets;

// The books balance, once is once, and order does not matter.
mod ingest_balances;
mod ingest_order;
mod lake_durability;
mod lake_format;
mod lake_private;
mod upkeep_compact;
mod upkeep_prune;
mod upkeep_prune_cases;

// Who was behind it.
mod acceptance;
mod cases;
mod oracle;
mod sessions_chains;
mod sessions_cross_account;
mod sessions_guards;
mod simulation;
#[expect(dead_code, reason = "some of the load is for the benchmarks")]
#[path = "../simulator/mod.rs"]
mod simulator;

// What a user sees: one file per command.
mod cli_answers;
mod cli_errors;
mod cli_help;
mod cli_questions;
mod cli_report;
mod cli_rightsize;
mod cli_run;
mod cli_sql;
mod cli_stories;
mod hostile;
mod report_receivers;
mod report_runs;
mod resolve_in_steps;
mod rightsizing;
mod schedule_week;
mod stored_facts;
mod stored_usage;

// The house keeps its own rules.
mod layering;
mod s3;
mod samples_are_safe;
mod sql_assets;

// Real records from public repositories, where they lie beside the project.
mod corpus;
