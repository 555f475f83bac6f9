//! Amazon Resource Names, split without copying.
//!
//! Source: IAM User Guide, "IAM identifiers": `arn:partition:service:region:account:resource`.

/// An ARN's parts, borrowed from the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Arn<'a> {
    /// `aws`, `aws-cn`, `aws-us-gov`, …
    pub partition: &'a str,
    /// `iam`, `sts`, `s3`, …
    pub service: &'a str,
    /// The twelve digits, or empty.
    pub account_id: &'a str,
    /// Everything after the fifth colon.
    pub resource: &'a str,
}

impl<'a> Arn<'a> {
    /// Splits `text`, or returns `None` when it has no ARN's shape.
    pub fn parse(text: &'a str) -> Option<Self> {
        let mut parts = text.splitn(6, ':');
        if parts.next()? != "arn" {
            return None;
        }
        let partition = parts.next()?;
        let service = parts.next()?;
        let _region = parts.next()?;
        let account_id = parts.next()?;
        let resource = parts.next()?;
        Some(Self {
            partition,
            service,
            account_id,
            resource,
        })
    }
}

/// A name as a policy writes it: the characters that mean something there are escaped, and each that may not stand in a policy is any one.
///
/// Source: IAM User Guide, "Policy variables and tags", and the pattern of `policyDocumentType` in the IAM API Reference.
pub fn as_in_policy(name: &str) -> String {
    let mut text = String::with_capacity(name.len());
    for c in name.chars() {
        match c {
            '*' | '?' | '$' => {
                text.push_str("${");
                text.push(c);
                text.push('}');
            }
            ' '..='\u{7e}' | '\u{a0}'..='\u{ff}' => text.push(c),
            _ => text.push('?'),
        }
    }
    text
}

/// An assumed-role session's ARN, `arn:aws:sts::ACCOUNT:assumed-role/ROLE/SESSION`.
///
/// It carries no role path: role `…:role/service-role/x` gives `…:assumed-role/x/session`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AssumedRoleArn<'a> {
    /// The partition of the ARN.
    pub partition: &'a str,
    /// The account that owns the role.
    pub account_id: &'a str,
    /// The role's name without its path.
    pub role_name: &'a str,
    /// The session name, chosen by the caller.
    pub session_name: &'a str,
}

impl<'a> AssumedRoleArn<'a> {
    /// Splits `text`, or returns `None` when it is not an assumed-role ARN.
    pub fn parse(text: &'a str) -> Option<Self> {
        let arn = Arn::parse(text)?;
        if arn.service != "sts" {
            return None;
        }
        let (role_name, session_name) = arn
            .resource
            .strip_prefix("assumed-role/")?
            .split_once('/')?;
        Some(Self {
            partition: arn.partition,
            account_id: arn.account_id,
            role_name,
            session_name,
        })
    }

    /// The role's ARN, without the path that the role may have.
    pub fn role_arn(&self) -> String {
        let Self {
            partition,
            account_id,
            role_name,
            ..
        } = self;
        format!("arn:{partition}:iam::{account_id}:role/{role_name}")
    }

    /// Returns true when `role_arn` names this session's role, with or without a path.
    pub fn is_session_of(&self, role_arn: &str) -> bool {
        Arn::parse(role_arn).is_some_and(|role| {
            role.service == "iam"
                && role.account_id == self.account_id
                && role.resource.starts_with("role/")
                && role.resource.rsplit('/').next() == Some(self.role_name)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_assumed_role_arn_names_its_role_with_or_without_path() {
        let arn =
            AssumedRoleArn::parse("arn:aws:sts::111122223333:assumed-role/web/i-0abc").unwrap();
        assert_eq!((arn.role_name, arn.session_name), ("web", "i-0abc"));
        assert!(arn.is_session_of("arn:aws:iam::111122223333:role/web"));
        assert!(arn.is_session_of("arn:aws:iam::111122223333:role/service-role/web"));
        assert!(!arn.is_session_of("arn:aws:iam::444455556666:role/web"));
        assert!(!arn.is_session_of("arn:aws:iam::111122223333:role/web2"));
    }

    #[test]
    fn a_name_in_a_policy_means_itself_alone() {
        assert_eq!(as_in_policy("a*b?c${x}"), "a${*}b${?}c${$}{x}");
        assert_eq!(as_in_policy("é中\n"), "é??");
    }

    #[test]
    fn other_text_is_no_assumed_role() {
        assert_eq!(
            AssumedRoleArn::parse("arn:aws:iam::111122223333:role/web"),
            None
        );
        assert_eq!(AssumedRoleArn::parse("arn***/assumed-role/a/b"), None);
        assert_eq!(Arn::parse(""), None);
    }
}
