-- Which sessions were opened in a period through more than one role?
-- param: since timestamp
-- param: until timestamp
-- reads: sessions, people
SELECT
    created_at,
    origin_kind,
    origin_id,
    array_to_string(chain, ' > ') AS chain,
    hop_count,
    confidence,
    session_id,
    people.person,
    coalesce(person, origin_name, origin_id, origin_kind) AS who,
    regexp_replace(array_to_string(chain, ' > '), 'arn:[^:]*:iam::([0-9]*):role/', '\1 ', 'g') AS roles
FROM sessions
LEFT JOIN people
    ON
        sessions.origin_id = people.person_origin_id
        AND (sessions.origin_provider IS NOT DISTINCT FROM people.person_origin_provider)
WHERE
    hop_count > 1
    AND attribution <> 'shared_event'
    AND created_at >= $since::timestamp
    AND created_at < $until::timestamp
ORDER BY created_at, session_id
