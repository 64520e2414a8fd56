//! The real binary as a process: started, signalled, killed, stopped.
#![allow(dead_code, reason = "each test target uses its part of it")]

use std::path::PathBuf;
use std::process::{Child, ChildStderr, Command, ExitStatus, Stdio};
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

/// `tollgate serve`, to be started.
pub fn serve(database: &str, port: u16) -> Command {
    let mut command = Command::new(binary());
    command
        .args(["serve", "--database", database, "--create"])
        // In the environment, so that a flag of the test wins.
        .env("TOLLGATE_LOG_FILTER", "warn")
        // A server that was killed need not be waited for.
        .env("TOLLGATE_NODE_ID", "one")
        .args(["--listen", &format!("127.0.0.1:{port}"), "--webhooks-allow-loopback"])
        .stdin(Stdio::null())
        .stdout(Stdio::null());
    command
}

impl Server {
    /// Starts the binary and waits until it takes connections.
    pub async fn start(database: &str, port: u16) -> (Server, Channel) {
        Server::run(serve(database, port), port).await
    }

    /// The same with a command that may have more flags.
    pub async fn run(mut command: Command, port: u16) -> (Server, Channel) {
        let mut server = Server { child: command.spawn().unwrap(), port };
        let channel = server.connect().await;
        (server, channel)
    }

    /// Starts the binary on a node that is not named.
    pub fn spawn(database: &str, port: u16, flags: &[&str]) -> Server {
        let mut command = serve(database, port);
        let child = command.env_remove("TOLLGATE_NODE_ID").args(flags).spawn().unwrap();
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

    /// SIGTERM: must end by itself, with success.
    pub async fn stop(self) {
        self.signal("TERM");
        let status = self.ended().await;
        assert!(status.success(), "a graceful stop ended with {status}");
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Sends a signal.
    pub fn signal(&self, name: &str) {
        let (signal, pid) = (format!("-{name}"), self.child.id().to_string());
        assert!(Command::new("kill").args([signal, pid]).status().unwrap().success());
    }

    /// Waits until it ends.
    pub async fn ended(mut self) -> ExitStatus {
        let deadline = Instant::now() + START_DEADLINE;
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status;
            }
            assert!(Instant::now() < deadline, "the server does not end");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    /// Whether it runs.
    pub fn is_alive(&mut self) -> bool {
        self.child.try_wait().unwrap().is_none()
    }

    /// The reading end of its standard error, if it was piped.
    pub fn take_stderr(&mut self) -> ChildStderr {
        self.child.stderr.take().expect("it was piped")
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
