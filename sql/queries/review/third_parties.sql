-- Which accounts that are not in the logs came in, as what, and from where?
-- `whose`: `ours` for an account of the organization that was not collected, `third party` for any other; null without `--accounts`.
-- reads: sessions, accounts
SELECT
    origin_account_id AS account_id,
    origin_name AS principal_id,
    coalesce(persona_arn, '') AS persona_arn,
    count(*) AS sessions,
    sum(event_count) AS events,
    min(created_at) AS first_at,
    max(last_used_at) AS last_used_at,
    CASE
        WHEN (SELECT count(*) FROM accounts) = 0 THEN NULL
        WHEN max(accounts.account_id) IS NULL THEN 'third party'
        ELSE 'ours, not collected'
    END AS whose,
    max(accounts.account_name) AS account_name,
    min(split_part(persona_arn, ':', 5) || ' ' || split_part(persona_arn, ':', 6)) AS persona
FROM sessions
LEFT JOIN accounts ON sessions.origin_account_id = accounts.account_id
WHERE origin_kind = 'external_account'
GROUP BY origin_account_id, origin_name, coalesce(persona_arn, '')
ORDER BY account_id, principal_id, persona_arn
