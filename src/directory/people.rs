//! Which origins are one person: IAM users, sign-on names, subjects of pipelines.
//!
//! ```toml
//! [[person]]
//! name = "Alice Example"
//! origins = [
//!     "arn:aws:iam::111122223333:user/alice",
//!     { id = "repo:example/shop:ref:refs/heads/main", provider = "arn:aws:iam::111122223333:oidc-provider/…" },
//! ]
//! ```
//!
//! What an identity provider vouches for is one person only together with the provider: whoever can add another
//! provider could else act under anybody's name.

use std::collections::HashMap;
use std::path::Path;

use serde::Deserialize;

use super::DirectoryError;
use crate::lake::{Column, ColumnType};

/// The columns of the table `people`.
pub const PEOPLE: &[Column] = &[
    Column::required(
        "person_origin_id",
        ColumnType::Text,
        "one `origin_id` of the person",
    ),
    Column::new(
        "person_origin_provider",
        ColumnType::Text,
        "the `origin_provider` that vouches for it; null for identities without one",
    ),
    Column::required("person", ColumnType::Text, "the person's name"),
];

/// One person.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Person {
    /// How the person is called in answers.
    pub name: String,
    /// Who they are in the logs.
    pub origins: Vec<OriginEntry>,
}

/// One origin: an id alone, or with the provider that vouches for it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(untagged)]
pub enum OriginEntry {
    /// An `origin_id` for which no provider vouches: an IAM user, an Identity Center user.
    Id(String),
    /// An `origin_id` and its `origin_provider`.
    Vouched {
        /// The `origin_id`.
        id: String,
        /// The `origin_provider`.
        provider: String,
    },
}

impl OriginEntry {
    /// Its `origin_id` and `origin_provider`.
    pub fn parts(&self) -> (&str, Option<&str>) {
        match self {
            Self::Id(id) => (id, None),
            Self::Vouched { id, provider } => (id, Some(provider)),
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    person: Vec<Person>,
}

pub(super) fn parse(path: &Path, text: &str) -> Result<Vec<Person>, DirectoryError> {
    let file: File = toml::from_str(text).map_err(|source| DirectoryError::People {
        path: path.to_owned(),
        source,
    })?;
    if file.person.is_empty() {
        return Err(DirectoryError::Empty(path.to_owned()));
    }
    let mut owners: HashMap<(&str, Option<&str>), &str> = HashMap::new();
    for person in &file.person {
        for origin in &person.origins {
            // One row of an event must find one person.
            if let Some(other) = owners.insert(origin.parts(), &person.name) {
                return Err(DirectoryError::Twice {
                    path: path.to_owned(),
                    id: origin.parts().0.to_owned(),
                    one: other.to_owned(),
                    other: person.name.clone(),
                });
            }
        }
    }
    Ok(file.person)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn people_have_names_and_origins() {
        let text =
            "[[person]]\nname = \"Alice\"\norigins = [\"a\", { id = \"b\", provider = \"p\" }]\n";
        let people = parse(Path::new("p.toml"), text).unwrap();
        let parts: Vec<_> = people[0].origins.iter().map(OriginEntry::parts).collect();
        assert_eq!(parts, [("a", None), ("b", Some("p"))]);
        assert!(
            parse(Path::new("p.toml"), "").is_err(),
            "an empty file is a mistake"
        );
    }

    #[test]
    fn mistakes_are_named_with_their_line() {
        let wrong = parse(Path::new("p.toml"), "[[person]]\nnam = \"Alice\"\n").unwrap_err();
        let DirectoryError::People { source, .. } = wrong else {
            panic!("{wrong}");
        };
        assert!(source.to_string().contains("line 2"), "{source}");
        let text =
            "[[person]]\nname=\"A\"\norigins=[\"x\"]\n[[person]]\nname=\"B\"\norigins=[\"x\"]\n";
        let twice = parse(Path::new("p.toml"), text).unwrap_err();
        assert_eq!(twice.to_string(), "`p.toml`: `x` belongs to `A` and to `B`");
    }
}
