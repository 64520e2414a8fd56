//! The configuration of the binary: real flags, a real environment, a real file.
//!
//! Which values are refused, and how, is tested where they are checked: `src/config/tests.rs`.

#[path = "support/stored.rs"]
mod stored;

use std::fs::{self, File, Permissions};
use std::io::{BufRead, BufReader};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use tollgate::proto::v1;
use tollgate::proto::v1::alert_service_client::AlertServiceClient;
use tollgate::proto::v1::workspace_service_client::WorkspaceServiceClient;
use tonic::transport::Channel;

/// The binary in a folder, with this environment alone.
fn tollgate(folder: &Path, arguments: &[&str], environment: &[(&str, &str)]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tollgate"));
    command.current_dir(folder).args(arguments).stdin(Stdio::null());
    command.env_clear().envs(environment.iter().copied());
    command
}

/// What a command that must fail says.
fn refused(folder: &Path, arguments: &[&str], environment: &[(&str, &str)]) -> String {
    let output = tollgate(folder, arguments, environment).output().unwrap();
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    assert!(output.stdout.is_empty());
    String::from_utf8(output.stderr).unwrap()
}

#[test]
fn flags_win_over_the_environment_and_that_over_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    // Addresses that nothing listens on: the refusal says which one was chosen.
    std::fs::write(folder.join("a.toml"), "listen = '192.0.2.1:1'").unwrap();
    std::fs::write(folder.join("b.toml"), "listen = '192.0.2.2:1'").unwrap();
    let file = ("TOLLGATE_CONFIG", "a.toml");
    let listen = ("TOLLGATE_LISTEN", "192.0.2.3:1");
    let flag = ["serve", "--listen", "192.0.2.4:1"];
    for (arguments, environment, expected) in [
        (&["serve"][..], &[file][..], "the configuration file): 192.0.2.1:1 can be reached"),
        (&[], &[file], "the configuration file): 192.0.2.1:1 can be reached"),
        (&["serve", "--config", "b.toml"], &[file], "the configuration file): 192.0.2.2:1 can"),
        (&["serve"], &[file, listen], "TOLLGATE_LISTEN): 192.0.2.3:1 can be reached"),
        (&flag, &[file, listen], "--listen): 192.0.2.4:1 can be reached"),
    ] {
        let message = refused(folder, arguments, environment);
        assert!(message.starts_with(&format!("tollgate: listen (from {expected}")), "{message}");
    }
}

#[test]
fn bad_values_are_refused_by_name_and_never_shown() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    std::fs::write(folder.join("a.toml"), "lisden = 'secret'").unwrap();
    for (arguments, environment, expected) in [
        (&["serve"][..], ("TOLLGATE_SMTP_URL", "secret"), "smtp_url (from TOLLGATE_SMTP_URL): "),
        (&["verify"], ("TOLLGATE_DATABASE", "secret"), "database (from TOLLGATE_DATABASE): "),
        (&["verify", "--database", "secret"], ("A", ""), "database (from --database): expected "),
        (&["serve"], ("TOLLGATE_CONFIG", "a.toml"), "unknown key \"lisden\" in the configuration"),
        (&["serve"], ("TOLLGATE_CONFIG", "none"), "the configuration file none could not be read"),
    ] {
        let message = refused(folder, arguments, &[environment]);
        assert!(message.starts_with(&format!("tollgate: {expected}")), "{message}");
        assert!(!message.contains("secret"), "{message}");
    }
}

/// Variables that Kubernetes sets in each pod beside a service named tollgate.
const POD: [(&str, &str); 3] = [
    ("TOLLGATE_PORT", "tcp://10.0.0.1:50051"),
    ("TOLLGATE_PORT_50051_TCP_ADDR", "10.0.0.1"),
    ("TOLLGATE_SERVICE_HOST", "10.0.0.1"),
];

