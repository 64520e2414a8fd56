//! The load generator: closed loop, open loop or stream, for a fixed time after a warm-up.
//!
//! One thread on purpose: it must leave the machine to the server. It speaks HTTP/2 directly and
//! sends prepared bytes, so that a call costs it less than it costs the server.

mod closed;
mod meter;
mod open;
mod stream;
pub mod wire;

use std::rc::Rc;
use std::time::Duration;

use clap::{Parser, ValueEnum};
use serde::{Deserialize, Serialize};

use crate::Result;
use crate::messages::Templates;
use meter::Meter;
pub use meter::{LoadResult, Quantiles};
use wire::Connection;

/// How long calls under way at the end may take before they are given up.
const GRACE: Duration = Duration::from_secs(5);

/// How calls are paced.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum, Serialize, Deserialize)]
pub enum Mode {
    /// Each caller sends its next call when the last is answered.
    Closed,
    /// Calls arrive at random (Poisson) at a rate, whether or not others are answered.
    Open,
    /// As closed, but as messages on one CheckAndRouteStream for each connection.
    Stream,
}

/// What one unit of work is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum, Serialize, Deserialize)]
pub enum Work {
    /// One CheckAndRoute.
    Check,
    /// One RecordUsage of a request that was not checked.
    Record,
    /// The same with the JSON that a provider answered in place of token counts.
    RecordAnswer,
    /// One CheckAndRoute, then RecordUsage of the same request.
    Pair,
    /// Two CheckAndRoute of different requests, one after the other.
    TwoChecks,
}

#[derive(Clone, Debug, Parser)]
#[command(name = "gate-load", about = "Load generator of the gate's benchmarks")]
pub struct Options {
    /// Address of the server, for example 127.0.0.1:50051.
    #[arg(long)]
    pub target: String,
    #[arg(long, value_enum, default_value = "closed")]
    pub mode: Mode,
    #[arg(long, value_enum, default_value = "check")]
    pub work: Work,
    #[arg(long, default_value_t = 8)]
    pub connections: usize,
    /// Callers on each connection (closed), or messages in flight on each stream.
    #[arg(long, default_value_t = 16)]
    pub in_flight: usize,
    /// Units of work a second (open).
    #[arg(long, default_value_t = 2_000.0)]
    pub rate: f64,
    /// Users among whom the requests are spread.
    #[arg(long, default_value_t = 1_000)]
    pub users: usize,
    /// Lifetime of holds, in seconds; short, so that memory stays flat.
    #[arg(long, default_value_t = 2)]
    pub hold_seconds: i64,
    /// Time before the measured window, in seconds.
    #[arg(long, default_value_t = 1.0)]
    pub warm_up: f64,
    /// Length of the measured window, in seconds.
    #[arg(long, default_value_t = 5.0)]
    pub seconds: f64,
    /// Stops after this many units of work, warm-up included; 0 for no bound but time.
    #[arg(long, default_value_t = 0)]
    pub count: u64,
    /// Sent as bearer token with every call.
    #[arg(long)]
    pub token: Option<String>,
    /// Process of the server, whose CPU time is read at both ends of the window.
    #[arg(long)]
    pub server_pid: Option<u32>,
}

impl Options {
    /// The arguments that say the same.
    pub fn arguments(&self) -> Vec<String> {
        let name = |value: clap::builder::PossibleValue| value.get_name().to_owned();
        let mut arguments = vec![
            format!("--target={}", self.target),
            format!("--mode={}", self.mode.to_possible_value().map_or_else(String::new, name)),
            format!("--work={}", self.work.to_possible_value().map_or_else(String::new, name)),
            format!("--connections={}", self.connections),
            format!("--in-flight={}", self.in_flight),
            format!("--rate={}", self.rate),
            format!("--users={}", self.users),
            format!("--hold-seconds={}", self.hold_seconds),
            format!("--warm-up={}", self.warm_up),
            format!("--seconds={}", self.seconds),
            format!("--count={}", self.count),
        ];
        arguments.extend(self.token.as_ref().map(|token| format!("--token={token}")));
        arguments.extend(self.server_pid.map(|pid| format!("--server-pid={pid}")));
        arguments
    }
}

/// Runs the load and reports. Needs a `LocalSet` around it.
///
/// # Errors
/// If no connection can be made, or nothing was answered. Calls that fail are counted instead.
pub async fn run(options: Options) -> Result<LoadResult> {
    let templates = Rc::new(Templates::new(options.users.max(1), options.hold_seconds));
    let mut connections = Vec::with_capacity(options.connections);
    for _ in 0..options.connections {
        connections.push(Connection::open(&options.target, options.token.as_deref()).await?);
    }
    let meter = Rc::new(Meter::new(&options));
    let watch = tokio::task::spawn_local(Rc::clone(&meter).watch_cpu(options.server_pid));
    let work = async {
        match options.mode {
            Mode::Closed => closed::run(&options, connections, templates, &meter).await,
            Mode::Stream => stream::run(&options, connections, templates, &meter).await,
            Mode::Open => open::run(&options, connections, templates, &meter).await,
        }
    };
    // Callers are tasks of their own: they finish what they began also when `work` is dropped.
    tokio::time::timeout_at(meter.end().into(), work).await.ok();
    meter.wait_idle(GRACE).await;
    meter.close();
    watch.await?;
    Ok(meter.result(&options))
}
