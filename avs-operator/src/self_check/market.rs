//! A small market for this module's tests: some pairs exist, some do not, machines take several.

use quorate_canon::{
    Address, Bps, ChainId, GpuCount, Mask256, MicroDollars, OfferId, RequestId, Round, Stake,
    Timestamp, Version,
};
use quorate_matching::{
    MachineState, Offer, OfferInput, ProviderState, Request, RequestInput, RoundContext, Seed,
    Snapshot, policy,
};
use quorate_protocol::{Domain, rules::SnapshotId};

use crate::compute::{Computed, Gathered, Prepared, compute};

const T: u64 = 1_000_000;

/// A round of `machines` and `requests`, computed under a seed.
pub(crate) fn round(machines: u64, requests: u64, seed: u8) -> (Prepared, Computed) {
    let policy = policy::defaults::policy_v1();
    let offers = (1..=machines).map(offer).collect();
    let requests = (1..=requests).map(request).collect();
    let prepared = Prepared::new(Gathered {
        round: Round::new(4),
        snapshot: SnapshotId {
            number: 7,
            hash: quorate_canon::Digest([7; 32]),
        },
        inputs: Snapshot::new(offers, requests).unwrap(),
        policy,
        context: RoundContext {
            round: Round::new(4),
            time: Timestamp::new(T),
            genesis: Timestamp::new(T - 40),
            period: 10,
            ..RoundContext::default()
        },
    });
    let computed = compute(&prepared, &domain(), Seed([seed; 32])).unwrap();
    (prepared, computed)
}

fn domain() -> Domain {
    Domain {
        l1_chain: ChainId::new(1),
        l2_chain: ChainId::new(2),
        rounds: Address([3; 20]),
        avs: Address([4; 20]),
        operator_set: 0,
    }
}

fn offer(id: u64) -> OfferInput {
    let offer = Offer {
        id: OfferId::new(id),
        version: Version::new(1),
        ask: MicroDollars::new(1_000_000 + 10_000 * id),
        model: policy::models::MODELS[usize::from(id.is_multiple_of(2))].index,
        vram_mib: 81_920,
        cpu_milli: 64_000,
        memory_mib: 500_000,
        disk_gib: 4_000,
        mbits: 10_000,
        currencies: 1,
        available_until: Timestamp::new(T + 1_000_000),
        max_term: 100_000,
        gpus: GpuCount::new(8),
        ..Offer::default()
    };
    OfferInput {
        offer,
        created: Timestamp::new(T - 100),
        used: Default::default(),
        machine: MachineState {
            uptime: Bps::new(9_000),
            flags: 0,
        },
        provider: ProviderState {
            stake: Stake::new(u64::MAX),
            registered_gpus: 8,
            reputation: Bps::new(5_000),
            ..ProviderState::default()
        },
    }
}

fn request(id: u64) -> RequestInput {
    // Every other asks for one of the models only.
    let one = Mask256::of(&[policy::models::MODELS[0].index]);
    let request = Request {
        id: RequestId::new(id),
        version: Version::new(1),
        models: if id.is_multiple_of(2) {
            one
        } else {
            Mask256::ALL
        },
        regions: Mask256::ALL,
        budget: MicroDollars::new(90_000_000),
        cpu_milli: 1_000,
        memory_mib: 1_000,
        term: 3_600,
        valid_until: Timestamp::new(T + 500_000),
        gpus: GpuCount::new(if id.is_multiple_of(3) { 2 } else { 1 }),
        kinds: 0xff,
        tiers: 0xff,
        ..Request::default()
    };
    RequestInput {
        request,
        created: Timestamp::new(T - 50),
    }
}
