-- Which ways from one account into a role of another were taken in a period, and never before?
-- param: since timestamp
-- param: until timestamp
-- reads: sessions, accounts
WITH paths AS (
    SELECT
        coalesce(split_part(parent.persona_arn, ':', 5), parent.origin_account_id) AS from_account_id,
        parent.persona_arn AS from_persona_arn,
        child.role_account_id AS to_account_id,
        child.role_arn AS to_role_arn,
        min(child.created_at) AS first_at,
        first_value(coalesce(child.origin_name, child.origin_id, child.origin_kind) ORDER BY child.created_at, child.session_id)
            AS first_who,
        first_value(child.session_id ORDER BY child.created_at, child.session_id) AS session_id
    FROM sessions AS child
    INNER JOIN sessions AS parent ON child.parent_session_id = parent.session_id
    WHERE
        child.role_account_id IS NOT NULL
        AND child.created_at < $until::timestamp
        AND coalesce(split_part(parent.persona_arn, ':', 5), parent.origin_account_id) <> child.role_account_id
    GROUP BY
        coalesce(split_part(parent.persona_arn, ':', 5), parent.origin_account_id), parent.persona_arn,
        child.role_account_id, child.role_arn
)

SELECT
    paths.first_at,
    paths.from_account_id,
    from_account.account_name AS from_account,
    paths.from_persona_arn,
    paths.to_account_id,
    to_account.account_name AS to_account,
    paths.to_role_arn,
    paths.first_who,
    paths.session_id
FROM paths
LEFT JOIN accounts AS from_account ON paths.from_account_id = from_account.account_id
LEFT JOIN accounts AS to_account ON paths.to_account_id = to_account.account_id
WHERE paths.first_at >= $since::timestamp
ORDER BY paths.first_at, paths.from_persona_arn, paths.to_role_arn, paths.from_account_id
