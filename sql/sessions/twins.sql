-- Which session made a call that another account recorded without naming the caller?
-- Both accounts' copies carry one `sharedEventID`; only the caller's own account tells who it was.
-- reads: events
SELECT
    theirs.session_id AS session_id,
    ours.session_id AS twin_session_id,
    min(theirs.event_id) AS event_id,
    min(ours.event_id) AS twin_event_id
FROM events AS theirs
INNER JOIN events AS ours
    ON
        theirs.shared_event_id = ours.shared_event_id
        AND theirs.event_name = ours.event_name
        AND theirs.recipient_account_id <> ours.recipient_account_id
WHERE
    theirs.user_identity_type = 'AWSAccount'
    AND ours.user_identity_type <> 'AWSAccount'
GROUP BY theirs.session_id, ours.session_id
ORDER BY session_id, twin_session_id
