-- Whose session carries a colleague's name: who took a role under the name of another user?
-- The caller chooses a session's name. One that is an IAM user's or a sign-on user's, and not the caller's own, misleads everyone who
-- reads it; the origin here follows the issuing call. Roles of Identity Center, whose sessions the service names, are left out.
-- reads: sessions, people
WITH users AS (
    SELECT DISTINCT
        origin_id AS user_id,
        lower(coalesce(origin_name, origin_id)) AS user_name
    FROM sessions
    WHERE origin_kind IN ('iam_user', 'identity_center_user', 'saml_user')
)

SELECT
    sessions.created_at,
    sessions.session_name,
    min(users.user_id) AS named_user,
    sessions.origin_kind,
    sessions.origin_id,
    sessions.persona_arn,
    sessions.event_count AS events,
    sessions.source_ip_address,
    sessions.confidence,
    sessions.issuing_event_id,
    sessions.session_id,
    min(people.person) AS person,
    coalesce(min(people.person), min(sessions.origin_name), sessions.origin_id, sessions.origin_kind) AS who
FROM sessions
INNER JOIN users ON lower(sessions.session_name) = users.user_name
LEFT JOIN people
    ON
        sessions.origin_id = people.person_origin_id
        AND (sessions.origin_provider IS NOT DISTINCT FROM people.person_origin_provider)
WHERE
    sessions.hop_count > 0
    AND sessions.attribution <> 'shared_event'
    -- Of a session whose caller is not known nothing is borrowed: the console names sessions after their own users.
    AND sessions.origin_kind NOT IN ('unresolved', 'external_account')
    AND (sessions.issuing_api IS DISTINCT FROM 'AssumeRoleWithSAML')
    AND sessions.role_arn NOT LIKE '%/AWSReservedSSO\_%'
    AND lower(coalesce(sessions.origin_name, '')) <> lower(sessions.session_name)
    AND lower(coalesce(sessions.origin_id, '')) <> lower(sessions.session_name)
GROUP BY
    sessions.created_at, sessions.session_name, sessions.origin_kind, sessions.origin_id, sessions.persona_arn,
    sessions.event_count, sessions.source_ip_address, sessions.confidence, sessions.issuing_event_id,
    sessions.session_id
ORDER BY sessions.created_at, sessions.session_id
