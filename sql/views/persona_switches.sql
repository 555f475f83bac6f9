-- When did a person or workload change from one persona to another?
-- `explicit`: a call handed out credentials of the new persona, or left a role in the console. `observed`: their calls changed persona, as when somebody goes back
-- to their own identity, which no event records. `concurrent`: calls of two personas alternate within `debounce` (five minutes, see
-- `switch_rules`); one row for each pair and day, `event_count` is the number of changes it stands for. Getting a session token or renewing a role from itself is no switch.
-- column: switched_at when the new persona was taken or first seen; of `concurrent` ones the first change of the day
-- column: from_persona_arn the persona before; null where somebody comes in from outside
-- column: to_persona_arn the persona after
-- column: from_session_id the session before
-- column: to_session_id the session after
-- column: from_account_id the account of the persona before
-- column: to_account_id the account of the persona after
-- column: kind `explicit`, `observed` or `concurrent`
-- column: is_cross_account true where the personas belong to two accounts
-- column: is_chained true where the new persona was reached through another role
-- column: evidence_event_id the call that took the persona, or the first that shows it
-- column: last_used_at the last call of the new persona's session
-- column: event_count calls of that session; of `concurrent` ones the changes of the day
-- reads: attributed_events, direct_calls, persona_intervals, sessions, switch_rules
WITH taken AS (
    SELECT
        child.issuing_event_id,
        -- The session that holds the issued key itself, before the service's calls made in its name.
        first_value(
            child.session_id
            ORDER BY CASE WHEN child.attribution = 'issued_key' THEN 0 ELSE 1 END, child.session_id
        ) AS session_id,
        sum(child.event_count) AS event_count,
        max(child.last_used_at) AS last_used_at
    FROM sessions AS child
    WHERE child.issuing_event_id IS NOT NULL
    GROUP BY child.issuing_event_id
),

-- Another account's copy of a call is no session of its own: the caller's is.
callers AS (
    SELECT
        session_id,
        CASE
            WHEN attribution = 'shared_event' AND parent_session_id IS NOT NULL THEN parent_session_id
            ELSE session_id
        END AS caller_session_id
    FROM sessions
),

issued_switches AS (
    SELECT
        child.origin_kind,
        child.origin_id,
        child.origin_name,
        child.origin_account_id,
        child.origin_provider,
        child.created_at AS switched_at,
        parent.persona_arn AS from_persona_arn,
        child.persona_arn AS to_persona_arn,
        parent.session_id AS from_session_id,
        child.session_id AS to_session_id,
        split_part(parent.persona_arn, ':', 5) AS from_account_id,
        split_part(child.persona_arn, ':', 5) AS to_account_id,
        child.issuing_api,
        child.hop_count,
        child.hop_count > 1 AS is_chained,
        child.issuing_event_id AS evidence_event_id,
        child.confidence,
        child.expires_at,
        taken.last_used_at,
        taken.event_count
    FROM taken
    INNER JOIN sessions AS child ON taken.session_id = child.session_id
    LEFT JOIN callers ON child.parent_session_id = callers.session_id
    LEFT JOIN sessions AS parent ON callers.caller_session_id = parent.session_id
    WHERE
        child.origin_kind NOT IN ('aws_service', 'external_account', 'anonymous', 'unresolved')
        AND (child.persona_arn IS DISTINCT FROM parent.persona_arn)
        AND child.issuing_api NOT IN ('GetSessionToken', 'ConsoleLogin', 'GetSigninToken', 'CreateOAuth2Token')
),

-- Whoever gets the same role from the same persona again, shortly before or after the last credentials end, renews them, and does not
-- switch; nor does whoever comes from no persona (a workload, a single sign-on) and gets it again before they end.
explicit_switches AS (
    SELECT
        issued_switches.*,
        coalesce(
            to_unixtime(lag(expires_at) OVER whose) + switch_rules.merge_gap_seconds >= to_unixtime(switched_at)
            AND (
                from_persona_arn IS NULL
                OR to_unixtime(lag(expires_at) OVER whose) - switch_rules.merge_gap_seconds <= to_unixtime(switched_at)
            ),
            false
        ) AS is_renewal
    FROM issued_switches
    CROSS JOIN switch_rules
    WINDOW whose AS (
        PARTITION BY
            origin_kind, origin_id, origin_account_id, origin_provider, from_persona_arn, to_persona_arn
        ORDER BY switched_at, evidence_event_id
    )
),

