//! A connection: bytes, plain or through TLS, and who is at the other end.

use std::io;
use std::net::SocketAddr;
use std::ops::Range;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use rustls::pki_types::CertificateDer;
use sha2::{Digest, Sha256};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio_rustls::server::TlsStream;

use super::state::State;

/// How a client of HTTP/2 begins.
const PREFACE: &[u8; 24] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// A connection of a caller.
pub(super) struct Connection {
    io: Io,
    /// What was read to see which HTTP it is, and is read again.
    first: [u8; PREFACE.len()],
    /// Of these, what was read and not read again.
    unread: Range<usize>,
}

pub(super) enum Io {
    Plain(TcpStream),
    Tls(Box<TlsStream<TcpStream>>),
}

/// The HTTP of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Version {
    Http1,
    Http2,
}

/// Who is at the other end, among the extensions of each request.
#[derive(Clone)]
pub struct Peer {
    pub address: SocketAddr,
    /// Verified; none without TLS, or where the client gave none.
    pub certificate: Option<Arc<ClientCertificate>>,
    /// What its connection has in memory.
    pub state: Arc<State>,
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

impl Connection {
    pub fn new(io: Io) -> Connection {
        Connection { io, first: [0; PREFACE.len()], unread: 0..0 }
    }

    /// The certificate of the client.
    pub fn certificate(&self) -> Option<Arc<ClientCertificate>> {
        match &self.io {
            Io::Plain(_) => None,
            Io::Tls(stream) => ClientCertificate::of(stream),
        }
    }

    /// Reads until it is known which HTTP it is: all of the preface of HTTP/2, or something else.
    ///
    /// # Errors
    /// If it ends before.
    pub async fn version(&mut self) -> io::Result<Version> {
        let mut read = 0;
        let mut first = [0; PREFACE.len()];
        while read < PREFACE.len() {
            let count = self.read(&mut first[read..]).await?;
            if count == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            read += count;
            if first[..read] != PREFACE[..read] {
                break;
            }
        }
        (self.first, self.unread) = (first, 0..read);
        Ok(if first == *PREFACE { Version::Http2 } else { Version::Http1 })
    }
}

impl AsyncRead for Connection {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if !this.unread.is_empty() {
            let count = this.unread.len().min(buffer.remaining());
            let end = this.unread.start + count;
            buffer.put_slice(&this.first[this.unread.start..end]);
            this.unread.start = end;
            return Poll::Ready(Ok(()));
        }
        match &mut this.io {
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
