//! HTTP/2 by hand, as no honest client speaks it.

use std::{
    net::{Ipv4Addr, SocketAddr},
    time::Duration,
};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpSocket, TcpStream},
};

pub(crate) const DATA: u8 = 0;
pub(crate) const HEADERS: u8 = 1;
pub(crate) const RST_STREAM: u8 = 3;
pub(crate) const SETTINGS: u8 = 4;
pub(crate) const PING: u8 = 6;
pub(crate) const GOAWAY: u8 = 7;
pub(crate) const CONTINUATION: u8 = 9;

pub(crate) const END_STREAM: u8 = 1;
pub(crate) const END_HEADERS: u8 = 4;

/// One frame as it came.
pub(crate) struct Frame {
    pub(crate) kind: u8,
    pub(crate) stream: u32,
    pub(crate) payload: Vec<u8>,
}

/// A connection without manners.
pub(crate) struct Rude {
    pub(crate) socket: TcpStream,
}

impl Rude {
    /// Connects and shakes hands.
    pub(crate) async fn connect(address: SocketAddr) -> Self {
        Self::connect_from(Ipv4Addr::LOCALHOST, address).await
    }

    /// Likewise, from another address of this machine.
    pub(crate) async fn connect_from(from: Ipv4Addr, address: SocketAddr) -> Self {
        let socket = TcpSocket::new_v4().unwrap();
        socket.bind((from, 0).into()).unwrap();
        let mut socket = socket.connect(address).await.unwrap();
        socket.set_nodelay(true).unwrap();
        socket
            .write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")
            .await
            .unwrap();
        let mut rude = Self { socket };
        rude.send(SETTINGS, 0, 0, &[]).await.unwrap();
        rude
    }

    pub(crate) async fn send(
        &mut self,
        kind: u8,
        flags: u8,
        stream: u32,
        payload: &[u8],
    ) -> std::io::Result<()> {
        self.socket
            .write_all(&frame(kind, flags, stream, payload))
            .await
    }

    /// The next frame, or none if the connection ended or said nothing for `patience`.
    pub(crate) async fn next(&mut self, patience: Duration) -> Option<Frame> {
        tokio::time::timeout(patience, self.read())
            .await
            .ok()
            .flatten()
    }

    async fn read(&mut self) -> Option<Frame> {
        let mut head = [0; 9];
        self.socket.read_exact(&mut head).await.ok()?;
        let length = u32::from_be_bytes([0, head[0], head[1], head[2]]) as usize;
        let stream = u32::from_be_bytes([head[5], head[6], head[7], head[8]]);
        let mut payload = vec![0; length];
        self.socket.read_exact(&mut payload).await.ok()?;
        Some(Frame {
            kind: head[3],
            stream,
            payload,
        })
    }

    /// Reads until the peer says goodbye or hangs up; true if it does within `patience`.
    pub(crate) async fn is_cut(&mut self, patience: Duration) -> bool {
        tokio::time::timeout(patience, async {
            loop {
                match self.read().await {
                    None => return,
                    Some(frame) if frame.kind == GOAWAY => return,
                    Some(_) => {}
                }
            }
        })
        .await
        .is_ok()
    }
}

/// The bytes of a frame.
pub(crate) fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
    let mut bytes = vec![length[1], length[2], length[3], kind, flags];
    bytes.extend(stream.to_be_bytes());
    bytes.extend(payload);
    bytes
}

/// Header fields of a call of `SubmitVote`, in HPACK without tables.
pub(crate) fn call() -> Vec<u8> {
    let path = b"/quorate.v1.Aggregator/SubmitVote";
    let mut block = vec![0x83, 0x86]; // :method POST, :scheme http
    block.extend([0x04, 33]);
    block.extend(path);
    block.extend([0x01, 1, b'x']); // :authority
    let kind = b"application/grpc";
    block.extend([0x0f, 0x10, 16]); // content-type
    block.extend(kind);
    block.extend([0x00, 2, b't', b'e', 8]);
    block.extend(b"trailers");
    block
}
