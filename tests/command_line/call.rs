//! `tollgate call` and `tollgate health`: every method, streams, tokens, TLS, and what an error
//! says.

use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::{Value, json};

use super::process::{Server, free_port, serve};
use super::{printed, printed_json, refused, text, tollgate};

const NEW_WORKSPACE: &str =
    r#"{"workspace": {"workspace_id": "acme", "display_name": "Acme", "currency_code": "EUR"}}"#;

const TRACE: &str = "TIMESTAMP,ContextTokens,GeneratedTokens\n\
                     2023-11-16 18:15:46.6805900,374,44\n";

struct Setup {
    folder: tempfile::TempDir,
    server: Server,
    address: String,
}

impl Setup {
    fn database(folder: &Path) -> String {
        format!("sqlite:{}", folder.join("tollgate.db").display())
    }

    async fn start(change: impl FnOnce(&mut Command, &Path)) -> Setup {
        let folder = tempfile::tempdir().unwrap();
        let port = free_port();
        let mut command = serve(&Setup::database(folder.path()), port);
        change(&mut command, folder.path());
        let (server, _) = Server::run(command, port).await;
        Setup { folder, server, address: format!("127.0.0.1:{port}") }
    }

    fn home(&self) -> &Path {
        self.folder.path()
    }

    fn path(&self, name: &str) -> String {
        self.home().join(name).display().to_string()
    }

    /// It takes connections a moment before it has found out that it serves.
    fn until_healthy(&self, health: &[&str]) {
        let is_healthy = || tollgate(self.home(), health).output().unwrap().status.success();
        assert!((0..100).any(|_| is_healthy()), "{}", refused(self.home(), health).1);
    }

    fn json(&self, arguments: &[&str]) -> Value {
        printed_json(self.home(), &[arguments, &["--server", &self.address]].concat())
    }

    fn refused(&self, arguments: &[&str]) -> (i32, String) {
        refused(self.home(), &[arguments, &["--server", &self.address]].concat())
    }
}

