//! The machines of a round in groups, as they stand before the first match.
//!
//! A *group* holds the machines of one model, one region and one number of GPUs free at T, so that
//! what region and fit add is the same for all of them. A *cell* holds the groups of one model and
//! region; cells stand in a grid, model by model, so that all regions of a model are read at once.

use std::ops::Range;

use quorate_matching::{Capacity, OfferInput, Profile, RoundContext, ScorePolicy, Snapshot};

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
    /// By the offer's position.
    pub(crate) machines: Vec<Machine>,
    pub(crate) free: Vec<Capacity>,
    pub(crate) ids: Vec<u64>,
    /// What the offer alone adds to a score, by profile.
    pub(crate) parts: Vec<[u32; 4]>,
    /// By the offer's position; none for offers that are not open.
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

/// Stands for no group.
pub(crate) const NO_GROUP: u32 = u32::MAX;

impl Market {
    pub(crate) fn new(
        snapshot: &Snapshot,
        policy: &ScorePolicy,
        context: &RoundContext,
        threads: usize,
    ) -> Self {
        let offers = snapshot.offers();
        let (mut machines, mut parts) = (Vec::new(), Vec::new());
        for (machine, part) in compact(offers, policy, context, threads) {
            machines.push(machine);
            parts.push(part);
        }
        let free: Vec<Capacity> = offers.iter().map(OfferInput::free).collect();
        let open = || machines.iter().filter(|machine| machine.open);
        let models = Bits::new(open().map(|machine| machine.model));
        let regions = Bits::new(open().map(|machine| machine.region));
        let sizes = Bits::new(free.iter().map(|free| free.gpus));
        let width = regions.numbers().len().next_multiple_of(CELLS);
        let tables = Tables::new(policy, context, regions.numbers(), width, sizes.numbers());
        let cells = models.numbers().len() * width;
        let mut market = Self {
            models,
            regions,
            width,
            ids: offers.iter().map(|input| input.offer.id.get()).collect(),
            parts,
            group_of: vec![NO_GROUP; machines.len()],
            machines,
            free,
            cells: vec![0..0; cells],
            cheapest: vec![u32::MAX; cells],
            best_uptime: vec![0; cells],
            groups: Vec::new(),
            tables,
            luck: Profile::ALL.map(|profile| u32::from(policy.weights_of(profile)[7])),
            limit: policy.match_limit(),
        };
        market.group();
        market
    }

    /// Makes the groups of the machines that are open.
    fn group(&mut self) {
        let mut order: Vec<(usize, u8, u32)> = (0_u32..)
            .zip(&self.machines)
            .filter(|(_, machine)| machine.open)
            .filter_map(|(at, machine)| {
                let model = self.models.place(machine.model)?;
                let cell = model * self.width + self.regions.place(machine.region)?;
                Some((cell, self.free[at as usize].gpus, at))
            })
            .collect();
        order.sort_unstable();
        let mut block = 0;
        for same in order.chunk_by(|a, b| (a.0, a.1) == (b.0, b.1)) {
            let (cell, free, _) = same[0];
            if self.cells[cell].end == 0 {
                self.fill_up_groups(block);
                let first = self.groups.len() as u32;
                self.cells[cell] = first..first;
            }
            let group = self.groups.len() as u32;
            let blocks = same.len().div_ceil(LANES) as u32;
            self.groups.push(Group {
                free,
                cell: cell as u32,
                blocks: block..block + blocks,
                count: same.len() as u32,
            });
            block += blocks;
            self.cells[cell].end = (group + 1).next_multiple_of(LANES as u32);
            for (_, _, at) in same {
                self.group_of[*at as usize] = group;
                let machine = &self.machines[*at as usize];
                self.cheapest[cell] = self.cheapest[cell].min(machine.ask);
                self.best_uptime[cell] = self.best_uptime[cell].max(machine.uptime);
            }
        }
        self.fill_up_groups(block);
    }

    /// Groups of a cell are looked at eight by eight: without machines, up to the next eight.
    fn fill_up_groups(&mut self, block: u32) {
        let count = self.groups.len().next_multiple_of(LANES);
        self.groups.resize(
            count,
            Group {
                free: 0,
                cell: self.groups.last().map_or(0, |group| group.cell),
                blocks: block..block,
                count: 0,
            },
        );
    }

    /// Whether the pair exists, room aside.
    ///
    /// Budget, uptime and the bits of model and region are already looked at.
    #[inline]
    pub(crate) fn admits(&self, snapshot: &Snapshot, ask: &Ask, offer: u32) -> bool {
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
            && (self.needs_no_record(ask) || admits_by_record(snapshot, ask.position, offer))
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

fn compact(
    offers: &[OfferInput],
    policy: &ScorePolicy,
    context: &RoundContext,
    threads: usize,
) -> impl Iterator<Item = (Machine, [u32; 4])> {
    const CHUNK: usize = 4_096;
    let parts = pool::run(threads, offers.len().div_ceil(CHUNK), |at| {
        let end = offers.len().min((at + 1) * CHUNK);
        let one = |input: &OfferInput| {
            let machine = Machine::new(input, policy, context);
            (machine, offer_parts(input, policy, context))
        };
        offers[at * CHUNK..end].iter().map(one).collect::<Vec<_>>()
    });
    parts.into_iter().flatten()
}
