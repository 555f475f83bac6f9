-- Which calls handed out credentials, to whom, and for what?
-- A failed call hands out nothing. Both accounts' copies of a cross-account call are here.
-- reads: events
SELECT
    event_id,
    event_time,
    event_name,
    session_id AS caller_session_id,
    recipient_account_id,
    user_identity_type AS caller_type,
    user_identity_principal_id AS caller_principal_id,
    user_identity_account_id AS caller_account_id,
    user_identity_invoked_by AS caller_invoked_by,
    issued_access_key_id,
    issued_session_arn,
    issued_role_id,
    issued_expiration,
    requested_role_arn,
    requested_session_name,
    requested_target_principal,
    requested_source_identity,
    requested_session_tags,
    shared_event_id,
    source_ip_address,
    user_agent
FROM events
WHERE
    event_source = 'sts.amazonaws.com'
    AND event_name IN (
        'AssumeRole', 'AssumeRoleWithSAML', 'AssumeRoleWithWebIdentity', 'AssumeRoot', 'GetSessionToken',
        'GetFederationToken'
    )
    AND coalesce(error_code, '') = ''
    AND (issued_access_key_id IS NOT NULL OR issued_session_arn IS NOT NULL)
ORDER BY event_time, event_id
