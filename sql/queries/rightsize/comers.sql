-- Who came through the trust policy of a role, how, and when last?
-- `caller_arn` is the persona that asked, where one did; services and federated callers have none.
-- param: role text default null
-- param: since timestamp default null
-- param: until timestamp default null
-- reads: sessions
SELECT
    sessions.role_arn,
    sessions.issuing_api,
    parents.persona_arn AS caller_arn,
    parents.persona_id AS caller_id,
    CASE
        WHEN sessions.hop_count > 1 THEN split_part(parents.persona_arn, ':', 5)
        ELSE sessions.origin_account_id
    END AS caller_account_id,
    sessions.origin_kind,
    sessions.origin_id,
    sessions.origin_provider,
    count(*) AS sessions,
    max(coalesce(sessions.created_at, sessions.first_used_at)) AS last_came_at,
    max(to_unixtime(sessions.expires_at) - to_unixtime(sessions.created_at)) AS longest_asked_seconds,
    max(to_unixtime(sessions.last_used_at) - to_unixtime(sessions.created_at)) AS longest_used_seconds
FROM sessions
LEFT JOIN sessions AS parents ON sessions.parent_session_id = parents.session_id
WHERE
    sessions.role_arn IS NOT NULL
    AND (
        $role::text IS NULL
        OR sessions.role_arn = $role::text
        OR split_part(sessions.role_arn, '/', -1) = $role::text
    )
    AND ($since::timestamp IS NULL OR coalesce(sessions.last_used_at, sessions.created_at) >= $since::timestamp)
    AND ($until::timestamp IS NULL OR coalesce(sessions.created_at, sessions.first_used_at) < $until::timestamp)
GROUP BY
    sessions.role_arn, sessions.issuing_api, parents.persona_arn, parents.persona_id,
    CASE
        WHEN sessions.hop_count > 1 THEN split_part(parents.persona_arn, ':', 5)
        ELSE sessions.origin_account_id
    END,
    sessions.origin_kind, sessions.origin_id, sessions.origin_provider
ORDER BY
    sessions.role_arn, sessions.issuing_api, caller_arn, caller_id, caller_account_id, sessions.origin_kind,
    sessions.origin_id, sessions.origin_provider
