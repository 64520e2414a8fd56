//! The accept loop, and what a connection has to do before it is served.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use socket2::{SockRef, TcpKeepalive};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::time::{Instant, sleep, timeout};
use tokio_rustls::TlsAcceptor;
use tracing::{debug, info, warn};

use super::connection::{Connection, Io, Version};
use super::places::{Full, Place, Places};
use super::tls::Tls;
use crate::limits::{HANDSHAKE_WAIT, HANDSHAKES_MAX, Limits};

/// How long a connection may be silent before the system asks whether it lives. Asked by TCP, not
/// by HTTP/2 pings: for these the clock is read and a lock taken with every frame.
const KEEPALIVE_INTERVAL: Duration = Duration::from_secs(60);
/// How long to wait where the system accepts nothing, for example without free descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);
/// How often the log tells of connections that are refused.
const REFUSED_LOG_INTERVAL: Duration = Duration::from_secs(10);

/// Accepts connections.
pub(super) struct Door {
    listener: TcpListener,
    places: Arc<Places>,
    /// Whether the last try failed.
    is_stuck: bool,
    refused: Refused,
}

/// Connections that were refused since the log told of them.
#[derive(Default)]
struct Refused {
    count: u64,
    told: Option<Instant>,
}

impl Door {
    pub fn new(listener: TcpListener, limits: &Limits) -> Door {
        let places = Places::new(limits.connections_max, limits.connections_per_address_max);
        Door { listener, places, is_stuck: false, refused: Refused::default() }
    }

    /// The next connection that has a place. Cancelled without loss.
    pub async fn next(&mut self) -> (TcpStream, SocketAddr, Place) {
        loop {
            let accepted = self.listener.accept().await;
            let (stream, address) = match accepted {
                Ok(accepted) => accepted,
                // Of the one connection, which is gone.
                Err(error) if error.kind() == io::ErrorKind::ConnectionAborted => continue,
                Err(error) => {
                    if !self.is_stuck {
                        warn!(%error, "no connection is accepted: trying again until one is");
                    }
                    self.is_stuck = true;
                    sleep(ACCEPT_PAUSE).await;
                    continue;
                }
            };
            if self.is_stuck {
                info!("connections are accepted again");
                self.is_stuck = false;
            }
            match self.places.take(address.ip()) {
                Ok(place) => return (stream, address, place),
                Err(full) => self.refused.add(address, full),
            }
        }
    }
}

impl Refused {
    fn add(&mut self, address: SocketAddr, full: Full) {
        self.count += 1;
        if self.told.is_some_and(|told| told.elapsed() < REFUSED_LOG_INTERVAL) {
            return;
        }
        let bound = match full {
            Full::InAll => "connections_max",
            Full::OfAddress => "connections_per_address_max",
        };
        warn!(%address, count = self.count, "connections are refused: {bound} is reached");
        *self = Refused { count: 0, told: Some(Instant::now()) };
    }
}

/// What connections are opened with.
pub(super) struct Opening {
    pub tls: Option<Arc<Tls>>,
    pub preface_wait: Duration,
    pub handshakes: Semaphore,
}

impl Opening {
    pub fn new(tls: Option<Arc<Tls>>, limits: &Limits) -> Opening {
        let handshakes = Semaphore::new(HANDSHAKES_MAX);
        Opening { tls, preface_wait: limits.preface_wait, handshakes }
    }

    /// Finds out what the connection speaks; none if that fails or takes too long.
    pub async fn open(
        &self,
        stream: TcpStream,
        address: SocketAddr,
    ) -> Option<(Connection, Version)> {
        let opened = async {
            prepare(&stream)?;
            let io = match &self.tls {
                None => Io::Plain(stream),
                Some(tls) => self.shake_hands(tls, stream).await?,
            };
            let mut connection = Connection::new(io);
            let version = timeout(self.preface_wait, connection.version()).await??;
            Ok::<_, io::Error>((connection, version))
        };
        match opened.await {
            Ok(opened) => Some(opened),
            Err(error) => {
                debug!(%error, %address, "a connection ended before it was used");
                None
            }
        }
    }

    async fn shake_hands(&self, tls: &Tls, stream: TcpStream) -> io::Result<Io> {
        let _place = self.handshakes.acquire().await;
        // A configuration that is loaded now serves the connections from now on.
        let acceptor = TlsAcceptor::from(tls.config());
        let stream = timeout(HANDSHAKE_WAIT, acceptor.accept(stream)).await??;
        Ok(Io::Tls(Box::new(stream)))
    }
}

fn prepare(stream: &TcpStream) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let keepalive = TcpKeepalive::new().with_time(KEEPALIVE_INTERVAL);
    SockRef::from(stream).set_tcp_keepalive(&keepalive)
}
