//! A market that does what chance tells it, as the contracts would allow it, and an oracle that
//! reads its events in the plainest way.

use std::collections::BTreeMap;

use quorate_canon::codec::{FixedWidth, Reader};
use quorate_canon::{
    Address, Bps, GpuCount, HealthEpoch, Mask256, MicroDollars, OfferId, RequestId, Round, Stake,
    Timestamp, Version,
};
use quorate_chain::market::MarketEvent;
use quorate_matching::{
    Capacity, Entry, MachineState, Offer, OfferInput, ProviderState, Request, RequestInput,
    Snapshot,
};

/// Seconds from one round to the next in these tests.
pub(crate) const PERIOD: u64 = 10;

#[derive(Debug, Clone, Copy)]
pub(crate) struct Dice(pub(crate) u64);

impl Dice {
    /// splitmix64.
    pub(crate) fn roll(&mut self, below: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % below
    }
}

#[derive(Debug, Clone)]
struct Machine {
    record: Offer,
    closed: Option<u64>,
    used: Capacity,
}

#[derive(Debug, Clone)]
struct Wish {
    record: Request,
    created: u64,
    closed: Option<u64>,
    leased: bool,
}

/// The market's present state, enough to invent the next block.
#[derive(Debug, Clone, Default)]
pub(crate) struct World {
    pub(crate) time: u64,
    machines: Vec<Machine>,
    wishes: Vec<Wish>,
}

impl World {
    /// The events of the next block.
    pub(crate) fn block(&mut self, dice: &mut Dice) -> Vec<MarketEvent> {
        self.time += dice.roll(4);
        (0..dice.roll(5)).filter_map(|_| self.event(dice)).collect()
    }

    fn event(&mut self, dice: &mut Dice) -> Option<MarketEvent> {
        let time = self.time;
        match dice.roll(9) {
            0 => Some(self.post_offers(dice)),
            1 | 2 => Some(self.post_requests(dice)),
            3 => self.revise(dice),
            4 => {
                let at = pick(dice, &self.machines, |machine| machine.closed.is_none())?;
                self.machines[at].closed = Some(time);
                Some(MarketEvent::OfferClosed { id: id(at), time })
            }
            5 => {
                let at = pick(dice, &self.wishes, |wish| wish.closed.is_none())?;
                self.wishes[at].closed = Some(time);
                Some(MarketEvent::RequestClosed { id: id(at), time })
            }
            6 => self.lease(dice),
            7 => self.end_lease(dice),
            _ => Some(self.observe(dice)),
        }
    }

    fn post_offers(&mut self, dice: &mut Dice) -> MarketEvent {
        let offers: Vec<Offer> = (0..=dice.roll(2))
            .map(|_| {
                let record = Offer {
                    id: OfferId::new(id(self.machines.len())),
                    version: Version::new(1),
                    provider: Address([u8::try_from(dice.roll(3)).unwrap(); 20]),
                    ask: MicroDollars::new(1 + dice.roll(99)),
                    currencies: 1,
                    available_until: Timestamp::new(self.time + dice.roll(60)),
                    gpus: GpuCount::new(8),
                    cpu_milli: 100,
                    ..Offer::default()
                };
                let machine = Machine {
                    record: record.clone(),
                    closed: None,
                    used: Capacity::ZERO,
                };
                self.machines.push(machine);
                record
            })
            .collect();
        MarketEvent::OffersPosted {
            time: self.time,
            offers,
        }
    }

    fn post_requests(&mut self, dice: &mut Dice) -> MarketEvent {
        let requests: Vec<Request> = (0..=dice.roll(2))
            .map(|_| {
                let record = Request {
                    id: RequestId::new(id(self.wishes.len())),
                    version: Version::new(1),
                    models: Mask256::of(&[1]),
                    regions: Mask256::of(&[1]),
                    budget: MicroDollars::new(100),
                    term: 60,
                    valid_until: Timestamp::new(self.time + dice.roll(60)),
                    gpus: GpuCount::new(1),
                    cpu_milli: 5,
                    kinds: 1,
                    tiers: 1,
                    ..Request::default()
                };
                let created = self.time;
                self.wishes.push(Wish {
                    record: record.clone(),
                    created,
                    closed: None,
                    leased: false,
                });
                record
            })
            .collect();
        MarketEvent::RequestsPosted {
            time: self.time,
            requests,
        }
    }

    fn revise(&mut self, dice: &mut Dice) -> Option<MarketEvent> {
        let at = pick(dice, &self.machines, |machine| machine.closed.is_none())?;
        let record = &mut self.machines[at].record;
        record.version = record.version.checked_add(1)?;
        record.ask = MicroDollars::new(1 + dice.roll(99));
        record.available_until = Timestamp::new(self.time + dice.roll(60));
        Some(MarketEvent::OfferRevised {
            time: self.time,
            offer: Box::new(record.clone()),
        })
    }

    fn lease(&mut self, dice: &mut Dice) -> Option<MarketEvent> {
        let round = Round::new((self.time / PERIOD).checked_sub(dice.roll(2))?);
        // What the round saw open at its T; orders bind, whatever was closed since.
        let t = (round.get() * PERIOD).checked_sub(1)?;
        let open = |closed: Option<u64>| closed.is_none_or(|closed| closed > t);
        let machine = pick(dice, &self.machines, |machine| {
            machine.used.gpus < 8 && open(machine.closed)
        })?;
        let wish = pick(dice, &self.wishes, |wish| {
            let valid = wish.created <= t && t < wish.record.valid_until.get();
            valid && !wish.leased && open(wish.closed)
        })?;
        let used = &mut self.machines[machine].used;
        *used = used.checked_add(&self.wishes[wish].record.demand())?;
        self.wishes[wish].leased = true;
        let entry = Entry {
            offer: OfferId::new(id(machine)),
            request: RequestId::new(id(wish)),
            ..entry_of_zeros()
        };
        Some(MarketEvent::LeasesOpened {
            round,
            time: self.time,
            entries: vec![entry],
        })
    }

