-- Who opened a shell or ran a command on which instance or task?
-- reads: events
SELECT
    date,
    event_id,
    event_time,
    event_source,
    aws_region,
    session_id,
    request_id,
    recipient_account_id AS account_id,
    unnest(operated_ids) AS target_id
FROM events
WHERE cardinality(operated_ids) > 0 AND coalesce(error_code, '') = ''
ORDER BY date, event_time, event_id, target_id
