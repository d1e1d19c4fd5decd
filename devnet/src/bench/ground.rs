//! An L2 alone, whose time we set: the real contracts, a stake table of 128 operators that the
//! bridge's relayer brought, and the local beacon's key, so that no round has to be waited for.

use std::path::Path;

use alloy::{
    primitives::{Address, Bytes, U256},
    providers::Provider,
};
use quorate_bindings::{IRounds, IStakeTable};
use quorate_canon::{Address as CanonAddress, ChainId, Digest, FixedWidth, Round, hash::sha256};
use quorate_chain::{Contracts, Reader, ReaderConfig, Rpc, RpcConfig, chunk, settlement, views};
use quorate_matching::{
    OutcomeList, Policy, RoundContext, Snapshot, match_round, policy::defaults::policy_v1,
};
use quorate_protocol::{Domain, Header, Schedule, StakeTable, seed};

use super::crew::Crew;
use crate::{
    Error,
    beacon_server::LocalBeacon,
    chains::{Account, Anvil, AnvilConfig, L1_CHAIN_ID, L2_CHAIN_ID},
    deploy::{Clock, L2, OPERATOR_SET, Terms, abi::IPlainBridge, deploy_l2},
    relayer::RELAYER,
    unix_now,
};

/// Rounds whose digest is kept: few, so that slots come to be reused.
pub(super) const RING: u32 = 16;
/// Stake epochs that a lap and what follows it take.
const EPOCHS: u64 = 3;
/// The AVS lies on an L1 that nobody needs here.
const AVS: Address = Address::repeat_byte(0xa5);

/// The ground.
pub(super) struct Ground {
    pub(super) anvil: Anvil,
    pub(super) owner: Account,
    pub(super) l2: L2,
    pub(super) policy: Policy,
    pub(super) schedule: Schedule,
    pub(super) crew: Crew,
    pub(super) domain: Domain,
    beacon: LocalBeacon,
    reader: Reader,
}

/// A round's inputs, and what is claimed of them.
pub(super) struct Truth {
    pub(super) snapshot: Snapshot,
    pub(super) context: RoundContext,
    pub(super) header: Header,
    pub(super) list: OutcomeList,
    pub(super) beacon: [u8; 48],
}

/// A round that was certified here.
pub(super) struct Settled {
    pub(super) header: Header,
    pub(super) list: OutcomeList,
    /// As it is sent.
    pub(super) settlement: IRounds::Settlement,
    /// Gas of the certificate, of its receipt.
    pub(super) gas: u64,
}

impl Ground {
    /// Starts the chain, deploys, and brings the table.
    ///
    /// # Errors
    /// When anvil does not start or a call reverts.
    pub(super) async fn start(dir: &Path) -> Result<Self, Error> {
        Self::under(dir, policy_v1()).await
    }

    /// The same under another policy.
    ///
    /// # Errors
    /// When anvil does not start or a call reverts.
    pub(super) async fn under(dir: &Path, policy: Policy) -> Result<Self, Error> {
        Self::timed(dir, policy, clock, 1).await
    }

    /// The same with a ring of [`RING`] places and tables for [`EPOCHS`] stake epochs.
    ///
    /// # Errors
    /// When anvil does not start or a call reverts.
    pub(super) async fn lapping(dir: &Path) -> Result<Self, Error> {
        Self::timed(dir, policy_v1(), short_clock, EPOCHS).await
    }

    async fn timed(
        dir: &Path,
        policy: Policy,
        clock: fn(u64) -> Clock,
        epochs: u64,
    ) -> Result<Self, Error> {
        let anvil = Anvil::start(&AnvilConfig::l2(dir)).await?;
        let owner = Account::named(&anvil, "owner of L2")?;
        let wei = U256::from(10_u128.pow(22));
        anvil.fund(owner.address(), wei).await?;
        let genesis = unix_now().as_secs() + 120;
        let beacon = LocalBeacon::new(&[0xbe; 32], genesis - 86_400, 1)?;
        let terms = Terms {
            clock: clock(genesis),
            beacon: beacon.info(),
            policy: &policy,
        };
        let l2 = deploy_l2(&owner, &terms, AVS).await?;
        let crew = Crew::new()?;
        for epoch in 0..epochs {
            bring_table(&anvil, &l2, &crew.table_of(epoch)?).await?;
        }

        let rpc = connect(&anvil).await?;
        let schedule = views::schedule(&rpc, l2.rounds).await.map_err(failed)?;
        let contracts = Contracts {
            market: l2.market,
            providers: l2.providers,
            rounds: l2.rounds,
        };
        let reader = Reader::open(rpc, ReaderConfig::new(contracts, 1))
            .await
            .map_err(failed)?;
        Ok(Self {
            domain: domain(&l2),
            anvil,
            owner,
            l2,
            policy,
            schedule,
            crew,
            beacon,
            reader,
        })
    }