#[tokio::test]
async fn any_method_is_called_by_its_name() {
    let setup = Setup::start(|_, _| {}).await;
    let made = setup.json(&["call", "WorkspaceService/CreateWorkspace", NEW_WORKSPACE]);
    assert_eq!(made["workspace"]["time_zone"], "UTC");
    // The workspace may be given apart; int64 may be a number; names may be those of JSON.
    let check = r#"{"modelId": "gpt-4.1", "input_token_count": 100, "dry_run": true}"#;
    let check = setup.json(&["call", "CheckAndRoute", check, "--workspace", "acme"]);
    assert_eq!(check["decision"], "DECISION_BLOCKED");
    assert_eq!(check["reason"], "REASON_MODEL_DISABLED");
    // What a request names comes before what is given apart.
    let other = ["call", "GetBudget", r#"{"workspace_id": "acme"}"#, "-w", "none"];
    assert_eq!(setup.json(&other)["budget"]["state"], "BUDGET_STATE_NO_PLAN");

    fs::write(setup.home().join("request.json"), r#"{"workspace_id": "acme"}"#).unwrap();
    let file = format!("@{}", setup.path("request.json"));
    assert_eq!(setup.json(&["call", "GetWorkspace", &file])["workspace"]["display_name"], "Acme");
    let listed = printed(setup.home(), &["call", "--list"]);
    assert!(listed.lines().count() > 90 && listed.contains("BudgetService/WatchSpend\n"));
    setup.server.stop().await;
}

#[tokio::test]
async fn streams_are_sent_and_read_message_by_message() {
    let setup = Setup::start(|_, _| {}).await;
    setup.json(&["call", "CreateWorkspace", NEW_WORKSPACE]);
    let check = |id: &str| {
        let check = json!({ "workspace_id": "acme", "request_id": id, "model_id": "gpt-4.1" });
        json!({ "check": check })
    };
    let arguments = ["call", "CheckAndRouteStream", "@-", "--server", &setup.address];
    let mut command = tollgate(setup.home(), &arguments);
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let requests = format!("{}\n{}", check("r-1"), check("r-2"));
    child.stdin.take().unwrap().write_all(requests.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success());
    let printed = text(&output.stdout);
    let answers: Vec<Value> =
        printed.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let mut ids: Vec<_> = answers.iter().map(|answer| answer["request_id"].clone()).collect();
    ids.sort_by_key(ToString::to_string);
    assert_eq!(ids, ["r-1", "r-2"]);

    // A reader that has read enough ends it.
    let line = format!(
        "{} call WatchSpend '{{\"workspace_id\": \"acme\"}}' --server {} | head -n 1",
        super::process::binary().display(),
        setup.address
    );
    let mut head = Command::new("timeout");
    let output = head.args(["60", "sh", "-c", &line]).env("HOME", setup.home()).output().unwrap();
    let first: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(first["budget"]["workspace_id"], "acme");
    setup.server.stop().await;
}

#[tokio::test]
async fn an_error_is_readable_and_has_its_exit_code() {
    let setup = Setup::start(|_, _| {}).await;
    let (code, told) = setup.refused(&["call", "GetBudget", r#"{"workspace_id": "acme"}"#]);
    assert_eq!(code, 64 + 5);
    let expected = "tollgate: NOT_FOUND: there is no workspace \"acme\"\n  \
                    reason: WORKSPACE_NOT_FOUND\n  workspace_id: acme\n";
    assert_eq!(told, expected);
    let bad = r#"{"workspace": {"workspace_id": "A", "currency_code": "E", "time_zone": "x"}}"#;
    let (code, told) = setup.refused(&["call", "CreateWorkspace", bad]);
    assert_eq!(code, 64 + 3);
    for field in ["workspace.workspace_id: ", "workspace.currency_code: ", "workspace.time_zone: "]
    {
        assert!(told.contains(&format!("\n  {field}expected")), "{told}");
    }
    let (code, told) = setup.refused(&["call", "CreateWorkspace", bad, "--output", "json"]);
    let error: Value = serde_json::from_str(&told).unwrap();
    assert_eq!((code, &error["error"]["code"]), (67, &json!("INVALID_ARGUMENT")));
    assert_eq!(error["error"]["field_violations"].as_array().unwrap().len(), 3);

    for (arguments, expected) in [
        (&["call", "GetBudgt"][..], "did you mean BudgetService/GetBudget"),
        (&["call", "GetBudget", "{"], "not JSON"),
        (&["call", "GetBudget", r#"{"workspace": "acme"}"#], "unrecognized field name 'workspace'"),
        (&["call", "GetBudget", "{} {}"], "takes one request: found 2"),
        (&["call", "GetBudget", "@/no/such/file"], "/no/such/file"),
    ] {
        let (code, told) = setup.refused(arguments);
        assert!(code == 1 && told.contains(expected), "{code}: {told}");
    }
    setup.server.stop().await;
    let (code, told) = setup_less(&["call", "GetBudget", "--server", "127.0.0.1:1"]);
    assert_eq!(code, 64 + 14);
    assert!(told.contains("no server answers at http://127.0.0.1:1/"), "{told}");
}

fn setup_less(arguments: &[&str]) -> (i32, String) {
    let folder = tempfile::tempdir().unwrap();
    refused(folder.path(), arguments)
}

/// A certificate for localhost, which is its own authority.
fn with_tls(command: &mut Command, folder: &Path) {
    let pair = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    fs::write(folder.join("cert.pem"), pair.cert.pem()).unwrap();
    fs::write(folder.join("key.pem"), pair.signing_key.serialize_pem()).unwrap();
    command.current_dir(folder);
    command.args(["--tls-certificate", "cert.pem", "--tls-key", "key.pem"]);
}

/// An operator's secret in a file.
fn with_token(command: &mut Command, folder: &Path) {
    let database = Setup::database(folder);
    let secret =
        printed(folder, &["token", "create", "--role", "operator", "--database", &database]);
    fs::write(folder.join("token"), secret).unwrap();
    command.args(["--auth", "required"]);
}

#[tokio::test]
async fn a_token_is_taken_from_a_file_a_flag_or_the_environment() {
    let setup = Setup::start(|command, folder| {
        printed(folder, &["init", "--database", &Setup::database(folder)]);
        with_token(command, folder);
    })
    .await;
    let list = ["call", "ListWorkspaces"];
    let (code, told) = setup.refused(&list);
    assert_eq!(code, 64 + 16);
    assert!(told.contains("reason: UNAUTHENTICATED"), "{told}");
    let file = setup.path("token");
    let secret = fs::read_to_string(&file).unwrap();
    setup.json(&[&list[..], &["--token-file", &file]].concat());
    setup.json(&[&list[..], &["--token", secret.trim()]].concat());
    let mut command = tollgate(setup.home(), &["call", "ListWorkspaces"]);
    command.env("TOLLGATE_TOKEN", secret.trim()).env("TOLLGATE_ADDRESS", &setup.address);
    assert!(command.output().unwrap().status.success());
    fs::write(setup.home().join("empty"), "\n").unwrap();
    let empty = setup.path("empty");
    let (code, told) = setup.refused(&[&list[..], &["--token-file", &empty]].concat());
    assert!(code == 1 && told.contains("expected one secret"), "{told}");
    // Health needs none.
    setup.until_healthy(&["health", "--server", &setup.address]);
    setup.server.stop().await;
}

#[tokio::test]
async fn prices_are_imported_and_traces_replayed_with_credentials() {
    let setup = Setup::start(|command, folder| {
        printed(folder, &["init", "--database", &Setup::database(folder)]);
        with_token(command, folder);
        with_tls(command, folder);
    })
    .await;
    let list = r#"{"m-1": {"litellm_provider": "openai", "mode": "chat",
        "input_cost_per_token": 1e-06, "output_cost_per_token": 2e-06}}"#;
    fs::write(setup.home().join("list.json"), list).unwrap();
    fs::write(setup.home().join("trace.csv"), TRACE).unwrap();
    let server = format!("https://localhost:{}", setup.server.port);
    let (ca, token) = (setup.path("cert.pem"), setup.path("token"));
    setup.until_healthy(&["health", "--server", &server, "--ca", &ca]);
    let (list, trace) = (setup.path("list.json"), setup.path("trace.csv"));
    let import = ["prices", "import", &list, "--server", &server, "--ca", &ca];
    let replay = ["replay", &trace, "--workspace", "acme", "--model", "m-1"];
    let replay = [&replay[..], &["--server", &server, "--ca", &ca]].concat();
    for command in [&import[..], &replay] {
        let (code, told) = refused(setup.home(), command);
        assert!(code == 1 && told.contains("credentials"), "{told}");
    }
    let with_token = ["--token-file", &token];
    let imported = printed(setup.home(), &[&import[..], &with_token].concat());
    assert!(imported.contains("1 models and 1 prices taken"), "{imported}");
    let (code, told) = refused(setup.home(), &[&replay[..], &with_token].concat());
    assert!(code == 1 && told.contains("workspace \"acme\""), "{told}");
    let both = ["--database", "sqlite:other.db"];
    let (code, told) = refused(setup.home(), &[&import[..], &both].concat());
    assert!(code == 1 && told.contains("--server or --database"), "{told}");
    setup.server.stop().await;
}

#[tokio::test]
async fn tls_is_checked_against_the_given_authority() {
    let setup = Setup::start(with_tls).await;
    let port = setup.server.port;
    let (by_name, by_address) =
        (format!("https://localhost:{port}"), format!("https://127.0.0.1:{port}"));
    let ca = setup.path("cert.pem");
    setup.until_healthy(&["health", "--server", &by_name, "--ca", &ca]);
    let (code, told) = refused(setup.home(), &["health", "--server", &by_name]);
    assert_eq!(code, 1);
    assert!(told.contains("UNAVAILABLE"), "{told}");
    let (code, _) = refused(setup.home(), &["health", "--server", &by_address, "--ca", &ca]);
    assert_eq!(code, 1);
    let name = ["--server-name", "localhost"];
    let by_address = ["health", "--server", &by_address, "--ca", &ca];
    printed(setup.home(), &[&by_address[..], &name].concat());
    let plain = ["health", "--server", &setup.address, "--ca", &ca];
    let (code, told) = refused(setup.home(), &plain);
    assert!(code == 1 && told.contains("expected https://"), "{told}");
    setup.server.stop().await;
}

#[tokio::test]
async fn health_says_whether_a_server_serves() {
    let setup = Setup::start(|_, _| {}).await;
    let address = setup.address.clone();
    let health = ["health", "--server", &address];
    setup.until_healthy(&health);
    assert_eq!(printed(setup.home(), &health), "serving\n");
    let service = ["--service", "tollgate.v1.UsageService"];
    assert_eq!(printed(setup.home(), &[&health[..], &service].concat()), "serving\n");
    let (code, _) = refused(setup.home(), &[&health[..], &["--service", "none"]].concat());
    assert_eq!(code, 1);
    let folder = tempfile::tempdir().unwrap();
    setup.server.stop().await;
    let (code, told) = refused(folder.path(), &health);
    assert!(code == 1 && told.contains("no server answers"), "{told}");
}
