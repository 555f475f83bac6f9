//! The sections that scheduled reports can be put together from: each a question of one period, with what it means and what to do next.
//!
//! They ask what happened in the period, and not what came of it later, so that a report of an old day stays as it was
//! unless log files of that day came late.

mod sections;

pub use sections::BUILT_INS;

/// One section that is there to be named.
#[derive(Debug, Clone, Copy)]
pub struct BuiltIn {
    /// Its name.
    pub name: &'static str,
    /// The heading.
    pub title: &'static str,
    /// What the rows mean, and how they can mislead.
    pub about: &'static str,
    /// What it means that there are none.
    pub empty: &'static str,
    /// What there is to do about the rows.
    pub next: &'static str,
    /// Where the rows come from.
    pub source: BuiltInSource,
    /// The columns that are kept of the answer; none means all.
    pub columns: &'static [&'static str],
    /// The columns that people read in a row; none means all.
    pub for_people: &'static [&'static str],
    /// Whether its rows are what happened in the period, and not how things stand: such a section is held against an earlier run only where
    /// it is asked to be by itself.
    pub is_of_period: bool,
    /// The columns by which a row of one run is found again in another.
    pub key: &'static [&'static str],
    /// The columns whose change is worth telling.
    pub watch: &'static [&'static str],
}

/// Where the rows of a section come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BuiltInSource {
    /// A query, with values for some of its parameters besides `since` and `until`.
    Query(&'static str, &'static [(&'static str, &'static str)]),
    /// What is granted and nobody used, up to the end of the period; needs `grants`.
    Unused(UnusedPart),
    /// What roles used of what is granted, up to the end of the period; needs `grants`.
    Rightsizing,
}

/// One part of what nobody used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UnusedPart {
    /// Roles and users without a call.
    Principals,
    /// Entries of trust policies that nobody came through.
    Trust,
    /// Access keys that are unused or old.
    Keys,
    /// Console passwords that are unused or without a second factor.
    Passwords,
}

/// Names that stand for several sections.
pub const GROUPS: &[(&str, &[&str])] = &[
    (
        "account_review",
        &[
            "coverage",
            "origins",
            "switches",
            "chains",
            "root",
            "break_glass",
            "third_parties",
            "addresses",
            "made",
            "denials",
            "last_used",
            "unresolved",
            "rejected",
        ],
    ),
    (
        "new",
        &[
            "new_pairs",
            "new_roles",
            "new_addresses",
            "new_countries",
            "new_user_agents",
            "new_paths",
            "new_third_parties",
        ],
    ),
    ("privileged", &["privileged_roles", "break_glass", "made"]),
    (
        "unused",
        &[
            "unused_principals",
            "unused_trust",
            "unused_keys",
            "unused_passwords",
        ],
    ),
    ("limits", &["coverage", "unresolved", "rejected"]),
];

/// The sections that a name stands for: one, those of a group, or none where nothing is called so.
pub fn built_ins(name: &str) -> Vec<&'static BuiltIn> {
    let one = |name: &str| BUILT_INS.iter().find(|section| section.name == name);
    match GROUPS.iter().find(|(group, _)| *group == name) {
        Some((_, members)) => members.iter().filter_map(|member| one(member)).collect(),
        None => one(name).into_iter().collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn groups_name_sections_and_no_name_stands_twice() {
        for (group, members) in GROUPS {
            assert_eq!(built_ins(group).len(), members.len(), "{group}");
        }
        let names: HashSet<&str> = BUILT_INS
            .iter()
            .map(|section| section.name)
            .chain(GROUPS.iter().map(|(group, _)| *group))
            .collect();
        assert_eq!(names.len(), BUILT_INS.len() + GROUPS.len());
    }
}
