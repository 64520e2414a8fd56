//! The files in which others run the server: Dockerfile, compose file and unit of systemd. They say
//! what the server understands, and what they run serves; linted by the tools that are installed.

#[path = "support/not_run.rs"]
mod not_run;
#[path = "support/process.rs"]
mod process;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use not_run::{not_run, was_run};
use serde_json::Value;
use tollgate::config::SETTINGS;

const COMPOSE: &str = "deploy/compose.yaml";
const UNIT: &str = "deploy/tollgate.service";
/// How exposed the unit may be, of 100, by systemd's own measure.
const EXPOSURE_MAX: &str = "20";
const PATIENCE: Duration = Duration::from_secs(60);

/// Instructions of the Dockerfile with what follows them, continued lines joined.
fn instructions() -> Vec<(String, String)> {
    let text = fs::read_to_string("Dockerfile").unwrap();
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    let joined = lines.collect::<Vec<_>>().join("\n").replace("\\\n", " ");
    let lines = joined.lines().filter(|line| !line.trim().is_empty());
    let split = lines.map(|line| line.split_once(' ').expect("an instruction and its arguments"));
    split.map(|(name, rest)| (name.to_owned(), rest.trim().to_owned())).collect()
}

/// What follows an instruction, of the last stage.
fn last(name: &str) -> String {
    let all = instructions();
    let stage = all.iter().rposition(|(name, _)| name == "FROM").unwrap();
    let found = all[stage..].iter().find(|(known, _)| known == name);
    found.unwrap_or_else(|| panic!("{name} is not in the last stage")).1.clone()
}

fn environment() -> BTreeMap<String, String> {
    let text = last("ENV");
    let pairs = text.split_whitespace().map(|pair| pair.split_once('=').unwrap());
    pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}

fn assert_known<'a>(variables: impl IntoIterator<Item = &'a String>) {
    for variable in variables {
        let is_known = SETTINGS.iter().any(|setting| setting.variable() == *variable);
        assert!(is_known, "{variable} is no setting of the server");
    }
}

/// The command of an instruction in exec form: without a shell, which the image does not have.
fn exec_form(text: &str) -> Vec<String> {
    serde_json::from_str(text).unwrap_or_else(|cause| panic!("{text}: {cause}"))
}

#[test]
fn the_image_is_built_of_what_is_there_and_runs_as_nobody() {
    let all = instructions();
    let froms: Vec<&str> =
        all.iter().filter(|(name, _)| name == "FROM").map(|(_, rest)| rest.as_str()).collect();
    let manifest: toml::Table = toml::from_str(&fs::read_to_string("Cargo.toml").unwrap()).unwrap();
    let rust = manifest["package"]["rust-version"].as_str().unwrap();
    assert!(froms[0].starts_with(&format!("rust:{rust}-")), "{}", froms[0]);
    assert!(froms[1].contains("distroless") && froms[1].ends_with(":nonroot"), "{}", froms[1]);
    assert_eq!(last("USER"), "nonroot");
    assert_eq!(exec_form(&last("ENTRYPOINT")), ["/usr/bin/tollgate"]);
    assert_eq!(exec_form(&last("CMD")), ["serve"]);
    let (_, check) = last("HEALTHCHECK").split_once("CMD ").map_or_else(
        || panic!("a health check has a command"),
        |(options, command)| (options.to_owned(), command.to_owned()),
    );
    assert_eq!(exec_form(&check), ["/usr/bin/tollgate", "health"]);
    assert_known(environment().keys());
    let ignored = fs::read_to_string(".dockerignore").unwrap();
    for name in ["**/target", "**/node_modules", ".git"] {
        assert!(ignored.lines().any(|line| line == name), "{name} would be sent to the build");
    }
}

/// The binary as the image runs it, but for where it listens and where its data is.
fn of_image(folder: &Path, listen: &str, more: &[(&str, &str)]) -> Command {
    let mut command = Command::new(process::binary());
    command.args(exec_form(&last("CMD"))).envs(environment());
    command.env("TOLLGATE_LISTEN", listen);
    let database = format!("sqlite:{}", folder.join("tollgate.db").display());
    command.env("TOLLGATE_DATABASE", database).envs(more.iter().copied());
    command
}

fn output(command: &mut Command) -> (Output, String) {
    let output = command.output().unwrap();
    let text = [&*output.stdout, &*output.stderr].concat();
    (output, String::from_utf8_lossy(&text).into_owned())
}

