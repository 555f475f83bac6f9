-- Which instances handed out their role through version 1 of the metadata service?
-- Version 1 answers whoever can make the instance send a request, as a proxy or a web application with a hole does.
-- reads: attributed_events
SELECT
    min(event_time) AS first_at,
    max(event_time) AS last_at,
    origin_kind,
    origin_id,
    persona_arn,
    count(*) AS events,
    max(event_id) AS example_event,
    origin_id AS instance,
    split_part(persona_arn, ':', 5) || ' ' || split_part(persona_arn, ':', 6) AS persona
FROM attributed_events
WHERE session_ec2_role_delivery = '1.0'
GROUP BY origin_kind, origin_id, persona_arn
ORDER BY first_at, origin_kind, origin_id, persona_arn