    /// Matches a round from what lies on the chain, has it signed by all but `absent` operators and
    /// settles it after its beacon.
    ///
    /// # Errors
    /// When the round is over, or a call reverts.
    pub(super) async fn settle(&mut self, n: u64, absent: usize) -> Result<Settled, Error> {
        let right = self.right(n).await?;
        self.certify(right, absent).await
    }

    /// What a round really comes to, after its beacon.
    ///
    /// # Errors
    /// When the chain does not answer.
    pub(super) async fn right(&mut self, n: u64) -> Result<Truth, Error> {
        let round = Round::new(n);
        let number = self.schedule.beacon_round(round).map_err(failed)?;
        let due = self.schedule.beacon_time(number).map_err(failed)?;
        self.pass_to(due.get()).await?;
        let beacon = self.beacon.sign(number).signature;
        self.compute(round, number, beacon).await
    }

    /// The same under the beacon of another round than its own.
    ///
    /// # Errors
    /// When the chain does not answer.
    pub(super) async fn under_wrong_beacon(&mut self, n: u64) -> Result<(Truth, [u8; 48]), Error> {
        let right = self.right(n).await?;
        let round = Round::new(n);
        let number = self.schedule.beacon_round(round).map_err(failed)?;
        let other = self.beacon.sign(number + 1).signature;
        Ok((self.compute(round, number, other).await?, right.beacon))
    }

    /// Has a round signed by all but `absent` operators and settles it.
    ///
    /// # Errors
    /// When the round is over, or a call reverts.
    pub(super) async fn certify(&mut self, claim: Truth, absent: usize) -> Result<Settled, Error> {
        let mut settled = self.signed(claim, absent)?;
        let call = IRounds::settleCall {
            s: settled.settlement.clone(),
        };
        let receipt = self.owner.call(self.l2.rounds, &call).await?;
        settled.gas = receipt.gas_used;
        Ok(settled)
    }

    /// Has a round signed by all but `absent` operators; nothing is sent.
    ///
    /// # Errors
    /// When those who signed are no quorum.
    pub(super) fn signed(&self, claim: Truth, absent: usize) -> Result<Settled, Error> {
        let Truth {
            header,
            list,
            beacon,
            ..
        } = claim;
        let certificate = self.crew.certify(&header, absent)?;
        Ok(Settled {
            settlement: settlement(&certificate, &beacon),
            header,
            list,
            gas: 0,
        })
    }

    /// Posts the round's list; gives its length and the gas of all its chunks.
    ///
    /// # Errors
    /// When a chunk is refused.
    pub(super) async fn post(&self, settled: &Settled) -> Result<(u32, u64), Error> {
        let mut gas = 0;
        for index in 0..settled.list.chunks() {
            gas += self.post_chunk(settled, index).await?;
        }
        Ok((settled.list.count(), gas))
    }

    /// Posts one chunk; gives its gas.
    ///
    /// # Errors
    /// When it is refused.
    pub(super) async fn post_chunk(&self, settled: &Settled, index: u32) -> Result<u64, Error> {
        let proof = settled.list.chunk(index);
        let proof = proof.ok_or_else(|| failed(format!("no chunk {index}")))?;
        let call = IRounds::postChunkCall {
            header: Bytes::from(settled.header.to_bytes()),
            c: chunk(settled.header.round, &proof),
        };
        Ok(self.owner.call(self.l2.rounds, &call).await?.gas_used)
    }

    /// Mines a block stamped `time`, or the next second if that is over; later blocks follow it.
    ///
    /// # Errors
    /// When the node does not answer.
    pub(super) async fn pass_to(&self, time: u64) -> Result<(), Error> {
        let provider = self.anvil.provider();
        let time = time.max(self.now().await? + 1);
        let set = "evm_setNextBlockTimestamp".into();
        // Its answer is null or a number, by version.
        let _: serde_json::Value = provider.raw_request(set, (time,)).await?;
        self.anvil.mine(1).await
    }

