-- Which permissions did whom use in a period, in which role, and when last?
-- Allowed calls. A call for which no action is needed or known stands as source and event name.
-- param: since timestamp
-- param: until timestamp
-- reads: call_permissions, people
SELECT
    calls.persona_arn,
    calls.origin_kind,
    calls.origin_id,
    calls.origin_account_id,
    calls.origin_provider,
    coalesce(calls.iam_action, split_part(calls.event_source, '.', 1) || ' ' || calls.event_name) AS iam_action,
    count(DISTINCT calls.event_id) AS used,
    max(calls.event_time) AS last_used_at,
    min(people.person) AS person,
    coalesce(min(people.person), min(calls.origin_name), calls.origin_id, calls.origin_kind) AS who,
    split_part(calls.persona_arn, ':', 5) || ' ' || split_part(calls.persona_arn, ':', 6) AS persona
FROM call_permissions AS calls
LEFT JOIN people
    ON
        calls.origin_id = people.person_origin_id
        AND (calls.origin_provider IS NOT DISTINCT FROM people.person_origin_provider)
WHERE
    calls.outcome = 'allowed'
    AND calls.persona_arn LIKE '%:role/%'
    AND calls.event_time >= $since::timestamp
    AND calls.event_time < $until::timestamp
GROUP BY
    calls.persona_arn, calls.origin_kind, calls.origin_id, calls.origin_account_id, calls.origin_provider,
    coalesce(calls.iam_action, split_part(calls.event_source, '.', 1) || ' ' || calls.event_name)
ORDER BY
    calls.persona_arn, calls.origin_kind, calls.origin_id, calls.origin_account_id, calls.origin_provider,
    last_used_at DESC, iam_action
