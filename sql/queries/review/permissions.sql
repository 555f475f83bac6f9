-- Which permissions were used last through roles, and by whom?
-- The `top` last used; `permission_usage` has all of them.
-- A call for which no action is needed or known stands as source and event name.
-- param: top int default 50
-- reads: permission_usage, people
WITH last_used AS (
    SELECT
        persona_arn,
        origin_kind,
        origin_id,
        min(origin_name) AS origin_name,
        origin_account_id,
        origin_provider,
        coalesce(iam_action, split_part(event_source, '.', 1) || ' ' || event_name) AS iam_action,
        sum(use_count) AS used,
        max(last_used_at) AS last_used_at
    FROM permission_usage
    WHERE use_count > 0 AND persona_arn LIKE '%:role/%'
    GROUP BY
        persona_arn, origin_kind, origin_id, origin_account_id, origin_provider,
        coalesce(iam_action, split_part(event_source, '.', 1) || ' ' || event_name)
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
    last_used_at,
    people.person,
    coalesce(person, origin_name, origin_id, last_used.origin_kind) AS who,
    split_part(persona_arn, ':', 5) || ' ' || split_part(persona_arn, ':', 6) AS persona
FROM last_used
LEFT JOIN people
    ON
        last_used.origin_id = people.person_origin_id
        AND (last_used.origin_provider IS NOT DISTINCT FROM people.person_origin_provider)
ORDER BY persona_arn, origin_kind, origin_id, origin_account_id, origin_provider, last_used_at DESC, iam_action
