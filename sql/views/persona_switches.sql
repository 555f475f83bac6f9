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
-- reads: attributed_events, direct_calls, sessions, switch_rules
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

-- Only whoever has several personas can change from one to another: the calls of all others, most of them as a rule, are not put in order.
changers AS (
    SELECT
        origin_kind,
        origin_id,
        origin_account_id,
        origin_provider,
        -- Whether they left a role in the console: they may go back to a persona that no session of theirs has.
        count(leavers.session_id) > 0 AS is_leaver,
        -- Calls are put in order by this id, which is narrower than what it stands for.
        min(sessions.session_id) AS changer
    FROM (SELECT session_id FROM direct_calls WHERE is_exit) AS leavers
    RIGHT JOIN sessions ON leavers.session_id = sessions.session_id
    WHERE origin_kind NOT IN ('aws_service', 'external_account', 'anonymous', 'unresolved')
    GROUP BY origin_kind, origin_id, origin_account_id, origin_provider
    HAVING min(persona_arn) <> max(persona_arn) OR count(leavers.session_id) > 0
),

changing_sessions AS (
    SELECT
        sessions.session_id,
        changers.is_leaver,
        changers.changer,
        explicit_switches.switched_at AS taken_at
    FROM sessions
    INNER JOIN changers
        ON
            sessions.origin_kind = changers.origin_kind
            AND sessions.origin_id = changers.origin_id
            AND (sessions.origin_account_id IS NOT DISTINCT FROM changers.origin_account_id)
            AND (sessions.origin_provider IS NOT DISTINCT FROM changers.origin_provider)
    LEFT JOIN explicit_switches ON sessions.session_id = explicit_switches.to_session_id
),

changing_calls AS (
    SELECT
        direct_calls.*,
        changing_sessions.is_leaver,
        changing_sessions.changer,
        changing_sessions.taken_at
    FROM changing_sessions
    INNER JOIN direct_calls ON changing_sessions.session_id = direct_calls.session_id
),

-- The intervals into which a role may be left: what is called when it is left is still called in it.
left_into AS (
    SELECT
        changer,
        persona_arn,
        island,
        min(event_time) AS worn_from,
        max(event_time) AS worn_until
    FROM (
        SELECT
            steps.*,
            sum(CASE WHEN begins THEN 1 ELSE 0 END) OVER (
                PARTITION BY changer, persona_arn ORDER BY event_time, event_id
            ) AS island
        FROM (
            SELECT
                changing_calls.changer,
                changing_calls.persona_arn,
                changing_calls.event_time,
                changing_calls.event_id,
                coalesce(
                    to_unixtime(event_time) - to_unixtime(
                        lag(event_time) OVER (PARTITION BY changer, persona_arn ORDER BY event_time, event_id)
                    ) > switch_rules.merge_gap_seconds,
                    true
                ) AS begins
            FROM changing_calls
            CROSS JOIN switch_rules
            WHERE changing_calls.is_leaver
        ) AS steps
    ) AS islands
    GROUP BY changer, persona_arn, island
),

-- Exits stand apart, so that no join holds all the other calls.
calls AS (
    SELECT
        changer,
        origin_name,
        event_time,
        event_id,
        session_id,
        persona_arn,
        hop_count,
        persona_arn AS called_as_arn,
        confidence,
        taken_at,
        false AS is_exit,
        CAST(NULL AS timestamp) AS left_until
    FROM changing_calls
    WHERE NOT is_exit
    UNION ALL
    SELECT
        changing_calls.changer,
        changing_calls.origin_name,
        changing_calls.event_time,
        changing_calls.event_id,
        coalesce(exits.session_id, changing_calls.session_id) AS session_id,
        coalesce(exits.persona_arn, changing_calls.persona_arn) AS persona_arn,
        coalesce(exits.hop_count, changing_calls.hop_count) AS hop_count,
        changing_calls.persona_arn AS called_as_arn,
        changing_calls.confidence,
        changing_calls.taken_at,
        exits.event_id IS NOT NULL AS is_exit,
        left_into.worn_until AS left_until
    FROM changing_calls
    LEFT JOIN exits ON changing_calls.event_id = exits.event_id
    LEFT JOIN left_into
        ON
            changing_calls.changer = left_into.changer
            AND exits.persona_arn = left_into.persona_arn
            AND changing_calls.event_time BETWEEN left_into.worn_from AND left_into.worn_until
    WHERE changing_calls.is_exit
),

-- Until when was the persona of each call worn? As in `persona_intervals`: up to the last of the calls that each come within `merge_gap`
-- of the one before.
worn AS (
    SELECT
        steps.*,
        min(CASE WHEN is_last THEN event_time END) OVER (
            PARTITION BY changer, called_as_arn
            ORDER BY event_time DESC, event_id DESC
            ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
        ) AS worn_until
    FROM (
        SELECT
            calls.*,
            switch_rules.debounce_seconds,
            coalesce(
                to_unixtime(
                    lag(event_time) OVER (
                        PARTITION BY changer, called_as_arn
                        ORDER BY event_time DESC, event_id DESC
                    )
                ) - to_unixtime(event_time) > switch_rules.merge_gap_seconds,
                true
            ) AS is_last
        FROM calls
        CROSS JOIN switch_rules
    ) AS steps
),

