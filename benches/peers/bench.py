"""Times `rolecall ingest` beside ClickHouse (chDB) and DuckDB on the same log files, in the same run, each process alone.

    python3 benches/peers/bench.py [--rolecall target/release/rolecall] [--logs FOLDER] [--runs 5]

Without --logs the workload generator writes some. Needs `pip install chdb duckdb`. Prints a Markdown table of medians: CPU
seconds are what the process and its children used, ratios are of medians of this run.
"""

import argparse
import os
import pathlib
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
PROJECT = HERE.parent.parent


def measure(command, cores):
    """Runs a command on some cores; wall seconds, CPU seconds, peak memory in MB."""
    begun = time.monotonic()
    process = subprocess.Popen(["taskset", "--cpu-list", f"0-{cores - 1}", *command], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    words = process.stderr.read()
    _, status, used = os.wait4(process.pid, 0)
    if os.waitstatus_to_exitcode(status) not in (0, 3):
        sys.exit(f"{command} failed: {words.decode(errors='replace')[-2000:]}")
    return time.monotonic() - begun, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--rolecall", default=PROJECT / "target/release/rolecall")
    parser.add_argument("--logs")
    parser.add_argument("--events", default="385000")
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--peers", default="chdb,duckdb")
    args = parser.parse_args()

    with tempfile.TemporaryDirectory() as work:
        work = pathlib.Path(work)
        logs = args.logs
        if logs is None:
            logs = work / "logs"
            generator = PROJECT / "target/release/examples/workload"
            subprocess.run([generator, "--out", logs, "--events", args.events, "--days", "2", "--companies", "3", "--minutes", "60"], check=True)
        files = list(pathlib.Path(logs).rglob("*.json.gz"))
        packed = sum(file.stat().st_size for file in files)
        print(f"{len(files)} log files, {packed / 1e6:.0f} MB packed\n", file=sys.stderr)

        lake = work / "lake"
        ours = [str(args.rolecall), "ingest", "--no-resolve", "--lake", str(lake), str(logs)]
        jobs = {("rolecall", 1): ours, ("rolecall", 2): ours}
        for peer in filter(None, args.peers.split(",")):
            for cores in (1, 2):
                jobs[peer, cores] = [sys.executable, str(HERE / "peer.py"), peer, str(logs), str(work / f"{peer}.parquet"), str(cores)]
        measured = {job: [] for job in jobs}
        for _ in range(args.runs):
            for job, command in jobs.items():
                shutil.rmtree(lake, ignore_errors=True)
                measured[job].append(measure(command, job[1]))

        median = {job: [statistics.median(column) for column in zip(*runs)] for job, runs in measured.items()}
        own = median["rolecall", 1]
        print("| | Cores | Wall s | CPU s | × rolecall's CPU | Peak MB |")
        print("|---|---|---|---|---|---|")
        for (name, cores), (wall, cpu, peak) in median.items():
            print(f"| {name} | {cores} | {wall:.2f} | {cpu:.2f} | {cpu / own[1]:.1f} | {peak:.0f} |")
        print(f"\nrolecall, two cores instead of one: {own[0] / median['rolecall', 2][0]:.2f} times as fast; medians of {args.runs} runs")


if __name__ == "__main__":
    main()
