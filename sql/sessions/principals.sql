-- Which ARN belongs to which unique id of a role or user?
-- An assumed role's own ARN has no path; the session issuer's has. An id under the ARNs of several users names none of them: masked
-- logs look so. Of several ARNs of a role's id the smallest is taken, always the same one.
-- reads: events
SELECT
    principal_id,
    min(arn) AS arn
FROM (
    SELECT
        session_issuer_principal_id AS principal_id,
        session_issuer_arn AS arn
    FROM events
    WHERE session_issuer_principal_id <> '' AND session_issuer_arn <> ''
    UNION ALL
    SELECT
        issued_role_id AS principal_id,
        requested_role_arn AS arn
    FROM events
    WHERE issued_role_id <> '' AND requested_role_arn <> ''
    UNION ALL
    SELECT
        user_identity_principal_id AS principal_id,
        user_identity_arn AS arn
    FROM events
    WHERE user_identity_type = 'IAMUser' AND user_identity_principal_id <> '' AND user_identity_arn <> ''
    UNION ALL
    SELECT
        created_principal_id AS principal_id,
        created_principal_arn AS arn
    FROM events
    WHERE created_principal_id <> '' AND created_principal_arn <> ''
) AS named
GROUP BY principal_id
HAVING count(DISTINCT CASE WHEN arn LIKE '%:user/%' THEN arn END) < 2
ORDER BY principal_id
