//! A server for mail on loopback, started and stopped by a test: `smtp-server` of npm, which the
//! checks install in `tools/`.

use std::path::Path;
use std::process::{Command, Stdio};

use serde::Deserialize;
use tokio::io::{AsyncBufReadExt, BufReader, Lines};
use tokio::process::{Child, ChildStdout};

use crate::support::{not_run, was_run};

/// Set to 1 it makes the absence of the server a failure.
const REQUIRE: &str = "TOLLGATE_TEST_REQUIRE_SMTP";
const WHAT: &str = "mail of tests/api";
const SCRIPT: &str = "tests/support/smtp.mjs";
const PACKAGE: &str = "tools/node_modules/smtp-server";

/// What it asks of its clients.
#[derive(Clone, Copy, Default)]
pub struct Options {
    pub credentials: Option<(&'static str, &'static str)>,
    /// Offers STARTTLS with a certificate that nobody trusts.
    pub tls: bool,
}

/// A message as the server took it.
#[derive(Debug, Deserialize)]
pub struct Mail {
    pub from: String,
    pub to: Vec<String>,
    pub user: String,
    pub text: String,
}

pub struct MailServer {
    pub port: u16,
    lines: Lines<BufReader<ChildStdout>>,
    /// Ends with its input, or when it is dropped.
    _child: Child,
}

impl MailServer {
    /// Started; `None` if it is not installed here.
    pub async fn start(options: Options) -> Option<MailServer> {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let has_node = Command::new("node")
            .arg("--version")
            .stdout(Stdio::null())
            .status()
            .is_ok_and(|status| status.success());
        if !has_node || !root.join(PACKAGE).exists() {
            let why = "no node in PATH, or no smtp-server in tools/node_modules (cd tools; npm ci)";
            assert!(std::env::var(REQUIRE).as_deref() != Ok("1"), "{REQUIRE}=1, but {why}");
            not_run(WHAT, why);
            return None;
        }
        was_run(WHAT);
        let (user, password) = options.credentials.unzip();
        let options = serde_json::json!({ "user": user, "password": password, "tls": options.tls });
        let mut child = tokio::process::Command::new("node")
            .arg(root.join(SCRIPT))
            .arg(options.to_string())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .expect("node starts");
        let mut lines = BufReader::new(child.stdout.take().expect("it is piped")).lines();
        let port = lines.next_line().await.unwrap().expect("the server says its port");
        Some(MailServer { port: port.parse().expect("a port"), lines, _child: child })
    }

    /// Waits for the next message.
    pub async fn next(&mut self) -> Mail {
        let line = self.lines.next_line().await.unwrap().expect("the server runs");
        serde_json::from_str(&line).expect("a message")
    }
}

impl Mail {
    pub fn header(&self, name: &str) -> &str {
        let mut lines = self.text.lines().take_while(|line| !line.is_empty());
        let found = lines.find_map(|line| {
            let (key, value) = line.split_once(": ")?;
            key.eq_ignore_ascii_case(name).then_some(value)
        });
        found.unwrap_or_else(|| panic!("{name} in {}", self.text))
    }

    pub fn body(&self) -> &str {
        self.text.split_once("\r\n\r\n").expect("a body").1
    }
}
