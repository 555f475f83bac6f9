//! The accounts of an organization, as AWS prints them.
//!
//! Source: AWS CLI Command Reference, "organizations list-accounts". Other commands that print accounts
//! (`list-accounts-for-parent`, `list-delegated-administrators`) have the same form under other names.

use std::collections::HashMap;
use std::path::Path;

use serde::Deserialize;
use serde_json::value::RawValue;

use super::DirectoryError;
use crate::lake::{Column, ColumnType};

/// The columns of the table `accounts`.
pub const ACCOUNTS: &[Column] = &[
    Column::required("account_id", ColumnType::Text, "the account, 12 digits"),
    Column::new("account_name", ColumnType::Text, "its name"),
    Column::new("email", ColumnType::Text, "the address of its root user"),
    Column::new("status", ColumnType::Text, "`ACTIVE`, `SUSPENDED`, …"),
];

/// One account of the organization.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Account {
    /// 12 digits.
    pub id: String,
    /// Its name.
    #[serde(default)]
    pub name: Option<String>,
    /// The address of its root user.
    #[serde(default)]
    pub email: Option<String>,
    /// `ACTIVE`, `SUSPENDED`, …
    #[serde(default)]
    pub status: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Answer {
    accounts: Vec<Account>,
}

/// Reads one answer or several, one after the other, as paging prints them.
pub(super) fn parse(path: &Path, text: &str) -> Result<Vec<Account>, DirectoryError> {
    let mut accounts: Vec<Account> = Vec::new();
    let mut seen: HashMap<String, String> = HashMap::new();
    let wrong = |source| DirectoryError::Accounts {
        path: path.to_owned(),
        source,
    };
    let answers = serde_json::Deserializer::from_str(text).into_iter::<&RawValue>();
    for answer in answers {
        let answer = answer.map_err(wrong)?.get();
        let found = if answer.starts_with('[') {
            serde_json::from_str::<Vec<Account>>(answer)
        } else {
            serde_json::from_str::<Answer>(answer).map(|answer| answer.accounts)
        };
        let found = found.map_err(wrong)?;
        for account in found {
            let name = account.name.clone().unwrap_or_default();
            match seen.insert(account.id.clone(), name.clone()) {
                None => accounts.push(account),
                Some(before) if before == name => {}
                Some(before) => {
                    return Err(DirectoryError::Twice {
                        path: path.to_owned(),
                        id: account.id,
                        one: before,
                        other: name,
                    });
                }
            }
        }
    }
    if accounts.is_empty() {
        return Err(DirectoryError::Empty(path.to_owned()));
    }
    Ok(accounts)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_of_the_command_are_read_page_by_page() {
        let page = |id: &str| {
            format!(
                r#"{{"Accounts":[{{"Id":"{id}","Arn":"arn:aws:organizations::1:account/o-x/{id}","Email":"a@example.com","Name":"shop","Status":"ACTIVE","JoinedMethod":"CREATED","JoinedTimestamp":1.5}}],"NextToken":"t"}}"#
            )
        };
        let text = page("111122223333") + "\n" + &page("444455556666") + &page("111122223333");
        let accounts = parse(Path::new("a.json"), &text).unwrap();
        assert_eq!(accounts.len(), 2);
        assert_eq!(accounts[0].name.as_deref(), Some("shop"));
        let list = parse(Path::new("a.json"), r#"[{"Id":"111122223333"}]"#).unwrap();
        assert_eq!(list[0].name, None);
    }

    #[test]
    fn other_json_and_two_names_for_one_account_are_refused() {
        assert!(parse(Path::new("a.json"), r#"{"Users":[]}"#).is_err());
        let text = r#"[{"Id":"1","Name":"a"},{"Id":"1","Name":"b"}]"#;
        let error = parse(Path::new("a.json"), text).unwrap_err();
        assert_eq!(error.to_string(), "`a.json`: `1` belongs to `a` and to `b`");
    }
}
