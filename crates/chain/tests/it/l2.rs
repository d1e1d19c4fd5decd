//! Our contracts on L2, deployed for real: what the reader folds and the views read is what the
//! contracts hold, through rounds, changes of orders and a reorg.

mod trials;

use alloy::primitives::{Address, B256, Bytes, U256};
use alloy::sol_types::{SolCall, SolValue};
use quorate_bindings::erc20::IERC20;
use quorate_bindings::{IMarket, IProviders, IRounds, IStakeTable, artifacts};
use quorate_bls::{Domain as Purpose, SecretKey};
use quorate_canon::codec::FixedWidth;
use quorate_canon::hash::sha256;
use quorate_canon::{
    Digest, Epoch, GpuCount, Mask256, MicroDollars, OperatorIndex, OperatorStake, Round, Timestamp,
};
use quorate_chain::sender::{Call, Receipt, SenderConfig, TxSender};
use quorate_chain::views::{self, Status, Verifier};
use quorate_chain::{
    ChainError, Contracts, Reader, ReaderConfig, Rpc, chunk, settlement, to_address,
};
use quorate_matching::{
    Ineligible, Offer, OutcomeList, Policy, Request, RoundContext, Snapshot, Witness, chunk_count,
    eligible, factors, match_round, policy, score, tie,
};
use quorate_protocol::{
    Certificate, CertificateBuilder, Header, Schedule, StakeTable, Unverified, Vote, seed,
};
use serde_json::json;

use crate::anvil::{Anvil, CHAIN_ID, ask, config, signer};
use crate::endpoints::{self, RANGE};

const START: u64 = 1_000_000;
const GENESIS: u64 = START + 1_000;
/// An operator's stake; there are four.
const STAKE: u128 = 25;
const PEOPLE: [u8; 4] = [1, 2, 3, 4];

alloy::sol! {
    struct Links {
        address table;
        address market;
        address bridge;
        address timelock;
        address disputes;
        address strikes;
    }
    struct Limits {
        uint256 proposalBond;
        uint32 forcedInclusion;
    }
    function grantRole(bytes32 role, address account) external;
    function mint(address to, uint256 amount) external;
    function receiveMessage(bytes payload) external;
}

struct Network {
    _anvil: Anvil,
    url: url::Url,
    rpc: Rpc,
    sender: TxSender,
    rounds: Address,
    market: Address,
    providers: Address,
    table: Address,
    verifier: Address,
    policy: Policy,
    beacon: SecretKey,
    deployed_at: u64,
}

fn secret(seed: u8) -> SecretKey {
    SecretKey::from_seed(&[seed; 32]).unwrap()
}

fn schedule() -> IRounds::Schedule {
    IRounds::Schedule {
        genesis: GENESIS,
        period: 100,
        settleTimeout: 400,
        delay: 20,
        depth: 2,
        stakeEpoch: 100_000,
        healthEpoch: 1_000,
        challengeWindow: 50,
        revealWindow: 50,
        beaconGenesis: START,
        beaconPeriod: 3,
        beaconChainHash: B256::repeat_byte(7),
    }
}

impl Network {
    async fn start() -> Self {
        let start = START.to_string();
        let anvil = Anvil::start(&["--hardfork", "osaka", "--timestamp", &start]);
        let rpc = Rpc::connect(config(vec![anvil.url.clone()])).await.unwrap();
        let poll = std::time::Duration::from_millis(10);
        let sending = SenderConfig {
            poll,
            ..SenderConfig::default()
        };
        let sender = TxSender::open(rpc.clone(), signer(), sending, None).unwrap();
        let beacon = secret(99);
        let policy = policy::defaults::policy_v1();
        let mut network = Self {
            url: anvil.url.clone(),
            _anvil: anvil,
            deployed_at: rpc.latest().await.unwrap().number() + 1,
            rpc,
            sender,
            rounds: Address::ZERO,
            market: Address::ZERO,
            providers: Address::ZERO,
            table: Address::ZERO,
            verifier: Address::ZERO,
            policy,
            beacon,
        };
        network.deploy().await;
        network
    }

