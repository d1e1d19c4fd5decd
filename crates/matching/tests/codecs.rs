//! Records: one encoding each, at the offsets of the format, and nothing but it decodes.

mod common;

use common::world::{Dice, World, offer, policy, request};
use proptest::prelude::*;
use quorate_canon::{Bps, CodecError, FixedWidth};
use quorate_matching::policy::defaults::policy_v1;
use quorate_matching::{
    Capacity, Entry, MachineState, MoneySection, Offer, OfferInput, Policy, ProviderState, Request,
    RequestInput, StandingSection,
};

/// Encodes, decodes, and compares the width with the one that the format gives.
fn comes_back<T: FixedWidth + PartialEq + std::fmt::Debug>(value: &T, width: usize) {
    let bytes = value.to_bytes();
    assert_eq!((T::WIDTH, bytes.len()), (width, width));
    assert_eq!(T::from_bytes(&bytes).as_ref(), Ok(value));
    assert!(T::from_bytes(&bytes[1..]).is_err());
    assert!(T::from_bytes(&[&bytes[..], &[0]].concat()).is_err());
}

proptest! {
    #[test]
    fn every_record_comes_back(number: u64) {
        let mut dice = Dice(number);
        let (offer, request) = (offer(&mut dice, 3), request(&mut dice, 4));
        comes_back(&offer.used, 17);
        comes_back(&offer.machine, 3);
        comes_back(&offer.provider, 21);
        comes_back(&offer.offer, 160);
        comes_back(&offer, 209);
        comes_back(&request.request, 320);
        comes_back(&request, 328);
        comes_back(&policy(&mut dice), 3008);
        comes_back(&Policy { score: policy(&mut dice), ..policy_v1() }, 3456);
    }

    #[test]
    fn every_entry_comes_back(bytes: [u8; 49]) {
        let entry = Entry::from_bytes(&bytes).unwrap();
        comes_back(&entry, 49);
        prop_assert_eq!(entry.to_bytes(), bytes);
    }

    /// Bytes either do not decode or encode to themselves.
    #[test]
    fn a_record_has_one_encoding(number: u64, at: prop::sample::Index, byte: u8) {
        let mut dice = Dice(number);
        let mut bytes = offer(&mut dice, 3).to_bytes();
        let i = at.index(bytes.len());
        bytes[i] = byte;
        if let Ok(offer) = OfferInput::from_bytes(&bytes) {
            prop_assert_eq!(offer.to_bytes(), bytes);
        }
        let mut bytes = request(&mut dice, 4).to_bytes();
        let i = at.index(bytes.len());
        bytes[i] = byte;
        if let Ok(request) = RequestInput::from_bytes(&bytes) {
            prop_assert_eq!(request.to_bytes(), bytes);
        }
    }
}

#[test]
fn offers_with_a_spare_byte_set_do_not_decode() {
    let bytes = offer(&mut Dice(1), 3).offer.to_bytes();
    for at in 153..160 {
        let mut bytes = bytes.clone();
        bytes[at] = 1;
        assert_eq!(
            Offer::from_bytes(&bytes),
            Err(CodecError::Spare { at, got: 1 })
        );
    }
}

#[test]
fn requests_with_a_spare_byte_set_do_not_decode() {
    let bytes = request(&mut Dice(1), 3).request.to_bytes();
    for at in 292..320 {
        let mut bytes = bytes.clone();
        bytes[at] = 1;
        assert_eq!(
            Request::from_bytes(&bytes),
            Err(CodecError::Spare { at, got: 1 })
        );
    }
}

#[test]
fn the_spare_bytes_of_the_policy_are_zero() {
    let policy = policy_v1();
    let refused = |at, got: Result<(), CodecError>| {
        assert_eq!(got, Err(CodecError::Spare { at, got: 7 }));
    };
    for at in 48..60 {
        let mut bytes = policy.money.to_bytes();
        bytes[at] = 7;
        refused(at, MoneySection::from_bytes(&bytes).map(|_| ()));
    }
    for at in 106..128 {
        let mut bytes = policy.standing.to_bytes();
        bytes[at] = 7;
        refused(at, StandingSection::from_bytes(&bytes).map(|_| ()));
    }
}

#[test]
fn the_sections_stand_where_the_format_says() {
    let policy = policy_v1();
    let page = policy.page();
    assert_eq!(page[4..3_012], policy.score.to_bytes());
    assert_eq!(page[3_012..3_268], policy.health.0);
    assert_eq!(page[3_268..3_328], policy.money.to_bytes());
    assert_eq!(page[3_328..], policy.standing.to_bytes());
    let money = &page[3_268..];
    assert_eq!(money[30..38], policy.money.settle_fee.to_bytes());
    assert_eq!(money[38..40], policy.money.withhold_bps.to_bytes());
    assert_eq!(money[40..48], policy.money.deposit.to_bytes());
    let standing = &page[3_328..];
    assert_eq!(standing[8..16], policy.standing.tier_floor[1].to_bytes());
    let second = policy.standing.levels[1];
    let numbers = [second.keep, second.rise, second.run, second.weight];
    assert_eq!(standing[48..56], numbers.to_bytes());
    assert_eq!(standing[96..98], policy.standing.reward_bps.to_bytes());
    assert_eq!(standing[98..106], policy.standing.register_fee.to_bytes());
}