#[test]
fn what_the_image_runs_serves_and_is_healthy() {
    let folder = tempfile::tempdir().unwrap();
    let address = format!("127.0.0.1:{}", process::free_port());
    let mut server = of_image(folder.path(), &address, &[("TOLLGATE_INSECURE", "true")]);
    let mut server = server.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let health = || {
        let mut command = Command::new(process::binary());
        output(command.arg("health").env("TOLLGATE_ADDRESS", &address).env("HOME", folder.path()))
    };
    let deadline = Instant::now() + PATIENCE;
    while !health().0.status.success() {
        assert!(Instant::now() < deadline, "{}", health().1);
        assert!(server.try_wait().unwrap().is_none(), "it has ended");
    }
    let pid = server.id().to_string();
    assert!(Command::new("kill").args(["-TERM", &pid]).status().unwrap().success());
    assert!(server.wait().unwrap().success());
    assert!(!health().0.status.success());
}

#[test]
fn the_image_is_not_served_in_the_open_by_mistake() {
    let folder = tempfile::tempdir().unwrap();
    let listen = format!("0.0.0.0:{}", process::free_port());
    let (ended, told) = output(&mut of_image(folder.path(), &listen, &[]));
    assert!(!ended.status.success() && told.contains("insecure"), "{told}");
}

/// The compose file as JSON, by Python, whose YAML most machines have.
fn compose() -> Option<Value> {
    let script = "import json, sys, yaml; json.dump(yaml.safe_load(sys.stdin), sys.stdout)";
    let file = fs::File::open(COMPOSE).unwrap();
    let read = Command::new("python3").args(["-c", script]).stdin(file).output().ok()?;
    read.status.success().then(|| serde_json::from_slice(&read.stdout).unwrap())
}

#[test]
fn the_compose_file_says_what_the_server_understands() {
    let Some(compose) = compose() else {
        return not_run("the compose file", "python3 with yaml is not installed");
    };
    was_run("the compose file");
    let server = &compose["services"]["tollgate"];
    let variables = server["environment"].as_object().unwrap();
    assert_known(variables.keys());
    let database = variables["TOLLGATE_DATABASE"].as_str().unwrap();
    let postgres = &compose["services"]["postgres"];
    let environment = &postgres["environment"];
    let user = environment["POSTGRES_USER"].as_str().unwrap();
    let name = environment["POSTGRES_DB"].as_str().unwrap();
    let password = environment["POSTGRES_PASSWORD"].as_str().unwrap();
    assert_eq!(database, format!("postgres://{user}:{password}@postgres:5432/{name}"));
    assert!(password.starts_with("${POSTGRES_PASSWORD:?"), "no password of ours: {password}");
    // Without TLS it is for this machine alone.
    assert_eq!(server["ports"], serde_json::json!(["127.0.0.1:50051:50051"]));
    assert_eq!(server["depends_on"]["postgres"]["condition"], "service_healthy");
    assert!(postgres["healthcheck"]["test"].is_array());
    let mut docker = Command::new("docker");
    let has_compose = docker.args(["compose", "version"]).output();
    if !has_compose.is_ok_and(|output| output.status.success()) {
        return not_run("docker compose config", "docker compose is not installed");
    }
    was_run("docker compose config");
    let mut command = Command::new("docker");
    command.args(["compose", "-f", COMPOSE, "config", "--quiet"]);
    let (ended, told) = output(command.env("POSTGRES_PASSWORD", "secret"));
    assert!(ended.status.success(), "{told}");
}

#[test]
fn the_unit_is_one_and_confines_the_server() {
    let text = fs::read_to_string(UNIT).unwrap();
    let set = text.lines().filter_map(|line| line.strip_prefix("Environment="));
    let names: Vec<String> = set.map(|it| it.split('=').next().unwrap().to_owned()).collect();
    assert!(!names.is_empty());
    assert_known(&names);
    assert!(text.contains("\nExecStart=/usr/bin/tollgate serve\n"));
    if Command::new("systemd-analyze").arg("--version").output().is_err() {
        return not_run("the unit of systemd", "systemd-analyze is not installed");
    }
    was_run("the unit of systemd");
    let folder = tempfile::tempdir().unwrap();
    let unit = folder.path().join("tollgate.service");
    let binary = process::binary().display().to_string();
    fs::write(&unit, text.replace("/usr/bin/tollgate", &binary)).unwrap();
    let (ended, told) = output(Command::new("systemd-analyze").arg("verify").arg(&unit));
    assert!(ended.status.success() && told.trim().is_empty(), "{told}");
    let threshold = format!("--threshold={EXPOSURE_MAX}");
    let mut command = Command::new("systemd-analyze");
    let (ended, told) = output(command.args(["security", "--offline=true", &threshold]).arg(&unit));
    assert!(ended.status.success(), "{told}");
}
