//! Who came through the entries of trust policies.

use std::collections::BTreeMap;

use arrow::array::{Array as _, Int64Array, RecordBatch, StringArray};
use arrow::error::ArrowError;

use super::observed::{numbers, texts, times_of};
use crate::iam::Arn;
use crate::policies::{Effect, Principal};

/// Somebody who took a role, as `rightsize/comers` has it.
#[derive(Debug, Clone, Default)]
pub struct Comer {
    /// The API that handed out the credentials.
    pub issuing_api: Option<String>,
    /// The persona that asked.
    pub caller_arn: Option<String>,
    /// Its id.
    pub caller_id: Option<String>,
    /// Its account.
    pub caller_account_id: Option<String>,
    /// What the origin is.
    pub origin_kind: String,
    /// Who it is.
    pub origin_id: Option<String>,
    /// Who vouches for it.
    pub origin_provider: Option<String>,
    /// How many sessions.
    pub sessions: u64,
    /// The last, in microseconds since 1970.
    pub last: Option<i64>,
    /// For how many seconds the longest of them was asked for.
    pub longest_asked: Option<i64>,
    /// For how many seconds it was used.
    pub longest_used: Option<i64>,
}

/// Who took which role: role ARN → comers.
pub type Comers = BTreeMap<String, Vec<Comer>>;

/// Adds the rows of a batch of `rightsize/comers`.
pub fn take_comers(batch: &RecordBatch, comers: &mut Comers) -> Result<(), ArrowError> {
    let roles = texts(batch, "role_arn")?;
    let read = |name| texts(batch, name);
    let (apis, arns, ids) = (
        read("issuing_api")?,
        read("caller_arn")?,
        read("caller_id")?,
    );
    let (accounts, kinds) = (read("caller_account_id")?, read("origin_kind")?);
    let (origins, providers) = (read("origin_id")?, read("origin_provider")?);
    let sessions = numbers(batch, "sessions")?;
    let asked = numbers(batch, "longest_asked_seconds")?;
    let used = numbers(batch, "longest_used_seconds")?;
    let last = times_of(batch, "last_came_at")?;
    for (row, role) in roles.iter().enumerate() {
        let Some(role) = role else {
            continue;
        };
        let text =
            |column: &StringArray| column.is_valid(row).then(|| column.value(row).to_owned());
        let number = |column: &Int64Array| column.is_valid(row).then(|| column.value(row));
        comers.entry(role.to_owned()).or_default().push(Comer {
            issuing_api: text(&apis),
            caller_arn: text(&arns),
            caller_id: text(&ids),
            caller_account_id: text(&accounts),
            origin_kind: text(&kinds).unwrap_or_default(),
            origin_id: text(&origins),
            origin_provider: text(&providers),
            sessions: number(&sessions)
                .and_then(|count| u64::try_from(count).ok())
                .unwrap_or_default(),
            last: last.is_valid(row).then(|| last.value(row)),
            longest_asked: number(&asked),
            longest_used: number(&used),
        });
    }
    Ok(())
}

/// One principal that a trust policy lets in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TrustEntry {
    /// The number of the statement, from 1.
    pub statement: usize,
    /// `AWS`, `Service`, `Federated`, `CanonicalUser`.
    pub kind: String,
    /// Who.
    pub name: String,
    /// Whether the statement has conditions.
    pub is_conditional: bool,
}

/// The entries of a role's trust policy that let somebody in; those that all but somebody may pass are one entry, `*`.
pub fn trust_entries(role: &Principal) -> Vec<TrustEntry> {
    let Some(trust) = &role.trust else {
        return Vec::new();
    };
    let mut entries = Vec::new();
    for (at, statement) in trust.statements.iter().enumerate() {
        if statement.effect == Effect::Deny {
            continue;
        }
        let named = if statement.all_but_principals {
            vec![("AWS".to_owned(), "*".to_owned())]
        } else {
            statement.principals.clone()
        };
        entries.extend(named.into_iter().map(|(kind, name)| TrustEntry {
            statement: at + 1,
            kind,
            name,
            is_conditional: !statement.condition.is_empty(),
        }));
    }
    entries
}

impl TrustEntry {
    /// Whether the entry let this one in.
    pub fn lets_in(&self, comer: &Comer) -> bool {
        match self.kind.as_str() {
            "AWS" => self.is_caller(comer),
            "Service" => service_of(comer) == Some(self.name.as_str()),
            "Federated" => {
                let is_cognito = self.name == "cognito-identity.amazonaws.com"
                    && comer.origin_kind == "cognito_identity";
                // Identity Center signs in by a SAML provider of its own, which the logs of members do not name.
                let is_sign_on = comer.origin_kind == "identity_center_user"
                    && self.name.contains(":saml-provider/AWSSSO_");
                is_cognito
                    || is_sign_on
                    || comer.origin_provider.as_deref().is_some_and(|provider| {
                        provider == self.name || provider.ends_with(&format!("/{}", self.name))
                    })
            }
            _ => false,
        }
    }

