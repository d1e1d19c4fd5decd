//! Markets that a solver by groups could stumble over.

use quorate_canon::{GpuCount, Mask256};
use quorate_matching::{OfferInput, RequestInput, Snapshot};

use crate::market::Market;

type Made = fn() -> Market;

/// By name, in the order of the table.
pub(crate) fn markets() -> [(&'static str, Made); 6] {
    [
        ("one model", one_model),
        ("one model, one region", one_place),
        ("all scores equal", equal_scores),
        ("requests for 8 GPUs only", whole_machines),
        ("machines all alike", machines_alike),
        ("CPU runs out before GPUs", no_cpu),
    ]
}

const REQUESTS: usize = 10_000;
const OFFERS: usize = 10_000;

fn changed(change: impl Fn(&mut Vec<OfferInput>, &mut Vec<RequestInput>)) -> Market {
    let market = Market::new(7, REQUESTS, OFFERS);
    let mut offers = market.snapshot.offers().to_vec();
    let mut requests = market.snapshot.requests().to_vec();
    change(&mut offers, &mut requests);
    let snapshot = Snapshot::new(offers, requests).unwrap_or_else(|error| panic!("{error}"));
    Market {
        snapshot: std::sync::Arc::new(snapshot),
        ..market
    }
}

fn to_one_model(offers: &mut [OfferInput], requests: &mut [RequestInput]) {
    let Some(first) = offers.first().map(|input| input.offer.clone()) else {
        return;
    };
    for input in offers {
        input.offer.model = first.model;
        input.offer.tier = first.tier;
        input.offer.ask = first.ask;
    }
    for input in requests {
        input.request.models = Mask256::ALL;
        input.request.budget = first.ask;
    }
}

fn to_one_region(offers: &mut [OfferInput], requests: &mut [RequestInput]) {
    for input in offers {
        input.offer.region = 0;
    }
    for input in requests {
        input.request.regions = Mask256::ALL;
    }
}

fn one_model() -> Market {
    changed(|offers, requests| to_one_model(offers, requests))
}

fn one_place() -> Market {
    changed(|offers, requests| {
        to_one_model(offers, requests);
        to_one_region(offers, requests);
    })
}

fn equal_scores() -> Market {
    let mut market = changed(|offers, requests| {
        to_one_model(offers, requests);
        to_one_region(offers, requests);
        for input in offers {
            input.provider = quorate_matching::ProviderState {
                slash: quorate_canon::Bps::ZERO,
                ..input.provider
            };
        }
    });
    market.policy.weights = [[0, 0, 0, 0, 0, 10_000, 0, 0]; 4];
    market.policy.offsets = [0; 4];
    market.policy.age_points = 0;
    market
}

fn whole_machines() -> Market {
    changed(|offers, requests| {
        for input in offers {
            input.offer.gpus = GpuCount::new(8);
            input.offer.cpu_milli = 128_000;
            input.offer.memory_mib = 1 << 20;
            input.offer.disk_gib = 8_000;
        }
        for input in requests {
            input.request.gpus = GpuCount::new(8);
        }
    })
}

fn machines_alike() -> Market {
    changed(|offers, requests| {
        to_one_model(offers, requests);
        let Some(first) = offers.first().cloned() else {
            return;
        };
        for input in offers {
            let id = input.offer.id;
            *input = first.clone();
            input.offer.id = id;
            input.machine.flags = 0;
        }
    })
}

/// Every machine has GPUs to the end, and none has anything else left after its first match.
fn no_cpu() -> Market {
    changed(|offers, requests| {
        for input in offers {
            input.offer.gpus = GpuCount::new(8);
            input.offer.cpu_milli = 40_000;
        }
        for (at, input) in requests.iter_mut().enumerate() {
            // One asks for almost nothing, so that no machine counts as full.
            input.request.cpu_milli = if at == 0 { 1 } else { 30_000 };
            input.request.gpus = GpuCount::new(1);
        }
    })
}
