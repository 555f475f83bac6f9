-- Which permission was used on which day, by which person or workload, through which persona?
-- The parts of `permission_usage`, which is the same over all days. A lake keeps them by day; where something came since the last
-- resolve they are worked out when they are asked for.
-- reads: call_permissions
SELECT
    persona_arn,
    persona_id,
    origin_kind,
    origin_id,
    origin_name,
    origin_account_id,
    origin_provider,
    iam_action,
    mapping,
    event_source,
    event_name,
    via_service,
    account_id,
    first_used_at,
    last_used_at,
    use_count,
    denied_count,
    last_denied_at,
    authorized_error_count,
    error_count,
    last_event_at,
    last_event_id,
    resources['arns'] AS resource_arns,
    resources['hashes'] AS resource_hashes,
    date
FROM (
    SELECT
        cast(event_time AS date) AS date,
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
        max(event_time) AS last_event_at,
        last_event_id(event_time, event_id) AS last_event_id,
        distinct_resources(action_resource_arns) AS resources
    FROM call_permissions
    GROUP BY
        cast(event_time AS date), persona_arn, persona_id, origin_kind, origin_id, origin_account_id, origin_provider,
        iam_action, event_source, event_name, via_service, account_id
) AS used
