//! What a server takes from strangers. Every limit is set, none is left to a default of the stack:
//! tonic's own default removes the limit on concurrent streams, and with it 20,000 half-open
//! requests fit on one connection.

use std::time::Duration;

/// Limits of a gRPC server.
#[derive(Clone, Debug)]
pub struct ServerLimits {
    /// Requests that one connection may have open at a time.
    pub streams_per_connection: u32,
    /// Requests of one connection that are worked on at a time; more are refused.
    pub requests_per_connection: usize,
    /// Requests of all connections that are worked on at a time. For one more, a connection is cut of
    /// the address that asks most, if that asks more than the newcomer's or its requests do not end;
    /// else it is refused.
    pub requests: usize,
    /// Requests of one address (an IPv4 address, an IPv6 /48) that are worked on at a time; for one more,
    /// a connection of that address is cut whose requests do not end, or it is refused.
    pub requests_per_address: usize,
    /// Streams that the peer opened and reset before they were looked at; more end the connection (rapid reset).
    pub pending_accept_resets: usize,
    /// Streams that this side reset for the peer's errors; more end the connection.
    pub local_error_resets: usize,
    /// Bytes of a request's headers.
    pub header_list_bytes: u32,
    /// Bytes of a decoded message.
    pub message_bytes: usize,
    /// Bytes in flight on one stream.
    pub stream_window: u32,
    /// Bytes in flight on one connection.
    pub connection_window: u32,
    /// How long a request may take.
    pub request_timeout: Duration,
    /// How long the next part of a list may take. A part has 13 kB at most: on a line that needs longer
    /// for it a list would take hours.
    pub part_timeout: Duration,
    /// Pause between pings to an idle peer.
    pub keepalive_interval: Duration,
    /// How long the answer to a ping may take.
    pub keepalive_timeout: Duration,
    /// A connection is asked to end at this age ...
    pub connection_age: Duration,
    /// ... and cut after this time more, whatever it is doing.
    pub connection_grace: Duration,
    /// A connection from which nothing came for this long is cut (also before its handshake).
    pub idle_timeout: Duration,
    /// A connection on which no request has come for this long, counted from its beginning, is cut
    /// (also before its handshake). Honest clients connect when they have something to ask. After that
    /// they may keep an idle connection, until its place is needed.
    pub first_request: Duration,
    /// Connections at a time. A further one gets the place of one of the address that holds most, the
    /// longest without a completed request.
    pub connections: usize,
    /// Connections at a time from one address (an IPv4 address, an IPv6 /48). A further one gets the
    /// place of one of the same address.
    pub connections_per_address: usize,
    /// How long shutdown waits for requests in progress.
    pub drain: Duration,
}

impl Default for ServerLimits {
    fn default() -> Self {
        Self {
            streams_per_connection: 200,
            requests_per_connection: 32,
            requests: 512,
            requests_per_address: 128,
            pending_accept_resets: 20,
            local_error_resets: 64,
            header_list_bytes: 16 * 1024,
            message_bytes: quorate_proto::DECODE_LIMIT,
            stream_window: 64 * 1024,
            connection_window: 256 * 1024,
            request_timeout: Duration::from_secs(30),
            part_timeout: Duration::from_secs(2),
            keepalive_interval: Duration::from_secs(20),
            keepalive_timeout: Duration::from_secs(10),
            connection_age: Duration::from_secs(3600),
            connection_grace: Duration::from_secs(60),
            idle_timeout: Duration::from_secs(60),
            first_request: Duration::from_secs(10),
            connections: 1024,
            connections_per_address: 32,
            drain: Duration::from_secs(5),
        }
    }
}

/// Limits on what messages may say, for the conversions of [`crate::wire`].
#[derive(Clone, Copy, Debug)]
pub struct WireLimits {
    /// Entries that an outcome's list may have.
    pub entries: u32,
}

impl Default for WireLimits {
    fn default() -> Self {
        // 49 MiB of list: twice the largest market that the network is built for.
        Self { entries: 1 << 20 }
    }
}

/// How a client behaves.
#[derive(Clone, Debug)]
pub struct ClientLimits {
    /// How long connecting may take.
    pub connect_timeout: Duration,
    /// How long a vote or a question may take, connecting included.
    pub call_timeout: Duration,
    /// How long sending a list may take.
    pub upload_timeout: Duration,
    /// Pause between pings, also while idle.
    pub keepalive_interval: Duration,
    /// How long the answer to a ping may take.
    pub keepalive_timeout: Duration,
}

impl Default for ClientLimits {
    fn default() -> Self {
        Self {
            connect_timeout: Duration::from_secs(3),
            call_timeout: Duration::from_secs(10),
            upload_timeout: Duration::from_secs(30),
            keepalive_interval: Duration::from_secs(20),
            keepalive_timeout: Duration::from_secs(10),
        }
    }
}
