//! What the user knows and the logs do not: the names of their accounts, who is one person, where addresses are.
//! In: three files. Out: two small tables, and a function.
//! Why: `111122223333` is `shop-prod`, and alice's key, her sign-on and her pipeline are one person.
//! Holds: nothing here changes an attribution; names only stand beside what the logs prove.  Next: `views`.

mod accounts;
mod countries;
mod people;

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use arrow::array::RecordBatch;
use arrow::error::ArrowError;

pub use accounts::{ACCOUNTS, Account};
pub use countries::{Countries, country_of};
pub use people::{OriginEntry, PEOPLE, Person};

use crate::lake::RowBuilder;

/// What can be wrong with a file of accounts or people.
#[derive(Debug, thiserror::Error)]
pub enum DirectoryError {
    /// The file cannot be read.
    #[error("cannot read `{}`", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// The file is not what it should be.
    #[error("`{}` is no list of accounts", path.display())]
    Accounts {
        /// The file.
        path: PathBuf,
        /// Where the parser stopped, and why.
        #[source]
        source: serde_json::Error,
    },
    /// The file is not what it should be.
    #[error("`{}` is no list of people", path.display())]
    People {
        /// The file.
        path: PathBuf,
        /// Where the parser stopped, and why.
        #[source]
        source: toml::de::Error,
    },
    /// The file is not what it should be.
    #[error("`{}` is no MaxMind file", path.display())]
    Countries {
        /// The file.
        path: PathBuf,
        /// What the reader said.
        #[source]
        source: maxminddb::MaxMindDbError,
    },
    /// The file names nobody.
    #[error("`{}` holds nothing", .0.display())]
    Empty(PathBuf),
    /// One name is given to two.
    #[error("`{}`: `{id}` belongs to `{one}` and to `{other}`", path.display())]
    Twice {
        /// The file.
        path: PathBuf,
        /// The id that stands twice.
        id: String,
        /// The first owner.
        one: String,
        /// The second owner.
        other: String,
    },
    /// The tables could not be made.
    #[error("cannot make a table of names")]
    Arrow(#[from] ArrowError),
}

impl DirectoryError {
    /// What the user can do about it.
    pub fn hints(&self) -> Vec<String> {
        let hint = match self {
            Self::Accounts { .. } => {
                "it should be what `aws organizations list-accounts` prints: {\"Accounts\":[{\"Id\":\"111122223333\",\"Name\":\"shop\"}]}"
            }
            Self::People { .. } => {
                "it should be TOML: [[person]] name = \"Alice\" origins = [\"arn:aws:iam::111122223333:user/alice\", \"alice@example.com\"]"
            }
            Self::Countries { .. } => {
                "it should be a file of countries or cities in MaxMind's form, GeoLite2-Country.mmdb"
            }
            Self::Twice { .. } => "name it once",
            Self::Empty(_) => "leave the flag out, or give a file with names in it",
            Self::Read { .. } => "name a file that is there, in UTF-8 and not packed",
            Self::Arrow(_) => return Vec::new(),
        };
        vec![hint.to_owned()]
    }
}

/// Names for accounts and people; empty where no file was given.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Directory {
    /// The accounts of the organization.
    pub accounts: Vec<Account>,
    /// The people, each with their origins.
    pub people: Vec<Person>,
    /// The countries of addresses.
    pub countries: Option<Countries>,
}

impl Directory {
    /// Reads the files that were named.
    pub fn read(
        accounts: Option<&Path>,
        people: Option<&Path>,
        countries: Option<&Path>,
    ) -> Result<Self, DirectoryError> {
        let text = |path: &Path| {
            fs::read_to_string(path).map_err(|source| DirectoryError::Read {
                path: path.to_owned(),
                source,
            })
        };
        let accounts = match accounts {
            Some(path) => accounts::parse(path, &text(path)?)?,
            None => Vec::new(),
        };
        let people = match people {
            Some(path) => people::parse(path, &text(path)?)?,
            None => Vec::new(),
        };
        Ok(Self {
            accounts,
            people,
            countries: countries.map(Countries::read).transpose()?,
        })
    }

    /// The rows of the table `accounts`.
    pub fn account_rows(&self) -> Result<RecordBatch, ArrowError> {
        let mut rows = RowBuilder::new(ACCOUNTS);
        for account in &self.accounts {
            rows.row()
                .text("account_id", Some(&account.id))
                .text("account_name", account.name.as_ref())
                .text("email", account.email.as_ref())
                .text("status", account.status.as_ref());
        }
        rows.take()
    }

    /// The rows of the table `people`, one for each origin of each person.
    pub fn people_rows(&self) -> Result<RecordBatch, ArrowError> {
        let mut rows = RowBuilder::new(PEOPLE);
        for person in &self.people {
            for origin in &person.origins {
                let (id, provider) = origin.parts();
                rows.row()
                    .text("person_origin_id", Some(id))
                    .text("person_origin_provider", provider)
                    .text("person", Some(&person.name));
            }
        }
        rows.take()
    }
}
