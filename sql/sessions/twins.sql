-- Which session made a call that another account recorded without naming the caller?
-- Both accounts' copies carry one `sharedEventID`; only the caller's own account tells who it was. Where that id is gone, the same request
-- at the same time is the same call, and a little less sure. Each side is grouped before it is joined: in masked logs
-- one id may stand on every record.
-- reads: events
WITH theirs AS (
    SELECT
        session_id,
        shared_event_id,
        request_id,
        event_name,
        event_time,
        recipient_account_id,
        min(event_id) AS event_id
    FROM events
    WHERE user_identity_type = 'AWSAccount'
    GROUP BY session_id, shared_event_id, request_id, event_name, event_time, recipient_account_id
),

ours AS (
    SELECT
        session_id,
        shared_event_id,
        request_id,
        event_name,
        event_time,
        recipient_account_id,
        min(event_id) AS event_id
    FROM events
    WHERE user_identity_type <> 'AWSAccount' AND (shared_event_id IS NOT NULL OR event_source = 'sts.amazonaws.com')
    GROUP BY session_id, shared_event_id, request_id, event_name, event_time, recipient_account_id
)

SELECT
    session_id,
    twin_session_id,
    min(event_id) AS event_id,
    min(twin_event_id) AS twin_event_id,
    bool_or(is_shared) AS is_shared
FROM (
    SELECT
        theirs.session_id,
        ours.session_id AS twin_session_id,
        theirs.event_id,
        ours.event_id AS twin_event_id,
        true AS is_shared
    FROM theirs
    INNER JOIN ours
        ON
            theirs.shared_event_id = ours.shared_event_id
            AND theirs.event_name = ours.event_name
            AND theirs.recipient_account_id <> ours.recipient_account_id
    WHERE theirs.shared_event_id <> ''
    UNION ALL
    SELECT
        theirs.session_id,
        ours.session_id AS twin_session_id,
        theirs.event_id,
        ours.event_id AS twin_event_id,
        false AS is_shared
    FROM theirs
    INNER JOIN ours
        ON
            theirs.request_id = ours.request_id
            AND theirs.event_name = ours.event_name
            AND theirs.event_time = ours.event_time
            AND theirs.recipient_account_id <> ours.recipient_account_id
    WHERE
        theirs.request_id <> ''
        AND (coalesce(theirs.shared_event_id, '') = '' OR coalesce(ours.shared_event_id, '') = '')
) AS pairs
GROUP BY session_id, twin_session_id
ORDER BY session_id, twin_session_id
