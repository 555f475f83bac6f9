-- Where does an event come from, and which other copies of it were read?
-- `kept`: the row of `events`; `duplicate`: the same record again; `conflicting_duplicate`: another record under the same id.
-- param: event_id text
-- reads: events, duplicates, rejected, log_files
SELECT
    copies.event_id,
    copies.status,
    log_files.source_uri,
    copies.log_file_key,
    copies.log_record_index,
    log_files.kind AS log_file_kind,
    log_files.content_hash,
    log_files.ingested_at,
    copies.record
FROM (
    SELECT
        event_id,
        'kept' AS status,
        log_file_key,
        log_record_index,
        NULL AS record
    FROM events
    WHERE event_id = $event_id::text
    UNION ALL
    SELECT
        event_id,
        'duplicate' AS status,
        log_file_key,
        log_record_index,
        NULL AS record
    FROM duplicates
    WHERE event_id = $event_id::text
    UNION ALL
    SELECT
        event_id,
        reason AS status,
        log_file_key,
        log_record_index,
        record
    FROM rejected
    WHERE event_id = $event_id::text
) AS copies
LEFT JOIN log_files ON copies.log_file_key = log_files.log_file_key
ORDER BY copies.status = 'kept' DESC, copies.log_file_key, copies.log_record_index
