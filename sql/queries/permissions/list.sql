-- Which permissions were used, by which role and which person behind it, and when last?
-- Every parameter that is given narrows the answer. `allowed` calls count as use; refused ones stand apart.
-- param: role text default null
-- param: principal text default null
-- param: account text default null
-- param: action text default null
-- reads: permission_usage, people, accounts
SELECT
    usage.persona_arn,
    people.person,
    usage.origin_kind,
    usage.origin_id,
    usage.origin_name,
    usage.origin_account_id,
    usage.origin_provider,
    usage.iam_action,
    usage.event_source,
    usage.event_name,
    usage.via_service,
    usage.account_id,
    usage.mapping,
    usage.first_used_at,
    usage.last_used_at,
    usage.use_count,
    usage.denied_count,
    usage.last_denied_at,
    usage.authorized_error_count,
    usage.error_count,
    usage.resource_count,
    usage.resource_arns,
    usage.last_event_id,
    usage.persona_id,
    coalesce(usage.iam_action, split_part(usage.event_source, '.', 1) || ' ' || usage.event_name) AS permission,
    coalesce(people.person, usage.origin_name, usage.origin_id, usage.origin_kind) AS who,
    coalesce(accounts.account_name, split_part(usage.persona_arn, ':', 5))
    || ' ' || split_part(usage.persona_arn, ':', 6) AS persona
FROM permission_usage AS usage
LEFT JOIN people
    ON
        usage.origin_id = people.person_origin_id
        AND (usage.origin_provider IS NOT DISTINCT FROM people.person_origin_provider)
LEFT JOIN accounts ON split_part(usage.persona_arn, ':', 5) = accounts.account_id
WHERE
    (
        $role::text IS NULL
        OR usage.persona_arn = $role::text
        OR (
            usage.persona_arn LIKE '%:role/%'
            AND split_part(usage.persona_arn, '/', -1) = $role::text
        )
    )
    AND (
        $principal::text IS NULL
        OR usage.origin_id = $principal::text
        OR usage.origin_name = $principal::text
        OR usage.persona_arn = $principal::text
        OR people.person = $principal::text
    )
    AND ($account::text IS NULL OR usage.account_id = $account::text)
    AND ($action::text IS NULL OR lower(usage.iam_action) = lower($action::text))
ORDER BY
    usage.persona_arn, usage.origin_kind, usage.origin_id, usage.origin_account_id, usage.origin_provider,
    usage.last_used_at DESC NULLS LAST, usage.iam_action, usage.via_service, usage.account_id, usage.persona_id