-- Leaving a role in the console goes back to the identity that switched to it.
exits AS (
    SELECT
        worn.event_id,
        base.session_id,
        base.persona_arn,
        base.hop_count
    FROM (
        SELECT
            left_role.event_id,
            last_value(taken_role.parent_session_id ORDER BY taken_role.created_at, taken_role.session_id)
                AS parent_session_id
        FROM attributed_events AS left_role
        INNER JOIN sessions AS taken_role
            ON
                left_role.user_identity_principal_id = taken_role.role_id || ':' || taken_role.session_name
                AND taken_role.created_at <= left_role.event_time
                AND left_role.origin_id = taken_role.origin_id
        WHERE
            left_role.event_source = 'signin.amazonaws.com'
            AND left_role.event_name = 'ExitRole'
            AND coalesce(left_role.sign_in_succeeded, true)
            AND taken_role.parent_session_id IS NOT NULL
            AND taken_role.attribution <> 'only_session_alive'
        GROUP BY left_role.event_id
    ) AS worn
    INNER JOIN callers ON worn.parent_session_id = callers.session_id
    INNER JOIN sessions AS base ON callers.caller_session_id = base.session_id
    WHERE base.persona_arn IS NOT NULL
),

calls AS (
    SELECT
        direct_calls.origin_kind,
        direct_calls.origin_id,
        direct_calls.origin_name,
        direct_calls.origin_account_id,
        direct_calls.origin_provider,
        direct_calls.event_time,
        direct_calls.event_id,
        coalesce(exits.session_id, direct_calls.session_id) AS session_id,
        coalesce(exits.persona_arn, direct_calls.persona_arn) AS persona_arn,
        coalesce(exits.hop_count, direct_calls.hop_count) AS hop_count,
        direct_calls.confidence,
        exits.event_id IS NOT NULL AS is_exit
    -- The few exits on the left: a join keeps its left side in memory.
    FROM exits
    RIGHT JOIN direct_calls ON exits.event_id = direct_calls.event_id
),

ordered AS (
    SELECT
        calls.origin_kind,
        calls.origin_id,
        calls.origin_name,
        calls.origin_account_id,
        calls.origin_provider,
        calls.event_time,
        calls.event_id,
        calls.session_id,
        calls.persona_arn,
        calls.hop_count,
        calls.confidence,
        calls.is_exit,
        row_number() OVER (PARTITION BY calls.session_id ORDER BY event_time, event_id) = 1 AS is_first,
        lag(calls.persona_arn) OVER whose AS from_persona_arn,
        lag(calls.session_id) OVER whose AS from_session_id,
        lag(calls.event_time) OVER whose AS from_time
    FROM calls
    WINDOW whose AS (
        PARTITION BY origin_kind, origin_id, origin_account_id, origin_provider ORDER BY event_time, event_id
    )
),

changes AS (
    SELECT
        ordered.origin_kind,
        ordered.origin_id,
        ordered.origin_name,
        ordered.origin_account_id,
        ordered.origin_provider,
        ordered.event_time,
        ordered.event_id,
        ordered.session_id,
        ordered.persona_arn,
        ordered.hop_count,
        ordered.confidence,
        ordered.is_exit,
        ordered.from_persona_arn,
        ordered.from_session_id,
        -- The session was taken since the last call, or this is its first call: an explicit switch tells of it.
        coalesce(explicit_switches.switched_at >= ordered.from_time, false)
        OR (ordered.is_first AND explicit_switches.to_session_id IS NOT NULL) AS was_taken,
        to_unixtime(ordered.event_time) - to_unixtime(ordered.from_time) > switch_rules.debounce_seconds
        -- The persona before was worn no more, not even by later calls that `merge_gap` counts as the same wearing.
        OR coalesce(worn.ended_at <= ordered.event_time, true)
        OR ordered.is_exit AS is_settled
    FROM ordered
    LEFT JOIN persona_intervals AS worn
        ON
            ordered.origin_kind = worn.origin_kind
            AND ordered.origin_id = worn.origin_id
            AND (ordered.origin_account_id IS NOT DISTINCT FROM worn.origin_account_id)
            AND (ordered.origin_provider IS NOT DISTINCT FROM worn.origin_provider)
            AND ordered.from_persona_arn = worn.persona_arn
            AND ordered.from_time BETWEEN worn.started_at AND worn.ended_at
    LEFT JOIN explicit_switches ON ordered.session_id = explicit_switches.to_session_id
    CROSS JOIN switch_rules
    WHERE ordered.persona_arn <> ordered.from_persona_arn
)

