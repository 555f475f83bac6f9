-- Attributed calls beside the IAM actions that they needed: one row for each action, and one for a call that needed none.
-- Where no action is known for an event, `iam_action` is null and `mapping` says `unmapped`; nothing is made up. A refusal that names
-- an action is of that one. Roles that were handed to a service show in no event of their own and are told by the parameters.
-- column: iam_action the action, as the Service Authorization Reference writes it; null where none is needed or known
-- column: mapping how it was found: `exact`, `several` (the call needs more than one), `inferred` (from the parameters), `refusal` (named by the refusal), `none` (no permission is needed) or `unmapped`
-- column: action_resource_arns the resources on which the action was needed, as far as the event tells
-- column: via_service the AWS service that made the call in the principal's name; null where the principal called
-- column: account_id the account whose record this is
-- column: outcome what came of it: `allowed`, `denied`, `denied_downstream`, `authorized_error` or `error`
-- reads: call_outcomes
SELECT
    event_id,
    event_time,
    session_id,
    persona_arn,
    persona_id,
    origin_kind,
    origin_id,
    origin_name,
    origin_account_id,
    origin_provider,
    confidence,
    event_source,
    event_name,
    permission['iam_action'] AS iam_action,
    permission['mapping'] AS mapping,
    permission['resource_arns'] AS action_resource_arns,
    via_service,
    account_id,
    aws_region,
    source_ip_address,
    error_code,
    error_message,
    outcome
FROM (
    SELECT
        *,
        unnest(
            iam_permissions(
                event_source, event_name, aws_region, account_id, request_parameters, resource_arns, error_code,
                error_message
            )
        ) AS permission
    FROM call_outcomes
) AS needed