    async fn deploy(&mut self) {
        let owner = self.sender.address();
        let token = |decimals: u64| ("Token", "T", decimals).abi_encode_params();
        let dollar = self.create("DevnetToken", token(6)).await;
        let staked = self.create("DevnetToken", token(18)).await;
        self.providers = self
            .create(
                "Providers",
                (staked, 1_u32, owner, Address::ZERO).abi_encode_params(),
            )
            .await;
        self.table = self
            .create("StakeTable", (owner,).abi_encode_params())
            .await;
        let nonce = crate::anvil::nonce(&self.rpc, owner).await;
        let links = Links {
            table: self.table,
            market: owner.create(nonce + 1),
            bridge: owner,
            timelock: owner,
            disputes: owner.create(nonce + 5),
            strikes: owner.create(nonce + 3),
        };
        let limits = Limits {
            proposalBond: U256::from(1_000),
            forcedInclusion: 25,
        };
        let domain = IRounds::Domain {
            l1ChainId: 1,
            avs: Address::repeat_byte(0xa5),
            operatorSet: 3,
        };
        let page = Bytes::from(self.policy.page());
        let arguments = (schedule(), domain, links, 64_u32, page, limits).abi_encode_params();
        self.rounds = self.create("Rounds", arguments).await;
        let escrow = owner.create(nonce + 2);
        let arguments = (self.rounds, self.providers, escrow, Address::ZERO);
        self.market = self.create("Market", arguments.abi_encode_params()).await;
        self.open_escrow(dollar, escrow).await;
        self.verifier = self.judges(nonce + 3).await;
        for (name, account) in [("MARKET", self.market), ("MONEY", escrow)] {
            let role = B256::new(quorate_canon::hash::tag(name));
            self.call(self.providers, &grantRoleCall { role, account })
                .await;
        }
        let much = U256::from(10).pow(U256::from(30));
        for (token, spender) in [(dollar, escrow), (staked, self.providers)] {
            self.call(
                token,
                &mintCall {
                    to: owner,
                    amount: much,
                },
            )
            .await;
            self.call(
                token,
                &IERC20::approveCall {
                    spender,
                    value: much,
                },
            )
            .await;
        }
        let amount = U256::from(10).pow(U256::from(24));
        self.call(self.providers, &IProviders::stakeCall { amount })
            .await;
    }

    /// The market's money, where the market expects it.
    async fn open_escrow(&self, dollar: Address, expected: Address) {
        let owner = self.sender.address();
        let (nobody, cap) = (Address::ZERO, U256::from(1_000_000));
        let links = (
            self.market,
            self.rounds,
            self.providers,
            nobody,
            owner,
            nobody,
        );
        let arguments = (links, vec![dollar], cap).abi_encode_params();
        assert_eq!(self.create("Escrow", arguments).await, expected);
    }

    /// Strikes, verifier and disputes, where `Rounds` expects them.
    async fn judges(&self, nonce: u64) -> Address {
        let owner = self.sender.address();
        let table = (self.rounds, self.table, 0_u32).abi_encode_params();
        let strikes = self.create("Strikes", table).await;
        let key = Bytes::copy_from_slice(&self.beacon.public_key().to_bytes192());
        let inputs = (self.rounds, self.market, self.providers, key).abi_encode_params();
        let verifier = self.create("Verifier", inputs).await;
        let (bond, bounty) = (U256::from(10), U256::from(5));
        let links = (self.rounds, self.market, verifier, bond, bounty).abi_encode_params();
        let disputes = self.create("Disputes", links).await;
        assert_eq!(
            (strikes, disputes),
            (owner.create(nonce), owner.create(nonce + 2))
        );
        let rpc = &self.rpc;
        assert_eq!(views::strikes_of(rpc, self.rounds).await.unwrap(), strikes);
        assert_eq!(
            views::disputes_of(rpc, self.rounds).await.unwrap(),
            disputes
        );
        assert_eq!(views::verifier_of(rpc, disputes).await.unwrap(), verifier);
        verifier
    }

