-- Which names go with which users of an identity store, on whichever day it was told?
-- Of pruned days they are kept.
-- reads: daily_facts, kept_users
SELECT
    identity_store_arn,
    user_id,
    user_name
FROM daily_facts
WHERE fact = 'identity_center_users'
UNION
SELECT
    identity_store_arn,
    user_id,
    user_name
FROM kept_users
ORDER BY identity_store_arn, user_id, user_name
