//! The tables a lake holds, and the folder of each.

use serde::{Deserialize, Serialize};

use super::derived::Derived;

/// One table of the lake.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LakeTable {
    /// One row per distinct record.
    Events,
    /// One row per session.
    Sessions,
    /// One row per record or file that could not be taken.
    Rejected,
    /// One row per log file.
    LogFiles,
    /// One row per further copy of an event that is kept once.
    Duplicates,
    /// One row per id that an event of the lake ever had.
    EventIds,
    /// One row per call of a pruned day that handed out credentials which can still be in use.
    KeptIssues,
    /// One row per name that pruned events showed of a user of Identity Center.
    KeptUsers,
    /// One row per session and day of its use.
    DailySessions,
    /// One row per call that handed out credentials, by its day.
    DailyIssues,
    /// What else the events of a day tell of identities.
    DailyFacts,
    /// One row per permission, persona, origin and day of its use.
    DailyUsage,
    /// One row per section of each run of a report.
    ReportRuns,
    /// One row per row that a report had.
    ReportRows,
}

impl LakeTable {
    /// Every table, in the order of the data's journey.
    pub const ALL: [Self; 14] = [
        Self::Events,
        Self::Sessions,
        Self::Rejected,
        Self::LogFiles,
        Self::Duplicates,
        Self::EventIds,
        Self::KeptIssues,
        Self::KeptUsers,
        Self::DailySessions,
        Self::DailyIssues,
        Self::DailyFacts,
        Self::DailyUsage,
        Self::ReportRuns,
        Self::ReportRows,
    ];

    /// The table's name in SQL and its folder in the lake.
    pub fn name(self) -> &'static str {
        match self {
            Self::Events => "events",
            Self::Sessions => "sessions",
            Self::Rejected => "rejected",
            Self::LogFiles => "log_files",
            Self::Duplicates => "duplicates",
            Self::EventIds => "event_ids",
            Self::KeptIssues => "kept_issues",
            Self::KeptUsers => "kept_users",
            Self::DailySessions => "daily_sessions",
            Self::DailyIssues => "daily_issues",
            Self::DailyFacts => "daily_facts",
            Self::DailyUsage => "daily_usage",
            Self::ReportRuns => "report_runs",
            Self::ReportRows => "report_rows",
        }
    }

    /// What it is a part of that is worked out of each day's events.
    pub fn derived(self) -> Option<Derived> {
        match self {
            Self::DailySessions | Self::DailyIssues | Self::DailyFacts => Some(Derived::Facts),
            Self::DailyUsage => Some(Derived::Usage),
            Self::Events
            | Self::Sessions
            | Self::Rejected
            | Self::LogFiles
            | Self::Duplicates
            | Self::EventIds
            | Self::KeptIssues
            | Self::KeptUsers
            | Self::ReportRuns
            | Self::ReportRows => None,
        }
    }

    /// Whether its files are kept in one folder per UTC day.
    pub fn has_dates(self) -> bool {
        matches!(self, Self::Events | Self::Sessions | Self::DailyUsage)
    }
}
