//! The rules once more, from the page of formats alone: bytes and offsets in, numbers out, wide
//! signed arithmetic, a ChaCha20 of its own. It shares nothing with the crate but the records.

use quorate_canon::FixedWidth;
use quorate_matching::{OfferInput, RequestInput, RoundContext, ScorePolicy, Seed};

/// A pair in the order: score, tie, request id, offer id.
pub type Rank = (u64, u64, u64, u64);

/// A machine's five capacities.
pub type Vector = [i128; 5];

pub struct Oracle {
    policy: Vec<u8>,
    context: RoundContext,
    seed: [u8; 32],
}

/// The big-endian number at `at`.
fn number(bytes: &[u8], at: usize, width: usize) -> i128 {
    bytes[at..at + width]
        .iter()
        .fold(0, |sum, byte| sum << 8 | i128::from(*byte))
}

/// Bit `i` of the 32-byte mask at `at`.
fn bit(bytes: &[u8], at: usize, i: i128) -> bool {
    bytes[at + 31 - (i / 8) as usize] >> (i % 8) & 1 == 1
}

/// What an offer has free: capacity less used, not below zero.
pub fn free(offer: &[u8]) -> Vector {
    let has = [
        number(offer, 149, 1),
        number(offer, 108, 4),
        number(offer, 112, 4),
        number(offer, 116, 4),
        number(offer, 120, 4),
    ];
    let used = [
        number(offer, 168, 1),
        number(offer, 169, 4),
        number(offer, 173, 4),
        number(offer, 177, 4),
        number(offer, 181, 4),
    ];
    std::array::from_fn(|i| (has[i] - used[i]).max(0))
}

/// What a request takes.
pub fn demand(request: &[u8]) -> Vector {
    [
        number(request, 286, 1),
        number(request, 256, 4),
        number(request, 260, 4),
        number(request, 264, 4),
        number(request, 268, 4),
    ]
}

pub fn fits(demand: Vector, room: Vector) -> bool {
    (0..5).all(|i| demand[i] <= room[i])
}

pub fn minus(room: Vector, demand: Vector) -> Vector {
    std::array::from_fn(|i| room[i] - demand[i])
}

pub fn log2q(x: i128) -> i128 {
    let x = x as u128;
    let e = 127 - x.leading_zeros();
    let mut m = x << (63 - e);
    let mut r = e;
    for _ in 0..16 {
        m = (m * m) >> 63;
        r *= 2;
        if m >= 1 << 64 {
            r += 1;
            m >>= 1;
        }
    }
    i128::from(r)
}

fn quarter(state: &mut [u32; 16], [a, b, c, d]: [usize; 4]) {
    for (x, y, z, turn) in [(a, b, d, 16), (c, d, b, 12), (a, b, d, 8), (c, d, b, 7)] {
        state[x] = state[x].wrapping_add(state[y]);
        state[z] = (state[z] ^ state[x]).rotate_left(turn);
    }
}

/// A ChaCha20 block with a 64-bit counter and a 64-bit nonce.
pub fn chacha_block(key: &[u8; 32], counter: u64, nonce: u64) -> [u32; 16] {
    let mut state = [0; 16];
    state[..4].copy_from_slice(&[0x6170_7865, 0x3320_646e, 0x7962_2d32, 0x6b20_6574]);
    for (word, bytes) in state[4..12].iter_mut().zip(key.chunks(4)) {
        *word = u32::from_le_bytes(bytes.try_into().unwrap());
    }
    state[12..].copy_from_slice(&[
        counter as u32,
        (counter >> 32) as u32,
        nonce as u32,
        (nonce >> 32) as u32,
    ]);
    let start = state;
    for _ in 0..10 {
        for i in 0..4 {
            quarter(&mut state, [i, 4 + i, 8 + i, 12 + i]);
        }
        for i in 0..4 {
            quarter(
                &mut state,
                [i, 4 + (i + 1) % 4, 8 + (i + 2) % 4, 12 + (i + 3) % 4],
            );
        }
    }
    std::array::from_fn(|i| state[i].wrapping_add(start[i]))
}

