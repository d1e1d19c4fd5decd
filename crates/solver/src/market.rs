//! The machines of a round in groups, with the most that each group still offers.
//!
//! A *group* holds the machines of one model, one region and one number of GPUs free at T, so that
//! what region and fit add is the same for all of them. A *cell* holds the groups of one model and
//! region. Heads are upper bounds: the best part among the machines that still have so many GPUs
//! left, plus their fit; they never rise while a round runs.

use std::ops::Range;
use std::sync::{Mutex, PoisonError};

use quorate_canon::Mask256;
use quorate_matching::{
    Capacity, Keys, Offer, OfferInput, Profile, Request, RequestInput, RoundContext, ScorePolicy,
    Seed, Snapshot, factors,
};

use crate::ask::Ask;
use crate::machine::{Machine, offer_parts};
use crate::pool;
use crate::slots::{OVERHANG, Slot, Slots};

/// Sizes that heads tell apart: 1 to 7 GPUs, and 8 or more.
pub(crate) const SIZES: usize = 8;

/// Machines of one model, region and free size.
#[derive(Debug, Clone)]
pub(crate) struct Group {
    pub(crate) free: u8,
    cell: u32,
    /// All its slots; the first `live` of them may still take something.
    pub(crate) slots: Range<usize>,
    live: usize,
}

impl Group {
    pub(crate) const fn live(&self) -> Range<usize> {
        self.slots.start..self.slots.start + self.live
    }
}

/// The groups of one model and region.
#[derive(Debug, Clone)]
pub(crate) struct Cell {
    pub(crate) region: u8,
    pub(crate) region_bit: u64,
    pub(crate) groups: Range<usize>,
    /// Of all its machines at T.
    pub(crate) cheapest: u32,
    pub(crate) best_uptime: u16,
}

/// Numbers from 0 to 255 that occur, as bits of a word; more than 64 share bits.
#[derive(Debug)]
pub(crate) struct Bits {
    occurring: Vec<u8>,
}

impl Bits {
    fn new(numbers: impl Iterator<Item = u8>) -> Self {
        let mut seen = [false; 256];
        for number in numbers {
            seen[usize::from(number)] = true;
        }
        let occurring = (0..=u8::MAX).filter(|n| seen[usize::from(*n)]).collect();
        Self { occurring }
    }

    /// Whether a bit stands for one number only.
    pub(crate) const fn exact(&self) -> bool {
        self.occurring.len() <= 64
    }

    fn bit(&self, number: u8) -> u64 {
        let at = self.occurring.iter().position(|other| *other == number);
        at.map_or(0, |at| 1 << (at % 64))
    }

    pub(crate) fn bits_of(&self, mask: &Mask256) -> u64 {
        if *mask == Mask256::ALL {
            return u64::MAX;
        }
        let all = self.occurring.iter().enumerate();
        all.filter(|(_, number)| mask.bit(**number))
            .fold(0, |bits, (at, _)| bits | 1 << (at % 64))
    }
}

/// All machines of a round and what is left of them.
pub(crate) struct Market<'a> {
    pub(crate) snapshot: &'a Snapshot,
    pub(crate) policy: &'a ScorePolicy,
    pub(crate) context: &'a RoundContext,
    pub(crate) models: Bits,
    pub(crate) regions: Bits,
    /// By the offer's position.
    pub(crate) machines: Vec<Machine>,
    pub(crate) left: Vec<Capacity>,
    group_of: Vec<u32>,
    /// The model's bit and its cells.
    pub(crate) spans: Vec<(u64, Range<usize>)>,
    pub(crate) cells: Vec<Cell>,
    pub(crate) groups: Vec<Group>,
    pub(crate) slots: [Slots; 4],
    /// By profile, size and group or cell: one more than the best part and fit, or 0 for none.
    pub(crate) group_heads: Vec<u32>,
    pub(crate) cell_heads: Vec<u32>,
    /// By profile, size and span, as of the round's start.
    span_heads: Vec<u32>,
    /// By profile, home and region: what nearness adds.
    near: Vec<u32>,
    /// By GPUs asked and GPUs free: the factor of the fit.
    fit: Vec<u16>,
    /// What every request takes at least.
    least: Capacity,
}

