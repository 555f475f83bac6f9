-- With which programs did somebody call in a period, and never before?
-- A program is the first word of the user agent without its version, so that an update is none. User agents are chosen by the caller.
-- param: since timestamp
-- param: until timestamp
-- reads: attributed_events
WITH used AS (
    SELECT
        origin_kind,
        origin_id,
        origin_account_id,
        origin_provider,
        split_part(split_part(ltrim(user_agent, '['), ' ', 1), '/', 1) AS program,
        min(origin_name) AS origin_name,
        min(person) AS person,
        min(event_time) AS first_at,
        first_value(user_agent ORDER BY event_time, event_id) AS user_agent
    FROM attributed_events
    WHERE
        event_time < $until::timestamp
        AND user_agent IS NOT NULL
        AND user_agent NOT LIKE '%.amazonaws.com'
        AND user_agent <> 'AWS Internal'
        AND via_service IS NULL
        AND attribution <> 'shared_event'
        AND origin_kind NOT IN ('aws_service', 'unresolved')
    GROUP BY
        origin_kind, origin_id, origin_account_id, origin_provider,
        split_part(split_part(ltrim(user_agent, '['), ' ', 1), '/', 1)
)

SELECT
    first_at,
    origin_kind,
    origin_id,
    program,
    user_agent,
    person,
    coalesce(person, origin_name, origin_id, origin_kind) AS who
FROM used
WHERE first_at >= $since::timestamp
ORDER BY first_at, origin_kind, origin_id, origin_account_id, origin_provider, program
