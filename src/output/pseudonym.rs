//! Rows for those who need not know who it was: names, accounts, addresses and keys become pseudonyms.
//!
//! A pseudonym is a keyed hash: the same name has the same one in every column and every report made with the same key, and nobody
//! without the key can find it by trying names. Times, counts, actions and other words that name nobody stay as they are.
//! Source: NIST SP 800-188, "De-Identifying Government Datasets", 4.3.4 (keyed hashes as pseudonyms).

use std::fmt::{self, Write as _};
use std::net::IpAddr;
use std::sync::Arc;

use arrow::array::{
    Array as _, ArrayRef, AsArray as _, ListBuilder, RecordBatch, StringArray, StringBuilder,
};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Field};
use arrow::error::ArrowError;
use hmac::{Hmac, KeyInit as _, Mac as _};
use serde_json::Value;
use sha2_of_hmac::Sha256;

/// Columns whose text names nobody.
const PLAIN: [&str; 27] = [
    "account_review",
    "attribution",
    "aws_region",
    "change",
    "confidence",
    "event_name",
    "event_source",
    "finding",
    "iam_action",
    "issuing_api",
    "kind",
    "mapping",
    "origin_kind",
    "outcome",
    "permission",
    "principal_kind",
    "reason",
    "refused_by",
    "report",
    "section",
    "section_name",
    "table",
    "title",
    "unresolved_reason",
    "via_service",
    "what_to_change",
    "whose",
];

/// Columns of free text, of which nothing can be kept.
const PROSE: [&str; 7] = [
    "detail",
    "error_message",
    "example",
    "last_error_message",
    "log_file_key",
    "raw",
    "user_agent",
];

/// What stands in the place of free text.
const LEFT_OUT: &str = "(left out)";

/// First parts of paths that AWS wrote, and that name nobody.
const KINDS: [&str; 11] = [
    "role",
    "user",
    "group",
    "policy",
    "assumed-role",
    "federated-user",
    "instance-profile",
    "saml-provider",
    "oidc-provider",
    "aws-reserved",
    "aws-service-role",
];

/// Gives pseudonyms by one key.
#[derive(Clone)]
pub struct Pseudonyms(Hmac<Sha256>);

impl fmt::Debug for Pseudonyms {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Pseudonyms")
    }
}

impl Pseudonyms {
    /// The shortest key, in bytes.
    pub const SHORTEST_KEY: usize = 16;

    /// Pseudonyms by a key; none where it is too short.
    pub fn new(key: &[u8]) -> Option<Self> {
        let long_enough = key.len() >= Self::SHORTEST_KEY;
        let mac = Hmac::<Sha256>::new_from_slice(key).ok()?;
        long_enough.then_some(Self(mac))
    }

    /// The rows with pseudonyms in them. `has_our_columns`: what a column is called tells what is in it; else anything may be in any.
    pub fn rows(
        &self,
        rows: &RecordBatch,
        has_our_columns: bool,
    ) -> Result<RecordBatch, ArrowError> {
        let fields: Vec<&Field> = rows
            .schema_ref()
            .fields()
            .iter()
            .map(AsRef::as_ref)
            .collect();
        let columns = fields.iter().zip(rows.columns());
        let columns: Result<Vec<ArrayRef>, ArrowError> = columns
            .map(|(field, column)| {
                let name = field.name();
                let is_plain =
                    name == "change" || (has_our_columns && PLAIN.contains(&name.as_str()));
                if is_plain {
                    return Ok(Arc::clone(column));
                }
                self.column(name, column)
            })
            .collect();
        RecordBatch::try_new(Arc::clone(rows.schema_ref()), columns?)
    }

    fn column(&self, name: &str, column: &ArrayRef) -> Result<ArrayRef, ArrowError> {
        Ok(match column.data_type() {
            DataType::Utf8 => {
                let texts = column.as_string::<i32>().iter();
                let said: StringArray = texts.map(|text| Some(self.value(name, text?))).collect();
                Arc::new(said)
            }
            // Other layouts of the same text.
            text @ (DataType::Utf8View | DataType::LargeUtf8) => {
                let plain = cast(column, &DataType::Utf8)?;
                cast(&self.column(name, &plain)?, text)?
            }
            DataType::List(item) if *item.data_type() == DataType::Utf8 => {
                let mut lists = ListBuilder::new(StringBuilder::new()).with_field(Arc::clone(item));
                for list in column.as_list::<i32>().iter() {
                    match list {
                        None => lists.append_null(),
                        Some(list) => {
                            for text in list.as_string::<i32>() {
                                let said = text.map(|text| self.value(name, text));
                                lists.values().append_option(said);
                            }
                            lists.append(true);
                        }
                    }
                }
                Arc::new(lists.finish())
            }
            data_type
                if data_type.is_numeric()
                    || data_type.is_temporal()
                    || *data_type == DataType::Boolean =>
            {
                Arc::clone(column)
            }
            // Nothing of a kind that is not known gets through.
            other => arrow::array::new_null_array(other, column.len()),
        })
    }

