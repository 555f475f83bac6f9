-- Which ARNs belong to which unique id of a role or user, on whichever day it was told?
-- reads: daily_facts
SELECT DISTINCT
    principal_id,
    arn
FROM daily_facts
WHERE fact = 'principals'
ORDER BY principal_id, arn
