-- Who wore this hat: which people and workloads acted in a role, when first and when last?
-- `role` is a role's ARN or its name. Sessions whose origin is not known are counted in rows of their own.
-- param: role text
-- reads: sessions, people
SELECT
    sessions.persona_arn,
    sessions.origin_kind,
    sessions.origin_id,
    sessions.origin_account_id,
    sessions.origin_provider,
    count(*) AS sessions,
    sum(sessions.event_count) AS events,
    sum(sessions.denied_count) AS denied,
    min(coalesce(sessions.created_at, sessions.first_used_at)) AS first_at,
    max(sessions.last_used_at) AS last_used_at,
    bool_or(sessions.has_mfa) AS ever_with_mfa,
    min(people.person) AS person,
    coalesce(min(people.person), min(sessions.origin_name), sessions.origin_id, sessions.origin_kind) AS who
FROM sessions
LEFT JOIN people
    ON
        sessions.origin_id = people.person_origin_id
        AND (sessions.origin_provider IS NOT DISTINCT FROM people.person_origin_provider)
WHERE
    sessions.attribution <> 'shared_event'
    AND (sessions.persona_arn = $role::text OR split_part(sessions.persona_arn, '/', -1) = $role::text)
GROUP BY
    sessions.persona_arn, sessions.origin_kind, sessions.origin_id, sessions.origin_account_id, sessions.origin_provider
ORDER BY sessions.persona_arn, events DESC, sessions.origin_kind, sessions.origin_id, sessions.origin_account_id,
    sessions.origin_provider
