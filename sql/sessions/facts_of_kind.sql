-- What did one of the questions that are asked of each day find, on all of them?
-- param: fact text
-- reads: daily_facts
SELECT *
FROM daily_facts
WHERE fact = $fact
ORDER BY event_time, event_id, target_id
