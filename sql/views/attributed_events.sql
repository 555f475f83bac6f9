-- Every event beside the person or workload who was really behind it.
-- A call that a service made in somebody's name (`via_service`) is theirs, but no separate act of theirs. A service in a role that it was
-- given, or that is its own, calls for itself.
-- column: via_service the AWS service that made the call in the principal's name; null where the principal called
-- column: person the person's name, where `--people` gives the origin one
-- reads: events, sessions, people
SELECT
    events.*,
    sessions.persona_arn,
    sessions.persona_id,
    sessions.hop_count,
    sessions.chain,
    sessions.origin_kind,
    sessions.origin_id,
    sessions.origin_name,
    sessions.origin_account_id,
    sessions.origin_provider,
    sessions.origin_assurance,
    sessions.is_human,
    sessions.created_by_origin_id,
    CASE
        WHEN
            events.user_identity_type <> 'AWSService'
            AND (sessions.origin_id IS DISTINCT FROM events.user_identity_invoked_by)
            THEN events.user_identity_invoked_by
    END AS via_service,
    sessions.attribution,
    sessions.confidence,
    CASE
        WHEN sessions.attribution = 'direct' THEN make_array(events.event_id)
        ELSE sessions.evidence_event_ids
    END AS evidence_event_ids,
    sessions.unresolved_reason,
    people.person
FROM events
LEFT JOIN sessions ON events.session_id = sessions.session_id
LEFT JOIN people
    ON
        sessions.origin_id = people.person_origin_id
        AND (sessions.origin_provider IS NOT DISTINCT FROM people.person_origin_provider)
