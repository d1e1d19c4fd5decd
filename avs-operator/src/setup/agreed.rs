//! What the endpoints of L2 say of `Rounds`, each asked by itself: one that lies about the schedule would
//! have this node sign wrong seeds, so all that answer have to say the same.

use quorate_canon::{Address, Timestamp};
use quorate_chain::{ChainError, Contracts, Rpc, to_alloy_address, views};
use quorate_protocol::{Domain, Schedule};
use tracing::warn;
use url::Url;

use super::mismatch;
use crate::{Config, OperatorError, post::now};

/// How far ahead of this machine's clock a block may be stamped, seconds. A later one is a fault of the
/// endpoint, or of the clock.
pub(crate) const AHEAD: u64 = 300;

/// One endpoint of L2 by itself.
#[derive(Clone, Debug)]
pub struct Endpoint {
    /// Host and port; paths of such addresses are keys.
    name: String,
    rpc: Rpc,
}

/// What one endpoint says of `Rounds`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Facts {
    pub(super) domain: Domain,
    pub(super) schedule: Schedule,
    pub(super) contracts: Contracts,
}

/// What all endpoints of L2 that answer say of `Rounds`, and those endpoints.
pub(super) async fn facts(config: &Config) -> Result<(Facts, Vec<Endpoint>), OperatorError> {
    let mut agreed: Option<Facts> = None;
    let mut endpoints: Vec<Endpoint> = Vec::new();
    let mut silent = ChainError::NoEndpoint;
    for url in &config.l2.urls.0 {
        let name = name(url);
        let (rpc, facts) = match ask(config, url).await {
            Ok(answer) => answer,
            Err(OperatorError::Chain(error)) if error.is_retryable() => {
                warn!(endpoint = name, %error, "endpoint of L2 not asked about the schedule: it does not answer");
                silent = error;
                continue;
            }
            Err(OperatorError::Chain(ChainError::Contract { what, detail })) => {
                let detail = format!("{detail} (said by {name})");
                return Err(ChainError::Contract { what, detail }.into());
            }
            Err(error) => return Err(error),
        };
        if let (Some(agreed), Some(first)) = (agreed, endpoints.first())
            && agreed != facts
        {
            return Err(apart((&first.name, &agreed), (&name, &facts)));
        }
        agreed = Some(facts);
        endpoints.push(Endpoint { name, rpc });
    }
    match agreed {
        Some(facts) => Ok((facts, endpoints)),
        None => Err(silent.into()),
    }
}

async fn ask(config: &Config, url: &Url) -> Result<(Rpc, Facts), OperatorError> {
    let mut section = config.l2.rpc("l2", config.network)?;
    section.endpoints = vec![url.clone()];
    let rpc = Rpc::connect(section).await?;
    let rounds = to_alloy_address(config.contracts.rounds);
    let facts = Facts {
        domain: views::domain(&rpc, rounds).await?,
        schedule: views::schedule(&rpc, rounds).await?,
        contracts: contracts(&rpc, config.contracts.rounds).await?,
    };
    Ok((rpc, facts))
}

/// The other contracts, as `Rounds` and `Market` name them.
async fn contracts(l2: &Rpc, rounds: Address) -> Result<Contracts, ChainError> {
    let rounds = to_alloy_address(rounds);
    let market = views::market_of(l2, rounds).await?;
    let providers = views::providers_of(l2, market).await?;
    Ok(Contracts {
        market,
        providers,
        rounds,
    })
}

fn apart(first: (&str, &Facts), second: (&str, &Facts)) -> OperatorError {
    let says = |(name, facts): (&str, &Facts)| format!("{facts:?} from {name}");
    mismatch(
        "Rounds, as the endpoints of L2 tell of it",
        says(second),
        says(first),
        "one of the two lies or serves another chain: find out which, and take it out of l2.urls",
    )
}

/// The floor below which nothing new is signed: the latest time that an endpoint or this machine's clock
/// shows, not before `followed`. An endpoint that lags would lower the guard against an old backup of the
/// ledger; one that is far ahead of the clock would keep this node silent, and is not believed.
pub(crate) async fn floor(endpoints: &[Endpoint], followed: Timestamp) -> Timestamp {
    let clock = now();
    let latest = clock.get().saturating_add(AHEAD);
    let mut floor = followed.max(clock);
    for Endpoint { name, rpc } in endpoints {
        match rpc.latest().await.map(|header| header.head().timestamp) {
            Ok(head) if head.get() <= latest => floor = floor.max(head),
            Ok(head) => {
                warn!(endpoint = name, %head, %clock, "block from the future: not believed; check the clock and the endpoint");
            }
            Err(error) => {
                warn!(endpoint = name, %error, "endpoint of L2 not asked for its newest block");
            }
        }
    }
    floor
}

/// Host and port of an endpoint.
fn name(url: &Url) -> String {
    match (url.host_str(), url.port()) {
        (Some(host), Some(port)) => format!("{host}:{port}"),
        (host, _) => host.unwrap_or("?").to_owned(),
    }
}
