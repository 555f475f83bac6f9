-- From which addresses and with which programs was a session used?
-- `since` and `last` are for whoever knows its first and its last call: only the days between them are read.
-- param: session_id text
-- param: since timestamp default null
-- param: last timestamp default null
-- reads: events
SELECT
    session_id,
    source_ip_address,
    user_agent,
    min(event_time) AS first_at,
    max(event_time) AS last_at,
    count(*) AS events
FROM events
WHERE
    session_id = $session_id::text
    AND ($since::timestamp IS NULL OR event_time >= $since::timestamp)
    AND ($last::timestamp IS NULL OR event_time <= $last::timestamp)
GROUP BY session_id, source_ip_address, user_agent
ORDER BY first_at, source_ip_address, user_agent
