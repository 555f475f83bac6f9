-- What can these logs not prove, and how many sessions does it concern?
-- `read_events_excluded`: not one read event, so the trail leaves them out, and with them every `AssumeRole`. `data_events_off`: not one
-- data event, so nothing shows who read an object or invoked a function. `ambiguous`: several calls may have issued a session. The others are the reasons of sessions whose caller or issuing event is
-- missing, by the account whose role they are; see docs/attribution.md.
-- reads: daily_coverage, sessions
WITH missing AS (
    SELECT
        coalesce(role_account_id, split_part(persona_arn, ':', 5), origin_account_id, '') AS account_id,
        CASE WHEN confidence = 'ambiguous' THEN 'ambiguous' ELSE unresolved_reason END AS reason,
        count(*) AS sessions,
        sum(event_count) AS events
    FROM sessions
    WHERE unresolved_reason IS NOT NULL
    GROUP BY
        coalesce(role_account_id, split_part(persona_arn, ':', 5), origin_account_id, ''),
        CASE WHEN confidence = 'ambiguous' THEN 'ambiguous' ELSE unresolved_reason END
),

spoke AS (
    SELECT
        account_id,
        sum(read_events) AS read_events,
        sum(data_events) AS data_events
    FROM daily_coverage
    GROUP BY account_id
),

blind AS (
    SELECT
        account_id,
        'read_events_excluded' AS reason
    FROM spoke
    WHERE read_events = 0
    UNION ALL
    SELECT
        account_id,
        'data_events_off' AS reason
    FROM spoke
    WHERE data_events = 0
)

SELECT
    account_id,
    reason,
    sum(sessions) AS sessions,
    sum(events) AS events
FROM (
    SELECT
        account_id,
        reason,
        sessions,
        events
    FROM missing
    UNION ALL
    SELECT
        account_id,
        reason,
        0 AS sessions,
        0 AS events
    FROM blind
) AS limits
GROUP BY account_id, reason
ORDER BY account_id, reason
