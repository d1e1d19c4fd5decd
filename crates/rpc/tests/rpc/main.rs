//! The server and the client over real sockets: calls, TLS, and what strangers try.

mod calls;
mod floods;
mod frames;
mod host;
mod places;
mod tls;
mod uploads;
