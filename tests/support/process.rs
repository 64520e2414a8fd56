//! The real binary as a process: started, killed, stopped.

use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
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
        let child = Command::new(binary())
            .args(["serve", "--database", database, "--log-filter", "warn"])
            .args(["--listen", &format!("127.0.0.1:{port}"), "--webhooks-allow-loopback"])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        let mut server = Server { child, port };
        let channel = server.connect().await;
        (server, channel)
    }

    async fn connect(&mut self) -> Channel {
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

    /// SIGTERM: must end by itself, with success.
    pub async fn stop(mut self) {
        let pid = self.child.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &pid]).status().unwrap().success());
        let deadline = Instant::now() + START_DEADLINE;
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                assert!(status.success(), "a graceful stop ended with {status}");
                return;
            }
            assert!(Instant::now() < deadline, "the server does not stop");
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
