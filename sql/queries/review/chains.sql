-- Which sessions were reached through more than one role?
-- reads: sessions
SELECT
    created_at,
    origin_id,
    array_to_string(chain, ' > ') AS chain,
    hop_count,
    event_count AS events,
    confidence,
    session_id
FROM sessions
WHERE hop_count > 1 AND attribution <> 'shared_event'
ORDER BY created_at, session_id
