//! A private Postgres with its default durability, on loopback, in a folder of its own.

use std::os::unix::fs::chown;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rustix::process::Signal;
use tempfile::TempDir;
use tokio::process::Command;

use super::{Process, free_address};
use crate::Result;

/// Where distributions put the programs of each version.
const VERSIONS: &str = "/usr/lib/postgresql";

const START_TIMEOUT: Duration = Duration::from_secs(30);

/// A running Postgres; its folder goes with it.
pub struct Postgres {
    process: Process,
    binaries: PathBuf,
    address: String,
    _folder: TempDir,
}

impl Postgres {
    /// Starts one below `folder`; `None` if Postgres is not installed.
    pub async fn start(folder: &Path, logs: &Path) -> Result<Option<Postgres>> {
        let Some(binaries) = find_binaries() else {
            return Ok(None);
        };
        let owner = owner()?;
        let folder = tempfile::Builder::new().prefix("postgres-").tempdir_in(folder)?;
        if let Some((user, group)) = owner {
            chown(folder.path(), Some(user), Some(group))?;
        }
        let data = folder.path().join("data");
        let mut command = as_owner(&binaries.join("initdb"), owner);
        command.args(["-A", "trust", "-U", "postgres", "-E", "UTF8", "--no-locale", "-D"]);
        run(command.arg(&data)).await?;
        let address = free_address()?;
        let (host, port) = address.split_once(':').ok_or("an address has a port")?;
        let mut command = as_owner(&binaries.join("postgres"), owner);
        command.arg("-D").arg(&data).args(["-p", port]);
        command.args(["-c", &format!("listen_addresses={host}")]);
        command.args(["-c", "unix_socket_directories="]);
        let process = Process::start(command, "postgres", &logs.join("postgres.log"))?;
        // SIGINT is the fast stop: it does not wait for clients.
        let process = process.stop_by(Signal::INT);
        let mut postgres = Postgres { process, binaries, address, _folder: folder };
        postgres.wait_ready().await?;
        Ok(Some(postgres))
    }

    /// Makes a database and returns its URL.
    pub async fn database(&self, name: &str) -> Result<String> {
        run(self.client("createdb").arg(name)).await?;
        Ok(format!("postgres://postgres@{}/{name}", self.address))
    }

    /// One of its programs.
    pub fn program(&self, name: &str) -> Command {
        Command::new(self.binaries.join(name))
    }

    pub async fn stop(self) -> Result<()> {
        self.process.stop().await
    }

    async fn wait_ready(&mut self) -> Result<()> {
        let deadline = Instant::now() + START_TIMEOUT;
        while run(&mut self.client("pg_isready")).await.is_err() {
            self.process.check_running()?;
            if Instant::now() > deadline {
                return Err("postgres does not answer".into());
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        Ok(())
    }

    fn client(&self, program: &str) -> Command {
        let mut command = Command::new(self.binaries.join(program));
        let (host, port) = self.address.split_once(':').expect("an address has a port");
        command.args(["-h", host, "-p", port, "-U", "postgres"]);
        command
    }
}

/// The programs of the newest version that is installed.
fn find_binaries() -> Option<PathBuf> {
    let mut versions: Vec<(u32, PathBuf)> = std::fs::read_dir(VERSIONS)
        .ok()?
        .filter_map(|entry| {
            let path = entry.ok()?.path();
            let version = path.file_name()?.to_str()?.parse().ok()?;
            Some((version, path.join("bin")))
        })
        .filter(|(_, path)| path.join("initdb").exists())
        .collect();
    versions.sort();
    versions.pop().map(|(_, path)| path)
}

/// User and group `postgres`, where this program runs as root, which Postgres refuses to do.
fn owner() -> Result<Option<(u32, u32)>> {
    if !rustix::process::geteuid().is_root() {
        return Ok(None);
    }
    let users = std::fs::read_to_string("/etc/passwd")?;
    let line = users.lines().find(|line| line.starts_with("postgres:"));
    let fields: Vec<&str> = line.ok_or("there is no user postgres")?.split(':').collect();
    Ok(Some((fields[2].parse()?, fields[3].parse()?)))
}

fn as_owner(program: &Path, owner: Option<(u32, u32)>) -> Command {
    let mut command = Command::new(program);
    if let Some((user, group)) = owner {
        command.uid(user).gid(group).current_dir("/");
    }
    command
}

async fn run(command: &mut Command) -> Result<()> {
    let output = command.kill_on_drop(true).output().await?;
    if output.status.success() {
        return Ok(());
    }
    Err(String::from_utf8_lossy(&output.stderr).into_owned().into())
}
