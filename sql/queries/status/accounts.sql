-- Which accounts and regions are in the logs, from when to when, and with what kinds of calls?
-- A region without a single event may be one without a trail: nothing was collected there, or nothing happened. A long silence may be
-- missing log files, or a quiet night.
-- param: until timestamp default null
-- reads: daily_coverage, events, accounts
WITH days AS (
    SELECT *
    FROM daily_coverage
    WHERE $until::timestamp IS NULL OR date < cast($until::timestamp AS date)
    UNION ALL
    -- The day that `until` cuts, hour by hour.
    SELECT
        date,
        recipient_account_id AS account_id,
        aws_region,
        min(event_time) AS first_event_time,
        max(event_time) AS last_event_time,
        count(*) AS events,
        count(*) FILTER (WHERE read_only) AS read_events,
        count(*) FILTER (WHERE event_source = 'sts.amazonaws.com') AS sts_events,
        count(*) FILTER (WHERE event_category = 'Data') AS data_events,
        make_array((to_unixtime(date_bin(INTERVAL '1 hour', event_time)) - to_unixtime(date)) / 3600) AS hours
    FROM events
    WHERE date = cast($until::timestamp AS date) AND event_time < $until::timestamp
    GROUP BY date, recipient_account_id, aws_region, date_bin(INTERVAL '1 hour', event_time)
),

silences AS (
    SELECT
        account_id,
        aws_region,
        event_hour - lag(event_hour) OVER (PARTITION BY account_id, aws_region ORDER BY event_hour) - 1 AS silent_hours
    FROM (
        SELECT
            account_id,
            aws_region,
            to_unixtime(date) / 3600 + unnest(hours) AS event_hour
        FROM days
    ) AS by_hour
),

silent AS (
    SELECT
        account_id,
        aws_region,
        coalesce(max(silent_hours), 0) AS longest_silence_hours,
        coalesce(sum(silent_hours), 0) AS silent_hours
    FROM silences
    GROUP BY account_id, aws_region
),

spoke AS (
    SELECT
        account_id,
        aws_region,
        min(first_event_time) AS first_event_time,
        max(last_event_time) AS last_event_time,
        count(DISTINCT date) AS days_with_events,
        (to_unixtime(max(date)) - to_unixtime(min(date))) / 86400 + 1 AS days,
        sum(events) AS events,
        sum(read_events) AS read_events,
        sum(sts_events) AS sts_events,
        sum(data_events) AS data_events
    FROM days
    GROUP BY account_id, aws_region
)

SELECT
    spoke.account_id,
    accounts.account_name,
    spoke.aws_region,
    spoke.first_event_time,
    spoke.last_event_time,
    spoke.days_with_events,
    spoke.days - spoke.days_with_events AS days_without,
    silent.longest_silence_hours,
    silent.silent_hours,
    spoke.events,
    spoke.read_events,
    spoke.sts_events,
    spoke.data_events
FROM spoke
INNER JOIN silent
    ON
        (spoke.account_id IS NOT DISTINCT FROM silent.account_id)
        AND (spoke.aws_region IS NOT DISTINCT FROM silent.aws_region)
LEFT JOIN (
    SELECT
        account_id,
        min(account_name) AS account_name
    FROM accounts
    GROUP BY account_id
) AS accounts ON spoke.account_id = accounts.account_id
ORDER BY spoke.account_id, spoke.aws_region
