-- What does the lake hold?
-- `pruned`: events of days that were given up. Duplicates and rejections are counted as they were read.
-- reads: log_files, events, sessions, rejected
SELECT
    (SELECT count(*) FROM log_files) AS log_files,
    (SELECT coalesce(sum(records), 0) FROM log_files) AS records,
    (SELECT count(*) FROM events) AS events,
    (SELECT coalesce(sum(events), 0) FROM log_files) - (SELECT count(*) FROM events) AS pruned,
    (SELECT coalesce(sum(duplicates), 0) FROM log_files) AS duplicates,
    (SELECT coalesce(sum(rejected), 0) FROM log_files) AS rejected,
    (SELECT count(*) FROM rejected WHERE log_record_index IS NULL) AS files_rejected,
    (SELECT count(*) FROM sessions) AS sessions,
    (SELECT count(*) FROM sessions WHERE origin_kind = 'unresolved') AS unresolved_sessions,
    (SELECT min(event_time) FROM events) AS first_event_time,
    (SELECT max(event_time) FROM events) AS last_event_time
ORDER BY log_files
