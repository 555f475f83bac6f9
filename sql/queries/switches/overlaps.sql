-- When did somebody wear two personas at once?
-- Two intervals of one origin that overlap: two browser tabs, two terminals, or two people behind one identity.
-- param: principal text default null
-- reads: persona_intervals
SELECT
    one.origin_kind,
    one.origin_id,
    one.persona_arn,
    other.persona_arn AS other_persona_arn,
    greatest(one.started_at, other.started_at) AS started_at,
    least(one.ended_at, other.ended_at) AS ended_at,
    one.event_count,
    other.event_count AS other_event_count,
    one.evidence_event_id,
    other.evidence_event_id AS other_evidence_event_id
FROM persona_intervals AS one
INNER JOIN persona_intervals AS other
    ON
        one.origin_kind = other.origin_kind
        AND one.origin_id = other.origin_id
        AND (one.origin_account_id IS NOT DISTINCT FROM other.origin_account_id)
        AND (one.origin_provider IS NOT DISTINCT FROM other.origin_provider)
        AND one.persona_arn < other.persona_arn
        AND one.started_at <= other.ended_at
        AND other.started_at <= one.ended_at
WHERE $principal::text IS NULL OR one.origin_id = $principal::text OR one.origin_name = $principal::text
ORDER BY started_at, one.origin_id, one.persona_arn, other.persona_arn
