-- Which actions did a role or user need, on which resources, for whom, and what came of it?
-- One row for each set of resources. Errors that tell nothing of permissions are left out. `persona_id` tells a role from one that
-- had its name before.
-- param: persona text
-- param: since timestamp default null
-- param: until timestamp default null
-- reads: call_permissions, people
SELECT
    calls.persona_arn,
    calls.persona_id,
    calls.origin_kind,
    calls.origin_id,
    calls.origin_account_id,
    calls.origin_provider,
    coalesce(min(people.person), min(calls.origin_name), calls.origin_id, calls.origin_kind) AS who,
    calls.iam_action,
    calls.mapping,
    calls.event_source,
    calls.event_name,
    calls.via_service,
    calls.account_id,
    calls.aws_region,
    calls.outcome,
    calls.action_resource_arns,
    count(*) AS calls,
    min(calls.event_time) AS first_used_at,
    max(calls.event_time) AS last_used_at,
    last_event_id(calls.event_time, calls.event_id) AS last_event_id
FROM call_permissions AS calls
LEFT JOIN people
    ON
        calls.origin_id = people.person_origin_id
        AND (calls.origin_provider IS NOT DISTINCT FROM people.person_origin_provider)
WHERE
    calls.outcome <> 'error'
    AND (
        calls.persona_arn = $persona::text
        OR (calls.persona_arn LIKE '%:role/%' AND split_part(calls.persona_arn, '/', -1) = $persona::text)
    )
    AND ($since::timestamp IS NULL OR calls.event_time >= $since::timestamp)
    AND ($until::timestamp IS NULL OR calls.event_time < $until::timestamp)
GROUP BY
    calls.persona_arn, calls.persona_id, calls.origin_kind, calls.origin_id, calls.origin_account_id,
    calls.origin_provider, calls.iam_action, calls.mapping, calls.event_source, calls.event_name, calls.via_service,
    calls.account_id, calls.aws_region, calls.outcome, calls.action_resource_arns
ORDER BY
    calls.persona_arn, calls.persona_id, calls.origin_kind, calls.origin_id, calls.origin_account_id,
    calls.origin_provider, calls.iam_action, calls.mapping, calls.event_source, calls.event_name, calls.via_service,
    calls.account_id, calls.aws_region, calls.outcome, calls.action_resource_arns
