-- Which calls handed out credentials without saying which?
-- `redacted`: AWS hides the answer. `omitted`: request and answer were left out for their size. They tell why an issuing event is missing.
-- reads: events
SELECT
    date,
    recipient_account_id AS account_id,
    event_time,
    CASE WHEN event_source = 'sts.amazonaws.com' THEN 'omitted' ELSE 'redacted' END AS kind
FROM events
WHERE
    coalesce(error_code, '') = ''
    AND (
        (event_source = 'eks-auth.amazonaws.com' AND event_name = 'AssumeRoleForPodIdentity')
        OR (event_source = 'signin.amazonaws.com' AND event_name = 'CreateOAuth2Token')
        OR (
            event_source IN ('sso.amazonaws.com', 'signin.amazonaws.com')
            AND event_name IN ('GetRoleCredentials', 'Federate')
            AND granted_role_name IS NULL
        )
        OR (
            event_source = 'sts.amazonaws.com'
            AND event_name IN ('AssumeRole', 'AssumeRoleWithSAML', 'AssumeRoleWithWebIdentity')
            AND issued_access_key_id IS NULL
            AND issued_session_arn IS NULL
            AND requested_role_arn IS NULL
        )
    )
ORDER BY date, account_id, event_time, kind
