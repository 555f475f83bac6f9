-- Which accounts and regions are in a day's logs, from when to when, at which hours, and with what kinds of calls?
-- `date_bin` where `date_trunc` would do: that one goes through the calendar of a time zone for each row.
-- reads: events
SELECT
    date,
    account_id,
    aws_region,
    min(first_event_time) AS first_event_time,
    max(last_event_time) AS last_event_time,
    sum(events) AS events,
    sum(read_events) AS read_events,
    sum(sts_events) AS sts_events,
    sum(data_events) AS data_events,
    array_agg((to_unixtime(event_hour) - to_unixtime(date)) / 3600 ORDER BY event_hour) AS hours
FROM (
    SELECT
        date,
        recipient_account_id AS account_id,
        aws_region,
        date_bin(INTERVAL '1 hour', event_time) AS event_hour,
        min(event_time) AS first_event_time,
        max(event_time) AS last_event_time,
        count(*) AS events,
        count(*) FILTER (WHERE read_only) AS read_events,
        count(*) FILTER (WHERE event_source = 'sts.amazonaws.com') AS sts_events,
        count(*) FILTER (WHERE event_category = 'Data') AS data_events
    FROM events
    GROUP BY date, recipient_account_id, aws_region, date_bin(INTERVAL '1 hour', event_time)
) AS by_hour
GROUP BY date, account_id, aws_region
ORDER BY date, account_id, aws_region
