//! A Postgres server for one test process, started and stopped by it.
//!
//! It lives in a temporary folder, listens on loopback and on a socket in that folder, and syncs
//! as a real one does. A small shell watches over it: when this process ends, in whatever way, its
//! pipe closes, and the shell stops the server and removes the folder.

use std::fs;
use std::io::Write;
use std::net::TcpListener;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, OnceLock};
use std::time::{Duration, Instant};

use sqlx::{Connection, PgConnection};

use super::{not_run, was_run};

/// Set to 1 it makes the absence of Postgres a failure.
const REQUIRE: &str = "TOLLGATE_TEST_REQUIRE_POSTGRES";
/// Postgres refuses to run as root; root becomes this user.
const USER: &str = "postgres";
const START_MAX: Duration = Duration::from_secs(60);
const START_TRIES_MAX: u32 = 5;

/// Stops the server at once when its standard input closes, and removes its folder.
const WATCH: &str = r#"
trap '' INT TERM HUP
folder=$1
shift
"$@" >"$folder/log" 2>&1 &
server=$!
read -r _
kill -QUIT "$server"
wait "$server"
rm -rf "$folder"
"#;

/// The server of this process.
pub struct Server {
    port: u16,
    next_database: AtomicU32,
    /// Its databases, each with the folder of the test that uses it.
    databases: Mutex<Vec<(String, PathBuf)>>,
    /// Its standard input is what keeps the server alive.
    _watch: Child,
}

/// The server of this process, started when first asked for; `None` if there is no Postgres here.
/// `suite` names what is not run then.
pub fn server(suite: &str) -> Option<&'static Server> {
    static SERVER: OnceLock<Option<Server>> = OnceLock::new();
    let start = || {
        let what = format!("the Postgres half of {suite}");
        let Some(binaries) = binaries() else {
            let why = "no initdb and postgres in PATH or /usr/lib/postgresql/*/bin";
            assert!(std::env::var(REQUIRE).as_deref() != Ok("1"), "{REQUIRE}=1, but {why}");
            not_run(&what, why);
            return None;
        };
        was_run(&what);
        Some(Server::start(&binaries))
    };
    SERVER.get_or_init(start).as_ref()
}

impl Server {
    fn start(binaries: &Path) -> Server {
        for _ in 0..START_TRIES_MAX {
            if let Some(server) = Server::try_start(binaries) {
                return server;
            }
        }
        panic!("Postgres did not start in {START_TRIES_MAX} tries");
    }

    /// `None` if the port was taken by another process meanwhile.
    fn try_start(binaries: &Path) -> Option<Server> {
        let folder = tempfile::Builder::new().prefix("tollgate-postgres-").tempdir().unwrap();
        let folder = folder.keep();
        let root = fs::metadata("/proc/self").map(|own| own.uid()).unwrap_or(1) == 0;
        if root {
            run(Command::new("chown").arg(USER).arg(&folder));
        }
        let data = folder.join("data");
        init(binaries, &data, root);
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        drop(listener);
        let mut watch = Command::new("sh");
        watch.args(["-c", WATCH, "sh"]).arg(&folder);
        watch.args(become_user(root)).arg(binaries.join("postgres")).arg("-D").arg(&data);
        watch.args(["-c", "listen_addresses=127.0.0.1", "-c", "max_connections=200"]);
        // A log that stays small, for machines with little room.
        watch.args(["-c", "max_wal_size=128MB", "-c", "min_wal_size=32MB"]);
        watch.arg("-c").arg(format!("port={port}"));
        watch.arg("-c").arg(format!("unix_socket_directories={}", folder.display()));
        watch.current_dir("/").stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
        let mut watch = watch.spawn().expect("sh is there");
        if !wait_until_ready(&folder, port) {
            // The shell ends with its input.
            drop(watch.stdin.take());
            watch.wait().unwrap();
            return None;
        }
        let next_database = AtomicU32::new(0);
        Some(Server { port, next_database, databases: Mutex::default(), _watch: watch })
    }

