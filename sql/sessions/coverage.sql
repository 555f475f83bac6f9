-- From when on, and with which kinds of calls, is each account and region in a day's logs?
-- reads: events
SELECT
    date,
    recipient_account_id AS account_id,
    aws_region,
    min(event_time) AS event_time,
    coalesce(bool_or(read_only), false) AS has_read_events,
    coalesce(bool_or(event_source = 'sts.amazonaws.com'), false) AS has_sts_events
FROM events
WHERE recipient_account_id IS NOT NULL
GROUP BY date, recipient_account_id, aws_region
ORDER BY date, account_id, aws_region
