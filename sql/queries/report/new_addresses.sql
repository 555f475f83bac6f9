-- From which addresses did somebody call in a period, and never before?
-- Calls that AWS makes in somebody's name, and AWS's own services, are left out: their addresses are AWS's.
-- param: since timestamp
-- param: until timestamp
-- reads: attributed_events
WITH used AS (
    SELECT
        origin_kind,
        origin_id,
        origin_account_id,
        origin_provider,
        source_ip_address,
        min(origin_name) AS origin_name,
        min(person) AS person,
        min(event_time) AS first_at,
        count(*) AS events,
        min(country_of(source_ip_address)) AS country
    FROM attributed_events
    WHERE
        event_time < $until::timestamp
        -- An IPv4 or IPv6 address, not the name of a service.
        AND (source_ip_address LIKE '%.%.%.%' OR source_ip_address LIKE '%:%')
        AND source_ip_address NOT LIKE '%.amazonaws.com'
        AND via_service IS NULL
        AND attribution <> 'shared_event'
        AND origin_kind NOT IN ('aws_service', 'unresolved')
    GROUP BY origin_kind, origin_id, origin_account_id, origin_provider, source_ip_address
)

SELECT
    first_at,
    origin_kind,
    origin_id,
    source_ip_address,
    country,
    events,
    person,
    coalesce(person, origin_name, origin_id, origin_kind) AS who
FROM used
WHERE first_at >= $since::timestamp
ORDER BY first_at, origin_kind, origin_id, origin_account_id, origin_provider, source_ip_address
