-- Which hats has a person or workload worn: in which personas did they act, when first, when last, and how did they come to them?
-- `principal` is an origin's id or name, or a person's name of `--people`. Without it everybody is shown.
-- param: principal text default null
-- reads: sessions, people
SELECT
    sessions.origin_kind,
    sessions.origin_id,
    sessions.origin_account_id,
    sessions.origin_provider,
    sessions.persona_arn,
    count(*) AS sessions,
    sum(sessions.event_count) AS events,
    sum(sessions.denied_count) AS denied,
    min(coalesce(sessions.created_at, sessions.first_used_at)) AS first_at,
    max(sessions.last_used_at) AS last_used_at,
    max(sessions.hop_count) AS most_hops,
    array_to_string(array_agg(DISTINCT sessions.issuing_api ORDER BY sessions.issuing_api), ', ') AS issuing_apis,
    min(people.person) AS person,
    coalesce(min(people.person), min(sessions.origin_name), sessions.origin_id, sessions.origin_kind) AS who
FROM sessions
LEFT JOIN people
    ON
        sessions.origin_id = people.person_origin_id
        AND (sessions.origin_provider IS NOT DISTINCT FROM people.person_origin_provider)
WHERE
    sessions.persona_arn IS NOT NULL
    AND sessions.attribution <> 'shared_event'
    AND (
        $principal::text IS NULL
        OR sessions.origin_id = $principal::text
        OR sessions.origin_name = $principal::text
        OR people.person = $principal::text
    )
GROUP BY
    sessions.origin_kind, sessions.origin_id, sessions.origin_account_id, sessions.origin_provider, sessions.persona_arn
ORDER BY sessions.origin_id, sessions.origin_kind, sessions.origin_account_id, sessions.origin_provider, first_at, sessions.persona_arn
