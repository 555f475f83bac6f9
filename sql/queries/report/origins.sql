-- Who acted in a period, in which roles, and how much of it was refused?
-- `denied` counts the errors that say so by their names; `denied/list` tells more of them.
-- param: since timestamp
-- param: until timestamp
-- reads: attributed_events, accounts
SELECT
    calls.origin_kind,
    calls.origin_id,
    calls.origin_account_id,
    calls.origin_provider,
    count(DISTINCT calls.session_id) AS sessions,
    coalesce(
        array_to_string(
            array_agg(DISTINCT split_part(calls.persona_arn, ':role/', 2) ORDER BY split_part(calls.persona_arn, ':role/', 2))
                FILTER (WHERE calls.hop_count > 0 AND calls.persona_arn LIKE '%:role/%'),
            ', '
        ),
        ''
    ) AS roles,
    count(*) AS events,
    count(*) FILTER (WHERE call_outcome(calls.error_code, calls.error_message) = 'denied') AS denied,
    min(calls.event_time) AS first_at,
    max(calls.event_time) AS last_at,
    min(calls.person) AS person,
    coalesce(min(calls.person), min(calls.origin_name), calls.origin_id, calls.origin_kind) AS who,
    calls.origin_kind AS kind,
    coalesce(min(accounts.account_name), calls.origin_account_id) AS account
FROM attributed_events AS calls
LEFT JOIN accounts ON calls.origin_account_id = accounts.account_id
WHERE
    calls.event_time >= $since::timestamp
    AND calls.event_time < $until::timestamp
    AND calls.origin_kind NOT IN ('unresolved', 'external_account')
    AND calls.attribution <> 'shared_event'
GROUP BY calls.origin_kind, calls.origin_id, calls.origin_account_id, calls.origin_provider
ORDER BY
    calls.origin_kind = 'aws_service', calls.origin_kind, calls.origin_id, calls.origin_account_id, calls.origin_provider
