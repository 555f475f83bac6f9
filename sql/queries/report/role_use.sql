-- Who acted in a period in a role whose name fits a pattern?
-- `pattern` is a regular expression, and is looked for in the role's path and name, in any case. A name promises nothing of what a role
-- may do: `rolecall rightsize` knows that.
-- param: pattern text
-- param: since timestamp
-- param: until timestamp
-- reads: attributed_events
WITH uses AS (
    SELECT
        session_id,
        persona_arn,
        origin_kind,
        origin_id,
        min(origin_name) AS origin_name,
        min(person) AS person,
        confidence,
        min(event_time) AS first_at,
        max(event_time) AS last_at,
        count(*) AS events,
        count(*) FILTER (WHERE call_outcome(error_code, error_message) = 'denied') AS denied,
        count(*) FILTER (WHERE NOT coalesce(read_only, false)) AS writes,
        min(source_ip_address) AS example_ip
    FROM attributed_events
    WHERE
        event_time >= $since::timestamp
        AND event_time < $until::timestamp
        AND hop_count > 0
        AND attribution <> 'shared_event'
        AND persona_arn LIKE '%:role/%'
    GROUP BY session_id, persona_arn, origin_kind, origin_id, confidence
)

SELECT
    first_at,
    last_at,
    origin_kind,
    origin_id,
    persona_arn,
    events,
    writes,
    denied,
    example_ip,
    confidence,
    session_id,
    person,
    coalesce(person, origin_name, origin_id, origin_kind) AS who,
    split_part(persona_arn, ':', 5) || ' ' || split_part(persona_arn, ':', 6) AS persona
FROM uses
WHERE regexp_like(split_part(persona_arn, ':role/', 2), $pattern::text, 'i')
ORDER BY first_at, session_id
