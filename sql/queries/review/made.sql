-- Who made users, roles, access keys and passwords, or opened a role to others?
-- This is how somebody stays who should be gone.
-- param: since timestamp default null
-- param: until timestamp default null
-- reads: attributed_events
SELECT
    event_time,
    origin_kind,
    origin_id,
    persona_arn,
    event_name,
    coalesce(
        created_access_key_id,
        created_principal_arn,
        regexp_match(request_parameters, '"(?:userName|roleName)":"([^"]*)"')[1]
    ) AS made,
    regexp_match(request_parameters, '"(?:userName|roleName)":"([^"]*)"')[1] AS for_whom,
    recipient_account_id AS account_id,
    source_ip_address,
    confidence,
    event_id,
    person,
    coalesce(person, origin_name, origin_id, origin_kind) AS who,
    split_part(persona_arn, ':', 5) || ' ' || split_part(persona_arn, ':', 6) AS persona
FROM attributed_events
WHERE
    ($since::timestamp IS NULL OR event_time >= $since::timestamp)
    AND ($until::timestamp IS NULL OR event_time < $until::timestamp)
    AND event_source = 'iam.amazonaws.com'
    AND event_name IN (
        'CreateUser', 'CreateAccessKey', 'CreateRole', 'CreateLoginProfile', 'UpdateLoginProfile', 'UpdateAssumeRolePolicy',
        'CreateServiceSpecificCredential', 'UploadSigningCertificate', 'UploadSSHPublicKey', 'CreateSAMLProvider',
        'CreateOpenIDConnectProvider'
    )
    AND coalesce(error_code, '') = ''
ORDER BY event_time, event_id
