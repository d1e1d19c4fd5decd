//! What is read from the contracts directly. Every function checks what it can: pages against
//! their commitments, headers against their digests, lists against their roots.

mod call;
mod certificates;
mod forwarder;
mod health;
mod links;
mod list;
mod policies;
mod rounds;
mod search;
mod tables;
mod tally;
mod trials;
mod verifier;

pub use certificates::{
    CertifiedRecord, RoundRecord, certified_record, round_record, second_certificates,
};
pub use forwarder::{forward_nonce, forwarder, permit_domain, permit_nonce, trusts};
pub use health::{HealthStatus, health_events, health_policy_of, health_status, windows_down};
pub use links::{
    Neighbours, allocation_manager_of, bridge_of, disputes_of, escrow_neighbours, escrow_of,
    health_neighbours, is_devnet_bridge, machine_count, machines_neighbours, market_of,
    operator_index, providers_of, require_code, strikes_of, table_of, verifier_of,
};
pub use list::outcome_list;
pub use policies::{policy, policy_of};
pub use rounds::{RoundStatus, Status, deployment_block, domain, is_live, round_status, schedule};
pub use tables::{L1Table, l1_table, l2_commitment, l2_table};
pub use tally::{
    TallySample, TallyShares, is_shown, sampled_machine, shares_of, showable_until, tally_sample,
};
pub use trials::{posted_chunks, refutations, signers, was_struck};
pub use verifier::{Judgement, PairView, Verifier};