    async fn create(&self, contract: &str, arguments: Vec<u8>) -> Address {
        let code = artifacts::creation_code(contract).unwrap();
        let code = [code.to_vec(), arguments].concat();
        self.sender
            .send(Call::create(code.into()))
            .await
            .unwrap()
            .contract_address
            .unwrap()
    }

    async fn call<C: SolCall>(&self, to: Address, call: &C) -> Receipt {
        self.sender.send(Call::new(to, call)).await.unwrap()
    }

    async fn reader(&self) -> Reader {
        let (market, providers, rounds) = (self.market, self.providers, self.rounds);
        let contracts = Contracts {
            market,
            providers,
            rounds,
        };
        let config = ReaderConfig {
            final_depth: 12,
            range: 7,
            ..ReaderConfig::new(contracts, self.deployed_at)
        };
        Reader::open(self.rpc.clone(), config).await.unwrap()
    }

    /// Mines a block stamped `time`, and `more` after it.
    async fn warp(&self, time: u64, more: usize) {
        ask(&self.rpc, "evm_setNextBlockTimestamp", json!([time])).await;
        for _ in 0..=more {
            crate::anvil::mine(&self.rpc).await;
        }
    }

    async fn fix_table(&self) -> StakeTable {
        let keys = PEOPLE.map(|person| secret(person).public_key()).to_vec();
        let stakes = vec![OperatorStake::new(STAKE); PEOPLE.len()];
        let table = StakeTable::new(Epoch::new(0), keys, stakes).unwrap();
        let payload = table.commitment().to_bytes().into();
        self.call(self.table, &receiveMessageCall { payload }).await;
        assert_eq!(
            views::l2_table(&self.rpc, self.table, Epoch::new(0))
                .await
                .unwrap(),
            None
        );
        for (page, keys) in (0..).zip(table.key_pages()) {
            let call = IStakeTable::postKeysPageCall {
                epoch: 0,
                page,
                keys: keys.into(),
            };
            self.call(self.table, &call).await;
        }
        let stakes = table.stakes_page().into();
        self.call(
            self.table,
            &IStakeTable::postStakesPageCall { epoch: 0, stakes },
        )
        .await;
        table
    }

    async fn post_offers(&self, asks: &[u64]) {
        let records = asks.iter().flat_map(|ask| offer(*ask).to_bytes()).collect();
        self.call(self.market, &IMarket::postOffersCall { records })
            .await;
    }

    async fn post_requests(&self, gpus: &[u8]) {
        let payer = self.sender.address();
        let records = gpus
            .iter()
            .flat_map(|gpus| request(*gpus, payer).to_bytes())
            .collect();
        self.call(self.market, &IMarket::postRequestsCall { records })
            .await;
    }

    /// The beacon's signature of a beacon round.
    fn beacon(&self, round: u64) -> [u8; 48] {
        let message = sha256(&[&round.to_be_bytes()]);
        self.beacon
            .sign(Purpose::DrandNul, &message.0)
            .to_compressed48()
    }

    /// Computes, signs and settles a round as operators and an aggregator would.
    async fn settle(
        &self,
        reader: &mut Reader,
        round: Round,
        table: &StakeTable,
    ) -> (Header, OutcomeList) {
        let schedule = views::schedule(&self.rpc, self.rounds).await.unwrap();
        let domain = views::domain(&self.rpc, self.rounds).await.unwrap();
        let close = schedule.close(round).unwrap();
        self.warp(close.get(), 2).await;
        reader.advance().await.unwrap();
        let block = reader.snapshot_block(close, schedule.depth).unwrap();
        let bisected = self.rpc.last_block_before(close, 0).await.unwrap();
        assert_eq!(Some(block), bisected);
        assert!(reader.state().rounds.is_live(&schedule, round).unwrap());
        assert!(views::is_live(&self.rpc, self.rounds, round).await.unwrap());

        let t = schedule.t_of(round).unwrap();
        let snapshot = reader.snapshot(round, t).unwrap().unwrap();
        let r = schedule.beacon_round(round).unwrap();
        let signature = self.beacon(r);
        let seed = seed(&domain, round, &schedule.beacon_chain_hash, r, &signature);
        let context = schedule.context(round).unwrap();
        let outcome = match_round(&snapshot, &self.policy.score, &context, &seed);
        let list = OutcomeList::new(&outcome, &snapshot).unwrap();
        let header = Header {
            domain,
            round,
            snapshot_number: block.number,
            snapshot_hash: block.hash,
            policy_hash: self.policy.hash(),
            inputs_root: snapshot.inputs_root(),
            seed,
            outcome_root: list.outcome_root(),
        };
        self.warp(schedule.beacon_time(r).unwrap().get(), 0).await;
        let settled = settlement(&certify(header, table), &signature);
        self.call(self.rounds, &IRounds::settleCall { s: settled })
            .await;
        self.contracts_agree(&header, &list, &snapshot, &context)
            .await;
        for index in 0..chunk_count(list.count()) {
            let proof = list.chunk(index).unwrap();
            let c = chunk(round, &proof);
            self.call(
                self.rounds,
                &IRounds::postChunkCall {
                    header: header.to_bytes().into(),
                    c,
                },
            )
            .await;
        }
        reader.advance().await.unwrap();
        (header, list)
    }
}

