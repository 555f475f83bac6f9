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
    issued_at,
    created_at,
    expires_at,
    issued_access_key_id,
    access_key_ids,
    attribution,
    confidence,
    evidence_event_ids,
    confirmed_by,
    contradicted_by,
    CASE attribution
        WHEN 'issued_key' THEN
            'another call that issued this key, another principal under it, credentials made at another second, another source identity, use after its end'
        WHEN 'issue_second' THEN
            'another call that issued this principal a session in the same second, another source identity, another identity in SwitchFrom'
        WHEN 'shared_event' THEN 'another caller in the own account''s copy of the call'
        WHEN 'request_id' THEN 'another principal on the call that caused it'
        WHEN 'sign_in' THEN 'an issuing call by somebody else than the one the console names'
        WHEN 'identity_center' THEN 'a credential of Identity Center for another user in the same second, another user id on its calls'
        WHEN 'carried' THEN 'an issuing call by somebody else than the source identity names'
        WHEN 'workload' THEN 'an issuing call that was not made for this workload'
        WHEN 'only_session_alive' THEN 'a second session of this principal that was alive, also one that these logs do not show'
        WHEN 'account_only' THEN 'the caller''s own account''s copy of the call'
        WHEN 'direct' THEN 'logs that were changed: the identity is as AWS recorded it'
    END AS would_contradict,
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
    created_by_origin_id,
    created_by_event_id,
    possible_operators,
    events_pruned_before,
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
