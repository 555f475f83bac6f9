//! Embeds `sql/queries` and runs one.  In: a name and parameters. Out: a planned answer.
//! Why: a question is one file, with its meaning on top; the command line and the reports ask the same ones.
//! Holds: the list here and the folder are the same; values are bound, never pasted.  Next: `reports`.

mod params;

use datafusion::scalar::ScalarValue;

use crate::engine::{Answer, Engine, EngineError};
use crate::sql_file::SqlFile;

macro_rules! queries {
    ($($name:literal),* $(,)?) => {
        [$(($name, include_str!(concat!("../../sql/queries/", $name, ".sql")))),*]
    };
}

/// Every query, by folder and name.
const QUERIES: [(&str, &str); 75] = queries![
    "denied/list",
    "hats/cross_account",
    "hats/first_use",
    "hats/wearers",
    "hats/worn",
    "hygiene/console_without_mfa",
    "hygiene/long_term_keys",
    "hygiene/recreated",
    "hygiene/source_identity",
    "permissions/by_resource",
    "permissions/list",
    "report/chains",
    "report/coverage",
    "report/juggling",
    "report/last_used",
    "report/new_addresses",
    "report/new_countries",
    "report/new_pairs",
    "report/new_paths",
    "report/new_roles",
    "report/new_third_parties",
    "report/new_user_agents",
    "report/origins",
    "report/period",
    "report/rejected",
    "report/role_use",
    "report/third_parties",
    "report/unresolved",
    "review/addresses",
    "review/break_glass",
    "review/chains",
    "review/denials",
    "review/imds_v1",
    "review/made",
    "review/misplaced",
    "review/origins",
    "review/permissions",
    "review/root",
    "review/switches",
    "review/third_parties",
    "rightsize/active",
    "rightsize/comers",
    "rightsize/personas",
    "rightsize/seen",
    "rightsize/uses",
    "sessions/list",
    "show/copies",
    "show/event",
    "status/accounts",
    "status/forms",
    "status/limits",
    "status/people",
    "status/rejected",
    "status/small_files",
    "status/totals",
    "status/unresolved",
    "suspicion/borrowed_names",
    "suspicion/contradictions",
    "suspicion/juggling",
    "suspicion/long_chains",
    "suspicion/machine_hands",
    "suspicion/shared_keys",
    "suspicion/used_after_end",
    "switches/list",
    "switches/overlaps",
    "timeline/events",
    "timeline/principals",
    "timeline/sessions",
    "who/addresses",
    "who/candidates",
    "who/descendants",
    "who/find",
    "who/makers",
    "who/named",
    "who/session",
];

/// What can be wrong with a question.
#[derive(Debug, thiserror::Error)]
pub enum QueryError {
    /// There is no query of that name.
    #[error("no query is called `{name}`")]
    Unknown {
        /// The name that was asked for.
        name: String,
        /// The name that is most like it.
        nearest: Option<&'static str>,
    },
    /// The query has no parameter of that name.
    #[error("query `{query}` has no parameter `{param}`")]
    UnknownParam {
        /// The query.
        query: String,
        /// The name that was given.
        param: String,
        /// The parameters it has.
        known: Vec<String>,
    },
    /// A parameter without a default was not given.
    #[error("query `{query}` needs `{param}`")]
    MissingParam {
        /// The query.
        query: String,
        /// The parameter.
        param: String,
    },
    /// A value does not fit its parameter.
    #[error("`{value}` is not a {expected}, which `{param}` needs")]
    BadValue {
        /// The parameter.
        param: String,
        /// The value that was given.
        value: String,
        /// What it should be.
        expected: &'static str,
    },
    /// The question failed.
    #[error(transparent)]
    Engine(#[from] EngineError),
}

impl QueryError {
    /// What the user can do about it.
    pub fn hints(&self) -> Vec<String> {
        match self {
            Self::Unknown {
                nearest: Some(nearest),
                ..
            } => {
                vec![format!("did you mean `{nearest}`?")]
            }
            Self::UnknownParam { known, param, .. } if !known.is_empty() => {
                let names = known.iter().map(String::as_str);
                let mut hints: Vec<String> = nearest(names, param)
                    .map(|nearest| format!("did you mean `{nearest}`?"))
                    .into_iter()
                    .collect();
                hints.push(format!("it has {}", known.join(", ")));
                hints
            }
            Self::MissingParam { param, .. } => vec![format!("add `{param}=VALUE`")],
            Self::BadValue { expected, .. } if *expected == "time" => {
                vec!["write RFC 3339 (2026-03-02T09:00:00Z)".to_owned()]
            }
            Self::BadValue { param, .. } => vec![format!("write digits, `{param}=20`")],
            _ => Vec::new(),
        }
    }
}

/// All queries.
pub fn queries() -> Vec<SqlFile<'static>> {
    QUERIES
        .iter()
        .map(|(name, sql)| SqlFile::parse(name, sql))
        .collect()
}

/// The query called `name`.
pub fn find(name: &str) -> Result<SqlFile<'static>, QueryError> {
    if let Some((name, sql)) = QUERIES.iter().find(|(known, _)| *known == name) {
        return Ok(SqlFile::parse(name, sql));
    }
    Err(QueryError::Unknown {
        name: name.to_owned(),
        nearest: nearest(QUERIES.iter().map(|(known, _)| *known), name),
    })
}

/// The name that is most like `wrong`, if one is like it at all.
pub fn nearest<'n>(names: impl Iterator<Item = &'n str>, wrong: &str) -> Option<&'n str> {
    names
        .map(|name| (strsim::jaro_winkler(name, wrong), name))
        .filter(|(likeness, _)| *likeness > 0.75)
        .max_by(|(a, _), (b, _)| a.total_cmp(b))
        .map(|(_, name)| name)
}

/// Plans the query called `name` with the given parameters; the others take their defaults.
pub async fn ask(
    engine: &Engine,
    name: &str,
    given: &[(&str, String)],
) -> Result<Answer, QueryError> {
    let file = find(name)?;
    ask_file(engine, &file, given).await
}

/// The same for a query that was found before.
pub async fn ask_file(
    engine: &Engine,
    file: &SqlFile<'_>,
    given: &[(&str, String)],
) -> Result<Answer, QueryError> {
    let values = params::bind(file, given)?;
    let values: Vec<(&str, ScalarValue)> = values
        .iter()
        .map(|(name, value)| (name.as_str(), value.clone()))
        .collect();
    Ok(engine.query(file.name, file.sql, &values).await?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_near_miss_is_pointed_out() {
        let error = find("timeline/event").unwrap_err();
        assert_eq!(error.hints(), ["did you mean `timeline/events`?"]);
        assert!(find("zzz").unwrap_err().hints().is_empty());
    }
}