impl Network {
    /// The contracts see pairs, chunks and entries of a right outcome as we do, whether they are
    /// asked at the snapshot or now.
    async fn contracts_agree(
        &self,
        header: &Header,
        list: &OutcomeList,
        snapshot: &Snapshot,
        context: &RoundContext,
    ) {
        let there = header.snapshot_hash;
        let (rpc, address) = (&self.rpc, self.verifier);
        for verifier in [
            Verifier::latest(rpc.clone(), address),
            Verifier::at_block(rpc.clone(), address, there),
        ] {
            for index in 0..chunk_count(list.count()) {
                let proof = list.chunk(index).unwrap();
                let (round, root) = (header.round, header.outcome_root);
                verifier.check_chunk(round, root, &proof).await.unwrap();
                let wrong = Digest([9; 32]);
                let refused = verifier
                    .check_chunk(round, wrong, &proof)
                    .await
                    .unwrap_err();
                assert!(!refused.is_retryable(), "{refused}");
            }
            self.pairs_agree(&verifier, header, snapshot, context).await;
            for at in 0..list.count() {
                let witness = Witness::Entry(list.open(&[at]).unwrap()).to_bytes();
                let judged = verifier.judge(header, &witness).await.unwrap();
                assert_eq!(judged.code, 0, "entry {at}");
            }
        }
    }

    async fn pairs_agree(
        &self,
        verifier: &Verifier,
        header: &Header,
        snapshot: &Snapshot,
        context: &RoundContext,
    ) {
        let policy = &self.policy.score;
        let (mut ids, mut ours) = (Vec::new(), Vec::new());
        for request in snapshot.requests() {
            for offer in snapshot.offers() {
                ids.push((request.request.id, offer.offer.id));
                let found = eligible(&request.request, offer, policy, context);
                let tie = tie(request, offer, &header.seed);
                let factors = factors(request, offer, policy, context, tie);
                let score = score(request, &factors, policy, context);
                ours.push(found.map(|()| (score, tie)).map_err(Ineligible::code));
            }
        }
        let theirs = verifier
            .pairs(header.round, &header.seed, &ids)
            .await
            .unwrap();
        for ((id, ours), theirs) in ids.iter().zip(&ours).zip(&theirs) {
            match ours {
                Ok(pair) => assert_eq!((theirs.score, theirs.tie), *pair, "{id:?}"),
                Err(code) => assert_eq!(theirs.ineligible, *code, "{id:?}"),
            }
            assert_eq!(theirs.ineligible == 0, ours.is_ok());
        }
    }
}

fn certify(header: Header, table: &StakeTable) -> Certificate {
    let mut builder = CertificateBuilder::new(header, table);
    for (index, person) in (0..).zip(PEOPLE).take(3) {
        let signature = secret(person).sign(Purpose::Vote, &header.digest().0);
        let vote = Vote::<Unverified>::new(header, OperatorIndex::new(index), signature);
        builder.add(&vote.verify(table).unwrap()).unwrap();
    }
    builder.build().unwrap()
}

