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
    /// The query that gives the rows.
    pub query: &'static str,
}

/// The sections, in the order in which they are read.
pub const SECTIONS: &[Section] = &[
    Section {
        name: "books",
        title: "Books",
        about: "Every record that was read is an event, a duplicate of one, or rejected.",
        empty: "Nothing was read.",
        query: "status/totals",
    },
    Section {
        name: "coverage",
        title: "Coverage",
        about: "Where and when the logs speak. What happened elsewhere is not in this review.",
        empty: "No events.",
        query: "status/accounts",
    },
    Section {
        name: "origins",
        title: "Who acted, and in which roles",
        about: "Every person and workload that stands at the start of a chain.",
        empty: "Nobody.",
        query: "review/origins",
    },
    Section {
        name: "switches",
        title: "Persona switches",
        about: "When somebody took another role, or went back.",
        empty: "No switch was seen.",
        query: "review/switches",
    },
    Section {
        name: "chains",
        title: "Chains over more than one role",
        about: "The log of the last call names only the last role.",
        empty: "No role was seen to be reached through another.",
        query: "review/chains",
    },
    Section {
        name: "root",
        title: "Root",
        about: "Root users can do everything in their account; each call deserves a reason.",
        empty: "No call as root was seen.",
        query: "review/root",
    },
    Section {
        name: "break_glass",
        title: "Break-glass roles",
        about: "Roles that are called so. Compare with your tickets.",
        empty: "No session of a role with such a name was seen.",
        query: "review/break_glass",
    },
    Section {
        name: "third_parties",
        title: "Third parties",
        about: "Callers from accounts that are not in these logs: partners, or accounts you did not collect.",
        empty: "No caller from another account was seen.",
        query: "review/third_parties",
    },
    Section {
        name: "denials",
        title: "Top denials",
        about: "What IAM refused.",
        empty: "No refusal was seen.",
        query: "review/denials",
    },
    Section {
        name: "permissions",
        title: "Permissions last used, by role and person",
        about: "What was never logged (data events, as a rule) does not show here.",
        empty: "No use of a role was seen.",
        query: "review/permissions",
    },
    Section {
        name: "unresolved",
        title: "Unresolved",
        about: "Sessions whose origin these logs do not tell, by reason. None is guessed.",
        empty: "No session without an origin.",
        query: "status/unresolved",
    },
    Section {
        name: "misplaced",
        title: "Records in the wrong file",
        about: "Account or region of these records are not those in their log file's name.",
        empty: "No contradiction was seen; only files with CloudTrail's own names can show one.",
        query: "review/misplaced",
    },
    Section {
        name: "rejected",
        title: "Rejected",
        about: "What could not be read. Its text is in the table `rejected`.",
        empty: "Nothing was rejected.",
        query: "status/rejected",
    },
];
