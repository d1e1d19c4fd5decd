//! The report's bytes: one encoding, read back exactly, and nothing else is taken.

mod support;

use proptest::prelude::*;
use quorate_canon::Timestamp;
use quorate_canon::codec::{CodecError, FixedWidth as _};
use quorate_canon::hash::{sha256, tag};
use quorate_health::{GpuRecord, GpuUuid, LeaseState, MAX_XIDS, Report, SignedReport, XidEvent};
use support::{any_report, card, report, uuid};

proptest! {
    #[test]
    fn a_report_is_read_back(report in any_report()) {
        let bytes = report.to_bytes();
        prop_assert_eq!(bytes.len(), 96 + 224 * report.gpus.len());
        prop_assert_eq!(Report::from_bytes(&bytes), Ok(report.clone()));
        prop_assert_eq!(report.clone().canonical(), report);
    }

    #[test]
    fn what_is_read_has_the_same_bytes(report in any_report(), at: proptest::sample::Index, byte: u8) {
        let mut bytes = report.to_bytes();
        let at = at.index(bytes.len());
        bytes[at] = byte;
        if let Ok(read) = Report::from_bytes(&bytes) {
            prop_assert_eq!(read.to_bytes(), bytes);
        }
    }

    #[test]
    fn no_bytes_panic(bytes in proptest::collection::vec(any::<u8>(), 0..700)) {
        let _ = Report::from_bytes(&bytes);
        let _ = SignedReport::from_bytes(&bytes);
    }

    #[test]
    fn any_other_length_is_refused(report in any_report(), more in 1_usize..300) {
        let mut bytes = report.to_bytes();
        prop_assert!(Report::from_bytes(&bytes[..bytes.len() - 1]).is_err());
        bytes.resize(bytes.len() + more, 0);
        prop_assert!(Report::from_bytes(&bytes).is_err());
    }
}

/// Where each field stands, as docs/formats.md has it.
#[test]
fn fields_stand_where_the_format_says() {
    let mut card = card(0xcc);
    card.lost = true;
    card.held = 0x1122;
    card.processes = 0x0102;
    card.replays = 0x0a0b_0c0d;
    card.volatile.uncorrected = 0x77;
    card.aggregate.corrected = 0x88;
    card.remap.failure = true;
    card.throttle = 0x40;
    card.older_xids = 5;
    card.xids = vec![XidEvent {
        xid: 0x004f,
        seconds_ago: 9,
        with_process: true,
    }];
    let mut report = report(vec![card]);
    report.simulated = true;
    report.lease = LeaseState::EndedAt(Timestamp::new(9));
    let bytes = report.to_bytes();
    assert_eq!(bytes[..4], [0, 0, 0, 1], "version");
    assert_eq!(bytes[4..13], [1, 0, 0, 0, 0, 0, 0, 0, 77], "subject");
    assert_eq!(bytes[13..17], [0, 0, 0, 5], "operator");
    assert_eq!(bytes[17..21], 900_u32.to_be_bytes(), "epoch");
    assert_eq!(bytes[21..23], [0, 12], "window");
    assert_eq!(bytes[23..39], [6; 16], "nonce");
    assert_eq!(bytes[39..48], [2, 0, 0, 0, 0, 0, 0, 0, 9], "lease");
    assert_eq!(bytes[48..52], [0, 0, 0, 1], "checks");
    assert_eq!(bytes[52..60], report.time.get().to_be_bytes());
    assert_eq!(bytes[60..68], report.listening_since.get().to_be_bytes());
    assert_eq!(bytes[74..80], [2, 38, 0, 54, 0, 15], "driver");
    assert_eq!(bytes[80..82], [1, 1], "flags, cards");
    assert_eq!(bytes[82..96], [0; 14], "spare");
    let card = &bytes[96..];
    assert_eq!(card[..16], [0xcc; 16]);
    assert_eq!(card[16..20], [0, 0, 0x1f, 0xff], "signals");
    assert_eq!(card[20..25], [1, 50, 89, 92, 51], "state, heat, model");
    assert_eq!(card[33..37], 81_559_u32.to_be_bytes());
    assert_eq!(card[37..45], 0x1122_u64.to_be_bytes());
    assert_eq!(card[45..47], [1, 2], "processes");
    assert_eq!(card[47..51], [16, 16, 1, 5], "link");
    assert_eq!(card[51..55], [10, 11, 12, 13], "replays");
    assert_eq!((card[70], card[78]), (0x77, 0x88), "ecc");
    assert_eq!(card[95], 2, "remapping failed");
    assert_eq!(card[96..104], 0x40_u64.to_be_bytes());
    assert_eq!(card[104..107], [0, 5, 1], "events left out, listed");
    assert_eq!(card[107..114], [0, 0x4f, 0, 0, 0, 9, 1]);
    assert!(card[114..].iter().all(|byte| *byte == 0));
}

