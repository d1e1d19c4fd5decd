//! After an epoch: which lists are signed, and who gets them.

use std::net::{IpAddr, SocketAddr};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use quorate_bls::{Domain, SecretKey, Signature};
use quorate_canon::{Digest, HealthEpoch, Mask256, OfferId, OperatorIndex, Timestamp};
use quorate_chain::machines::Endpoint;
use quorate_health::{Claims, DownEntry, DownList, Network, Place, Receipt, Subject};
use quorate_rpc::wire::{DownsVerdict, ReceiptsVerdict};
use quorate_rpc::{
    AttestationHandler, Client, ClientLimits, ClientTls, SignedDowns, SignedReceipts, WireError,
    attestations,
};
use quorate_service::{Metrics, Shutdown};
use quorate_signer::Words;
use tokio::net::TcpListener;

use super::kit::{MACHINE, World, facts};
use crate::post::now;
use crate::prober::attest::{Attest, Exchange};
use crate::prober::observe::ProbeObserve;
use crate::prober::plan::Plan;
use crate::prober::words::{Attester, LedgerAttester, Said};

/// An aggregator that proposes what it was told to, and keeps what it gets.
struct Book {
    proposals: Vec<DownList>,
    taken: Mutex<Vec<SignedDowns>>,
    /// How often somebody asked for the proposals.
    looks: AtomicUsize,
}

impl AttestationHandler for Book {
    async fn downs(&self, downs: SignedDowns, _: Option<IpAddr>) -> DownsVerdict {
        self.taken.lock().unwrap().push(downs);
        DownsVerdict::Accepted
    }

    fn malformed_list(&self, error: &WireError) {
        panic!("{error}");
    }

    async fn proposals(&self, _: HealthEpoch) -> Vec<DownList> {
        self.looks.fetch_add(1, Ordering::SeqCst);
        self.proposals.clone()
    }

    async fn receipts(&self, receipts: SignedReceipts, _: Option<IpAddr>) -> ReceiptsVerdict {
        panic!("nothing was sampled: {receipts:?}");
    }

    fn malformed_receipts(&self, error: &WireError) {
        panic!("{error}");
    }
}

async fn serve(book: Arc<Book>) -> Client {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let client = client(listener.local_addr().unwrap());
    listen(listener, book);
    client
}

/// Answers for an aggregator in a task of its own.
pub(super) fn listen<H: AttestationHandler>(listener: TcpListener, handler: Arc<H>) {
    let routes = attestations::routes(handler, 1 << 20);
    let incoming = tonic::transport::server::TcpIncoming::from(listener);
    let server = tonic::transport::Server::builder()
        .add_routes(routes)
        .serve_with_incoming(incoming);
    tokio::spawn(server);
}

/// A client of the aggregator at an address.
pub(super) fn client(address: SocketAddr) -> Client {
    let url = format!("http://{address}");
    let tls = ClientTls::default();
    Client::new(&url.parse().unwrap(), &tls, ClientLimits::default()).unwrap()
}

fn list(world: &World, machine: OfferId, windows: &[u8]) -> DownList {
    let entry = DownEntry {
        subject: Subject::Machine(machine),
        windows: Mask256::of(windows),
    };
    DownList::new(world.plan.network, world.plan.epoch, vec![entry]).unwrap()
}

#[tokio::test]
async fn lists_are_signed_that_say_no_more_than_the_operator_has_said() {
    let world = World::new(Endpoint::new("https://127.0.0.1:1", Digest([0; 32])));
    let place = world.plan.place(MACHINE, world.window);
    world.attester.failed(&place, world.start).unwrap();
    let own_window = u8::try_from(world.window.0).unwrap();
    let own = list(&world, MACHINE, &[own_window]);
    let more = list(&world, MACHINE, &[own_window, own_window + 1]);
    let another = list(&world, OfferId::new(77), &[own_window]);
    let book = Arc::new(Book {
        proposals: vec![more, another, own.clone()],
        taken: Mutex::default(),
        looks: AtomicUsize::new(0),
    });
    let client = serve(Arc::clone(&book)).await;
    let attest = Attest {
        attester: world.attester.clone(),
        clients: Vec::new(),
        clock: world.clock(),
        poll: Duration::from_millis(200),
        shown_seconds: 0,
        observe: ProbeObserve::new(&Metrics::new()),
    };
    let said = attest.own(&world.plan).await.unwrap();
    let claims: Claims = said.iter().collect();
    let lists = attest.own_lists(&world.plan, said).await;
    let exchange = Exchange {
        attest: &attest,
        client: &client,
        plan: &world.plan,
        claims: &claims,
        until: Timestamp::new(now().get() + 1),
    };
    exchange.run(&lists).await;

    // Its own, once, though it is proposed again and again; the others never: it sits on every
    // committee of this network, and has said nothing else.
    let taken = book.taken.lock().unwrap();
    assert_eq!(taken.len(), 1);
    assert_eq!(taken[0].list, own);
    let key = SecretKey::from_bytes(&[5; 32]).unwrap().public_key();
    let signature = Signature::from_bytes96(&taken[0].signature).unwrap();
    assert!(quorate_bls::verify(
        Domain::Vote,
        &key,
        &own.digest().get(),
        &signature
    ));
}

