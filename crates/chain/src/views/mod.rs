//! What is read from the contracts directly. Every function checks what it can: pages against
//! their commitments, headers against their digests, lists against their roots.

mod call;
mod list;
mod rounds;
mod tables;

pub use list::outcome_list;
pub use rounds::{
    CertifiedRecord, RoundStatus, Status, certified_record, check_chunk, deployment_block, domain,
    is_live, policy, policy_of, round_status, schedule, second_certificates,
};
pub use tables::{L1Table, l1_table, l2_commitment, l2_table};
