-- Which sessions made calls on which day, and what do the calls of the day say of them?
-- Fields that are one and the same on all calls of a session are taken by `min`, so that the order of files cannot matter.
-- The keys are made distinct first: an aggregate that does it holds a set for each session, and took most of the time.
-- reads: events
WITH uses AS (
    SELECT
        date,
        session_id,
        min(user_identity_type) AS identity_type,
        min(user_identity_principal_id) AS principal_id,
        -- A role session's own ARN, and not the role's, which some records show in its place.
        coalesce(min(user_identity_arn) FILTER (WHERE user_identity_arn LIKE '%:assumed-role/%'), min(user_identity_arn)) AS arn,
        min(user_identity_account_id) AS account_id,
        min(user_identity_user_name) AS user_name,
        min(user_identity_invoked_by) AS invoked_by,
        min(user_identity_identity_provider) AS identity_provider,
        min(user_identity_on_behalf_of_user_id) AS on_behalf_of_user_id,
        min(user_identity_on_behalf_of_identity_store_arn) AS on_behalf_of_identity_store_arn,
        min(session_issuer_type) AS issuer_type,
        min(session_issuer_principal_id) AS issuer_principal_id,
        min(session_issuer_arn) AS issuer_arn,
        -- A sign-in to the console shows none, and opens the session of its second.
        coalesce(
            min(session_creation_date),
            min(event_time) FILTER (
                WHERE sign_in_succeeded AND event_name IN ('ConsoleLogin', 'SwitchRole', 'RenewRole')
            )
        ) AS creation_date,
        bool_or(session_creation_date IS NOT NULL) AS has_creation_date,
        bool_or(session_mfa_authenticated) AS has_mfa,
        bool_or(session_assumed_root) AS assumed_root,
        coalesce(
            bool_or(session_credential_from_console)
            OR bool_or(event_name = 'ConsoleLogin' AND sign_in_succeeded),
            false
        ) AS is_from_console,
        min(session_source_identity) AS source_identity,
        min(session_ec2_role_delivery) AS ec2_role_delivery,
        min(session_federated_provider) AS federated_provider,
        min(session_federated_attributes) AS federated_attributes,
        min(session_sign_in_session_arn) AS sign_in_session_arn,
        min(user_identity_in_scope_of_issuer_type) AS in_scope_of_issuer_type,
        min(user_identity_in_scope_of_credentials_issued_to) AS in_scope_of_credentials_issued_to,
        min(sign_in_user_name) AS sign_in_user_name,
        min(carried_session_tags) AS carried_session_tags,
        min(requested_provider_arn) AS provider_arn,
        min(requested_role_arn) AS requested_role_arn,
        min(recipient_account_id) AS recipient_account_id,
        min(aws_region) AS aws_region,
        count(*) FILTER (WHERE coalesce(user_identity_access_key_id, '') = '') AS keyless_count,
        first_value(source_ip_address ORDER BY event_time, event_id) AS source_ip_address,
        first_value(user_agent ORDER BY event_time, event_id) AS user_agent,
        first_value(event_id ORDER BY event_time, event_id) AS first_event_id,
        min(event_time) AS first_used_at,
        max(event_time) AS last_used_at,
        count(*) AS event_count,
        count(*) FILTER (WHERE call_outcome(error_code, error_message) = 'denied') AS denied_count
    FROM events
    GROUP BY date, session_id
),

pairs AS (
    SELECT
        date,
        session_id,
        user_identity_access_key_id AS access_key_id
    FROM events
    WHERE user_identity_access_key_id <> ''
    GROUP BY date, session_id, user_identity_access_key_id
),

keys AS (
    SELECT
        date,
        session_id,
        array_sort(array_agg(access_key_id)) AS access_key_ids
    FROM pairs
    GROUP BY date, session_id
)

SELECT
    uses.*,
    keys.access_key_ids
FROM uses
LEFT JOIN keys ON uses.date = keys.date AND uses.session_id = keys.session_id
ORDER BY uses.date, uses.session_id
