-- Which roles and users acted, and when last?
-- param: since timestamp default null
-- param: until timestamp default null
-- reads: sessions
SELECT
    persona_arn,
    persona_id,
    sum(event_count) AS events,
    max(last_used_at) AS last_used_at
FROM sessions
WHERE
    persona_arn IS NOT NULL
    AND event_count > 0
    AND ($since::timestamp IS NULL OR last_used_at >= $since::timestamp)
    AND ($until::timestamp IS NULL OR first_used_at < $until::timestamp)
GROUP BY persona_arn, persona_id
ORDER BY persona_arn, persona_id
