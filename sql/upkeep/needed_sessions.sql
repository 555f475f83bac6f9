-- Which sessions does an event of the days that stay need, and from which did they grow?
-- A session that may still be in use by then is needed too: its end is known, or it is the longest that AWS allows, 36 hours.
-- param: before timestamp
-- So is who took credentials that may still be in use.
-- reads: all_issues, events, sessions
SELECT
    sessions.session_id,
    sessions.parent_session_id,
    used.session_id IS NOT NULL
    -- A long-lived key may be used again at any time; who made it, and that a person has it, is then asked.
    OR (
        sessions.created_at IS NULL
        AND (sessions.created_by_origin_id IS NOT NULL OR coalesce(sessions.is_human, false))
        AND sessions.origin_kind = 'iam_user'
    )
    OR coalesce(coalesce(sessions.expires_at, sessions.created_at + INTERVAL '36 hours') >= $before, false) AS is_needed
FROM sessions
LEFT JOIN (
    SELECT session_id
    FROM events
    WHERE event_time >= $before
    UNION
    SELECT caller_session_id AS session_id
    FROM all_issues
    WHERE coalesce(issued_expiration, event_time + INTERVAL '36 hours') >= $before
) AS used ON used.session_id = sessions.session_id
ORDER BY sessions.session_id
