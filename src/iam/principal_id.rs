//! Principal ids: `AROA…:session` of a role session, `AIDA…` of a user, an account's digits, and rarer shapes.
//!
//! Source: CloudTrail User Guide, "CloudTrail userIdentity element".

/// Splits a role session's principal id into the role's unique id and the session name.
///
/// The last colon divides, since a session name cannot hold one; so the instance identity role's
/// `111122223333:aws:ec2-instance:i-0a` keeps its prefix whole. An id without a colon gives `None`.
pub fn role_session_of(principal_id: &str) -> Option<(&str, &str)> {
    principal_id.rsplit_once(':')
}

/// What tells one IAM user from another, also in shared logs in which all users have one masked id.
pub fn user_principal(principal_id: &str, arn: &str) -> String {
    format!("{principal_id} {arn}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_colon_divides() {
        assert_eq!(role_session_of("AROAX:a@b.c"), Some(("AROAX", "a@b.c")));
        assert_eq!(
            role_session_of("111122223333:aws:ec2-instance:i-0a"),
            Some(("111122223333:aws:ec2-instance", "i-0a"))
        );
        assert_eq!(role_session_of("AIDAX"), None);
        assert_eq!(role_session_of(""), None);
    }
}
