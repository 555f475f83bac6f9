-- Which sessions does an event of the days that stay need, and from which did they grow?
-- A session that may still be in use by then is needed too: its end is known, or it is the longest that AWS allows, 36 hours.
-- param: before timestamp
-- reads: events, sessions
SELECT
    sessions.session_id,
    sessions.parent_session_id,
    used.session_id IS NOT NULL
    OR coalesce(coalesce(sessions.expires_at, sessions.created_at + INTERVAL '36 hours') >= $before, false) AS is_needed
FROM sessions
LEFT JOIN (
    SELECT DISTINCT session_id
    FROM events
    WHERE event_time >= $before
) AS used ON used.session_id = sessions.session_id
ORDER BY sessions.session_id
