//! A provider and a tenant without ether: what they do is signed by them and carried, and paid for, by
//! an aggregator's relay.

use std::{fs::OpenOptions, io::Write as _, path::Path};

use alloy::{
    eips::BlockId,
    primitives::{Address, Bytes, U256},
    providers::Provider as _,
    signers::local::PrivateKeySigner,
    sol_types::SolCall,
};
use anyhow::{Context as _, Result, ensure};
use devnet::{World, agents::AgentFiles, operators::EcdsaKeys, unix_now};
use quorate_bindings::{IEscrow, IMachines, IMarket, erc20::IERC20};
use quorate_canon::{
    Address as CanonAddress, FixedWidth as _, GpuCount, Mask256, MicroDollars, Timestamp,
};
use quorate_chain::{
    Rpc, RpcConfig,
    forward::{
        Carried, Forwarder, Outcome, Refused, Request as ForwardRequest, SignedCall,
        permit::{Permit, sign_permit},
    },
    views,
};
use quorate_matching::{Request, policy::models};
use serde_json::Value;

use crate::kit::{Network, Plan, count, metrics, run_to_end, until};

/// Tokens that the provider has, and stakes.
const STAKE: u64 = 100_000;
/// A million dollars.
const PURSE: u64 = 1_000_000_000_000;
/// A day's budget of the relay: an ether.
const BUDGET: &str = "0xde0b6b3a7640000";

#[tokio::test(flavor = "multi_thread")]
async fn a_provider_and_a_tenant_without_ether_do_all_by_signature() -> Result<()> {
    let mut network = Plan::new("relay").start().await?;
    let relay = open_relay(&network).await?;
    network.nodes.start_aggregator()?;
    for number in 0..network.world.operators.len() {
        network.nodes.start_operator(number)?;
    }
    let first = network.settled_after(None).await?;
    let url = format!("http://127.0.0.1:{}", network.nodes.files().aggregator_http);
    until("the relay", crate::kit::LONG, async || {
        let answer = reqwest::get(format!("{url}/relay")).await?;
        Ok(answer.status().is_success().then_some(()))
    })
    .await?;

    let (provider, offer) = provide(&network, &url).await?;
    let tenant = Tenant::new(&network.world, &url).await?;
    let request = tenant.rent(&mut network, offer).await?;
    tenant.leave(&network, request).await?;
    tenant.try_again_and_otherwise(&network).await?;

    for account in [provider, tenant.address()] {
        let l2 = network.world.chains.l2.provider();
        ensure!(
            l2.get_balance(account).await?.is_zero(),
            "{account} got ether"
        );
        let sent = l2.get_transaction_count(account).await?;
        ensure!(sent == 0, "{account} has sent {sent} transactions");
    }
    let page = metrics(network.nodes.files().aggregator_http).await?;
    // The provider's approval, stake, offer, agent, price, maintenance, its end, pause; the tenant's
    // approval, request and end of the lease.
    let carried = count(&page, "relay_calls_total", "result=\"carried\"");
    ensure!(carried >= 11.0, "{carried} carried:\n{page}");
    let left = network
        .world
        .chains
        .l2
        .provider()
        .get_balance(relay)
        .await?;
    ensure!(left < money(), "the relay has paid nothing");
    network.settled_after(Some(first)).await?;
    network.all_is_well(&[]).await?;
    cut_off(&network, &url, offer).await
}

/// A provider that was cut off before it could note which offer it had posted: it finds on chain what
/// it had signed, and posts no other. Its cards are others now, so that nothing else can tell.
async fn cut_off(network: &Network, relay: &str, offer: u64) -> Result<()> {
    let home = network.dir().join("provider");
    let config = home.join("provider-agent.toml");
    let text = std::fs::read_to_string(&config)?;
    let other = text.replace("seed = 1\n", "seed = 77\n");
    ensure!(other != text, "no seed in {text}");
    std::fs::write(&config, other)?;
    std::fs::remove_file(home.join("data").join("machine.json"))?;
    let words = ["register", "--json", "--log", "warn", "--relay", relay];
    let ended = run_to_end("provider-agent", &words, &config).await?;
    ensure!(ended.code == Some(0), "{ended:?}");
    let registered: Value = serde_json::from_str(&ended.out)?;
    ensure!(registered["offer"] == offer, "another offer: {registered}");
    Ok(())
}

