-- Which sessions are a principal's, or went through a role?
-- `timeline/events` finds the same events without these ids, and reads many more to find them.
-- With `since` and `until` those alone that were in use between them.
-- param: principal text default null
-- param: role text default null
-- param: since timestamp default null
-- param: until timestamp default null
-- reads: sessions, people
SELECT session_id
FROM sessions
LEFT JOIN people
    ON
        sessions.origin_id = people.person_origin_id
        AND (sessions.origin_provider IS NOT DISTINCT FROM people.person_origin_provider)
WHERE
    (
        $principal::text IS NULL
        OR origin_id = $principal::text
        OR origin_name = $principal::text
        OR persona_arn = $principal::text
        OR people.person = $principal::text
    )
    AND (
        $role::text IS NULL
        OR array_has(chain, $role::text)
        OR strpos(array_to_string(chain, ' ') || ' ', '/' || $role::text || ' ') > 0
    )
    AND ($since::timestamp IS NULL OR last_used_at >= $since::timestamp)
    AND ($until::timestamp IS NULL OR first_used_at < $until::timestamp)
ORDER BY session_id
