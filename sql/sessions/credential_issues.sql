-- Which calls handed out credentials or opened a session, to whom, and for what?
-- A failed call hands out nothing. Both accounts' copies of a cross-account call are here. A call of STS whose answer was left out for
-- its size still tells the role and the session's name.
-- reads: events
SELECT
    date,
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
    user_agent
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
ORDER BY date, event_time, event_id