/// A key that must not be used: nothing starts.
#[tokio::test(flavor = "multi_thread")]
async fn an_aggregator_does_not_relay_with_its_own_key() -> Result<()> {
    let network = Plan::new("relay_own_key").start().await?;
    let config = network.nodes.files().aggregator();
    let text = std::fs::read_to_string(&config)?;
    let own: Vec<&str> = text
        .lines()
        .skip_while(|line| *line != "[key]")
        .skip(1)
        .take(2)
        .collect();
    ensure!(own.len() == 2, "{text}");
    append(
        &config,
        &format!("\n[relay]\n{}\nbudget_wei = \"{BUDGET}\"\n", own.join("\n")),
    )?;
    let ended = run_to_end("aggregator", &["run"], &config).await?;
    ensure!(ended.code == Some(1), "{ended:?}");
    ensure!(ended.err.contains("relay.keystore"), "{ended:?}");
    Ok(())
}

fn money() -> U256 {
    U256::from(10_u128.pow(20))
}

/// Has the aggregator relay, with a key of its own that has money.
async fn open_relay(network: &Network) -> Result<Address> {
    let keys = EcdsaKeys::create(&network.dir().join("keys"), "relay")?;
    let l2 = &network.world.chains.l2;
    l2.fund(keys.address(), money()).await?;
    let section = format!(
        "\n[relay]\nkeystore = {:?}\npassword = {{ file = {:?} }}\nbudget_wei = \"{BUDGET}\"\naccount_minute = 60\n",
        keys.path, keys.password_path
    );
    append(&network.nodes.files().aggregator(), &section)?;
    Ok(keys.address())
}

fn append(path: &Path, text: &str) -> Result<()> {
    let mut file = OpenOptions::new().append(true).open(path)?;
    Ok(file.write_all(text.as_bytes())?)
}

/// Registers a machine, changes its price, announces maintenance, ends it, pauses: all by the agent's
/// own program.
async fn provide(network: &Network, relay: &str) -> Result<(Address, u64)> {
    let (world, home) = (&network.world, network.dir().join("provider"));
    let provider = EcdsaKeys::create(&home, "provider")?;
    let machine = EcdsaKeys::create(&home, "machine")?;
    let files = AgentFiles::new(&home, 0)?;
    files.write(world, &provider, &machine)?;
    let give = IERC20::transferCall {
        to: provider.address(),
        value: U256::from(STAKE) * U256::from(10_u128.pow(18)),
    };
    world
        .owners
        .l2
        .call(world.contracts.l2.token, &give)
        .await?;

    let command = async |words: &[&str]| -> Result<Value> {
        let all = [words, &["--json", "--log", "warn", "--relay", relay]].concat();
        let ended = run_to_end("provider-agent", &all, &files.config).await?;
        ensure!(ended.code == Some(0), "{words:?}: {ended:?}");
        Ok(serde_json::from_str(&ended.out)?)
    };
    let registered = command(&["register", "--stake", &STAKE.to_string()]).await?;
    let offer = registered["offer"].as_u64().context("no offer")?;
    let steps = registered["steps"].as_array().context("no steps")?;
    ensure!(steps.len() == 3, "{registered}");
    // A second time there is nothing to do.
    let again = command(&["register"]).await?;
    ensure!(again["offer"] == registered["offer"], "{again}");

    command(&["price", "1.25"]).await?;
    // As long as the devnet's policy allows at most.
    let from = unix_now().as_secs() + 600;
    let (from, until) = (from.to_string(), (from + 10).to_string());
    command(&["maintenance", "--from", &from, "--until", &until]).await?;
    command(&["maintenance", "--end"]).await?;
    command(&["pause"]).await?;
    let machines = world.contracts.l2.machines;
    let anyone = &world.owners.l2;
    let paused = IMachines::machineOfCall { offerId: offer };
    ensure!(anyone.view(machines, &paused).await?.paused, "not paused");
    let announced = IMachines::maintenancesCall { offerId: offer };
    ensure!(
        anyone.view(machines, &announced).await? == 1,
        "not announced"
    );
    let resumed = command(&["resume"]).await?;
    ensure!(resumed["transaction"].is_string(), "{resumed}");
    let money = IMarket::newestOfferCall { id: offer };
    let record = anyone.view(world.contracts.l2.market, &money).await?.record;
    let record = quorate_matching::Offer::from_bytes(&record)?;
    ensure!(record.ask == MicroDollars::new(1_250_000), "{record:?}");
    ensure!(
        record.provider.0 == provider.address().into_array(),
        "{record:?}"
    );
    Ok((provider.address(), offer))
}

