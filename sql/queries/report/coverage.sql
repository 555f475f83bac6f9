-- Which accounts and regions spoke in a period, and which had spoken in the seven days before and fell silent?
-- A silent one has no `events` and some `events_before`: its trail may be off, its log files may be late, or nothing happened there.
-- param: since timestamp
-- param: until timestamp
-- reads: events, accounts
SELECT
    events.recipient_account_id AS account_id,
    min(accounts.account_name) AS account_name,
    events.aws_region,
    count(*) FILTER (WHERE events.event_time >= $since::timestamp) AS events,
    count(*) FILTER (WHERE events.event_time < $since::timestamp) AS events_before,
    count(*) FILTER (WHERE events.event_time >= $since::timestamp) = 0 AS is_silent,
    count(DISTINCT CASE WHEN events.event_time >= $since::timestamp THEN date_bin(INTERVAL '1 hour', events.event_time) END)
        AS hours_with_events,
    min(CASE WHEN events.event_time >= $since::timestamp THEN events.event_time END) AS first_event_time,
    max(CASE WHEN events.event_time >= $since::timestamp THEN events.event_time END) AS last_event_time
FROM events
LEFT JOIN accounts ON events.recipient_account_id = accounts.account_id
WHERE
    events.event_time >= $since::timestamp - INTERVAL '7 days'
    AND events.event_time < $until::timestamp
GROUP BY events.recipient_account_id, events.aws_region
ORDER BY events.recipient_account_id, events.aws_region
