//! `auditor replay`.

use quorate_canon::Round;
use quorate_service::Exit;
use tracing::info;

use crate::{AuditError, Config, open, report::Report};

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Only this round.
    #[arg(long, value_name = "N", conflicts_with_all = ["from", "to"])]
    round: Option<u64>,
    /// From this round on.
    #[arg(long, value_name = "N")]
    from: Option<u64>,
    /// Up to this round.
    #[arg(long, value_name = "N")]
    to: Option<u64>,
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
}

impl Args {
    fn wants(&self, round: Round) -> bool {
        let n = round.get();
        self.round.is_none_or(|only| only == n)
            && self.from.is_none_or(|from| from <= n)
            && self.to.is_none_or(|to| n <= to)
    }
}

pub(super) async fn run(config: &Config, args: &Args) -> Result<Exit, AuditError> {
    let sources = open(config).await?;
    let log = &sources.l2.reader.state().rounds;
    let rounds: Vec<Round> = log
        .iter()
        .map(|(round, _)| round)
        .filter(|round| args.wants(*round))
        .collect();
    if let (Some(only), true) = (args.round, rounds.is_empty()) {
        return Err(AuditError::NotCertified(Round::new(only)));
    }
    let mut replays = Vec::with_capacity(rounds.len());
    for (done, round) in rounds.iter().enumerate() {
        replays.push(sources.replay(*round).await?);
        info!(%round, done = done + 1, of = rounds.len(), "replayed");
    }
    let report = Report::new(replays);
    if args.json {
        println!("{}", serde_json::json!(report));
    } else {
        println!("{}", report.table());
        println!(
            "{} of {} rounds replayed equal",
            report.equal, report.replayed
        );
    }
    Ok(if report.is_equal() {
        Exit::Well
    } else {
        Exit::Fault
    })
}
