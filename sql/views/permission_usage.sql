-- Which permission did which person or workload use, through which persona, when first and when last?
-- Only allowed calls count as use; refused ones stand apart. What was never logged (data events, as a rule) is not here.
-- A call that needed several actions counts for each of them.
-- column: iam_action the action, as the Service Authorization Reference writes it; null where none is needed or known
-- column: mapping how it was found: `exact`, `several`, `inferred`, `refusal`, `none` or `unmapped` (see `call_permissions`)
-- column: via_service the AWS service that made the calls in the principal's name; null where the principal called
-- column: account_id the account whose records these are
-- column: first_used_at the first allowed call
-- column: last_used_at the last allowed call
-- column: use_count allowed calls
-- column: denied_count calls that IAM refused
-- column: last_denied_at the last call that IAM refused
-- column: authorized_error_count calls that failed after IAM had let them pass
-- column: error_count calls that failed otherwise
-- column: last_event_id the last of all these calls
-- column: resource_arns the resources of the calls, at most 100
-- column: resource_count how many resources there are
-- reads: call_permissions
WITH used AS (
    SELECT
        persona_arn,
        persona_id,
        origin_kind,
        origin_id,
        min(origin_name) AS origin_name,
        origin_account_id,
        origin_provider,
        iam_action,
        min(mapping) AS mapping,
        event_source,
        event_name,
        via_service,
        account_id,
        min(event_time) FILTER (WHERE outcome = 'allowed') AS first_used_at,
        max(event_time) FILTER (WHERE outcome = 'allowed') AS last_used_at,
        count(*) FILTER (WHERE outcome = 'allowed') AS use_count,
        count(*) FILTER (WHERE outcome = 'denied') AS denied_count,
        max(event_time) FILTER (WHERE outcome = 'denied') AS last_denied_at,
        count(*) FILTER (WHERE outcome IN ('authorized_error', 'denied_downstream')) AS authorized_error_count,
        count(*) FILTER (WHERE outcome = 'error') AS error_count,
        last_value(event_id ORDER BY event_time, event_id) AS last_event_id
    FROM call_permissions
    GROUP BY
        persona_arn, persona_id, origin_kind, origin_id, origin_account_id, origin_provider, iam_action, event_source,
        event_name, via_service, account_id
),

touched AS (
    SELECT
        persona_arn,
        persona_id,
        origin_kind,
        origin_id,
        origin_account_id,
        origin_provider,
        iam_action,
        event_source,
        event_name,
        via_service,
        account_id,
        array_agg(resource_arn ORDER BY resource_arn) AS resource_arns,
        count(*) AS resource_count
    FROM (
        SELECT DISTINCT
            persona_arn,
            persona_id,
            origin_kind,
            origin_id,
            origin_account_id,
            origin_provider,
            iam_action,
            event_source,
            event_name,
            via_service,
            account_id,
            unnest(action_resource_arns) AS resource_arn
        FROM call_permissions
    ) AS each_resource
    GROUP BY
        persona_arn, persona_id, origin_kind, origin_id, origin_account_id, origin_provider, iam_action, event_source,
        event_name, via_service, account_id
)

SELECT
    used.persona_arn,
    used.persona_id,
    used.origin_kind,
    used.origin_id,
    used.origin_name,
    used.origin_account_id,
    used.origin_provider,
    used.iam_action,
    used.event_source,
    used.event_name,
    used.via_service,
    used.account_id,
    used.mapping,
    used.first_used_at,
    used.last_used_at,
    used.use_count,
    used.denied_count,
    used.last_denied_at,
    used.authorized_error_count,
    used.error_count,
    used.last_event_id,
    array_slice(touched.resource_arns, 1, 100) AS resource_arns,
    coalesce(touched.resource_count, 0) AS resource_count
FROM used
LEFT JOIN touched
    ON
        (used.persona_arn IS NOT DISTINCT FROM touched.persona_arn)
        AND (used.persona_id IS NOT DISTINCT FROM touched.persona_id)
        AND (used.origin_kind IS NOT DISTINCT FROM touched.origin_kind)
        AND (used.origin_id IS NOT DISTINCT FROM touched.origin_id)
        AND (used.origin_account_id IS NOT DISTINCT FROM touched.origin_account_id)
        AND (used.origin_provider IS NOT DISTINCT FROM touched.origin_provider)
        AND (used.iam_action IS NOT DISTINCT FROM touched.iam_action)
        AND (used.event_source IS NOT DISTINCT FROM touched.event_source)
        AND (used.event_name IS NOT DISTINCT FROM touched.event_name)
        AND (used.via_service IS NOT DISTINCT FROM touched.via_service)
        AND (used.account_id IS NOT DISTINCT FROM touched.account_id)
