-- Which ARN belongs to which unique id of a role or user?
-- An assumed role's own ARN has no path; the session issuer's has.
-- reads: events
SELECT DISTINCT
    date,
    principal_id,
    arn
FROM (
    SELECT
        date,
        session_issuer_principal_id AS principal_id,
        session_issuer_arn AS arn
    FROM events
    WHERE session_issuer_principal_id <> '' AND session_issuer_arn <> ''
    UNION ALL
    SELECT
        date,
        issued_role_id AS principal_id,
        requested_role_arn AS arn
    FROM events
    WHERE issued_role_id <> '' AND requested_role_arn <> ''
    UNION ALL
    SELECT
        date,
        user_identity_principal_id AS principal_id,
        user_identity_arn AS arn
    FROM events
    WHERE user_identity_type = 'IAMUser' AND user_identity_principal_id <> '' AND user_identity_arn <> ''
    UNION ALL
    SELECT
        date,
        created_principal_id AS principal_id,
        created_principal_arn AS arn
    FROM events
    WHERE created_principal_id <> '' AND created_principal_arn <> ''
) AS named
ORDER BY date, principal_id, arn