fn offer(ask: u64) -> Offer {
    Offer {
        ask: MicroDollars::new(ask),
        model: policy::models::MODELS[0].index,
        vram_mib: 81_920,
        cpu_milli: 64_000,
        memory_mib: 500_000,
        disk_gib: 4_000,
        mbits: 10_000,
        currencies: 1,
        available_until: Timestamp::new(GENESIS + 1_000_000),
        max_term: 100_000,
        gpus: GpuCount::new(8),
        ..Offer::default()
    }
}

fn request(gpus: u8, payer: Address) -> Request {
    Request {
        models: Mask256::ALL,
        regions: Mask256::ALL,
        payer: to_address(payer),
        budget: MicroDollars::new(90_000_000),
        cpu_milli: 1_000,
        memory_mib: 1_000,
        term: 3_600,
        valid_until: Timestamp::new(GENESIS + 500_000),
        gpus: GpuCount::new(gpus),
        kinds: 0xff,
        tiers: 0xff,
        ..Request::default()
    }
}

/// Every value of a snapshot, read from the contracts as of T.
async fn check_against_contracts(
    network: &Network,
    reader: &Reader,
    round: Round,
    schedule: &Schedule,
) {
    let t = schedule.t_of(round).unwrap();
    let snapshot = reader.snapshot(round, t).unwrap().unwrap();
    let market = IMarket::new(network.market, network.rpc.provider());
    let providers = IProviders::new(network.providers, network.rpc.provider());
    for input in snapshot.offers() {
        let id = input.offer.id.get();
        let version = market.offerVersionAt(id, t.get()).call().await.unwrap();
        assert_eq!(version, input.offer.version.get());
        let there = market.offerRecord(id, version).call().await.unwrap();
        assert_eq!(there.record, Bytes::from(input.offer.to_bytes()));
        assert_eq!(there.created, input.created.get());
        let used = market.usedAt(id, t.get()).call().await.unwrap();
        assert_eq!(
            used.to_be_bytes::<17>().to_vec(),
            input.used.to_bytes(),
            "used of offer {id}"
        );
        let owner = Address::new(input.offer.provider.0);
        let there = providers.providerAt(owner, t.get()).call().await.unwrap();
        assert_eq!(
            (there.stake_, there.gpus),
            (input.provider.stake.get(), input.provider.registered_gpus)
        );
    }
    for input in snapshot.requests() {
        let there = market
            .requestRecord(input.request.id.get())
            .call()
            .await
            .unwrap();
        assert_eq!(there.record, Bytes::from(input.request.to_bytes()));
        assert!(there.created <= t.get() && t.get() < there.closed);
    }
}

/// What stands of a list is read from an endpoint that gives few blocks at a time, and from one that
/// is behind with its logs not at all.
async fn check_posted(network: &Network, header: &Header, list: &OutcomeList, schedule: &Schedule) {
    let (round, chunks) = (header.round, chunk_count(list.count()));
    let close = schedule.close(round).unwrap();
    let (narrow, asked) = endpoints::narrow(&network.url).await;
    let posted = |rpc: Rpc, count| async move {
        views::posted_chunks(&rpc, network.rounds, round, (close, count), RANGE).await
    };
    let all = posted(narrow.clone(), chunks).await.unwrap();
    assert_eq!(all, (0..chunks).collect());
    let asked = std::mem::take(&mut *asked.lock().unwrap());
    assert!(asked.contains(&Some(RANGE)), "{asked:?}");
    assert!(posted(narrow.clone(), 0).await.unwrap().is_empty());
    let empty = endpoints::without_logs(&network.url).await;
    for (rpc, count) in [(empty, chunks), (narrow, chunks + 1)] {
        let error = posted(rpc, count).await;
        assert!(matches!(error, Err(ChainError::Absent(_))), "{error:?}");
    }
}

