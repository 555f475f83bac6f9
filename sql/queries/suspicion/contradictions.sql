-- Of which sessions does other evidence speak against the attribution?
-- Each contradiction lowers the confidence by a step; `rolecall who SESSION-ID` shows the proof.
-- reads: sessions, people
SELECT
    coalesce(sessions.created_at, sessions.first_used_at) AS began_at,
    array_to_string(sessions.contradicted_by, ', ') AS contradicted_by,
    array_to_string(sessions.confirmed_by, ', ') AS confirmed_by,
    sessions.attribution,
    sessions.confidence,
    sessions.origin_kind,
    sessions.origin_id,
    sessions.persona_arn,
    sessions.event_count AS events,
    sessions.issuing_event_id,
    sessions.session_id,
    people.person,
    coalesce(people.person, sessions.origin_name, sessions.origin_id, sessions.origin_kind) AS who,
    split_part(sessions.persona_arn, ':', 5) || ' ' || split_part(sessions.persona_arn, ':', 6) AS persona
FROM sessions
LEFT JOIN people
    ON
        sessions.origin_id = people.person_origin_id
        AND (sessions.origin_provider IS NOT DISTINCT FROM people.person_origin_provider)
WHERE cardinality(sessions.contradicted_by) > 0
ORDER BY began_at, sessions.session_id
