-- Which days lie in many small files, and would gain from `rolecall compact`?
-- Files of 192 MiB and above are large enough. `sessions` is written as a whole each time and needs no compaction.
-- reads: data_files
SELECT
    table_name,
    date,
    count(*) AS files,
    sum(rows) AS rows,
    sum(size) AS bytes
FROM data_files
WHERE table_name <> 'sessions' AND size < 201326592
GROUP BY table_name, date
HAVING count(*) > 1
ORDER BY files DESC, table_name, date
