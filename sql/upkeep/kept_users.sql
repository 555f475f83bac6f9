-- Which names of users of Identity Center do the days that go and those that stay show?
-- reads: known_users
SELECT
    identity_store_arn,
    user_id,
    user_name
FROM known_users
WHERE user_name <> ''
ORDER BY identity_store_arn, user_id, user_name
