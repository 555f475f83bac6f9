//! What a lake goes through: processes killed, disks that fail, two at once, files in any order; and nothing lost, nothing twice.
//!
//! `cargo test --test torture` tries some hundreds of faults. `just torture` sets `ROLECALL_TORTURE` to how many kills are wanted, and
//! tries that many. Every fault comes by seed, and a failure names it.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    clippy::print_stdout,
    clippy::exit,
    clippy::format_collect,
    clippy::format_push_string,
    clippy::needless_pass_by_value,
    clippy::unnecessary_wraps,
    dead_code,
    unreachable_pub,
    reason = "a test binary, which shares its support with another"
)]

#[path = "../simulator/dice.rs"]
mod dice;
#[path = "../it/support/mod.rs"]
mod support;

// The work that is disturbed, and what must come of it.
mod job;
mod logs;
mod place;
// The disturbances.
mod errors;
mod kills;
mod orders;
mod together;
mod watch;

use std::process::ExitCode;

use place::Side;

use libtest_mimic::{Arguments, Trial};

fn main() -> ExitCode {
    let typed: Vec<String> = std::env::args().collect();
    if typed.get(1).is_some_and(|word| word == kills::CHILD) {
        return kills::child(&typed[2..]);
    }
    if let Some(code) = place::with_credentials() {
        return code;
    }
    let kills = std::env::var("ROLECALL_TORTURE")
        .ok()
        .map_or(60, |count| count.parse().expect("a number of kills"));
    // Kills take most of the time, and say most.
    let share = |part: u64| (kills / part).max(1);
    let (half, quarter, orders, rounds) = (share(2), share(4), share(12), share(30));
    let trials = vec![
        Trial::test("killed_at_a_step", move || {
            kills::at_steps(half, Side::Disk)
        }),
        Trial::test("killed_at_a_step_in_a_bucket", move || {
            kills::at_steps(quarter, Side::Bucket)
        }),
        Trial::test("killed_at_an_instant", move || kills::at_instants(half)),
        Trial::test("a_step_fails", move || errors::at_steps(half, Side::Disk)),
        Trial::test("a_step_fails_in_a_bucket", move || {
            errors::at_steps(quarter, Side::Bucket)
        }),
        Trial::test("a_full_disk", move || errors::full_disk(quarter)),
        Trial::test("two_at_once", move || together::rounds(rounds, Side::Disk)),
        Trial::test("two_at_once_in_a_bucket", move || {
            together::rounds(rounds, Side::Bucket)
        }),
        Trial::test("any_order", move || orders::rounds(orders, Side::Disk)),
        Trial::test("any_order_in_a_bucket", move || {
            orders::rounds(rounds, Side::Bucket)
        }),
    ];
    libtest_mimic::run(&Arguments::from_args(), trials).exit_code()
}
