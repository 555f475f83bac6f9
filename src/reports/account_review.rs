//! The account review: what the logs hold, who acted, in which roles, and what deserves a look.

/// One section of the review.
#[derive(Debug, Clone, Copy)]
pub struct Section {
    /// A short name for scripts.
    pub name: &'static str,
    /// The heading.
    pub title: &'static str,
    /// What the rows mean, and how they can mislead.
    pub about: &'static str,
    /// What it means that there are none.
    pub empty: &'static str,
    /// What there is to do about the rows.
    pub next: &'static str,
    /// The query that gives the rows.
    pub query: &'static str,
    /// The columns that people read in a row; none means all.
    pub for_people: &'static [&'static str],
}

/// The sections, in the order in which they are read.
pub const SECTIONS: &[Section] = &[
    Section {
        name: "books",
        title: "Books",
        about: "Every record that was read is an event, a duplicate of one, or rejected.",
        empty: "Nothing was read.",
        next: "",
        query: "status/totals",
        for_people: &[],
    },
    Section {
        name: "coverage",
        title: "Coverage",
        about: "Where and when the logs speak. What happened elsewhere, or before and after, is not in this review.",
        empty: "No events.",
        next: "look for accounts and regions that you use and that are missing here, and collect their logs.",
        query: "status/accounts",
        for_people: &[],
    },
    Section {
        name: "forms",
        title: "Forms of the log files",
        about: "What the log files turned out to be. Digests, Insights and aggregates hold no calls, and give no events.",
        empty: "No log file.",
        next: "",
        query: "status/forms",
        for_people: &[],
    },
    Section {
        name: "origins",
        title: "Who acted, and in which roles",
        about: "Every person and workload that stands at the start of a chain, and the roles they wore like hats.",
        empty: "Nobody.",
        next: "`rolecall timeline --principal WHO` shows all that one of them did.",
        query: "review/origins",
        for_people: &["who", "kind", "account", "roles", "events", "denied", "last_used_at"],
    },
    Section {
        name: "switches",
        title: "Persona switches",
        about: "When somebody took another role, or went back to an earlier one.",
        empty: "No switch was seen.",
        next: "",
        query: "review/switches",
        for_people: &["switched_at", "who", "from_persona", "to_persona", "kind", "confidence"],
    },
    Section {
        name: "chains",
        title: "Chains over more than one role",
        about: "Roles that were reached through other roles. The log of the last call names only the last role.",
        empty: "No role was seen to be reached through another.",
        next: "a chain that no runbook knows is a way around somebody's trust policy.",
        query: "review/chains",
        for_people: &["created_at", "who", "roles", "events", "confidence"],
    },
    Section {
        name: "root",
        title: "Root",
        about: "Root users can do everything in their account.",
        empty: "No call as root was seen.",
        next: "find the reason for each call; daily work needs none.",
        query: "review/root",
        for_people: &["first_at", "account_id", "event_name", "calls", "errors", "example_ip"],
    },
    Section {
        name: "break_glass",
        title: "Break-glass roles",
        about: "Roles that are called so: break-glass, emergency, fire-call.",
        empty: "No session of a role with such a name was seen.",
        next: "compare with your tickets.",
        query: "review/break_glass",
        for_people: &["created_at", "who", "persona", "events", "denied", "source_ip_address"],
    },
    Section {
        name: "third_parties",
        title: "Third parties",
        about: "Callers from accounts that are not in these logs: partners, or accounts of yours that were not collected.",
        empty: "No caller from another account was seen.",
        next: "`--accounts FILE` tells your own accounts from others'; collect the logs of your own.",
        query: "review/third_parties",
        for_people: &["account_id", "whose", "persona", "sessions", "events", "first_at", "last_used_at"],
    },
    Section {
        name: "addresses",
        title: "One session, several addresses",
        about: "Temporary credentials that were used from more than one address. A laptop that changes networks looks the same as a thief.",
        empty: "No session was used from two addresses.",
        next: "ask the person about the second address; `rolecall who SESSION-ID` shows which came when.",
        query: "review/addresses",
        for_people: &["first_at", "who", "persona", "addresses", "events", "session_id"],
    },
    Section {
        name: "made",
        title: "Users, roles, keys and passwords that were made",
        about: "How somebody stays who should be gone: new users, keys for others, new passwords, roles opened to others.",
        empty: "Nothing of the kind was seen.",
        next: "check each with its maker; `rolecall who KEY --descendants` shows what a key was used for.",
        query: "review/made",
        for_people: &["event_time", "who", "persona", "event_name", "made", "for_whom"],
    },
    Section {
        name: "denials",
        title: "Top denials",
        about: "What IAM refused most.",
        empty: "No refusal was seen.",
        next: "a permission that is missing, or somebody who tries doors.",
        query: "review/denials",
        for_people: &["who", "persona", "iam_action", "denied", "allowed", "last_denied_at"],
    },
    Section {
        name: "permissions",
        title: "Permissions last used, by role and person",
        about: "Allowed calls. What was never logged (data events, as a rule) does not show here.",
        empty: "No use of a role was seen.",
        next: "`rolecall permissions --role ROLE` shows all of one role.",
        query: "review/permissions",
        for_people: &["persona", "who", "iam_action", "used", "last_used_at"],
    },
    Section {
        name: "unresolved",
        title: "Unresolved",
        about: "Sessions whose origin these logs do not tell, by reason. None is guessed.",
        empty: "No session without an origin.",
        next: "docs/attribution.md explains the reasons; most go away with more logs.",
        query: "status/unresolved",
        for_people: &[],
    },
    Section {
        name: "misplaced",
        title: "Records in the wrong file",
        about: "Account or region of these records are not those in their log file's name.",
        empty: "No contradiction was seen; only files with CloudTrail's own names can show one.",
        next: "ask who put the files together; logs that were made anonymous look so too.",
        query: "review/misplaced",
        for_people: &[],
    },
    Section {
        name: "rejected",
        title: "Rejected",
        about: "What could not be read. Its text is in the table `rejected`.",
        empty: "Nothing was rejected.",
        next: "",
        query: "status/rejected",
        for_people: &["reason", "log_file_key", "rejected", "example"],
    },
];