    fn is_caller(&self, comer: &Comer) -> bool {
        let is_federated = matches!(
            comer.origin_kind.as_str(),
            "saml_user" | "web_identity" | "cognito_identity" | "identity_center_user"
        );
        let came_itself = comer.caller_arn.is_none();
        if came_itself && (is_federated || service_of(comer).is_some()) {
            return false;
        }
        if self.name == "*" {
            return true;
        }
        let account = comer.caller_account_id.as_deref();
        if comer.origin_kind == "external_account" && came_itself {
            let named = Arn::parse(&self.name).map_or(self.name.as_str(), |arn| arn.account_id);
            return comer.origin_id.as_deref() == Some(named);
        }
        match Arn::parse(&self.name) {
            None => {
                account == Some(self.name.as_str())
                    || comer.caller_id.as_deref() == Some(self.name.as_str())
            }
            Some(arn) if arn.resource == "root" => account == Some(arn.account_id),
            Some(arn) => {
                let role = arn
                    .resource
                    .strip_prefix("assumed-role/")
                    .and_then(|rest| rest.split('/').next());
                let caller = comer
                    .caller_arn
                    .as_deref()
                    .or(comer.origin_id.as_deref())
                    .unwrap_or_default();
                caller == self.name
                    || role.is_some_and(|role| {
                        account == Some(arn.account_id) && caller.ends_with(&format!("/{role}"))
                    })
            }
        }
    }
}

/// The service that took the role, by what the origin is.
fn service_of(comer: &Comer) -> Option<&str> {
    Some(match comer.origin_kind.as_str() {
        "aws_service" => comer.origin_id.as_deref()?,
        "ec2_instance" => "ec2.amazonaws.com",
        "lambda_function" => "lambda.amazonaws.com",
        "ecs_task" => "ecs-tasks.amazonaws.com",
        "eks_pod" => "pods.eks.amazonaws.com",
        "roles_anywhere" => "rolesanywhere.amazonaws.com",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(kind: &str, name: &str) -> TrustEntry {
        TrustEntry {
            statement: 1,
            kind: kind.to_owned(),
            name: name.to_owned(),
            is_conditional: false,
        }
    }

    #[test]
    fn an_entry_lets_in_whom_it_names() {
        let alice = Comer {
            caller_arn: Some("arn:aws:iam::111122223333:user/alice".to_owned()),
            caller_id: Some("AIDAALICE".to_owned()),
            caller_account_id: Some("111122223333".to_owned()),
            origin_kind: "iam_user".to_owned(),
            ..Comer::default()
        };
        for (name, lets) in [
            ("*", true),
            ("111122223333", true),
            ("arn:aws:iam::111122223333:root", true),
            ("arn:aws:iam::111122223333:user/alice", true),
            ("AIDAALICE", true),
            ("arn:aws:iam::111122223333:user/bob", false),
            ("444455556666", false),
        ] {
            assert_eq!(entry("AWS", name).lets_in(&alice), lets, "{name}");
        }
        assert!(!entry("Service", "ec2.amazonaws.com").lets_in(&alice));
        let hop = Comer {
            caller_arn: Some("arn:aws:iam::111122223333:role/x/Ops".to_owned()),
            ..alice
        };
        assert!(entry("AWS", "arn:aws:sts::111122223333:assumed-role/Ops/alice").lets_in(&hop));
    }

    #[test]
    fn services_and_providers_are_no_accounts() {
        let instance = Comer {
            origin_kind: "ec2_instance".to_owned(),
            caller_account_id: Some("111122223333".to_owned()),
            ..Comer::default()
        };
        assert!(entry("Service", "ec2.amazonaws.com").lets_in(&instance));
        assert!(!entry("AWS", "111122223333").lets_in(&instance));
        let pipeline = Comer {
            origin_kind: "web_identity".to_owned(),
            origin_provider: Some(
                "arn:aws:iam::1:oidc-provider/token.actions.githubusercontent.com".to_owned(),
            ),
            ..Comer::default()
        };
        assert!(
            entry(
                "Federated",
                "arn:aws:iam::1:oidc-provider/token.actions.githubusercontent.com"
            )
            .lets_in(&pipeline)
        );
        assert!(!entry("Federated", "arn:aws:iam::1:saml-provider/corp").lets_in(&pipeline));
        assert!(!entry("AWS", "*").lets_in(&pipeline));
        let frank = Comer {
            origin_kind: "identity_center_user".to_owned(),
            ..Comer::default()
        };
        assert!(
            entry(
                "Federated",
                "arn:aws:iam::1:saml-provider/AWSSSO_01_DO_NOT_DELETE"
            )
            .lets_in(&frank)
        );
        assert!(!entry("AWS", "*").lets_in(&frank));
        let vendor = Comer {
            origin_kind: "external_account".to_owned(),
            origin_id: Some("222233334444".to_owned()),
            ..Comer::default()
        };
        assert!(entry("AWS", "arn:aws:iam::222233334444:root").lets_in(&vendor));
        assert!(!entry("AWS", "arn:aws:iam::111122223333:root").lets_in(&vendor));
    }
}
