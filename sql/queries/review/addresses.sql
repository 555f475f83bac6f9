-- Which sessions were used from more than one address?
-- Temporary credentials only: a long-lived key is used from many places as a rule. Credentials that travel are stolen ones, as a rule; a laptop that changes networks, a proxy and IPv6 beside IPv4 look the same. Calls
-- that AWS makes in somebody's name come from AWS and are left out.
-- param: since timestamp default null
-- param: until timestamp default null
-- reads: attributed_events
SELECT
    min(event_time) AS first_at,
    max(event_time) AS last_at,
    origin_kind,
    origin_id,
    persona_arn,
    array_to_string(array_agg(DISTINCT source_ip_address ORDER BY source_ip_address), ', ') AS addresses,
    count(DISTINCT source_ip_address) AS address_count,
    count(DISTINCT user_agent) AS program_count,
    count(*) AS events,
    session_id,
    min(person) AS person,
    coalesce(min(person), min(origin_name), origin_id, origin_kind) AS who,
    split_part(persona_arn, ':', 5) || ' ' || split_part(persona_arn, ':', 6) AS persona
FROM attributed_events
WHERE
    ($since::timestamp IS NULL OR event_time >= $since::timestamp)
    AND ($until::timestamp IS NULL OR event_time < $until::timestamp)
    -- An IPv4 or IPv6 address, not the name of a service.
    AND (source_ip_address LIKE '%.%.%.%' OR source_ip_address LIKE '%:%')
    AND source_ip_address NOT LIKE '%.amazonaws.com'
    AND via_service IS NULL
    AND attribution <> 'shared_event'
    AND user_identity_access_key_id LIKE 'ASIA%'
GROUP BY origin_kind, origin_id, persona_arn, session_id
HAVING count(DISTINCT source_ip_address) > 1
ORDER BY first_at, session_id
