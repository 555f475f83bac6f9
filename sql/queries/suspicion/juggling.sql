-- Which chains keep themselves alive: a role that takes itself again, by itself or in a circle, or a chain older than any of its credentials?
-- Credentials of a chained role end after an hour; a chain that outlives thirteen hours (the longest first session, and one hour) or that
-- comes back to a role it had already renews itself, and goes on when its first user is deleted. One row for each chain's last session.
-- param: hours int default 13
-- reads: session_edges, sessions, people
WITH judged AS (
    SELECT
        sessions.*,
        cardinality(chain) - cardinality(array_distinct(chain)) AS role_revisits,
        to_unixtime(coalesce(last_used_at, created_at)) - to_unixtime(chain_started_at) AS chain_age_seconds
    FROM sessions
    WHERE hop_count > 1 AND attribution <> 'shared_event'
)

SELECT
    sessions.chain_started_at,
    coalesce(sessions.last_used_at, sessions.created_at) AS last_at,
    sessions.chain_age_seconds / 3600 AS chain_age_hours,
    sessions.hop_count,
    sessions.role_revisits,
    sessions.origin_kind,
    sessions.origin_id,
    array_to_string(array_sort(array_distinct(sessions.chain)), ', ') AS roles,
    sessions.confidence,
    sessions.issuing_event_id,
    sessions.session_id,
    people.person,
    coalesce(people.person, sessions.origin_name, sessions.origin_id, sessions.origin_kind) AS who
FROM judged AS sessions
LEFT JOIN (
    SELECT DISTINCT edges.parent_session_id
    FROM session_edges AS edges
    INNER JOIN sessions AS grown ON edges.session_id = grown.session_id
    WHERE edges.via = 'session' AND grown.hop_count > 0
) AS child
    ON sessions.session_id = child.parent_session_id
LEFT JOIN people
    ON
        sessions.origin_id = people.person_origin_id
        AND (sessions.origin_provider IS NOT DISTINCT FROM people.person_origin_provider)
WHERE
    child.parent_session_id IS NULL
    AND (sessions.role_revisits > 0 OR sessions.chain_age_seconds > $hours::bigint * 3600)
ORDER BY sessions.chain_started_at, sessions.session_id
