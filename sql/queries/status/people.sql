-- Which origins have the id of a person in `--people`, and another provider than the one given there?
-- They are somebody else, or the file leaves the provider out.
-- reads: sessions, people
SELECT
    people.person,
    sessions.origin_id,
    sessions.origin_provider,
    count(*) AS sessions
FROM sessions
INNER JOIN people ON sessions.origin_id = people.person_origin_id
WHERE (sessions.origin_provider IS DISTINCT FROM people.person_origin_provider)
GROUP BY people.person, sessions.origin_id, sessions.origin_provider
ORDER BY people.person, sessions.origin_id, sessions.origin_provider
