//! `tollgate dev`: a demo that is there within seconds, holds together, and leaves nothing behind.

use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Child, ChildStdout, Stdio};
use std::time::{Duration, Instant};

use chrono::{SecondsFormat, TimeDelta, Utc};
use serde_json::Value;
use tempfile::TempDir;

use super::process::free_port;
use super::{printed, printed_json, refused, run, text, tollgate};

/// How long it may take until it says how to use it; on a busy machine, without optimisation.
const PATIENCE: Duration = Duration::from_secs(60);
const STOP_PATIENCE: Duration = Duration::from_secs(20);

/// A running demo; killed when it is dropped.
pub struct Demo {
    child: Child,
    output: BufReader<ChildStdout>,
    /// Where it keeps what it has, and contexts.
    folder: TempDir,
    pub server: String,
    pub introduction: String,
}

impl Demo {
    pub fn start(flags: &[&str]) -> Demo {
        let folder = tempfile::tempdir().unwrap();
        let server = format!("127.0.0.1:{}", free_port());
        let mut command = tollgate(folder.path(), &["dev", "--listen", &server]);
        command.args(flags).env("TMPDIR", folder.path());
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let output = BufReader::new(child.stdout.take().unwrap());
        let mut demo = Demo { child, output, folder, server, introduction: String::new() };
        while !demo.introduction.contains("start over") {
            let mut line = String::new();
            let read = demo.output.read_line(&mut line).unwrap();
            assert!(read > 0, "it has ended: {}", demo.introduction);
            demo.introduction.push_str(&line);
        }
        demo
    }

    pub fn home(&self) -> &Path {
        self.folder.path()
    }

    /// Arguments of a command, with the server and the workspace.
    pub fn with<'a>(&'a self, arguments: &[&'a str]) -> Vec<&'a str> {
        [arguments, &["--server", &self.server, "--workspace", "demo"]].concat()
    }

    pub fn printed(&self, arguments: &[&str]) -> String {
        printed(self.home(), &self.with(arguments))
    }

    pub fn json(&self, arguments: &[&str]) -> Value {
        printed_json(self.home(), &self.with(&[arguments, &["--output", "json"]].concat()))
    }

    pub fn refused(&self, arguments: &[&str]) -> (i32, String) {
        refused(self.home(), &self.with(arguments))
    }

    /// Folders of databases.
    fn databases(&self) -> usize {
        let entries = fs::read_dir(self.folder.path()).unwrap();
        let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        names.filter(|name| name.starts_with("tollgate-dev-")).count()
    }

    /// Ends it by a signal: with success, and nothing left.
    fn stop(mut self, signal: &str) {
        assert_eq!(self.databases(), 1);
        let pid = self.child.id().to_string();
        let mut kill = std::process::Command::new("kill");
        assert!(kill.args([signal, &pid]).status().unwrap().success());
        let deadline = Instant::now() + STOP_PATIENCE;
        let status = loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                break status;
            }
            assert!(Instant::now() < deadline, "it does not end");
            std::thread::sleep(Duration::from_millis(20));
        };
        assert!(status.success(), "{status}");
        let mut rest = String::new();
        self.output.read_to_string(&mut rest).unwrap();
        assert_eq!(rest, "");
        assert_eq!(self.databases(), 0);
    }
}

impl Drop for Demo {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The command of the introduction that stands below a line.
fn command_below<'a>(introduction: &'a str, heading: &str) -> &'a str {
    let (_, below) = introduction.split_once(heading).unwrap();
    below.trim_start().lines().next().unwrap().trim()
}

/// Runs a command of the introduction as a shell would.
fn run_line(demo: &Demo, line: &str) -> String {
    let folder = super::process::binary();
    let folder = folder.parent().unwrap();
    let path = format!("{}:{}", folder.display(), std::env::var("PATH").unwrap());
    let mut shell = std::process::Command::new("sh");
    let shell = shell.args(["-c", line]).env("PATH", path).env("HOME", demo.home());
    let output = shell.output().unwrap();
    assert!(output.status.success(), "{line}: {}", text(&output.stderr));
    text(&output.stdout)
}

