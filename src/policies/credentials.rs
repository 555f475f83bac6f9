//! Reads credential reports: passwords, MFA and access keys of users.
//!
//! Source: IAM User Guide, "Generate credential reports for your AWS account".

use serde::Deserialize;

/// One user of a credential report; times and marks as AWS writes them.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct Credentials {
    /// The user's name; `<root_account>` for root.
    pub user: String,
    /// Its ARN.
    pub arn: String,
    /// `true`, `false` or `not_supported`.
    pub password_enabled: String,
    /// When the password was used last.
    pub password_last_used: String,
    /// `true` or `false`.
    pub mfa_active: String,
    /// Whether the first key can be used.
    pub access_key_1_active: String,
    /// When it was made or rotated.
    pub access_key_1_last_rotated: String,
    /// When it was used last.
    pub access_key_1_last_used_date: String,
    /// Whether the second key can be used.
    pub access_key_2_active: String,
    /// When it was made or rotated.
    pub access_key_2_last_rotated: String,
    /// When it was used last.
    pub access_key_2_last_used_date: String,
    /// When the user was made.
    pub user_creation_time: String,
}

/// One access key of a user.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AccessKey<'a> {
    /// 1 or 2; the report does not tell the key's id.
    pub number: u8,
    /// When it was made or rotated.
    pub rotated: Option<&'a str>,
    /// When it was used last.
    pub used: Option<&'a str>,
}

impl Credentials {
    /// Whether the text begins as a credential report does.
    pub(super) fn is_report(text: &str) -> bool {
        text.trim_start_matches('\u{feff}').starts_with("user,arn,")
    }

    /// Reads a report.
    pub(super) fn read(text: &str) -> Result<Vec<Self>, csv::Error> {
        let text = text.trim_start_matches('\u{feff}');
        csv::Reader::from_reader(text.as_bytes())
            .deserialize()
            .collect()
    }

    /// Whether the user can sign in with a password.
    pub fn has_password(&self) -> bool {
        self.password_enabled.eq_ignore_ascii_case("true")
    }

    /// Whether a second factor is registered.
    pub fn has_mfa(&self) -> bool {
        self.mfa_active.eq_ignore_ascii_case("true")
    }

    /// The keys that can be used.
    pub fn active_keys(&self) -> impl Iterator<Item = AccessKey<'_>> {
        let keys = [
            (
                1,
                &self.access_key_1_active,
                &self.access_key_1_last_rotated,
                &self.access_key_1_last_used_date,
            ),
            (
                2,
                &self.access_key_2_active,
                &self.access_key_2_last_rotated,
                &self.access_key_2_last_used_date,
            ),
        ];
        let active = keys
            .into_iter()
            .filter(|(_, active, _, _)| active.eq_ignore_ascii_case("true"));
        active.map(|(number, _, rotated, used)| AccessKey {
            number,
            rotated: time(rotated),
            used: time(used),
        })
    }

    /// When the password was used last.
    pub fn password_used(&self) -> Option<&str> {
        time(&self.password_last_used)
    }
}

/// A time, or nothing where the report has a word instead.
fn time(text: &str) -> Option<&str> {
    let is_time = text.starts_with(|c: char| c.is_ascii_digit());
    is_time.then_some(text)
}
