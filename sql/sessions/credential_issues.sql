-- Which calls handed out credentials or opened a session, to whom, and for what?
-- A failed call hands out nothing. Both accounts' copies of a cross-account call are here. A call of STS whose answer was left out for
-- its size still tells the role and the session's name. Of pruned days those are here whose credentials can still be in use.
-- reads: events, kept_issues
SELECT
    event_id,
    event_time,
    event_source,
    event_name,
    session_id AS caller_session_id,
    recipient_account_id,
    user_identity_type AS caller_type,
    user_identity_principal_id AS caller_principal_id,
    user_identity_arn AS caller_arn,
    user_identity_account_id AS caller_account_id,
    user_identity_invoked_by AS caller_invoked_by,
    user_identity_on_behalf_of_user_id AS caller_on_behalf_of_user_id,
    user_identity_on_behalf_of_identity_store_arn AS caller_on_behalf_of_identity_store_arn,
    session_creation_date AS caller_creation_date,
    issued_access_key_id,
    issued_session_arn,
    issued_role_id,
    issued_expiration,
    issued_identity_id,
    requested_role_arn,
    requested_session_name,
    requested_target_principal,
    requested_source_identity,
    requested_session_tags,
    requested_provider_arn,
    granted_account_id,
    granted_role_name,
    switch_from_arn,
    shared_event_id,
    request_id,
    source_ip_address,
    user_agent,
    false AS is_of_pruned_day
FROM events
WHERE
    coalesce(error_code, '') = ''
    AND coalesce(error_message, '') = ''
    AND (
        (
            event_source IN (
                'sts.amazonaws.com', 'rolesanywhere.amazonaws.com', 'cognito-identity.amazonaws.com',
                's3express.amazonaws.com'
            )
            AND event_name IN (
                'AssumeRole', 'AssumeRoleWithSAML', 'AssumeRoleWithWebIdentity', 'AssumeRoot', 'GetSessionToken',
                'GetFederationToken', 'GetDelegatedAccessToken', 'CreateSession', 'GetCredentialsForIdentity'
            )
            AND (
                issued_access_key_id IS NOT NULL OR issued_session_arn IS NOT NULL OR requested_role_arn IS NOT NULL
            )
        )
        OR (
            event_source = 'signin.amazonaws.com'
            AND event_name IN ('ConsoleLogin', 'SwitchRole', 'RenewRole', 'GetSigninToken', 'CreateOAuth2Token')
            AND coalesce(sign_in_succeeded, true)
        )
        OR (
            event_source IN ('sso.amazonaws.com', 'signin.amazonaws.com')
            AND event_name IN ('GetRoleCredentials', 'Federate')
            AND granted_role_name IS NOT NULL
        )
    )
UNION ALL
SELECT
    kept_issues.event_id,
    kept_issues.event_time,
    kept_issues.event_source,
    kept_issues.event_name,
    kept_issues.caller_session_id,
    kept_issues.recipient_account_id,
    kept_issues.caller_type,
    kept_issues.caller_principal_id,
    kept_issues.caller_arn,
    kept_issues.caller_account_id,
    kept_issues.caller_invoked_by,
    kept_issues.caller_on_behalf_of_user_id,
    kept_issues.caller_on_behalf_of_identity_store_arn,
    kept_issues.caller_creation_date,
    kept_issues.issued_access_key_id,
    kept_issues.issued_session_arn,
    kept_issues.issued_role_id,
    kept_issues.issued_expiration,
    kept_issues.issued_identity_id,
    kept_issues.requested_role_arn,
    kept_issues.requested_session_name,
    kept_issues.requested_target_principal,
    kept_issues.requested_source_identity,
    kept_issues.requested_session_tags,
    kept_issues.requested_provider_arn,
    kept_issues.granted_account_id,
    kept_issues.granted_role_name,
    kept_issues.switch_from_arn,
    kept_issues.shared_event_id,
    kept_issues.request_id,
    kept_issues.source_ip_address,
    kept_issues.user_agent,
    true AS is_of_pruned_day
FROM kept_issues
-- A log file that came again brings its events back.
LEFT ANTI JOIN events ON kept_issues.event_id = events.event_id
ORDER BY event_time, event_id
