//! The questions of this room, and the days they ask about.

use std::sync::Arc;

use chrono::{NaiveDate, NaiveTime};
use datafusion::scalar::ScalarValue;

use crate::engine::{Answer, Engine, EngineError};

/// The queries of this room.
pub const QUERIES: [(&str, &str); 6] = [
    (
        "needed_sessions",
        include_str!("../../sql/upkeep/needed_sessions.sql"),
    ),
    (
        "kept_duplicates",
        include_str!("../../sql/upkeep/kept_duplicates.sql"),
    ),
    (
        "kept_issues",
        include_str!("../../sql/upkeep/kept_issues.sql"),
    ),
    (
        "kept_users",
        include_str!("../../sql/upkeep/kept_users.sql"),
    ),
    (
        "kept_rejected",
        include_str!("../../sql/upkeep/kept_rejected.sql"),
    ),
    (
        "sessions_in_use",
        include_str!("../../sql/upkeep/sessions_in_use.sql"),
    ),
];

/// Plans one of the questions of this room.
pub(super) async fn plan_question(
    engine: &Engine,
    name: &str,
    params: &[(&str, ScalarValue)],
) -> Result<Answer, EngineError> {
    let known = QUERIES.iter().find(|(known, _)| *known == name);
    let sql = known.map_or("", |(_, sql)| *sql);
    engine.query(name, sql, params).await
}

/// A day's first moment, as a parameter.
pub(super) fn midnight(day: NaiveDate) -> ScalarValue {
    ScalarValue::TimestampMicrosecond(Some(micros(day)), Some(Arc::from("UTC")))
}

/// A day's first moment in microseconds since 1970.
pub(super) fn micros(day: NaiveDate) -> i64 {
    day.and_time(NaiveTime::MIN).and_utc().timestamp_micros()
}
