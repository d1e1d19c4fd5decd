//! Beside the rounds: twelve providers with agents, all of them rented, and one that loses a card. Its
//! windows are attested DOWN, nobody can appeal, its stake is slashed, its tenant does not pay for
//! them, and the next rounds rank it lower. The others are never called DOWN.

use std::{collections::BTreeSet, path::Path};

use quorate_bindings::{IEscrow, IHealth, IProviders};
use quorate_chain::health::HealthEvent;
use quorate_health::HealthPolicy;
use serde::Serialize;

use super::screen;
use crate::{
    Error, World,
    agents::{ASK, Agents, CARDS, Cards, Event, Events, Paid, Rented, Tenant},
    unix_now,
};

/// How many providers have an agent.
pub(super) const PROVIDERS: usize = 12;
/// Which of them loses a card.
const UNLUCKY: usize = 0;
/// Seconds after the second epoch is settled in which the rest has to happen.
const PATIENCE: u64 = 40;

/// What came of it.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Downtime {
    /// The machine that lost a card.
    pub machine: u64,
    /// The health epochs in which it was without.
    pub epochs: [u32; 2],
    /// Windows of these that more than two thirds of the seats call DOWN.
    pub windows_down: u32,
    /// The fewest seats behind any of them, of 31.
    pub seats: u16,
    /// Other machines that were called DOWN: none should be.
    pub falsely_down: Vec<u64>,
    /// Stake of its provider before, and what was taken, millionths of a token.
    pub stake: u64,
    /// See `stake`.
    pub slashed: u64,
    /// What of it went to who called.
    pub bounty: u64,
    /// Seconds of the lease, and what the provider got for them, fee included, micro-dollars.
    pub lease_seconds: u64,
    /// See `lease_seconds`.
    pub paid: u128,
    /// What the same seconds would have cost without a window DOWN.
    pub undisturbed: u128,
    /// Uptime before and after, basis points; 65 535 before any.
    pub uptime: [u16; 2],
    /// Slash rate that the score counts, before and after, basis points.
    pub slash_rate: [u16; 2],
}

/// How far it has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// Requests are posted, not all of them matched.
    Renting,
    /// All is rented; the next health epoch is waited for.
    Rented,
    /// A card is gone since the beginning of this epoch.
    Lost(u32),
    /// The card is back, the lease has ended; both epochs have to be settled.
    Waiting(u32),
    /// All is done.
    Over,
}

/// The play.
#[derive(Debug)]
pub(super) struct Play {
    agents: Agents,
    tenant: Tenant,
    events: Events,
    requests: Vec<u64>,
    leases: Vec<Rented>,
    stage: Stage,
    genesis: u64,
    epoch_seconds: u64,
    policy: HealthPolicy,
    registered: u64,
    counted: BTreeSet<(u32, u8)>,
    /// Whether all money of the lease has moved.
    emptied: bool,
    pub(super) came: Downtime,
}

impl Play {
    /// Registers the providers, starts their agents and rents all of their machines.
    ///
    /// # Errors
    /// When a process fails, a call reverts or a chain does not answer.
    pub(super) async fn begin(
        world: &World,
        dir: &Path,
        aggregator: String,
    ) -> Result<Self, Error> {
        let tenant = Tenant::create(world).await?;
        let home = dir.join("agents");
        let agents = Agents::start_asking(world, &home, PROVIDERS, &[aggregator]).await?;
        let requests = tenant.post(&Vec::from_iter(0..PROVIDERS)).await?;
        let machine = agents.all.get(UNLUCKY).map_or(0, |agent| agent.offer);
        let mut play = Self {
            agents,
            tenant,
            events: Events::open(world),
            requests,
            leases: Vec::new(),
            stage: Stage::Renting,
            genesis: world.clock.genesis,
            epoch_seconds: world.clock.health_epoch.into(),
            policy: HealthPolicy::devnet(),
            registered: unix_now().as_secs(),
            counted: BTreeSet::new(),
            emptied: false,
            came: Downtime {
                machine,
                seats: u16::MAX,
                ..Downtime::default()
            },
        };
        let standing = play.standing(world).await?;
        play.came.stake = standing.stake;
        (play.came.uptime, play.came.slash_rate) = ([standing.uptime; 2], [standing.slash; 2]);
        Ok(play)
    }

