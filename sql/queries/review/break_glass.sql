-- Who used a break-glass role?
-- A role counts as one by its name: break-glass, emergency or fire-call, in any spelling.
-- reads: sessions, people
SELECT
    created_at,
    origin_id,
    persona_arn,
    session_name,
    event_count AS events,
    denied_count AS denied,
    source_ip_address,
    confidence,
    issuing_event_id,
    people.person,
    coalesce(person, origin_name, origin_id, origin_kind) AS who,
    split_part(persona_arn, ':', 5) || ' ' || split_part(persona_arn, ':', 6) AS persona
FROM sessions
LEFT JOIN people
    ON
        sessions.origin_id = people.person_origin_id
        AND (sessions.origin_provider IS NOT DISTINCT FROM people.person_origin_provider)
WHERE
    hop_count > 0
    AND attribution <> 'shared_event'
    AND (
        replace(replace(lower(persona_arn), '-', ''), '_', '') LIKE '%breakglass%'
        OR lower(persona_arn) LIKE '%emergency%'
        OR replace(replace(lower(persona_arn), '-', ''), '_', '') LIKE '%firecall%'
    )
ORDER BY created_at, session_id
