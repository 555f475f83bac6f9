-- Who made or changed what acts later: instances, functions, tasks, users, keys, and the roles that services got?
-- A launch of many instances may have lost its answer for its size: it stands here without a target, and is known by its request.
-- reads: events
SELECT
    date,
    event_id,
    event_time,
    event_source,
    aws_region,
    session_id,
    request_id,
    account_id,
    target_id
FROM (
    SELECT
        date,
        event_id,
        event_time,
        event_source,
        aws_region,
        session_id,
        request_id,
        recipient_account_id AS account_id,
        unnest(deployed_ids) AS target_id
    FROM events
    WHERE cardinality(deployed_ids) > 0 AND coalesce(error_code, '') = ''
    UNION ALL
    SELECT
        date,
        event_id,
        event_time,
        event_source,
        aws_region,
        session_id,
        request_id,
        recipient_account_id AS account_id,
        NULL AS target_id
    FROM events
    WHERE
        event_source = 'ec2.amazonaws.com'
        AND event_name = 'RunInstances'
        AND coalesce(cardinality(deployed_ids), 0) = 0
        AND coalesce(error_code, '') = ''
) AS deeds
ORDER BY date, event_time, event_id, target_id
