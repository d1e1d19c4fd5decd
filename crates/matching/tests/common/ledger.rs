//! L2's own records around a small market: orders with their history, versions, leases of other
//! rounds. The round's inputs are drawn from them by the definition of `docs/formats.md` section 3.

use std::collections::BTreeMap;

use quorate_canon::{Address, HealthEpoch, OfferId, RequestId, Round, Timestamp, Version};
use quorate_matching::wrong::{Outside, Truth};
use quorate_matching::{
    Accused, Lease, OfferAt, OfferInput, OutcomeList, RequestRecord, RoundContext, ScorePolicy,
    Seed, Snapshot, View,
};

use super::world::{Dice, TIME, World, offer, request};

/// n of every ledger.
pub const ROUND: u64 = 50;
/// Seconds of a health epoch: T lies in epoch 40.
pub const HEALTH_EPOCH: u64 = 74;
/// An order that is open.
pub const OPEN: Timestamp = Timestamp::new(u64::MAX);

/// T(n) = close(n) - 1, as the schedule says.
fn context() -> RoundContext {
    let genesis = TIME + 1 - ROUND * 60;
    RoundContext {
        round: Round::new(ROUND),
        time: Timestamp::new(TIME),
        genesis: Timestamp::new(genesis),
        period: 60,
        health_epoch: HealthEpoch::new(((TIME - genesis) / HEALTH_EPOCH) as u32),
    }
}

/// One version of an offer, with the values that its machine and provider have at T.
#[derive(Debug, Clone)]
pub struct OfferVersion {
    pub input: OfferInput,
    pub closed: Timestamp,
}

/// All that L2 holds.
#[derive(Debug, Clone)]
pub struct Ledger {
    pub world: World,
    pub requests: BTreeMap<RequestId, RequestRecord>,
    /// Leases that other rounds have opened.
    pub leases: BTreeMap<RequestId, Lease>,
    /// Versions ascending.
    pub offers: BTreeMap<OfferId, Vec<OfferVersion>>,
    pub outside: Outside,
}

impl Ledger {
    /// A market of that size with as many orders around it; the same number gives the same one.
    pub fn new(number: u64, offers: u64, requests: u64) -> Self {
        let mut ledger = Self {
            world: World::new(number, offers, requests),
            requests: BTreeMap::new(),
            leases: BTreeMap::new(),
            offers: BTreeMap::new(),
            outside: Outside::default(),
        };
        ledger.world.context = context();
        let mut dice = Dice(number ^ 0x1ed6_e400);
        ledger.add_inputs(&mut dice);
        for way in 0..4 {
            ledger.add_closed_request(&mut dice, way, 7 * requests + 7);
        }
        ledger.add_matched_before(&mut dice, 7 * requests + 7);
        for way in 0..3 {
            ledger.add_closed_offer(&mut dice, way, 7 * offers + 7);
        }
        ledger.check_inputs();
        ledger
    }

    pub fn with_limit(mut self, limit: u32) -> Self {
        self.world = self.world.with_limit(limit);
        self
    }

    /// The orders of the world, some of them as young or as old as an input can be.
    fn add_inputs(&mut self, dice: &mut Dice) {
        let mut offers = self.world.snapshot.offers().to_vec();
        for input in &mut offers {
            input.offer.provider = provider(input.offer.id);
            let later = dice.one_in(3);
            let closed = if later {
                Timestamp::new(TIME + 1)
            } else {
                OPEN
            };
            if dice.one_in(6) {
                input.created = Timestamp::new(TIME);
            }
            let versions = self.offers.entry(input.offer.id).or_default();
            if input.offer.version.get() > 1 {
                let earlier = earlier_version(dice, input);
                versions.push(earlier.clone());
                self.outside.other_versions.push(earlier.input);
            }
            versions.push(OfferVersion {
                input: input.clone(),
                closed,
            });
            if later {
                let next = later_version(dice, input);
                versions.push(next.clone());
                self.outside.other_versions.push(next.input);
            }
        }
        let mut requests = self.world.snapshot.requests().to_vec();
        for input in &mut requests {
            let closed = if dice.one_in(3) {
                Timestamp::new(TIME + 1)
            } else {
                OPEN
            };
            if dice.one_in(6) {
                input.created = Timestamp::new(TIME);
            }
            if dice.one_in(2) {
                input.request.valid_until = OPEN;
            }
            let record = RequestRecord {
                input: input.clone(),
                closed,
            };
            self.requests.insert(input.request.id, record);
            if dice.one_in(4) {
                let round = ROUND + 1 + dice.below(3);
                let lease = lease(dice, round);
                self.leases.insert(input.request.id, lease);
            }
        }
        self.world.snapshot = Snapshot::new(offers, requests).unwrap();
    }

