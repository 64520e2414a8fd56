//! kill -9 under load, on the real binary: clients check and record, an administrator changes
//! limits, somebody watches alerts; the server is killed at a random moment and started again, many
//! times. Afterwards every acknowledged record and change is there exactly once, none is invented,
//! every figure is the sum of the log, every alert is raised and delivered once, and
//! `tollgate verify` is clean.
//!
//! The seed of the moments is printed; `TOLLGATE_TEST_SEED` sets it. What the server was doing at
//! these moments is up to the machine, so a seed does not repeat a run exactly.

#[path = "../support/process.rs"]
mod process;
#[allow(dead_code, reason = "receivers fail in other ways elsewhere")]
#[path = "../support/receiver.rs"]
mod receiver;
#[path = "../support/mod.rs"]
mod support;

mod alerts;
mod anomalies;
mod client;
mod erasure;
mod holds;
mod limits;
mod policy;
mod rates;
mod usage;
mod webhook;

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use tonic::transport::Channel;

use alerts::Watcher;
use client::Client;
use limits::GENERATIONS;
use policy::Administrator;
use process::{Server, free_port};
use receiver::{Receiver, Reply};

/// Clients of each of the two workspaces.
const CLIENTS: usize = 4;
/// Shortest time until a kill.
const LIFE_MS_MIN: u64 = 20;
/// The key with a limit of requests a minute.
const HAMMERED: &str = "hammered";
const HAMMERED_PER_MINUTE: i64 = 20;
/// How long its caller rests.
const HAMMER_REST: Duration = Duration::from_millis(5);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_lost_on_sqlite() {
    let folder = tempfile::tempdir().unwrap();
    run(&sqlite_in(folder.path()), 50, 250).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_lost_on_postgres() {
    let Some(postgres) = support::postgres::server("tests/kill") else { return };
    run(&postgres.fresh_database(Path::new("/")).await, 10, 800).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rate_limits_hold_across_stops() {
    let folder = tempfile::tempdir().unwrap();
    rates::run(&sqlite_in(folder.path())).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rate_limits_hold_across_stops_on_postgres() {
    let Some(postgres) = support::postgres::server("tests/kill") else { return };
    rates::run(&postgres.fresh_database(Path::new("/")).await).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn stored_holds_outlive_kills_on_sqlite() {
    let folder = tempfile::tempdir().unwrap();
    holds::run(&sqlite_in(folder.path()), 4).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn stored_holds_outlive_kills_on_postgres() {
    let Some(postgres) = support::postgres::server("tests/kill") else { return };
    holds::run(&postgres.fresh_database(Path::new("/")).await, 2).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_anomaly_raises_one_alert_on_sqlite() {
    let folder = tempfile::tempdir().unwrap();
    anomalies::run(&sqlite_in(folder.path()), 8).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_anomaly_raises_one_alert_on_postgres() {
    let Some(postgres) = support::postgres::server("tests/kill") else { return };
    anomalies::run(&postgres.fresh_database(Path::new("/")).await, 4).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_erasure_is_finished_on_sqlite() {
    let folder = tempfile::tempdir().unwrap();
    erasure::run(&sqlite_in(folder.path()), 4).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_erasure_is_finished_on_postgres() {
    let Some(postgres) = support::postgres::server("tests/kill") else { return };
    erasure::run(&postgres.fresh_database(Path::new("/")).await, 3).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_delivery_survives() {
    let folder = tempfile::tempdir().unwrap();
    webhook::run(&sqlite_in(folder.path())).await;
}

fn sqlite_in(folder: &Path) -> String {
    format!("sqlite:{}", folder.join("killed.db").display())
}

/// What those who use the server know of it, across its lives.
struct World {
    rng: StdRng,
    records: usage::Shared,
    known: limits::Known,
    watcher: Watcher,
    hammered: rates::Calls,
    administrator: Administrator,
    receiver: Receiver,
}

fn free(channel: &Channel) -> Client {
    Client::new(channel.clone(), "killed")
}

fn limited(channel: &Channel) -> Client {
    Client::new(channel.clone(), "limited")
}

/// Kills a server so often, each time after `life_ms_max` at the latest.
async fn run(database: &str, kills: usize, life_ms_max: u64) {
    let seed = std::env::var("TOLLGATE_TEST_SEED").ok().and_then(|seed| seed.parse().ok());
    let seed: u64 = seed.unwrap_or_else(rand::random);
    println!("TOLLGATE_TEST_SEED={seed}");
    let port = free_port();
    let (server, channel) = Server::start(database, port).await;
    let mut world = World::set_up(&channel, seed).await;
    server.stop().await;

    for life in 0..kills {
        let (server, channel) = Server::start(database, port).await;
        world.judge(&channel).await;
        let life_ms = world.rng.random_range(LIFE_MS_MIN..life_ms_max);
        let generation = life * GENERATIONS / kills;
        world = world.live(server, &channel, generation, Duration::from_millis(life_ms)).await;
    }

    let (server, channel) = Server::start(database, port).await;
    world.judge(&channel).await;
    let record_count = world.judge_all(&channel, kills).await;
    assert!(record_count > kills, "the server was under load");
    // Beside the running server, and after it.
    verify(database);
    server.stop().await;
    verify(database);
}

impl World {
    async fn set_up(channel: &Channel, seed: u64) -> World {
        let mut rng = StdRng::seed_from_u64(seed);
        usage::set_up(&free(channel)).await;
        let client = limited(channel);
        limits::set_up(&client).await;
        rates::create(&client, HAMMERED, rates::per_minute(HAMMERED_PER_MINUTE)).await;
        let receiver = Receiver::start(&[Reply::Status(204)]).await;
        client.create_webhook(&receiver.url).await;
        let watcher = Watcher::default();
        let administrator =
            Administrator::new(client, StdRng::from_rng(&mut rng), watcher.clone()).await;
        World {
            rng,
            records: usage::Shared::default(),
            known: limits::Known::default(),
            watcher,
            hammered: rates::Calls::default(),
            administrator,
            receiver,
        }
    }

    /// After a restart, before anybody asks for anything new.
    async fn judge(&mut self, channel: &Channel) {
        let client = limited(channel);
        self.known.send_open(&client).await;
        self.known.judge(&client).await;
        self.administrator.judge(&client).await;
    }

    /// Puts the server under load and kills it.
    async fn live(
        mut self,
        server: Server,
        channel: &Channel,
        generation: usize,
        life: Duration,
    ) -> World {
        let client = limited(channel);
        let mut tasks = Vec::new();
        for _ in 0..CLIENTS {
            tasks.push(tokio::spawn(usage::load(free(channel), self.records.clone())));
            let rng = StdRng::from_rng(&mut self.rng);
            let known = self.known.clone();
            tasks.push(tokio::spawn(limits::load(client.clone(), known, generation, rng)));
        }
        tasks.push(tokio::spawn(self.watcher.clone().watch(client.clone())));
        tasks.push(tokio::spawn(hammer(client.clone(), self.hammered.clone())));
        let work = tokio::spawn(self.administrator.work(client, generation));
        tokio::time::sleep(life).await;
        let is_served = !work.is_finished() && tasks.iter().all(|task| !task.is_finished());
        assert!(is_served, "a call failed before the server was killed");
        server.kill();
        for task in tasks {
            task.await.unwrap();
        }
        World { administrator: work.await.unwrap(), ..self }
    }

    /// In the end. How many records there are.
    async fn judge_all(&mut self, channel: &Channel, kills: usize) -> usize {
        usage::send_open(&free(channel), &self.records).await;
        let free_count = usage::judge(&free(channel), &self.records).await;
        let client = limited(channel);
        let watching = tokio::spawn(self.watcher.clone().watch(client.clone()));
        limits::reach(&client, &self.known).await;
        let limited_count = usage::judge(&client, &self.known.records).await;
        self.known.judge(&client).await;
        let change_count = self.administrator.judge_log(&client).await;
        let alert_count = alerts::judge(&client).await;
        self.watcher.judge(&client).await;
        watching.abort();
        let posted_count = alerts::judge_webhook(&client, &mut self.receiver).await;
        self.hammered.judge(HAMMERED_PER_MINUTE as usize);
        println!(
            "{free_count} and {limited_count} records, {change_count} changes, {alert_count} \
             alerts posted {posted_count} times over {kills} kills; {}",
            self.known.describe()
        );
        free_count + limited_count
    }
}

/// Asks with one key until the server is gone.
async fn hammer(client: Client, calls: rates::Calls) {
    while calls.call(&client, HAMMERED, "small").await.is_some() {
        tokio::time::sleep(HAMMER_REST).await;
    }
}

fn verify(database: &str) {
    let output =
        Command::new(process::binary()).args(["verify", "--database", database]).output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "verify: {text}{errors}");
    assert!(text.contains("clean"), "verify: {text}");
}
