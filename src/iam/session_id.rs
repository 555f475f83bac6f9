//! The name we give to one session: a hash of what its own records say of it.
//!
//! It is worked out from a record alone, so that the order of files cannot change it, and from an
//! issuing event's response as well, so that a credential's issue and its use meet under one id.

use sha2::{Digest, Sha256};

/// A session's id: 32 lower-case hexadecimal digits.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct SessionId(String);

impl SessionId {
    /// A session whose records are told apart by their access key.
    pub fn of_key(account: &str, principal: &str, creation: Option<i64>, key: &str) -> Self {
        Self::hash(&["key", account, principal, &seconds(creation), key])
    }

    /// A session that shows many keys or none: console, forwarded calls, service-linked roles.
    pub fn of_principal(account: &str, principal: &str, creation: Option<i64>) -> Self {
        Self::hash(&["principal", account, principal, &seconds(creation)])
    }

    /// The caller in another account, known by the event that both accounts recorded.
    pub fn of_shared_event(shared_event_id: &str) -> Self {
        Self::hash(&["shared", shared_event_id])
    }

    /// An AWS service acting as itself.
    pub fn of_service(account: &str, service: &str) -> Self {
        Self::hash(&["service", account, service])
    }

    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Hashes the parts, each led by its length, so that no part can pose as two.
    fn hash(parts: &[&str]) -> Self {
        let mut hasher = Sha256::new();
        for part in parts {
            hasher.update(part.len().to_le_bytes());
            hasher.update(part.as_bytes());
        }
        let mut text = format!("{:x}", hasher.finalize());
        text.truncate(32);
        Self(text)
    }
}

fn seconds(creation: Option<i64>) -> String {
    creation.map_or_else(String::new, |micros| {
        micros.div_euclid(1_000_000).to_string()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn issue_and_use_of_one_credential_meet() {
        let issued = SessionId::of_key("1", "AROAX:s", Some(5_000_000), "ASIAX");
        let used = SessionId::of_key("1", "AROAX:s", Some(5_000_000), "ASIAX");
        assert_eq!(issued, used);
        assert_eq!(issued.as_str().len(), 32);
    }

    #[test]
    fn every_part_counts_and_no_part_runs_into_the_next() {
        let a = SessionId::of_key("1", "AROAX:s", Some(5_000_000), "ASIAX");
        for other in [
            SessionId::of_key("1", "AROAX:s", Some(6_000_000), "ASIAX"),
            SessionId::of_key("1", "AROAX:s", None, "ASIAX"),
            SessionId::of_key("1", "AROAX:", Some(5_000_000), "sASIAX"),
            SessionId::of_principal("1", "AROAX:s", Some(5_000_000)),
            SessionId::of_shared_event("1"),
        ] {
            assert_ne!(a, other);
        }
    }
}
