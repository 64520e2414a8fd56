//! The README's example and the examples, as a new user runs them, and what the server has of it.

use std::fs;
use std::path::{Path, PathBuf};

use rust_decimal::Decimal;
use tokio::process::Command;
use tollgate_grpc::Outcome;
use tollgate_grpc::v1::UsageRecord;

use crate::support::provider::{self, WORDS};
use crate::support::{Server, Workspace};

/// What the fake provider's answer costs: 600 of input, 400 cached, 200 of output.
const ANSWER_COST: Decimal = Decimal::from_parts(3, 0, 0, false, 3);

struct World {
    server: Server,
    workspace: Workspace,
    provider: String,
}

impl World {
    async fn new() -> Self {
        let (server, provider) = (Server::start().await, provider::start().await);
        let workspace = server.workspace("acme").await;
        Self { server, workspace, provider }
    }

    /// Runs a program; gives what it said.
    async fn run(&self, command: &mut Command) -> String {
        let command = command
            .env("TOLLGATE_ADDRESS", &self.server.address)
            .env("OPENAI_API_KEY", "k")
            .env("OPENAI_BASE_URL", format!("{}/v1", self.provider))
            .kill_on_drop(true);
        let done = command.output().await.unwrap();
        let (said, complained) = (text(&done.stdout), text(&done.stderr));
        assert!(done.status.success(), "{said}\n{complained}");
        said
    }

    async fn example(&self, name: &str, workspace: &str) -> String {
        // Cargo builds the examples beside the tests.
        let tests = std::env::current_exe().unwrap();
        let folder: PathBuf = tests.ancestors().nth(2).unwrap().join("examples");
        self.run(Command::new(folder.join(name)).arg(workspace)).await
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[tokio::test]
async fn the_example_of_the_readme() {
    let world = World::new().await;
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"));
    let readme = fs::read_to_string(folder.join("README.md")).unwrap();
    // As it is read, but for the defaults of deadlines, which a busy machine does not keep.
    let long = "std::time::Duration::from_secs(60)";
    let address = &world.server.address;
    let patient = format!("Client::builder().address({address:?})");
    let patient = format!("{patient}.timeout({long}).flush_timeout({long}).build()");
    let own = [
        ("Client::new(\"127.0.0.1:50051\")", patient),
        ("https://api.openai.com", world.provider.clone()),
    ];
    let readme = own.iter().fold(readme, |readme, (theirs, ours)| {
        assert!(readme.contains(theirs), "{theirs}");
        readme.replace(theirs, ours)
    });
    let path = world.server.folder.path().join("README.md");
    fs::write(&path, readme).unwrap();
    // With a name of its own for the example that this README is, see src/lib.rs.
    let mut cargo = Command::new(env!("CARGO"));
    cargo.args(["test", "--quiet", "--offline", "--all-features", "--doc", "Readme"]);
    cargo.args(["--", "--nocapture"]);
    cargo.current_dir(folder).env("TOLLGATE_README", path);
    // What cargo says to tests would make it build half of the crates anew.
    for (name, _) in std::env::vars()
        .filter(|(name, _)| name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_"))
    {
        cargo.env_remove(name);
    }
    let said = world.run(cargo.env("RUSTDOCFLAGS", "--cfg tollgate_readme")).await;
    assert!(said.contains("5 passed"), "{said}");
    let records = world.workspace.records().await;
    assert_eq!(records.len(), 1);
    assert_eq!(records[0].attribution.as_ref().unwrap().user_id, "ada");
    assert_eq!(world.workspace.spent().await, ANSWER_COST);
}

#[tokio::test]
async fn basic() {
    let world = World::new().await;
    let said = world.example("basic", "acme").await;
    assert_eq!(said, format!("{}\ngpt-4.1 cost 0.003 USD\n", WORDS.concat()));
}

#[tokio::test]
async fn streaming() {
    let world = World::new().await;
    let said = world.example("streaming", "acme").await;
    assert_eq!(said, format!("{}\ncut after: {:?}\n", WORDS.concat(), &WORDS[..2]));
    let records = world.workspace.records().await;
    let outcomes: Vec<_> = records.iter().map(UsageRecord::outcome).collect();
    assert_eq!(outcomes, [Outcome::Success, Outcome::Cancelled]);
    // Two words, and two more may have come that nobody heard.
    let output = records[1].usage.clone().unwrap().output_token_count;
    assert!((4..=7).contains(&output), "{output}");
}

#[tokio::test]
async fn fallback() {
    let world = World::new().await;
    world.workspace.cap("gpt-4.1", "0.001").await;
    let said = world.example("fallback", "acme").await;
    let lines: Vec<&str> = said.lines().collect();
    assert_eq!(lines[0], "fallback true: answered by gpt-4.1-mini-2025-04-14");
    let blocked = "fallback false: blocked: model limit of model gpt-4.1";
    assert!(lines[1].starts_with(blocked), "{said}");
    assert_eq!(lines[2], "retry after: None");
}

#[tokio::test]
async fn admin() {
    let world = World::new().await;
    let said = world.example("admin", "new").await;
    let lines: Vec<&str> = said.lines().collect();
    assert!(lines[0].starts_with("spent 0.00 USD, held 0"), "{said}");
    assert!(lines.last().unwrap().starts_with("spent 0.0028 USD, held 0"), "{said}");
}
