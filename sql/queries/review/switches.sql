-- Who changed persona, when, and into what?
-- The first `top`; `switches/list` has all of them.
-- param: top int default 500
-- reads: persona_switches, people
SELECT
    switched_at,
    origin_id,
    from_persona_arn,
    to_persona_arn,
    kind,
    issuing_api,
    is_cross_account,
    confidence,
    evidence_event_id,
    people.person,
    coalesce(person, origin_name, origin_id, origin_kind) AS who,
    split_part(from_persona_arn, ':', 5) || ' ' || split_part(from_persona_arn, ':', 6) AS from_persona,
    split_part(to_persona_arn, ':', 5) || ' ' || split_part(to_persona_arn, ':', 6) AS to_persona
FROM persona_switches
LEFT JOIN people
    ON
        persona_switches.origin_id = people.person_origin_id
        AND (persona_switches.origin_provider IS NOT DISTINCT FROM people.person_origin_provider)
ORDER BY switched_at, origin_id, evidence_event_id, kind
LIMIT $top::bigint
