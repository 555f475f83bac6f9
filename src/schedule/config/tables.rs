//! The file of definitions as TOML has it: names, types, and where each value stands.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::Deserialize;
use toml::Spanned;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct FileTable {
    pub(super) lake: Option<String>,
    pub(super) accounts: Option<PathBuf>,
    pub(super) people: Option<PathBuf>,
    pub(super) countries: Option<PathBuf>,
    #[serde(default)]
    pub(super) grants: Vec<PathBuf>,
    pub(super) time_zone: Option<Spanned<String>>,
    pub(super) ingest: Option<IngestTable>,
    pub(super) compact: Option<CompactTable>,
    #[serde(default)]
    pub(super) report: Vec<ReportTable>,
    #[serde(default)]
    pub(super) notify: Vec<Spanned<NotifyTable>>,
    pub(super) pseudonym_key_env: Option<Spanned<String>>,
    pub(super) pseudonym_key_file: Option<PathBuf>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct NotifyTable {
    pub(super) name: Option<String>,
    pub(super) kind: Spanned<String>,
    pub(super) address_env: Option<String>,
    pub(super) address_file: Option<PathBuf>,
    pub(super) token_env: Option<String>,
    pub(super) token_file: Option<PathBuf>,
    #[serde(default)]
    pub(super) reports: Vec<Spanned<String>>,
    pub(super) when: Option<Spanned<String>>,
    pub(super) link: Option<Spanned<String>>,
    pub(super) rows: Option<Spanned<usize>>,
    #[serde(default)]
    pub(super) pseudonymise: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct IngestTable {
    #[serde(default)]
    pub(super) sources: Vec<String>,
    pub(super) sqs: Option<String>,
    #[serde(default)]
    pub(super) flags: Vec<String>,
    pub(super) schedule: Option<Spanned<String>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct CompactTable {
    pub(super) schedule: Spanned<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ReportTable {
    pub(super) name: Spanned<String>,
    pub(super) title: Option<String>,
    pub(super) schedule: Option<Spanned<String>>,
    pub(super) time_zone: Option<Spanned<String>>,
    pub(super) window: Option<Spanned<String>>,
    pub(super) compare: Option<Spanned<String>>,
    pub(super) catch_up: Option<Spanned<usize>>,
    #[serde(default)]
    pub(super) section: Vec<Spanned<SectionTable>>,
    #[serde(default)]
    pub(super) output: Vec<OutputTable>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SectionTable {
    pub(super) builtin: Option<Spanned<String>>,
    pub(super) query: Option<Spanned<String>>,
    pub(super) sql: Option<Spanned<PathBuf>>,
    pub(super) name: Option<Spanned<String>>,
    pub(super) title: Option<String>,
    pub(super) about: Option<String>,
    pub(super) next: Option<String>,
    #[serde(default)]
    pub(super) params: BTreeMap<Spanned<String>, Spanned<ParamValue>>,
    pub(super) columns: Option<Vec<String>>,
    pub(super) key: Option<Vec<String>>,
    pub(super) watch: Option<Vec<String>>,
    pub(super) compare: Option<Spanned<String>>,
    pub(super) alert_above: Option<u64>,
    pub(super) max_rows: Option<usize>,
}

#[derive(Deserialize)]
#[serde(untagged)]
pub(super) enum ParamValue {
    Text(String),
    Number(i64),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct OutputTable {
    pub(super) format: Spanned<String>,
    pub(super) to: Spanned<String>,
    #[serde(default)]
    pub(super) pseudonymise: bool,
}
