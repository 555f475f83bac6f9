-- Attributed calls that need an IAM permission, each with what came of it.
-- `denied`: IAM refused it. `denied_downstream`: it was let pass, and a service that it depends on was refused. `authorized_error`: it
-- failed after IAM had let it pass. `error`: failed, and nothing tells whether IAM let it pass. A call that two accounts recorded is here once, as the caller's account recorded it where that is in the logs.
-- Sign-ins, events of services about themselves, Insights and denials at VPC endpoints are no use of a permission.
-- column: via_service the AWS service that made the call in the principal's name; null where the principal called
-- column: account_id the account whose record this is
-- column: outcome what came of it: `allowed`, `denied`, `denied_downstream`, `authorized_error` or `error`
-- reads: attributed_events
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
    via_service,
    recipient_account_id AS account_id,
    aws_region,
    source_ip_address,
    error_code,
    error_message,
    resource_arns,
    request_parameters,
    call_outcome(error_code, error_message) AS outcome
FROM attributed_events
WHERE
    coalesce(event_category, 'Management') IN ('Management', 'Data')
    AND coalesce(lower(event_type), 'awsapicall') IN ('awsapicall', 'awsconsoleaction', 'awsmcpevent')
    AND event_source <> 'signin.amazonaws.com'
    AND coalesce(attribution, 'none') <> 'shared_event'
