-- Which sessions were reached over more than so many hops?
-- param: hops int default 2
-- reads: sessions, people
SELECT
    sessions.created_at,
    sessions.hop_count,
    sessions.origin_kind,
    sessions.origin_id,
    array_to_string(sessions.chain, ' > ') AS roles,
    sessions.chain_truncated,
    sessions.event_count AS events,
    sessions.chain_started_at,
    sessions.confidence,
    sessions.session_id,
    people.person,
    coalesce(people.person, sessions.origin_name, sessions.origin_id, sessions.origin_kind) AS who,
    split_part(sessions.persona_arn, ':', 5) || ' ' || split_part(sessions.persona_arn, ':', 6) AS persona
FROM sessions
LEFT JOIN people
    ON
        sessions.origin_id = people.person_origin_id
        AND (sessions.origin_provider IS NOT DISTINCT FROM people.person_origin_provider)
WHERE sessions.hop_count > $hops::bigint AND sessions.attribution <> 'shared_event'
ORDER BY sessions.hop_count DESC, sessions.created_at, sessions.session_id