SELECT
    origin_kind,
    origin_id,
    origin_name,
    switched_at,
    from_persona_arn,
    to_persona_arn,
    from_session_id,
    to_session_id,
    from_account_id,
    to_account_id,
    'explicit' AS kind,
    issuing_api,
    hop_count,
    coalesce(from_account_id <> to_account_id, false) AS is_cross_account,
    is_chained,
    evidence_event_id,
    confidence,
    last_used_at,
    event_count,
    origin_account_id,
    origin_provider
FROM explicit_switches
WHERE NOT is_renewal
UNION ALL
SELECT
    changes.origin_kind,
    changes.origin_id,
    changes.origin_name,
    changes.event_time AS switched_at,
    changes.from_persona_arn,
    changes.persona_arn AS to_persona_arn,
    changes.from_session_id,
    changes.session_id AS to_session_id,
    split_part(changes.from_persona_arn, ':', 5) AS from_account_id,
    split_part(changes.persona_arn, ':', 5) AS to_account_id,
    CASE WHEN changes.is_exit THEN 'explicit' ELSE 'observed' END AS kind,
    CASE WHEN changes.is_exit THEN 'ExitRole' END AS issuing_api,
    changes.hop_count,
    split_part(changes.from_persona_arn, ':', 5) <> split_part(changes.persona_arn, ':', 5) AS is_cross_account,
    changes.hop_count > 1 AS is_chained,
    changes.event_id AS evidence_event_id,
    changes.confidence,
    sessions.last_used_at,
    sessions.event_count,
    changes.origin_account_id,
    changes.origin_provider
FROM changes
INNER JOIN sessions ON changes.session_id = sessions.session_id
WHERE changes.is_settled AND (changes.is_exit OR NOT changes.was_taken)
UNION ALL
SELECT
    origin_kind,
    origin_id,
    min(origin_name) AS origin_name,
    min(event_time) AS switched_at,
    least(from_persona_arn, persona_arn) AS from_persona_arn,
    greatest(from_persona_arn, persona_arn) AS to_persona_arn,
    min(CASE WHEN from_persona_arn < persona_arn THEN from_session_id ELSE session_id END) AS from_session_id,
    min(CASE WHEN from_persona_arn < persona_arn THEN session_id ELSE from_session_id END) AS to_session_id,
    split_part(least(from_persona_arn, persona_arn), ':', 5) AS from_account_id,
    split_part(greatest(from_persona_arn, persona_arn), ':', 5) AS to_account_id,
    'concurrent' AS kind,
    NULL AS issuing_api,
    max(hop_count) AS hop_count,
    split_part(least(from_persona_arn, persona_arn), ':', 5)
    <> split_part(greatest(from_persona_arn, persona_arn), ':', 5) AS is_cross_account,
    max(hop_count) > 1 AS is_chained,
    first_value(event_id ORDER BY event_time, event_id) AS evidence_event_id,
    CASE
        WHEN bool_or(confidence = 'probable') THEN 'probable'
        WHEN bool_or(confidence = 'strong') THEN 'strong'
        ELSE 'exact'
    END AS confidence,
    max(event_time) AS last_used_at,
    count(*) AS event_count,
    origin_account_id,
    origin_provider
FROM changes
WHERE NOT is_settled AND NOT was_taken
GROUP BY
    origin_kind, origin_id, origin_account_id, origin_provider, least(from_persona_arn, persona_arn),
    greatest(from_persona_arn, persona_arn), date_trunc('day', event_time)
