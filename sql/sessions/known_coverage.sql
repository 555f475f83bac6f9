-- From when on, and with which kinds of calls, is each account and region in the logs of all days?
-- Needed to say why an issuing event is missing.
-- reads: daily_facts
SELECT
    account_id,
    aws_region,
    min(first_event_time) AS event_time,
    sum(read_events) > 0 AS has_read_events,
    sum(sts_events) > 0 AS has_sts_events
FROM daily_facts
WHERE fact = 'coverage' AND account_id IS NOT NULL
GROUP BY account_id, aws_region
ORDER BY account_id, aws_region
