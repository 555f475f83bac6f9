//! The two large answers of SQL, column by column: sessions in use, and calls that open sessions.

use arrow::error::ArrowError;

use super::frame::{Bools, Frame, Ints, TextLists, Texts};

/// Columns that are read together.
pub(super) trait Columns {
    /// Their names.
    const NAMES: &[&str];
}

/// A struct of columns, each named as in its query.
macro_rules! columns {
    ($(#[$about:meta])* $name:ident { $($field:ident: $kind:ty),* $(,)? }) => {
        $(#[$about])*
        #[derive(Debug)]
        pub(super) struct $name {
            pub(super) len: usize,
            $(pub(super) $field: $kind,)*
        }

        impl Columns for $name {
            const NAMES: &[&str] = &[$(stringify!($field)),*];
        }

        impl $name {
            pub(super) fn new(frame: &Frame) -> Result<Self, ArrowError> {
                Ok(Self {
                    len: frame.len(),
                    $($field: frame.get(stringify!($field))?,)*
                })
            }
        }
    };
}

columns! {
    /// One row per session that made calls: `session_uses.sql`, put together by `merged_uses.sql`.
    Uses {
        session_id: Texts,
        identity_type: Texts,
        principal_id: Texts,
        arn: Texts,
        account_id: Texts,
        user_name: Texts,
        invoked_by: Texts,
        identity_provider: Texts,
        on_behalf_of_user_id: Texts,
        on_behalf_of_identity_store_arn: Texts,
        issuer_type: Texts,
        issuer_principal_id: Texts,
        issuer_arn: Texts,
        creation_date: Ints,
        has_creation_date: Bools,
        has_mfa: Bools,
        assumed_root: Bools,
        is_from_console: Bools,
        source_identity: Texts,
        ec2_role_delivery: Texts,
        federated_provider: Texts,
        federated_attributes: Texts,
        sign_in_session_arn: Texts,
        in_scope_of_issuer_type: Texts,
        in_scope_of_credentials_issued_to: Texts,
        sign_in_user_name: Texts,
        carried_session_tags: Texts,
        provider_arn: Texts,
        requested_role_arn: Texts,
        recipient_account_id: Texts,
        aws_region: Texts,
        access_key_ids: TextLists,
        keyless_count: Ints,
        source_ip_address: Texts,
        user_agent: Texts,
        first_used_at: Ints,
        last_used_at: Ints,
        event_count: Ints,
        denied_count: Ints,
    }
}

columns! {
    /// What a row of `daily_sessions` has in common with other sessions.
    Shown {
        session_id: Texts,
        identity_type: Texts,
        principal_id: Texts,
        arn: Texts,
        account_id: Texts,
        user_name: Texts,
        on_behalf_of_user_id: Texts,
        issuer_principal_id: Texts,
        issuer_arn: Texts,
        creation_date: Ints,
        has_creation_date: Bools,
        has_mfa: Bools,
        is_from_console: Bools,
        source_identity: Texts,
        federated_provider: Texts,
        sign_in_session_arn: Texts,
        sign_in_user_name: Texts,
        recipient_account_id: Texts,
        access_key_ids: TextLists,
        first_used_at: Ints,
    }
}

columns! {
    /// One row per session some of whose days were pruned: `kept_sessions.sql`.
    Kept {
        session_id: Texts,
        issuing_api: Texts,
        issuing_event_id: Texts,
        issued_at: Ints,
        issued_access_key_id: Texts,
        access_key_ids: TextLists,
        session_arn: Texts,
        session_name: Texts,
        role_arn: Texts,
        role_id: Texts,
        role_account_id: Texts,
        persona_arn: Texts,
        persona_id: Texts,
        created_at: Ints,
        chain_started_at: Ints,
        expires_at: Ints,
        parent_session_id: Texts,
        hop_count: Ints,
        chain: TextLists,
        chain_truncated: Bools,
        origin_kind: Texts,
        origin_id: Texts,
        origin_name: Texts,
        origin_account_id: Texts,
        origin_provider: Texts,
        is_human: Bools,
        created_by_origin_id: Texts,
        created_by_event_id: Texts,
        possible_operators: TextLists,
        source_identity: Texts,
        session_tags: Texts,
        has_mfa: Bools,
        source_ip_address: Texts,
        user_agent: Texts,
        first_used_at: Ints,
        last_used_at: Ints,
        attribution: Texts,
        confidence: Texts,
        evidence_event_ids: TextLists,
        confirmed_by: TextLists,
        contradicted_by: TextLists,
        unresolved_reason: Texts,
        events_pruned_before: Ints,
    }
}

columns! {
    /// One row per call that opened a session, ordered by time and id: `all_issues.sql`.
    Issues {
        event_id: Texts,
        event_time: Ints,
        event_source: Texts,
        event_name: Texts,
        caller_session_id: Texts,
        recipient_account_id: Texts,
        caller_type: Texts,
        caller_principal_id: Texts,
        caller_arn: Texts,
        caller_account_id: Texts,
        caller_invoked_by: Texts,
        caller_on_behalf_of_user_id: Texts,
        caller_on_behalf_of_identity_store_arn: Texts,
        caller_creation_date: Ints,
        issued_access_key_id: Texts,
        issued_session_arn: Texts,
        issued_role_id: Texts,
        issued_expiration: Ints,
        issued_identity_id: Texts,
        requested_role_arn: Texts,
        requested_session_name: Texts,
        requested_target_principal: Texts,
        requested_source_identity: Texts,
        requested_session_tags: Texts,
        requested_provider_arn: Texts,
        granted_account_id: Texts,
        granted_role_name: Texts,
        switch_from_arn: Texts,
        shared_event_id: Texts,
        request_id: Texts,
        source_ip_address: Texts,
        user_agent: Texts,
        is_of_pruned_day: Bools,
    }
}

columns! {
    /// One row per thing that a call made, changed or reached into: `deployments.sql` and `operations.sql`.
    Deeds {
        event_id: Texts,
        event_time: Ints,
        event_source: Texts,
        aws_region: Texts,
        session_id: Texts,
        account_id: Texts,
        request_id: Texts,
        target_id: Texts,
    }
}
