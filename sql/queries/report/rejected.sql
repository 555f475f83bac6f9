-- What of a period's log files could not be read, and why?
-- The period of a rejected record is that of its log file: by the time in the file's name, else by the first event of the file, else it is
-- when the file was read.
-- param: since timestamp
-- param: until timestamp
-- reads: rejected, log_files
WITH placed AS (
    SELECT
        rejected.reason,
        rejected.log_file_key,
        rejected.log_record_index,
        rejected.detail,
        coalesce(
            try_cast(
                regexp_replace(
                    regexp_match(rejected.log_file_key, '_([0-9]{8}T[0-9]{4}Z)_')[1],
                    '^(....)(..)(..)T(..)(..)Z$', '\1-\2-\3T\4:\5:00'
                ) AS timestamp
            ),
            log_files.first_event_time::timestamp,
            rejected.ingested_at::timestamp
        ) AS placed_at
    FROM rejected
    LEFT JOIN log_files ON rejected.log_file_key = log_files.log_file_key
)

SELECT
    reason,
    log_file_key,
    count(*) AS rejected,
    min(log_record_index) AS first_record,
    min(detail) AS example
FROM placed
WHERE placed_at >= $since::timestamp AND placed_at < $until::timestamp
GROUP BY reason, log_file_key
ORDER BY rejected DESC, reason, log_file_key
