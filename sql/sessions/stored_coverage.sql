-- Which accounts and regions are in the logs of each day, as it is kept?
-- reads: daily_facts
SELECT
    cast(day AS date) AS date,
    account_id,
    aws_region,
    first_event_time,
    last_event_time,
    events,
    read_events,
    sts_events,
    data_events,
    hours
FROM daily_facts
WHERE fact = 'coverage'
ORDER BY date, account_id, aws_region
