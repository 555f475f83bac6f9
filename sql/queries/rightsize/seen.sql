-- Which calls are in the logs of each account, whoever made them?
-- An action that nobody was ever seen to use may be one whose calls are not logged at all.
-- param: until timestamp default null
-- reads: events
SELECT DISTINCT
    recipient_account_id AS account_id,
    event_source,
    event_name
FROM events
WHERE
    coalesce(event_category, 'Management') IN ('Management', 'Data')
    AND ($until::timestamp IS NULL OR event_time < $until::timestamp)
ORDER BY account_id, event_source, event_name