#[tokio::test]
async fn what_is_folded_and_read_is_what_the_contracts_hold() {
    let network = Network::start().await;
    let table = network.fix_table().await;
    let found = views::l2_table(&network.rpc, network.table, Epoch::new(0))
        .await
        .unwrap();
    assert_eq!(found.as_ref(), Some(&table));
    let schedule = views::schedule(&network.rpc, network.rounds).await.unwrap();
    let domain = views::domain(&network.rpc, network.rounds).await.unwrap();
    assert_eq!((domain.l2_chain.get(), domain.operator_set), (CHAIN_ID, 3));
    let policy = views::policy_of(&network.rpc, network.rounds, Round::new(5))
        .await
        .unwrap();
    assert_eq!(policy, network.policy);
    assert_eq!(
        views::deployment_block(&network.rpc, network.providers)
            .await
            .unwrap(),
        3
    );

    network.post_offers(&[2_000_000, 2_500_000]).await;
    network.post_requests(&[4, 8, 2, 1]).await;
    let mut reader = network.reader().await;
    let entry = reader
        .state()
        .rounds
        .policy_of(Round::new(0))
        .copied()
        .unwrap();
    assert_eq!(
        views::policy(&network.rpc, &entry).await.unwrap(),
        network.policy
    );

    let first = Round::new(0);
    let (header, list) = network.settle(&mut reader, first, &table).await;
    assert!(list.count() >= 3, "{} matches", list.count());
    let before = reader
        .snapshot(first, schedule.t_of(first).unwrap())
        .unwrap()
        .unwrap();
    check_against_contracts(&network, &reader, first, &schedule).await;

    let certified = reader.state().rounds.get(first).cloned().unwrap();
    let record = views::certified_record(&network.rpc, &domain, first, &certified)
        .await
        .unwrap();
    assert_eq!(record.header, header);
    let verified = record.certificate.verify(&table).unwrap();
    assert_eq!(verified.signed_stake().get(), 3 * STAKE);
    let settled = certified.settled.unwrap();
    assert_eq!(settled.count, list.count());
    let blocks = (certified.block, reader.head().number);
    let read = views::outcome_list(
        &network.rpc,
        network.market,
        first,
        header.outcome_root,
        list.count(),
        blocks,
    )
    .await;
    assert_eq!(read.unwrap(), list);
    check_posted(&network, &header, &list, &schedule).await;
    let status = views::round_status(&network.rpc, network.rounds, first)
        .await
        .unwrap();
    assert_eq!(
        (status.status, status.digest),
        (Status::Settled, header.digest())
    );

    // Orders change, leases end; the next round sees it, the past one does not.
    let revised = offer(1_500_000).to_bytes().into();
    network
        .call(
            network.market,
            &IMarket::reviseOfferCall {
                id: 2,
                record: revised,
            },
        )
        .await;
    network
        .call(network.market, &IMarket::closeOfferCall { id: 1 })
        .await;
    network.post_offers(&[3_000_000]).await;
    network.post_requests(&[1, 1]).await;
    let cancelled = reader.state().market.request_count() + 2;
    network
        .call(
            network.market,
            &IMarket::cancelRequestCall { id: cancelled },
        )
        .await;
    let ended = list.entries()[0].request.get();
    network
        .call(
            network.market,
            &IMarket::closeLeasesCall {
                requestIds: vec![ended],
            },
        )
        .await;
    let second = reader
        .state()
        .rounds
        .first_live(&schedule, Round::new(50))
        .unwrap();
    let on_chain = IRounds::new(network.rounds, network.rpc.provider())
        .firstLive()
        .call()
        .await
        .unwrap();
    assert_eq!(second.get(), on_chain);
    network.settle(&mut reader, second, &table).await;
    check_against_contracts(&network, &reader, second, &schedule).await;
    let again = reader
        .snapshot(first, schedule.t_of(first).unwrap())
        .unwrap()
        .unwrap();
    assert_eq!(again, before);

    // The chain forgets its last five blocks and goes on.
    ask(&network.rpc, "anvil_reorg", json!([5, []])).await;
    let advance = reader.advance().await.unwrap();
    assert_eq!(advance.taken_back, 5);
    let fresh = network.reader().await;
    assert_eq!(reader.state(), fresh.state());
    assert_eq!(
        reader.state().market.to_bytes(),
        fresh.state().market.to_bytes()
    );
}