ordered AS (
    SELECT
        worn.*,
        row_number() OVER (PARTITION BY session_id ORDER BY event_time, event_id) = 1 AS is_first,
        lag(persona_arn) OVER whose AS from_persona_arn,
        lag(session_id) OVER whose AS from_session_id,
        lag(event_time) OVER whose AS from_time,
        lag(worn_until) OVER whose AS from_worn_until,
        lag(is_exit) OVER whose AS is_from_exit,
        lag(left_until) OVER whose AS from_left_until
    FROM worn
    WINDOW whose AS (
        PARTITION BY changer ORDER BY event_time, event_id
    )
),

changes AS (
    SELECT
        ordered.changer,
        ordered.origin_name,
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
        coalesce(ordered.taken_at >= ordered.from_time, false)
        OR (ordered.is_first AND ordered.taken_at IS NOT NULL) AS was_taken,
        to_unixtime(ordered.event_time) - to_unixtime(ordered.from_time) > ordered.debounce_seconds
        -- The persona before was worn no more, not even by later calls that `merge_gap` counts as the same wearing.
        OR CASE
            WHEN ordered.is_from_exit THEN coalesce(ordered.from_left_until <= ordered.event_time, true)
            ELSE ordered.from_worn_until <= ordered.event_time
        END
        OR ordered.is_exit AS is_settled
    FROM ordered
    WHERE ordered.persona_arn <> ordered.from_persona_arn
),

-- Each change of its own, and those of two personas in turns by pair and day.
told AS (
    SELECT
        changer,
        is_settled,
        min(origin_name) AS origin_name,
        min(event_time) AS switched_at,
        CASE
            WHEN is_settled THEN min(from_persona_arn)
            ELSE least(min(from_persona_arn), min(persona_arn))
        END AS from_persona_arn,
        CASE
            WHEN is_settled THEN min(persona_arn)
            ELSE greatest(max(from_persona_arn), max(persona_arn))
        END AS to_persona_arn,
        min(CASE WHEN is_settled OR from_persona_arn < persona_arn THEN from_session_id ELSE session_id END)
            AS from_session_id,
        min(CASE WHEN is_settled OR from_persona_arn < persona_arn THEN session_id ELSE from_session_id END)
            AS to_session_id,
        bool_or(is_exit) AS is_exit,
        max(hop_count) AS hop_count,
        first_value(event_id ORDER BY event_time, event_id) AS evidence_event_id,
        CASE
            WHEN bool_or(confidence = 'probable') THEN 'probable'
            WHEN bool_or(confidence = 'strong') THEN 'strong'
            ELSE 'exact'
        END AS confidence,
        max(event_time) AS last_at,
        count(*) AS changes
    FROM changes
    WHERE NOT was_taken OR (is_settled AND is_exit)
    GROUP BY
        changer, is_settled, CASE WHEN is_settled THEN event_id END,
        CASE WHEN NOT is_settled THEN least(from_persona_arn, persona_arn) END,
        CASE WHEN NOT is_settled THEN greatest(from_persona_arn, persona_arn) END,
        CASE WHEN NOT is_settled THEN date_bin(INTERVAL '1 day', event_time) END
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
    changers.origin_kind,
    changers.origin_id,
    told.origin_name,
    told.switched_at,
    told.from_persona_arn,
    told.to_persona_arn,
    told.from_session_id,
    told.to_session_id,
    split_part(told.from_persona_arn, ':', 5) AS from_account_id,
    split_part(told.to_persona_arn, ':', 5) AS to_account_id,
    CASE
        WHEN NOT told.is_settled THEN 'concurrent'
        WHEN told.is_exit THEN 'explicit'
        ELSE 'observed'
    END AS kind,
    CASE WHEN told.is_settled AND told.is_exit THEN 'ExitRole' END AS issuing_api,
    told.hop_count,
    split_part(told.from_persona_arn, ':', 5) <> split_part(told.to_persona_arn, ':', 5) AS is_cross_account,
    told.hop_count > 1 AS is_chained,
    told.evidence_event_id,
    told.confidence,
    CASE WHEN told.is_settled THEN sessions.last_used_at ELSE told.last_at END AS last_used_at,
    CASE WHEN told.is_settled THEN sessions.event_count ELSE told.changes END AS event_count,
    changers.origin_account_id,
    changers.origin_provider
FROM told
INNER JOIN changers ON told.changer = changers.changer
INNER JOIN sessions ON told.to_session_id = sessions.session_id
