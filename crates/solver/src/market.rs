//! The machines of a round in groups, as they stand before the first match.
//!
//! A *group* holds the machines of one model, one region and one number of GPUs free at T, so that
//! what nearness and fit add is the same for all of them. A *cell* holds the groups of one model and
//! region; cells stand in a grid, model by model, so that all regions of a model are read at once.
//! Machines are numbered cell by cell, so that those which are looked at together lie together.

use std::ops::Range;

use quorate_matching::{
    Capacity, Keys, OfferInput, Profile, RoundContext, ScorePolicy, Seed, Snapshot,
};

use crate::ask::Ask;
use crate::bits::Bits;
use crate::block::LANES;
use crate::lanes::CELLS;
use crate::machine::{Machine, offer_parts};
use crate::pool;
use crate::tables::Tables;

/// Sizes that heads tell apart: 1 to 7 GPUs, and 8 or more.
pub(crate) const SIZES: usize = 8;

/// Machines of one model, region and free size.
#[derive(Debug, Clone)]
pub(crate) struct Group {
    pub(crate) free: u8,
    pub(crate) cell: u32,
    /// Its blocks, of any profile.
    pub(crate) blocks: Range<u32>,
    /// How many machines.
    pub(crate) count: u32,
}

/// All machines of a round.
#[derive(Debug)]
pub(crate) struct Market {
    pub(crate) models: Bits,
    pub(crate) regions: Bits,
    /// Cells of a model.
    pub(crate) width: usize,
    /// By the offer's position: its machine.
    pub(crate) machine_of: Vec<u32>,
    /// By machine: the offer's position.
    pub(crate) positions: Vec<u32>,
    /// By machine, as all below.
    pub(crate) machines: Vec<Machine>,
    pub(crate) free: Vec<Capacity>,
    pub(crate) ids: Vec<u64>,
    /// What the offer alone adds to a score, by profile.
    pub(crate) parts: Vec<[u32; 4]>,
    /// None for machines that are not open; they stand last.
    pub(crate) group_of: Vec<u32>,
    /// By cell: its groups, a multiple of eight.
    pub(crate) cells: Vec<Range<u32>>,
    /// By cell, of all its machines at T.
    pub(crate) cheapest: Vec<u32>,
    pub(crate) best_uptime: Vec<u16>,
    pub(crate) groups: Vec<Group>,
    pub(crate) tables: Tables,
    /// By profile: the weight of the lottery.
    pub(crate) luck: [u32; 4],
    /// Where the round stops.
    pub(crate) limit: Option<u32>,
}

/// Stands for no group and no cell.
pub(crate) const NOWHERE: u32 = u32::MAX;

impl Market {
    pub(crate) fn new(
        snapshot: &Snapshot,
        policy: &ScorePolicy,
        context: &RoundContext,
        threads: usize,
    ) -> Self {
        let offers = snapshot.offers();
        let compact = compact(offers, policy, context, threads);
        let open = || compact.iter().filter(|side| side.machine.open);
        let models = Bits::new(open().map(|side| side.machine.model));
        let regions = Bits::new(open().map(|side| side.machine.region));
        let sizes = Bits::new(compact.iter().map(|side| side.free.gpus));
        let width = regions.numbers().len().next_multiple_of(CELLS);
        let tables = Tables::new(policy, context, regions.numbers(), width, sizes.numbers());
        let cells = models.numbers().len() * width;
        let mut order: Vec<(u32, u8, u32)> = (0..)
            .zip(&compact)
            .map(|(at, side)| {
                let machine = &side.machine;
                let place = models
                    .place(machine.model)
                    .zip(regions.place(machine.region));
                let cell = place.filter(|_| machine.open);
                let cell = cell.map_or(NOWHERE, |(model, region)| (model * width + region) as u32);
                (cell, side.free.gpus, at)
            })
            .collect();
        order.sort_unstable();
        let mut machine_of = vec![0; order.len()];
        for (machine, (_, _, at)) in (0..).zip(&order) {
            machine_of[*at as usize] = machine;
        }
        let sides = || order.iter().map(|(_, _, at)| &compact[*at as usize]);
        let mut market = Self {
            models,
            regions,
            width,
            machine_of,
            positions: order.iter().map(|(_, _, at)| *at).collect(),
            machines: sides().map(|side| side.machine).collect(),
            free: sides().map(|side| side.free).collect(),
            ids: sides().map(|side| side.id).collect(),
            parts: sides().map(|side| side.parts).collect(),
            group_of: vec![NOWHERE; order.len()],
            cells: vec![0..0; cells],
            groups: Vec::new(),
            cheapest: vec![u32::MAX; cells],
            best_uptime: vec![0; cells],
            tables,
            luck: Profile::ALL.map(|profile| u32::from(policy.weights_of(profile)[7])),
            limit: policy.match_limit(),
        };
        let open = order.iter().position(|(cell, ..)| *cell == NOWHERE);
        market.group(&order[..open.unwrap_or(order.len())]);
        market
    }

