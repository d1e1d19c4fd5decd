//! Gas of downtime on L2: epochs opened, lists certified, receipts shown, machines slashed, released
//! and observed. Recommended policy, a health epoch a day, 128 operators.

use std::path::Path;

use alloy::{
    primitives::{Address, Bytes, FixedBytes},
    sol_types::SolCall,
};
use quorate_bindings::{IHealth, IMachines, IMarket};
use quorate_bls::Domain as Signs;
use quorate_canon::{HealthEpoch, Mask256, OfferId};
use quorate_health::{DownEntry, DownList, Place, Receipt, Subject, Window};
use quorate_matching::Offer;

use super::{
    Row,
    ground::{Ground, failed},
    row::as_f64,
    stall::{Stall, draw, model, offer},
};
use crate::{Error, chains::Call};

/// Machines of the lists that are measured.
const LISTS: [usize; 3] = [1, 10, 100];
/// Operators that are absent where some are.
const ABSENT: usize = 10;
/// Machines in all: each list has its own, once with all operators and once without some.
const MACHINES: usize = 2 * (1 + 10 + 100);
/// The first epoch in which something is DOWN.
const FIRST: u32 = 1;
/// Windows DOWN of each machine: two epochs of them are enough for a slash.
const DOWN: std::ops::Range<u8> = 10..50;
const WHAT: &str = "health";

/// All rows of this group.
///
/// # Errors
/// When the chain does not start or a call reverts.
pub(super) async fn measure(dir: &Path, tick: impl Fn()) -> Result<Vec<Row>, Error> {
    let ground = Ground::start(dir).await?;
    let stall = Stall::open(&ground.anvil, &ground.owner, &ground.l2).await?;
    tick();
    let mut scene = Scene {
        ground,
        machines: Vec::new(),
        rows: Vec::new(),
    };
    scene.register(&stall).await?;
    tick();
    scene.open(FIRST, Some("open an epoch")).await?;
    let mut first = 0;
    for (absent, who) in [
        (0, "all of 128 sign".to_owned()),
        (ABSENT, format!("{ABSENT} of 128 absent")),
    ] {
        for count in LISTS {
            let machines = first..first + count;
            let name = match count {
                1 => format!("certify 1 machine, {who}"),
                _ => format!("certify {count} machines, {who}"),
            };
            scene.certify(FIRST, machines, absent, &name).await?;
            first += count;
        }
        tick();
    }
    // List 2 of the epoch: a hundred machines, all have signed.
    scene.appeal(FIRST, 2, LISTS[0] + LISTS[1]).await?;
    tick();
    scene.open(FIRST + 1, None).await?;
    let again = LISTS[0]..LISTS[0] + LISTS[1];
    let name = "certify 10 machines, all of 128 sign, DOWN in the epoch before";
    scene.certify(FIRST + 1, again.clone(), 0, name).await?;
    tick();
    scene.punish(again.start).await?;
    scene.observe(again.start).await?;
    tick();
    Ok(scene.rows)
}

struct Scene {
    ground: Ground,
    /// Offers with an agent.
    machines: Vec<u64>,
    rows: Vec<Row>,
}

impl Scene {
    /// Posts offers and registers their machines, before the first epoch.
    async fn register(&mut self, stall: &Stall) -> Result<(), Error> {
        let market = IMarket::new(self.ground.l2.market, self.ground.anvil.provider());
        let before = market.offerCount().call().await.map_err(failed)?;
        let (model, now) = (model("t4")?, self.ground.now().await?);
        let count = u64::try_from(MACHINES).map_err(failed)?;
        let offers: Vec<_> = (0..count)
            .map(|number| Offer {
                machine_key: agent(number),
                ..offer(model, 1, number, now)
            })
            .collect();
        stall.post_offers(&offers, |_| ()).await?;
        self.machines = (before + 1..=before + count).collect();
        let registered = |offer: &u64| IMachines::registerCall {
            offerId: *offer,
            endpoint: "https://machine.example:9443".to_owned(),
            certificate: draw("certificate", *offer).into(),
            cards: vec![FixedBytes::from_slice(&draw("card", *offer)[..16])],
        };
        let to = self.ground.l2.machines;
        let calls = self.machines.iter().map(registered);
        let calls: Vec<_> = calls.map(|call| Call::of(to, &call)).collect();
        let receipts = stall.provider.send_all(calls).await?;
        // The first writes nothing that later ones would find written.
        let gas = receipts.last().map_or(0, |receipt| receipt.gas_used);
        self.row("register a machine of one card", gas);
        Ok(())
    }

    fn row(&mut self, name: &str, gas: u64) {
        self.rows
            .push(Row::info(format!("{WHAT}: {name}"), as_f64(gas), "gas"));
    }

    async fn send<C: SolCall>(&self, call: &C) -> Result<u64, Error> {
        let sent = self.ground.owner.call(self.ground.l2.health, call).await?;
        Ok(sent.gas_used)
    }

    fn health(&self) -> IHealth::IHealthInstance<&alloy::providers::DynProvider> {
        IHealth::new(self.ground.l2.health, self.ground.anvil.provider())
    }

