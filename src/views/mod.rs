//! Embeds `sql/views`, and opens a lake with every table and view in place.  In: a lake. Out: an engine.
//! Why: views carry meaning; a rule used by two questions is a view, so that both mean the same.
//! Holds: the list here and the folder are the same, and a view comes after what it reads.  Next: `upkeep`, `queries`.

mod daily_usage;
mod data_files;
mod switch_rules;

use std::path::Path;

use arrow::error::ArrowError;
use chrono::{DateTime, Utc};

use crate::directory::{ACCOUNTS, Directory, PEOPLE, country_of};
use crate::engine::{DayIndexSpec, Engine, EngineError, EngineLimits, TableSpec};
use crate::events::{DUPLICATES, EVENT_IDS, EVENTS, LOG_FILES, REJECTED, event_id_hash};
use crate::lake::{
    Column, DataFile, Derived, Lake, LakeError, LakeTable, Lease, Manifest, Store, schema_of,
};
use crate::ledger::{REPORT_ROWS, REPORT_RUNS};
use crate::permissions::{aggregates, functions};
use crate::policies::policy_decision;
use crate::sessions::{
    COVERAGE, DAILY_FACTS, DAILY_ISSUES, DAILY_SESSIONS, FACT_RULES, KEPT_ISSUES, KEPT_USERS,
    SESSIONS, STORED_COVERAGE,
};
use crate::sql_file::SqlFile;

pub use daily_usage::{DAILY_USAGE, DAILY_USAGE_LAYOUT};
pub use data_files::DATA_FILES;
pub use switch_rules::{SWITCH_RULES, SwitchRules};

/// What can go wrong while a lake is opened for questions.
#[derive(Debug, thiserror::Error)]
pub enum ViewsError {
    /// The lake cannot be read.
    #[error(transparent)]
    Lake(#[from] LakeError),
    /// A table or view cannot be set up.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// The tables of names cannot be made.
    #[error("cannot make the tables of names")]
    Arrow(#[from] ArrowError),
}

/// The views, each after what it reads.
const VIEWS: [(&str, &str); 9] = [
    (
        "attributed_events",
        include_str!("../../sql/views/attributed_events.sql"),
    ),
    (
        "session_edges",
        include_str!("../../sql/views/session_edges.sql"),
    ),
    (
        "call_outcomes",
        include_str!("../../sql/views/call_outcomes.sql"),
    ),
    (
        "call_permissions",
        include_str!("../../sql/views/call_permissions.sql"),
    ),
    (
        "daily_usage",
        include_str!("../../sql/views/daily_usage.sql"),
    ),
    (
        "permission_usage",
        include_str!("../../sql/views/permission_usage.sql"),
    ),
    (
        "direct_calls",
        include_str!("../../sql/views/direct_calls.sql"),
    ),
    (
        "persona_intervals",
        include_str!("../../sql/views/persona_intervals.sql"),
    ),
    (
        "persona_switches",
        include_str!("../../sql/views/persona_switches.sql"),
    ),
];

/// Names all that `daily_usage` is worked out by besides events and sessions: the views before it, and what calls need.
pub const USAGE_RULES: &str = env!("ROLECALL_USAGE_RULES");

/// Returns true when `daily_usage` is that of all events and of `sessions`, by the rules of this version.
pub fn is_usage_stored(manifest: &Manifest) -> bool {
    manifest.is_resolved() && manifest.is_stored(Derived::Usage, USAGE_RULES)
}

/// The views in the order in which they are set up.
pub fn views() -> Vec<SqlFile<'static>> {
    VIEWS
        .iter()
        .map(|(name, sql)| SqlFile::parse(name, sql))
        .collect()
}

/// The names of all tables and views.
pub fn names() -> Vec<&'static str> {
    let tables = LakeTable::ALL.map(LakeTable::name);
    // One that a lake keeps is a table.
    let views = VIEWS.iter().map(|(name, _)| *name);
    let views = views.filter(|view| !tables.contains(view));
    let named = [
        "accounts",
        "people",
        "switch_rules",
        "data_files",
        "daily_coverage",
    ];
    tables.iter().copied().chain(named).chain(views).collect()
}

/// The columns of one of the lake's tables.
pub fn columns_of(table: LakeTable) -> &'static [Column] {
    match table {
        LakeTable::Events => EVENTS,
        LakeTable::Sessions => SESSIONS,
        LakeTable::Rejected => REJECTED,
        LakeTable::LogFiles => LOG_FILES,
        LakeTable::Duplicates => DUPLICATES,
        LakeTable::EventIds => EVENT_IDS,
        LakeTable::KeptIssues => KEPT_ISSUES,
        LakeTable::KeptUsers => KEPT_USERS,
        LakeTable::DailySessions => DAILY_SESSIONS,
        LakeTable::DailyIssues => DAILY_ISSUES,
        LakeTable::DailyFacts => DAILY_FACTS,
        LakeTable::DailyUsage => DAILY_USAGE,
        LakeTable::ReportRuns => REPORT_RUNS,
        LakeTable::ReportRows => REPORT_ROWS,
    }
}

