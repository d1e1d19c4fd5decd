//! Whom an operator lets itself be sent to. An endpoint of an agent is a stranger's text on a public
//! chain: without this it would point operators at each other's inner networks.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, ToSocketAddrs};
use std::sync::Arc;

use tokio::sync::Semaphore;
use url::{Host, Url};

/// Look-ups of names at a time. They run on the system's threads, which a slow name server holds for
/// long; this many are all that strangers' names ever hold.
const LOOKUPS: usize = 32;

/// Why an agent's endpoint is not called.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReachError {
    /// The text is no `https://host:port`.
    #[error("endpoint {got:?}: {detail}")]
    Endpoint {
        /// The text, cut.
        got: String,
        /// What is wrong with it.
        detail: &'static str,
    },
    /// It lies in somebody's own network.
    #[error("endpoint at {0}: not an address of the public internet")]
    Private(IpAddr),
    /// Its name has no address.
    #[error("endpoint {0}: the name has no address")]
    NoAddress(String),
    /// Too many names are being looked up: this says nothing about the machine.
    #[error("too many names are being looked up")]
    Busy,
}

/// Finds addresses of endpoints. Cheap to clone; clones share the limit.
#[derive(Debug, Clone)]
pub struct Reach {
    allow_private: bool,
    lookups: Arc<Semaphore>,
}

impl Reach {
    /// `allow_private` also calls endpoints in networks that are not public: for a devnet.
    #[must_use]
    pub fn new(allow_private: bool) -> Self {
        let lookups = Arc::new(Semaphore::new(LOOKUPS));
        Self {
            allow_private,
            lookups,
        }
    }

    /// The address that an endpoint names. A name may have several; the first that may be called is it.
    ///
    /// # Errors
    /// [`ReachError`].
    pub async fn resolve(&self, endpoint: &Url) -> Result<SocketAddr, ReachError> {
        let port = endpoint.port_or_known_default().unwrap_or(443);
        let found = match endpoint.host() {
            Some(Host::Ipv4(address)) => vec![SocketAddr::from((address, port))],
            Some(Host::Ipv6(address)) => vec![SocketAddr::from((address, port))],
            Some(Host::Domain(name)) => self.look_up(name.to_owned(), port).await?,
            None => Vec::new(),
        };
        let Some(first) = found.first() else {
            let host = endpoint.host_str().unwrap_or_default().to_owned();
            return Err(ReachError::NoAddress(host));
        };
        let allowed = |address: &&SocketAddr| self.allow_private || is_public(address.ip());
        let address = found.iter().find(allowed);
        address.copied().ok_or(ReachError::Private(first.ip()))
    }

    /// The permit stays with the look-up until it ends, also when nobody waits for it any more.
    async fn look_up(&self, name: String, port: u16) -> Result<Vec<SocketAddr>, ReachError> {
        let lookups = Arc::clone(&self.lookups);
        let permit = lookups.try_acquire_owned().map_err(|_| ReachError::Busy)?;
        let found = tokio::task::spawn_blocking(move || {
            let found = (name.as_str(), port).to_socket_addrs();
            drop(permit);
            found.map(|found| found.take(16).collect::<Vec<_>>())
        });
        Ok(found.await.ok().and_then(Result::ok).unwrap_or_default())
    }
}

/// Reads an endpoint as it stands on chain: `https://host:port` and nothing else.
///
/// # Errors
/// [`ReachError::Endpoint`].
pub fn agent_url(text: &str) -> Result<Url, ReachError> {
    let refuse = |detail| ReachError::Endpoint {
        got: text.chars().take(128).collect(),
        detail,
    };
    let url = Url::parse(text).map_err(|_| refuse("no address"))?;
    if url.scheme() != "https" {
        return Err(refuse("expected https"));
    }
    let bare = url.username().is_empty()
        && url.password().is_none()
        && url.query().is_none()
        && url.fragment().is_none()
        && matches!(url.path(), "" | "/");
    if !bare || url.host().is_none() {
        return Err(refuse("expected a host and a port, nothing else"));
    }
    Ok(url)
}