    /// Goes on with whatever is due.
    ///
    /// # Errors
    /// When a process fails, a call reverts or a chain does not answer.
    pub(super) async fn advance(&mut self, world: &World) -> Result<(), Error> {
        for event in self.events.advance().await? {
            self.note(&event);
        }
        let now = unix_now().as_secs();
        let epoch = self.epoch_at(now);
        match self.stage {
            Stage::Renting => {
                self.leases = self.tenant.rented(&self.requests).await?;
                if self.leases.len() == self.requests.len() {
                    screen::rented(self.leases.len());
                    self.stage = Stage::Rented;
                }
            }
            // A machine is judged from the first epoch on that begins after its registration.
            Stage::Rented if self.start(epoch) > self.registered => {
                self.set_cards(Cards::Lost)?;
                self.came.epochs = [epoch, epoch + 1];
                screen::lost(self.came.machine, epoch);
                self.stage = Stage::Lost(epoch);
            }
            Stage::Lost(first) if epoch > first + 1 => {
                self.set_cards(Cards::Steady)?;
                let request = self.lease().map_or(0, |lease| lease.request);
                self.tenant.close(&[request]).await?;
                self.came.lease_seconds = self.lease().map_or(0, |l| now.saturating_sub(l.start));
                self.stage = Stage::Waiting(first);
            }
            Stage::Waiting(first) if now > self.settled_at(first + 1) => {
                self.slash(world, first).await?;
                if self.emptied || now > self.settled_at(first + 1) + PATIENCE {
                    self.finish(world).await?;
                    self.stage = Stage::Over;
                }
            }
            _ => {}
        }
        Ok(())
    }

    /// Whether the operators are needed no more: what they had to sign stands on chain.
    pub(super) fn is_certified(&self) -> bool {
        match self.stage {
            Stage::Waiting(first) => {
                let until = self.start(first + 2) + u64::from(self.policy.certify_seconds);
                let second = self.counted.iter().any(|(epoch, _)| *epoch == first + 1);
                second || unix_now().as_secs() > until
            }
            Stage::Over => true,
            _ => false,
        }
    }

    /// Whether all of it has come to pass, or the time for it is over.
    pub(super) fn is_over(&self) -> bool {
        self.stage == Stage::Over
    }

    /// The agents that ended although nobody asked them to.
    ///
    /// # Errors
    /// When the system does not tell.
    pub(super) fn fallen(&mut self) -> Result<Vec<(String, std::path::PathBuf)>, Error> {
        self.agents.fallen()
    }

    /// Ends the agents.
    pub(super) fn end(self) {
        self.agents.end();
    }

    fn note(&mut self, event: &Event) {
        match event {
            Event::Health(HealthEvent::MachineDown {
                epoch,
                machine,
                windows,
                seats,
                ..
            }) => {
                screen::down(machine.get(), epoch.get(), windows, *seats);
                if machine.get() != self.came.machine {
                    self.came.falsely_down.push(machine.get());
                    return;
                }
                self.came.seats = self.came.seats.min(*seats);
                let bits = (0..=u8::MAX).filter(|bit| windows.bit(*bit));
                self.counted.extend(bits.map(|bit| (epoch.get(), bit)));
                self.came.windows_down = u32::try_from(self.counted.len()).unwrap_or(u32::MAX);
            }
            Event::Health(HealthEvent::MachineSlashed { taken, bounty, .. }) => {
                self.came.slashed = taken.get();
                self.came.bounty = bounty.get();
                screen::slashed_machine(self.came.machine, taken.get(), bounty.get());
            }
            Event::Paid(paid) => self.note_pay(*paid),
            Event::Health(_) => {}
        }
    }

    /// Money of the lease with the lost card: what went to the provider, and what came back.
    fn note_pay(&mut self, paid: Paid) {
        if self
            .lease()
            .is_some_and(|lease| lease.request == paid.request)
        {
            self.came.paid += paid.provider + paid.fee;
        }
    }

