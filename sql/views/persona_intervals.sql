-- From when to when did a person or workload wear a persona?
-- Calls of one persona that lie closer together than `merge_gap` (fifteen minutes, see `switch_rules`) are one interval, over all
-- sessions of that persona: a refresh is no break. Two intervals of one origin that overlap are two personas worn at once.
-- column: started_at the first call of the interval
-- column: ended_at the last call of the interval
-- column: sessions how many sessions it spans
-- column: event_count the calls in it
-- column: evidence_event_id its first call
-- reads: direct_calls, switch_rules
SELECT
    origin_kind,
    origin_id,
    min(origin_name) AS origin_name,
    origin_account_id,
    origin_provider,
    persona_arn,
    min(persona_id) AS persona_id,
    min(event_time) AS started_at,
    max(event_time) AS ended_at,
    count(DISTINCT session_id) AS sessions,
    count(*) AS event_count,
    first_value(event_id ORDER BY event_time, event_id) AS evidence_event_id
FROM (
    SELECT
        steps.*,
        sum(CASE WHEN begins THEN 1 ELSE 0 END) OVER (
            PARTITION BY origin_kind, origin_id, origin_account_id, origin_provider, persona_arn
            ORDER BY event_time, event_id
        ) AS island
    FROM (
        SELECT
            direct_calls.*,
            coalesce(
                to_unixtime(event_time) - to_unixtime(
                    lag(event_time) OVER (
                        PARTITION BY origin_kind, origin_id, origin_account_id, origin_provider, persona_arn
                        ORDER BY event_time, event_id
                    )
                ) > switch_rules.merge_gap_seconds,
                true
            ) AS begins
        FROM direct_calls
        CROSS JOIN switch_rules
    ) AS steps
) AS islands
GROUP BY origin_kind, origin_id, origin_account_id, origin_provider, persona_arn, island
