"""Reads log files and writes their records as one sorted Parquet file, with DuckDB or with ClickHouse (chDB).

Each gets the schema, so that it need not look at the files twice, and keeps free-form parts as JSON text, as rolecall does.
They do less: nothing is lifted, masked, settled or booked, and a damaged file ends the run.
"""

import sys

PLAIN = """eventVersion eventTime eventSource eventName eventType eventCategory awsRegion recipientAccountId sourceIPAddress userAgent
errorCode errorMessage requestID eventID apiVersion sharedEventID vpcEndpointId""".split()
BOOLEAN = ["readOnly", "managementEvent"]
FREE = "requestParameters responseElements additionalEventData serviceEventDetails tlsDetails".split()
IDENTITY = "type principalId arn accountId accessKeyId userName invokedBy".split()
ISSUER = "type principalId arn accountId userName".split()


def duckdb(logs, out, threads):
    import duckdb

    text = lambda names: ", ".join(f'"{name}" VARCHAR' for name in names)
    context = f"STRUCT(sessionIssuer STRUCT({text(ISSUER)}), attributes STRUCT({text(['creationDate', 'mfaAuthenticated'])}))"
    identity = f"STRUCT({text(IDENTITY)}, sessionContext {context})"
    resources = 'STRUCT(accountId VARCHAR, "type" VARCHAR, ARN VARCHAR)[]'
    record = ", ".join(
        [text(PLAIN), *(f'"{name}" BOOLEAN' for name in BOOLEAN), *(f'"{name}" JSON' for name in FREE)]
        + [f"userIdentity {identity}", f"resources {resources}"]
    )
    columns = ", ".join(f"r.{name} AS {name}" for name in PLAIN + BOOLEAN + FREE if name != "eventTime")
    who = ", ".join(f"r.userIdentity.{name} AS user_{name}" for name in IDENTITY)
    db = duckdb.connect(config={"threads": threads})
    db.execute(
        f"""
        COPY (
            SELECT r.eventTime::TIMESTAMPTZ AS event_time, {columns}, {who},
                r.userIdentity.sessionContext.sessionIssuer.arn AS issuer_arn,
                r.userIdentity.sessionContext.sessionIssuer.principalId AS issuer_id,
                r.userIdentity.sessionContext.attributes.creationDate AS creation_date, r.resources AS resources, filename
            FROM (
                SELECT unnest(Records) AS r, filename
                FROM read_json('{logs}/**/*.json.gz', columns = {{Records: 'STRUCT({record})[]'}},
                    format = 'unstructured', filename = true, maximum_object_size = 268435456)
            )
            ORDER BY event_time, eventID
        ) TO '{out}' (FORMAT parquet, COMPRESSION zstd, COMPRESSION_LEVEL 1, ROW_GROUP_SIZE 131072)
        """
    )
    return db.execute(f"SELECT count(*) FROM '{out}'").fetchone()[0]


def chdb(logs, out, threads):
    import chdb

    text = lambda names: ", ".join(f"`{name}` Nullable(String)" for name in names)
    context = f"Tuple(sessionIssuer Tuple({text(ISSUER)}), attributes Tuple({text(['creationDate', 'mfaAuthenticated'])}))"
    identity = f"Tuple({text(IDENTITY)}, sessionContext {context})"
    resources = f"Array(Tuple({text(['accountId', 'type', 'ARN'])}))"
    record = ", ".join(
        [text(PLAIN), *(f"`{name}` Nullable(Bool)" for name in BOOLEAN), text(FREE)]
        + [f"userIdentity {identity}", f"resources {resources}"]
    )
    columns = ", ".join(f"r.{name} AS {name}" for name in PLAIN + BOOLEAN + FREE if name != "eventTime")
    who = ", ".join(f"r.userIdentity.{name} AS user_{name}" for name in IDENTITY)
    query = f"""
        INSERT INTO FUNCTION file('{out}', 'Parquet')
        SELECT parseDateTimeBestEffort(assumeNotNull(r.eventTime)) AS event_time, {columns}, {who},
            r.userIdentity.sessionContext.sessionIssuer.arn AS issuer_arn,
            r.userIdentity.sessionContext.sessionIssuer.principalId AS issuer_id,
            r.userIdentity.sessionContext.attributes.creationDate AS creation_date, r.resources AS resources, _path AS filename
        FROM (
            SELECT arrayJoin(Records) AS r, _path
            FROM file('{logs}/**/*.json.gz', 'JSONEachRow', 'Records Array(Tuple({record}))')
        )
        ORDER BY event_time, eventID
        SETTINGS max_threads = {threads}, input_format_json_read_objects_as_strings = 1, input_format_json_ignore_unknown_keys_in_named_tuple = 1,
            input_format_json_defaults_for_missing_elements_in_named_tuple = 1, output_format_parquet_compression_method = 'zstd',
            output_format_compression_level = 1, output_format_parquet_row_group_size = 131072, engine_file_truncate_on_insert = 1
    """
    chdb.query(query)
    return int(str(chdb.query(f"SELECT count() FROM file('{out}', 'Parquet')", "TSV")).strip())


if __name__ == "__main__":
    which, logs, out, threads = sys.argv[1:]
    print(globals()[which](logs, out, int(threads)))
