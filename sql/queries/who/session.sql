-- What is known of one session?
-- param: session_id text
-- reads: sessions, people, accounts
SELECT
    session_id,
    parent_session_id,
    persona_arn,
    session_name,
    session_arn,
    issuing_api,
    issuing_event_id,
    created_at,
    expires_at,
    access_key_ids,
    attribution,
    confidence,
    evidence_event_ids,
    unresolved_reason,
    origin_kind,
    origin_id,
    origin_name,
    origin_account_id,
    origin_provider,
    origin_assurance,
    is_human,
    hop_count,
    chain,
    source_identity,
    source_ip_address,
    user_agent,
    has_mfa,
    first_used_at,
    last_used_at,
    event_count,
    denied_count,
    people.person,
    accounts.account_name
FROM sessions
LEFT JOIN people
    ON
        sessions.origin_id = people.person_origin_id
        AND (sessions.origin_provider IS NOT DISTINCT FROM people.person_origin_provider)
LEFT JOIN accounts ON split_part(persona_arn, ':', 5) = accounts.account_id
WHERE session_id = $session_id::text
ORDER BY session_id