pub fn key(seed: &[u8; 32], kind: u64, id: u64) -> u64 {
    let block = chacha_block(seed, id / 8, kind);
    let at = (id % 8) as usize * 2;
    u64::from(block[at]) | u64::from(block[at + 1]) << 32
}

pub fn fold(a: u64, b: u64) -> u64 {
    let product = u128::from(a ^ 0x9E37_79B9_7F4A_7C15) * u128::from(b ^ 0xD1B5_4A32_D192_ED03);
    (product >> 64) as u64 ^ product as u64
}

impl Oracle {
    pub fn new(policy: &ScorePolicy, context: &RoundContext, seed: &Seed) -> Self {
        Self {
            policy: policy.to_bytes(),
            context: *context,
            seed: seed.0,
        }
    }

    fn rule(&self, at: usize, width: usize) -> i128 {
        number(&self.policy, at, width)
    }

    fn uptime(&self, offer: &[u8]) -> i128 {
        match number(offer, 185, 2) {
            65_535 => self.rule(120, 2),
            value => value,
        }
    }

    fn reputation(&self, offer: &[u8]) -> i128 {
        match number(offer, 200, 2) {
            65_535 => self.rule(122, 2),
            value => value,
        }
    }

    /// 0 if eligible, else the code of the first rule that fails.
    pub fn code(&self, request: &RequestInput, offer: &OfferInput) -> u8 {
        let (r, o) = (&request.to_bytes(), &offer.to_bytes());
        let time = i128::from(self.context.time.get());
        let has = |i| bit(o, 64, i);
        let (free, demand) = (free(o), demand(r));
        let gpus = number(o, 196, 4);
        let rules = [
            self.rule(960 + 8 * number(o, 148, 1) as usize, 8) != 0,
            bit(r, 32, number(o, 148, 1)),
            bit(r, 64, number(o, 150, 1)),
            r[288] >> o[151] & 1 == 1,
            r[289] >> o[152] & 1 == 1,
            number(o, 104, 4) >= number(r, 252, 4),
            free[0] >= demand[0],
            free[1] >= demand[1],
            free[2] >= demand[2],
            free[3] >= demand[3],
            free[4] >= demand[4],
            (0..256).all(|i| !bit(r, 96, i) || has(i)),
            (0..256).all(|i| !bit(r, 128, i) || !has(i)),
            number(o, 96, 8) <= number(r, 244, 8),
            number(o, 124, 4) >> r[290] & 1 == 1,
            number(r, 272, 4) >= number(o, 136, 4),
            number(r, 272, 4) <= number(o, 140, 4),
            time + number(r, 272, 4) <= number(o, 128, 8),
            o[187] == 0,
            o[208] == 0,
            gpus >= 1 && number(o, 188, 8) >= self.rule(128 + 8 * o[152] as usize, 8) * gpus,
            self.uptime(o) >= number(r, 284, 2),
        ];
        let failed = rules.iter().position(|holds| !holds);
        failed.map_or(0, |i| i as u8 + 1)
    }

    pub fn tie(&self, request: &RequestInput, offer: &OfferInput) -> u64 {
        let (r, o) = (request.request.id.get(), offer.offer.id.get());
        fold(key(&self.seed, 2, r), key(&self.seed, 1, o))
    }

    pub fn factors(&self, request: &RequestInput, offer: &OfferInput) -> [i128; 8] {
        let (r, o) = (&request.to_bytes(), &offer.to_bytes());
        let tie = i128::from(self.tie(request, offer));
        [
            self.region(r[287], o[150]),
            self.price(o),
            self.uptime(o),
            self.reputation(o),
            10_000 * number(r, 286, 1) / free(o)[0].max(1),
            self.slash(o),
            self.stake(o),
            ((tie >> 32) * 10_001) >> 32,
        ]
    }

