-- Which accounts and regions are in the logs, from when to when?
-- A region without a single event may be one without a trail: nothing was collected there, or nothing happened.
-- reads: events, accounts
SELECT
    recipient_account_id AS account_id,
    min(accounts.account_name) AS account_name,
    aws_region,
    min(event_time) AS first_event_time,
    max(event_time) AS last_event_time,
    count(DISTINCT date) AS days_with_events,
    date_part('day', date_trunc('day', max(event_time)) - date_trunc('day', min(event_time))) + 1
    - count(DISTINCT date) AS days_without,
    count(*) AS events
FROM events
LEFT JOIN accounts ON events.recipient_account_id = accounts.account_id
GROUP BY recipient_account_id, aws_region
ORDER BY recipient_account_id, aws_region
