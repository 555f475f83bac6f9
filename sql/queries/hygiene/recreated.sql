-- Which users and roles were made anew under an old name?
-- Their ARN is the same and their unique id is not: what was granted to the name counts for both, and what the one did is not the
-- other's. One unique id under several ARNs is a renamed user, or masked data.
-- reads: sessions
SELECT
    persona_arn,
    count(DISTINCT persona_id) AS unique_ids,
    array_to_string(array_agg(DISTINCT persona_id ORDER BY persona_id), ', ') AS persona_ids,
    min(coalesce(created_at, first_used_at)) AS first_at,
    max(coalesce(last_used_at, created_at)) AS last_at
FROM sessions
WHERE persona_arn IS NOT NULL AND persona_id IS NOT NULL AND attribution <> 'shared_event'
GROUP BY persona_arn
HAVING count(DISTINCT persona_id) > 1
ORDER BY persona_arn
