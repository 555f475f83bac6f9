-- Which accounts that are not in the logs acted in a period, and as what?
-- `whose`: `ours, not collected` for an account of the organization; null without `--accounts`.
-- param: since timestamp
-- param: until timestamp
-- reads: attributed_events, accounts
SELECT
    calls.origin_account_id AS account_id,
    calls.origin_name AS principal_id,
    coalesce(calls.persona_arn, '') AS persona_arn,
    count(DISTINCT calls.session_id) AS sessions,
    count(*) AS events,
    min(calls.event_time) AS first_at,
    max(calls.event_time) AS last_at,
    CASE
        WHEN (SELECT count(*) FROM accounts) = 0 THEN NULL
        WHEN max(accounts.account_id) IS NULL THEN 'third party'
        ELSE 'ours, not collected'
    END AS whose,
    max(accounts.account_name) AS account_name,
    min(split_part(calls.persona_arn, ':', 5) || ' ' || split_part(calls.persona_arn, ':', 6)) AS persona
FROM attributed_events AS calls
LEFT JOIN accounts ON calls.origin_account_id = accounts.account_id
WHERE
    calls.event_time >= $since::timestamp
    AND calls.event_time < $until::timestamp
    AND calls.origin_kind = 'external_account'
GROUP BY calls.origin_account_id, calls.origin_name, coalesce(calls.persona_arn, '')
ORDER BY account_id, principal_id, persona_arn
