-- Who made the call that may have issued a session?
-- param: event_id text
-- reads: attributed_events
SELECT
    event_id,
    event_time,
    event_name,
    origin_kind,
    origin_id,
    persona_arn,
    source_ip_address,
    user_agent
FROM attributed_events
WHERE event_id = $event_id::text
ORDER BY event_id
