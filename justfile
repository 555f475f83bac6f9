# The words of CI, one each.

# Everything a change must pass.
check: fmt clippy docs test deny

fmt:
    cargo fmt --check

clippy:
    cargo clippy --workspace --all-targets --locked -- --deny warnings

docs:
    RUSTDOCFLAGS="--deny warnings" cargo doc --no-deps --document-private-items --locked

test:
    cargo test --locked

# Kills, failing disks, several processes at once, files in any order: as many kills as are asked for
torture KILLS="1000":
    ROLECALL_TORTURE={{KILLS}} cargo test --locked --test torture -- --test-threads 2

# The hot pieces one by one: inflate, decode, build, settle, write, resolve
bench-pieces FILTER="":
    cargo bench --bench pieces -- {{FILTER}}

# `rolecall ingest` beside ClickHouse and DuckDB on the same logs; the first table of docs/performance.md. Needs `pip install chdb duckdb`.
bench RUNS="5":
    cargo build --release --locked --bin rolecall --example workload
    python3 benches/peers/bench.py --runs {{RUNS}}

# How cost grows with the lake; the table of docs/performance.md. Keeps the log files in WORK.
bench-scale WORK SIZES="1000000,10000000":
    cargo build --release --locked --bin rolecall --example workload
    python3 benches/scale/curve.py --work {{WORK}} --sizes {{SIZES}}

# Log files of a made-up organization: `just workload /tmp/logs --events 10000000 --days 30`
workload OUT *ARGS:
    cargo run --release --locked --example workload -- --out {{OUT}} {{ARGS}}

# Ingest from a bucket on loopback: requests, time, memory; the tables of docs/performance.md
bench-s3 PROFILE="release":
    cargo bench --profile {{PROFILE}} --bench s3

# One fuzz target for as many seconds as are asked for: `just fuzz decode 600`. Needs cargo-fuzz and a nightly compiler.
fuzz TARGET SECONDS="600":
    cargo +nightly fuzz run --dev {{TARGET}} fuzz/corpus/{{TARGET}} fuzz/seeds/{{TARGET}} -- -max_total_time={{SECONDS}} -dict=fuzz/cloudtrail.dict

# One .slt file or folder: `just sql views/persona_switches`
sql FILTER="":
    cargo test --test sql -- {{FILTER}}

# Fills in the answers of .slt files and snapshots; a person reads the difference.
bless:
    ROLECALL_BLESS=1 cargo test --test sql
    find tests/slt -name '*.slt' -exec sed -i 's/^query $/query/' {} +
    cargo insta test --accept --test it

# Licences, bans and sources block a change; advisories do not, since one may appear overnight.
deny:
    cargo deny --workspace check bans licenses sources

# Writes the sample stories anew.
samples:
    python3 sample-logs/make.py
