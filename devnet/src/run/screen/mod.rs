//! What a run prints.

mod verdict;

use std::time::Duration;

use alloy::primitives::U256;
use quorate_canon::Mask256;
use quorate_service::terminal::{self, Tone, grouped};

pub(super) use verdict::summary;

use super::{Downtime, Refuted, RunConfig, WorkedEpoch, rounds::RoundLine, slashes::CourtEvent};
use crate::{World, nodes::NodeFiles};

pub(super) fn title(config: &RunConfig) {
    println!(
        "Quorate devnet: {} tasks of the Alibaba GPU trace in {} s",
        config.window.count, config.window.seconds
    );
    println!(
        "Real: EigenLayer's core, both EVMs, operators, aggregator, signatures. Stand-ins: local beacon, plain bridge, devnet tokens."
    );
    println!("Logs, keys and stores: {}\n", config.dir.display());
}

pub(super) fn world(world: &World, took: Duration) {
    let mut table = terminal::table(&["", "chain", "endpoint", "contracts"]);
    let (l1, l2) = (&world.contracts.l1, &world.contracts.l2);
    let rows = [
        (
            "L1",
            world.chains.l1.chain_id(),
            world.chains.l1.url().to_string(),
            format!(
                "ServiceManager {}\nSlasher {}\nEigenLayer AllocationManager {}",
                l1.service_manager, l1.slasher, world.core.allocation_manager
            ),
        ),
        (
            "L2",
            world.chains.l2.chain_id(),
            world.chains.l2.url().to_string(),
            format!(
                "Rounds {}\nMarket {}\nStakeTable {}",
                l2.rounds, l2.market, l2.stake_table
            ),
        ),
    ];
    for (name, id, url, contracts) in rows {
        table.add_row(vec![name.to_owned(), id.to_string(), url, contracts]);
    }
    println!("{table}");
    println!(
        "{} operators joined the set, {} machines on offer; set up in {:.1} s\n",
        world.operators.len(),
        world.machines(),
        took.as_secs_f64()
    );
}

pub(super) fn head() {
    println!(
        "{:>6} {:>7} {:>8} {:>8} {:>8}  {:<14} {:>8} {:>9} {:>12}",
        "round",
        "block",
        "beacon",
        "requests",
        "matched",
        "outcome root",
        "signed",
        "gas",
        "beacon→cert"
    );
}

pub(super) fn round(line: &RoundLine) {
    println!(
        "{:>6} {:>7} {:>8} {:>8} {:>8}  {:<14} {:>8} {:>9} {:>9} ms",
        line.round,
        line.snapshot,
        line.beacon,
        line.requests,
        line.matched,
        line.outcome_root.chars().take(12).collect::<String>(),
        line.signed_bps.map_or_else(
            || "proposed".to_owned(),
            |bps| format!("{}.{}%", bps / 100, bps % 100 / 10)
        ),
        grouped(u128::from(line.gas)),
        line.beacon_to_certificate_ms
    );
}

pub(super) fn court(event: &CourtEvent) {
    match event {
        CourtEvent::Charged { operator, round } => {
            paint(
                Tone::Strong,
                &format!(
                    "  L1  operator {operator} is charged: it signed another outcome of round {round}; the charge waits for L2's word"
                ),
            );
        }
        CourtEvent::Word { round, verdict } => {
            println!(
                "  L1  L2's word on round {round} has come: {}",
                match verdict {
                    1 => "settled in full, windows over",
                    2 => "wrong outcome",
                    _ => "wrong seed",
                }
            );
        }
        CourtEvent::Slashed(slash) => {
            paint(
                Tone::Bad,
                &format!(
                    "  L1  operator {} slashed for {}: stake {} -> {} ({} shares taken by EigenLayer's core)",
                    slash.operator,
                    slash.offence,
                    tokens(slash.before),
                    tokens(slash.after),
                    tokens(slash.taken)
                ),
            );
        }
    }
}

pub(super) fn worked(epoch: &WorkedEpoch) {
    let part = |(number, (share, paid)): (usize, (&u16, &U256))| {
        format!("operator {number} {}, {}", percent(*share), tokens(*paid))
    };
    let parts = epoch.shares_bps.iter().zip(&epoch.paid).enumerate();
    println!(
        "  L1  EigenLayer's core takes {} tokens for stake epoch {}, by stake and share of work: {}",
        tokens(epoch.total()),
        epoch.epoch,
        parts.map(part).collect::<Vec<_>>().join("; ")
    );
}

