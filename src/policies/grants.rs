//! Who is granted what: the users, groups and roles of accounts, with their policies.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::document::{Effect, Policy, Statement};
use super::evaluate::{Decision, decide};
use super::pattern::Fit;

/// Users or roles.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum PrincipalKind {
    /// An IAM user.
    User,
    /// A role.
    Role,
}

impl PrincipalKind {
    /// The word for it in answers.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Role => "role",
        }
    }
}

/// Where a policy of a principal stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PolicySource {
    /// In the principal itself, under this name.
    Inline(String),
    /// A managed policy, by its ARN.
    Managed(String),
    /// In a group of the user, under this name.
    GroupInline(String, String),
    /// A managed policy of a group of the user.
    GroupManaged(String, String),
    /// A file that holds one policy.
    File(String),
}

impl std::fmt::Display for PolicySource {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Inline(name) => write!(f, "inline {name}"),
            Self::Managed(arn) => f.write_str(arn),
            Self::GroupInline(group, name) => write!(f, "group {group}: inline {name}"),
            Self::GroupManaged(group, arn) => write!(f, "group {group}: {arn}"),
            Self::File(path) => f.write_str(path),
        }
    }
}

/// A policy where it stands.
#[derive(Debug, Clone)]
pub struct GrantedPolicy {
    /// Where it stands.
    pub source: PolicySource,
    /// What it says.
    pub policy: Arc<Policy>,
}

/// A user or role, and what it is granted.
#[derive(Debug, Clone)]
pub struct Principal {
    /// User or role.
    pub kind: PrincipalKind,
    /// Its ARN, path and all.
    pub arn: String,
    /// Its name without the path.
    pub name: String,
    /// `AROA…`, `AIDA…`.
    pub id: String,
    /// When it was made, as AWS writes it.
    pub created: Option<String>,
    /// Its policies, those of a user's groups included.
    pub policies: Vec<GrantedPolicy>,
    /// Its permissions boundary.
    pub boundary: Option<Arc<Policy>>,
    /// The ARN of its permissions boundary where the text of that is not there: what is granted may be less than its policies say.
    pub unknown_boundary: Option<String>,
    /// Policies that it has and whose text is not there, or cannot be read.
    pub unknown: Vec<String>,
    /// A role's trust policy.
    pub trust: Option<Arc<Policy>>,
    /// The instance profiles that hold a role, by name.
    pub instance_profiles: Vec<String>,
    /// When AWS saw a role used last, as AWS writes it.
    pub last_used: Option<String>,
}

impl Principal {
    /// What the principal's own policies and its boundary say of a request.
    pub fn decide(&self, action: &str, resource: &str) -> Decision {
        let own = self.policies.iter().map(|granted| granted.policy.as_ref());
        let own = decide(own, action, resource);
        match &self.boundary {
            Some(boundary) => own.and(decide([boundary.as_ref()], action, resource)),
            None => own,
        }
    }

    /// Every statement, with the policy in which it stands and its place there, from 1.
    pub fn statements(&self) -> impl Iterator<Item = (&GrantedPolicy, usize, &Statement)> {
        self.policies.iter().flat_map(|granted| {
            let statements = granted.policy.statements.iter().enumerate();
            statements.map(move |(at, statement)| (granted, at + 1, statement))
        })
    }

    /// Whether some statement allows the action on some resource, conditions aside.
    pub fn grants(&self, action: &str) -> Fit {
        let fits = self.statements().filter(|(_, _, statement)| {
            statement.effect == Effect::Allow && statement.fits_action(action)
        });
        let best = fits.map(|(_, _, statement)| {
            if statement.condition.is_empty() {
                Fit::Yes
            } else {
                Fit::Maybe
            }
        });
        best.max().unwrap_or(Fit::No)
    }

    /// When it was made, in microseconds since 1970, where the files say so.
    pub fn created_at(&self) -> Option<i64> {
        let time = chrono::DateTime::parse_from_rfc3339(self.created.as_deref()?).ok()?;
        Some(time.timestamp_micros())
    }

    /// The account, out of the ARN.
    pub fn account_id(&self) -> &str {
        self.arn.split(':').nth(4).unwrap_or_default()
    }

    /// Whether only AWS may change it.
    pub fn is_service_linked(&self) -> bool {
        self.arn.contains(":role/aws-service-role/")
    }

    /// The permission set that a role of Identity Center was made of: `AWSReservedSSO_NAME_0123456789abcdef`.
    pub fn permission_set(&self) -> Option<&str> {
        let (name, suffix) = self
            .name
            .strip_prefix("AWSReservedSSO_")?
            .rsplit_once('_')?;
        let is_hash = suffix.len() == 16 && suffix.bytes().all(|byte| byte.is_ascii_hexdigit());
        is_hash.then_some(name)
    }
}

/// What the files say.
#[derive(Debug, Clone, Default)]
pub struct Grants {
    /// Users and roles by ARN.
    pub principals: BTreeMap<String, Principal>,
    /// Policies of files of their own, which are somebody's whom the command names.
    pub loose: Vec<GrantedPolicy>,
    /// The rows of credential reports.
    pub credentials: Vec<super::credentials::Credentials>,
    /// What could not be read, in words.
    pub problems: Vec<String>,
}

impl Grants {
    /// The principals of that ARN or name.
    pub fn named(&self, name: &str) -> Vec<&Principal> {
        let all = self.principals.values();
        all.filter(|principal| principal.arn == name || principal.name == name)
            .collect()
    }
}