    /// Makes the groups of the machines that are open: by cell and free size, in order.
    fn group(&mut self, order: &[(u32, u8, u32)]) {
        let (mut block, mut first) = (0, 0);
        for same in order.chunk_by(|a, b| (a.0, a.1) == (b.0, b.1)) {
            let (cell, free, _) = same[0];
            let at = cell as usize;
            if self.cells[at].end == 0 {
                self.fill_up_groups(block);
                let first = self.groups.len() as u32;
                self.cells[at] = first..first;
            }
            let group = self.groups.len() as u32;
            let blocks = same.len().div_ceil(LANES) as u32;
            self.groups.push(Group {
                free,
                cell,
                blocks: block..block + blocks,
                count: same.len() as u32,
            });
            block += blocks;
            self.cells[at].end = (group + 1).next_multiple_of(LANES as u32);
            for machine in first..first + same.len() {
                self.group_of[machine] = group;
                let machine = &self.machines[machine];
                self.cheapest[at] = self.cheapest[at].min(machine.ask);
                self.best_uptime[at] = self.best_uptime[at].max(machine.uptime);
            }
            first += same.len();
        }
        self.fill_up_groups(block);
    }

    /// Groups of a cell are looked at eight by eight: without machines, up to the next eight.
    fn fill_up_groups(&mut self, block: u32) {
        let count = self.groups.len().next_multiple_of(LANES);
        let nothing = Group {
            free: 0,
            cell: self.groups.last().map_or(0, |group| group.cell),
            blocks: block..block,
            count: 0,
        };
        self.groups.resize(count, nothing);
    }

    /// The keys of the offers, by machine.
    pub(crate) fn keys(&self, seed: &Seed) -> Vec<u64> {
        let mut drawn = Keys::of_offers(seed);
        let mut keys = vec![0; self.ids.len()];
        for machine in &self.machine_of {
            let machine = *machine as usize;
            keys[machine] = drawn.key(self.ids[machine]);
        }
        keys
    }

    /// Whether the pair exists, room aside.
    ///
    /// Budget, uptime and the bits of model and region are already looked at.
    #[inline]
    pub(crate) fn admits(&self, snapshot: &Snapshot, ask: &Ask, at: u32) -> bool {
        let machine = &self.machines[at as usize];
        ask.kinds >> machine.kind.min(7) & 1 == 1
            && machine.kind < 8
            && ask.tiers >> machine.tier.min(7) & 1 == 1
            && machine.tier < 8
            && machine.vram_mib >= ask.min_vram_mib
            && ask.term >= machine.min_term
            && ask.term <= machine.max_term
            && ask.currency < 32
            && machine.currencies >> ask.currency & 1 == 1
            && (self.needs_no_record(ask)
                || admits_by_record(snapshot, ask.position, self.positions[at as usize]))
    }

    const fn needs_no_record(&self, ask: &Ask) -> bool {
        !ask.picky && self.models.exact() && self.regions.exact() && ask.budget != u32::MAX
    }
}

/// What the compact forms do not tell.
#[cold]
fn admits_by_record(snapshot: &Snapshot, request: u32, offer: u32) -> bool {
    let wanted = &snapshot.requests()[request as usize].request;
    let machine = &snapshot.offers()[offer as usize].offer;
    wanted.needs.is_subset_of(&machine.has)
        && !wanted.refuses.intersects(&machine.has)
        && wanted.models.bit(machine.model)
        && wanted.regions.bit(machine.region)
        && machine.ask <= wanted.budget
}

/// An offer before it is numbered.
struct Side {
    machine: Machine,
    free: Capacity,
    id: u64,
    parts: [u32; 4],
}

fn compact(
    offers: &[OfferInput],
    policy: &ScorePolicy,
    context: &RoundContext,
    threads: usize,
) -> Vec<Side> {
    const CHUNK: usize = 4_096;
    let parts = pool::run(threads, offers.len().div_ceil(CHUNK), |at| {
        let end = offers.len().min((at + 1) * CHUNK);
        let one = |input: &OfferInput| Side {
            machine: Machine::new(input, policy, context),
            free: input.free(),
            id: input.offer.id.get(),
            parts: offer_parts(input, policy, context),
        };
        offers[at * CHUNK..end].iter().map(one).collect::<Vec<_>>()
    });
    parts.into_iter().flatten().collect()
}
