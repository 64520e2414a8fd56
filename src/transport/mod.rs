//! Transport: accepts connections, plain or with TLS, for the gRPC server.

mod tls;

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use rustls::pki_types::CertificateDer;
use sha2::{Digest, Sha256};
use socket2::{SockRef, TcpKeepalive};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, mpsc};
use tokio::time::{sleep, timeout};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;
use tokio_stream::wrappers::ReceiverStream;
use tokio_util::sync::CancellationToken;
use tonic::transport::server::Connected;
use tracing::{debug, warn};

pub use tls::{Error, RELOAD_INTERVAL, Tls};

/// How long a connection may be silent before the system asks whether it lives. Asked by TCP, not
/// by HTTP/2 pings: for these the clock is read and a lock taken with every frame.
pub const KEEPALIVE_INTERVAL: Duration = Duration::from_secs(60);
/// Longest TLS handshake.
pub const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(5);
/// Most TLS handshakes at once; others wait to be accepted.
pub const HANDSHAKES_MAX: usize = 256;
/// How long to wait where the system accepts nothing, for example without free descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);
/// Connections that are accepted and not served yet.
const QUEUE: usize = 64;

/// A connection of a caller.
pub struct Connection {
    io: Io,
    peer: Peer,
}

enum Io {
    Plain(TcpStream),
    Tls(Box<TlsStream<TcpStream>>),
}

/// Who is at the other end, among the extensions of each request.
#[derive(Clone, Debug)]
pub struct Peer {
    pub address: SocketAddr,
    /// Verified; none without TLS, or where the client gave none.
    pub certificate: Option<Arc<ClientCertificate>>,
}

/// The certificate of a client.
#[derive(Debug)]
pub struct ClientCertificate {
    pub der: CertificateDer<'static>,
    /// SHA-256.
    pub fingerprint: [u8; 32],
}

impl ClientCertificate {
    /// That of a connection.
    fn of(stream: &TlsStream<TcpStream>) -> Option<Arc<ClientCertificate>> {
        let der = stream.get_ref().1.peer_certificates()?.first()?.clone().into_owned();
        let fingerprint = Sha256::digest(&der).into();
        Some(Arc::new(ClientCertificate { der, fingerprint }))
    }
}

/// Accepts connections until `stop`. Without `tls` they are plain.
pub fn incoming(
    listener: TcpListener,
    tls: Option<Arc<Tls>>,
    stop: CancellationToken,
) -> ReceiverStream<io::Result<Connection>> {
    let (accepted, connections) = mpsc::channel(QUEUE);
    tokio::spawn(accept(listener, tls, accepted, stop));
    ReceiverStream::new(connections)
}

type Accepted = mpsc::Sender<io::Result<Connection>>;

async fn accept(
    listener: TcpListener,
    tls: Option<Arc<Tls>>,
    accepted: Accepted,
    stop: CancellationToken,
) {
    let handshakes = Arc::new(Semaphore::new(HANDSHAKES_MAX));
    loop {
        let next = stop.run_until_cancelled(listener.accept()).await;
        let (stream, address) = match next {
            None => return,
            Some(Ok(next)) => next,
            Some(Err(error)) => {
                warn!(%error, "no connection is accepted");
                sleep(ACCEPT_PAUSE).await;
                continue;
            }
        };
        let mut peer = Peer { address, certificate: None };
        if let Err(error) = prepare(&stream) {
            debug!(%error, "a connection ended before it was used");
            continue;
        }
        let Some(tls) = &tls else {
            let connection = Connection { io: Io::Plain(stream), peer };
            if accepted.send(Ok(connection)).await.is_err() {
                return;
            }
            continue;
        };
        let Ok(place) = handshakes.clone().acquire_owned().await else { return };
        // A configuration that is loaded now serves the connections from now on.
        let (acceptor, accepted) = (TlsAcceptor::from(tls.config()), accepted.clone());
        tokio::spawn(async move {
            let _place = place;
            match timeout(HANDSHAKE_TIMEOUT, acceptor.accept(stream)).await {
                Ok(Ok(stream)) => {
                    peer.certificate = ClientCertificate::of(&stream);
                    let connection = Connection { io: Io::Tls(Box::new(stream)), peer };
                    drop(accepted.send(Ok(connection)).await);
                }
                Ok(Err(error)) => debug!(%error, %address, "a TLS handshake failed"),
                Err(_) => debug!(%address, "a TLS handshake took too long"),
            }
        });
    }
}

fn prepare(stream: &TcpStream) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let keepalive = TcpKeepalive::new().with_time(KEEPALIVE_INTERVAL);
    SockRef::from(stream).set_tcp_keepalive(&keepalive)
}

impl Connected for Connection {
    type ConnectInfo = Peer;

    fn connect_info(&self) -> Peer {
        self.peer.clone()
    }
}

impl AsyncRead for Connection {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match &mut self.get_mut().io {
            Io::Plain(stream) => Pin::new(stream).poll_read(context, buffer),
            Io::Tls(stream) => Pin::new(stream).poll_read(context, buffer),
        }
    }
}

impl AsyncWrite for Connection {
    fn poll_write(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &[u8],
    ) -> Poll<io::Result<usize>> {
        match &mut self.get_mut().io {
            Io::Plain(stream) => Pin::new(stream).poll_write(context, buffer),
            Io::Tls(stream) => Pin::new(stream).poll_write(context, buffer),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.get_mut().io {
            Io::Plain(stream) => Pin::new(stream).poll_flush(context),
            Io::Tls(stream) => Pin::new(stream).poll_flush(context),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.get_mut().io {
            Io::Plain(stream) => Pin::new(stream).poll_shutdown(context),
            Io::Tls(stream) => Pin::new(stream).poll_shutdown(context),
        }
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffers: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        match &mut self.get_mut().io {
            Io::Plain(stream) => Pin::new(stream).poll_write_vectored(context, buffers),
            Io::Tls(stream) => Pin::new(stream).poll_write_vectored(context, buffers),
        }
    }

    fn is_write_vectored(&self) -> bool {
        match &self.io {
            Io::Plain(stream) => stream.is_write_vectored(),
            Io::Tls(stream) => stream.is_write_vectored(),
        }
    }
}
