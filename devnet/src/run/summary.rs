//! The verdict on a run, for people and as `summary.json`.

use std::{collections::BTreeSet, path::Path, time::Duration};

use quorate_health::HealthPolicy;
use serde::Serialize;
use serde_json::Value;

use super::{
    Court, Downtime, Refuted, Watch, WorkedEpoch,
    plot::{self, Plot},
};
use crate::{Error, feeder::Fed};

/// A slashed operator.
#[derive(Clone, Debug, Serialize)]
pub struct SlashedOperator {
    /// Its number in this run.
    pub operator: usize,
    /// Its address on L1.
    pub address: String,
    /// What for.
    pub offence: &'static str,
    /// Restaked shares before, decimal.
    pub stake_before: String,
    /// Restaked shares after, decimal.
    pub stake_after: String,
    /// Shares that the core returned as slashed, decimal.
    pub shares_slashed: String,
}

/// A run in figures.
#[derive(Clone, Debug, Serialize)]
pub struct Summary {
    /// Whether all of it held.
    pub held: bool,
    /// What did not, in words.
    pub failures: Vec<String>,
    /// Rounds settled in full.
    pub rounds_settled: usize,
    /// Requests posted.
    pub requests: u64,
    /// Requests matched.
    pub matched: u64,
    /// Leases that were open at the end.
    pub leases_open: usize,
    /// Leases that ended during the run.
    pub leases_ended: u64,
    /// Rounds that the auditor replayed.
    pub rounds_replayed: u64,
    /// Of these, equal in everything.
    pub rounds_replayed_equal: u64,
    /// The wrong outcome of a quorum, as it was refuted.
    pub refuted: Option<Refuted>,
    /// Rounds settled after the refuted one.
    pub rounds_after_refutation: usize,
    /// What came of the machine that lost a card.
    pub downtime: Downtime,
    /// What operators were shown to have done, and what L1 handed to the core for it: the stake epochs
    /// that were told within the run.
    pub operators_work: Vec<WorkedEpoch>,
    /// Who was slashed.
    pub slashed: Vec<SlashedOperator>,
    /// Gas of each certificate, from receipts: lowest, median, highest.
    pub gas_per_certificate: [u64; 3],
    /// Median of beacon to certificate, milliseconds.
    pub beacon_to_certificate_p50_ms: u64,
    /// 99th percentile of the same.
    pub beacon_to_certificate_p99_ms: u64,
    /// Largest resident memory of an operator at the end, KiB.
    pub operator_resident_kib: Option<u64>,
    /// The whole run, seconds.
    pub seconds: u64,
}

impl Summary {
    pub(super) fn new(
        watch: &Watch,
        court: &Court,
        (plot, came, worked): (Option<&Plot>, &Downtime, &[WorkedEpoch]),
        replay: &Value,
        fed: Fed,
        memory: Option<u64>,
        took: Duration,
    ) -> Self {
        let lines = watch.lines();
        let sorted = |value: fn(&super::rounds::RoundLine) -> u64| {
            let certified = lines.iter().filter(|line| line.signed_bps.is_some());
            let mut values: Vec<u64> = certified.map(value).collect();
            values.sort_unstable();
            values
        };
        let (gas, times) = (sorted(|l| l.gas), sorted(|l| l.beacon_to_certificate_ms));
        let unequal = unequal(replay);
        let count = |field: &str| replay.get(field).and_then(Value::as_u64).unwrap_or(0);
        let mut summary = Self {
            held: false,
            failures: Vec::new(),
            rounds_settled: lines.len(),
            requests: fed.posted,
            matched: lines.iter().map(|l| u64::from(l.matched)).sum(),
            leases_open: fed.open,
            leases_ended: fed.ended,
            rounds_replayed: count("replayed"),
            rounds_replayed_equal: count("equal"),
            refuted: plot.and_then(|plot| plot.refuted.clone()),
            rounds_after_refutation: plot.map_or(0, |plot| plot.rounds_after(watch)),
            downtime: came.clone(),
            operators_work: worked.to_vec(),
            slashed: slashed(court),
            gas_per_certificate: [
                percentile(&gas, 0),
                percentile(&gas, 50),
                percentile(&gas, 100),
            ],
            beacon_to_certificate_p50_ms: percentile(&times, 50),
            beacon_to_certificate_p99_ms: percentile(&times, 99),
            operator_resident_kib: memory,
            seconds: took.as_secs(),
        };
        summary.failures = failures(&summary, court, fed, &unequal);
        summary.held = summary.failures.is_empty();
        summary
    }

    pub(super) fn write(&self, path: &Path) -> Result<(), Error> {
        let text = serde_json::to_string_pretty(self)
            .map_err(|e| Error::program("summary", e.to_string()))?;
        std::fs::write(path, text).map_err(Error::file(path))
    }
}

