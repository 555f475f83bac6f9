-- Which sessions were used after their credentials had ended, or after somebody had left the role?
-- `after_expiry`: calls more than five minutes after the end that the issuing call gave. `after_exit`: calls more than a minute after
-- `ExitRole` of the console. Delayed calls of open browser tabs look so too.
-- reads: events, sessions, people
WITH ended AS (
    SELECT
        session_id,
        'after_expiry' AS finding,
        expires_at AS ended_at,
        expires_at + INTERVAL '5 minutes' AS from_time
    FROM sessions
    WHERE attribution = 'issued_key' AND last_used_at > expires_at + INTERVAL '5 minutes'
    UNION ALL
    SELECT
        sessions.session_id,
        'after_exit' AS finding,
        min(exits.event_time) AS ended_at,
        min(exits.event_time) + INTERVAL '1 minute' AS from_time
    FROM sessions
    INNER JOIN events AS exits
        ON
            sessions.role_id || ':' || sessions.session_name = exits.user_identity_principal_id
            AND sessions.created_at <= exits.event_time
    WHERE
        exits.event_source = 'signin.amazonaws.com'
        AND exits.event_name = 'ExitRole'
        AND coalesce(exits.sign_in_succeeded, true)
        AND sessions.last_used_at > exits.event_time + INTERVAL '1 minute'
    GROUP BY sessions.session_id
)

SELECT
    ended.finding,
    ended.ended_at,
    sessions.last_used_at,
    count(*) AS calls_after,
    sessions.origin_kind,
    sessions.origin_id,
    sessions.persona_arn,
    min(events.event_id) AS example_event,
    sessions.session_id,
    min(people.person) AS person,
    coalesce(min(people.person), min(sessions.origin_name), sessions.origin_id, sessions.origin_kind) AS who
FROM ended
INNER JOIN sessions ON ended.session_id = sessions.session_id
INNER JOIN events
    ON
        ended.session_id = events.session_id
        AND events.event_time > ended.from_time
LEFT JOIN people
    ON
        sessions.origin_id = people.person_origin_id
        AND (sessions.origin_provider IS NOT DISTINCT FROM people.person_origin_provider)
GROUP BY
    ended.finding, ended.ended_at, sessions.last_used_at, sessions.origin_kind, sessions.origin_id,
    sessions.persona_arn, sessions.session_id
ORDER BY ended.ended_at, ended.finding, sessions.session_id