#[test]
fn variables_that_are_no_settings_are_ignored_with_a_warning() {
    let folder = tempfile::tempdir().unwrap();
    let arguments = ["serve", "--listen", "127.0.0.1:0", "--database", "sqlite:tollgate.db"];
    let mut command = tollgate(folder.path(), &arguments, &POD);
    let mut server = command.stderr(Stdio::piped()).spawn().unwrap();
    let mut log = Vec::new();
    for line in BufReader::new(server.stderr.take().unwrap()).lines() {
        log.push(line.unwrap());
        if log.iter().any(|line| line.contains("serving")) {
            break;
        }
    }
    server.kill().unwrap();
    server.wait().unwrap();
    let warnings: Vec<&String> = log.iter().filter(|line| line.contains("TOLLGATE_")).collect();
    assert_eq!(warnings.len(), 1, "{log:?}");
    assert!(warnings[0].contains("WARN"), "{log:?}");
    assert!(POD.iter().all(|(name, _)| warnings[0].contains(name)), "{log:?}");
    assert!(log.iter().all(|line| !line.contains("10.0.0.1")), "{log:?}");

    let arguments = ["verify", "--database", "sqlite:tollgate.db"];
    let output = tollgate(folder.path(), &arguments, &POD).output().unwrap();
    assert!(output.status.success(), "{output:?}");
    let message = String::from_utf8(output.stderr).unwrap();
    assert!(
        message.contains("TOLLGATE_SERVICE_HOST") && !message.contains("10.0.0.1"),
        "{message}"
    );
}

#[test]
fn help_names_flags_and_variables() {
    let folder = tempfile::tempdir().unwrap();
    let output = tollgate(folder.path(), &["serve", "--help"], &[]).output().unwrap();
    let help = String::from_utf8(output.stdout).unwrap();
    assert!(help.contains("--log-format <FORM>") && help.contains("[env: TOLLGATE_LOG_FORMAT]"));
    assert!(help.contains("--insecure") && !help.contains("--insecure <"), "{help}");
}

/// Beside a server or without one; nobody else on the machine can read what it makes.
#[test]
fn a_token_is_printed_alone_and_its_database_is_private() {
    let folder = tempfile::tempdir().unwrap();
    let run = |arguments: &[&str]| {
        let output = tollgate(folder.path(), arguments, &[]).output().unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        (output.status.success(), text(output.stdout), text(output.stderr))
    };
    let (is_made, secret, _) = run(&["token", "create", "--role", "operator", "--id", "root"]);
    assert!(is_made && secret.starts_with("tg_") && secret.lines().count() == 1, "{secret}");
    for name in ["tollgate.db", "tollgate.db.lock"] {
        let mode = std::fs::metadata(folder.path().join(name)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{name}");
    }
    let (_, list, _) = run(&["token", "list"]);
    assert!(list.starts_with("root\toperator\tall\tvalid\t") && !list.contains("tg_"), "{list}");
    let refused = [
        (&["create", "--role", "operator", "--id", "root"][..], "--id: there is a token"),
        (&["create", "--role", "service"], "--workspace: expected one"),
        (&["create", "--role", "operator", "--workspace", "a"], "--workspace: expected none"),
        (&["create", "--role", "viewer", "--workspace", "a", "--expires", "1"], "--expires"),
        (&["revoke", "ghost"], "there is no token"),
    ];
    for (arguments, expected) in refused {
        let (is_done, printed, message) = run(&[&["token"], arguments].concat());
        assert!(!is_done && printed.is_empty() && message.contains(expected), "{message}");
    }
    assert!(run(&["token", "revoke", "root"]).0);
    assert!(!run(&["token", "rotate", "root"]).0);
}

#[test]
fn a_database_that_was_chosen_is_created_on_request_alone() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let environment =
        [("TOLLGATE_DATABASE", "sqlite:chosen.db"), ("TOLLGATE_LISTEN", "192.0.2.1:1")];
    let insecure = [&environment[..], &[("TOLLGATE_INSECURE", "true")]].concat();
    let commands: [&[&str]; 4] =
        [&["serve"], &["rebuild"], &["token", "list"], &["token", "create", "--role", "operator"]];
    for command in commands {
        let message = refused(folder, command, &insecure);
        assert!(message.contains("chosen.db: create it with `tollgate init`"), "{message}");
        assert!(!folder.join("chosen.db").exists(), "{command:?}");
    }
    for (again, printed) in [(false, "is created\n"), (true, "is there already\n")] {
        let output = tollgate(folder, &["init"], &environment[..1]).output().unwrap();
        assert!(output.status.success(), "{again}: {output:?}");
        let output = String::from_utf8(output.stdout).unwrap();
        assert!(output.ends_with(printed), "{output}");
    }
    // It is opened, and then the address is one that nothing listens on.
    let message = refused(folder, &["serve"], &insecure);
    assert!(message.contains("192.0.2.1:1"), "{message}");

    let other = [("TOLLGATE_DATABASE", "sqlite:other.db"), ("TOLLGATE_LISTEN", "192.0.2.1:1")];
    let message = refused(folder, &["serve", "--create", "--insecure"], &other);
    assert!(message.contains("192.0.2.1:1") && folder.join("other.db").exists(), "{message}");
}

