//! The section with which networks start is the one that these rules recommend.

use quorate_health::HealthPolicy;
use quorate_matching::policy::defaults::policy_v1;

#[test]
fn the_default_policy_holds_the_recommended_section() {
    let section = policy_v1().health.0;
    assert_eq!(section, HealthPolicy::recommended().section());
    let read = HealthPolicy::from_section(&section);
    assert_eq!(read, Ok(HealthPolicy::recommended()));
}
