-- Who acted, and which roles did they wear?
-- reads: sessions, people, accounts
SELECT
    origin_kind,
    origin_id,
    origin_account_id,
    origin_provider,
    is_human,
    count(*) FILTER (WHERE hop_count > 0) AS role_sessions,
    coalesce(
        array_to_string(
            array_agg(DISTINCT split_part(persona_arn, ':role/', 2) ORDER BY split_part(persona_arn, ':role/', 2))
                FILTER (WHERE hop_count > 0 AND persona_arn LIKE '%:role/%'),
            ', '
        ),
        ''
    ) AS roles,
    sum(event_count) AS events,
    sum(denied_count) AS denied,
    min(first_used_at) AS first_used_at,
    max(last_used_at) AS last_used_at,
    min(people.person) AS person,
    coalesce(min(people.person), min(origin_name), origin_id, origin_kind) AS who,
    origin_kind AS kind,
    coalesce(min(accounts.account_name), origin_account_id) AS account
FROM sessions
LEFT JOIN people
    ON
        sessions.origin_id = people.person_origin_id
        AND (sessions.origin_provider IS NOT DISTINCT FROM people.person_origin_provider)
LEFT JOIN accounts ON sessions.origin_account_id = accounts.account_id
WHERE origin_kind NOT IN ('unresolved', 'external_account') AND attribution <> 'shared_event'
GROUP BY origin_kind, origin_id, origin_account_id, origin_provider, is_human
ORDER BY origin_kind = 'aws_service', origin_kind, origin_id, origin_account_id, origin_provider
