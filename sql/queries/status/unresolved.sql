-- Of how many sessions is the origin not known, and why?
-- Accounts that are not in the logs count as external, not as unresolved.
-- reads: sessions
SELECT
    unresolved_reason AS reason,
    confidence,
    count(*) AS sessions,
    sum(event_count) AS events,
    min(session_arn) AS example
FROM sessions
WHERE origin_kind = 'unresolved'
GROUP BY unresolved_reason, confidence
ORDER BY events DESC, unresolved_reason, confidence
