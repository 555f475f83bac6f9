-- Which sessions grew out of these, over any number of steps?
-- `sessions`: session ids, with commas between them; they are in the answer themselves, without a parent.
-- param: sessions text
-- reads: session_edges, sessions
WITH RECURSIVE grown AS (
    SELECT unnest(string_to_array($sessions::text, ',')) AS session_id
    UNION
    SELECT edges.session_id
    FROM grown
    INNER JOIN session_edges AS edges ON grown.session_id = edges.parent_session_id
),

ties AS (
    SELECT
        edges.session_id,
        first_value(edges.parent_session_id ORDER BY edges.via DESC, edges.parent_session_id) AS grew_from_session_id,
        first_value(edges.via ORDER BY edges.via DESC, edges.parent_session_id) AS via,
        first_value(edges.evidence_event_id ORDER BY edges.via DESC, edges.parent_session_id) AS evidence_event_id
    FROM session_edges AS edges
    INNER JOIN grown ON edges.parent_session_id = grown.session_id
    GROUP BY edges.session_id
)

SELECT
    coalesce(sessions.created_at, sessions.first_used_at) AS began_at,
    CASE WHEN array_has(string_to_array($sessions::text, ','), sessions.session_id) THEN NULL ELSE ties.via END AS via,
    sessions.origin_kind,
    sessions.origin_id,
    sessions.persona_arn,
    sessions.session_name,
    sessions.access_key_ids,
    sessions.event_count,
    sessions.first_used_at,
    sessions.last_used_at,
    sessions.source_ip_address,
    sessions.confidence,
    ties.evidence_event_id,
    ties.grew_from_session_id,
    sessions.session_id,
    coalesce(sessions.origin_name, sessions.origin_id, sessions.origin_kind) AS who,
    split_part(sessions.persona_arn, ':', 5) || ' ' || split_part(sessions.persona_arn, ':', 6) AS persona
FROM sessions
INNER JOIN grown ON sessions.session_id = grown.session_id
LEFT JOIN ties ON sessions.session_id = ties.session_id
ORDER BY began_at, sessions.session_id
