-- Which calls of the days that go handed out credentials that can be in use on the days that stay, or speak of who did?
-- AWS allows credentials 36 hours at most.
-- param: before timestamp
-- reads: all_issues
SELECT *
FROM all_issues
WHERE
    event_time < $before
    AND event_time >= $before - INTERVAL '36 hours'
ORDER BY event_time, event_id