/// Somebody with dollars and no ether.
struct Tenant {
    key: PrivateKeySigner,
    rpc: Rpc,
    forwarder: Forwarder,
    relay: String,
    client: reqwest::Client,
    market: Address,
    escrow: Address,
    dollar: Address,
}

impl Tenant {
    async fn new(world: &World, relay: &str) -> Result<Self> {
        let l2 = &world.contracts.l2;
        let chain = &world.chains.l2;
        let config = RpcConfig::new(vec![chain.url().clone()], chain.chain_id());
        let rpc = Rpc::connect(config).await?;
        let forwarder = views::forwarder(&rpc, l2.market).await?;
        let forwarder = forwarder.context("no forwarder")?;
        ensure!(forwarder.address() == l2.forwarder, "another forwarder");
        let key = PrivateKeySigner::random();
        let give = IERC20::transferCall {
            to: key.address(),
            value: U256::from(PURSE),
        };
        world.owners.l2.call(l2.dollar, &give).await?;
        Ok(Self {
            key,
            rpc,
            forwarder,
            relay: format!("{relay}/relay"),
            client: reqwest::Client::new(),
            market: l2.market,
            escrow: l2.escrow,
            dollar: l2.dollar,
        })
    }

    fn address(&self) -> Address {
        self.key.address()
    }

    /// Approves, posts a request for the machine, and waits for the lease.
    async fn rent(&self, network: &mut Network, offer: u64) -> Result<u64> {
        let approval = self.approval().await?;
        self.carry(self.escrow, &approval).await?;
        let record = self.record()?;
        let post = IMarket::postRequestsCall {
            records: Bytes::from(record.to_bytes()),
        };
        self.carry(self.market, &post).await?;
        let (market, tenant) = (self.market, self.address());
        network
            .until("the tenant's lease", async |n: &mut Network| {
                // Of the newest block, as the relay asks: what is only pending is no lease yet.
                let contract = IMarket::new(market, n.world.chains.l2.provider());
                let newest = BlockId::latest();
                let count = contract.requestCount().block(newest).call().await?;
                for request in (1..=count).rev() {
                    let lease = contract.leaseMoney(request).block(newest).call().await?;
                    if lease.tenant == tenant {
                        ensure!(
                            lease.round == 0 || lease.offerId == offer,
                            "another machine"
                        );
                        return Ok((lease.round != 0).then_some(request));
                    }
                }
                Ok(None)
            })
            .await
    }

    /// Ends the lease.
    async fn leave(&self, network: &Network, request: u64) -> Result<()> {
        let call = IMarket::closeLeasesCall {
            requestIds: vec![request],
        };
        self.carry(self.market, &call).await?;
        let ask = IMarket::leaseMoneyCall { requestId: request };
        let lease = network.world.owners.l2.view(self.market, &ask).await?;
        ensure!(lease.ended && lease.reason == 1, "reason {}", lease.reason);
        Ok(())
    }

    /// What was carried is refused, and so is what is not what was signed, and what the contract
    /// refuses; the nonce stays as it is.
    async fn try_again_and_otherwise(&self, network: &Network) -> Result<()> {
        let call = IEscrow::allowCall {
            tenant: Address::repeat_byte(7),
            currency: 0,
            cap: U256::from(5),
            until: u64::MAX,
        };
        let signed = self.sign(self.escrow, call.abi_encode()).await?;
        let carried = self.bring(&signed).await??;
        ensure!(carried.outcome == Outcome::Carried, "{carried:?}");
        let nonce = self.nonce().await?;

        let again = self.refused(&signed).await?;
        ensure!(again.code == "wrong_nonce", "{again:?}");
        ensure!(again.transaction == carried.transaction, "{again:?}");
        let mut altered = self.sign(self.escrow, call.abi_encode()).await?;
        let more = IEscrow::allowCall {
            cap: U256::from(6),
            ..call
        };
        altered.request.data = more.abi_encode().into();
        let altered = self.refused(&altered).await?;
        ensure!(altered.code == "bad_signature", "{altered:?}");
        let close = IMarket::cancelRequestCall { id: 1 };
        let request = self
            .request(self.market, close.abi_encode(), 300_000)
            .await?;
        let foreign = self.forwarder.sign(request, &self.key)?;
        let foreign = self.refused(&foreign).await?;
        ensure!(foreign.code == "refused_by_contract", "{foreign:?}");

        ensure!(self.nonce().await? == nonce, "a nonce was used");
        let allowed = IEscrow::allowanceOfCall {
            payer: self.address(),
            tenant: Address::repeat_byte(7),
            currency: 0,
        };
        let allowed = network.world.owners.l2.view(self.escrow, &allowed).await?;
        ensure!(allowed.cap == U256::from(5), "cap {}", allowed.cap);
        Ok(())
    }

