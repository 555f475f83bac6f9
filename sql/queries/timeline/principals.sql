-- Which people, workloads and personas does a name fit?
-- param: principal text
-- reads: sessions
SELECT
    origin_kind,
    origin_id,
    origin_name,
    origin_account_id,
    origin_provider,
    count(*) AS sessions,
    sum(event_count) AS events
FROM sessions
WHERE
    origin_id = $principal::text
    OR origin_name = $principal::text
    OR session_arn = $principal::text
    OR persona_arn = $principal::text
GROUP BY origin_kind, origin_id, origin_name, origin_account_id, origin_provider
ORDER BY origin_kind, origin_id, origin_account_id, origin_provider
