-- Who changed persona, when, and into what?
-- Changes made by workloads are many and look alike; people come first.
-- reads: persona_switches
SELECT
    switched_at,
    origin_id,
    from_persona_arn,
    to_persona_arn,
    kind,
    issuing_api,
    is_cross_account,
    confidence,
    evidence_event_id
FROM persona_switches
ORDER BY switched_at, origin_id, evidence_event_id, kind
