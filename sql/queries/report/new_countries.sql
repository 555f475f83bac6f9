-- From which countries did somebody call in a period, and never before?
-- Countries are those of the MaxMind file that was given; without one there are none. It tells where an address was when the file was
-- made, and a VPN is where its exit is.
-- param: since timestamp
-- param: until timestamp
-- reads: attributed_events
WITH addresses AS (
    SELECT
        origin_kind,
        origin_id,
        origin_account_id,
        origin_provider,
        source_ip_address,
        min(origin_name) AS origin_name,
        min(person) AS person,
        min(event_time) AS first_at
    FROM attributed_events
    WHERE
        event_time < $until::timestamp
        AND (source_ip_address LIKE '%.%.%.%' OR source_ip_address LIKE '%:%')
        AND source_ip_address NOT LIKE '%.amazonaws.com'
        AND via_service IS NULL
        AND attribution <> 'shared_event'
        AND origin_kind NOT IN ('aws_service', 'unresolved')
    GROUP BY origin_kind, origin_id, origin_account_id, origin_provider, source_ip_address
),

located AS (
    SELECT
        addresses.*,
        country_of(source_ip_address) AS country
    FROM addresses
),

countries AS (
    SELECT
        origin_kind,
        origin_id,
        origin_account_id,
        origin_provider,
        country,
        min(origin_name) AS origin_name,
        min(person) AS person,
        min(first_at) AS first_at,
        first_value(source_ip_address ORDER BY first_at, source_ip_address) AS source_ip_address
    FROM located
    WHERE country IS NOT NULL
    GROUP BY origin_kind, origin_id, origin_account_id, origin_provider, country
)

SELECT
    first_at,
    origin_kind,
    origin_id,
    country,
    source_ip_address,
    person,
    coalesce(person, origin_name, origin_id, origin_kind) AS who
FROM countries
WHERE first_at >= $since::timestamp
ORDER BY first_at, origin_kind, origin_id, origin_account_id, origin_provider, country
