-- Which session made a call that another account recorded without naming the caller?
-- Both accounts' copies carry one `sharedEventID`, and show the caller's account and unique id; only the caller's own account tells who it
-- was. Where the shared id is gone, the same request to STS at the same time is the same call, and a little less sure. Each side is
-- grouped before it is joined, and an id that stands on many sessions of a day is a mask, and joins nothing. Both copies lie on one
-- day, and close together.
-- reads: events
WITH theirs AS (
    SELECT
        date,
        session_id,
        shared_event_id AS call_id,
        event_name,
        recipient_account_id,
        user_identity_account_id AS account_id,
        user_identity_principal_id AS principal_id,
        min(event_id) AS event_id,
        min(event_time) AS event_time
    FROM events
    WHERE user_identity_type = 'AWSAccount' AND shared_event_id <> ''
    GROUP BY
        date, session_id, shared_event_id, event_name, recipient_account_id, user_identity_account_id,
        user_identity_principal_id
),

ours AS (
    SELECT
        date,
        session_id,
        shared_event_id AS call_id,
        event_name,
        recipient_account_id,
        user_identity_account_id AS account_id,
        user_identity_principal_id AS principal_id,
        min(event_id) AS event_id,
        min(event_time) AS event_time
    FROM events
    WHERE
        user_identity_type <> 'AWSAccount'
        AND shared_event_id IN (SELECT theirs.call_id FROM theirs)
    GROUP BY
        date, session_id, shared_event_id, event_name, recipient_account_id, user_identity_account_id,
        user_identity_principal_id
),

masks AS (
    SELECT
        date,
        call_id
    FROM ours
    GROUP BY date, call_id
    HAVING count(DISTINCT session_id) > 8
),

their_requests AS (
    SELECT
        date,
        session_id,
        request_id || ' ' || event_time::text AS call_id,
        event_name,
        recipient_account_id,
        user_identity_account_id AS account_id,
        user_identity_principal_id AS principal_id,
        min(event_id) AS event_id
    FROM events
    WHERE
        user_identity_type = 'AWSAccount'
        AND event_source = 'sts.amazonaws.com'
        AND request_id <> ''
    GROUP BY
        date, session_id, request_id, event_time, event_name, recipient_account_id, user_identity_account_id,
        user_identity_principal_id
),

our_requests AS (
    SELECT
        date,
        session_id,
        request_id || ' ' || event_time::text AS call_id,
        event_name,
        recipient_account_id,
        user_identity_account_id AS account_id,
        user_identity_principal_id AS principal_id,
        min(event_id) AS event_id
    FROM events
    WHERE
        user_identity_type <> 'AWSAccount'
        AND event_source = 'sts.amazonaws.com'
        AND request_id <> ''
        AND coalesce(shared_event_id, '') = ''
    GROUP BY
        date, session_id, request_id, event_time, event_name, recipient_account_id, user_identity_account_id,
        user_identity_principal_id
)

SELECT
    date,
    session_id,
    other_session_id,
    min(event_id) AS event_id,
    min(other_event_id) AS other_event_id,
    bool_or(is_shared) AS is_shared
FROM (
    SELECT
        theirs.date,
        theirs.session_id,
        ours.session_id AS other_session_id,
        theirs.event_id,
        ours.event_id AS other_event_id,
        true AS is_shared
    FROM theirs
    INNER JOIN ours
        ON
            theirs.date = ours.date
            AND theirs.call_id = ours.call_id
            AND theirs.event_name = ours.event_name
            AND theirs.recipient_account_id <> ours.recipient_account_id
            AND coalesce(theirs.account_id = ours.account_id, true)
            AND coalesce(theirs.principal_id = ours.principal_id, true)
            AND theirs.event_time BETWEEN ours.event_time - INTERVAL '10 minutes' AND ours.event_time + INTERVAL '10 minutes'
    LEFT ANTI JOIN masks ON ours.date = masks.date AND ours.call_id = masks.call_id
    UNION ALL
    SELECT
        their_requests.date,
        their_requests.session_id,
        our_requests.session_id AS other_session_id,
        their_requests.event_id,
        our_requests.event_id AS other_event_id,
        false AS is_shared
    FROM their_requests
    INNER JOIN our_requests
        ON
            their_requests.date = our_requests.date
            AND their_requests.call_id = our_requests.call_id
            AND their_requests.event_name = our_requests.event_name
            AND their_requests.recipient_account_id <> our_requests.recipient_account_id
            AND coalesce(their_requests.account_id = our_requests.account_id, true)
            AND coalesce(their_requests.principal_id = our_requests.principal_id, true)
) AS pairs
GROUP BY date, session_id, other_session_id
ORDER BY date, session_id, other_session_id
