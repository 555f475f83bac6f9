-- What happened, in order, and who was behind it?
-- Every parameter that is given narrows the answer; `sessions` takes session ids with commas between them. `who` and `persona` are short
-- forms for narrow screens. `of_principal` and `in_role` are for whoever has asked `timeline/sessions` first: they take the ids of the
-- sessions that fit in the place of what `principal` and `role` ask of sessions, so that only their events are read. A list that is known
-- when the question is planned reaches the scan, a subquery does not.
-- param: principal text default null
-- param: role text default null
-- param: access_key text default null
-- param: ip text default null
-- param: resource text default null
-- param: event text default null
-- param: account text default null
-- param: region text default null
-- param: since timestamp default null
-- param: until timestamp default null
-- param: sessions text default null
-- param: of_principal text default null
-- param: in_role text default null
-- reads: attributed_events, accounts
SELECT
    calls.event_time,
    calls.person,
    origin_kind,
    origin_id,
    origin_name,
    persona_arn,
    event_source,
    event_name,
    error_code,
    recipient_account_id,
    aws_region,
    source_ip_address,
    user_agent,
    via_service,
    resource_arns,
    hop_count,
    attribution,
    confidence,
    unresolved_reason,
    session_id,
    event_id,
    coalesce(person, origin_name, origin_id, origin_kind) AS who,
    coalesce(accounts.account_name, split_part(persona_arn, ':', 5)) || ' ' || split_part(persona_arn, ':', 6) AS persona
FROM attributed_events AS calls
LEFT JOIN accounts ON split_part(calls.persona_arn, ':', 5) = accounts.account_id
WHERE
    ($since::timestamp IS NULL OR event_time >= $since::timestamp)
    AND ($until::timestamp IS NULL OR event_time < $until::timestamp)
    AND (
        ($principal::text IS NULL AND $of_principal::text IS NULL)
        OR user_identity_arn = $principal::text
        OR array_has(string_to_array($of_principal::text, ','), session_id)
        OR (
            $of_principal::text IS NULL
            AND (
                origin_id = $principal::text
                OR origin_name = $principal::text
                OR persona_arn = $principal::text
                OR person = $principal::text
            )
        )
    )
    AND (
        ($role::text IS NULL AND $in_role::text IS NULL)
        OR array_has(string_to_array($in_role::text, ','), session_id)
        OR (
            $in_role::text IS NULL
            AND (
                array_has(chain, $role::text)
                -- A name, which may hold characters that LIKE would take for wildcards.
                OR strpos(array_to_string(chain, ' ') || ' ', '/' || $role::text || ' ') > 0
            )
        )
    )
    AND ($access_key::text IS NULL OR user_identity_access_key_id = $access_key::text)
    AND ($ip::text IS NULL OR source_ip_address = $ip::text)
    AND ($resource::text IS NULL OR array_has(resource_arns, $resource::text))
    AND ($event::text IS NULL OR event_name = $event::text)
    AND ($account::text IS NULL OR recipient_account_id = $account::text)
    AND ($region::text IS NULL OR aws_region = $region::text)
    AND ($sessions::text IS NULL OR array_has(string_to_array($sessions::text, ','), session_id))
ORDER BY event_time, event_id
