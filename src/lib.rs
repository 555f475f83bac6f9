//! rolecall tells who was really behind every assumed-role session in AWS CloudTrail logs, and what they did.
//!
//! One way through the house, each room importing only from rooms above it:
//!
//! ```text
//! log files ─ source ─ decode ─ events ─┐             a record is read, becomes a row, is kept once
//!                                       ├─ lake       Parquet files, and the manifest that names them
//!                          sessions ────┘             keys followed back to the person who began
//!                          upkeep ──────┘             few files of many, old days given up, usage added up
//! lake ─ engine ─ views ─ queries ─ reports ─ output ─ cli      questions, and answers safe to show
//!                             ledger ───────── schedule         reports that come by themselves, and what they said before
//!                  permissions, policies ─ rightsize            what was used of what is granted
//! ```
//!
//! `iam` and `aws` stand above all of them: what a name says, and how AWS is reached. `ingest` is the corridor from `source` to `events`. `ARCHITECTURE.md` follows one event through all of it.

pub mod aws;
pub mod iam;

pub mod lake;

pub mod engine;
pub mod source;

pub mod decode;
pub mod events;
pub mod ingest;

pub mod ledger;
pub mod permissions;
pub mod policies;
pub mod sessions;

pub mod directory;
pub mod sql_file;
pub mod views;

pub mod upkeep;

pub mod queries;

pub mod rightsize;

pub mod reports;

pub mod output;

pub mod schedule;

pub mod cli;
