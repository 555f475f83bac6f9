-- What is in the row of one event?
-- param: event_id text
-- reads: events
SELECT *
FROM events
WHERE event_id = $event_id::text
ORDER BY event_id
