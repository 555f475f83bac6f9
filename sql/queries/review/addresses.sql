-- Which sessions were used from more than one address?
-- Temporary credentials only: a long-lived key is used from many places as a rule. Credentials that travel are stolen ones, as a rule; a laptop that changes networks, a proxy and IPv6 beside IPv4 look the same. Calls
-- that AWS makes in somebody's name come from AWS and are left out.
-- The calls from one address with one program are put together first: an aggregate of distinct values holds a set for each session.
-- param: since timestamp default null
-- param: until timestamp default null
-- reads: attributed_events
WITH used AS (
    SELECT
        origin_kind,
        origin_id,
        persona_arn,
        session_id,
        source_ip_address,
        user_agent,
        min(event_time) AS first_at,
        max(event_time) AS last_at,
        count(*) AS events,
        min(person) AS person,
        min(origin_name) AS origin_name
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
    GROUP BY origin_kind, origin_id, persona_arn, session_id, source_ip_address, user_agent
),

-- For each session its addresses, and its programs.
distinct_values AS (
    SELECT
        session_id,
        source_ip_address,
        user_agent,
        min(origin_kind) AS origin_kind,
        min(origin_id) AS origin_id,
        min(persona_arn) AS persona_arn,
        min(first_at) AS first_at,
        max(last_at) AS last_at,
        sum(events) AS events,
        min(person) AS person,
        min(origin_name) AS origin_name
    FROM used
    GROUP BY GROUPING SETS ((session_id, source_ip_address), (session_id, user_agent))
)

SELECT
    min(first_at) AS first_at,
    max(last_at) AS last_at,
    min(origin_kind) AS origin_kind,
    min(origin_id) AS origin_id,
    min(persona_arn) AS persona_arn,
    array_to_string(
        array_sort(array_agg(source_ip_address) FILTER (WHERE source_ip_address IS NOT NULL)), ', '
    ) AS addresses,
    count(source_ip_address) AS address_count,
    count(user_agent) AS program_count,
    sum(events) FILTER (WHERE source_ip_address IS NOT NULL) AS events,
    session_id,
    min(person) AS person,
    coalesce(min(person), min(origin_name), min(origin_id), min(origin_kind)) AS who,
    split_part(min(persona_arn), ':', 5) || ' ' || split_part(min(persona_arn), ':', 6) AS persona
FROM distinct_values
GROUP BY session_id
HAVING count(source_ip_address) > 1
ORDER BY first_at, session_id
