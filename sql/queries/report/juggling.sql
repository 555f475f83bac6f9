-- Which chains renewed themselves in a period: a role that was taken again by itself or in a circle, or a chain older than any of its credentials?
-- One row for each session that was opened so. Judged by when sessions were opened, so that what comes later changes nothing;
-- `suspicion/juggling` judges by their use.
-- param: hours int default 13
-- param: since timestamp
-- param: until timestamp
-- reads: sessions, people
WITH opened AS (
    SELECT
        sessions.*,
        cardinality(chain) - cardinality(array_distinct(chain)) AS role_revisits,
        (to_unixtime(created_at) - to_unixtime(chain_started_at)) / 3600 AS chain_age_hours
    FROM sessions
    WHERE
        hop_count > 1
        AND attribution <> 'shared_event'
        AND created_at >= $since::timestamp
        AND created_at < $until::timestamp
)

SELECT
    opened.created_at,
    opened.chain_started_at,
    opened.chain_age_hours,
    opened.hop_count,
    opened.role_revisits,
    opened.origin_kind,
    opened.origin_id,
    opened.persona_arn,
    array_to_string(array_sort(array_distinct(opened.chain)), ', ') AS roles,
    opened.confidence,
    opened.issuing_event_id,
    opened.session_id,
    people.person,
    coalesce(people.person, opened.origin_name, opened.origin_id, opened.origin_kind) AS who,
    split_part(opened.persona_arn, ':', 5) || ' ' || split_part(opened.persona_arn, ':', 6) AS persona
FROM opened
LEFT JOIN people
    ON
        opened.origin_id = people.person_origin_id
        AND (opened.origin_provider IS NOT DISTINCT FROM people.person_origin_provider)
WHERE opened.role_revisits > 0 OR opened.chain_age_hours >= $hours::bigint
ORDER BY opened.created_at, opened.session_id
