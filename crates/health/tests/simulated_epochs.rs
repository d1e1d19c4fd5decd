//! Two thousand provider-epochs with every fault: nobody is taken for down who is not, and nobody who
//! is gets away. `cargo run --release -p quorate-health --example epochs` does it fifty times over.

mod simulation;

use simulation::run;

#[test]
fn no_false_down_and_no_missed_outage() {
    for (fault, counts) in run(2_000, 1) {
        let name = fault.name();
        assert!(counts.is_right(), "{name}: {counts:?}");
        // The faults were there.
        assert_eq!(
            fault.brings_down(),
            counts.outages > 0,
            "{name}: {counts:?}"
        );
        assert_eq!(fault.brings_down(), counts.down > 0, "{name}: {counts:?}");
    }
}