#[test]
fn it_is_there_within_seconds_and_its_introduction_is_true() {
    let begun = Instant::now();
    let demo = Demo::start(&["--no-traffic"]);
    assert!(begun.elapsed() < PATIENCE, "{:?}", begun.elapsed());
    let introduction = &demo.introduction;
    assert!(introduction.contains(&format!("http://{}/", demo.server)), "{introduction}");

    let first = run_line(&demo, command_below(introduction, "A first call:"));
    assert!(introduction.contains(first.trim()), "{first} is not in {introduction}");
    let first: Value = serde_json::from_str(&first).unwrap();
    assert_eq!(first["decision"], "DECISION_ALLOWED");
    let status = run_line(&demo, command_below(introduction, "Where the workspace stands:"));
    assert!(status.contains("within plan"), "{status}");
    let why = run_line(&demo, command_below(introduction, "Why a user is blocked:"));
    assert!(why.starts_with("BLOCKED") && why.contains("one-user"), "{why}");
    demo.stop("-TERM");
}

#[test]
fn the_workspace_has_what_the_panel_shows() {
    let demo = Demo::start(&["--no-traffic"]);
    let call = |method: &str| demo.json(&["call", method]);
    let workspace = &call("GetWorkspace")["workspace"];
    assert_eq!(workspace["currency_code"], "USD");
    assert_eq!(workspace["plan"]["budget"]["currency_code"], "USD");
    let budget = call("GetBudget");
    let share = budget["budget"]["used_share"].as_f64().unwrap();
    assert!((0.3..0.9).contains(&share), "{share}");
    assert!(budget["budget"]["boost"]["amount"].is_string());
    let length = |answer: &Value, field: &str| answer[field].as_array().unwrap().len();
    assert_eq!(length(&call("ListModelLimits"), "model_limits"), 8);
    assert!(length(&call("ListAlerts"), "alerts") > 3);
    assert_eq!(length(&call("ListKeyGroups"), "key_groups"), 1);
    assert!(length(&call("ListApiKeys"), "api_keys") > 5);
    assert_eq!(length(&call("ListQuotas"), "quotas"), 5);
    assert_eq!(length(&call("ListRateLimits"), "rate_limits"), 1);
    let overview = demo.json(&[
        "call",
        "GetOverview",
        r#"{"range": {"preset": "REPORT_PRESET_LAST_90_DAYS"}}"#,
    ]);
    let number = |path: &str| overview.pointer(path).unwrap().as_str().unwrap().parse::<i64>();
    assert!(number("/overview/requests/value").unwrap_or_default() > 10_000, "{overview}");
    let today = demo.json(&["top", "--by", "department", "--range", "last-7-days"]);
    assert!(length(&today, "groups") > 3, "{today}");
    // All that was recorded was priced as it is priced now.
    let start = (Utc::now() - TimeDelta::days(90)).to_rfc3339_opts(SecondsFormat::Secs, true);
    let period = format!(r#"{{"start_time": "{start}", "dry_run": true}}"#);
    let repriced = demo.json(&["call", "RepriceUsage", &period]);
    assert!(repriced["examined_count"].is_string(), "{repriced}");
    assert_eq!(repriced["corrected_count"], Value::Null, "{repriced}");
    demo.stop("-INT");
}

#[test]
fn requests_go_on_and_the_next_start_begins_anew() {
    let demo = Demo::start(&[]);
    let spent = || demo.json(&["call", "GetBudget"])["budget"]["spent"]["amount"].clone();
    let (before, deadline) = (spent(), Instant::now() + PATIENCE);
    while spent() == before {
        assert!(Instant::now() < deadline, "nothing is used");
        std::thread::sleep(Duration::from_millis(200));
    }
    demo.stop("-HUP");
}

#[test]
fn the_same_seed_makes_the_same_demo() {
    let answers = ["1", "1", "2"].map(|seed| {
        let demo = Demo::start(&["--no-traffic", "--records", "2000", "--seed", seed]);
        // Today goes on: what was used until yesterday does not change any more.
        let spent = demo.json(&["top", "--by", "model", "--range", "last-month"]);
        spent["total"]["values"].clone()
    });
    assert_eq!(answers[0], answers[1]);
    assert_ne!(answers[0], answers[2]);
}

#[test]
fn what_it_cannot_listen_on_is_told_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let (code, told) = refused(folder.path(), &["dev", "--listen", &address]);
    assert_eq!(code, 1);
    assert!(told.contains("--listen chooses another port"), "{told}");
    let output = run(folder.path(), &["dev", "--listen", "0.0.0.0:50051"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output.stderr).contains("loopback"), "{}", text(&output.stderr));
}
