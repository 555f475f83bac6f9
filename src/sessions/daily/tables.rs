//! The tables of a day's facts: their columns and order, and the questions whose answers they hold.

use super::columns::{DAILY_FACTS, DAILY_ISSUES, DAILY_SESSIONS};
use crate::events::TableShape;
use crate::lake::{FileLayout, LakeTable};

/// One table of facts. Its files hold many days each, so that a year of them is few files.
#[derive(Debug)]
pub struct FactTable {
    /// Its columns, and how its files are written.
    pub shape: TableShape,
    /// The questions that fill it, in the order of their names.
    pub(super) questions: &'static [&'static str],
    /// Whether each answer is of one session alone.
    pub(super) is_by_session: bool,
}

/// The tables of facts.
pub const FACT_TABLES: [FactTable; 3] = [
    FactTable {
        shape: TableShape {
            table: LakeTable::DailySessions,
            columns: DAILY_SESSIONS,
            layout: FileLayout {
                bloom_filters: &[],
                distinct: &["session_id", "first_event_id"],
                without_order: &["first_event_id", "access_key_ids", "user_agent"],
                sorted: Some("day"),
            },
            order: &["day", "session_id"],
        },
        questions: &["session_uses"],
        is_by_session: true,
    },
    FactTable {
        shape: TableShape {
            table: LakeTable::DailyIssues,
            columns: DAILY_ISSUES,
            layout: FileLayout {
                bloom_filters: &[],
                distinct: &["event_id", "issued_access_key_id", "request_id"],
                without_order: &["user_agent", "requested_session_tags"],
                sorted: Some("day"),
            },
            order: &["day", "event_time", "event_id"],
        },
        questions: &["credential_issues"],
        is_by_session: false,
    },
    FactTable {
        shape: TableShape {
            table: LakeTable::DailyFacts,
            columns: DAILY_FACTS,
            layout: FileLayout {
                bloom_filters: &[],
                distinct: &["event_id", "other_event_id", "request_id"],
                without_order: &["event_id", "other_event_id", "request_id"],
                sorted: Some("day"),
            },
            order: &["day", "fact"],
        },
        questions: &[
            "coverage",
            "deployments",
            "forwarded",
            "hidden_issues",
            "identity_center_users",
            "operations",
            "principals",
            "twins",
        ],
        is_by_session: false,
    },
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rows_of_a_day_are_written_in_the_order_of_their_questions() {
        for table in FACT_TABLES {
            assert!(table.questions.is_sorted(), "{:?}", table.questions);
        }
    }
}
