//! IAM Identity Center: its roles, its users' names, and the credentials it gives for a role.
//!
//! Its log tells the user's id and, for a credential, account and permission set; the account's log tells the
//! role and, as session name, the user's name. Source: IAM Identity Center User Guide, "`CloudTrail` use cases
//! for IAM Identity Center"; measured that both logs agree to the second.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::columns::Issues;
use super::issuance::{Issuances, IssuingApi};
use super::told::NamedUser;
use crate::iam::Arn;

/// Roles that only Identity Center can hand out; their session name is the user's name.
const ROLE_PREFIX: &str = "AWSReservedSSO_";

/// The permission set of a role that only Identity Center can hand out.
///
/// `AWSReservedSSO_Admin_0123456789abcdef` gives `Admin`. The path of such a role differs by region and is not looked at.
pub(super) fn permission_set_of(role_name: &str) -> Option<&str> {
    let rest = role_name.strip_prefix(ROLE_PREFIX)?;
    Some(rest.rsplit_once('_').map_or(rest, |(set, _)| set))
}

/// Whether a role's ARN is that of a role of Identity Center.
pub(super) fn is_reserved_role(role_arn: &str) -> bool {
    Arn::parse(role_arn).is_some_and(|arn| {
        let name = arn.resource.rsplit('/').next();
        name.is_some_and(|name| name.starts_with(ROLE_PREFIX)) && has_reserved_path(role_arn)
    })
}

/// Whether a role that is named like one of Identity Center's has their path too, which nobody else can make. Shared logs may
/// have lost paths; a role with any other path is another's.
pub(super) fn has_reserved_path(role_arn: &str) -> bool {
    let path = Arn::parse(role_arn).and_then(|arn| arn.resource.strip_prefix("role/"));
    path.is_none_or(|path| {
        !path.contains('/') || path.starts_with("aws-reserved/sso.amazonaws.com/")
    })
}

/// Who goes by which name, where that is not in doubt.
#[derive(Debug, Default)]
pub(super) struct Users {
    names: HashMap<(String, String), BTreeSet<String>>,
    stores: HashMap<String, BTreeSet<String>>,
    /// (Account, permission set, second) → who took the role then, by name.
    takers: HashMap<(String, String, i64), BTreeSet<String>>,
}

impl Users {
    /// From what sign-ins and role sessions show, and from credentials that only one user got in more seconds than one.
    ///
    /// Two records that only meet in a second never speak against a record that shows both, name and id.
    pub(super) fn new(named: &[NamedUser], issuances: &Issuances<'_>) -> Self {
        Self::of_calls(named, issuances, |_| true)
    }

    /// The same from some of the calls.
    pub(super) fn of_calls(
        named: &[NamedUser],
        issuances: &Issuances<'_>,
        counts: impl Fn(usize) -> bool,
    ) -> Self {
        let mut users = Self::default();
        for user in named {
            users.add(&user.identity_store_arn, &user.user_id, &user.user_name);
        }
        let (met, takers) = met_in_a_second(issuances, counts);
        users.takers = takers;
        let is_new = |(store, user_id, name): &(String, String, String)| {
            let user = (store.clone(), user_id.clone());
            !users.names.contains_key(&user) && !users.stores.contains_key(name)
        };
        let mut times: BTreeMap<(String, String, String), usize> = BTreeMap::new();
        for user in met.into_iter().filter(is_new) {
            *times.entry(user).or_default() += 1;
        }
        // Once may be chance: somebody else's record of the same second is missing.
        let often = times.into_iter().filter(|(_, times)| *times > 1);
        for ((store, user_id, name), _) in often {
            users.add(&store, &user_id, &name);
        }
        users
    }

    /// Whether nothing says that this user goes by another name.
    pub(super) fn may_be(&self, store: &str, user_id: &str, name: &str) -> bool {
        let names = self.names.get(&(store.to_owned(), user_id.to_owned()));
        names.is_none_or(|names| names.contains(name))
    }

    /// Whether only one name took the role of this permission set in this second.
    pub(super) fn is_alone(&self, account: &str, set: &str, second: i64) -> bool {
        let at = (account.to_owned(), set.to_owned(), second);
        self.takers.get(&at).is_none_or(|names| names.len() < 2)
    }

    fn add(&mut self, store: &str, user_id: &str, name: &str) {
        let user = (store.to_owned(), user_id.to_owned());
        self.names.entry(user).or_default().insert(name.to_owned());
        if !store.is_empty() {
            let stores = self.stores.entry(name.to_owned()).or_default();
            stores.insert(store.to_owned());
        }
    }

