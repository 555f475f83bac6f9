-- From which addresses and with which programs was a session used?
-- param: session_id text
-- reads: events
SELECT
    session_id,
    source_ip_address,
    user_agent,
    min(event_time) AS first_at,
    max(event_time) AS last_at,
    count(*) AS events
FROM events
WHERE session_id = $session_id::text
GROUP BY session_id, source_ip_address, user_agent
ORDER BY first_at, source_ip_address, user_agent
