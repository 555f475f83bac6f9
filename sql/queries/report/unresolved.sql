-- Of how many sessions that were used in a period is the origin not known, and why?
-- param: since timestamp
-- param: until timestamp
-- reads: attributed_events
SELECT
    coalesce(persona_arn, '') AS persona_arn,
    unresolved_reason AS reason,
    confidence,
    count(DISTINCT session_id) AS sessions,
    count(*) AS events,
    min(event_time) AS first_at,
    max(event_time) AS last_at,
    min(session_id) AS example_session,
    split_part(coalesce(persona_arn, ''), ':', 5) || ' ' || split_part(coalesce(persona_arn, ''), ':', 6) AS persona
FROM attributed_events
WHERE
    event_time >= $since::timestamp
    AND event_time < $until::timestamp
    AND origin_kind = 'unresolved'
GROUP BY coalesce(persona_arn, ''), unresolved_reason, confidence
ORDER BY events DESC, unresolved_reason, confidence, persona_arn