/// The honest attester, but for a panic when it is first asked for an epoch's words.
#[derive(Debug)]
struct Shaky {
    honest: Arc<LedgerAttester>,
    asked: AtomicUsize,
}

impl Attester for Shaky {
    fn operator(&self) -> OperatorIndex {
        self.honest.operator()
    }

    fn network(&self) -> Network {
        self.honest.network()
    }

    fn moments(&self, epoch: HealthEpoch, randomness: &Digest) -> Signature {
        self.honest.moments(epoch, randomness)
    }

    fn passed(&self, receipts: &[(Receipt, Timestamp)]) -> Said<Vec<Said<Signature>>> {
        self.honest.passed(receipts)
    }

    fn again(&self, receipts: &[Receipt]) -> Said<Vec<Said<Signature>>> {
        self.honest.again(receipts)
    }

    fn failed(&self, place: &Place, window_start: Timestamp) -> Said<()> {
        self.honest.failed(place, window_start)
    }

    fn words(&self, epoch: HealthEpoch, subject: Subject) -> Said<Words> {
        self.honest.words(epoch, subject)
    }

    fn downs(&self, epoch: HealthEpoch) -> Said<Vec<DownEntry>> {
        assert!(self.asked.fetch_add(1, Ordering::SeqCst) > 0, "shaky");
        self.honest.downs(epoch)
    }

    fn sign(&self, list: &DownList, sits: &dyn Fn(Subject) -> bool) -> Said<Signature> {
        self.honest.sign(list, sits)
    }

    fn forget(&self, below: HealthEpoch) -> Said<()> {
        self.honest.forget(below)
    }
}

#[tokio::test]
async fn lists_that_panic_are_told_of_and_begun_anew() {
    let world = World::new(Endpoint::new("https://127.0.0.1:1", Digest([0; 32])));
    let over = HealthEpoch::new(0);
    let plan = Plan::new(&world.clock(), over, facts(), world.attester.as_ref()).unwrap();
    let book = Arc::new(Book {
        proposals: Vec::new(),
        taken: Mutex::default(),
        looks: AtomicUsize::new(0),
    });
    let metrics = Metrics::new();
    let shaky = Arc::new(Shaky {
        honest: world.attester.clone(),
        asked: AtomicUsize::new(0),
    });
    let attest = Attest {
        attester: shaky,
        clients: vec![serve(Arc::clone(&book)).await],
        clock: world.clock(),
        poll: Duration::from_millis(100),
        shown_seconds: 0,
        observe: ProbeObserve::new(&metrics),
    };
    let shutdown = Shutdown::new();
    attest.spawn(Arc::new(plan), &shutdown);
    // Past the panic it asks the aggregator for lists, as of any epoch that is over.
    let seen = async {
        while book.looks.load(Ordering::SeqCst) == 0 {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), seen)
        .await
        .unwrap();
    shutdown.ask();
    let page = metrics.encode().unwrap();
    let counted = r#"operator_down_lists_total{what="failed"} 1"#;
    assert!(page.contains(counted), "{page}");
}

#[test]
fn words_are_kept_for_as_long_as_they_show_work() {
    let world = World::new(Endpoint::new("https://127.0.0.1:1", Digest([0; 32])));
    let epochs = u64::from(world.clock().epoch_seconds);
    let late = HealthEpoch::new(100);
    let plan = Plan::new(&world.clock(), late, facts(), world.attester.as_ref()).unwrap();
    let forgotten = |shown_seconds| {
        let attest = Attest {
            attester: world.attester.clone(),
            clients: Vec::new(),
            clock: world.clock(),
            poll: Duration::from_secs(1),
            shown_seconds,
            observe: ProbeObserve::new(&Metrics::new()),
        };
        attest.forgettable(&plan).unwrap().get()
    };
    // When epoch 100 is over, epoch e began (101 - e) epochs ago.
    for shown in [70, 71, 90] {
        let oldest = forgotten(shown * epochs);
        assert!(u64::from(101 - oldest) >= shown, "{shown}: {oldest}");
    }
    // Where no work is shown, only appeals count.
    assert!(forgotten(0) > forgotten(90 * epochs));
}
