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
-- reads: daily_usage
SELECT
    persona_arn,
    persona_id,
    origin_kind,
    origin_id,
    origin_name,
    origin_account_id,
    origin_provider,
    iam_action,
    event_source,
    event_name,
    via_service,
    account_id,
    mapping,
    first_used_at,
    last_used_at,
    use_count,
    denied_count,
    last_denied_at,
    authorized_error_count,
    error_count,
    last_event_id,
    CASE WHEN resources['count'] > 0 THEN resources['arns'] END AS resource_arns,
    resources['count'] AS resource_count
FROM (
    SELECT
        persona_arn,
        persona_id,
        origin_kind,
        origin_id,
        min(origin_name) AS origin_name,
        origin_account_id,
        origin_provider,
        iam_action,
        event_source,
        event_name,
        via_service,
        account_id,
        min(mapping) AS mapping,
        min(first_used_at) AS first_used_at,
        max(last_used_at) AS last_used_at,
        sum(use_count) AS use_count,
        sum(denied_count) AS denied_count,
        max(last_denied_at) AS last_denied_at,
        sum(authorized_error_count) AS authorized_error_count,
        sum(error_count) AS error_count,
        last_event_id(last_event_at, last_event_id) AS last_event_id,
        distinct_resources(resource_arns, resource_hashes) AS resources
    FROM daily_usage
    GROUP BY
        persona_arn, persona_id, origin_kind, origin_id, origin_account_id, origin_provider, iam_action, event_source,
        event_name, via_service, account_id
) AS used
