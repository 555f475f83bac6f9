-- Which permissions were used on which resources, by which role and which person behind it, and when last?
-- A call that names several resources counts for each of them; one that names none has a row without a resource.
-- param: role text default null
-- param: principal text default null
-- param: account text default null
-- param: action text default null
-- reads: call_permissions, people, accounts
WITH each_resource AS (
    SELECT
        persona_arn,
        persona_id,
        origin_kind,
        origin_id,
        origin_name,
        origin_account_id,
        origin_provider,
        iam_action,
        coalesce(iam_action, split_part(event_source, '.', 1) || ' ' || event_name) AS permission,
        mapping,
        account_id,
        outcome,
        event_id,
        event_time,
        unnest(
            CASE
                WHEN array_length(action_resource_arns) > 0 THEN action_resource_arns
                ELSE make_array(NULL::text)
            END
        ) AS resource_arn
    FROM call_permissions
    WHERE
        ($account::text IS NULL OR account_id = $account::text)
        AND ($action::text IS NULL OR lower(iam_action) = lower($action::text))
        AND (
            $role::text IS NULL
            OR persona_arn = $role::text
            OR (persona_arn LIKE '%:role/%' AND split_part(persona_arn, '/', -1) = $role::text)
        )
)

SELECT
    used.persona_arn,
    min(people.person) AS person,
    used.origin_kind,
    used.origin_id,
    min(used.origin_name) AS origin_name,
    used.origin_account_id,
    used.origin_provider,
    used.iam_action,
    used.permission,
    min(used.mapping) AS mapping,
    used.resource_arn,
    used.account_id,
    min(used.event_time) FILTER (WHERE used.outcome = 'allowed') AS first_used_at,
    max(used.event_time) FILTER (WHERE used.outcome = 'allowed') AS last_used_at,
    count(*) FILTER (WHERE used.outcome = 'allowed') AS use_count,
    count(*) FILTER (WHERE used.outcome = 'denied') AS denied_count,
    max(used.event_time) FILTER (WHERE used.outcome = 'denied') AS last_denied_at,
    last_event_id(used.event_time, used.event_id) AS last_event_id,
    used.persona_id,
    coalesce(min(people.person), min(used.origin_name), used.origin_id, used.origin_kind) AS who,
    coalesce(min(accounts.account_name), split_part(used.persona_arn, ':', 5))
    || ' ' || split_part(used.persona_arn, ':', 6) AS persona
FROM each_resource AS used
LEFT JOIN people
    ON
        used.origin_id = people.person_origin_id
        AND (used.origin_provider IS NOT DISTINCT FROM people.person_origin_provider)
LEFT JOIN accounts ON split_part(used.persona_arn, ':', 5) = accounts.account_id
WHERE
    $principal::text IS NULL
    OR used.origin_id = $principal::text
    OR used.origin_name = $principal::text
    OR used.persona_arn = $principal::text
    OR people.person = $principal::text
GROUP BY
    used.persona_arn, used.persona_id, used.origin_kind, used.origin_id, used.origin_account_id, used.origin_provider,
    used.iam_action, used.permission, used.resource_arn, used.account_id
ORDER BY
    used.persona_arn, used.origin_kind, used.origin_id, used.origin_account_id, used.origin_provider, used.permission,
    used.resource_arn, used.account_id, used.persona_id
