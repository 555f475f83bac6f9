//! Which origins are one person: IAM users, sign-on names, subjects of pipelines.
//!
//! ```toml
//! [[person]]
//! name = "Alice Example"
//! origins = ["arn:aws:iam::111122223333:user/alice", "alice@example.com", "repo:example/shop:ref:refs/heads/main"]
//! ```

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
    Column::required("person", ColumnType::Text, "the person's name"),
];

/// One person.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Person {
    /// How the person is called in answers.
    pub name: String,
    /// Their `origin_id`s, as `rolecall review` shows them.
    pub origins: Vec<String>,
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
    let mut owners: HashMap<&str, &str> = HashMap::new();
    for person in &file.person {
        for origin in &person.origins {
            // One row of an event must find one person.
            if let Some(other) = owners.insert(origin, &person.name) {
                return Err(DirectoryError::Twice {
                    path: path.to_owned(),
                    id: origin.clone(),
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
        let text = "[[person]]\nname = \"Alice\"\norigins = [\"a\", \"b\"]\n";
        let people = parse(Path::new("p.toml"), text).unwrap();
        assert_eq!(people[0].origins, ["a", "b"]);
        assert_eq!(parse(Path::new("p.toml"), "").unwrap(), []);
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
