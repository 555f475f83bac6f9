-- From when on, and with which kinds of calls, is each account and region in the logs of all days?
-- Needed to say why an issuing event is missing.
-- reads: daily_facts
SELECT
    account_id,
    aws_region,
    min(event_time) AS event_time,
    bool_or(has_read_events) AS has_read_events,
    bool_or(has_sts_events) AS has_sts_events
FROM daily_facts
WHERE fact = 'coverage'
GROUP BY account_id, aws_region
ORDER BY account_id, aws_region
