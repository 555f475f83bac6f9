-- What was refused most, and to whom?
-- param: top int default 20
-- reads: permission_usage
SELECT
    origin_kind,
    origin_id,
    origin_provider,
    persona_arn,
    iam_action,
    sum(denied_count) AS denied,
    max(last_denied_at) AS last_denied_at,
    sum(use_count) AS allowed
FROM permission_usage
WHERE denied_count > 0
GROUP BY origin_kind, origin_id, origin_account_id, origin_provider, persona_arn, iam_action
ORDER BY
    denied DESC, last_denied_at DESC, origin_kind, origin_id, origin_account_id, origin_provider, persona_arn, iam_action
LIMIT $top::bigint
