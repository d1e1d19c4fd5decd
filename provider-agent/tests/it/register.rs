//! Registering, step by step.

use provider_agent::Config;
use provider_agent::chain::{Action, ChainTrouble};
use provider_agent::identity::Identity;
use provider_agent::init::{Choices, example};
use provider_agent::orders::reprice;
use provider_agent::register::{Steps, Wanted};
use quorate_canon::codec::FixedWidth;
use quorate_canon::{Address, MicroDollars};
use quorate_matching::Offer;

use crate::world::{OFFER, Rig, World};

struct Bench {
    rig: Rig,
    world: World,
    config: Config,
    wanted: Wanted,
}

impl Bench {
    async fn new() -> Self {
        let rig = Rig::new();
        let mut config: Config = toml::from_str(&example(&Choices::default())).unwrap();
        config.data = rig.folder.path().to_owned();
        let mut gpus = rig.cards.read().await.unwrap().gpus().to_vec();
        gpus.sort_by_key(|gpu| gpu.uuid);
        let wanted = Wanted {
            agent: rig.key.address(),
            certificate: [5; 32],
            gpus,
        };
        Self {
            world: World::default(),
            rig,
            config,
            wanted,
        }
    }

    async fn run(&self, stake: Option<u64>) -> Result<Vec<String>, provider_agent::AgentError> {
        let steps = Steps {
            config: &self.config,
            chain: &self.world,
            hand: &self.world,
        };
        let before = Identity::load(&self.config)?.map(|identity| identity.offer());
        let done = steps.run(&self.wanted, stake, before).await?;
        assert_eq!(done.offer, OFFER.get());
        Ok(done.steps)
    }
}

#[tokio::test]
async fn a_machine_is_staked_for_offered_and_registered() {
    let bench = Bench::new().await;
    bench.run(Some(5_000_000)).await.unwrap();
    let sent = bench.world.sent();
    let [
        stake,
        Action::Post { record, .. },
        Action::Register { cards, .. },
    ] = sent.as_slice()
    else {
        panic!("{sent:?}");
    };
    assert_eq!(
        *stake,
        Action::Stake {
            millionths: 5_000_000
        }
    );
    let offer = Offer::from_bytes(record).unwrap();
    assert_eq!((offer.model, offer.tier, offer.gpus.get()), (40, 2, 2));
    assert_eq!(offer.machine_key[12..], bench.rig.key.address().0);
    assert!(cards[0] < cards[1]);
    let identity = Identity::need(&bench.config).unwrap();
    assert_eq!(identity.offer(), OFFER);
}

#[tokio::test]
async fn a_second_call_does_nothing_twice() {
    let bench = Bench::new().await;
    bench.run(Some(5_000_000)).await.unwrap();
    let sent = bench.world.sent();
    let steps = bench.run(Some(5_000_000)).await.unwrap();
    assert_eq!(bench.world.sent(), sent);
    assert!(
        steps.iter().all(|step| step.contains("already")),
        "{steps:?}"
    );
}

#[tokio::test]
async fn a_call_that_was_cut_off_goes_on_where_it_stopped() {
    let bench = Bench::new().await;
    // The offer is taken, and then the chain falls silent.
    let steps = Steps {
        config: &bench.config,
        chain: &bench.world,
        hand: &bench.world,
    };
    let world = bench.world.clone();
    steps.run(&bench.wanted, None, None).await.unwrap();
    {
        let mut ledger = world.ledger();
        ledger.machine.as_mut().unwrap().registration = None;
        ledger.sent.clear();
    }
    bench.run(None).await.unwrap();
    let sent = bench.world.sent();
    assert!(
        matches!(sent.as_slice(), [Action::Register { .. }]),
        "{sent:?}"
    );
}

#[tokio::test]
async fn more_stake_is_only_what_is_missing() {
    let bench = Bench::new().await;
    bench.world.ledger().stake = 4_000_000;
    bench.run(Some(5_000_000)).await.unwrap();
    let sent = bench.world.sent();
    assert_eq!(
        sent[0],
        Action::Stake {
            millionths: 1_000_000
        }
    );
}

#[tokio::test]
async fn a_new_certificate_moves_the_agent() {
    let mut bench = Bench::new().await;
    bench.run(None).await.unwrap();
    bench.wanted.certificate = [6; 32];
    bench.run(None).await.unwrap();
    assert!(matches!(
        bench.world.sent().last(),
        Some(Action::Move { .. })
    ));
}

#[tokio::test]
async fn cards_of_another_machine_are_refused_before_anything_is_sent() {
    let bench = Bench::new().await;
    bench.world.ledger().cards = bench.wanted.gpus.iter().map(|gpu| gpu.uuid).collect();
    let error = bench.run(None).await.unwrap_err().to_string();
    assert!(error.contains("machine of a card"), "{error}");
    assert!(bench.world.sent().is_empty());
}

#[tokio::test]
async fn models_without_a_price_and_mixed_cards_are_refused() {
    let mut bench = Bench::new().await;
    bench.wanted.gpus[0].model = 41;
    assert!(
        bench
            .run(None)
            .await
            .unwrap_err()
            .to_string()
            .contains("model of a card")
    );
    bench.wanted.gpus[1].model = 41;
    assert!(
        bench
            .run(None)
            .await
            .unwrap_err()
            .to_string()
            .contains("no price")
    );
    assert!(bench.world.sent().is_empty());
}

#[tokio::test]
async fn another_machine_key_is_written_into_the_offer() {
    let mut bench = Bench::new().await;
    bench.run(None).await.unwrap();
    bench.wanted.agent = Address([1; 20]);
    bench.run(None).await.unwrap();
    let sent = bench.world.sent();
    let Some(Action::Revise { record, .. }) = sent.last() else {
        panic!("{sent:?}");
    };
    let offer = Offer::from_bytes(record).unwrap();
    assert_eq!(offer.machine_key[12..], [1; 20]);
    assert_eq!((offer.model, offer.tier), (40, 2), "the rest stays");
}

#[tokio::test]
async fn an_offer_of_another_provider_is_refused() {
    let bench = Bench::new().await;
    bench.run(None).await.unwrap();
    bench
        .world
        .ledger()
        .machine
        .as_mut()
        .unwrap()
        .offer
        .provider = Address([1; 20]);
    let error = bench.run(None).await.unwrap_err().to_string();
    assert!(error.contains("provider of the offer"), "{error}");
}

#[tokio::test]
async fn a_contract_that_refuses_is_told_in_its_words() {
    let bench = Bench::new().await;
    let refused = ChainTrouble::Refused("NotEnoughStake()".to_owned());
    bench.world.ledger().troubles.push(refused);
    let error = bench.run(None).await.unwrap_err().to_string();
    assert!(error.contains("NotEnoughStake"), "{error}");
}

#[tokio::test]
async fn a_price_is_a_new_version_of_the_same_offer() {
    let bench = Bench::new().await;
    bench.run(None).await.unwrap();
    let ask = MicroDollars::new(3_000_000);
    reprice(OFFER, ask, &bench.world, &bench.world)
        .await
        .unwrap();
    let sent = bench.world.sent();
    let Some(Action::Revise { record, .. }) = sent.last() else {
        panic!("{sent:?}");
    };
    let offer = Offer::from_bytes(record).unwrap();
    assert_eq!(offer.ask, ask);
    assert!(offer.provider.is_zero() && offer.id.get() == 0);
    assert_eq!(offer.machine_key[12..], bench.rig.key.address().0);
}
