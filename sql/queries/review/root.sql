-- What did root users do?
-- reads: attributed_events
SELECT
    recipient_account_id AS account_id,
    event_source,
    event_name,
    count(*) AS calls,
    count(error_code) AS errors,
    min(event_time) AS first_at,
    max(event_time) AS last_at,
    min(source_ip_address) AS example_ip
FROM attributed_events
WHERE origin_kind = 'root'
GROUP BY recipient_account_id, event_source, event_name
ORDER BY account_id, first_at, event_source, event_name
