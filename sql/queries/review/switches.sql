-- Who changed persona, when, and into what?
-- The first `top`; `switches/list` has all of them.
-- param: top int default 500
-- reads: persona_switches, people, accounts
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
    coalesce(from_account.account_name, split_part(from_persona_arn, ':', 5))
    || ' ' || split_part(from_persona_arn, ':', 6) AS from_persona,
    coalesce(to_account.account_name, split_part(to_persona_arn, ':', 5))
    || ' ' || split_part(to_persona_arn, ':', 6) AS to_persona
FROM persona_switches
LEFT JOIN people
    ON
        persona_switches.origin_id = people.person_origin_id
        AND (persona_switches.origin_provider IS NOT DISTINCT FROM people.person_origin_provider)
LEFT JOIN accounts AS from_account ON persona_switches.from_account_id = from_account.account_id
LEFT JOIN accounts AS to_account ON persona_switches.to_account_id = to_account.account_id
ORDER BY switched_at, origin_id, evidence_event_id, kind
LIMIT $top::bigint