    /// Goes to an epoch's beginning and opens it.
    async fn open(&mut self, epoch: u32, name: Option<&str>) -> Result<(), Error> {
        let start = self.health().epochStart(epoch).call().await;
        let round = self.health().beaconRoundOf(epoch).call().await;
        // The beacon may come a moment later.
        self.ground.pass_to(start.map_err(failed)? + 60).await?;
        let signature = self.ground.beacon_of(round.map_err(failed)?);
        let call = IHealth::openEpochCall {
            epoch,
            beaconSignature: Bytes::copy_from_slice(&signature),
        };
        let gas = self.send(&call).await?;
        if let Some(name) = name {
            self.row(name, gas);
        }
        Ok(())
    }

    /// Certifies one list of these machines after the epoch's end, and sees that all of it counts.
    async fn certify(
        &mut self,
        epoch: u32,
        machines: std::ops::Range<usize>,
        absent: usize,
        name: &str,
    ) -> Result<(), Error> {
        let end = self.health().epochStart(epoch + 1).call().await;
        self.ground.pass_to(end.map_err(failed)?).await?;
        let entry = |offer: &u64| DownEntry {
            subject: Subject::Machine(OfferId::new(*offer)),
            windows: Mask256::of(&DOWN.collect::<Vec<_>>()),
        };
        let listed = self.machines[machines].to_vec();
        let entries = listed.iter().map(entry).collect();
        let network = self.ground.domain;
        let list = DownList::new(network, HealthEpoch::new(epoch), entries).map_err(failed)?;
        let (bitmap, aggregate) = self.ground.crew.sign_all(&list.digest().get(), absent)?;
        let call = IHealth::certifyCall {
            list: list.to_bytes().into(),
            bitmap: bitmap.into(),
            aggregate: aggregate.into(),
        };
        let gas = self.send(&call).await?;
        for offer in listed {
            let down = self.health().downOf(offer, epoch).call().await;
            if down.map_err(failed)?.is_zero() {
                return Err(failed(format!("{name}: machine {offer} is not DOWN")));
            }
        }
        self.row(name, gas);
        Ok(())
    }

    /// Shows receipts of one member after the other, until the window falls.
    async fn appeal(&mut self, epoch: u32, number: u32, machine: usize) -> Result<(), Error> {
        let offer = self.machines[machine];
        let committee = self.health().committeeOf(epoch, offer).call().await;
        let mut members = committee.map_err(failed)?;
        members.sort_unstable();
        members.dedup();
        let window = u16::from(DOWN.start);
        let receipt = Receipt(Place {
            network: self.ground.domain,
            subject: Subject::Machine(OfferId::new(offer)),
            epoch: HealthEpoch::new(epoch),
            window: Window(window),
        });
        let digest = receipt.digest().get();
        for (nth, operator) in members.into_iter().enumerate() {
            let signature = self.ground.crew.key(operator)?.sign(Signs::Vote, &digest);
            let call = IHealth::appealCall {
                epoch,
                number,
                offerId: offer,
                window,
                operatorIndex: operator,
                receiptSignature: signature.to_eip2537().to_vec().into(),
            };
            let gas = self.send(&call).await?;
            let down = self.health().downOf(offer, epoch).call().await;
            if !down.map_err(failed)?.bit(usize::from(window)) {
                self.row("appeal, the window falls", gas);
                return Ok(());
            }
            if nth == 0 {
                self.row("appeal, the window stands", gas);
            }
        }
        Err(failed("all members' receipts, and the window stands"))
    }

    /// Slashes a machine for both epochs once they are settled, and releases it when its time is over.
    async fn punish(&mut self, machine: usize) -> Result<(), Error> {
        let offer = self.machines[machine];
        let settled = self.health().appealableUntil(FIRST + 1).call().await;
        self.ground.pass_to(settled.map_err(failed)? + 1).await?;
        let slash = IHealth::slashCall {
            offerId: offer,
            epoch: FIRST,
        };
        let gas = self.send(&slash).await?;
        self.row("slash a machine", gas);
        let until = self.health().jailedUntil(offer).call().await;
        self.ground.pass_to(until.map_err(failed)?).await?;
        let gas = self.send(&IHealth::releaseCall { offerId: offer }).await?;
        self.row("release it", gas);
        Ok(())
    }

    /// Carries uptime over settled epochs: the first was quiet, the second DOWN.
    async fn observe(&mut self, machine: usize) -> Result<(), Error> {
        for name in ["observe one epoch, the first", "observe one epoch more"] {
            // Two observations in one second would share a checkpoint.
            self.ground.pass_to(0).await?;
            let call = IHealth::observeCall {
                offerId: self.machines[machine],
                most: 1,
            };
            let gas = self.send(&call).await?;
            self.row(name, gas);
        }
        Ok(())
    }
}

/// An agent's address as an offer names it.
fn agent(number: u64) -> [u8; 32] {
    let address = Address::from_slice(&draw("agent", number)[..20]);
    address.into_word().0
}
