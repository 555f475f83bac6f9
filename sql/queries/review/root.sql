-- What was done as root, by a root user or under AssumeRoot?
-- param: since timestamp default null
-- param: until timestamp default null
-- reads: attributed_events
SELECT
    recipient_account_id AS account_id,
    event_source,
    event_name,
    origin_kind,
    origin_id,
    count(*) AS calls,
    count(error_code) AS errors,
    min(event_time) AS first_at,
    max(event_time) AS last_at,
    min(source_ip_address) AS example_ip
FROM attributed_events
WHERE
    (origin_kind = 'root' OR user_identity_type = 'Root')
    AND ($since::timestamp IS NULL OR event_time >= $since::timestamp)
    AND ($until::timestamp IS NULL OR event_time < $until::timestamp)
GROUP BY recipient_account_id, event_source, event_name, origin_kind, origin_id
ORDER BY account_id, first_at, event_source, event_name, origin_kind, origin_id