/// A lake, opened at one state, ready for questions.
#[derive(Debug)]
pub struct OpenLake {
    /// The engine with every table and view.
    pub engine: Engine,
    /// The state it sees.
    pub manifest: Manifest,
    /// Keeps the files of that state until the last answer is given.
    _lease: Lease,
}

/// Opens `lake` at its newest state; later changes do not show. `directory` gives names to accounts and people.
pub async fn open_lake(
    lake: &Lake,
    directory: &Directory,
    limits: EngineLimits,
) -> Result<OpenLake, ViewsError> {
    open_lake_with(lake, directory, Scope::default(), limits).await
}

/// What is looked at, and by which rules.
#[derive(Debug, Clone, Copy, Default)]
pub struct Scope {
    /// What a persona switch is.
    pub rules: SwitchRules,
    /// Only events from this time on are asked for. Sessions that were over before may be missing.
    pub since: Option<DateTime<Utc>>,
    /// Only events before this time are asked for. Sessions that began later may be missing.
    pub until: Option<DateTime<Utc>>,
}

impl Scope {
    /// Whether a session in this file can have an event that is asked for.
    fn has_sessions_of(&self, file: &DataFile) -> bool {
        let micros = |time: DateTime<Utc>| time.timestamp_micros();
        let is_over = file.max_time.zip(self.since.map(micros));
        let is_later = file.min_time.zip(self.until.map(micros));
        is_over.is_none_or(|(last, since)| last >= since)
            && is_later.is_none_or(|(first, until)| first < until)
    }
}

/// The same, with less to look at or by other rules.
pub async fn open_lake_with(
    lake: &Lake,
    directory: &Directory,
    scope: Scope,
    limits: EngineLimits,
) -> Result<OpenLake, ViewsError> {
    let lease = lake.lease()?;
    let manifest = lake.snapshot()?;
    let engine = open(lake.store(), &manifest, directory, scope, limits)?;
    Ok(OpenLake {
        engine,
        manifest,
        _lease: lease,
    })
}

/// Opens an engine with every table and view, and not one row; for their columns.
pub async fn open_nothing(limits: EngineLimits) -> Result<Engine, ViewsError> {
    let nothing = Manifest::empty();
    let (names, scope) = (Directory::default(), Scope::default());
    open(&Store::new(Path::new("")), &nothing, &names, scope, limits)
}

fn open(
    store: &Store,
    manifest: &Manifest,
    directory: &Directory,
    scope: Scope,
    limits: EngineLimits,
) -> Result<Engine, ViewsError> {
    let engine = Engine::open(limits)?;
    let is_usage_stored = is_usage_stored(manifest);
    for table in LakeTable::ALL {
        if table == LakeTable::DailyUsage && !is_usage_stored {
            continue;
        }
        let files = manifest.files(table);
        // New events may be of sessions of which is stored that they were over.
        let files = if table == LakeTable::Sessions && manifest.is_resolved() {
            let files = files.iter().filter(|file| scope.has_sessions_of(file));
            files.cloned().collect()
        } else {
            files.to_vec()
        };
        let columns = columns_of(table);
        let spec = TableSpec::of_files(table, columns, store, &files);
        engine.register_table(if table == LakeTable::Events {
            spec.with_day_index(days_of_ids(store, manifest))
        } else {
            spec
        })?;
    }
    for (name, columns, rows) in [
        ("accounts", ACCOUNTS, directory.account_rows()?),
        ("people", PEOPLE, directory.people_rows()?),
        ("switch_rules", SWITCH_RULES, scope.rules.rows()?),
        (
            "data_files",
            DATA_FILES,
            data_files::data_file_rows(manifest)?,
        ),
    ] {
        engine.register_batches(name, schema_of(columns), vec![rows])?;
    }
    // What is kept of each day, unless some of it is older than the events.
    let coverage = if manifest.is_stored(Derived::Facts, FACT_RULES) {
        STORED_COVERAGE
    } else {
        COVERAGE
    };
    engine.register_view("daily_coverage", coverage)?;
    let own = [policy_decision(), country_of(directory.countries.clone())];
    for function in functions().into_iter().chain(own) {
        engine.register_function(function);
    }
    for function in aggregates() {
        engine.register_aggregate(function);
    }
    let views = VIEWS.map(|(name, _)| name);
    let is_stored = |name: &str| name == LakeTable::DailyUsage.name() && is_usage_stored;
    let views: Vec<&str> = views.into_iter().filter(|name| !is_stored(name)).collect();
    register_views(&engine, &views)?;
    Ok(engine)
}

/// What knows the day of an event by its id.
fn days_of_ids(store: &Store, manifest: &Manifest) -> DayIndexSpec {
    let table = LakeTable::EventIds;
    DayIndexSpec {
        id: "event_id",
        number_of: event_id_hash,
        table: Box::new(TableSpec::of(table, columns_of(table), store, manifest)),
        number: "event_id_hash",
        day: "event_day",
    }
}

/// Makes some views known; what they read must be known when they are asked for.
pub fn register_views(engine: &Engine, names: &[&str]) -> Result<(), EngineError> {
    for (name, sql) in VIEWS.iter().filter(|(name, _)| names.contains(name)) {
        engine.register_view(name, sql)?;
    }
    Ok(())
}
