-- Which session grew out of which: by credentials it asked for, or by a user, key or workload it made.
-- `session`: the calls of the first handed out the credentials of the second. `access_key`: the first made the long-lived key that the
-- second uses. `user`: the first made the IAM user who acts in the second. `workload`: the first launched or
-- deployed the workload that acts in the second, the last time before it. Follow the rows from a session to all that grew out of it. A call that
-- another account recorded as well is no session of its own here: what it handed out grew out of the caller's session.
-- column: parent_session_id the session out of which the other grew
-- column: session_id the session that grew out of it
-- column: via how: `session`, `access_key`, `user` or `workload`
-- column: evidence_event_id the event that made it
-- reads: events, sessions
SELECT
    coalesce(copy.parent_session_id, child.parent_session_id) AS parent_session_id,
    child.session_id,
    'session' AS via,
    child.issuing_event_id AS evidence_event_id
FROM sessions AS child
LEFT JOIN sessions AS copy
    ON
        child.parent_session_id = copy.session_id
        AND copy.attribution = 'shared_event'
WHERE child.parent_session_id IS NOT NULL AND child.attribution <> 'shared_event'
UNION ALL
SELECT
    made.session_id AS parent_session_id,
    in_use.session_id,
    'access_key' AS via,
    made.event_id AS evidence_event_id
FROM events AS made
INNER JOIN (
    SELECT
        session_id,
        last_used_at,
        unnest(access_key_ids) AS access_key_id
    FROM sessions
) AS in_use ON made.created_access_key_id = in_use.access_key_id
WHERE
    made.created_access_key_id IS NOT NULL
    AND coalesce(made.error_code, '') = ''
    AND made.session_id <> in_use.session_id
    AND in_use.last_used_at >= made.event_time
UNION ALL
SELECT
    made.session_id AS parent_session_id,
    sessions.session_id,
    'user' AS via,
    made.event_id AS evidence_event_id
FROM events AS made
INNER JOIN sessions ON made.created_principal_id = sessions.persona_id
WHERE
    made.event_name = 'CreateUser'
    AND coalesce(made.error_code, '') = ''
    AND made.session_id <> sessions.session_id
    AND sessions.last_used_at >= made.event_time
UNION ALL
SELECT
    made.session_id AS parent_session_id,
    sessions.session_id,
    'workload' AS via,
    made.event_id AS evidence_event_id
FROM sessions
INNER JOIN events AS made ON sessions.created_by_event_id = made.event_id
WHERE sessions.origin_kind <> 'iam_user' AND made.session_id <> sessions.session_id
