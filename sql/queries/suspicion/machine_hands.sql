-- On which machines did somebody open a shell, and what was done there with the machine's role?
-- Who had a shell on an instance or a task can use its role; the calls stay the machine's, and these people are no more than possible.
-- reads: sessions, people
SELECT
    coalesce(sessions.created_at, sessions.first_used_at) AS began_at,
    sessions.origin_kind,
    sessions.origin_id,
    array_to_string(sessions.possible_operators, ', ') AS possible_operators,
    sessions.persona_arn,
    sessions.event_count AS events,
    sessions.denied_count AS denied,
    sessions.first_used_at,
    sessions.last_used_at,
    sessions.session_id,
    people.person,
    coalesce(people.person, sessions.origin_name, sessions.origin_id, sessions.origin_kind) AS who,
    split_part(sessions.persona_arn, ':', 5) || ' ' || split_part(sessions.persona_arn, ':', 6) AS persona
FROM sessions
LEFT JOIN people
    ON
        sessions.origin_id = people.person_origin_id
        AND (sessions.origin_provider IS NOT DISTINCT FROM people.person_origin_provider)
WHERE cardinality(sessions.possible_operators) > 0
ORDER BY began_at, sessions.session_id
