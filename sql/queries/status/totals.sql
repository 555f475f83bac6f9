-- What does the lake hold?
-- `pruned`: events of days that were given up. Duplicates and rejections are counted as they were read.
-- reads: log_files, data_files, sessions, rejected
SELECT
    (SELECT count(*) FROM log_files) AS log_files,
    (SELECT coalesce(sum(records), 0) FROM log_files) AS records,
    held.events,
    (SELECT coalesce(sum(events), 0) FROM log_files) - held.events AS pruned,
    (SELECT coalesce(sum(duplicates), 0) FROM log_files) AS duplicates,
    (SELECT coalesce(sum(rejected), 0) FROM log_files) AS rejected,
    (SELECT count(*) FROM rejected WHERE log_record_index IS NULL) AS files_rejected,
    (SELECT count(*) FROM sessions) AS sessions,
    (SELECT count(*) FROM sessions WHERE origin_kind = 'unresolved') AS unresolved_sessions,
    held.first_event_time,
    held.last_event_time
FROM (
    SELECT
        coalesce(sum(rows), 0) AS events,
        min(min_time) AS first_event_time,
        max(max_time) AS last_event_time
    FROM data_files
    WHERE table_name = 'events'
) AS held
ORDER BY log_files
