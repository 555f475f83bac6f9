-- What did the log files turn out to be?
-- reads: log_files
SELECT
    kind,
    count(*) AS log_files,
    sum(records) AS records,
    sum(events) AS events,
    sum(duplicates) AS duplicates,
    sum(rejected) AS rejected,
    min(log_file_key) AS example
FROM log_files
GROUP BY kind
ORDER BY kind
