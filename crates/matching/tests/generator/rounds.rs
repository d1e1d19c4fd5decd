//! Whole rounds: inputs in, outcome out.

use quorate_canon::FixedWidth;

use super::json::{Object, bytes, number};
use crate::common::world::World;

/// Per round the `offers` and `requests` of its inputs joined (209 and 328 bytes each), the score
/// policy, the numbers, the seed; then `inputsRoot`, the list's `entries` joined, `lowest`,
/// `listRoot` and `outcomeRoot`.
pub fn round_file() -> String {
    let worlds: Vec<World> = [
        (21, 0, 0, 0),
        (22, 1, 1, 0),
        (23, 6, 14, 0),
        (24, 10, 24, 6),
    ]
    .map(|(number, offers, requests, limit)| World::new(number, offers, requests).with_limit(limit))
    .into();
    let lists: Vec<_> = worlds.iter().map(World::list).collect();
    let mut file = Object::default();
    file.many(
        "scorePolicy",
        worlds.iter().map(|world| bytes(world.policy.to_bytes())),
    );
    file.many(
        "round",
        worlds.iter().map(|world| number(world.context.round.get())),
    );
    file.many(
        "time",
        worlds.iter().map(|world| number(world.context.time.get())),
    );
    file.many(
        "genesis",
        worlds
            .iter()
            .map(|world| number(world.context.genesis.get())),
    );
    file.many(
        "period",
        worlds.iter().map(|world| number(world.context.period)),
    );
    file.many(
        "healthEpoch",
        worlds
            .iter()
            .map(|world| number(world.context.health_epoch.get())),
    );
    file.many("seed", worlds.iter().map(|world| bytes(world.seed.0)));
    file.many(
        "offers",
        worlds.iter().map(|world| joined(world.snapshot.offers())),
    );
    file.many(
        "requests",
        worlds.iter().map(|world| joined(world.snapshot.requests())),
    );
    file.many(
        "inputsRoot",
        worlds
            .iter()
            .map(|world| bytes(world.snapshot.inputs_root())),
    );
    file.many("entries", lists.iter().map(|list| bytes(list.bytes())));
    file.many("lowest", lists.iter().map(|list| number(list.lowest())));
    file.many("listRoot", lists.iter().map(|list| bytes(list.root())));
    file.many(
        "outcomeRoot",
        lists.iter().map(|list| bytes(list.outcome_root())),
    );
    file.finish()
}

fn joined<T: FixedWidth>(records: &[T]) -> String {
    bytes(
        records
            .iter()
            .flat_map(FixedWidth::to_bytes)
            .collect::<Vec<u8>>(),
    )
}