/// The field that a decoder complains about after `change`.
fn complaint<T: FixedWidth>(bytes: &[u8], change: &[(usize, u8)]) -> &'static str {
    let mut bytes = bytes.to_vec();
    for (at, byte) in change {
        bytes[*at] = *byte;
    }
    match T::from_bytes(&bytes) {
        Err(CodecError::Range { field, .. }) => field,
        Err(error) => panic!("{error}"),
        Ok(_) => "none",
    }
}

#[test]
fn offers_outside_the_ranges_do_not_decode() {
    let bytes = offer(&mut Dice(1), 3).to_bytes();
    let zero = |from, to| (from..to).map(|at| (at, 0)).collect::<Vec<_>>();
    let field = |change: &[(usize, u8)]| complaint::<OfferInput>(&bytes, change);
    assert_eq!(field(&[]), "none");
    assert_eq!(field(&zero(96, 104)), "ask");
    assert_eq!(field(&zero(124, 128)), "currencies");
    assert_eq!(field(&zero(140, 144)), "max_term");
    assert_eq!(field(&zero(149, 150)), "gpus");
    assert_eq!(field(&[(151, 8)]), "kind");
    assert_eq!(field(&[(152, 8)]), "tier");
    assert_eq!(field(&[(185, 0x27), (186, 0x11)]), "uptime");
    assert_eq!(field(&[(200, 0xff), (201, 0xfe)]), "reputation");
    assert_eq!(field(&[(202, 0x27), (203, 0x11)]), "share");
}

#[test]
fn requests_outside_the_ranges_do_not_decode() {
    let bytes = request(&mut Dice(1), 3).to_bytes();
    let zero = |from, to| (from..to).map(|at| (at, 0)).collect::<Vec<_>>();
    let field = |change: &[(usize, u8)]| complaint::<RequestInput>(&bytes, change);
    assert_eq!(field(&[]), "none");
    assert_eq!(field(&zero(32, 64)), "models");
    assert_eq!(field(&zero(64, 96)), "regions");
    assert_eq!(field(&zero(244, 252)), "budget");
    assert_eq!(field(&zero(272, 276)), "term");
    assert_eq!(field(&[(284, 0x27), (285, 0x11)]), "share");
    assert_eq!(field(&zero(286, 287)), "gpus");
    assert_eq!(field(&zero(288, 289)), "kinds");
    assert_eq!(field(&zero(289, 290)), "tiers");
    assert_eq!(field(&[(290, 32)]), "currency");
    assert_eq!(field(&[(291, 4)]), "profile");
}

#[test]
fn what_was_never_seen_is_65535() {
    assert_eq!(MachineState::default().to_bytes(), [0xff, 0xff, 0]);
    let provider = ProviderState::default().to_bytes();
    assert_eq!(provider[12..14], [0xff, 0xff]);
    let whole = MachineState {
        uptime: Some(Bps::ONE),
        flags: 2,
    };
    assert_eq!(whole.to_bytes(), [0x27, 0x10, 2]);
}

#[test]
fn capacity_holds_only_if_every_component_does() {
    let room = Capacity {
        gpus: 2,
        cpu_milli: 10,
        memory_mib: 20,
        disk_gib: 30,
        mbits: 40,
    };
    assert!(room.holds(&room));
    for i in 0..5 {
        let mut more = [2, 10, 20, 30, 40];
        more[i] += 1;
        let [gpus, cpu_milli, memory_mib, disk_gib, mbits] = more;
        let gpus = u8::try_from(gpus).unwrap();
        assert!(!room.holds(&Capacity {
            gpus,
            cpu_milli,
            memory_mib,
            disk_gib,
            mbits
        }));
    }
}

#[test]
fn free_is_never_below_nothing() {
    let mut input = offer(&mut Dice(1), 3);
    input.used = Capacity {
        gpus: 255,
        cpu_milli: 1,
        ..Capacity::ZERO
    };
    assert_eq!(input.free().gpus, 0);
    assert_eq!(input.free().cpu_milli, input.offer.cpu_milli - 1);
}

/// The offsets of the format, read by hand.
#[test]
fn the_oracles_offsets_are_those_of_the_records() {
    let world = World::new(6, 1, 1);
    let (offer, request) = (&world.snapshot.offers()[0], &world.snapshot.requests()[0]);
    let (o, r) = (offer.to_bytes(), request.to_bytes());
    assert_eq!(o[96..104], offer.offer.ask.get().to_be_bytes());
    assert_eq!(
        o[148..153],
        [
            offer.offer.model,
            offer.offer.gpus.get(),
            offer.offer.region,
            offer.offer.kind,
            offer.offer.tier
        ]
    );
    assert_eq!(o[160..168], offer.created.get().to_be_bytes());
    assert_eq!(o[188..196], offer.provider.stake.get().to_be_bytes());
    assert_eq!(r[32..64], request.request.models.0);
    assert_eq!(r[244..252], request.request.budget.get().to_be_bytes());
    assert_eq!(r[286], request.request.gpus.get());
    assert_eq!(r[291], request.request.profile.code());
    assert_eq!(r[320..328], request.created.get().to_be_bytes());
}
