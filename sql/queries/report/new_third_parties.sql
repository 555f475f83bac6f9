-- Which callers from accounts that are not in the logs came in a period, and never before?
-- `whose`: `ours, not collected` for an account of the organization; null without `--accounts`.
-- param: since timestamp
-- param: until timestamp
-- reads: sessions, accounts
WITH callers AS (
    SELECT
        origin_account_id AS account_id,
        origin_name AS principal_id,
        coalesce(persona_arn, '') AS persona_arn,
        min(coalesce(created_at, first_used_at)) AS first_at,
        first_value(session_id ORDER BY coalesce(created_at, first_used_at), session_id) AS session_id
    FROM sessions
    WHERE
        origin_kind = 'external_account'
        AND coalesce(created_at, first_used_at) < $until::timestamp
    GROUP BY origin_account_id, origin_name, coalesce(persona_arn, '')
)

SELECT
    callers.first_at,
    callers.account_id,
    callers.principal_id,
    callers.persona_arn,
    CASE
        WHEN (SELECT count(*) FROM accounts) = 0 THEN NULL
        WHEN accounts.account_id IS NULL THEN 'third party'
        ELSE 'ours, not collected'
    END AS whose,
    accounts.account_name,
    callers.session_id
FROM callers
LEFT JOIN accounts ON callers.account_id = accounts.account_id
WHERE callers.first_at >= $since::timestamp
ORDER BY callers.first_at, callers.account_id, callers.principal_id, callers.persona_arn
