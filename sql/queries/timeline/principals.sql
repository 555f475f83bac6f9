-- Which people, workloads and personas does a name fit?
-- With `since` and `until` of those alone that were in use between them.
-- param: principal text
-- param: since timestamp default null
-- param: until timestamp default null
-- reads: sessions, people
SELECT
    people.person,
    origin_kind,
    origin_id,
    origin_name,
    origin_account_id,
    origin_provider,
    count(*) AS sessions,
    sum(event_count) AS events
FROM sessions
LEFT JOIN people
    ON
        sessions.origin_id = people.person_origin_id
        AND (sessions.origin_provider IS NOT DISTINCT FROM people.person_origin_provider)
WHERE
    (
        origin_id = $principal::text
        OR origin_name = $principal::text
        OR session_arn = $principal::text
        OR persona_arn = $principal::text
        OR people.person = $principal::text
    )
    AND ($since::timestamp IS NULL OR last_used_at >= $since::timestamp)
    AND ($until::timestamp IS NULL OR first_used_at < $until::timestamp)
GROUP BY people.person, origin_kind, origin_id, origin_name, origin_account_id, origin_provider
ORDER BY origin_kind, origin_id, origin_account_id, origin_provider
