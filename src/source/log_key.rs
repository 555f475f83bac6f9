//! Reads account, region and day from a log file's key, and tells digests and insights apart.
//!
//! `[prefix/]AWSLogs/[o-…/]ACCOUNT/FOLDER/REGION/YYYY/MM/DD/ACCOUNT_CloudTrail_REGION_YYYYMMDDTHHmmZ_….json.gz`
//! Source: CloudTrail User Guide, "Getting and viewing your CloudTrail log files".

use chrono::NaiveDate;

/// The kind of folder below the account.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum LogFolder {
    /// `CloudTrail`: management and data events; also every key without our layout.
    #[default]
    Events,
    /// `CloudTrail-NetworkActivity`: denials at VPC endpoints.
    NetworkActivity,
    /// `CloudTrail-Insight`: statistics, no calls.
    Insight,
    /// `CloudTrail-Digest`: hashes and signatures of other files.
    Digest,
    /// `CloudTrail-Aggregated`: summaries, no calls.
    Aggregated,
}

/// What a key tells; parts it does not hold are `None`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct LogKey<'a> {
    /// The organization, `o-…`, of an organization trail.
    pub organization_id: Option<&'a str>,
    /// The account whose events it holds.
    pub account_id: Option<&'a str>,
    /// The kind of folder.
    pub folder: LogFolder,
    /// The region whose events it holds.
    pub region: Option<&'a str>,
    /// The day of delivery, UTC.
    pub date: Option<NaiveDate>,
}

impl<'a> LogKey<'a> {
    /// Reads `key`; what does not follow the layout is left out, never guessed.
    pub fn parse(key: &'a str) -> Self {
        Self::of_folders(key)
            .or_else(|| Self::of_file_name(key))
            .unwrap_or_default()
    }

    fn of_folders(key: &'a str) -> Option<Self> {
        let mut parts = key.strip_prefix("AWSLogs/")?.split('/').peekable();
        let organization_id = parts.next_if(|part| part.starts_with("o-"));
        let account_id = parts.next().filter(|part| is_account(part))?;
        let folder = folder_named(parts.next()?)?;
        let region = parts.next()?;
        let (year, month, day) = (parts.next()?, parts.next()?, parts.next()?);
        let date =
            NaiveDate::from_ymd_opt(year.parse().ok()?, month.parse().ok()?, day.parse().ok()?)?;
        Some(Self {
            organization_id,
            account_id: Some(account_id),
            folder,
            region: Some(region),
            date: Some(date),
        })
    }

    /// A file taken out of its folders still tells by its name.
    fn of_file_name(key: &'a str) -> Option<Self> {
        let mut parts = key.rsplit('/').next()?.split('_');
        let account_id = parts.next().filter(|part| is_account(part))?;
        let folder = folder_named(parts.next()?)?;
        let region = parts.next()?;
        let stamp = parts.next()?;
        let date = stamp
            .get(..8)
            .and_then(|day| NaiveDate::parse_from_str(day, "%Y%m%d").ok());
        Some(Self {
            organization_id: None,
            account_id: Some(account_id),
            folder,
            region: Some(region),
            // A digest's name has the trail where others have the stamp.
            date,
        })
    }
}

pub(super) fn is_account(text: &str) -> bool {
    text.len() == 12 && text.bytes().all(|byte| byte.is_ascii_digit())
}

pub(super) fn folder_named(name: &str) -> Option<LogFolder> {
    match name {
        "CloudTrail" => Some(LogFolder::Events),
        "CloudTrail-NetworkActivity" => Some(LogFolder::NetworkActivity),
        "CloudTrail-Insight" => Some(LogFolder::Insight),
        "CloudTrail-Digest" => Some(LogFolder::Digest),
        "CloudTrail-Aggregated" => Some(LogFolder::Aggregated),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_organization_trails_key_gives_all_its_parts() {
        let key = LogKey::parse(
            "AWSLogs/o-abc/111122223333/CloudTrail/us-east-1/2026/03/02/111122223333_CloudTrail_us-east-1_20260302T0905Z_x.json.gz",
        );
        assert_eq!(key.organization_id, Some("o-abc"));
        assert_eq!(key.account_id, Some("111122223333"));
        assert_eq!(key.region, Some("us-east-1"));
        assert_eq!(key.date, NaiveDate::from_ymd_opt(2026, 3, 2));
        assert_eq!(key.folder, LogFolder::Events);
    }

    #[test]
    fn a_bare_file_name_still_tells() {
        let key = LogKey::parse("x/218007301253_CloudTrail_us-east-1_20230710T1145Z_7x.json");
        assert_eq!(key.account_id, Some("218007301253"));
        assert_eq!(key.date, NaiveDate::from_ymd_opt(2023, 7, 10));
    }

    #[test]
    fn folders_that_hold_no_calls_are_told_apart() {
        for (name, folder) in [
            ("CloudTrail-Digest", LogFolder::Digest),
            ("CloudTrail-Insight", LogFolder::Insight),
            ("CloudTrail-Aggregated", LogFolder::Aggregated),
            ("CloudTrail-NetworkActivity", LogFolder::NetworkActivity),
        ] {
            let key = format!("AWSLogs/111122223333/{name}/us-east-1/2026/03/02/f.json.gz");
            assert_eq!(LogKey::parse(&key).folder, folder);
        }
    }

    #[test]
    fn a_digest_is_known_by_its_name_alone() {
        let name =
            "111122223333_CloudTrail-Digest_us-east-1_main_us-east-1_20260302T090000Z.json.gz";
        assert_eq!(LogKey::parse(name).folder, LogFolder::Digest);
    }

    #[test]
    fn other_keys_tell_nothing() {
        for key in [
            "",
            "a.json",
            "AWSLogs/x/y",
            "AWSLogs/111122223333/CloudTrail/r/2026/13/40/f",
        ] {
            assert_eq!(LogKey::parse(key), LogKey::default(), "{key}");
        }
    }
}
