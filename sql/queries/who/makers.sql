-- Who made the user, the long-lived key or the workload of a session, and those of the session that it began with?
-- A few calls at most. The limit says so to the planner, which would else read all events to look for them; beyond it, those of the
-- first of the two go before those of the other.
-- param: session_id text
-- param: first_session_id text default null
-- reads: session_edges, attributed_events
SELECT
    made.event_time,
    made.event_name,
    edges.via,
    made.origin_kind,
    made.origin_id,
    made.origin_name,
    made.persona_arn,
    made.source_ip_address,
    made.confidence,
    made.created_access_key_id,
    made.event_id,
    made.session_id AS maker_session_id
FROM (
    SELECT
        session_id,
        via,
        evidence_event_id
    FROM session_edges
    WHERE
        session_id IN ($session_id::text, coalesce($first_session_id::text, $session_id::text))
        AND via <> 'session'
    ORDER BY session_id = $session_id::text DESC, evidence_event_id, via
    LIMIT 1000
) AS edges
INNER JOIN attributed_events AS made ON edges.evidence_event_id = made.event_id
ORDER BY edges.session_id = $session_id::text DESC, made.event_time, made.event_id
