//! The tables a lake holds, and the folder of each.

use serde::{Deserialize, Serialize};

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
    /// One row per permission, persona, origin and day of its use.
    DailyUsage,
}

impl LakeTable {
    /// Every table, in the order of the data's journey.
    pub const ALL: [Self; 9] = [
        Self::Events,
        Self::Sessions,
        Self::Rejected,
        Self::LogFiles,
        Self::Duplicates,
        Self::EventIds,
        Self::KeptIssues,
        Self::KeptUsers,
        Self::DailyUsage,
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
            Self::DailyUsage => "daily_usage",
        }
    }

    /// Whether its files are kept in one folder per UTC day.
    pub fn has_dates(self) -> bool {
        matches!(self, Self::Events | Self::Sessions | Self::DailyUsage)
    }
}