    /// The dollar's approval, which anybody may hand to the escrow.
    async fn approval(&self) -> Result<IEscrow::permitCall> {
        let owner = self.address();
        let domain = views::permit_domain(&self.rpc, self.dollar).await?;
        let deadline = U256::from(unix_now().as_secs() + 600);
        let permit = Permit {
            owner,
            spender: self.escrow,
            value: U256::from(PURSE),
            nonce: views::permit_nonce(&self.rpc, self.dollar, owner).await?,
            deadline,
        };
        let signed = sign_permit(&domain.context("no approvals")?, &permit, &self.key)?;
        Ok(IEscrow::permitCall {
            currency: 0,
            owner,
            value: permit.value,
            deadline,
            v: signed.v,
            r: signed.r,
            s: signed.s,
        })
    }

    async fn carry<C: SolCall>(&self, to: Address, call: &C) -> Result<()> {
        let signed = self.sign(to, call.abi_encode()).await?;
        let carried = self.bring(&signed).await?;
        let carried = carried.with_context(|| C::SIGNATURE.to_owned())?;
        ensure!(carried.outcome == Outcome::Carried, "{carried:?}");
        Ok(())
    }

    async fn sign(&self, to: Address, data: Vec<u8>) -> Result<SignedCall> {
        let gas = self
            .forwarder
            .gas(&self.rpc, self.address(), to, &data)
            .await?;
        let request = self.request(to, data, gas).await?;
        Ok(self.forwarder.sign(request, &self.key)?)
    }

    async fn request(&self, to: Address, data: Vec<u8>, gas: u64) -> Result<ForwardRequest> {
        Ok(ForwardRequest {
            from: self.address(),
            to,
            value: U256::ZERO,
            gas,
            nonce: self.nonce().await?,
            deadline: unix_now().as_secs() + 600,
            data: data.into(),
        })
    }

    async fn nonce(&self) -> Result<U256> {
        let at = self.forwarder.address();
        Ok(views::forward_nonce(&self.rpc, at, self.address()).await?)
    }

    /// What the relay says.
    async fn bring(&self, call: &SignedCall) -> Result<Result<Carried>> {
        let answer = self.client.post(&self.relay).json(call).send().await?;
        let (status, text) = (answer.status(), answer.text().await?);
        if !status.is_success() {
            return Ok(Err(anyhow::anyhow!("{status}: {text}")));
        }
        Ok(Ok(serde_json::from_str(&text)?))
    }

    async fn refused(&self, call: &SignedCall) -> Result<Refused> {
        let answer = self.client.post(&self.relay).json(call).send().await?;
        ensure!(answer.status().is_client_error(), "{}", answer.status());
        Ok(serde_json::from_str(&answer.text().await?)?)
    }

    /// A request that only the provider's machine can serve.
    fn record(&self) -> Result<Request> {
        let model = models::by_short_name("h100").context("no such model")?;
        Ok(Request {
            models: Mask256::of(&[model.index]),
            regions: Mask256([0xff; 32]),
            // What only the first agent's machine has.
            needs: Mask256::of(&[100]),
            access_key: [7; 32],
            payer: CanonAddress(self.address().into_array()),
            budget: MicroDollars::new(9_000_000),
            cpu_milli: 1_000,
            memory_mib: 1_024,
            disk_gib: 1,
            mbits: 1,
            term: 3_600,
            valid_until: Timestamp::new(unix_now().as_secs() + 600),
            gpus: GpuCount::new(2),
            kinds: 0b1111_1111,
            tiers: 0b0001_1111,
            ..Request::default()
        })
    }
}
