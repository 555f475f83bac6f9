-- Which session made a call that another account recorded without naming the caller?
-- Both accounts' copies carry one `sharedEventID`; only the caller's own account tells who it was. Where that id is gone, the same request
-- to STS at the same time is the same call, and a little less sure. Each side is grouped before it is joined: in masked
-- logs one id may stand on every record.
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

shared AS (
    SELECT
        session_id,
        shared_event_id,
        event_name,
        recipient_account_id,
        min(event_id) AS event_id
    FROM events
    WHERE
        user_identity_type <> 'AWSAccount'
        AND shared_event_id <> ''
        AND shared_event_id IN (SELECT theirs.shared_event_id FROM theirs)
    GROUP BY session_id, shared_event_id, event_name, recipient_account_id
),

requested AS (
    SELECT
        session_id,
        shared_event_id,
        request_id,
        event_name,
        event_time,
        recipient_account_id,
        min(event_id) AS event_id
    FROM events
    WHERE
        user_identity_type <> 'AWSAccount'
        AND event_source = 'sts.amazonaws.com'
        AND request_id <> ''
        AND request_id IN (SELECT theirs.request_id FROM theirs)
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
        shared.session_id AS twin_session_id,
        theirs.event_id,
        shared.event_id AS twin_event_id,
        true AS is_shared
    FROM theirs
    INNER JOIN shared
        ON
            theirs.shared_event_id = shared.shared_event_id
            AND theirs.event_name = shared.event_name
            AND theirs.recipient_account_id <> shared.recipient_account_id
    UNION ALL
    SELECT
        theirs.session_id,
        requested.session_id AS twin_session_id,
        theirs.event_id,
        requested.event_id AS twin_event_id,
        false AS is_shared
    FROM theirs
    INNER JOIN requested
        ON
            theirs.request_id = requested.request_id
            AND theirs.event_name = requested.event_name
            AND theirs.event_time = requested.event_time
            AND theirs.recipient_account_id <> requested.recipient_account_id
    WHERE coalesce(theirs.shared_event_id, '') = '' OR coalesce(requested.shared_event_id, '') = ''
) AS pairs
GROUP BY session_id, twin_session_id
ORDER BY session_id, twin_session_id
