-- Who made or changed what acts later: instances, functions, tasks, users, keys, and the roles that services got?
-- reads: events
SELECT
    event_id,
    event_time,
    session_id,
    request_id,
    recipient_account_id AS account_id,
    unnest(deployed_ids) AS target_id
FROM events
WHERE cardinality(deployed_ids) > 0 AND coalesce(error_code, '') = ''
ORDER BY event_time, event_id, target_id
