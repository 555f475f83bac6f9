-- Who changed persona, when, and into what?
-- Every parameter that is given narrows the answer.
-- param: principal text default null
-- param: role text default null
-- param: account text default null
-- param: kind text default null
-- param: since timestamp default null
-- param: until timestamp default null
-- reads: persona_switches, people, accounts
SELECT
    switches.switched_at,
    people.person,
    switches.origin_kind,
    switches.origin_id,
    switches.origin_name,
    switches.origin_account_id,
    switches.origin_provider,
    switches.from_persona_arn,
    switches.to_persona_arn,
    switches.kind,
    switches.issuing_api,
    switches.hop_count,
    switches.is_cross_account,
    switches.is_chained,
    switches.event_count,
    switches.last_used_at,
    switches.confidence,
    switches.evidence_event_id,
    switches.from_session_id,
    switches.to_session_id,
    coalesce(people.person, switches.origin_name, switches.origin_id) AS who,
    coalesce(from_account.account_name, split_part(switches.from_persona_arn, ':', 5))
    || ' ' || split_part(switches.from_persona_arn, ':', 6) AS from_persona,
    coalesce(to_account.account_name, split_part(switches.to_persona_arn, ':', 5))
    || ' ' || split_part(switches.to_persona_arn, ':', 6) AS to_persona
FROM persona_switches AS switches
LEFT JOIN people
    ON
        switches.origin_id = people.person_origin_id
        AND (switches.origin_provider IS NOT DISTINCT FROM people.person_origin_provider)
LEFT JOIN accounts AS from_account ON switches.from_account_id = from_account.account_id
LEFT JOIN accounts AS to_account ON switches.to_account_id = to_account.account_id
WHERE
    (
        $principal::text IS NULL
        OR switches.origin_id = $principal::text
        OR switches.origin_name = $principal::text
        OR people.person = $principal::text
    )
    AND (
        $role::text IS NULL
        OR switches.from_persona_arn = $role::text
        OR switches.to_persona_arn = $role::text
        OR split_part(switches.from_persona_arn, '/', -1) = $role::text
        OR split_part(switches.to_persona_arn, '/', -1) = $role::text
    )
    AND (
        $account::text IS NULL
        OR switches.from_account_id = $account::text
        OR switches.to_account_id = $account::text
    )
    AND ($kind::text IS NULL OR switches.kind = $kind::text)
    AND ($since::timestamp IS NULL OR switches.switched_at >= $since::timestamp)
    AND ($until::timestamp IS NULL OR switches.switched_at < $until::timestamp)
ORDER BY switches.switched_at, switches.origin_id, switches.evidence_event_id, switches.kind
