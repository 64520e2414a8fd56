//! The programs that a benchmark starts, and what the kernel says about them. Each is ended when
//! its handle is dropped, and by the kernel if the benchmark itself is killed.

pub mod postgres;
pub mod server;

use std::fs::File;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process, set_parent_process_death_signal};
use tokio::process::{Child, Command};

use crate::Result;

/// How long a program may take to stop by itself.
const STOP_TIMEOUT: Duration = Duration::from_secs(30);

/// A running program.
pub struct Process {
    child: Child,
    name: String,
    pid: u32,
    stop_signal: Signal,
}

impl Process {
    /// Starts `command`; what it prints goes to the file `log`.
    ///
    /// Must be called from the main thread: the kernel ends the program with the thread that
    /// started it.
    pub fn start(mut command: Command, name: &str, log: &Path) -> Result<Process> {
        let log = File::create(log)?;
        command.stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log).kill_on_drop(true);
        #[allow(unsafe_code, reason = "no safe call says what is to run in the child")]
        // SAFETY: the closure runs between fork and exec and makes one system call, which neither
        // allocates nor takes a lock.
        unsafe {
            command.pre_exec(|| Ok(set_parent_process_death_signal(Some(Signal::KILL))?));
        }
        let child = command.spawn().map_err(|error| format!("cannot start {name}: {error}"))?;
        let pid = child.id().ok_or("the program ended at once")?;
        Ok(Process { child, name: name.to_owned(), pid, stop_signal: Signal::TERM })
    }

    /// Stops by another signal than SIGTERM.
    pub fn stop_by(mut self, signal: Signal) -> Process {
        self.stop_signal = signal;
        self
    }

    pub fn pid(&self) -> u32 {
        self.pid
    }

    /// # Errors
    /// If the program has ended.
    pub fn check_running(&mut self) -> Result<()> {
        match self.child.try_wait()? {
            Some(status) => Err(format!("{} ended early: {status}", self.name).into()),
            None => Ok(()),
        }
    }

    /// Asks the program to stop and waits; kills it if that takes too long.
    pub async fn stop(mut self) -> Result<()> {
        if let Some(pid) = i32::try_from(self.pid).ok().and_then(Pid::from_raw) {
            kill_process(pid, self.stop_signal).ok();
        }
        if tokio::time::timeout(STOP_TIMEOUT, self.child.wait()).await.is_err() {
            eprintln!("{} did not stop in time and is killed", self.name);
            self.child.kill().await?;
        }
        Ok(())
    }
}

/// A loopback address that is free now.
pub fn free_address() -> Result<String> {
    let listener = std::net::TcpListener::bind("127.0.0.1:0")?;
    Ok(listener.local_addr()?.to_string())
}

/// CPU time that a process has used, user and system.
pub fn cpu_seconds(pid: u32) -> Result<f64> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat"))?;
    // The name, in brackets, may hold anything; fields are counted from behind it.
    let after_name = stat.rsplit_once(") ").ok_or("unreadable /proc/PID/stat")?.1;
    let fields: Vec<&str> = after_name.split(' ').collect();
    let ticks = fields[11].parse::<f64>()? + fields[12].parse::<f64>()?;
    Ok(ticks / rustix::param::clock_ticks_per_second() as f64)
}

/// Memory of a process that is resident now.
pub fn resident_bytes(pid: u32) -> Result<u64> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kilobytes = line.ok_or("no VmRSS")?.trim().trim_end_matches(" kB").parse::<u64>()?;
    Ok(kilobytes * 1024)
}
