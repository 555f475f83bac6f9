//! rolecall tells who was really behind every assumed-role session in AWS CloudTrail logs.

pub mod iam;
pub mod lake;
pub mod source;
pub mod decode;
pub mod events;
pub mod ingest;
pub mod engine;
pub mod sessions;
pub mod sql_file;
pub mod views;
pub mod queries;
pub mod output;
pub mod reports;
pub mod cli;
