//! Machines with faults of every kind at the same time, under one honest network: each is DOWN exactly
//! where it is to be, and no operator could be slashed for anything that it said.
//!
//! One world, so that all faults meet the same operators in the same epochs.

mod flapping;
mod hostile;
mod restarted;
mod stolen;
mod sudden;

use anyhow::{Result, ensure};
use devnet::agents::{Agent, Agents, Tenant};

use crate::kit::{Network, Plan, health};

/// The machines: one dies suddenly, one flaps, one's agent is restarted, one's key is stolen, one's agent
/// is hostile, and one is steady.
const MACHINES: usize = 6;
const FLAPPING: usize = 1;
const HOSTILE: usize = 4;

#[tokio::test(flavor = "multi_thread")]
async fn faults_are_found_where_they_are_and_cost_no_operator() -> Result<()> {
    let mut network = Plan::new("faults").start_all().await?;
    let dir = network.dir().join("agents");
    let mut agents = Agents::start(&network.world, &dir, MACHINES).await?;
    rent(&mut network, &[FLAPPING]).await?;
    agents.all[HOSTILE].kill()?;
    agents.all[HOSTILE].start_hostile()?;
    let first = health::next_epoch(&network.world).await?;

    let all: Result<[Agent; MACHINES], _> = agents.all.try_into();
    let [
        mut sudden,
        mut flapping,
        mut restarted,
        mut stolen,
        hostile,
        mut steady,
    ] = all.map_err(|all| anyhow::anyhow!("{} agents", all.len()))?;
    let seen = tokio::try_join!(
        sudden::play(&network, &mut sudden),
        flapping::play(&network, &flapping, first),
        restarted::play(&network, &mut restarted),
        stolen::play(&network, &mut stolen),
        hostile::play(&network, first),
    )?;
    let (died, ill, kept, (), last) = seen;
    // Until lists of all these epochs are taken no more.
    health::wait_until(health::certified_by(&network.world, last)? + 2).await;

    let epochs = first..last + 1;
    for agent in [
        &mut sudden,
        &mut flapping,
        &mut restarted,
        &mut stolen,
        &mut steady,
    ] {
        end(agent)?;
    }
    sudden::judge(&network, &sudden, died, &epochs).await?;
    flapping::judge(&network, &flapping, &ill, &epochs).await?;
    restarted::judge(&restarted, &kept)?;
    hostile::judge(&network, &hostile, first, &epochs).await?;
    let down = network.downs_by_words(steady.offer, epochs.clone()).await?;
    ensure!(down.is_empty(), "the steady machine was DOWN in {down:?}");
    for agent in [&sudden, &flapping, &restarted, &stolen, &steady] {
        network.no_contradiction(agent, epochs.clone())?;
    }
    network.settled_after(None).await?;
    network.all_is_well(&[]).await
}

/// Has these agents' machines leased: a machine with a lease is judged although its agent pauses it.
async fn rent(network: &mut Network, agents: &[usize]) -> Result<()> {
    let tenant = Tenant::create(&network.world).await?;
    let requests = tenant.post(agents).await?;
    network
        .until("leases", async |_: &mut Network| {
            let rented = tenant.rented(&requests).await?;
            Ok((rented.len() == requests.len()).then_some(()))
        })
        .await
}

/// Asks an agent to end, if it runs: its store can be read then.
fn end(agent: &mut Agent) -> Result<()> {
    if let Some(process) = agent.process.take() {
        process.stop(std::time::Duration::from_secs(5))?;
    }
    Ok(())
}