    fn region(&self, home: u8, there: u8) -> i128 {
        let zone = |region: u8| i128::from(self.policy[192 + usize::from(region)]);
        if home == there {
            10_000
        } else if zone(home) == zone(there) {
            self.rule(126, 2)
        } else {
            self.rule(448 + 2 * (16 * zone(home) + zone(there)) as usize, 2)
        }
    }

    fn price(&self, o: &[u8]) -> i128 {
        let reference = self.rule(960 + 8 * number(o, 148, 1) as usize, 8);
        let difference = log2q(reference) - log2q(number(o, 96, 8));
        (5_000 + ((difference * self.rule(104, 4)) >> 16)).clamp(0, 10_000)
    }

    fn slash(&self, o: &[u8]) -> i128 {
        let epochs = (i128::from(self.context.health_epoch.get()) - number(o, 204, 4)).max(0);
        10_000 - (number(o, 202, 2) - self.rule(124, 2) * epochs).max(0)
    }

    fn stake(&self, o: &[u8]) -> i128 {
        let each = number(o, 188, 8) / number(o, 196, 4);
        let unit = self.rule(108, 8);
        if each < unit {
            return 0;
        }
        (((log2q(each) - log2q(unit)) * self.rule(116, 4)) >> 16).min(10_000)
    }

    pub fn score(&self, request: &RequestInput, offer: &OfferInput) -> u64 {
        let r = &request.to_bytes();
        let profile = r[291] as usize;
        let weigh = |(i, factor)| self.rule(16 * profile + 2 * i, 2) * factor;
        let factors: i128 = self
            .factors(request, offer)
            .into_iter()
            .enumerate()
            .map(weigh)
            .sum();
        let age = self.age(number(r, 320, 8)).min(self.rule(96, 2));
        let sum = factors + self.rule(64 + 8 * profile, 8) + 10_000 * self.rule(98, 2) * age;
        u64::try_from(sum).unwrap()
    }

    /// Counted out, round by round: how many m < n have `created <= T(m)`.
    fn age(&self, created: i128) -> i128 {
        let close = |m: u64| {
            i128::from(self.context.genesis.get()) + i128::from(m) * i128::from(self.context.period)
        };
        (0..self.context.round.get())
            .filter(|m| created < close(*m))
            .count() as i128
    }

    pub fn rank(&self, request: &RequestInput, offer: &OfferInput) -> Rank {
        let (r, o) = (request.request.id.get(), offer.offer.id.get());
        (self.score(request, offer), self.tie(request, offer), r, o)
    }

    /// Every eligible pair with its positions, best first.
    pub fn order(
        &self,
        requests: &[RequestInput],
        offers: &[OfferInput],
    ) -> Vec<(Rank, usize, usize)> {
        let mut pairs = Vec::new();
        for (i, request) in requests.iter().enumerate() {
            for (j, offer) in offers.iter().enumerate() {
                if self.code(request, offer) == 0 {
                    pairs.push((self.rank(request, offer), i, j));
                }
            }
        }
        pairs.sort_unstable();
        pairs.reverse();
        pairs
    }

    /// The outcome by its definition: all pairs in order, one after the other.
    pub fn greedy(
        &self,
        requests: &[RequestInput],
        offers: &[OfferInput],
        limit: u32,
    ) -> Vec<Rank> {
        let mut room: Vec<_> = offers.iter().map(|offer| free(&offer.to_bytes())).collect();
        let demand: Vec<_> = requests
            .iter()
            .map(|request| demand(&request.to_bytes()))
            .collect();
        let mut served = vec![false; requests.len()];
        let mut matches = Vec::new();
        for (rank, i, j) in self.order(requests, offers) {
            if limit != 0 && matches.len() == limit as usize {
                break;
            }
            if !served[i] && fits(demand[i], room[j]) {
                served[i] = true;
                room[j] = minus(room[j], demand[i]);
                matches.push(rank);
            }
        }
        matches
    }
}
