-- Which calls are in the logs of each account, whoever made them?
-- An action that nobody was ever seen to use may be one whose calls are not logged at all.
-- reads: events
SELECT DISTINCT
    recipient_account_id AS account_id,
    event_source,
    event_name
FROM events
WHERE coalesce(event_category, 'Management') IN ('Management', 'Data')
ORDER BY account_id, event_source, event_name
