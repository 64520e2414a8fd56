//! The real binary as a process: started, killed, stopped.

use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use tonic::transport::Channel;

/// How long a server may take until it answers.
const START_DEADLINE: Duration = Duration::from_secs(30);

pub fn binary() -> PathBuf {
    PathBuf::from(env!("CARGO_BIN_EXE_tollgate"))
}

/// A port that is free now, and stays free while a server on it is killed and started again: it is
/// none of those that systems give to connections (from 32768 on Linux).
pub fn free_port() -> u16 {
    let is_free = |port: &u16| std::net::TcpListener::bind(("127.0.0.1", *port)).is_ok();
    let ports = std::iter::repeat_with(|| rand::random_range(20_000..32_000));
    ports.take(1_000).find(is_free).expect("a free port")
}

/// A running `tollgate serve`; killed when it is dropped.
pub struct Server {
    child: Child,
    pub port: u16,
}

impl Server {
    /// Starts the binary and waits until it takes connections.
    pub async fn start(database: &str, port: u16) -> (Server, Channel) {
        let flags = ["--node-id", "one", "--webhooks-allow-loopback"];
        let mut server = Server::spawn(database, port, &flags);
        let channel = server.connect().await;
        (server, channel)
    }

    /// Starts the binary.
    pub fn spawn(database: &str, port: u16, flags: &[&str]) -> Server {
        let child = Command::new(binary())
            .args(["serve", "--database", database, "--log-filter", "warn"])
            .args(["--listen", &format!("127.0.0.1:{port}")])
            .args(flags)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        Server { child, port }
    }

    /// Waits until it takes connections.
    pub async fn connect(&mut self) -> Channel {
        let endpoint = Channel::from_shared(format!("http://127.0.0.1:{}", self.port)).unwrap();
        let deadline = Instant::now() + START_DEADLINE;
        loop {
            if let Ok(channel) = endpoint.connect().await {
                return channel;
            }
            if let Some(status) = self.child.try_wait().unwrap() {
                panic!("the server ended with {status} instead of serving");
            }
            assert!(Instant::now() < deadline, "the server does not answer");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    /// SIGKILL: nothing is finished.
    pub fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Sends a signal, for example `TERM`.
    pub fn signal(&self, name: &str) {
        let pid = self.child.id().to_string();
        assert!(Command::new("kill").args([&format!("-{name}"), &pid]).status().unwrap().success());
    }

    /// SIGTERM: must end by itself, with success.
    pub async fn stop(self) {
        self.signal("TERM");
        let status = self.end().await;
        assert!(status.success(), "a graceful stop ended with {status}");
    }

    /// Waits until it has ended by itself.
    pub async fn end(mut self) -> ExitStatus {
        let deadline = Instant::now() + START_DEADLINE;
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status;
            }
            assert!(Instant::now() < deadline, "the server does not end");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
