-- When did each person or workload take each role for the first time?
-- The first time in these logs: somebody may have worn the hat before they begin. With `since` only hats that were new from then on.
-- param: since timestamp default null
-- reads: sessions, people
SELECT
    first_session.first_at,
    sessions.origin_kind,
    sessions.origin_id,
    sessions.persona_arn,
    sessions.issuing_api,
    sessions.source_ip_address,
    sessions.confidence,
    sessions.issuing_event_id,
    sessions.session_id,
    people.person,
    coalesce(people.person, sessions.origin_name, sessions.origin_id, sessions.origin_kind) AS who,
    split_part(sessions.persona_arn, ':', 5) || ' ' || split_part(sessions.persona_arn, ':', 6) AS persona
FROM sessions
INNER JOIN (
    SELECT
        min(created_at) AS first_at,
        first_value(session_id ORDER BY created_at, session_id) AS session_id
    FROM sessions
    WHERE
        hop_count > 0
        AND created_at IS NOT NULL
        AND origin_kind <> 'unresolved'
        AND attribution <> 'shared_event'
    GROUP BY origin_kind, origin_id, origin_account_id, origin_provider, persona_arn
) AS first_session
    ON sessions.session_id = first_session.session_id
LEFT JOIN people
    ON
        sessions.origin_id = people.person_origin_id
        AND (sessions.origin_provider IS NOT DISTINCT FROM people.person_origin_provider)
WHERE $since::timestamp IS NULL OR first_session.first_at >= $since::timestamp
ORDER BY first_session.first_at, sessions.session_id