impl<'a> Market<'a> {
    pub(crate) fn new(
        snapshot: &'a Snapshot,
        policy: &'a ScorePolicy,
        context: &'a RoundContext,
        seed: &Seed,
        threads: usize,
    ) -> Self {
        let offers = snapshot.offers();
        let sides = prepare(offers, policy, context, seed, threads);
        let machines: Vec<Machine> = sides.iter().map(|side| side.machine).collect();
        let open = || machines.iter().filter(|machine| machine.open);
        let mut market = Self {
            snapshot,
            policy,
            context,
            models: Bits::new(open().map(|machine| machine.model)),
            regions: Bits::new(open().map(|machine| machine.region)),
            left: sides.iter().map(|side| side.free).collect(),
            group_of: vec![u32::MAX; machines.len()],
            machines,
            spans: Vec::new(),
            cells: Vec::new(),
            groups: Vec::new(),
            slots: Default::default(),
            group_heads: Vec::new(),
            cell_heads: Vec::new(),
            span_heads: Vec::new(),
            near: Vec::new(),
            fit: fits(policy, context, &sides),
            least: Capacity::ZERO,
        };
        market.near = nearness(policy, context, &market.regions);
        market.group(&sides);
        market.fill_slots(&sides, threads);
        market.first_heads();
        market
    }

    /// Says what every request takes at least; a machine that has less left is full.
    pub(crate) fn set_least(&mut self, least: Capacity) {
        self.least = least;
    }

    /// Makes spans, cells and groups of the machines that are open.
    fn group(&mut self, sides: &[Side]) {
        let mut order: Vec<u32> = (0..self.machines.len() as u32)
            .filter(|at| self.machines[*at as usize].open)
            .collect();
        let place = |at: u32| {
            let machine = &self.machines[at as usize];
            (machine.model, machine.region, sides[at as usize].free.gpus)
        };
        order.sort_unstable_by_key(|at| (place(*at), *at));
        let mut before: Option<(u8, u8, u8)> = None;
        for (slot, at) in order.iter().enumerate() {
            let (model, region, free) = place(*at);
            if before.is_none_or(|(other, ..)| other != model) {
                let end = self.cells.len();
                self.spans.push((self.models.bit(model), end..end));
            }
            if before.is_none_or(|(model_before, region_before, _)| {
                (model_before, region_before) != (model, region)
            }) {
                let end = self.groups.len();
                self.cells.push(Cell {
                    region,
                    region_bit: self.regions.bit(region),
                    groups: end..end,
                    cheapest: u32::MAX,
                    best_uptime: 0,
                });
                if let Some((_, cells)) = self.spans.last_mut() {
                    cells.end += 1;
                }
            }
            let cell_at = self.cells.len() - 1;
            if before != Some((model, region, free)) {
                self.groups.push(Group {
                    free,
                    cell: cell_at as u32,
                    slots: slot..slot,
                    live: 0,
                });
                self.cells[cell_at].groups.end += 1;
            }
            before = Some((model, region, free));
            let group_at = self.groups.len() - 1;
            self.groups[group_at].slots.end += 1;
            self.groups[group_at].live += 1;
            self.group_of[*at as usize] = group_at as u32;
            let machine = &self.machines[*at as usize];
            let cell = &mut self.cells[cell_at];
            cell.cheapest = cell.cheapest.min(machine.ask);
            cell.best_uptime = cell.best_uptime.max(machine.uptime);
        }
    }

    fn fill_slots(&mut self, sides: &[Side], threads: usize) {
        let columns = pool::run(threads, 4, |profile| {
            let mut order: Vec<(u32, u32, u32)> = sides
                .iter()
                .zip(&self.group_of)
                .zip(0..)
                .filter(|((_, group), _)| **group != u32::MAX)
                .map(|((side, group), at)| (*group, u32::MAX - side.parts[profile], at))
                .collect();
            order.sort_unstable();
            let mut slots = Slots::default();
            for (_, _, at) in order {
                let (side, machine) = (&sides[at as usize], &self.machines[at as usize]);
                slots.push(Slot {
                    key: side.key,
                    part: side.parts[profile],
                    ask: machine.ask,
                    uptime: u32::from(machine.uptime),
                    left: u32::from(side.free.gpus),
                    offer: at,
                });
            }
            (0..OVERHANG).for_each(|_| slots.push(Slot::default()));
            slots
        });
        for (mine, filled) in self.slots.iter_mut().zip(columns) {
            *mine = filled;
        }
    }

    fn first_heads(&mut self) {
        self.group_heads = vec![0; 4 * SIZES * self.groups.len()];
        self.cell_heads = vec![0; 4 * SIZES * self.cells.len()];
        for at in 0..self.groups.len() {
            self.raise_heads(at);
        }
        for at in 0..self.cells.len() {
            self.join_heads(at);
        }
        self.span_heads = vec![0; 4 * SIZES * self.spans.len()];
        for row in 0..4 * SIZES {
            for (at, (_, cells)) in self.spans.iter().enumerate() {
                let heads = &self.cell_heads[row * self.cells.len()..];
                let best = heads[cells.clone()].iter().copied().max();
                self.span_heads[row * self.spans.len() + at] = best.unwrap_or(0);
            }
        }
    }