    fn lease(&self) -> Option<&Rented> {
        let mut leases = self.leases.iter();
        leases.find(|lease| lease.offer == self.came.machine)
    }

    fn set_cards(&mut self, cards: Cards) -> Result<(), Error> {
        let machine = self.came.machine;
        let agent = self.agents.of(machine);
        agent
            .ok_or_else(|| Error::program("agents", format!("none has machine {machine}")))?
            .set_cards(cards)
    }

    /// Anyone may slash what was down in two epochs, and move what a lease has earned.
    async fn slash(&mut self, world: &World, first: u32) -> Result<(), Error> {
        let l2 = &world.contracts.l2;
        let account = self.tenant.account();
        let enough = self.came.windows_down >= u32::from(self.policy.slash_windows);
        if self.came.slashed == 0 && enough {
            let call = IHealth::slashCall {
                offerId: self.came.machine,
                epoch: first,
            };
            first_or_refused(account.call(l2.health, &call).await)?;
        }
        let Some(request) = self.lease().map(|lease| lease.request) else {
            return Ok(());
        };
        let held = IEscrow::lockedOfCall { requestId: request };
        if account.view(l2.escrow, &held).await?.is_zero() {
            self.emptied = true;
        } else {
            let call = IEscrow::settleCall { requestId: request };
            account.call(l2.escrow, &call).await?;
        }
        for event in self.events.advance().await? {
            self.note(&event);
        }
        Ok(())
    }

    /// What the chain says of the machine afterwards.
    async fn finish(&mut self, world: &World) -> Result<(), Error> {
        let account = self.tenant.account();
        let call = IHealth::observeCall {
            offerId: self.came.machine,
            most: 16,
        };
        first_or_refused(account.call(world.contracts.l2.health, &call).await)?;
        let standing = self.standing(world).await?;
        self.came.uptime[1] = standing.uptime;
        self.came.slash_rate[1] = standing.slash;
        self.came.undisturbed = u128::from(self.came.lease_seconds) * RATE / 3_600;
        screen::after(&self.came);
        Ok(())
    }

    async fn standing(&self, world: &World) -> Result<Standing, Error> {
        let (account, providers) = (self.tenant.account(), world.contracts.l2.providers);
        let t = unix_now().as_secs();
        let agent = self.agents.all.get(UNLUCKY);
        let provider = agent.map(|agent| agent.provider.address());
        let provider = IProviders::providerAtCall {
            provider: provider.unwrap_or_default(),
            t,
        };
        let provider = account.view(providers, &provider).await?;
        let machine = IProviders::machineAtCall {
            offerId: self.came.machine,
            t,
        };
        let machine = account.view(providers, &machine).await?;
        Ok(Standing {
            stake: provider.stake_,
            slash: provider.slash,
            uptime: machine.uptime,
        })
    }

    fn epoch_at(&self, time: u64) -> u32 {
        let past = time.saturating_sub(self.genesis) / self.epoch_seconds;
        u32::try_from(past).unwrap_or(u32::MAX)
    }

    fn start(&self, epoch: u32) -> u64 {
        self.genesis + u64::from(epoch) * self.epoch_seconds
    }

    /// The last second in which receipts of an epoch are taken.
    fn settled_at(&self, epoch: u32) -> u64 {
        let waits = u64::from(self.policy.certify_seconds) + u64::from(self.policy.appeal_seconds);
        self.start(epoch + 1) + waits
    }
}

/// Aggregators do the same, and may have been faster; what came of it, the events tell.
fn first_or_refused<T>(sent: Result<T, Error>) -> Result<(), Error> {
    match sent {
        Ok(_) | Err(Error::WouldRevert { .. } | Error::Reverted { .. }) => Ok(()),
        Err(error) => Err(error),
    }
}

/// What an agent's machine costs an hour with all of its cards, micro-dollars.
const RATE: u128 = ASK as u128 * CARDS as u128;

/// What the score reads of a provider and its machine.
#[derive(Clone, Copy, Debug)]
struct Standing {
    stake: u64,
    slash: u16,
    uptime: u16,
}