#[test]
fn the_first_operator_token_may_come_from_a_file() {
    let folder = tempfile::tempdir().unwrap();
    let (database, file) = ("sqlite:tollgate.db", folder.path().join("secret"));
    let arguments =
        ["serve", "--listen", "127.0.0.1:0", "--database", database, "--auth", "required"];
    let arguments = [&arguments[..], &["--operator-token-file", "secret"]].concat();
    std::fs::write(&file, "tg_hidden\n").unwrap();
    let output = tollgate(folder.path(), &arguments, &[]).output().unwrap();
    let message = String::from_utf8(output.stderr).unwrap();
    assert!(!output.status.success() && message.contains("operator_token_file"), "{message}");
    assert!(!message.contains("hidden"), "{message}");

    let secret = "tg_yhjskwdA6OZ1AL1YmHWZWm8LLG7HjnuCA2j5rOw8Xp10Xwm86";
    std::fs::write(&file, format!("{secret}\n")).unwrap();
    for _again in 0..2 {
        let mut command = tollgate(folder.path(), &arguments, &[]);
        let mut server = command.stderr(Stdio::piped()).spawn().unwrap();
        let lines = BufReader::new(server.stderr.take().unwrap()).lines();
        let log: Vec<String> =
            lines.map(Result::unwrap).take_while(|it| !it.contains("serving")).collect();
        server.kill().unwrap();
        server.wait().unwrap();
        assert!(log.iter().all(|line| !line.contains("tg_")), "{log:?}");
    }
    let arguments = ["token", "list", "--database", database];
    let output = tollgate(folder.path(), &arguments, &[]).output().unwrap();
    let list = String::from_utf8(output.stdout).unwrap();
    assert!(
        list.starts_with("first\toperator\tall\tvalid\t") && list.lines().count() == 1,
        "{list}"
    );
}

/// How long a server may take until it is where a test wants it.
const PATIENCE: Duration = Duration::from_secs(60);

/// A server on tollgate.db that logs everything into a file; killed when it is dropped.
struct Running {
    child: Child,
    log: std::path::PathBuf,
    address: String,
}

impl Running {
    fn start(folder: &Path, name: &str, flags: &[&str]) -> Running {
        let log = folder.join(name);
        let mut arguments = vec!["serve", "--listen", "127.0.0.1:0", "--log-filter", "trace"];
        arguments.push("--webhooks-allow-loopback");
        arguments.extend(flags);
        let mut command = tollgate(folder, &arguments, &[]);
        let output = File::create(&log).unwrap();
        command.stdout(output.try_clone().unwrap()).stderr(output);
        let child = command.spawn().unwrap();
        let mut server = Running { child, log, address: String::new() };
        let begun = Instant::now();
        while server.address.is_empty() {
            assert!(begun.elapsed() < PATIENCE, "{}", server.logged());
            std::thread::sleep(Duration::from_millis(20));
            let text = server.logged();
            let listening = text.split_once("listening on ").map(|(_, rest)| rest);
            if let Some((address, _)) = listening.and_then(|rest| rest.split_once('\n')) {
                address.clone_into(&mut server.address);
            }
        }
        server
    }