    /// The signature of one of the beacon's rounds, compressed.
    pub(super) fn beacon_of(&self, round: u64) -> [u8; 48] {
        self.beacon.sign(round).signature
    }

    /// The timestamp of the last block.
    ///
    /// # Errors
    /// When the node does not answer.
    pub(super) async fn now(&self) -> Result<u64, Error> {
        let head = self.anvil.provider().get_block(Default::default()).await?;
        Ok(head.map_or(0, |block| block.header.timestamp))
    }

    async fn compute(
        &mut self,
        round: Round,
        number: u64,
        beacon: [u8; 48],
    ) -> Result<Truth, Error> {
        let chain = Digest(self.beacon.info().hash);
        let seed = seed(&self.domain, round, &chain, number, &beacon);
        self.reader.advance().await.map_err(failed)?;
        let context = self.schedule.context(round).map_err(failed)?;
        let snapshot = self.reader.snapshot(round, context.time).map_err(failed)?;
        let snapshot = snapshot.ok_or_else(|| failed("the snapshot is not known"))?;
        let outcome = match_round(&snapshot, &self.policy.score, &context, &seed);
        let list = OutcomeList::new(&outcome, &snapshot).map_err(failed)?;
        let header = Header {
            domain: self.domain,
            round,
            // No contract looks at these two.
            snapshot_number: self.reader.head().number,
            snapshot_hash: sha256(&[&round.get().to_be_bytes()]),
            policy_hash: self.policy.hash(),
            inputs_root: snapshot.inputs_root(),
            seed,
            outcome_root: list.outcome_root(),
        };
        Ok(Truth {
            snapshot,
            context,
            header,
            list,
            beacon,
        })
    }
}

/// Every round is live, and one stake epoch outlives the bench.
fn clock(genesis: u64) -> Clock {
    Clock {
        period: 60,
        settle_timeout: 20,
        stake_epoch: 30 * 86_400,
        health_epoch: 86_400,
        grace: 2 * 86_400,
        ring: 50_000,
        unbonding: 30 * 86_400,
        ..Clock::devnet(genesis)
    }
}

/// The same with stake epochs of eight rounds, and a ring that is hardly longer than one is shown.
fn short_clock(genesis: u64) -> Clock {
    Clock {
        stake_epoch: 480,
        health_epoch: 240,
        grace: 270,
        ring: RING,
        ..clock(genesis)
    }
}

fn domain(l2: &L2) -> Domain {
    Domain {
        l1_chain: ChainId::new(L1_CHAIN_ID),
        l2_chain: ChainId::new(L2_CHAIN_ID),
        rounds: CanonAddress(l2.rounds.into_array()),
        avs: CanonAddress(AVS.into_array()),
        operator_set: OPERATOR_SET,
    }
}

/// The relayer, whom the plain bridge believes, delivers the commitment; then the pages are posted.
async fn bring_table(anvil: &Anvil, l2: &L2, table: &StakeTable) -> Result<(), Error> {
    let relayer = Account::named(anvil, RELAYER)?;
    anvil
        .fund(relayer.address(), U256::from(10_u128.pow(21)))
        .await?;
    let deliver = IPlainBridge::deliverCall {
        nonce: table.epoch().get(),
        payload: table.commitment().to_bytes().into(),
    };
    relayer.call(l2.bridge, &deliver).await?;
    for (page, keys) in (0..).zip(table.key_pages()) {
        let call = IStakeTable::postKeysPageCall {
            epoch: table.epoch().get(),
            page,
            keys: keys.into(),
        };
        relayer.call(l2.stake_table, &call).await?;
    }
    let call = IStakeTable::postStakesPageCall {
        epoch: table.epoch().get(),
        stakes: table.stakes_page().into(),
    };
    relayer.call(l2.stake_table, &call).await?;
    Ok(())
}

/// A client of a chain.
pub(super) async fn connect(anvil: &Anvil) -> Result<Rpc, Error> {
    let config = RpcConfig::new(vec![anvil.url().clone()], anvil.chain_id());
    Rpc::connect(config).await.map_err(failed)
}

pub(super) fn failed(error: impl std::fmt::Display) -> Error {
    Error::program("bench", error.to_string())
}