/// Whether an address is one of the public internet's: in none of the ranges that IANA keeps for
/// private, local, shared, test and future use (RFC 6890 and its registries).
#[must_use]
pub fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => match embedded_v4(address) {
            Some(inner) => is_public_v4(inner),
            None => is_public_v6(address),
        },
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    let [a, b, c, _] = address.octets();
    let kept = matches!(
        (a, b, c),
        (0 | 10 | 127, ..)
            | (100, 64..=127, _)
            | (169, 254, _)
            | (172, 16..=31, _)
            | (192, 0, 0 | 2)
            | (192, 88, 99)
            | (192, 168, _)
            | (198, 18 | 19, _)
            | (198, 51, 100)
            | (203, 0, 113)
            | (224..=255, ..)
    );
    !kept
}

fn is_public_v6(address: Ipv6Addr) -> bool {
    let segments = address.segments();
    // Global unicast is 2000::/3; of it, 2001::/23 is for protocols, 2001:db8::/32 and 3fff::/20 for texts.
    let unicast = segments[0] & 0xe000 == 0x2000;
    let protocols = segments[0] == 0x2001 && segments[1] < 0x200;
    let texts = (segments[0] == 0x2001 && segments[1] == 0x0db8)
        || (segments[0] == 0x3fff && segments[1] < 0x1000);
    unicast && !protocols && !texts
}

/// The IPv4 address inside of one of the forms that carry one: mapped, NAT64 (64:ff9b::/96), 6to4
/// (2002::/16).
fn embedded_v4(address: Ipv6Addr) -> Option<Ipv4Addr> {
    let segments = address.segments();
    let pair = |high: u16, low: u16| {
        let ([a, b], [c, d]) = (high.to_be_bytes(), low.to_be_bytes());
        Ipv4Addr::new(a, b, c, d)
    };
    match segments {
        [0, 0, 0, 0, 0, 0xffff, high, low] | [0x64, 0xff9b, 0, 0, 0, 0, high, low] => {
            Some(pair(high, low))
        }
        [0x2002, high, low, ..] => Some(pair(high, low)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn public(text: &str) -> bool {
        is_public(text.parse().unwrap())
    }

    #[test]
    fn inner_networks_are_not_public_in_any_spelling() {
        for inner in [
            "127.0.0.1",
            "10.1.2.3",
            "172.31.255.255",
            "192.168.0.1",
            "169.254.169.254",
            "100.64.0.1",
            "0.0.0.0",
            "224.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "fe80::1",
            "fc00::1",
            "ff02::1",
            "2001:db8::1",
            "::ffff:127.0.0.1",
            "64:ff9b::10.0.0.1",
            "2002:7f00:1::",
            "2002:c0a8:1::",
        ] {
            assert!(!public(inner), "{inner}");
        }
        for outer in [
            "8.8.8.8",
            "172.32.0.1",
            "100.128.0.1",
            "2606:4700::1",
            "::ffff:8.8.8.8",
            "2001:4860:4860::8888",
        ] {
            assert!(public(outer), "{outer}");
        }
    }

    #[test]
    fn an_endpoint_is_a_host_and_a_port() {
        for good in [
            "https://1.2.3.4:9000",
            "https://agent.example",
            "https://[2606:4700::1]:1/",
        ] {
            assert!(agent_url(good).is_ok(), "{good}");
        }
        for bad in [
            "http://a:1",
            "https://u@a:1",
            "https://u:p@a:1",
            "https://a:1/x",
            "https://a:1?x",
            "https://a:1#x",
            "agent",
            "",
        ] {
            assert!(agent_url(bad).is_err(), "{bad:?}");
        }
    }

    #[tokio::test]
    async fn an_endpoint_inside_is_refused_however_it_is_written() {
        let strict = Reach::new(false);
        for inside in [
            "https://127.1:1",
            "https://0x7f000001:1",
            "https://2130706433:1",
            "https://localhost:1",
            "https://[::ffff:10.0.0.1]:1",
        ] {
            let url = agent_url(inside).unwrap();
            assert!(
                matches!(strict.resolve(&url).await, Err(ReachError::Private(_))),
                "{inside}"
            );
            assert!(Reach::new(true).resolve(&url).await.is_ok(), "{inside}");
        }
    }

    #[tokio::test]
    async fn names_that_take_long_hold_no_more_than_their_share() {
        let reach = Reach::new(true);
        let all = LOOKUPS.try_into().unwrap();
        let _held = reach.lookups.clone().try_acquire_many_owned(all).unwrap();
        let named = agent_url("https://localhost:1").unwrap();
        assert_eq!(reach.resolve(&named).await, Err(ReachError::Busy));
        let numbered = agent_url("https://127.0.0.1:1").unwrap();
        assert!(reach.resolve(&numbered).await.is_ok());
    }
}