    fn logged(&self) -> String {
        fs::read_to_string(&self.log).unwrap()
    }

    fn channel(&self) -> Channel {
        Channel::from_shared(format!("http://{}", self.address)).unwrap().connect_lazy()
    }

    /// Stops it gracefully; its log.
    fn stop(mut self) -> String {
        let pid = self.child.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &pid]).status().unwrap().success());
        assert!(self.child.wait().unwrap().success());
        self.logged()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Makes a webhook and rotates its secret; both secrets, as they were shown.
async fn make_webhook(channel: &Channel) -> [String; 2] {
    let workspace_id = "acme".to_owned();
    let workspace = v1::Workspace {
        workspace_id: workspace_id.clone(),
        display_name: "Acme".to_owned(),
        currency_code: "EUR".to_owned(),
        time_zone: "Europe/Berlin".to_owned(),
        ..Default::default()
    };
    let request = v1::CreateWorkspaceRequest { workspace: Some(workspace) };
    let mut workspaces = WorkspaceServiceClient::new(channel.clone());
    workspaces.create_workspace(request).await.unwrap();
    let mut alerts = AlertServiceClient::new(channel.clone());
    let webhook = v1::Webhook {
        webhook_id: "ops".to_owned(),
        url: "http://127.0.0.1:9/hook".to_owned(),
        ..Default::default()
    };
    let request =
        v1::CreateWebhookRequest { workspace_id: workspace_id.clone(), webhook: Some(webhook) };
    let made = alerts.create_webhook(request).await.unwrap().into_inner();
    let webhook_id = "ops".to_owned();
    let request = v1::RotateWebhookSecretRequest { workspace_id, webhook_id };
    let rotated = alerts.rotate_webhook_secret(request).await.unwrap().into_inner();
    [made.secret, rotated.secret].map(|secret| secret.replace("whsec_", ""))
}