pub(super) fn rented(machines: usize) {
    println!("  L2  all {machines} machines with agents are rented; operators probe them");
}

pub(super) fn lost(machine: u64, epoch: u32) {
    paint(
        Tone::Strong,
        &format!(
            "  --  machine {machine} loses a card in the midst of its lease: health epoch {epoch} begins"
        ),
    );
}

pub(super) fn down(machine: u64, epoch: u32, windows: &Mask256, seats: u16) {
    let bits: Vec<_> = (0..=u8::MAX)
        .filter(|bit| windows.bit(*bit))
        .map(|bit| bit.to_string())
        .collect();
    paint(
        Tone::Bad,
        &format!(
            "  L2  machine {machine} was DOWN in windows {} of health epoch {epoch}, by {seats} seats; receipts could strike them now",
            bits.join(" ")
        ),
    );
}

pub(super) fn slashed_machine(machine: u64, taken: u64, bounty: u64) {
    paint(
        Tone::Bad,
        &format!(
            "  L2  nobody appealed: the provider of machine {machine} loses {} tokens, {} of them to who called, the rest burned",
            millionths(taken),
            millionths(bounty)
        ),
    );
}

pub(super) fn after(came: &Downtime) {
    println!(
        "  L2  its tenant paid {} for {} s of lease, {} less than without a window DOWN; uptime {}, slash rate {} count from the next round on",
        dollars(came.paid),
        came.lease_seconds,
        dollars(came.undisturbed.saturating_sub(came.paid)),
        percent(came.uptime[1]),
        percent(came.slash_rate[1]),
    );
}

/// Whole and hundredth tokens.
fn millionths(of: u64) -> String {
    format!("{}.{:02}", of / 1_000_000, of % 1_000_000 / 10_000)
}

fn dollars(micro: u128) -> String {
    format!("${}.{:06}", micro / 1_000_000, micro % 1_000_000)
}

/// Basis points as percent; nothing observed is no number.
pub(super) fn percent(bps: u16) -> String {
    match bps {
        u16::MAX => "not observed".to_owned(),
        bps => format!("{}.{:02} %", bps / 100, bps % 100),
    }
}

pub(super) fn plot(honest: usize) {
    paint(
        Tone::Strong,
        &format!(
            "  --  all operators but {honest} now collude: in one round they sign the same wrong outcome"
        ),
    );
}

pub(super) fn refuted(refuted: &Refuted) {
    paint(
        Tone::Bad,
        &format!(
            "  L2  round {} refuted by the auditor in one transaction: code {}, {} gas, {} bytes of calldata",
            refuted.round,
            refuted.code,
            grouped(u128::from(refuted.gas)),
            grouped(refuted.calldata as u128)
        ),
    );
}

pub(super) fn replaying(rounds: usize) {
    println!("\nThe auditor replays {rounds} rounds from the two chains and the beacon alone ...");
}

pub(super) fn keep(world: &World, files: &NodeFiles) {
    println!("\nLeft running; Ctrl-C ends it.");
    println!("  L1          {}", world.chains.l1.url());
    println!("  L2          {}", world.chains.l2.url());
    for relay in &world.relays {
        println!("  beacon      {}", relay.url());
    }
    println!(
        "  aggregator  http://127.0.0.1:{} (gRPC), http://127.0.0.1:{} (metrics)",
        files.aggregator_port, files.aggregator_http
    );
    for (number, port) in files.operator_http.iter().enumerate() {
        println!("  operator {number}  http://127.0.0.1:{port}");
    }
    println!(
        "  auditor     target/debug/auditor replay --config {}",
        files.auditor().display()
    );
}

/// Whole and hundredth tokens of 18 decimals.
fn tokens(shares: U256) -> String {
    let hundredths = shares / U256::from(10_u64.pow(16));
    let (whole, rest) = (hundredths / U256::from(100), hundredths % U256::from(100));
    format!("{whole}.{rest:02}")
}

/// A line in a colour, on a terminal.
fn paint(tone: Tone, text: &str) {
    let code = match tone {
        Tone::Good => "32",
        Tone::Bad => "31;1",
        Tone::Strong => "33",
        Tone::Plain | Tone::Faint => "0",
    };
    if terminal::colours() {
        println!("\u{1b}[{code}m{text}\u{1b}[0m");
    } else {
        println!("{text}");
    }
}