    fn add_closed_request(&mut self, dice: &mut Dice, way: u64, ids: u64) {
        let id = free_id(dice, ids, |id| {
            self.requests.contains_key(&RequestId::new(id))
        });
        let mut input = request(dice, id);
        let mut closed = OPEN;
        match way {
            0 => closed = Timestamp::new(TIME),
            1 => closed = Timestamp::new(TIME - 500),
            2 => input.created = Timestamp::new(TIME + 1),
            _ => input.request.valid_until = Timestamp::new(TIME),
        }
        self.outside.closed_requests.push(input.clone());
        let id = input.request.id;
        self.requests.insert(id, RequestRecord { input, closed });
    }

    fn add_matched_before(&mut self, dice: &mut Dice, ids: u64) {
        for round in [0, ROUND - 1] {
            let id = free_id(dice, ids, |id| {
                self.requests.contains_key(&RequestId::new(id))
            });
            let input = request(dice, id);
            self.outside.matched_before.push(input.clone());
            let id = input.request.id;
            // Of one that is closed as well, the lease counts.
            let closed = if round == 0 {
                Timestamp::new(TIME)
            } else {
                OPEN
            };
            self.requests.insert(id, RequestRecord { input, closed });
            self.leases.insert(id, lease(dice, round));
        }
    }

    fn add_closed_offer(&mut self, dice: &mut Dice, way: u64, ids: u64) {
        let id = free_id(dice, ids, |id| self.offers.contains_key(&OfferId::new(id)));
        let mut input = offer(dice, id);
        input.offer.provider = provider(input.offer.id);
        let mut closed = OPEN;
        match way {
            0 => closed = Timestamp::new(TIME),
            1 => input.created = Timestamp::new(TIME + 1),
            _ => input.offer.available_until = Timestamp::new(TIME),
        }
        self.outside.closed_offers.push(OfferInput {
            offer: quorate_matching::Offer {
                // The liar takes it as if it were on offer for long.
                available_until: Timestamp::new(TIME + 100_000),
                ..input.offer.clone()
            },
            ..input.clone()
        });
        let version = OfferVersion { input, closed };
        self.offers.insert(OfferId::new(id), vec![version]);
    }

    /// The inputs are what section 3 makes of the records.
    fn check_inputs(&self) {
        let open = |created: Timestamp, closed: Timestamp, until: Timestamp| {
            created.get() <= TIME && TIME < closed.get() && TIME < until.get()
        };
        let before = |id| {
            self.leases
                .get(id)
                .is_some_and(|lease| lease.round.get() < ROUND)
        };
        let requests: Vec<_> = self
            .requests
            .values()
            .filter(|record| {
                let input = &record.input;
                open(input.created, record.closed, input.request.valid_until)
            })
            .filter(|record| !before(&record.input.request.id))
            .map(|record| record.input.clone())
            .collect();
        let offers: Vec<_> = self
            .offers
            .values()
            .flatten()
            .filter(|version| {
                let input = &version.input;
                open(input.created, version.closed, input.offer.available_until)
            })
            .map(|version| version.input.clone())
            .collect();
        assert_eq!(requests, self.world.snapshot.requests());
        assert_eq!(offers, self.world.snapshot.offers());
    }