fn lines<'l>(log: &'l str, part: &str) -> Vec<&'l str> {
    log.lines().filter(|line| line.contains(part)).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn secrets_of_webhooks_are_encrypted_once_there_is_a_key() {
    const PLAIN: &str = "secrets of webhooks are stored in plain text";
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let url = format!("sqlite:{}", folder.join("tollgate.db").display());
    let key = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
    fs::write(folder.join("keys"), format!("{key}\n")).unwrap();
    fs::set_permissions(folder.join("keys"), Permissions::from_mode(0o600)).unwrap();
    let with_key = ["--encryption-key-file", "keys"];

    let server = Running::start(folder, "1.log", &[]);
    let secrets = make_webhook(&server.channel()).await;
    let mut logs = server.stop();
    assert_eq!(lines(&logs, PLAIN).len(), 0, "there was none when it started");
    let log = Running::start(folder, "2.log", &[]).stop();
    let warnings = lines(&log, PLAIN);
    assert!(warnings.len() == 1 && warnings[0].contains("WARN"), "{warnings:?}");
    assert!(warnings[0].contains("encryption_key_file"), "{warnings:?}");
    assert!(stored::holds(&url, &secrets[0]).await && stored::holds(&url, &secrets[1]).await);
    logs.push_str(&log);

    let log = Running::start(folder, "3.log", &with_key).stop();
    let encrypted = "encrypted the secrets of 1 webhooks: 1 were plain, 0 were";
    assert_eq!(lines(&log, encrypted).len(), 1);
    assert_eq!(lines(&log, PLAIN).len() + lines(&log, "keys: every user").len(), 0);
    logs.push_str(&log);
    let log = Running::start(folder, "4.log", &with_key).stop();
    assert_eq!(lines(&log, "encrypted the secrets").len() + lines(&log, "rewriting what").len(), 0);
    logs.push_str(&log);

    // Whoever has the database alone can work with it, but not serve.
    for arguments in [
        &["verify"][..],
        &["token", "list"],
        &["token", "create", "--role", "operator"],
        &["export", "records", "--workspace", "acme", "--output", "records.csv"],
        &["rebuild"],
    ] {
        let output = tollgate(folder, arguments, &[]).output().unwrap();
        assert!(output.status.success(), "{arguments:?}: {output:?}");
    }
    let mode = fs::metadata(folder.join("records.csv")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600, "an export has usage");
    let serve = ["serve", "--listen", "127.0.0.1:0"];
    let log = refused(folder, &serve, &[]);
    let expected = "tollgate: encryption_key_file: expected, because webhooks have encrypted \
                    secrets: acme/ops, encrypted with the key ";
    assert!(log.contains(expected), "{log}");
    logs.push_str(&log);
    fs::write(folder.join("keys"), "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh9=").unwrap();
    let log = refused(folder, &[&serve[..], &with_key].concat(), &[]);
    assert!(log.contains("encryption_key_file: keys, line 1: expected a key: 32"), "{log}");
    logs.push_str(&log);

    for secret in &secrets {
        assert!(!stored::holds(&url, secret).await && !stored::holds(&url, &secret[..20]).await);
        assert!(!logs.contains(&secret[..20]));
    }
    assert!(!logs.contains(&key[..20]));
}

#[test]
fn files_that_everybody_can_read_are_warned_of() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let open = |name: &str| {
        fs::set_permissions(folder.join(name), Permissions::from_mode(0o644)).unwrap();
    };
    let secret = "tg_yhjskwdA6OZ1AL1YmHWZWm8LLG7HjnuCA2j5rOw8Xp10Xwm86";
    fs::write(folder.join("token"), secret).unwrap();
    fs::write(folder.join("keys"), "00".repeat(32)).unwrap();
    let smtp = "smtp_url = 'smtps://u:p@127.0.0.1:9'\nsmtp_from = 'a@example.com'";
    fs::write(folder.join("a.toml"), smtp).unwrap();
    let flags = ["--config", "a.toml", "--auth", "required"];
    let flags = [&flags[..], &["--operator-token-file", "token"]].concat();
    let flags = [&flags[..], &["--encryption-key-file", "keys"]].concat();
    for name in ["token", "keys", "a.toml"] {
        fs::set_permissions(folder.join(name), Permissions::from_mode(0o640)).unwrap();
    }
    let log = Running::start(folder, "1.log", &flags).stop();
    assert_eq!(lines(&log, "every user of this machine").len(), 0, "{log}");

    ["token", "keys", "a.toml", "tollgate.db"].into_iter().for_each(open);
    let log = Running::start(folder, "2.log", &flags).stop();
    let warnings = lines(&log, "every user of this machine");
    for (setting, file) in [
        ("operator_token_file", "token"),
        ("encryption_key_file", "keys"),
        ("config", "a.toml"),
        ("database", "tollgate.db"),
        ("database", "tollgate.db-wal"),
    ] {
        let of_it = |line: &&&str| line.contains(&format!("{setting}: ")) && line.contains(file);
        let warning = warnings.iter().find(of_it).unwrap_or_else(|| panic!("{file}: {log}"));
        assert!(warning.contains("WARN") && warning.contains("(mode 0644)"), "{warning}");
    }
    // A file without a secret is nobody's business.
    fs::write(folder.join("a.toml"), "worker_threads = 1").unwrap();
    let log = Running::start(folder, "3.log", &["--config", "a.toml"]).stop();
    assert!(lines(&log, "every user").iter().all(|line| !line.contains("a.toml")), "{log}");
}
