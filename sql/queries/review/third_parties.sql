-- Which accounts that are not in the logs came in, as what, and from where?
-- reads: sessions
SELECT
    origin_account_id AS account_id,
    origin_name AS principal_id,
    coalesce(persona_arn, '') AS persona_arn,
    count(*) AS sessions,
    sum(event_count) AS events,
    min(created_at) AS first_at,
    max(last_used_at) AS last_used_at
FROM sessions
WHERE origin_kind = 'external_account'
GROUP BY origin_account_id, origin_name, coalesce(persona_arn, '')
ORDER BY account_id, principal_id, persona_arn
