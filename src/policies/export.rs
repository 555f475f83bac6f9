//! Reads `aws iam get-account-authorization-details`, as the command prints it or the API answers.
//!
//! Documents are objects there, or text, or percent-encoded text; pages may follow each other in one file. What cannot be read makes
//! the grants of those whom it concerns unknown, and is told.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::Deserialize;
use serde_json::Value;

use super::document::Policy;
use super::grants::{GrantedPolicy, Grants, PolicySource, Principal, PrincipalKind};

/// One answer of the API.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct Export {
    user_detail_list: Vec<Detail>,
    group_detail_list: Vec<Detail>,
    role_detail_list: Vec<Detail>,
    policies: Vec<ManagedPolicy>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct Detail {
    #[serde(alias = "RoleName", alias = "UserName", alias = "GroupName")]
    name: String,
    #[serde(alias = "RoleId", alias = "UserId", alias = "GroupId")]
    id: String,
    arn: String,
    create_date: Option<String>,
    assume_role_policy_document: Option<Value>,
    #[serde(
        alias = "RolePolicyList",
        alias = "UserPolicyList",
        alias = "GroupPolicyList"
    )]
    inline: Vec<InlinePolicy>,
    attached_managed_policies: Vec<Attached>,
    permissions_boundary: Option<Boundary>,
    group_list: Vec<String>,
    instance_profile_list: Vec<InstanceProfile>,
    role_last_used: Option<LastUsed>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct InlinePolicy {
    policy_name: String,
    policy_document: Value,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct Attached {
    policy_arn: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct Boundary {
    permissions_boundary_arn: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct InstanceProfile {
    instance_profile_name: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct LastUsed {
    last_used_date: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct ManagedPolicy {
    arn: String,
    default_version_id: String,
    policy_version_list: Vec<PolicyVersion>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct PolicyVersion {
    document: Value,
    version_id: String,
    is_default_version: bool,
}

impl Export {
    /// Whether the JSON object is such an answer.
    pub(super) fn is_one(value: &Value) -> bool {
        [
            "UserDetailList",
            "GroupDetailList",
            "RoleDetailList",
            "Policies",
        ]
        .iter()
        .any(|name| value.get(name).is_some())
    }
}

/// The texts of managed policies, which may stand in another file than those who have them.
type Managed = BTreeMap<String, Result<Arc<Policy>, String>>;

/// Puts the answers of all files together; each stands beside the name of its file.
pub(super) fn merge(exports: Vec<(String, Export)>, grants: &mut Grants) {
    let mut managed = Managed::new();
    for (file, export) in &exports {
        for policy in &export.policies {
            let read = read_managed(policy);
            if let Err(problem) = &read {
                grants.problems.push(format!(
                    "{file}: policy {}: {problem}: what it grants is unknown",
                    policy.arn
                ));
            }
            managed.insert(policy.arn.clone(), read);
        }
    }
    // Groups are named without their account, so that a file's groups are those of its accounts.
    let mut groups: BTreeMap<(String, String), Holder> = BTreeMap::new();
    for (file, export) in &exports {
        for group in &export.group_detail_list {
            let key = (account_of(&group.arn).to_owned(), group.name.clone());
            let mut holder = Holder::default();
            holder.take(
                file,
                group,
                &managed,
                Some(&group.name),
                &mut grants.problems,
            );
            groups.insert(key, holder);
        }
    }
    for (file, export) in exports {
        let users = export.user_detail_list.into_iter();
        let roles = export.role_detail_list.into_iter();
        let all = users
            .map(|user| (PrincipalKind::User, user))
            .chain(roles.map(|role| (PrincipalKind::Role, role)));
        for (kind, detail) in all {
            let principal =
                read_principal(&file, kind, detail, &managed, &groups, &mut grants.problems);
            grants.principals.insert(principal.arn.clone(), principal);
        }
    }
}

/// The policies of one user, role or group.
#[derive(Debug, Clone, Default)]
struct Holder {
    policies: Vec<GrantedPolicy>,
    unknown: Vec<String>,
}

impl Holder {
    fn take(
        &mut self,
        file: &str,
        detail: &Detail,
        managed: &Managed,
        group: Option<&String>,
        problems: &mut Vec<String>,
    ) {
        for inline in &detail.inline {
            let name = inline.policy_name.clone();
            match Policy::from_nested(&inline.policy_document) {
                Ok(policy) => self.policies.push(GrantedPolicy {
                    source: match group {
                        Some(group) => PolicySource::GroupInline(group.clone(), name),
                        None => PolicySource::Inline(name),
                    },
                    policy: Arc::new(policy),
                }),
                Err(error) => {
                    problems.push(format!(
                        "{file}: policy {name} of {}: {error}: what it grants is unknown",
                        detail.arn
                    ));
                    self.unknown.push(format!("inline {name}"));
                }
            }
        }
        for attached in &detail.attached_managed_policies {
            let arn = attached.policy_arn.clone();
            match managed.get(&arn) {
                Some(Ok(policy)) => self.policies.push(GrantedPolicy {
                    source: match group {
                        Some(group) => PolicySource::GroupManaged(group.clone(), arn),
                        None => PolicySource::Managed(arn),
                    },
                    policy: Arc::clone(policy),
                }),
                _ => self.unknown.push(arn),
            }
        }
    }
}

fn read_managed(policy: &ManagedPolicy) -> Result<Arc<Policy>, String> {
    let versions = &policy.policy_version_list;
    let used = versions
        .iter()
        .find(|version| {
            version.is_default_version || version.version_id == policy.default_version_id
        })
        .or_else(|| versions.first().filter(|_| versions.len() == 1))
        .ok_or("it has no default version")?;
    let document = Policy::from_nested(&used.document).map_err(|error| error.to_string())?;
    Ok(Arc::new(document))
}

fn read_principal(
    file: &str,
    kind: PrincipalKind,
    detail: Detail,
    managed: &Managed,
    groups: &BTreeMap<(String, String), Holder>,
    problems: &mut Vec<String>,
) -> Principal {
    let mut holder = Holder::default();
    holder.take(file, &detail, managed, None, problems);
    for name in &detail.group_list {
        match groups.get(&(account_of(&detail.arn).to_owned(), name.clone())) {
            Some(group) => {
                holder.policies.extend(group.policies.iter().cloned());
                holder.unknown.extend(group.unknown.iter().cloned());
            }
            None => holder.unknown.push(format!("group {name}")),
        }
    }
    let mut unknown_boundary = None;
    let boundary = detail.permissions_boundary.as_ref().and_then(|boundary| {
        let arn = Some(&boundary.permissions_boundary_arn).filter(|arn| !arn.is_empty())?;
        if let Some(Ok(policy)) = managed.get(arn) {
            return Some(Arc::clone(policy));
        }
        unknown_boundary = Some(arn.clone());
        None
    });
    let trust = detail
        .assume_role_policy_document
        .as_ref()
        .and_then(|document| {
            let read = Policy::from_nested(document);
            let read = read.map_err(|error| {
                problems.push(format!("{file}: trust policy of {}: {error}", detail.arn));
            });
            read.ok().map(Arc::new)
        });
    let profiles = detail.instance_profile_list.into_iter();
    Principal {
        kind,
        name: detail.name,
        id: detail.id,
        created: detail.create_date,
        policies: holder.policies,
        boundary,
        unknown_boundary,
        unknown: holder.unknown,
        trust,
        instance_profiles: profiles.map(|it| it.instance_profile_name).collect(),
        last_used: detail.role_last_used.and_then(|used| used.last_used_date),
        arn: detail.arn,
    }
}

fn account_of(arn: &str) -> &str {
    arn.split(':').nth(4).unwrap_or_default()
}
