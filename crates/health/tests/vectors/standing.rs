//! Standing sections, tiers, and steps on the ladder.

use quorate_canon::{Bps, FixedWidth as _, MicroDollars, Stake};
use quorate_matching::{Level, Standing, StandingSection};
use serde_json::Value;

use super::{Dice, Table, bytes, number, truth};

/// The default section, and drawn ones that are valid.
fn valid() -> Vec<StandingSection> {
    let mut dice = Dice(8);
    let drawn = (0..3).map(|_| drawn(&mut dice));
    std::iter::once(StandingSection::default_v1())
        .chain(drawn)
        .collect()
}

fn drawn(dice: &mut Dice) -> StandingSection {
    let mut section = StandingSection::default_v1();
    let mut floor = 0;
    for slot in section.tier_floor.iter_mut().skip(1) {
        floor += 1 + dice.below(1_000_000);
        *slot = MicroDollars::new(floor);
    }
    let mut keeps: Vec<_> = (0..6).map(|_| dice.small(10_001)).collect();
    keeps.sort_unstable();
    let mut keep = 0;
    let mut weight = 0;
    for (at, level) in section.levels.iter_mut().enumerate() {
        let next = keeps.get(at).copied().unwrap_or(0);
        weight += dice.small(1_400);
        *level = Level {
            keep,
            rise: next + dice.small(10_001 - next),
            run: 1 + dice.small(4),
            weight,
        };
        keep = next;
    }
    section.reward_bps = Bps::new(dice.small(100)).unwrap_or(Bps::ZERO);
    section.register_fee = Stake::new(dice.below(1_000_000_000));
    section
}

fn broken() -> Vec<StandingSection> {
    let changes: [fn(&mut StandingSection); 11] = [
        |s| s.tier_floor[0] = MicroDollars::new(1),
        |s| s.tier_floor[1] = MicroDollars::new(0),
        |s| s.tier_floor[4] = s.tier_floor[3],
        |s| s.levels[0].keep = 1,
        |s| s.levels[4].keep = s.levels[3].keep - 1,
        |s| s.levels[2].weight = s.levels[1].weight - 1,
        |s| s.levels[6].weight = 10_001,
        |s| s.levels[3].rise = s.levels[4].keep - 1,
        |s| s.levels[5].rise = 10_001,
        |s| s.levels[0].run = 0,
        |s| s.levels[6].keep = 10_001,
    ];
    let broken = changes.map(|change| {
        let mut section = StandingSection::default_v1();
        change(&mut section);
        section
    });
    broken.into()
}

/// The valid ones first: the other groups count from 0 here.
pub(super) fn sections() -> Value {
    let mut table = Table::default();
    let mut sections: Vec<_> = valid()
        .iter()
        .chain(&broken())
        .map(StandingSection::to_bytes)
        .collect();
    let mut spare = StandingSection::default_v1().to_bytes();
    spare[127] = 1;
    let mut reward = StandingSection::default_v1().to_bytes();
    reward[96..98].copy_from_slice(&10_001_u16.to_be_bytes());
    sections.extend([spare, reward]);
    for section in sections {
        let read = StandingSection::from_bytes(&section);
        let holds = read.is_ok_and(|section| section.validate().is_ok());
        table.row(&[("bytes", bytes(section)), ("valid", truth(holds))]);
    }
    table.into()
}

pub(super) fn tiers() -> Value {
    let mut table = Table::default();
    for (at, section) in valid().iter().enumerate() {
        let floors = section.tier_floor.iter().map(|floor| floor.get());
        let around = floors.flat_map(|floor| [floor.saturating_sub(1), floor, floor + 1]);
        for price in around.chain([u64::MAX]) {
            table.row(&[
                ("section", number(at)),
                ("price", number(price)),
                (
                    "tier",
                    number(section.tier_of(MicroDollars::new(price)).code()),
                ),
            ]);
        }
    }
    table.into()
}

pub(super) fn steps() -> Value {
    let mut dice = Dice(9);
    let mut table = Table::default();
    let mut add = |at: usize, standing: Standing, uptime: u16| {
        let uptime = Bps::new(uptime).unwrap_or(Bps::ONE);
        let after = valid()[at].step(standing, uptime);
        table.row(&[
            ("section", number(at)),
            ("level", number(standing.level)),
            ("run", number(standing.run)),
            ("uptime", number(uptime.get())),
            ("levelAfter", number(after.level)),
            ("runAfter", number(after.run)),
        ]);
        after
    };
    for (at, section) in valid().iter().enumerate() {
        // At each threshold of each level, with the count at its beginning and before its end.
        for (level, row) in (0..).zip(&section.levels) {
            let last = if level == 6 { 0 } else { row.run - 1 };
            let around = [
                row.keep.saturating_sub(1),
                row.keep,
                row.rise.saturating_sub(1),
                row.rise,
            ];
            for (run, uptime) in [0, last]
                .into_iter()
                .flat_map(|run| around.map(|u| (run, u)))
            {
                add(at, Standing { level, run }, uptime);
            }
        }
        // And one machine's history.
        let mut standing = Standing::default();
        for _ in 0..80 {
            let level = section.levels[usize::from(standing.level)];
            let uptime = match dice.below(12) {
                0 => level.keep.saturating_sub(1),
                1 => dice.small(10_001),
                _ => level.rise.max(level.keep),
            };
            standing = add(at, standing, uptime);
        }
    }
    table.into()
}

pub(super) fn weights() -> Value {
    let mut table = Table::default();
    for (at, section) in valid().iter().enumerate() {
        for level in 0..7 {
            table.row(&[
                ("section", number(at)),
                ("level", number(level)),
                ("weight", number(section.weight_of(level))),
            ]);
        }
    }
    table.into()
}
