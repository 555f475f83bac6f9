-- Which names go with which users of an identity store?
-- A role session of Identity Center is named after its user; a sign-in tells the name that was given.
-- reads: events
SELECT DISTINCT
    date,
    user_identity_on_behalf_of_identity_store_arn AS identity_store_arn,
    user_identity_on_behalf_of_user_id AS user_id,
    coalesce(
        sign_in_user_name,
        CASE
            WHEN user_identity_type = 'AssumedRole' THEN split_part(user_identity_principal_id, ':', 2)
            ELSE user_identity_user_name
        END
    ) AS user_name
FROM events
WHERE
    user_identity_on_behalf_of_user_id <> ''
    AND (
        sign_in_user_name IS NOT NULL
        OR (user_identity_type = 'AssumedRole' AND user_identity_arn LIKE '%:assumed-role/AWSReservedSSO\_%')
        OR (user_identity_type <> 'AssumedRole' AND user_identity_user_name <> '')
    )
ORDER BY date, identity_store_arn, user_id, user_name
