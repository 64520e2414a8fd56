//! A network between a server and its database that can go silent: nothing is refused or closed,
//! nothing arrives either.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};

/// Forwards connections to another port of this machine.
pub struct Proxy {
    pub port: u16,
    state: Arc<State>,
}

#[derive(Default)]
struct State {
    /// Number of connections that were taken.
    taken: AtomicU64,
    /// Connections with a lower number are silent for ever.
    silenced: AtomicU64,
}

impl Proxy {
    pub async fn start(target: u16) -> Proxy {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let state = Arc::new(State::default());
        tokio::spawn(accept(listener, target, state.clone()));
        Proxy { port, state }
    }

    /// Silences the connections that there are; later ones are forwarded.
    pub fn silence(&self) {
        self.state.silenced.store(self.state.taken.load(Ordering::SeqCst), Ordering::SeqCst);
    }

    /// Silences those that there are, and all later ones.
    pub fn cut_off(&self) {
        self.state.silenced.store(u64::MAX, Ordering::SeqCst);
    }

    /// Forwards connections that are opened from now on.
    pub fn reconnect(&self) {
        self.silence();
    }
}

async fn accept(listener: TcpListener, target: u16, state: Arc<State>) {
    loop {
        let (client, _) = listener.accept().await.unwrap();
        let number = state.taken.fetch_add(1, Ordering::SeqCst);
        let Ok(server) = TcpStream::connect(("127.0.0.1", target)).await else { continue };
        let (from_client, to_client) = client.into_split();
        let (from_server, to_server) = server.into_split();
        tokio::spawn(forward(from_client, to_server, number, state.clone()));
        tokio::spawn(forward(from_server, to_client, number, state.clone()));
    }
}

async fn forward(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, number: u64, state: Arc<State>) {
    let mut buffer = vec![0; 1 << 16];
    loop {
        let read = from.read(&mut buffer).await.unwrap_or(0);
        if number < state.silenced.load(Ordering::SeqCst) {
            // Neither end hears of it.
            std::future::pending::<()>().await;
        }
        if read == 0 || to.write_all(&buffer[..read]).await.is_err() {
            return;
        }
    }
}
