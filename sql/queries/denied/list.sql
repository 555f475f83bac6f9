-- Which calls were refused, to whom, by which kind of policy, and what would change that?
-- `refused_by` is what the message says; many say nothing of it. Where several policies refuse, AWS names one. A refusal is no
-- finding by itself: somebody tries doors, a program asks for more than it needs, or a policy is too narrow.
-- `denied_downstream`: the call was let pass, and a service that it depends on was refused.
-- param: principal text default null
-- param: role text default null
-- param: account text default null
-- param: action text default null
-- param: refused_by text default null
-- param: since timestamp default null
-- param: until timestamp default null
-- reads: call_permissions, people, accounts
WITH refused AS (
    SELECT
        calls.*,
        people.person,
        call_refusal(calls.error_message) AS refusal
    FROM call_permissions AS calls
    LEFT JOIN people
        ON
            calls.origin_id = people.person_origin_id
            AND (calls.origin_provider IS NOT DISTINCT FROM people.person_origin_provider)
    WHERE
        calls.outcome IN ('denied', 'denied_downstream')
        AND ($since::timestamp IS NULL OR calls.event_time >= $since::timestamp)
        AND ($until::timestamp IS NULL OR calls.event_time < $until::timestamp)
        AND ($account::text IS NULL OR calls.account_id = $account::text)
        AND ($action::text IS NULL OR lower(calls.iam_action) = lower($action::text))
        AND (
            $role::text IS NULL
            OR calls.persona_arn = $role::text
            OR (calls.persona_arn LIKE '%:role/%' AND split_part(calls.persona_arn, '/', -1) = $role::text)
        )
        AND (
            $principal::text IS NULL
            OR calls.origin_id = $principal::text
            OR calls.origin_name = $principal::text
            OR calls.persona_arn = $principal::text
            OR people.person = $principal::text
        )
),

grouped AS (
    SELECT
        persona_arn,
        origin_kind,
        origin_id,
        min(origin_name) AS origin_name,
        origin_account_id,
        origin_provider,
        min(person) AS person,
        iam_action,
        coalesce(iam_action, split_part(event_source, '.', 1) || ' ' || event_name) AS permission,
        via_service,
        account_id,
        outcome,
        refusal['refused_by'] AS refused_by,
        refusal['is_explicit'] AS is_explicit,
        refusal['policy_arn'] AS policy_arn,
        bool_or(refusal['has_encoded_message']) AS has_encoded_message,
        min(event_time) AS first_denied_at,
        max(event_time) AS last_denied_at,
        count(DISTINCT event_id) AS denied_count,
        array_slice(
            array_sort(
                array_agg(DISTINCT coalesce(refusal['resource'], action_resource_arns[1]))
                    FILTER (WHERE coalesce(refusal['resource'], action_resource_arns[1]) IS NOT NULL)
            ), 1, 20
        ) AS resources,
        last_value(error_code ORDER BY event_time, event_id) AS last_error_code,
        last_value(error_message ORDER BY event_time, event_id) AS last_error_message,
        last_event_id(event_time, event_id) AS last_event_id
    FROM refused
    GROUP BY
        persona_arn, origin_kind, origin_id, origin_account_id, origin_provider, iam_action,
        coalesce(iam_action, split_part(event_source, '.', 1) || ' ' || event_name), via_service, account_id, outcome,
        refusal['refused_by'], refusal['is_explicit'], refusal['policy_arn']
)

SELECT
    grouped.*,
    CASE
        WHEN outcome = 'denied_downstream'
            THEN 'the call itself was let pass: look at what the service does in this principal''s name, and at the key or bucket it uses'
        WHEN refused_by = 'identity_based_policy' AND is_explicit
            THEN 'a Deny in a policy of the principal or one of its groups: narrow that statement'
        WHEN refused_by = 'identity_based_policy'
            THEN 'allow it in a policy of the principal'
        WHEN refused_by = 'permissions_boundary' AND is_explicit
            THEN 'a Deny in the permissions boundary: narrow that statement'
        WHEN refused_by = 'permissions_boundary'
            THEN 'allow it in the permissions boundary too, which caps what the policies grant'
        WHEN refused_by = 'service_control_policy'
            THEN 'a service control policy of the organization: no policy in this account can allow it'
        WHEN refused_by = 'resource_control_policy'
            THEN 'a resource control policy of the organization that owns the resource: no policy in its account can allow it'
        WHEN refused_by = 'resource_based_policy' AND is_explicit
            THEN 'a Deny in the resource''s own policy: narrow that statement'
        WHEN refused_by = 'resource_based_policy'
            THEN 'allow the principal in the resource''s own policy'
        WHEN refused_by = 'session_policy'
            THEN 'the policy that was handed in with the session leaves it out: change what takes the role'
        WHEN refused_by = 'role_trust_policy'
            THEN 'let the principal in by the trust policy of the role'
        WHEN refused_by = 'vpc_endpoint_policy'
            THEN 'allow it in the policy of the VPC endpoint that the call came through'
        WHEN iam_action IN ('sts:AssumeRole', 'sts:AssumeRoleWithSAML', 'sts:AssumeRoleWithWebIdentity')
            THEN 'the message names no policy: look at the role''s trust policy, then at the principal''s own'
        WHEN has_encoded_message
            THEN 'the message names no policy: `aws sts decode-authorization-message` opens its encoded part'
        ELSE 'the message names no policy: look at the principal''s own, then at boundary, organization and the resource''s policy'
    END AS what_to_change,
    coalesce(grouped.person, grouped.origin_name, grouped.origin_id, grouped.origin_kind) AS who,
    coalesce(accounts.account_name, split_part(grouped.persona_arn, ':', 5))
    || ' ' || split_part(grouped.persona_arn, ':', 6) AS persona
FROM grouped
LEFT JOIN accounts ON split_part(grouped.persona_arn, ':', 5) = accounts.account_id
WHERE $refused_by::text IS NULL OR grouped.refused_by = $refused_by::text
ORDER BY
    grouped.denied_count DESC, grouped.last_denied_at DESC, grouped.persona_arn, grouped.origin_kind, grouped.origin_id,
    grouped.origin_account_id, grouped.origin_provider, grouped.permission, grouped.via_service, grouped.account_id,
    grouped.outcome, grouped.refused_by, grouped.is_explicit, grouped.policy_arn
