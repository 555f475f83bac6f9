-- Which rejections are of log files that have events of the days that stay?
-- A file of which no event could be read goes by the time at which that was tried.
-- param: before timestamp
-- reads: rejected, log_files
SELECT
    rejected.log_file_key,
    rejected.log_record_index,
    rejected.byte_offset,
    rejected.reason,
    rejected.detail,
    rejected.raw,
    rejected.event_id,
    rejected.record,
    rejected.ingested_at
FROM rejected
LEFT JOIN log_files ON log_files.log_file_key = rejected.log_file_key
WHERE coalesce(log_files.last_event_time, rejected.ingested_at) >= $before
ORDER BY
    rejected.log_file_key,
    rejected.log_record_index,
    rejected.byte_offset,
    rejected.reason,
    rejected.detail