    /// Users, by id, and names of which something else is known here than there.
    pub(super) fn differences<'u>(
        &'u self,
        other: &'u Self,
    ) -> (BTreeSet<&'u str>, BTreeSet<&'u str>) {
        let differ = |user: &(String, String)| self.names.get(user) != other.names.get(user);
        let users = self
            .names
            .keys()
            .chain(other.names.keys())
            .filter(|user| differ(user));
        let mut ids: BTreeSet<&str> = users.map(|(_, id)| id.as_str()).collect();
        let names = self.stores.keys().chain(other.stores.keys());
        let names = names.filter(|name| self.stores.get(*name) != other.stores.get(*name));
        let names: BTreeSet<&str> = names.map(String::as_str).collect();
        // Whoever is known by id is looked up by name next.
        for ((_, id), known) in self.names.iter().chain(&other.names) {
            if known.iter().any(|name| names.contains(name.as_str())) {
                ids.insert(id);
            }
        }
        (ids, names)
    }

    /// The one name that a user was seen with.
    pub(super) fn name_of(&self, store: &str, user_id: &str) -> Option<&str> {
        only(self.names.get(&(store.to_owned(), user_id.to_owned()))?)
    }

    /// The one identity store in which a name was seen.
    pub(super) fn store_of(&self, name: &str) -> Option<&str> {
        only(self.stores.get(name)?)
    }
}

fn only(texts: &BTreeSet<String>) -> Option<&str> {
    let first = texts.first().filter(|_| texts.len() == 1);
    first.map(String::as_str)
}

type Second = (String, String, i64);
type Met = Vec<(String, String, String)>;

/// Store, user id and name, where one user got the one credential for a role in a second, and one name took the role;
/// and who took which role when.
fn met_in_a_second(
    issuances: &Issuances<'_>,
    counts: impl Fn(usize) -> bool,
) -> (Met, HashMap<Second, BTreeSet<String>>) {
    let issues = issuances.issues;
    let mut grants: BTreeMap<Second, BTreeSet<(String, String)>> = BTreeMap::new();
    let mut takers: HashMap<Second, BTreeSet<String>> = HashMap::new();
    let calls = issuances.issued.iter().enumerate();
    for (row, made) in calls.filter(|(row, _)| counts(*row)) {
        let (Some(account), Some((role, name)), Some(second)) =
            (made.account_id, made.role_session, issuances.second_of(row))
        else {
            continue;
        };
        if made.api == IssuingApi::Grant {
            let at = (account.to_owned(), role.to_owned(), second);
            grants.entry(at).or_default().extend(user_of(issues, row));
        } else if issues.event_name.get(row) == Some("AssumeRoleWithSAML")
            && let Some(set) = permission_set_of(role)
        {
            let at = (account.to_owned(), set.to_owned(), second);
            takers.entry(at).or_default().insert(name.to_owned());
        }
    }
    let met = grants.into_iter().filter_map(|(at, users)| {
        let (1, Some((store, user))) = (users.len(), users.into_iter().next()) else {
            return None;
        };
        Some((store, user, only(takers.get(&at)?)?.to_owned()))
    });
    (met.collect(), takers)
}

/// The identity store and the user that a call of Identity Center was made for.
pub(super) fn user_of(issues: &Issues, row: usize) -> Option<(String, String)> {
    let store = issues.caller_on_behalf_of_identity_store_arn.get(row);
    let user = issues.caller_on_behalf_of_user_id.get(row)?;
    Some((store.unwrap_or_default().to_owned(), user.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reserved_role_tells_its_permission_set() {
        let set = permission_set_of("AWSReservedSSO_Power_User_0123456789abcdef");
        assert_eq!(set, Some("Power_User"));
        assert_eq!(permission_set_of("Admin"), None);
        assert!(is_reserved_role(
            "arn:aws:iam::1:role/aws-reserved/sso.amazonaws.com/AWSReservedSSO_A_1"
        ));
    }

    #[test]
    fn a_name_in_two_stores_tells_neither() {
        let mut users = Users::default();
        users.add("store-1", "u-1", "carol");
        assert_eq!(users.store_of("carol"), Some("store-1"));
        assert_eq!(users.name_of("store-1", "u-1"), Some("carol"));
        users.add("store-2", "u-1", "carol");
        assert_eq!(users.store_of("carol"), None);
        users.add("store-1", "u-1", "caroline");
        assert_eq!(users.name_of("store-1", "u-1"), None);
    }
}
