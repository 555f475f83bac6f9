"""Reads a bucket and a queue of moto, another simulator of AWS, and keeps a lake in one, with the command line, as a user would.

Then other tools read that lake: DuckDB its files, and a parser of Athena's SQL the statements for it.

Arguments: the program, and the folder of a log tree (below it `AWSLogs`).
"""

import json
import os
import pathlib
import re
import socket
import subprocess
import sys
import tempfile
import time

import boto3
import duckdb
import duckdb_extension_httpfs
import sqlglot
from botocore.exceptions import ClientError, EndpointConnectionError

PROGRAM, LOGS = sys.argv[1], pathlib.Path(sys.argv[2])
PAGE = pathlib.Path(__file__).parents[1] / "docs/s3.md"
# The statements of the page, under the names that its headings give them.
DOCUMENTED = {
    name.lower(): text
    for name, text in re.findall(r"\*\*(DuckDB|Athena)\*\*.*?```sql\n(.*?)```", PAGE.read_text(), re.DOTALL)
}
OWN = """
    SELECT origin_name, persona_arn, event_source, count(*) AS calls FROM attributed_events
    WHERE event_time >= '2026-03-03' AND event_time < '2026-03-04' AND origin_name IS NOT NULL
    GROUP BY 1, 2, 3 ORDER BY 1, 2, 3
"""
FILES = sorted(path for path in LOGS.rglob("*") if path.is_file() and "AWSLogs" in path.parts)
ENVIRONMENT = {
    "AWS_ACCESS_KEY_ID": "AKIAMOTOEXAMPLE",
    "AWS_SECRET_ACCESS_KEY": "moto",
    "AWS_EC2_METADATA_DISABLED": "true",
    "AWS_REGION": "us-east-1",
}


def key_of(path):
    parts = path.parts
    return "/".join(parts[parts.index("AWSLogs"):])


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_for(s3):
    for _ in range(100):
        try:
            s3.list_buckets()
            return
        except (EndpointConnectionError, ClientError):
            time.sleep(0.2)
    sys.exit("moto did not come up")


def ingest(url, folder, *source):
    command = [PROGRAM, "ingest", *source, "--lake", f"{folder}/lake", "--endpoint-url", url]
    ran = subprocess.run(command, env=ENVIRONMENT, capture_output=True, text=True, check=False)
    print(ran.stderr.strip())
    return ran.returncode, json.loads(ran.stdout or "{}"), ran.stderr


def ask(url, *arguments):
    command = [PROGRAM, *arguments, "--lake", "s3://lake/team", "--endpoint-url", url]
    ran = subprocess.run(command, env=ENVIRONMENT, capture_output=True, text=True, check=False)
    print(ran.stderr.strip())
    return ran.stdout


def by_duckdb(url, sql):
    connection = duckdb.connect()
    # `INSTALL httpfs` would fetch it from DuckDB's own server.
    package = pathlib.Path(duckdb_extension_httpfs.__file__).parent
    extension = next(package.rglob("httpfs.duckdb_extension"))
    connection.execute(f"LOAD '{extension}'")
    endpoint = url.removeprefix("http://")
    connection.execute(
        "CREATE SECRET (TYPE s3, KEY_ID 'AKIAMOTOEXAMPLE', SECRET 'moto', REGION 'us-east-1', "
        f"ENDPOINT '{endpoint}', URL_STYLE 'path', USE_SSL false)"
    )
    return connection.execute(sql).fetchall()


def by_role(url):
    """A profile that takes a role, in an environment without keys."""
    with tempfile.TemporaryDirectory() as folder:
        config = pathlib.Path(folder, "config")
        config.write_text(
            "[profile base]\naws_access_key_id = AKIAMOTOEXAMPLE\naws_secret_access_key = moto\n"
            "[profile hat]\nrole_arn = arn:aws:iam::123456789012:role/hat\nsource_profile = base\n"
            f"region = us-east-1\nendpoint_url = {url}\n"
        )
        environment = {
            "AWS_CONFIG_FILE": str(config),
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_ENDPOINT_URL_STS": url,
        }
        command = [PROGRAM, "sql", "SELECT 1 AS one", "--lake", "s3://lake/team", "--profile", "hat"]
        ran = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        check("by a profile that takes a role" + ran.stderr, ran.stdout.strip(), '{"one":1}')


def check(what, found, wanted):
    if found != wanted:
        sys.exit(f"{what}: {found} instead of {wanted}")
    print(f"{what}: {found}")


DEFINITIONS = """
lake = "s3://lake/team"
[[report]]
name = "nightly"
section = [{ builtin = "origins" }]
output = [{ format = "html", to = "s3://lake/reports/{report}/{date}.html" }]
[[notify]]
kind = "sns"
address_env = "TOPIC"
when = "rows"
link = "https://reports.example.com/{report}/{date}.html"
"""


