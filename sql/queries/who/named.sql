-- Which calls made a user, role or long-lived key, or named it in their request?
-- For what was never seen in use: somebody made it, or did something to it.
-- param: what text
-- reads: attributed_events
SELECT
    event_time,
    event_name,
    origin_kind,
    origin_id,
    origin_name,
    persona_arn,
    source_ip_address,
    confidence,
    event_id,
    session_id
FROM attributed_events
WHERE
    created_access_key_id = $what::text
    OR created_principal_id = $what::text
    OR created_principal_arn = $what::text
    OR (event_source = 'iam.amazonaws.com' AND strpos(request_parameters, '"' || $what::text || '"') > 0)
ORDER BY event_time, event_id
