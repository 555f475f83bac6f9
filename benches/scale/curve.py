"""How cost grows with the lake: ingest, resolve, one more day, and the main questions, at several sizes.

    python3 benches/scale/curve.py --sizes 1000000,10000000,100000000 --work FOLDER [--rolecall target/release/rolecall]

Log files come from the workload generator, 770,000 events a day, and stay in FOLDER for the next time; lakes are made anew.
Prints a Markdown table: wall seconds (of questions the median of three new processes), peak memory, and the exponent with which
the time grows from the smallest size to the largest (1 is linear, 0 is flat).
"""

import argparse
import csv
import datetime
import io
import math
import os
import pathlib
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

PROJECT = pathlib.Path(__file__).resolve().parent.parent.parent
A_DAY = 770_000
FIRST_DAY = datetime.date(2026, 1, 1)


def run(command):
    """Wall seconds, peak memory in MB, and what it printed."""
    begun = time.monotonic()
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as words:
        process = subprocess.Popen([str(word) for word in command], stdout=out, stderr=words)
        _, status, used = os.wait4(process.pid, 0)
        wall = time.monotonic() - begun
        out.seek(0)
        words.seek(0)
        if os.waitstatus_to_exitcode(status) not in (0, 3):
            sys.exit(f"{command} failed: {words.read().decode(errors='replace')[-2000:]}")
        return wall, used.ru_maxrss / 1024, out.read().decode(errors="replace")


def generate(logs, events, days, first, seed):
    if not logs.exists():
        generator = PROJECT / "target/release/examples/workload"
        words = ["--events", events, "--days", days, "--from", first, "--companies", 4, "--minutes", 15, "--seed", seed]
        # A folder that is there is a whole one.
        unfinished = logs.with_name(f"{logs.name}-unfinished")
        shutil.rmtree(unfinished, ignore_errors=True)
        run([generator, "--out", unfinished, *words])
        unfinished.rename(logs)
    return logs


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--rolecall", default=PROJECT / "target/release/rolecall")
    parser.add_argument("--sizes", default="1000000,10000000")
    parser.add_argument("--work", required=True)
    args = parser.parse_args()
    work = pathlib.Path(args.work)
    work.mkdir(parents=True, exist_ok=True)
    sizes = [int(size) for size in args.sizes.split(",")]
    table = {}

    def tell(step, wall, peak):
        table.setdefault(step, []).append((wall, peak))
        print(f"  {step}: {wall:.2f} s, {peak:.0f} MB", file=sys.stderr, flush=True)

    for size in sizes:
        days = max(1, round(size / A_DAY))
        last_day = FIRST_DAY + datetime.timedelta(days=days - 1)
        next_day = last_day + datetime.timedelta(days=1)
        logs = generate(work / f"logs-{size}", size, days, FIRST_DAY, 1)
        more = generate(work / f"logs-{size}-next", A_DAY, 1, next_day, 2)
        lake = work / f"lake-{size}"
        shutil.rmtree(lake, ignore_errors=True)
        print(f"{size} events, {days} days", file=sys.stderr)

        def rolecall(*words):
            return run([args.rolecall, "--lake", lake, *words])

        def rows(sql):
            return list(csv.DictReader(io.StringIO(rolecall("sql", "--format", "csv", sql)[2])))

        tell("ingest", *rolecall("ingest", "--no-resolve", logs)[:2])
        tell("resolve, all of it", *rolecall("resolve")[:2])
        rolecall("compact")
        tell("ingest of one more day", *rolecall("ingest", "--no-resolve", more)[:2])
        tell("resolve of one more day", *rolecall("resolve")[:2])

        event = rows(f"SELECT event_id FROM attributed_events WHERE date = '{last_day}' AND hop_count > 0 AND origin_id IS NOT NULL ORDER BY event_time LIMIT 1")[0]["event_id"]
        person = rows(f"SELECT origin_id, count(*) AS n FROM attributed_events WHERE date = '{last_day}' AND is_human GROUP BY origin_id ORDER BY n DESC, origin_id LIMIT 1")[0]["origin_id"]
        role = rows("SELECT persona_arn, sum(use_count) AS n FROM permission_usage WHERE persona_arn LIKE '%:role/%' GROUP BY persona_arn ORDER BY n DESC, persona_arn LIMIT 1")[0]["persona_arn"]
        month = last_day - datetime.timedelta(days=29)
        questions = {
            "show EVENT_ID": ["show", event],
            "who EVENT_ID": ["who", event],
            "timeline of a person's day": ["timeline", "--principal", person, "--from", last_day, "--to", next_day],
            "timeline of a person's 30 days": ["timeline", "--principal", person, "--from", month, "--to", next_day],
            "permissions of the busiest role": ["permissions", "--role", role],
            "all of `permission_usage`": ["sql", "SELECT count(*), sum(use_count), max(last_used_at), sum(resource_count) FROM permission_usage"],
            "status": ["status"],
        }
        for name, words in questions.items():
            runs = [rolecall(*words)[:2] for _ in range(3)]
            tell(name, statistics.median(wall for wall, _ in runs), max(peak for _, peak in runs))

    print("| Wall seconds (peak MB) | " + " | ".join(f"{size:,}" for size in sizes) + " | Exponent |")
    print("|---|" + "---|" * (len(sizes) + 1))
    for step, measured in table.items():
        growth = "" if len(sizes) < 2 else f"{math.log(measured[-1][0] / measured[0][0]) / math.log(sizes[-1] / sizes[0]):.2f}"
        print(f"| {step} | " + " | ".join(f"{wall:.2f} ({peak:.0f})" for wall, peak in measured) + f" | {growth} |")


if __name__ == "__main__":
    main()
