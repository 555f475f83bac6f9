//! The words of a verdict: by which join, how sure, and why not.
//!
//! Each text is stable: reports, scripts and other tools match on it.

use super::codes::codes;

/// The join that ties a session to the event that issued it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Method {
    /// The identity is its own origin.
    Direct,
    /// The key in use is the key that was issued.
    IssuedKey,
    /// Role, session name and second of creation are those of the issue.
    IssueSecond,
    /// Another account's copy of the call names the caller.
    SharedEvent,
    /// The request is that of the call that caused it.
    RequestId,
    /// A sign-in, a role switch or a sign-in token of the console opened it.
    SignIn,
    /// Identity Center gave the credentials, or names the user.
    IdentityCenter,
    /// Only the source identity that it carries speaks of somebody.
    Carried,
    /// AWS says which workload, or which provider's identity, got the credentials.
    Workload,
    /// The only session of this principal that was alive.
    OnlySessionAlive,
    /// Only the caller's account is known.
    AccountOnly,
    /// Nothing ties it to anything.
    None,
}

codes!(Method {
    Direct => "direct",
    IssuedKey => "issued_key",
    IssueSecond => "issue_second",
    SharedEvent => "shared_event",
    RequestId => "request_id",
    SignIn => "sign_in",
    IdentityCenter => "identity_center",
    Carried => "carried",
    Workload => "workload",
    OnlySessionAlive => "only_session_alive",
    AccountOnly => "account_only",
    None => "none",
});

/// What speaks against a link that other evidence makes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Contradiction {
    /// The credentials were made more than two seconds from the call.
    CreationDate,
    /// The session carries another source identity than the call set.
    SourceIdentity,
    /// The credentials were used after their end.
    UsedAfterExpiry,
    /// The console says that somebody else switched.
    SwitchFrom,
    /// Identity Center gave the credentials to somebody else.
    IdentityCenterUser,
    /// AWS says that another workload got the credentials.
    Workload,
}

codes!(Contradiction {
    CreationDate => "creation_date",
    SourceIdentity => "source_identity",
    UsedAfterExpiry => "used_after_expiry",
    SwitchFrom => "switch_from",
    IdentityCenterUser => "identity_center_user",
    Workload => "workload",
});

/// How sure a link or a chain is, the weakest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Confidence {
    /// No candidate.
    Unresolved,
    /// Several candidates.
    Ambiguous,
    /// Only a value that the caller chose.
    Asserted,
    /// The only candidate, by name or time.
    Probable,
    /// AWS's own evidence, one part by name or within seconds.
    Strong,
    /// AWS's own identifiers are equal.
    Exact,
}

codes!(Confidence {
    Exact => "exact",
    Strong => "strong",
    Probable => "probable",
    Asserted => "asserted",
    Ambiguous => "ambiguous",
    Unresolved => "unresolved",
});

impl Confidence {
    /// One step less sure, for a link that other evidence contradicts.
    pub(super) fn lowered(self) -> Self {
        match self {
            Self::Exact => Self::Strong,
            Self::Strong => Self::Probable,
            Self::Probable => Self::Asserted,
            other => other,
        }
    }
}

/// Why a session's issuing event, or its caller, is not known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum UnresolvedReason {
    /// Sessions of this kind have no STS event by nature.
    ServiceInternal,
    /// Made before the first event that was collected.
    IssuerOutsideWindow,
    /// No STS event at all from the region in which the session is used.
    RegionNotCollected,
    /// The caller is in an account that is not in the logs.
    CrossAccountNotCollected,
    /// Only a call was found whose answer AWS hides.
    Redacted,
    /// The issuing call is a data event, and those are not in the logs.
    DataEventNotLogged,
    /// The trail leaves out read events, and with them `AssumeRole`.
    ReadEventsExcluded,
    /// The issuing event was too large, and its parts were left out.
    EventOmitted,
    /// None of the others.
    Lost,
}

codes!(UnresolvedReason {
    ServiceInternal => "service_internal",
    IssuerOutsideWindow => "issuer_outside_window",
    RegionNotCollected => "region_not_collected",
    CrossAccountNotCollected => "cross_account_not_collected",
    Redacted => "redacted",
    DataEventNotLogged => "data_event_not_logged",
    ReadEventsExcluded => "read_events_excluded",
    EventOmitted => "event_omitted",
    Lost => "lost",
});

#[cfg(test)]
mod tests {
    use super::Confidence::*;

    #[test]
    fn the_weakest_hop_is_the_least() {
        assert_eq!([Exact, Probable, Strong].into_iter().min(), Some(Probable));
        assert!(Ambiguous < Asserted && Unresolved < Ambiguous);
    }

    #[test]
    fn a_contradiction_lowers_by_one_step() {
        assert_eq!(Exact.lowered(), Strong);
        assert_eq!(Strong.lowered(), Probable);
        assert_eq!(Ambiguous.lowered(), Ambiguous);
    }
}
