-- Which roles were taken in a period that nobody had taken before?
-- param: since timestamp
-- param: until timestamp
-- reads: sessions
WITH roles AS (
    SELECT
        persona_arn,
        min(coalesce(created_at, first_used_at)) AS first_at,
        first_value(coalesce(origin_name, origin_id, origin_kind) ORDER BY coalesce(created_at, first_used_at), session_id)
            AS first_who,
        first_value(session_id ORDER BY coalesce(created_at, first_used_at), session_id) AS session_id
    FROM sessions
    WHERE
        attribution <> 'shared_event'
        AND persona_arn LIKE '%:role/%'
        AND coalesce(created_at, first_used_at) < $until::timestamp
    GROUP BY persona_arn
)

SELECT
    first_at,
    persona_arn,
    first_who,
    session_id,
    split_part(persona_arn, ':', 5) || ' ' || split_part(persona_arn, ':', 6) AS persona
FROM roles
WHERE first_at >= $since::timestamp
ORDER BY first_at, persona_arn
