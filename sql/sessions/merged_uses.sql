-- Sessions that were in use on several days: what do the parts say together?
-- Each part is a row of `daily_sessions`. Together they say what one answer over all events would.
-- reads: partial_uses
WITH uses AS (
    SELECT
        session_id,
        min(identity_type) AS identity_type,
        min(principal_id) AS principal_id,
        coalesce(min(arn) FILTER (WHERE arn LIKE '%:assumed-role/%'), min(arn)) AS arn,
        min(account_id) AS account_id,
        min(user_name) AS user_name,
        min(invoked_by) AS invoked_by,
        min(identity_provider) AS identity_provider,
        min(on_behalf_of_user_id) AS on_behalf_of_user_id,
        min(on_behalf_of_identity_store_arn) AS on_behalf_of_identity_store_arn,
        min(issuer_type) AS issuer_type,
        min(issuer_principal_id) AS issuer_principal_id,
        min(issuer_arn) AS issuer_arn,
        -- A date that a record shows, before the time of a sign-in.
        coalesce(min(creation_date) FILTER (WHERE has_creation_date), min(creation_date)) AS creation_date,
        bool_or(has_creation_date) AS has_creation_date,
        bool_or(has_mfa) AS has_mfa,
        bool_or(assumed_root) AS assumed_root,
        bool_or(is_from_console) AS is_from_console,
        min(source_identity) AS source_identity,
        min(ec2_role_delivery) AS ec2_role_delivery,
        min(federated_provider) AS federated_provider,
        min(federated_attributes) AS federated_attributes,
        min(sign_in_session_arn) AS sign_in_session_arn,
        min(in_scope_of_issuer_type) AS in_scope_of_issuer_type,
        min(in_scope_of_credentials_issued_to) AS in_scope_of_credentials_issued_to,
        min(sign_in_user_name) AS sign_in_user_name,
        min(carried_session_tags) AS carried_session_tags,
        min(provider_arn) AS provider_arn,
        min(requested_role_arn) AS requested_role_arn,
        min(recipient_account_id) AS recipient_account_id,
        min(aws_region) AS aws_region,
        sum(keyless_count) AS keyless_count,
        first_value(source_ip_address ORDER BY first_used_at, first_event_id) AS source_ip_address,
        first_value(user_agent ORDER BY first_used_at, first_event_id) AS user_agent,
        first_value(first_event_id ORDER BY first_used_at, first_event_id) AS first_event_id,
        min(first_used_at) AS first_used_at,
        max(last_used_at) AS last_used_at,
        sum(event_count) AS event_count,
        sum(denied_count) AS denied_count
    FROM partial_uses
    GROUP BY session_id
),

shown AS (
    SELECT
        session_id,
        unnest(access_key_ids) AS access_key_id
    FROM partial_uses
),

pairs AS (
    SELECT
        session_id,
        access_key_id
    FROM shown
    GROUP BY session_id, access_key_id
),

keys AS (
    SELECT
        session_id,
        array_sort(array_agg(access_key_id)) AS access_key_ids
    FROM pairs
    GROUP BY session_id
)

SELECT
    uses.*,
    keys.access_key_ids
FROM uses
LEFT JOIN keys ON uses.session_id = keys.session_id
ORDER BY uses.session_id
