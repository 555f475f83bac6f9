-- What could not be read, and why?
-- One row for each reason and log file; each rejected record, with its text, is in the table `rejected`.
-- param: top int default 100
-- reads: rejected
SELECT
    reason,
    log_file_key,
    count(*) AS rejected,
    min(log_record_index) AS first_record,
    min(byte_offset) AS first_byte_offset,
    min(detail) AS example
FROM rejected
GROUP BY reason, log_file_key
ORDER BY rejected DESC, reason, log_file_key
LIMIT $top::bigint
