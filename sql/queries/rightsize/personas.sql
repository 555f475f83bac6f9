-- Which personas of that ARN or name are in the logs, and when were they used?
-- Two ids under one ARN are two roles, one after the other.
-- param: persona text
-- reads: sessions
SELECT
    persona_arn,
    persona_id,
    min(first_used_at) AS first_used_at,
    max(last_used_at) AS last_used_at,
    sum(event_count) AS events
FROM sessions
WHERE
    persona_arn = $persona::text
    OR (persona_arn LIKE '%:role/%' AND split_part(persona_arn, '/', -1) = $persona::text)
GROUP BY persona_arn, persona_id
ORDER BY persona_arn, persona_id
