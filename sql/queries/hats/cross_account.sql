-- Which ways lead from one account's personas into roles of another account, and who took them?
-- reads: sessions, accounts
SELECT
    coalesce(copy.origin_account_id, parent.origin_account_id) AS origin_account_id,
    coalesce(split_part(parent.persona_arn, ':', 5), parent.origin_account_id) AS from_account_id,
    min(from_account.account_name) AS from_account,
    parent.persona_arn AS from_persona_arn,
    child.role_account_id AS to_account_id,
    min(to_account.account_name) AS to_account,
    child.role_arn AS to_role_arn,
    count(*) AS sessions,
    sum(child.event_count) AS events,
    count(DISTINCT child.origin_id) AS origins,
    min(coalesce(child.origin_name, child.origin_id, child.origin_kind)) AS example_who,
    min(child.created_at) AS first_at,
    max(child.created_at) AS last_at
FROM sessions AS child
INNER JOIN sessions AS parent ON child.parent_session_id = parent.session_id
LEFT JOIN sessions AS copy
    ON
        parent.parent_session_id = copy.session_id
        AND parent.attribution = 'shared_event'
LEFT JOIN accounts AS from_account
    ON coalesce(split_part(parent.persona_arn, ':', 5), parent.origin_account_id) = from_account.account_id
LEFT JOIN accounts AS to_account ON child.role_account_id = to_account.account_id
WHERE
    child.role_account_id IS NOT NULL
    AND coalesce(split_part(parent.persona_arn, ':', 5), parent.origin_account_id) <> child.role_account_id
GROUP BY
    coalesce(copy.origin_account_id, parent.origin_account_id),
    coalesce(split_part(parent.persona_arn, ':', 5), parent.origin_account_id), parent.persona_arn, child.role_account_id,
    child.role_arn
ORDER BY sessions DESC, from_persona_arn, to_role_arn, origin_account_id