/// What did not hold.
fn failures(summary: &Summary, court: &Court, fed: Fed, unequal: &[u64]) -> Vec<String> {
    let mut failures = Vec::new();
    let mut require = |holds: bool, words: String| {
        if !holds {
            failures.push(words);
        }
    };
    let settled = summary.rounds_settled;
    require(
        settled >= 3,
        format!("{settled} rounds settled, expected 3 at least"),
    );
    require(summary.matched > 0, "no request was matched".to_owned());
    require(
        fed.failed == 0,
        format!("{} of the feeder's transactions failed", fed.failed),
    );
    let (replayed, equal) = (summary.rounds_replayed, summary.rounds_replayed_equal);
    let refuted: Vec<u64> = summary.refuted.iter().map(|r| r.round).collect();
    require(
        refuted == unequal && replayed >= settled as u64,
        format!(
            "{equal} of {replayed} replayed rounds equal, {settled} settled: {unequal:?} differ, {refuted:?} refuted"
        ),
    );
    require(
        !refuted.is_empty(),
        "the quorum's wrong outcome was not refuted".to_owned(),
    );
    require(
        summary.rounds_after_refutation > 0,
        "no round was settled after the refuted one".to_owned(),
    );
    let came = &summary.downtime;
    require(
        came.falsely_down.is_empty(),
        format!(
            "machines {:?} were called DOWN and were well",
            came.falsely_down
        ),
    );
    require(
        came.windows_down >= u32::from(HealthPolicy::devnet().slash_windows) && came.slashed > 0,
        format!(
            "the machine without its card: {} windows DOWN, {} millionths slashed",
            came.windows_down, came.slashed
        ),
    );
    require(
        came.paid < came.undisturbed && came.uptime[1] < 10_000 && came.slash_rate[1] > 0,
        format!(
            "its tenant paid {} of {} micro-dollars, uptime {}, slash rate {}",
            came.paid, came.undisturbed, came.uptime[1], came.slash_rate[1]
        ),
    );
    let worked = &summary.operators_work;
    require(
        worked.iter().any(|epoch| epoch.rounds > 0),
        "no stake epoch's work was counted and paid for".to_owned(),
    );
    for epoch in worked {
        require(
            epoch.paid == epoch.due,
            format!(
                "stake epoch {}: L1 paid {:?}, due were {:?}",
                epoch.epoch, epoch.paid, epoch.due
            ),
        );
    }
    let mut wanted = BTreeSet::from([
        (super::EQUIVOCATOR, "equivocation"),
        (super::DIVERGENT, "divergence"),
    ]);
    let colluders = (0..court.operators()).filter(|number| *number != plot::HONEST);
    wanted.extend(colluders.map(|number| (number, plot::OFFENCE)));
    let got: BTreeSet<_> = court
        .slashes()
        .iter()
        .map(|s| (s.operator, s.offence))
        .collect();
    require(
        got == wanted,
        format!("slashed {got:?}, expected exactly {wanted:?}"),
    );
    for slash in court.slashes() {
        let lost = slash.before.saturating_sub(slash.after);
        require(
            slash.moved && slash.taken > alloy::primitives::U256::ZERO && lost == slash.taken,
            format!(
                "operator {}: core returned {} shares slashed, its stake fell by {lost}",
                slash.operator, slash.taken
            ),
        );
    }
    failures
}

/// The rounds in which the auditor found a difference.
fn unequal(replay: &Value) -> Vec<u64> {
    let rounds = replay.get("rounds").and_then(Value::as_array);
    let differs = |round: &&Value| {
        let findings = round.get("findings").and_then(Value::as_array);
        findings.is_none_or(|findings| !findings.is_empty())
    };
    rounds
        .into_iter()
        .flatten()
        .filter(differs)
        .filter_map(|round| round.get("round")?.as_u64())
        .collect()
}

fn slashed(court: &Court) -> Vec<SlashedOperator> {
    let slashes = court.slashes().iter().map(|slash| SlashedOperator {
        operator: slash.operator,
        address: slash.address.to_string(),
        offence: slash.offence,
        stake_before: slash.before.to_string(),
        stake_after: slash.after.to_string(),
        shares_slashed: slash.taken.to_string(),
    });
    slashes.collect()
}

/// The smallest value that at least `percent` of all do not exceed.
fn percentile(sorted: &[u64], percent: usize) -> u64 {
    let rank = (sorted.len() * percent).div_ceil(100).max(1);
    sorted.get(rank - 1).copied().unwrap_or(0)
}

/// Resident memory of a process, where the system tells.
pub(super) fn resident_kib(pid: u32) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = status.lines().find(|line| line.starts_with("VmRSS:"))?;
    line.split_whitespace().nth(1)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::percentile;

    #[test]
    fn percentiles_are_values_of_the_sample() {
        let sample: Vec<u64> = (1..=200).collect();
        assert_eq!(
            [0, 50, 99, 100].map(|p| percentile(&sample, p)),
            [1, 100, 198, 200]
        );
        assert_eq!(percentile(&[], 50), 0);
        assert_eq!(percentile(&[7], 99), 7);
    }
}
