-- Calls that people and workloads made themselves, in the persona they wore: what persona switches are told from.
-- Left out: calls a service made in somebody's name, calls that only took credentials, the other account's copy of a call, and
-- origins that are not known, are outside, or are AWS itself. Attributions that rest on a caller's word alone do not count.
-- column: is_exit whether the call leaves a role in the console
-- reads: attributed_events
SELECT
    origin_kind,
    origin_id,
    origin_name,
    origin_account_id,
    origin_provider,
    event_time,
    event_id,
    session_id,
    persona_arn,
    persona_id,
    hop_count,
    confidence,
    coalesce(
        event_source = 'signin.amazonaws.com' AND event_name = 'ExitRole' AND coalesce(sign_in_succeeded, true), false
    ) AS is_exit
FROM attributed_events
WHERE
    origin_kind NOT IN ('aws_service', 'external_account', 'anonymous', 'unresolved')
    AND confidence IN ('exact', 'strong', 'probable')
    AND persona_arn IS NOT NULL
    AND (via_service IS NULL OR via_service = 'AWS Internal')
    AND attribution <> 'shared_event'
    AND coalesce(event_category, 'Management') IN ('Management', 'Data')
    AND issued_access_key_id IS NULL
