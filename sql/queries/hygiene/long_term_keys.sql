-- Which long-lived access keys were used, by whom, from how many addresses, and how old were they?
-- `age_days` is known where the logs show the key being made, up to its last use; a key that was made earlier is older than these logs.
-- param: since timestamp default null
-- param: until timestamp default null
-- reads: events, sessions, people
WITH made AS (
    SELECT
        created_access_key_id,
        min(event_time) AS made_at
    FROM events
    WHERE created_access_key_id IS NOT NULL AND coalesce(error_code, '') = ''
    GROUP BY created_access_key_id
)

SELECT
    keys.access_key_id,
    sessions.origin_kind,
    sessions.origin_id,
    made.made_at,
    date_part('day', keys.last_used_at - made.made_at) AS age_days,
    keys.first_used_at,
    keys.last_used_at,
    keys.events,
    keys.addresses,
    sessions.created_by_origin_id,
    people.person,
    coalesce(people.person, sessions.origin_name, sessions.origin_id, sessions.origin_kind) AS who
FROM (
    SELECT
        user_identity_access_key_id AS access_key_id,
        session_id,
        min(event_time) AS first_used_at,
        max(event_time) AS last_used_at,
        count(*) AS events,
        count(DISTINCT source_ip_address) AS addresses
    FROM events
    WHERE
        user_identity_access_key_id LIKE 'AKIA%'
        AND ($since::timestamp IS NULL OR event_time >= $since::timestamp)
        AND ($until::timestamp IS NULL OR event_time < $until::timestamp)
    GROUP BY user_identity_access_key_id, session_id
) AS keys
INNER JOIN sessions ON keys.session_id = sessions.session_id
LEFT JOIN made ON keys.access_key_id = made.created_access_key_id
LEFT JOIN people
    ON
        sessions.origin_id = people.person_origin_id
        AND (sessions.origin_provider IS NOT DISTINCT FROM people.person_origin_provider)
ORDER BY keys.last_used_at DESC, keys.access_key_id, sessions.origin_id