    /// Works the heads of a group out anew.
    fn raise_heads(&mut self, at: usize) {
        let (count, group) = (self.groups.len(), &self.groups[at]);
        for profile in 0..4 {
            let weight = u32::from(self.policy.weights[profile][4]);
            let mut size = 0;
            for slot in group.live() {
                let left = (self.slots[profile].left[slot] as usize).min(SIZES);
                while size < left {
                    size += 1;
                    let fit = weight * u32::from(self.fit_bound(size, group.free));
                    let head = self.slots[profile].part[slot] + fit + 1;
                    self.group_heads[(profile * SIZES + size - 1) * count + at] = head;
                }
                if size == SIZES {
                    break;
                }
            }
            for none in size..SIZES {
                self.group_heads[(profile * SIZES + none) * count + at] = 0;
            }
        }
    }

    /// The heads of a cell from those of its groups.
    fn join_heads(&mut self, at: usize) {
        let groups = self.cells[at].groups.clone();
        for row in 0..4 * SIZES {
            let heads = &self.group_heads[row * self.groups.len()..];
            let best = heads[groups.clone()].iter().copied().max();
            self.cell_heads[row * self.cells.len() + at] = best.unwrap_or(0);
        }
    }

    fn fit_bound(&self, size: usize, free: u8) -> u16 {
        if size == SIZES {
            10_000
        } else {
            self.fit[size * 256 + usize::from(free)]
        }
    }

    /// What nearness adds, by region.
    pub(crate) fn near_row(&self, profile: usize, home: u8) -> &[u32] {
        &self.near[(profile * 256 + usize::from(home)) * 256..][..256]
    }

    /// What the fit adds.
    pub(crate) fn fit(&self, profile: usize, gpus: u8, free: u8) -> u32 {
        let factor = self.fit[usize::from(gpus) * 256 + usize::from(free)];
        u32::from(self.policy.weights[profile][4]) * u32::from(factor)
    }

    /// The row of heads that a request looks at.
    pub(crate) fn row(ask: &Ask) -> usize {
        ask.profile() * SIZES + usize::from(ask.gpus).clamp(1, SIZES) - 1
    }

    /// The most that the request's score may be; 0 if no machine is there for it.
    pub(crate) fn reach(&self, ask: &Ask) -> u32 {
        let heads = &self.span_heads[Self::row(ask) * self.spans.len()..];
        let accepted = self.spans.iter().zip(heads);
        let best = accepted
            .filter(|((bit, _), _)| ask.models & bit != 0)
            .map(|(_, head)| *head)
            .max();
        match best {
            None | Some(0) => 0,
            Some(head) => {
                let [region, .., luck] = self.policy.weights[ask.profile()];
                ask.part + head + (u32::from(region) + u32::from(luck)) * 10_000
            }
        }
    }

    /// Whether the pair exists, room aside.
    ///
    /// Budget, uptime and the bits of model and region are already looked at.
    pub(crate) fn admits(&self, request: u32, ask: &Ask, offer: u32) -> bool {
        let machine = &self.machines[offer as usize];
        ask.kinds >> machine.kind.min(7) & 1 == 1
            && machine.kind < 8
            && ask.tiers >> machine.tier.min(7) & 1 == 1
            && machine.tier < 8
            && machine.vram_mib >= ask.min_vram_mib
            && ask.term >= machine.min_term
            && ask.term <= machine.max_term
            && ask.currency < 32
            && machine.currencies >> ask.currency & 1 == 1
            && (self.needs_no_record(ask) || self.admits_by_record(request, offer))
    }

    const fn needs_no_record(&self, ask: &Ask) -> bool {
        !ask.picky() && self.models.exact() && self.regions.exact() && ask.budget != u32::MAX
    }

    /// What the compact forms do not tell.
    #[cold]
    fn admits_by_record(&self, request: u32, offer: u32) -> bool {
        let wanted = &self.snapshot.requests()[request as usize].request;
        let machine = &self.snapshot.offers()[offer as usize].offer;
        wanted.needs.is_subset_of(&machine.has)
            && !wanted.refuses.intersects(&machine.has)
            && wanted.models.bit(machine.model)
            && wanted.regions.bit(machine.region)
            && machine.ask <= wanted.budget
    }

    /// Takes a request's share of a machine.
    pub(crate) fn take(&mut self, offer: u32, demand: &Capacity) {
        let left = &mut self.left[offer as usize];
        *left = left.saturating_sub(demand);
    }