#[test]
fn the_digest_is_of_the_padded_tag_and_the_bytes() {
    let report = report(vec![card(1)]);
    let expected = sha256(&[&tag("quorate/report/v1"), &report.to_bytes()]);
    assert_eq!(report.digest(), expected);
}

#[test]
fn the_signature_stands_at_the_end() {
    let signed = SignedReport {
        report: report(vec![card(1), card(2)]),
        signature: [0xab; 65],
    };
    let bytes = signed.to_bytes();
    assert_eq!(bytes[bytes.len() - 65..], [0xab; 65]);
    assert_eq!(SignedReport::from_bytes(&bytes), Ok(signed));
    assert!(SignedReport::from_bytes(&bytes[1..]).is_err());
    assert!(SignedReport::from_bytes(&[0; 64]).is_err());
    assert_eq!(SignedReport::MAX_WIDTH, 96 + 16 * 224 + 65);
}

fn field(report: &Report) -> &'static str {
    match Report::from_bytes(&report.to_bytes()) {
        Err(CodecError::Range { field, .. }) => field,
        other => panic!("{other:?}"),
    }
}

#[test]
fn cards_are_in_order_and_each_once() {
    assert_eq!(field(&report(vec![card(2), card(1)])), "gpus");
    assert_eq!(field(&report(vec![card(1), card(1)])), "gpus");
}

#[test]
fn a_report_of_too_many_cards_is_cut_and_one_that_claims_them_is_refused() {
    let many = report((0..20).map(card).collect());
    assert_eq!(many.clone().canonical().gpus.len(), 16);
    let mut bytes = many.canonical().to_bytes();
    bytes[81] = 17;
    bytes.extend_from_slice(&card(99).to_bytes());
    assert!(Report::from_bytes(&bytes).is_err());
}

#[test]
fn what_a_later_version_may_say_is_refused() {
    for (at, value, expected) in [
        (3, 2, "version"),
        (4, 2, "subject"),
        (39, 3, "lease"),
        (47, 1, "lease time"),
        (51, 3, "checks"),
        (80, 2, "flags"),
    ] {
        let mut bytes = report(vec![]).to_bytes();
        bytes[at] = value;
        match Report::from_bytes(&bytes) {
            Err(CodecError::Range { field, .. }) => assert_eq!(field, expected),
            other => panic!("{other:?}"),
        }
    }
}

fn event(xid: u16, seconds_ago: u32) -> XidEvent {
    XidEvent {
        xid,
        seconds_ago,
        with_process: false,
    }
}

#[test]
fn events_stand_newest_first() {
    let mut old_first = card(1);
    old_first.xids = vec![event(31, 9), event(79, 3)];
    assert_eq!(field(&report(vec![old_first.clone()])), "xid age");
    assert_eq!(old_first.bounded().xids, [event(79, 3), event(31, 9)]);
}

#[test]
fn a_storm_of_one_event_keeps_the_others_in_the_report() {
    let mut card = card(1);
    card.xids = (0..500).map(|second| event(31, second)).collect();
    card.xids.push(event(48, 499));
    let bounded = card.bounded();
    assert_eq!(bounded.xids, [event(31, 0), event(48, 499)]);
    assert_eq!(bounded.older_xids, 499);
}

#[test]
fn more_kinds_of_events_than_there_is_room_keep_the_newest() {
    let mut card = card(1);
    card.xids = (0..40)
        .map(|number| event(number, 100 - u32::from(number)))
        .collect();
    let bounded = card.bounded();
    assert_eq!(bounded.xids.len(), MAX_XIDS);
    assert_eq!((bounded.xids[0].xid, bounded.older_xids), (39, 24));
}

#[test]
fn a_record_has_its_width() {
    assert_eq!(GpuRecord::default().to_bytes().len(), GpuRecord::WIDTH);
    assert_eq!(uuid(3), GpuUuid([3; 16]));
}
