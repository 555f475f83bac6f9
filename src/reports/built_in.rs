//! The sections that scheduled reports can be put together from: each a question of one period, with what it means and what to do next.
//!
//! They ask what happened in the period, and not what came of it later, so that a report of an old day stays as it was
//! unless log files of that day came late.

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

/// The sections, in the order in which they are told.
pub const BUILT_INS: &[BuiltIn] = &[
    BuiltIn {
        name: "coverage",
        title: "Coverage",
        about: "Where the logs spoke in this period. `events_before` are those of the seven days before: an account or region that has some, and no `events`, fell silent.",
        empty: "No events, in this period or the week before.",
        next: "look for the trail of whatever fell silent, and for log files that are still to come.",
        source: BuiltInSource::Query("report/coverage", &[]),
        columns: &[],
        for_people: &[
            "account_id",
            "account_name",
            "aws_region",
            "events",
            "events_before",
            "hours_with_events",
        ],
        key: &["account_id", "aws_region"],
        watch: &[],
    },
    BuiltIn {
        name: "origins",
        title: "Who acted, and in which roles",
        about: "Every person and workload at the start of a chain, and the roles they wore like hats in this period.",
        empty: "Nobody.",
        next: "`rolecall timeline --principal WHO` shows all that one of them did.",
        source: BuiltInSource::Query("report/origins", &[]),
        columns: &[],
        for_people: &[
            "who", "kind", "account", "roles", "events", "denied", "last_at",
        ],
        key: &[
            "origin_kind",
            "origin_id",
            "origin_account_id",
            "origin_provider",
        ],
        watch: &["roles"],
    },
    BuiltIn {
        name: "switches",
        title: "Persona switches",
        about: "When somebody took another role, or went back to an earlier one.",
        empty: "No switch was seen.",
        next: "compare with what the person's task was; `rolecall who SESSION` shows the proof.",
        source: BuiltInSource::Query("switches/list", &[]),
        columns: &[
            "switched_at",
            "person",
            "origin_kind",
            "origin_id",
            "origin_account_id",
            "from_persona_arn",
            "to_persona_arn",
            "kind",
            "issuing_api",
            "hop_count",
            "is_cross_account",
            "is_chained",
            "confidence",
            "evidence_event_id",
            "to_session_id",
            "who",
            "from_persona",
            "to_persona",
        ],
        for_people: &[
            "switched_at",
            "who",
            "from_persona",
            "to_persona",
            "kind",
            "confidence",
        ],
        key: &[
            "origin_kind",
            "origin_id",
            "origin_account_id",
            "from_persona_arn",
            "to_persona_arn",
        ],
        watch: &[],
    },
    BuiltIn {
        name: "chains",
        title: "Chains over more than one role",
        about: "Sessions that were opened through other roles. The log of the last call names only the last role.",
        empty: "No role was seen to be reached through another.",
        next: "a chain that no runbook knows is a way around somebody's trust policy.",
        source: BuiltInSource::Query("report/chains", &[]),
        columns: &[],
        for_people: &["created_at", "who", "roles", "confidence"],
        key: &["origin_kind", "origin_id", "chain"],
        watch: &[],
    },
    BuiltIn {
        name: "privileged_roles",
        title: "Privileged roles",
        about: "Use of roles that are called administrator, power user or the like. A name promises nothing of what a role may do.",
        empty: "No use of a role with such a name was seen.",
        next: "ask whether the task needed it; `rolecall rightsize --role ROLE` proposes a smaller one.",
        source: BuiltInSource::Query(
            "report/role_use",
            &[(
                "pattern",
                "admin|power-?user|super-?user|organizationaccountaccess|controltowerexecution|full-?access|(^|[/_-])(root|owner)",
            )],
        ),
        columns: &[],
        for_people: &[
            "first_at",
            "who",
            "persona",
            "events",
            "writes",
            "denied",
            "example_ip",
        ],
        key: &["origin_kind", "origin_id", "persona_arn"],
        watch: &[],
    },
    BuiltIn {
        name: "break_glass",
        title: "Break-glass roles",
        about: "Use of roles that are called so: break-glass, emergency, fire-call.",
        empty: "No use of a role with such a name was seen.",
        next: "compare with your tickets.",
        source: BuiltInSource::Query(
            "report/role_use",
            &[("pattern", "break[-_]?glass|emergency|fire[-_]?call")],
        ),
        columns: &[],
        for_people: &[
            "first_at",
            "who",
            "persona",
            "events",
            "writes",
            "denied",
            "example_ip",
        ],
        key: &["origin_kind", "origin_id", "persona_arn"],
        watch: &[],
    },
    BuiltIn {
        name: "root",
        title: "Root",
        about: "Calls of root users, and under AssumeRoot. Root can do everything in its account.",
        empty: "No call as root was seen.",
        next: "find the reason for each call; daily work needs none.",
        source: BuiltInSource::Query("review/root", &[]),
        columns: &[],
        for_people: &[
            "first_at",
            "account_id",
            "event_name",
            "calls",
            "errors",
            "example_ip",
        ],
        key: &[
            "account_id",
            "event_source",
            "event_name",
            "origin_kind",
            "origin_id",
        ],
        watch: &[],
    },
    BuiltIn {
        name: "sign_ins_without_mfa",
        title: "Sign-ins without MFA",
        about: "IAM users and root who came into the console with a password alone. For single sign-on the provider checks the second factor, and the record does not tell.",
        empty: "Every sign-in of an IAM user or root had a second factor.",
        next: "give the user a second factor, or take the password away.",
        source: BuiltInSource::Query("hygiene/console_without_mfa", &[]),
        columns: &[],
        for_people: &[
            "event_time",
            "who",
            "account_id",
            "source_ip_address",
            "user_agent",
        ],
        key: &["origin_kind", "origin_id", "account_id"],
        watch: &[],
    },
    BuiltIn {
        name: "long_term_keys",
        title: "Long-term keys in use",
        about: "Access keys that do not expire, and who used them. `age_days` is known where the logs show the key being made.",
        empty: "No key of a user was used.",
        next: "let the program take a role instead, and make the key inactive.",
        source: BuiltInSource::Query("hygiene/long_term_keys", &[]),
        columns: &[],
        for_people: &[
            "access_key_id",
            "who",
            "age_days",
            "events",
            "addresses",
            "last_used_at",
        ],
        key: &["access_key_id"],
        watch: &["origin_id"],
    },
    BuiltIn {
        name: "juggling",
        title: "Chains that keep themselves alive",
        about: "Sessions for which a role was taken again by itself or in a circle, or whose chain is older than any of its credentials can be.",
        empty: "No such session was opened.",
        next: "revoke the sessions of every role in the circle; deleting the first user ends nothing.",
        source: BuiltInSource::Query("report/juggling", &[]),
        columns: &[],
        for_people: &[
            "created_at",
            "who",
            "hop_count",
            "chain_age_hours",
            "roles",
            "confidence",
        ],
        key: &["origin_kind", "origin_id", "roles"],
        watch: &[],
    },
    BuiltIn {
        name: "third_parties",
        title: "Third parties",
        about: "Callers from accounts that are not in these logs: partners, or accounts of yours that were not collected.",
        empty: "No caller from another account was seen.",
        next: "name your accounts with `accounts`, and collect the logs of your own.",
        source: BuiltInSource::Query("report/third_parties", &[]),
        columns: &[],
        for_people: &[
            "account_id",
            "whose",
            "persona",
            "sessions",
            "events",
            "last_at",
        ],
        key: &["account_id", "principal_id", "persona_arn"],
        watch: &["whose"],
    },
    BuiltIn {
        name: "addresses",
        title: "One session, several addresses",
        about: "Temporary credentials that were used from more than one address in this period. A laptop that changes networks looks the same as a thief.",
        empty: "No session was used from two addresses.",
        next: "ask the person about the second address; `rolecall who SESSION-ID` shows which came when.",
        source: BuiltInSource::Query("review/addresses", &[]),
        columns: &[],
        for_people: &[
            "first_at",
            "who",
            "persona",
            "addresses",
            "events",
            "session_id",
        ],
        key: &["session_id"],
        watch: &["addresses"],
    },
    BuiltIn {
        name: "made",
        title: "Users, roles, keys and passwords that were made",
        about: "How somebody stays who should be gone: new users, keys for others, new passwords, roles opened to others.",
        empty: "Nothing of the kind was seen.",
        next: "check each with its maker; `rolecall who KEY --descendants` shows what a key was used for.",
        source: BuiltInSource::Query("review/made", &[]),
        columns: &[],
        for_people: &[
            "event_time",
            "who",
            "persona",
            "event_name",
            "made",
            "for_whom",
        ],
        key: &["event_id"],
        watch: &[],
    },
    BuiltIn {
        name: "denials",
        title: "Denials",
        about: "What was refused, to whom, and by which kind of policy, as far as the message says.",
        empty: "No refusal was seen.",
        next: "a permission that is missing, or somebody who tries doors; `what_to_change` tells which policy to look at.",
        source: BuiltInSource::Query("denied/list", &[]),
        columns: &[],
        for_people: &[
            "who",
            "persona",
            "permission",
            "denied_count",
            "refused_by",
            "last_denied_at",
            "what_to_change",
        ],
        key: &[
            "persona_arn",
            "origin_kind",
            "origin_id",
            "origin_account_id",
            "permission",
            "account_id",
            "outcome",
            "refused_by",
        ],
        watch: &[],
    },
    BuiltIn {
        name: "last_used",
        title: "Permissions used, by role and person",
        about: "Allowed calls of this period. What was never logged (data events, as a rule) does not show here.",
        empty: "No use of a role was seen.",
        next: "`rolecall permissions --role ROLE` shows all of one role.",
        source: BuiltInSource::Query("report/last_used", &[]),
        columns: &[],
        for_people: &["persona", "who", "iam_action", "used", "last_used_at"],
        key: &[
            "persona_arn",
            "origin_kind",
            "origin_id",
            "origin_account_id",
            "origin_provider",
            "iam_action",
        ],
        watch: &[],
    },
    BuiltIn {
        name: "rightsizing",
        title: "Granted and used",
        about: "Of how many actions that a role is granted the logs show a use, up to the end of the period. `open` are those of which no log can tell.",
        empty: "No role of the files of `grants` was looked at.",
        next: "`rolecall rightsize --role ROLE --grants FILE` writes the policy that is enough.",
        source: BuiltInSource::Rightsizing,
        columns: &[],
        for_people: &[],
        key: &["role_arn"],
        watch: &["granted", "used"],
    },
    BuiltIn {
        name: "unused_principals",
        title: "Roles and users without a call",
        about: "No call of theirs up to the end of the period is in the lake. One that was made lately, or that is there for emergencies, may be meant.",
        empty: "Every role and user of the files of `grants` acted.",
        next: "ask whoever made it; take its policies away before you delete it.",
        source: BuiltInSource::Unused(UnusedPart::Principals),
        columns: &[],
        for_people: &[],
        key: &["principal_arn"],
        watch: &[],
    },
    BuiltIn {
        name: "unused_trust",
        title: "Trust entries that nobody came through",
        about: "Principals that a trust policy lets in, and who never took the role.",
        empty: "Somebody came through every entry of the files of `grants`.",
        next: "take the entry out of the trust policy.",
        source: BuiltInSource::Unused(UnusedPart::Trust),
        columns: &[],
        for_people: &["role_arn", "principal_kind", "principal", "is_conditional"],
        key: &["role_arn", "statement", "principal_kind", "principal"],
        watch: &[],
    },
    BuiltIn {
        name: "unused_keys",
        title: "Access keys",
        about: "Keys that can be used and are unused or old, by the credential report.",
        empty: "No key is unused or old, or no credential report is among `grants`.",
        next: "make a key inactive before you delete it; roles need no keys.",
        source: BuiltInSource::Unused(UnusedPart::Keys),
        columns: &[],
        for_people: &[],
        key: &["user_arn", "key_number", "finding"],
        watch: &[],
    },
    BuiltIn {
        name: "unused_passwords",
        title: "Console passwords",
        about: "Passwords without a second factor, and passwords that nobody uses, by the credential report.",
        empty: "Every password has a second factor and is used, or no credential report is among `grants`.",
        next: "give the user a second factor, or take the password away.",
        source: BuiltInSource::Unused(UnusedPart::Passwords),
        columns: &[],
        for_people: &[],
        key: &["user_arn", "finding"],
        watch: &[],
    },
    BuiltIn {
        name: "new_pairs",
        title: "New: people and workloads in a role",
        about: "Who took a role for the first time since this lake begins.",
        empty: "Nobody took a role that they had not taken before.",
        next: "ask who let them in; the role's trust policy or a group did.",
        source: BuiltInSource::Query("report/new_pairs", &[]),
        columns: &[],
        for_people: &[
            "first_at",
            "who",
            "persona",
            "issuing_api",
            "source_ip_address",
            "confidence",
        ],
        key: &["origin_kind", "origin_id", "persona_arn"],
        watch: &[],
    },
    BuiltIn {
        name: "new_roles",
        title: "New: roles",
        about: "Roles that nobody had taken before.",
        empty: "No role was taken for the first time.",
        next: "find out who made it, and what it may do.",
        source: BuiltInSource::Query("report/new_roles", &[]),
        columns: &[],
        for_people: &["first_at", "persona", "first_who"],
        key: &["persona_arn"],
        watch: &[],
    },
    BuiltIn {
        name: "new_addresses",
        title: "New: addresses",
        about: "Addresses from which somebody had not called before.",
        empty: "Everybody called from where they had called before.",
        next: "people travel; keys and workloads do not.",
        source: BuiltInSource::Query("report/new_addresses", &[]),
        columns: &[],
        for_people: &["first_at", "who", "source_ip_address", "country", "events"],
        key: &["origin_kind", "origin_id", "source_ip_address"],
        watch: &[],
    },
    BuiltIn {
        name: "new_countries",
        title: "New: countries",
        about: "Countries from which somebody had not called before, by the MaxMind file of `countries`.",
        empty: "No country was new, or no MaxMind file was given.",
        next: "ask the person; a VPN is where its exit is.",
        source: BuiltInSource::Query("report/new_countries", &[]),
        columns: &[],
        for_people: &["first_at", "who", "country", "source_ip_address"],
        key: &["origin_kind", "origin_id", "country"],
        watch: &[],
    },
    BuiltIn {
        name: "new_user_agents",
        title: "New: programs",
        about: "Programs with which somebody had not called before, by the first word of the user agent, without its version.",
        empty: "Everybody called with the programs they had used before.",
        next: "a console user with a script, or a pipeline with a browser, is worth a question.",
        source: BuiltInSource::Query("report/new_user_agents", &[]),
        columns: &[],
        for_people: &["first_at", "who", "program", "user_agent"],
        key: &["origin_kind", "origin_id", "program"],
        watch: &[],
    },
    BuiltIn {
        name: "new_paths",
        title: "New: ways between accounts",
        about: "Ways from one account into a role of another that nobody had gone before.",
        empty: "No such way was new.",
        next: "find the change of the trust policy that opened it.",
        source: BuiltInSource::Query("report/new_paths", &[]),
        columns: &[],
        for_people: &[
            "first_at",
            "from_account_id",
            "from_persona_arn",
            "to_role_arn",
            "first_who",
        ],
        key: &["from_account_id", "from_persona_arn", "to_role_arn"],
        watch: &[],
    },
    BuiltIn {
        name: "new_third_parties",
        title: "New: third parties",
        about: "Callers from accounts that are not in these logs, and had not come before.",
        empty: "No such caller was new.",
        next: "find the contract; else close the trust policy.",
        source: BuiltInSource::Query("report/new_third_parties", &[]),
        columns: &[],
        for_people: &[
            "first_at",
            "account_id",
            "whose",
            "principal_id",
            "persona_arn",
        ],
        key: &["account_id", "principal_id", "persona_arn"],
        watch: &[],
    },
    BuiltIn {
        name: "unresolved",
        title: "Unresolved",
        about: "Sessions of this period whose origin these logs do not tell, by reason. None is guessed.",
        empty: "No session without an origin.",
        next: "docs/attribution.md explains the reasons; most go away with more logs.",
        source: BuiltInSource::Query("report/unresolved", &[]),
        columns: &[],
        for_people: &[
            "persona",
            "reason",
            "confidence",
            "sessions",
            "events",
            "example_session",
        ],
        key: &["persona_arn", "reason", "confidence"],
        watch: &[],
    },
    BuiltIn {
        name: "rejected",
        title: "Rejected",
        about: "What could not be read of this period's log files. Its text is in the table `rejected`.",
        empty: "Nothing was rejected.",
        next: "look at the file; one that is read again whole takes its rejections away.",
        source: BuiltInSource::Query("report/rejected", &[]),
        columns: &[],
        for_people: &["reason", "log_file_key", "rejected", "example"],
        key: &["reason", "log_file_key"],
        watch: &["rejected"],
    },
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
