-- Who signed in to the console without MFA?
-- Sign-ins of IAM users and root, whose MFA AWS itself checks. For single sign-on the provider checks it, and the record says `No`.
-- param: since timestamp default null
-- param: until timestamp default null
-- reads: attributed_events
SELECT
    event_time,
    origin_kind,
    origin_id,
    recipient_account_id AS account_id,
    source_ip_address,
    user_agent,
    event_id,
    person,
    coalesce(person, origin_name, origin_id, origin_kind) AS who
FROM attributed_events
WHERE
    ($since::timestamp IS NULL OR event_time >= $since::timestamp)
    AND ($until::timestamp IS NULL OR event_time < $until::timestamp)
    AND event_source = 'signin.amazonaws.com'
    AND event_name = 'ConsoleLogin'
    AND sign_in_succeeded
    AND user_identity_type IN ('IAMUser', 'Root')
    AND sign_in_mfa_used = false
ORDER BY event_time, event_id
