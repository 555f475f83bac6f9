-- Which roles are taken with a source identity, and which without?
-- A source identity is set at the first hop and sticks through every further one; where people's roles demand it, also a broken chain
-- names somebody. Roles that services take cannot carry one.
-- reads: sessions
SELECT
    role_arn,
    count(*) FILTER (WHERE source_identity IS NOT NULL) AS sessions_with,
    count(*) FILTER (WHERE source_identity IS NULL) AS sessions_without,
    count(DISTINCT source_identity) AS source_identities,
    count(DISTINCT origin_id) AS origins,
    max(created_at) FILTER (WHERE source_identity IS NULL) AS last_without
FROM sessions
WHERE
    role_arn IS NOT NULL
    AND origin_kind NOT IN (
        'aws_service', 'ec2_instance', 'lambda_function', 'ecs_task', 'eks_pod', 'roles_anywhere'
    )
GROUP BY role_arn
ORDER BY sessions_without DESC, role_arn
