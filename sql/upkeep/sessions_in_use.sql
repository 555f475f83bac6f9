-- Which sessions made a call between two times?
-- param: since timestamp
-- param: until timestamp
-- reads: sessions
SELECT *
FROM sessions
WHERE first_used_at < $until AND last_used_at >= $since
ORDER BY session_id