    pub fn truth(&self) -> Truth<'_> {
        Truth {
            snapshot: &self.world.snapshot,
            policy: &self.world.policy,
            context: &self.world.context,
            seed: &self.world.seed,
            outside: &self.outside,
        }
    }

    pub fn accused(&self, list: &OutcomeList) -> Accused {
        Accused {
            outcome_root: list.outcome_root(),
            seed: self.world.seed,
        }
    }

    pub fn witness_for(&self, list: &OutcomeList) -> Option<quorate_matching::Witness> {
        let World {
            snapshot,
            policy,
            context,
            seed,
        } = &self.world;
        quorate_matching::witness_for(snapshot, policy, context, seed, list)
    }

    /// L2 when this list was posted in full.
    pub fn posted(&self, list: &OutcomeList) -> Posted<'_> {
        let requests = list.entries().iter().map(|entry| entry.request);
        Posted {
            ledger: self,
            places: Some(requests.zip(0..).collect()),
        }
    }

    /// L2 before anything is posted.
    pub fn unposted(&self) -> Posted<'_> {
        Posted {
            ledger: self,
            places: None,
        }
    }
}

/// The ledger, and where the posted list has its requests.
pub struct Posted<'a> {
    ledger: &'a Ledger,
    places: Option<BTreeMap<RequestId, u32>>,
}

impl View for Posted<'_> {
    fn context(&self) -> &RoundContext {
        &self.ledger.world.context
    }

    fn policy(&self) -> &ScorePolicy {
        &self.ledger.world.policy
    }

    fn request(&self, id: RequestId) -> Option<RequestRecord> {
        self.ledger.requests.get(&id).cloned()
    }

    /// A request is matched once: what an earlier round has matched keeps its lease.
    fn lease(&self, id: RequestId) -> Option<Lease> {
        let other = self.ledger.leases.get(&id).copied();
        let earlier = other.filter(|lease| lease.round.get() < ROUND);
        let here = self.places.as_ref().and_then(|places| places.get(&id));
        let here = here.map(|position| Lease {
            round: Round::new(ROUND),
            position: *position,
        });
        earlier.or(here).or(other)
    }

    fn offer(&self, id: OfferId) -> OfferAt {
        let Some(versions) = self.ledger.offers.get(&id) else {
            return OfferAt::Unknown;
        };
        let open = versions
            .iter()
            .find(|version| version.input.created.get() <= TIME && TIME < version.closed.get());
        open.map_or(OfferAt::Closed, |version| {
            OfferAt::Open(Box::new(version.input.clone()))
        })
    }

    fn is_posted(&self) -> bool {
        self.places.is_some()
    }

    /// Seeds are judged elsewhere; here a signature of ones refutes.
    fn refutes_seed(&self, _: &Seed, signature: &[u8; 48]) -> bool {
        *signature == [1; 48]
    }
}

/// A provider of its own for each offer, so that its values are one thing.
fn provider(id: OfferId) -> Address {
    let mut address = [0xaa; 20];
    address[12..].copy_from_slice(&id.get().to_be_bytes());
    Address(address)
}

/// The version before, closed when this one was made; it had another price and another size.
fn earlier_version(dice: &mut Dice, input: &OfferInput) -> OfferVersion {
    let mut earlier = input.clone();
    earlier.offer.version = Version::new(input.offer.version.get() - 1);
    earlier.created = Timestamp::new(input.created.get() - 100);
    differ(dice, &mut earlier);
    OfferVersion {
        input: earlier,
        closed: input.created,
    }
}

/// The version after T.
fn later_version(dice: &mut Dice, input: &OfferInput) -> OfferVersion {
    let mut later = input.clone();
    later.offer.version = Version::new(input.offer.version.get() + 1);
    later.created = Timestamp::new(TIME + 1);
    differ(dice, &mut later);
    OfferVersion {
        input: later,
        closed: OPEN,
    }
}

fn differ(dice: &mut Dice, input: &mut OfferInput) {
    let ask = 20_000 + dice.below(7) * 10_000;
    input.offer.ask = quorate_canon::MicroDollars::new(ask);
    input.offer.gpus = quorate_canon::GpuCount::new(2 + dice.small(6));
    input.offer.memory_mib = 8_192 * (1 + u32::from(dice.small(6)));
}

fn lease(dice: &mut Dice, round: u64) -> Lease {
    Lease {
        round: Round::new(round),
        position: dice.below(6) as u32,
    }
}

fn free_id(dice: &mut Dice, most: u64, taken: impl Fn(u64) -> bool) -> u64 {
    loop {
        let id = 1 + dice.below(most);
        if !taken(id) {
            return id;
        }
    }
}
