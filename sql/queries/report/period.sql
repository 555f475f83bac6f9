-- How many events does the lake hold of a period?
-- param: since timestamp
-- param: until timestamp
-- reads: events
SELECT count(*) AS events
FROM events
WHERE event_time >= $since::timestamp AND event_time < $until::timestamp
ORDER BY events
