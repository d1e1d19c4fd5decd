//! The lottery: a key for each order, drawn from the seed, and the tie that a pair makes of two.
//!
//! Keys are words of a ChaCha20 stream at positions that the ids name, so one key costs one block
//! wherever it stands, and nobody can predict any before the seed.

use quorate_canon::{OfferId, RequestId};
use rand_chacha::ChaCha20Rng;
use rand_core::{Rng, SeedableRng};

use crate::context::Seed;
use crate::num::{factor, halves};

/// Streams, by the kinds of `docs/formats.md` section 1.
const OFFER: u64 = 1;
const REQUEST: u64 = 2;

const FOLD_REQUEST: u64 = 0x9E37_79B9_7F4A_7C15;
const FOLD_OFFER: u64 = 0xD1B5_4A32_D192_ED03;

/// Draws the keys of one kind of order.
///
/// Ids in sequence are cheapest: the stream runs on, eight keys a block.
#[derive(Debug)]
pub struct Keys {
    stream: ChaCha20Rng,
    next: Option<u64>,
}

impl Keys {
    /// The keys of offers.
    #[must_use]
    pub fn of_offers(seed: &Seed) -> Self {
        Self::new(seed, OFFER)
    }

    /// The keys of requests.
    #[must_use]
    pub fn of_requests(seed: &Seed) -> Self {
        Self::new(seed, REQUEST)
    }

    fn new(seed: &Seed, kind: u64) -> Self {
        let mut stream = ChaCha20Rng::from_seed(seed.0);
        stream.set_stream(kind);
        Self {
            stream,
            next: Some(0),
        }
    }

    /// The key of an id.
    pub fn key(&mut self, id: u64) -> u64 {
        if self.next != Some(id) {
            self.stream.set_word_pos(u128::from(id) << 1);
        }
        self.next = id.checked_add(1);
        self.stream.next_u64()
    }
}

/// The key of an offer.
#[must_use]
pub fn offer_key(seed: &Seed, id: OfferId) -> u64 {
    Keys::of_offers(seed).key(id.get())
}

/// The key of a request.
#[must_use]
pub fn request_key(seed: &Seed, id: RequestId) -> u64 {
    Keys::of_requests(seed).key(id.get())
}

/// The tie of a pair: the two halves of a 128-bit product, folded.
#[must_use]
pub fn fold(request_key: u64, offer_key: u64) -> u64 {
    let product =
        u128::from(request_key ^ FOLD_REQUEST).wrapping_mul(u128::from(offer_key ^ FOLD_OFFER));
    let (high, low) = halves(product);
    high ^ low
}

/// The random factor of a tie, 0 to 10 000.
#[must_use]
pub fn jitter(tie: u64) -> u16 {
    factor((tie >> 32).wrapping_mul(10_001) >> 32)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 8439, section 2.3.2. Its 32-bit counter and 96-bit nonce fill the same four words of
    /// the state as our 64-bit counter and 64-bit stream: the counter's high word and the stream's
    /// two words are the nonce.
    #[test]
    fn keys_are_the_words_of_rfc_8439_blocks() {
        let seed = Seed(std::array::from_fn(|i| u8::try_from(i).unwrap()));
        let mut keys = Keys::new(&seed, 0x4a00_0000);
        let block = [
            0x10, 0xf1, 0xe7, 0xe4, 0xd1, 0x3b, 0x59, 0x15, 0x50, 0x0f, 0xdd, 0x1f, 0xa3, 0x20,
            0x71, 0xc4, 0xc7, 0xd1, 0xf4, 0xc7, 0x33, 0xc0, 0x68, 0x03, 0x04, 0x22, 0xaa, 0x9a,
            0xc3, 0xd4, 0x6c, 0x4e, 0xd2, 0x82, 0x64, 0x46, 0x07, 0x9f, 0xaa, 0x09, 0x14, 0xc2,
            0xd7, 0x05, 0xd9, 0x8b, 0x02, 0xa2, 0xb5, 0x12, 0x9c, 0xd1, 0xde, 0x16, 0x4e, 0xb9,
            0xcb, 0xd0, 0x83, 0xe8, 0xa2, 0x50, 0x3c, 0x4e,
        ];
        let first = 8 * 0x0900_0000_0000_0001;
        for (id, word) in (first..).zip(block.chunks_exact(8)) {
            assert_eq!(keys.key(id), u64::from_le_bytes(word.try_into().unwrap()));
        }
    }

    #[test]
    fn a_key_does_not_depend_on_what_was_drawn_before() {
        let seed = Seed([7; 32]);
        let mut keys = Keys::of_offers(&seed);
        for id in [5, 6, 7, 8, 9, 3, u64::MAX, 0, 1, 400, 33, 34] {
            assert_eq!(keys.key(id), offer_key(&seed, OfferId::new(id)));
        }
    }

    #[test]
    fn offers_and_requests_draw_from_different_streams() {
        let seed = Seed([7; 32]);
        assert_ne!(
            offer_key(&seed, OfferId::new(1)),
            request_key(&seed, RequestId::new(1))
        );
    }

    #[test]
    fn jitter_spans_the_factor() {
        assert_eq!(jitter(0), 0);
        assert_eq!(jitter(u64::MAX), 10_000);
    }
}
