//! `auditor watch`.

use clap::ValueEnum;
use quorate_canon::Round;
use quorate_service::{Exit, Shutdown};
use tokio::sync::mpsc;

use crate::{
    AuditError, Config,
    report::Lines,
    watch::{self, Mode, Options, Until},
};

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Refute wrong rounds; without it nothing is sent. `now`: in one step, without bond or bounty.
    /// `bounty`: commit with a bond, then reveal.
    #[arg(
        long,
        value_name = "HOW",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "now"
    )]
    challenge: Option<How>,
    /// Of refuted rounds, end the leases of pairs that are not eligible.
    #[arg(long, requires = "challenge")]
    annul: bool,
    /// Look at everything up to the head, do what follows from it, and end.
    #[arg(long, conflicts_with = "until")]
    once: bool,
    /// End when this round is over and looked at.
    #[arg(long, value_name = "ROUND")]
    until: Option<u64>,
    /// Look at rounds from this one on; without it, go on where the docket ends.
    #[arg(long, value_name = "ROUND")]
    from: Option<u64>,
    /// Print one JSON object a line, for each round and each action.
    #[arg(long)]
    json: bool,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum How {
    Now,
    Bounty,
}

impl Args {
    pub(super) fn options(&self) -> Options {
        Options {
            mode: match self.challenge {
                None => Mode::DryRun,
                Some(How::Now) => Mode::Challenge,
                Some(How::Bounty) => Mode::Bounty,
            },
            annul: self.annul,
            until: match self.until {
                Some(round) => Until::Round(Round::new(round)),
                None if self.once => Until::Head,
                None => Until::Asked,
            },
            from: self.from.map(Round::new),
            lines: None,
        }
    }
}

pub(super) async fn run(config: Config, args: &Args) -> Result<Exit, AuditError> {
    let shutdown = Shutdown::on_signals().map_err(|source| AuditError::Io {
        what: "listen to signals",
        source,
    })?;
    let (lines, mut heard) = mpsc::unbounded_channel();
    let options = Options {
        lines: Some(lines),
        ..args.options()
    };
    let json = args.json;
    let printer = tokio::spawn(async move {
        let mut shown = Lines::default();
        while let Some(line) = heard.recv().await {
            if json {
                println!("{}", serde_json::json!(line));
            } else {
                shown.print(&line);
            }
        }
    });
    let watched = Box::pin(watch::run(config, options, shutdown)).await;
    // Everybody who could still say something is gone; what was said is printed to its end.
    drop(printer.await);
    let summary = watched?;
    if !args.json {
        println!(
            "{} rounds judged, {} wrong, {} in doubt, {} refuted by us",
            summary.judged,
            summary.wrong.len(),
            summary.unsure.len(),
            summary.refuted.len()
        );
    }
    Ok(summary.exit())
}