def told_by_topic(session, url):
    """A report of the lake in the bucket goes into a bucket, and a topic tells of it."""
    sns, sqs = session.client("sns", endpoint_url=url), session.client("sqs", endpoint_url=url)
    topic = sns.create_topic(Name="reports")["TopicArn"]
    queue = sqs.create_queue(QueueName="readers")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn)
    with tempfile.TemporaryDirectory() as folder:
        config = pathlib.Path(folder) / "rolecall.toml"
        config.write_text(DEFINITIONS)
        words = ["report", "run", "nightly", "--for", "2026-03-03", "--config", config, "--endpoint-url", url]
        ran = subprocess.run([PROGRAM, *words], capture_output=True, text=True, env={**ENVIRONMENT, "TOPIC": topic, "AWS_ENDPOINT_URL_SNS": url})
        check("exit code of a report", (ran.returncode, ran.stderr[-500:] if ran.returncode else ""), (0, ""))
    page = session.client("s3", endpoint_url=url).get_object(Bucket="lake", Key="reports/nightly/2026-03-03.html")
    check("its page", b"<td>bob</td>" in page["Body"].read(), True)
    check("its form", page["ContentType"], "text/html; charset=utf-8")
    message = sqs.receive_message(QueueUrl=queue, WaitTimeSeconds=2)["Messages"][0]
    told = json.loads(json.loads(message["Body"])["Message"])
    check("what the topic tells", (told["report"], told["link"]), ("nightly", "https://reports.example.com/nightly/2026-03-03.html"))
    check("and no names", "bob" in message["Body"], False)


SCHEDULED = """
lake = "s3://lake/team"
[ingest]
sqs = "QUEUE"
[[report]]
name = "often"
schedule = "* * * * *"
window = "30d"
section = [{ builtin = "coverage" }]
output = [{ format = "json", to = "s3://lake/reports/often.json" }]
"""


def by_scheduler(s3, url, queue):
    """What a queue tells of is read when a report is due, and the report is made, both in buckets."""
    files = "SELECT count(*) AS n FROM log_files"
    before = json.loads(ask(url, "sql", files))["n"]
    path = next(path for path in FILES if "Damaged" not in path.name)
    s3.put_object(Bucket="trail", Key=f"copies/{key_of(path)}.again.json.gz", Body=path.read_bytes())
    with tempfile.TemporaryDirectory() as folder:
        config = pathlib.Path(folder) / "rolecall.toml"
        config.write_text(SCHEDULED.replace("QUEUE", queue))
        words = ["run", "--once", "--config", config, "--endpoint-url", url]
        ran = subprocess.run([PROGRAM, *words], capture_output=True, text=True, env=ENVIRONMENT)
        # 3: other messages of the queue may tell of what cannot be read.
        check("exit code of the scheduler", ran.returncode in (0, 3) or ran.stderr[-2000:], True)
    check("log files of the lake", json.loads(ask(url, "sql", files))["n"], before + 1)
    report = json.loads(s3.get_object(Bucket="lake", Key="reports/often.json")["Body"].read())
    check("sections of the report", sorted(report), ["coverage", "summary"])


def main():
    url = f"http://127.0.0.1:{free_port()}"
    port = url.rsplit(":", 1)[1]
    moto = pathlib.Path(sys.executable).with_name("moto_server")
    server = subprocess.Popen([moto, "-H", "127.0.0.1", "-p", port], stderr=subprocess.DEVNULL)
    try:
        session = boto3.Session("AKIAMOTOEXAMPLE", "moto", region_name="us-east-1")
        s3 = session.client("s3", endpoint_url=url)
        sqs = session.client("sqs", endpoint_url=url)
        wait_for(s3)
        s3.create_bucket(Bucket="trail")
        queue = sqs.create_queue(QueueName="objects")["QueueUrl"]
        arn = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])
        s3.put_bucket_notification_configuration(
            Bucket="trail",
            NotificationConfiguration={
                "QueueConfigurations": [
                    {"QueueArn": arn["Attributes"]["QueueArn"], "Events": ["s3:ObjectCreated:*"]}
                ]
            },
        )
        for path in FILES:
            s3.put_object(Bucket="trail", Key=key_of(path), Body=path.read_bytes())
        with tempfile.TemporaryDirectory() as folder:
            code, books, _ = ingest(url, folder, "s3://trail")
            check("files of the bucket", books["files"], len(FILES))
            check("exit code (a sample is damaged)", code, 3)
            events = books["events"]
            _, again, words = ingest(url, folder, "s3://trail")
            check("nothing is read twice", " 0 to read" in words, True)
            check("known by their ETags", again["files_known"] + again["files_rejected"], len(FILES))
        with tempfile.TemporaryDirectory() as folder:
            _, books, _ = ingest(url, folder, "--sqs", queue)
            check("events by the queue", books["events"], events)
            waiting = sqs.get_queue_attributes(
                QueueUrl=queue,
                AttributeNames=["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"],
            )["Attributes"]
            check("messages that are left", sum(map(int, waiting.values())), 0)
        s3.create_bucket(Bucket="lake")
        ask(url, "ingest", "s3://trail")
        ask(url, "compact")
        counted = json.loads(ask(url, "sql", "SELECT count(*) AS n FROM events"))
        check("events of the lake in a bucket", counted["n"], events)
        found = by_duckdb(url, DOCUMENTED["duckdb"].replace("s3://BUCKET/PREFIX", "s3://lake/team"))
        own = [json.loads(line) for line in ask(url, "sql", OWN).splitlines()]
        check("DuckDB tells the same of it", found, [tuple(row.values()) for row in own])
        check("and that is something", len(found) > 3, True)
        by_role(url)
        told_by_topic(session, url)
        by_scheduler(s3, url, queue)
    finally:
        server.kill()
    statements = subprocess.run(
        [PROGRAM, "schema", "--athena"], capture_output=True, text=True, check=True
    ).stdout
    parsed = sqlglot.parse(statements, dialect="athena") + sqlglot.parse(DOCUMENTED["athena"], dialect="athena")
    check("statements for Athena that a parser reads", len([one for one in parsed if one]), 16)


main()
