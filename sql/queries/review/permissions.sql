-- Which permissions were used through which role, by whom, and when last?
-- param: top int default 50
-- reads: permission_usage
SELECT
    persona_arn,
    origin_id,
    iam_action,
    sum(use_count) AS used,
    max(last_used_at) AS last_used_at
FROM permission_usage
WHERE use_count > 0 AND persona_arn LIKE '%:role/%'
GROUP BY persona_arn, origin_id, iam_action
ORDER BY persona_arn, origin_id, last_used_at DESC, iam_action
LIMIT $top::bigint
