-- Which sessions does an event id, access key, session ARN, role/session name, unique id, instance id or identity speak of?
-- One column at a time: an OR over columns would read the whole lake.
-- param: what text
-- reads: events, sessions
SELECT
    found.session_id,
    min(found.matched) AS matched,
    max(sessions.event_count) AS events
FROM (
    SELECT
        session_id,
        'event id' AS matched
    FROM events
    WHERE event_id = $what::text
    UNION ALL
    SELECT
        session_id,
        'access key' AS matched
    FROM events
    WHERE user_identity_access_key_id = $what::text
    UNION ALL
    SELECT
        session_id,
        'access key' AS matched
    FROM sessions
    WHERE array_has(access_key_ids, $what::text)
    UNION ALL
    -- A key that was handed out, also where another one was used (console, Identity Center).
    SELECT
        session_id,
        'issued access key' AS matched
    FROM sessions
    WHERE issued_access_key_id = $what::text
    UNION ALL
    SELECT
        session_id,
        'session ARN' AS matched
    FROM sessions
    WHERE session_arn = $what::text
    UNION ALL
    SELECT
        session_id,
        'role and session name' AS matched
    FROM sessions
    WHERE role_arn IS NOT NULL AND split_part(session_arn, ':assumed-role/', 2) = $what::text
    UNION ALL
    SELECT
        session_id,
        'principal id' AS matched
    FROM sessions
    WHERE role_id IS NOT NULL AND role_id || ':' || session_name = $what::text
    UNION ALL
    SELECT
        session_id,
        'session id' AS matched
    FROM sessions
    WHERE session_id = $what::text
    UNION ALL
    SELECT
        session_id,
        'instance id' AS matched
    FROM sessions
    WHERE origin_kind = 'ec2_instance' AND origin_id = $what::text
    UNION ALL
    -- The identity itself, before it took any role: by ARN, name or unique id.
    SELECT
        session_id,
        'identity' AS matched
    FROM sessions
    WHERE hop_count = 0 AND attribution <> 'shared_event' AND origin_id = $what::text
    UNION ALL
    SELECT
        session_id,
        'name of an identity' AS matched
    FROM sessions
    WHERE hop_count = 0 AND attribution <> 'shared_event' AND origin_name = $what::text
    UNION ALL
    SELECT
        session_id,
        'unique id' AS matched
    FROM sessions
    WHERE persona_id = $what::text AND attribution <> 'shared_event'
) AS found
LEFT JOIN sessions ON found.session_id = sessions.session_id
GROUP BY found.session_id
ORDER BY events DESC NULLS LAST, found.session_id