    fn value(&self, name: &str, text: &str) -> String {
        if PROSE.contains(&name) {
            return LEFT_OUT.to_owned();
        }
        if name == "was" {
            return self.was(text);
        }
        // Several names in one text: a chain, a list, an account and a role.
        let words = text.split(' ').map(|word| {
            let (word, comma) = match word.strip_suffix(',') {
                Some(word) => (word, ","),
                None => (word, ""),
            };
            match word {
                "" | ">" => format!("{word}{comma}"),
                _ => format!("{}{comma}", self.word(word)),
            }
        });
        words.collect::<Vec<_>>().join(" ")
    }

    /// What watched columns said before, as a JSON object.
    fn was(&self, text: &str) -> String {
        let Ok(Value::Object(mut before)) = serde_json::from_str(text) else {
            return LEFT_OUT.to_owned();
        };
        for (name, value) in &mut before {
            match value {
                Value::String(text) if !PLAIN.contains(&name.as_str()) => {
                    *value = Value::String(self.value(name, text));
                }
                Value::Array(_) | Value::Object(_) => *value = Value::String(LEFT_OUT.to_owned()),
                Value::String(_) | Value::Null | Value::Bool(_) | Value::Number(_) => {}
            }
        }
        Value::Object(before).to_string()
    }

    fn word(&self, word: &str) -> String {
        let parts: Vec<&str> = word.splitn(6, ':').collect();
        match parts.as_slice() {
            ["arn", partition, service, region, account, resource]
                if partition.starts_with("aws")
                    && [partition, service, region]
                        .into_iter()
                        .all(|part| is_of_aws(part)) =>
            {
                let account = match *account {
                    "" | "aws" => (*account).to_owned(),
                    account => self.name(account),
                };
                let resource = self.path(resource);
                format!("arn:{partition}:{service}:{region}:{account}:{resource}")
            }
            _ => self.path(word),
        }
    }

    /// A path: what AWS put first stays, names go.
    fn path(&self, path: &str) -> String {
        let parts = path.split('/').enumerate().map(|(at, part)| match part {
            "" | "root" => part.to_owned(),
            kind if at == 0 && path.contains('/') && KINDS.contains(&kind) => kind.to_owned(),
            name => self.name(name),
        });
        parts.collect::<Vec<_>>().join("/")
    }

    fn name(&self, name: &str) -> String {
        let kind = if name.len() == 12 && name.bytes().all(|b| b.is_ascii_digit()) {
            "account"
        } else if name.parse::<IpAddr>().is_ok() {
            "ip"
        } else if name.starts_with("AKIA") || name.starts_with("ASIA") {
            "key"
        } else {
            "name"
        };
        let mut mac = self.0.clone();
        mac.update(name.as_bytes());
        let digest = mac.finalize().into_bytes();
        let mut said = format!("{kind}-");
        for byte in digest.iter().take(6) {
            // Writing to a String cannot fail.
            let _ = write!(said, "{byte:02x}");
        }
        said
    }
}

/// Whether a part of an ARN can be a partition, service or region.
fn is_of_aws(part: &str) -> bool {
    part.len() <= 24
        && part
            .bytes()
            .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pseudonyms(key: &str) -> Pseudonyms {
        Pseudonyms::new(key.as_bytes()).unwrap()
    }

    #[test]
    fn a_name_is_the_same_in_every_place_and_another_with_another_key() {
        let ours = pseudonyms("0123456789abcdef");
        let alice = ours.value("who", "alice");
        assert!(alice.starts_with("name-"), "{alice}");
        let account = ours.value("account_id", "111122223333");
        assert_eq!(
            ours.value("origin_id", "arn:aws:iam::111122223333:user/alice"),
            format!("arn:aws:iam::{account}:user/{alice}")
        );
        assert_eq!(
            ours.value("persona", "111122223333 user/alice"),
            format!("{account} user/{alice}")
        );
        assert_eq!(
            ours.value("roles", "111122223333 alice > 111122223333 alice"),
            format!("{account} {alice} > {account} {alice}")
        );
        assert_ne!(
            alice,
            pseudonyms("another key of ours").value("who", "alice")
        );
        assert!(Pseudonyms::new(b"short").is_none());
    }

    #[test]
    fn nothing_that_names_somebody_is_left() {
        let ours = pseudonyms("0123456789abcdef");
        for (column, text) in [
            ("origin_id", "arn:aws:iam::111122223333:user/team/alice"),
            ("who", "alice@example.com"),
            ("origin_id", "repo:alice/shop:ref:refs/heads/main"),
            ("source_ip_address", "203.0.113.10"),
            ("addresses", "203.0.113.10, 2001:db8::10"),
            ("access_key_id", "AKIAALICE0000EXAMPLE"),
            ("last_error_message", "User: alice is not authorized"),
            ("user_agent", "aws-cli alice 203.0.113.10"),
            ("was", r#"{"roles":"alice","n":1,"list":["alice"]}"#),
            ("role", "role/alice"),
            ("x", "alice.amazonaws.com"),
            ("x", "arn:alice:alice:alice:alice:alice"),
            ("x", "arn:aws:Alice:alice@:111122223333:alice"),
        ] {
            let said = ours.value(column, text);
            for name in ["alice", "203.0", "2001", "111122223333", "ALICE", "team"] {
                assert!(!said.contains(name), "{column}: {said}");
            }
        }
    }
}
