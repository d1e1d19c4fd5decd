//! Eligibility, factors, score, keys and order against the oracle that reads bytes.

mod common;

use common::oracle::{Oracle, chacha_block, fold as oracle_fold, key, log2q as oracle_log2q};
use common::world::World;
use proptest::prelude::*;
use quorate_canon::{OfferId, RequestId};
use quorate_matching::{
    Ineligible, PairRank, Prepared, Seed, eligible, factors, fold, jitter, log2q, offer_key,
    request_key, score, tie,
};

proptest! {
    #![proptest_config(common::cases(400))]

    #[test]
    fn pairs_are_what_the_oracle_says(number: u64) {
        let world = World::new(number, 3, 3);
        let oracle = Oracle::new(&world.policy, &world.context, &world.seed);
        for request in world.snapshot.requests() {
            for offer in world.snapshot.offers() {
                let verdict = eligible(&request.request, offer, &world.policy, &world.context);
                let code = verdict.map_or_else(Ineligible::code, |()| 0);
                prop_assert_eq!(code, oracle.code(request, offer));
                if code > 0 {
                    continue;
                }
                let tie = tie(request, offer, &world.seed);
                let factors = factors(request, offer, &world.policy, &world.context, tie);
                prop_assert_eq!(tie, oracle.tie(request, offer));
                prop_assert_eq!(factors.to_array().map(i128::from), oracle.factors(request, offer));
                let score = score(request, &factors, &world.policy, &world.context);
                prop_assert_eq!(score, oracle.score(request, offer));
            }
        }
    }

    /// The parts that are worked out once an order make the same score.
    #[test]
    fn a_prepared_pair_is_the_pair(number: u64) {
        let world = World::new(number, 4, 4);
        let round = Prepared::new(&world.snapshot, &world.policy, &world.context, &world.seed);
        for request in round.requests() {
            for offer in round.offers() {
                let tie = tie(request.input, offer.input, &world.seed);
                let factors =
                    factors(request.input, offer.input, &world.policy, &world.context, tie);
                let expected = PairRank {
                    score: score(request.input, &factors, &world.policy, &world.context),
                    tie,
                    request: request.input.request.id,
                    offer: offer.input.offer.id,
                };
                prop_assert_eq!(round.rank(request, offer), expected);
                prop_assert_eq!(round.factors(request, offer), factors);
                let verdict =
                    eligible(&request.input.request, offer.input, &world.policy, &world.context);
                prop_assert_eq!(round.eligible(request, offer), verdict);
            }
        }
    }

    #[test]
    fn keys_are_those_of_a_plain_chacha(seed: [u8; 32], id: u64) {
        let of = Seed(seed);
        prop_assert_eq!(offer_key(&of, OfferId::new(id)), key(&seed, 1, id));
        prop_assert_eq!(request_key(&of, RequestId::new(id)), key(&seed, 2, id));
    }

    #[test]
    fn folds_and_logarithms_are_the_oracles(a: u64, b: u64, x in 1_u64..) {
        prop_assert_eq!(fold(a, b), oracle_fold(a, b));
        prop_assert_eq!(i128::from(log2q(x)), oracle_log2q(i128::from(x)));
        prop_assert!(jitter(a) <= 10_000);
    }

    /// The definition by squaring meets the real logarithm, computed with four times the digits.
    #[test]
    fn log2q_is_the_floor_of_the_logarithm(x in 1_u64.., shift in 0_u32..64) {
        let x = (x >> shift).max(1);
        prop_assert_eq!(log2q(x), wide_log2q(x));
    }

    #[test]
    fn a_larger_field_makes_a_larger_rank(a: [u64; 4], b: [u64; 4]) {
        let rank = |[score, tie, request, offer]: [u64; 4]| PairRank {
            score,
            tie,
            request: RequestId::new(request),
            offer: OfferId::new(offer),
        };
        prop_assert_eq!(rank(a).cmp(&rank(b)), a.cmp(&b));
        let [score, tie, request, _] = a;
        let same = [score, tie, request, b[3]];
        prop_assert_eq!(rank(a).cmp(&rank(same)), a[3].cmp(&b[3]));
    }
}

/// 2^16 log2 x with a mantissa of 256 bits in 32-bit limbs, most significant first.
fn wide_log2q(x: u64) -> u32 {
    let exponent = x.ilog2();
    let top = x << x.leading_zeros();
    let mut mantissa = [0_u64; 8];
    (mantissa[0], mantissa[1]) = (top >> 32, top & 0xffff_ffff);
    let mut result = exponent;
    for _ in 0..16 {
        let (carry, next) = square(&mantissa);
        result = result * 2 + carry;
        mantissa = next;
    }
    result
}

/// The square of a mantissa in [1, 2): whether it is at least 2, and it or its half.
fn square(mantissa: &[u64; 8]) -> (u32, [u64; 8]) {
    let mut product = [0_u64; 16];
    for i in (0..8).rev() {
        let mut carry = 0;
        for j in (0..8).rev() {
            let sum = product[i + j + 1] + mantissa[i] * mantissa[j] + carry;
            product[i + j + 1] = sum & 0xffff_ffff;
            carry = sum >> 32;
        }
        product[i] += carry;
    }
    let carry = product[0] >> 31 == 1;
    let shift = u32::from(!carry);
    let limb = |i: usize| ((product[i] << shift) | (product[i + 1] >> (32 - shift))) & 0xffff_ffff;
    (u32::from(carry), std::array::from_fn(limb))
}

/// RFC 8439, section 2.3.2, so that the oracle itself stands on something.
#[test]
fn the_oracles_chacha_is_chacha() {
    let seed = std::array::from_fn(|i| u8::try_from(i).unwrap());
    let block = chacha_block(&seed, 0x0900_0000_0000_0001, 0x4a00_0000);
    assert_eq!(
        (block[0], block[1], block[15]),
        (0xe4e7_f110, 0x1559_3bd1, 0x4e3c_50a2)
    );
}