    /// The address of a new, empty database, which is there for as long as the folder of the test
    /// that uses it: with `/` until the end. Those whose folders are gone are dropped here, because
    /// hundreds of them take gigabytes.
    pub async fn fresh_database(&self, folder: &Path) -> String {
        let name = format!("test_{}", self.next_database.fetch_add(1, Ordering::Relaxed));
        let unused = {
            let mut databases = self.databases.lock().unwrap();
            databases.push((name.clone(), folder.to_owned()));
            let unused = databases.extract_if(.., |(_, folder)| !folder.exists());
            unused.map(|(name, _)| name).collect::<Vec<_>>()
        };
        let mut connection = PgConnection::connect(&self.url("postgres")).await.unwrap();
        for name in unused {
            execute(&mut connection, format!("DROP DATABASE {name} WITH (FORCE)")).await;
        }
        execute(&mut connection, format!("CREATE DATABASE {name}")).await;
        connection.close().await.unwrap();
        self.url(&name)
    }

    fn url(&self, database: &str) -> String {
        format!("postgres://{USER}@127.0.0.1:{}/{database}", self.port)
    }
}

async fn execute(connection: &mut PgConnection, sql: String) {
    sqlx::raw_sql(sqlx::AssertSqlSafe(sql)).execute(connection).await.unwrap();
}

/// The newest folder that has what is needed.
fn binaries() -> Option<PathBuf> {
    let mut folders: Vec<PathBuf> =
        std::env::split_paths(&std::env::var_os("PATH").unwrap_or_default()).collect();
    let mut packaged: Vec<(u32, PathBuf)> = Vec::new();
    for entry in fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten() {
        let version = entry.file_name().to_string_lossy().parse().unwrap_or(0);
        packaged.push((version, entry.path().join("bin")));
    }
    packaged.sort();
    folders.extend(packaged.into_iter().rev().map(|(_, folder)| folder));
    folders
        .into_iter()
        .find(|folder| folder.join("initdb").is_file() && folder.join("postgres").is_file())
}

/// The locale compares texts as people do, to show that Tollgate does not depend on it.
fn init(binaries: &Path, data: &Path, root: bool) {
    let human = ["--locale-provider=icu", "--icu-locale=en-US"];
    let plain = ["--locale=C", "--no-instructions"];
    for locale in [human, plain] {
        let mut command = user_command(binaries.join("initdb"), root);
        command.args(["-U", USER, "--auth=trust", "--encoding=UTF8", "--no-sync"]).args(locale);
        let output = command.arg("-D").arg(data).current_dir("/").output().unwrap();
        if output.status.success() {
            return;
        }
        let message = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(locale == human, "initdb failed: {message}");
        drop(fs::remove_dir_all(data));
    }
}

fn become_user(root: bool) -> Vec<String> {
    if !root {
        return Vec::new();
    }
    let id = format!("--reuid={USER}");
    ["setpriv".to_owned(), id, format!("--regid={USER}"), "--clear-groups".to_owned()].to_vec()
}

fn user_command(program: PathBuf, root: bool) -> Command {
    let mut words = become_user(root).into_iter();
    let Some(first) = words.next() else { return Command::new(program) };
    let mut command = Command::new(first);
    command.args(words).arg(program);
    command
}

/// Whether it came up; the file of the server's process id says "ready" then.
fn wait_until_ready(folder: &Path, port: u16) -> bool {
    let start = Instant::now();
    while start.elapsed() < START_MAX {
        let state = fs::read_to_string(folder.join("data/postmaster.pid")).unwrap_or_default();
        if state.lines().nth(7).is_some_and(|line| line.trim() == "ready") {
            return true;
        }
        let log = fs::read_to_string(folder.join("log")).unwrap_or_default();
        if log.contains("could not create any TCP/IP sockets") || log.contains("in use") {
            let line = format!("port {port} was taken meanwhile; trying another\n");
            std::io::stderr().write_all(line.as_bytes()).expect("stderr is open");
            return false;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    let log = fs::read_to_string(folder.join("log")).unwrap_or_default();
    panic!("Postgres did not start: {log}");
}

fn run(command: &mut Command) {
    let status = command.status().unwrap();
    assert!(status.success(), "{command:?} failed");
}