    /// Brings groups and heads up to what is left of these machines.
    pub(crate) fn refresh(&mut self, taken: &[u32], threads: usize) {
        let mut groups: Vec<u32> = taken.iter().map(|at| self.group_of[*at as usize]).collect();
        groups.sort_unstable();
        groups.dedup();
        let mut cells: Vec<u32> = Vec::with_capacity(groups.len());
        self.compact(&groups, threads);
        for group in groups {
            self.raise_heads(group as usize);
            cells.push(self.groups[group as usize].cell);
        }
        cells.dedup();
        for cell in cells {
            self.join_heads(cell as usize);
        }
    }

    /// Moves the machines of these groups that are full behind those that are not.
    fn compact(&mut self, touched: &[u32], threads: usize) {
        let (groups, left, least) = (&self.groups, &self.left, &self.least);
        // Each job takes one profile's columns, so no lock is ever waited for.
        let columns = self.slots.each_mut().map(Mutex::new);
        let live = pool::run(threads, columns.len(), |profile| {
            let mut slots = columns[profile]
                .lock()
                .unwrap_or_else(PoisonError::into_inner);
            let mut full = Vec::new();
            let all = touched.iter().map(|at| groups[*at as usize].live());
            all.map(|range| compact_one(&mut slots, range, left, least, &mut full))
                .collect::<Vec<_>>()
        });
        // All profiles hold the same machines, so all have counted the same.
        for (at, live) in touched.iter().zip(live.first().into_iter().flatten()) {
            self.groups[*at as usize].live = *live;
        }
    }
}

/// Returns how many of the slots may still take something; they stand first.
fn compact_one(
    slots: &mut Slots,
    live: Range<usize>,
    left: &[Capacity],
    least: &Capacity,
    full: &mut Vec<Slot>,
) -> usize {
    full.clear();
    let mut to = live.start;
    for from in live.clone() {
        let mut slot = slots.get(from);
        let left = &left[slot.offer as usize];
        slot.left = u32::from(left.gpus);
        if left.holds(least) {
            slots.set(to, slot);
            to += 1;
        } else {
            full.push(slot);
        }
    }
    for (to, slot) in (to..).zip(full.iter()) {
        slots.set(to, *slot);
    }
    to - live.start
}

/// An offer while the market is being made.
struct Side {
    machine: Machine,
    free: Capacity,
    key: u64,
    parts: [u32; 4],
}

fn prepare(
    offers: &[OfferInput],
    policy: &ScorePolicy,
    context: &RoundContext,
    seed: &Seed,
    threads: usize,
) -> Vec<Side> {
    const CHUNK: usize = 4_096;
    let parts = pool::run(threads, offers.len().div_ceil(CHUNK), |at| {
        let mut keys = Keys::of_offers(seed);
        let end = offers.len().min((at + 1) * CHUNK);
        let side = |input: &OfferInput| Side {
            machine: Machine::new(input, policy, context),
            free: input.free(),
            key: keys.key(input.offer.id.get()),
            parts: offer_parts(input, policy, context),
        };
        offers[at * CHUNK..end].iter().map(side).collect::<Vec<_>>()
    });
    parts.into_iter().flatten().collect()
}

/// What nearness adds, for all homes and the regions that occur.
fn nearness(policy: &ScorePolicy, context: &RoundContext, regions: &Bits) -> Vec<u32> {
    let mut near = vec![0; 4 * 256 * 256];
    for home in 0..=u8::MAX {
        for region in &regions.occurring {
            let request = request_of(Request {
                home_region: home,
                ..Request::default()
            });
            let offer = offer_of(Offer {
                region: *region,
                ..Offer::default()
            });
            let factor = factors(&request, &offer, policy, context, 0).region;
            for profile in Profile::ALL {
                let weight = policy.weights_of(profile)[0];
                let row = usize::from(profile.code()) * 256 + usize::from(home);
                near[row * 256 + usize::from(*region)] = u32::from(weight) * u32::from(factor);
            }
        }
    }
    near
}

/// The fit of every number of GPUs asked and those free that occur.
fn fits(policy: &ScorePolicy, context: &RoundContext, sides: &[Side]) -> Vec<u16> {
    let mut table = vec![0; 256 * 256];
    for free in Bits::new(sides.iter().map(|side| side.free.gpus)).occurring {
        for gpus in 1..=u8::MAX {
            let request = request_of(Request {
                gpus: quorate_canon::GpuCount::new(gpus),
                ..Request::default()
            });
            let offer = offer_of(Offer {
                gpus: quorate_canon::GpuCount::new(free),
                ..Offer::default()
            });
            let fit = factors(&request, &offer, policy, context, 0).availability;
            table[usize::from(gpus) * 256 + usize::from(free)] = fit;
        }
    }
    table
}

fn request_of(request: Request) -> RequestInput {
    RequestInput {
        request,
        ..RequestInput::default()
    }
}

fn offer_of(offer: Offer) -> OfferInput {
    OfferInput {
        offer,
        ..OfferInput::default()
    }
}
