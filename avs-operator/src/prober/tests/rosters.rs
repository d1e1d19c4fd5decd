//! Who is judged in a window.

use quorate_canon::{Digest, Stake, Timestamp};
use quorate_chain::Head;
use quorate_chain::machines::{Endpoint, MachineEvent};
use quorate_chain::market::MarketEvent;
use quorate_matching::{MachineState, ProviderState};

use super::kit::{MACHINE, World};
use crate::prober::board::as_of;

fn world() -> World {
    World::new(Endpoint::new("https://127.0.0.1:1", Digest([0; 32])))
}

fn change(world: &mut World, event: MarketEvent) {
    world.state.market.apply(1, &[event], true).unwrap();
}

fn is_judged(world: &World) -> bool {
    !world.roster().machines.is_empty()
}

/// Before the window.
fn before(world: &World) -> u64 {
    world.start.get() - 10
}

fn lease(world: &mut World, time: u64) {
    let leases = vec![(MACHINE.get(), 1)];
    let opened = MachineEvent::LeasesOpened { time, leases };
    world.state.machines.apply(1, &[opened], true).unwrap();
}

fn pause(world: &mut World, time: u64) {
    let (uptime, flags) = (None, 4);
    let state = MachineState { uptime, flags };
    let id = MACHINE.get();
    change(world, MarketEvent::MachineChanged { id, time, state });
}

#[test]
fn a_machine_for_hire_is_judged() {
    assert!(is_judged(&world()));
}

#[test]
fn a_paused_machine_is_judged_in_a_lease_only() {
    let mut world = world();
    let time = before(&world);
    pause(&mut world, time);
    assert!(!is_judged(&world));
    lease(&mut world, time);
    assert!(is_judged(&world));
}

#[test]
fn what_happens_in_the_window_changes_nothing() {
    let mut world = world();
    let time = world.start.get() + 1;
    pause(&mut world, time);
    assert!(is_judged(&world));
}

#[test]
fn closing_the_offer_hides_no_leased_machine() {
    let mut world = world();
    let (id, time) = (MACHINE.get(), before(&world));
    change(&mut world, MarketEvent::OfferClosed { id, time });
    assert!(!is_judged(&world));
    lease(&mut world, time);
    assert!(is_judged(&world));
}

#[test]
fn a_machine_without_stake_keeps_nobody_busy() {
    let mut world = world();
    let provider = world
        .state
        .machines
        .machine_at(MACHINE, world.start)
        .unwrap()
        .provider;
    let state = ProviderState {
        stake: Stake::new(9),
        registered_gpus: 1,
        ..ProviderState::default()
    };
    let time = before(&world);
    change(
        &mut world,
        MarketEvent::ProviderChanged {
            provider,
            time,
            state,
        },
    );
    assert!(!is_judged(&world));
}

#[test]
fn a_machine_is_judged_from_the_epoch_after_its_registration_on() {
    let world = world();
    let mut wanted = world.wanted();
    let registered = world
        .state
        .machines
        .machine_at(MACHINE, world.start)
        .unwrap()
        .registered;
    wanted.epoch_start = registered;
    assert!(
        super::super::roster::draw_up(&world.state, wanted)
            .machines
            .is_empty()
    );
    wanted.epoch_start = Timestamp::new(registered.get() + 1);
    assert_eq!(
        super::super::roster::draw_up(&world.state, wanted)
            .machines
            .len(),
        1
    );
}

#[test]
fn beyond_the_most_machines_are_left_out_and_counted() {
    let world = world();
    let mut wanted = world.wanted();
    wanted.most = 0;
    let roster = super::super::roster::draw_up(&world.state, wanted);
    assert_eq!((roster.machines.len(), roster.left_out), (0, 1));
}

#[test]
fn a_roster_is_put_up_once_its_second_is_over() {
    let mut world = world();
    let head = |timestamp| Head {
        number: 9,
        hash: Digest([2; 32]),
        timestamp,
    };
    world.reader.want(world.wanted());
    let decides = as_of(world.start);
    world.feed.on_head(&world.state, head(decides));
    assert!(
        world.reader.look().roster.is_none(),
        "more may come in this second"
    );
    let after = Timestamp::new(decides.get() + 1);
    world.feed.on_head(&world.state, head(after));
    let roster = world.reader.look().roster.unwrap();
    assert_eq!(roster.wanted, world.wanted());
    assert_eq!(roster.machines.len(), 1);
}
