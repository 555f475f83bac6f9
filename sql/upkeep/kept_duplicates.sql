-- Which further copies are of events of the days that stay?
-- param: before timestamp
-- reads: events, duplicates
SELECT
    duplicates.event_id,
    duplicates.log_file_key,
    duplicates.log_record_index,
    duplicates.event_time
FROM duplicates
INNER JOIN events ON events.event_id = duplicates.event_id
WHERE events.event_time >= $before
ORDER BY duplicates.event_id, duplicates.log_file_key, duplicates.log_record_index
