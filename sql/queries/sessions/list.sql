-- Which sessions were there, whose were they, and what became of them?
-- Every parameter that is given narrows the answer. `usable_until`: until when the credentials could be used. Where their expiry is not
-- known it is the longest that AWS allows (12 hours for a role and in the console, 36 for a token); null for long-lived keys, which end when somebody ends
-- them. `alive_at`: sessions that could be used at that time, from their creation (else their first use) on. `ip`: any address the session
-- was used from. `access_key`: a key that was used, or handed out. `since` and `until`: sessions used in that span, or made in it.
-- param: principal text default null
-- param: role text default null
-- param: access_key text default null
-- param: ip text default null
-- param: account text default null
-- param: kind text default null
-- param: confidence text default null
-- param: alive_at timestamp default null
-- param: since timestamp default null
-- param: until timestamp default null
-- reads: sessions, events, people, accounts
SELECT
    coalesce(sessions.created_at, sessions.first_used_at) AS began_at,
    sessions.created_at,
    sessions.expires_at,
    sessions.usable_until,
    sessions.first_used_at,
    sessions.last_used_at,
    people.person,
    sessions.origin_kind,
    sessions.origin_id,
    sessions.origin_name,
    sessions.origin_account_id,
    sessions.origin_provider,
    sessions.persona_arn,
    sessions.session_name,
    sessions.session_arn,
    sessions.hop_count,
    sessions.chain,
    sessions.event_count,
    sessions.denied_count,
    sessions.source_ip_address,
    sessions.user_agent,
    sessions.has_mfa,
    sessions.source_identity,
    sessions.access_key_ids,
    sessions.issuing_api,
    sessions.issuing_event_id,
    sessions.parent_session_id,
    sessions.attribution,
    sessions.confidence,
    sessions.unresolved_reason,
    sessions.session_id,
    coalesce(people.person, sessions.origin_name, sessions.origin_id, sessions.origin_kind) AS who,
    coalesce(accounts.account_name, split_part(sessions.persona_arn, ':', 5))
    || ' ' || split_part(sessions.persona_arn, ':', 6) AS persona
FROM (
    SELECT
        *,
        created_at IS NULL AND array_to_string(access_key_ids, ' ') LIKE 'AKIA%' AS is_long_lived,
        CASE
            -- What a console session or Identity Center was handed first ends before the session does.
            WHEN expires_at IS NOT NULL AND attribution <> 'issued_key' AND last_used_at IS NOT NULL
                THEN greatest(expires_at, created_at + INTERVAL '12 hours')
            WHEN expires_at IS NOT NULL THEN expires_at
            WHEN issuing_api = 'ConsoleLogin' THEN created_at + INTERVAL '12 hours'
            WHEN created_at IS NOT NULL AND hop_count > 0 THEN created_at + INTERVAL '12 hours'
            WHEN created_at IS NOT NULL THEN created_at + INTERVAL '36 hours'
            WHEN array_to_string(access_key_ids, ' ') NOT LIKE 'AKIA%' THEN last_used_at
        END AS usable_until
    FROM sessions
) AS sessions
LEFT JOIN people
    ON
        sessions.origin_id = people.person_origin_id
        AND (sessions.origin_provider IS NOT DISTINCT FROM people.person_origin_provider)
LEFT JOIN accounts ON split_part(sessions.persona_arn, ':', 5) = accounts.account_id
WHERE
    (
        $principal::text IS NULL
        OR sessions.origin_id = $principal::text
        OR sessions.origin_name = $principal::text
        OR sessions.session_arn = $principal::text
        OR sessions.persona_arn = $principal::text
        OR people.person = $principal::text
    )
    AND (
        $role::text IS NULL
        OR array_has(sessions.chain, $role::text)
        OR strpos(array_to_string(sessions.chain, ' ') || ' ', '/' || $role::text || ' ') > 0
    )
    AND (
        $access_key::text IS NULL
        OR array_has(sessions.access_key_ids, $access_key::text)
        OR sessions.issuing_event_id IN (SELECT event_id FROM events WHERE issued_access_key_id = $access_key::text)
    )
    AND (
        $ip::text IS NULL
        OR sessions.session_id IN (SELECT session_id FROM events WHERE source_ip_address = $ip::text)
    )
    AND (
        $account::text IS NULL
        OR sessions.role_account_id = $account::text
        OR sessions.origin_account_id = $account::text
    )
    AND ($kind::text IS NULL OR sessions.origin_kind = $kind::text)
    AND ($confidence::text IS NULL OR sessions.confidence = $confidence::text)
    AND (
        $alive_at::timestamp IS NULL
        OR (
            coalesce(sessions.created_at, sessions.first_used_at) <= $alive_at::timestamp
            AND (sessions.is_long_lived OR sessions.usable_until >= $alive_at::timestamp)
        )
    )
    AND (
        $since::timestamp IS NULL
        OR coalesce(sessions.last_used_at, sessions.created_at) >= $since::timestamp
    )
    AND (
        $until::timestamp IS NULL
        OR coalesce(sessions.created_at, sessions.first_used_at) < $until::timestamp
    )
ORDER BY began_at, sessions.session_id