    fn end_lease(&mut self, dice: &mut Dice) -> Option<MarketEvent> {
        let at = pick(dice, &self.machines, |machine| machine.used.gpus > 0)?;
        let used = &mut self.machines[at].used;
        let one = Capacity {
            gpus: 1,
            cpu_milli: 5,
            ..Capacity::ZERO
        };
        *used = used.saturating_sub(&one);
        Some(MarketEvent::UsedChanged {
            id: id(at),
            time: self.time,
            used: *used,
        })
    }

    fn observe(&mut self, dice: &mut Dice) -> MarketEvent {
        let time = self.time;
        if dice.roll(2) == 0 || self.machines.is_empty() {
            let provider = Address([u8::try_from(dice.roll(3)).unwrap(); 20]);
            let state = ProviderState {
                stake: Stake::new(dice.roll(1000)),
                registered_gpus: 8,
                reputation: Bps::new(u16::try_from(dice.roll(10_000)).unwrap()),
                slash: Bps::ZERO,
                slash_epoch: HealthEpoch::new(1),
                flags: u8::try_from(dice.roll(2)).unwrap(),
            };
            return MarketEvent::ProviderChanged {
                provider,
                time,
                state,
            };
        }
        let id = 1 + dice.roll(u64::try_from(self.machines.len()).unwrap());
        let uptime = Bps::new(u16::try_from(dice.roll(10_000)).unwrap());
        MarketEvent::MachineChanged {
            id,
            time,
            state: MachineState { uptime, flags: 0 },
        }
    }
}

fn entry_of_zeros() -> Entry {
    Entry::read(&mut Reader::new(&[0; 49])).unwrap()
}

fn id(place: usize) -> u64 {
    u64::try_from(place + 1).unwrap()
}

fn pick<T>(dice: &mut Dice, all: &[T], fits: impl Fn(&T) -> bool) -> Option<usize> {
    let places: Vec<usize> = (0..all.len()).filter(|at| fits(&all[*at])).collect();
    if places.is_empty() {
        return None;
    }
    Some(places[usize::try_from(dice.roll(u64::try_from(places.len()).unwrap())).unwrap()])
}

/// The snapshot of a round at `t`, by replaying every event up to `t` into plain maps.
pub(crate) fn oracle(events: &[MarketEvent], round: Round, t: u64) -> Snapshot {
    let mut offers: BTreeMap<u64, Option<(Offer, u64)>> = BTreeMap::new();
    let mut requests: BTreeMap<u64, (Request, u64)> = BTreeMap::new();
    let mut demands = BTreeMap::new();
    let mut used: BTreeMap<u64, Capacity> = BTreeMap::new();
    let mut machines: BTreeMap<u64, MachineState> = BTreeMap::new();
    let mut providers: BTreeMap<Address, ProviderState> = BTreeMap::new();
    let mut matched = Vec::new();
    for event in events {
        match event.clone() {
            MarketEvent::OffersPosted {
                time,
                offers: posted,
            } if time <= t => {
                offers.extend(posted.into_iter().map(|o| (o.id.get(), Some((o, time)))));
            }
            MarketEvent::OfferRevised { time, offer } if time <= t => {
                offers.insert(offer.id.get(), Some((*offer, time)));
            }
            MarketEvent::OfferClosed { id, time } if time <= t => {
                offers.insert(id, None);
            }
            MarketEvent::RequestsPosted {
                time,
                requests: posted,
            } => {
                for request in posted {
                    demands.insert(request.id.get(), request.demand());
                    if time <= t {
                        requests.insert(request.id.get(), (request, time));
                    }
                }
            }
            MarketEvent::RequestClosed { id, time } if time <= t => {
                requests.remove(&id);
            }
            MarketEvent::LeasesOpened {
                round: of,
                time,
                entries,
            } => {
                for entry in entries {
                    if of < round {
                        matched.push(entry.request.get());
                    }
                    if time <= t {
                        let held = used.entry(entry.offer.get()).or_default();
                        *held = held.checked_add(&demands[&entry.request.get()]).unwrap();
                    }
                }
            }
            MarketEvent::UsedChanged {
                id,
                time,
                used: now,
            } if time <= t => {
                used.insert(id, now);
            }
            MarketEvent::ProviderChanged {
                provider,
                time,
                state,
            } if time <= t => {
                providers.insert(provider, state);
            }
            MarketEvent::MachineChanged { id, time, state } if time <= t => {
                machines.insert(id, state);
            }
            _ => {}
        }
    }
    let offers = offers.into_iter().filter_map(|(id, open)| {
        let (offer, created) = open?;
        (t < offer.available_until.get()).then(|| OfferInput {
            created: Timestamp::new(created),
            used: used.get(&id).copied().unwrap_or_default(),
            machine: machines.get(&id).copied().unwrap_or_default(),
            provider: providers.get(&offer.provider).copied().unwrap_or_default(),
            offer,
        })
    });
    let requests = requests
        .into_iter()
        .filter(|(id, (request, _))| t < request.valid_until.get() && !matched.contains(id));
    let requests = requests.map(|(_, (request, created))| RequestInput {
        request,
        created: Timestamp::new(created),
    });
    Snapshot::new(offers.collect(), requests.collect()).unwrap()
}
