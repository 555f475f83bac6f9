-- What could not be read, and why?
-- reads: rejected
SELECT
    log_file_key,
    log_record_index,
    byte_offset,
    reason,
    detail
FROM rejected
ORDER BY log_file_key, log_record_index
