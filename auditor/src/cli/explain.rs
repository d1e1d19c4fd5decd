//! `auditor explain`.

use clap::ArgGroup;
use quorate_canon::Round;
use quorate_service::{Exit, install_crypto};

use crate::{AuditError, Config, L2, explain::Order};

#[derive(Debug, clap::Args)]
#[command(group(ArgGroup::new("order").required(true).args(["request", "offer"])))]
pub(super) struct Args {
    /// A request, by id.
    #[arg(long, value_name = "ID")]
    request: Option<u64>,
    /// An offer, by id.
    #[arg(long, value_name = "ID")]
    offer: Option<u64>,
    /// In which round; without it the one that matched the request, else the last with a header.
    #[arg(long, value_name = "N")]
    round: Option<u64>,
    /// How many pairs are shown.
    #[arg(long, value_name = "COUNT", default_value_t = 5)]
    show: usize,
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
}

impl Args {
    fn order(&self) -> Option<Order> {
        let request = self.request.map(Order::Request);
        request.or(self.offer.map(Order::Offer))
    }
}

pub(super) async fn run(config: &Config, args: &Args) -> Result<Exit, AuditError> {
    install_crypto();
    let order = args.order();
    let order = order.ok_or_else(|| AuditError::Unknown("which order?".to_owned()))?;
    let l2 = L2::open(config, None).await?;
    let said = l2
        .explain(order, args.round.map(Round::new), args.show)
        .await?;
    if args.json {
        println!("{}", serde_json::json!(said));
    } else {
        print!("{said}");
    }
    Ok(Exit::Well)
}
