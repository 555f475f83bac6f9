-- Which permissions were used last through roles, and by whom?
-- The `top` last used; `permission_usage` has all of them.
-- param: top int default 50
-- reads: permission_usage
WITH last_used AS (
    SELECT
        persona_arn,
        origin_kind,
        origin_id,
        origin_account_id,
        origin_provider,
        iam_action,
        sum(use_count) AS used,
        max(last_used_at) AS last_used_at
    FROM permission_usage
    WHERE use_count > 0 AND persona_arn LIKE '%:role/%'
    GROUP BY persona_arn, origin_kind, origin_id, origin_account_id, origin_provider, iam_action
    ORDER BY
        last_used_at DESC, persona_arn, origin_kind, origin_id, origin_account_id, origin_provider, iam_action
    LIMIT $top::bigint
)

SELECT
    persona_arn,
    origin_id,
    origin_provider,
    iam_action,
    used,
    last_used_at
FROM last_used
ORDER BY persona_arn, origin_kind, origin_id, origin_account_id, origin_provider, last_used_at DESC, iam_action
