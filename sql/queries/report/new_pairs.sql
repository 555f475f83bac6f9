-- Who took a role in a period that they had never taken before?
-- Never in this lake: somebody may have worn the hat before it begins.
-- param: since timestamp
-- param: until timestamp
-- reads: sessions, people
WITH pairs AS (
    SELECT
        origin_kind,
        origin_id,
        origin_account_id,
        origin_provider,
        persona_arn,
        min(origin_name) AS origin_name,
        min(coalesce(created_at, first_used_at)) AS first_at,
        first_value(session_id ORDER BY coalesce(created_at, first_used_at), session_id) AS session_id,
        first_value(issuing_api ORDER BY coalesce(created_at, first_used_at), session_id) AS issuing_api,
        first_value(source_ip_address ORDER BY coalesce(created_at, first_used_at), session_id) AS source_ip_address,
        first_value(confidence ORDER BY coalesce(created_at, first_used_at), session_id) AS confidence
    FROM sessions
    WHERE
        hop_count > 0
        AND origin_kind <> 'unresolved'
        AND attribution <> 'shared_event'
        AND persona_arn LIKE '%:role/%'
        AND coalesce(created_at, first_used_at) < $until::timestamp
    GROUP BY origin_kind, origin_id, origin_account_id, origin_provider, persona_arn
)

SELECT
    pairs.first_at,
    pairs.origin_kind,
    pairs.origin_id,
    pairs.persona_arn,
    pairs.issuing_api,
    pairs.source_ip_address,
    pairs.confidence,
    pairs.session_id,
    people.person,
    coalesce(people.person, pairs.origin_name, pairs.origin_id, pairs.origin_kind) AS who,
    split_part(pairs.persona_arn, ':', 5) || ' ' || split_part(pairs.persona_arn, ':', 6) AS persona
FROM pairs
LEFT JOIN people
    ON
        pairs.origin_id = people.person_origin_id
        AND (pairs.origin_provider IS NOT DISTINCT FROM people.person_origin_provider)
WHERE pairs.first_at >= $since::timestamp
ORDER BY pairs.first_at, pairs.session_id
