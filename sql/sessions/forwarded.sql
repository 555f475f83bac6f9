-- Which sessions share a request with the call that caused theirs?
-- Some services make their calls in somebody's name under the id of the request that caused them. A request id that several sessions
-- of one principal show (masked logs) says nothing. Cause and effect lie on one day,
-- within an hour.
-- reads: events
WITH forwarded AS (
    SELECT
        date,
        session_id,
        request_id,
        user_identity_principal_id AS principal_id,
        recipient_account_id,
        min(event_id) AS event_id,
        min(event_time) AS event_time
    FROM events
    WHERE user_identity_type = 'AssumedRole' AND user_identity_invoked_by <> '' AND request_id <> ''
    GROUP BY date, session_id, request_id, user_identity_principal_id, recipient_account_id
),

causes AS (
    SELECT
        date,
        request_id,
        user_identity_principal_id AS principal_id,
        recipient_account_id,
        min(session_id) AS session_id,
        min(event_id) AS event_id,
        min(event_time) AS event_time
    FROM events
    WHERE
        user_identity_type = 'AssumedRole'
        AND coalesce(user_identity_invoked_by, '') = ''
        AND request_id IN (SELECT forwarded.request_id FROM forwarded)
    GROUP BY date, request_id, user_identity_principal_id, recipient_account_id
    HAVING count(DISTINCT session_id) = 1
)

SELECT
    forwarded.date,
    forwarded.session_id,
    causes.session_id AS other_session_id,
    min(forwarded.event_id) AS event_id,
    min(causes.event_id) AS other_event_id
FROM forwarded
INNER JOIN causes
    ON
        forwarded.date = causes.date
        AND forwarded.request_id = causes.request_id
        AND forwarded.principal_id = causes.principal_id
        AND forwarded.recipient_account_id = causes.recipient_account_id
        AND forwarded.session_id <> causes.session_id
        AND forwarded.event_time BETWEEN causes.event_time - INTERVAL '1 minute' AND causes.event_time + INTERVAL '1 hour'
GROUP BY forwarded.date, forwarded.session_id, causes.session_id
ORDER BY forwarded.date, forwarded.session_id, causes.session_id
