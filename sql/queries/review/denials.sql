-- What was refused most, and to whom?
-- A call for which no action is known stands as source and event name.
-- param: top int default 20
-- reads: permission_usage, people
SELECT
    origin_kind,
    origin_id,
    origin_provider,
    persona_arn,
    coalesce(iam_action, split_part(event_source, '.', 1) || ' ' || event_name) AS iam_action,
    sum(denied_count) AS denied,
    max(last_denied_at) AS last_denied_at,
    sum(use_count) AS allowed,
    min(people.person) AS person,
    coalesce(min(people.person), min(origin_name), origin_id, origin_kind) AS who,
    split_part(persona_arn, ':', 5) || ' ' || split_part(persona_arn, ':', 6) AS persona
FROM permission_usage
LEFT JOIN people
    ON
        permission_usage.origin_id = people.person_origin_id
        AND (permission_usage.origin_provider IS NOT DISTINCT FROM people.person_origin_provider)
WHERE denied_count > 0
GROUP BY
    origin_kind, origin_id, origin_account_id, origin_provider, persona_arn,
    coalesce(iam_action, split_part(event_source, '.', 1) || ' ' || event_name)
ORDER BY
    denied DESC, last_denied_at DESC, origin_kind, origin_id, origin_account_id, origin_provider, persona_arn, iam_action
LIMIT $top::bigint
