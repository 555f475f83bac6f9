-- Which accounts and regions are in the logs, from when to when, and with what kinds of calls?
-- A region without a single event may be one without a trail: nothing was collected there, or nothing happened. A long silence may be
-- missing log files, or a quiet night.
-- param: until timestamp default null
-- reads: events, accounts
WITH hours AS (
    SELECT
        recipient_account_id,
        aws_region,
        date_trunc('hour', event_time) AS event_hour,
        min(event_time) AS first_event_time,
        max(event_time) AS last_event_time,
        count(*) AS events,
        count(*) FILTER (WHERE read_only) AS read_events,
        count(*) FILTER (WHERE event_source = 'sts.amazonaws.com') AS sts_events,
        count(*) FILTER (WHERE event_category = 'Data') AS data_events
    FROM events
    WHERE $until::timestamp IS NULL OR event_time < $until::timestamp
    GROUP BY recipient_account_id, aws_region, date_trunc('hour', event_time)
),

steps AS (
    SELECT
        hours.*,
        date_trunc('day', event_hour) AS event_day,
        (to_unixtime(event_hour) - to_unixtime(
            lag(event_hour) OVER (PARTITION BY recipient_account_id, aws_region ORDER BY event_hour)
        )) / 3600 - 1 AS silent_hours
    FROM hours
)

SELECT
    recipient_account_id AS account_id,
    min(accounts.account_name) AS account_name,
    aws_region,
    min(first_event_time) AS first_event_time,
    max(last_event_time) AS last_event_time,
    count(DISTINCT event_day) AS days_with_events,
    date_part('day', max(event_day) - min(event_day)) + 1 - count(DISTINCT event_day) AS days_without,
    coalesce(max(silent_hours), 0) AS longest_silence_hours,
    coalesce(sum(silent_hours), 0) AS silent_hours,
    sum(events) AS events,
    sum(read_events) AS read_events,
    sum(sts_events) AS sts_events,
    sum(data_events) AS data_events
FROM steps
LEFT JOIN accounts ON steps.recipient_account_id = accounts.account_id
GROUP BY recipient_account_id, aws_region
ORDER BY recipient_account_id, aws_region
