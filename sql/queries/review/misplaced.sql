-- Which records contradict the name of the log file they were read from?
-- CloudTrail writes account and region of its records into the file's name. Others there mean that logs were anonymised, renamed, or
-- put together by hand. Files without such a name do not show here.
-- reads: events
SELECT
    split_part(split_part(log_file_key, '/', -1), '_', 1) AS account_of_file,
    recipient_account_id AS account_of_record,
    split_part(split_part(log_file_key, '/', -1), '_', 3) AS region_of_file,
    aws_region AS region_of_record,
    count(*) AS records,
    min(log_file_key) AS example_log_file,
    min(event_id) AS example_event
FROM events
WHERE
    split_part(split_part(log_file_key, '/', -1), '_', 2) LIKE 'CloudTrail%'
    AND (
        split_part(split_part(log_file_key, '/', -1), '_', 1) <> recipient_account_id
        OR split_part(split_part(log_file_key, '/', -1), '_', 3) <> aws_region
    )
GROUP BY account_of_file, account_of_record, region_of_file, region_of_record
ORDER BY records DESC, account_of_file, account_of_record, region_of_file, region_of_record
