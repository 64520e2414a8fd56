//! The configuration of the binary: real flags, a real environment, a real file.
//!
//! Which values are refused, and how, is tested where they are checked: `src/config/tests.rs`.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};

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
    use std::os::unix::fs::PermissionsExt;
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
