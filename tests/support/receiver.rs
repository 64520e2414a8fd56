//! An HTTP server on loopback that takes what is posted, and answers as a test says: a status, a
//! stall, a connection that is closed. Checks signatures by the convention, not by our code.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

/// What is answered to one request.
#[derive(Clone, Debug)]
pub enum Reply {
    Status(u16),
    /// With one more header.
    With(u16, &'static str, String),
    /// Nothing, and the connection stays open.
    Stall,
    /// Nothing, and the connection is closed.
    Close,
}

/// One request as it came.
#[derive(Clone, Debug)]
pub struct Posted {
    pub head: String,
    pub body: String,
}

pub struct Receiver {
    pub url: String,
    /// For the next requests; then the last of them again and again.
    replies: Arc<Mutex<VecDeque<Reply>>>,
    posted: mpsc::UnboundedReceiver<Posted>,
    serving: JoinHandle<()>,
}

impl Drop for Receiver {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

impl Receiver {
    pub async fn start(replies: &[Reply]) -> Receiver {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/hook?token=hidden", listener.local_addr().unwrap());
        let replies = Arc::new(Mutex::new(replies.iter().cloned().collect::<VecDeque<_>>()));
        let (sender, posted) = mpsc::unbounded_channel();
        let serving = tokio::spawn(serve(listener, replies.clone(), sender));
        Receiver { url, replies, posted, serving }
    }

    pub fn answer(&self, replies: &[Reply]) {
        *self.replies.lock().unwrap() = replies.iter().cloned().collect();
    }

    /// Waits for the next request.
    pub async fn next(&mut self) -> Posted {
        self.posted.recv().await.expect("the receiver runs")
    }

    /// The next request, if it is there already.
    pub fn try_next(&mut self) -> Option<Posted> {
        self.posted.try_recv().ok()
    }
}

impl Posted {
    pub fn header(&self, name: &str) -> &str {
        let mut lines = self.head.lines().skip(1).filter_map(|line| line.split_once(':'));
        let found = lines.find(|(key, _)| key.eq_ignore_ascii_case(name));
        found.unwrap_or_else(|| panic!("{name} in {}", self.head)).1.trim()
    }

    pub fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.body).unwrap()
    }

    /// Whether one of the signatures is that of a secret as it was shown.
    pub fn is_signed_with(&self, secret: &str) -> bool {
        let key = STANDARD.decode(secret.strip_prefix("whsec_").unwrap()).unwrap();
        let mut mac = Hmac::<Sha256>::new_from_slice(&key).unwrap();
        for part in
            [self.header("webhook-id"), ".", self.header("webhook-timestamp"), ".", &self.body]
        {
            mac.update(part.as_bytes());
        }
        let expected = mac.finalize().into_bytes();
        self.header("webhook-signature").split(' ').any(|signature| {
            let encoded = signature.strip_prefix("v1,").expect("version 1");
            STANDARD.decode(encoded).unwrap() == expected.as_slice()
        })
    }
}

async fn serve(
    listener: TcpListener,
    replies: Arc<Mutex<VecDeque<Reply>>>,
    posted: mpsc::UnboundedSender<Posted>,
) {
    // Connections end with the receiver.
    let mut connections = tokio::task::JoinSet::new();
    loop {
        let Ok((stream, _)) = listener.accept().await else { return };
        connections.spawn(take(stream, replies.clone(), posted.clone()));
    }
}

async fn take(
    mut stream: TcpStream,
    replies: Arc<Mutex<VecDeque<Reply>>>,
    posted: mpsc::UnboundedSender<Posted>,
) {
    let Some(request) = read(&mut stream).await else { return };
    let reply = {
        let mut replies = replies.lock().unwrap();
        let last = replies.len() <= 1;
        if last { replies.front().cloned() } else { replies.pop_front() }
    };
    // The test may have ended.
    drop(posted.send(request));
    let head = match reply.unwrap_or(Reply::Status(200)) {
        Reply::Status(status) => format!("HTTP/1.1 {status} X\r\n"),
        Reply::With(status, name, value) => format!("HTTP/1.1 {status} X\r\n{name}: {value}\r\n"),
        Reply::Stall => std::future::pending().await,
        Reply::Close => return,
    };
    let answer = format!("{head}content-length: 0\r\nconnection: close\r\n\r\n");
    drop(stream.write_all(answer.as_bytes()).await);
}

/// A request with a body of a stated length; none if the connection ends before.
async fn read(stream: &mut TcpStream) -> Option<Posted> {
    let mut bytes = Vec::new();
    let end = loop {
        if let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") {
            break end;
        }
        if stream.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
    };
    let head = String::from_utf8(bytes[..end].to_vec()).unwrap();
    let request = Posted { head, body: String::new() };
    let length: usize = request.header("content-length").parse().unwrap();
    while bytes.len() < end + 4 + length {
        if stream.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
    }
    let body = String::from_utf8(bytes[end + 4..].to_vec()).unwrap();
    Some(Posted { body, ..request })
}
