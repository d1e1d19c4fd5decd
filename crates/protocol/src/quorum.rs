//! The quorum.

use quorate_canon::Bps;

/// The share of the table's stake that has to sign: 67 %.
pub const QUORUM: Bps = match Bps::new(6_700) {
    Some(share) => share,
    None => Bps::ONE,
};

/// Whether `signed` is a quorum of `total`: `signed x 10 000 >= total x 6 700`, and never of
/// nothing. Exact for all values: both products are taken in 144 bits.
#[must_use]
pub fn quorum_reached(signed: u128, total: u128) -> bool {
    total > 0 && times(signed, Bps::ONE) >= times(total, QUORUM)
}

/// `value x share`, as (high 128 bits above the lowest 64, lowest 64 bits).
fn times(value: u128, share: Bps) -> (u128, u128) {
    let share = u128::from(share.get());
    let low_mask = u128::from(u64::MAX);
    // Both factors are below 2^64 and 2^16: the products stay below 2^80, the sum as well.
    let low = (value & low_mask).wrapping_mul(share);
    let high = (value >> 64).wrapping_mul(share).wrapping_add(low >> 64);
    (high, low & low_mask)
}
