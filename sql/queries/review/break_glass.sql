-- Who used a break-glass role?
-- A role counts as one by its name: break-glass, emergency or fire-call, in any spelling.
-- reads: sessions
SELECT
    created_at,
    origin_id,
    persona_arn,
    session_name,
    event_count AS events,
    denied_count AS denied,
    source_ip_address,
    confidence,
    issuing_event_id
FROM sessions
WHERE
    hop_count > 0
    AND attribution <> 'shared_event'
    AND (
        replace(replace(lower(persona_arn), '-', ''), '_', '') LIKE '%breakglass%'
        OR lower(persona_arn) LIKE '%emergency%'
        OR replace(replace(lower(persona_arn), '-', ''), '_', '') LIKE '%firecall%'
    )
ORDER BY created_at, session_id
