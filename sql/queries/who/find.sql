-- Which sessions does an event id, access key, session ARN, role/session name, unique id, instance id or identity speak of?
-- Of events one column at a time: an OR over columns would read the whole lake. The limits, which nothing reaches, say to the planner
-- that there are fewer of these sessions than of all, and that it shall look for them.
-- param: what text
-- reads: events, sessions
SELECT
    session_id,
    min(matched) AS matched,
    max(events) AS events
FROM (
    SELECT
        of_event.session_id,
        'event id' AS matched,
        sessions.event_count AS events
    FROM (
        SELECT session_id
        FROM events
        WHERE event_id = $what::text
        LIMIT 1000
    ) AS of_event
    LEFT JOIN sessions ON of_event.session_id = sessions.session_id
    UNION ALL
    SELECT
        of_key.session_id,
        'access key' AS matched,
        sessions.event_count AS events
    FROM (
        SELECT DISTINCT session_id
        FROM events
        WHERE user_identity_access_key_id = $what::text
        LIMIT 1000000
    ) AS of_key
    LEFT JOIN sessions ON of_key.session_id = sessions.session_id
    UNION ALL
    SELECT
        session_id,
        CASE
            WHEN array_has(access_key_ids, $what::text) THEN 'access key'
            -- The identity itself, before it took any role: by ARN, name or unique id.
            WHEN hop_count = 0 AND attribution <> 'shared_event' AND origin_id = $what::text THEN 'identity'
            WHEN origin_kind = 'ec2_instance' AND origin_id = $what::text THEN 'instance id'
            -- A key that was handed out, also where another one was used (console, Identity Center).
            WHEN issued_access_key_id = $what::text THEN 'issued access key'
            WHEN hop_count = 0 AND attribution <> 'shared_event' AND origin_name = $what::text THEN 'name of an identity'
            WHEN strpos($what::text, ':') > 0 AND role_id || ':' || session_name = $what::text THEN 'principal id'
            WHEN
                strpos($what::text, '/') > 0 AND role_arn IS NOT NULL AND split_part(session_arn, ':assumed-role/', 2) = $what::text
                THEN 'role and session name'
            WHEN session_arn = $what::text THEN 'session ARN'
            WHEN session_id = $what::text THEN 'session id'
            WHEN persona_id = $what::text AND attribution <> 'shared_event' THEN 'unique id'
        END AS matched,
        event_count AS events
    FROM sessions
) AS found
WHERE matched IS NOT NULL
GROUP BY session_id
ORDER BY events DESC NULLS LAST, session_id
