-- Which access keys were seen under more than one identity or session?
-- AWS gives a temporary key to one session. One key over many is masked or sample data, and is no evidence here; one long-lived key under
-- two users is forged or anonymised.
-- reads: events
SELECT
    user_identity_access_key_id AS access_key_id,
    count(DISTINCT user_identity_principal_id) AS principals,
    count(DISTINCT session_id) AS sessions,
    count(*) AS events,
    min(event_time) AS first_at,
    max(event_time) AS last_at,
    min(user_identity_arn) AS example
FROM events
WHERE user_identity_access_key_id <> ''
GROUP BY user_identity_access_key_id
HAVING
    count(DISTINCT user_identity_principal_id) > 1
    OR count(DISTINCT session_creation_date) > 1
ORDER BY events DESC, access_key_id
