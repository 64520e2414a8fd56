//! What becomes of the owner, case by case.

use std::path::Path;
use std::time::{Duration, Instant};

use sqlx::{Connection, PgConnection};
use tollgate::proto::v1;
use tonic::Code;

use crate::pair::{Asking, Caller, Pair, assert_one_decided};
use crate::process::{Server, free_port};
use crate::proxy::Proxy;
use crate::{LEASE, TAKEOVER_MAX, support};

/// More than any case asks for.
const PLENTY: u32 = 1_000_000;
/// Until a server has noticed that it must not decide, after its lease.
const NOTICE_MAX: Duration = Duration::from_millis(100);

async fn fresh_database() -> Option<String> {
    // Off the threads of the test's runtime: the first one starts the server.
    let start = tokio::task::spawn_blocking(|| support::postgres::server("tests/takeover"));
    Some(start.await.unwrap()?.fresh_database(Path::new("/")).await)
}

/// The same database by way of a proxy.
async fn proxied(url: &str) -> (Proxy, String) {
    let (before, rest) = url.rsplit_once(':').unwrap();
    let (port, database) = rest.split_once('/').unwrap();
    let proxy = Proxy::start(port.parse().unwrap()).await;
    let url = format!("{before}:{}/{database}", proxy.port);
    (proxy, url)
}

fn print_takeover(what: &str, took: Duration) {
    println!("{what}: the next server decided after {} ms", took.as_millis());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_owner_that_is_cut_off_decides_no_longer_than_its_lease() {
    let Some(url) = fresh_database().await else { return };
    let (proxy, owner_url) = proxied(&url).await;
    let pair = Pair::start(&owner_url, &url, PLENTY).await;
    let (first, second) = pair.ask_both();
    first.first_allowed(TAKEOVER_MAX).await;
    tokio::time::sleep(LEASE).await;

    proxy.cut_off();
    let cut = Instant::now();
    let taken = second.first_allowed(LEASE + TAKEOVER_MAX).await;
    print_takeover("cut off", taken.answered - cut);
    assert_one_decided(&first, &second);
    for answer in first.allowed() {
        assert!(answer.sent < cut + LEASE + NOTICE_MAX, "{answer:?}");
    }
    let refused = pair.first.check(1_000_000).await.unwrap_err();
    assert_eq!(refused.code(), Code::Unavailable, "{refused:?}");
    assert!(refused.message().starts_with("this server does not own its database"), "{refused:?}");
    assert!(!pair.first.is_serving().await);
    assert!(pair.second.is_serving().await);

    // It learns who owns the database now, and ends.
    proxy.reconnect();
    let Pair { owner, second: caller, .. } = pair;
    assert!(!owner.ended().await.success());
    caller.record(0).await.unwrap();
    let told = first.answers().into_iter().filter_map(|answer| answer.status);
    let told: Vec<(Code, String)> = told.filter(|(_, text)| text.contains("own its")).collect();
    assert!(told.iter().all(|(code, _)| *code == Code::Unavailable), "{told:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_owner_that_is_frozen_decides_nothing_when_it_goes_on() {
    let Some(url) = fresh_database().await else { return };
    let pair = Pair::start(&url, &url, PLENTY).await;
    let (first, second) = pair.ask_both();
    first.first_allowed(TAKEOVER_MAX).await;

    pair.owner.signal("STOP");
    let frozen = Instant::now();
    let taken = second.first_allowed(LEASE + TAKEOVER_MAX).await;
    print_takeover("frozen", taken.answered - frozen);
    pair.owner.signal("CONT");
    assert!(!pair.owner.ended().await.success());
    // What it had taken before it was frozen is answered, and nothing of it allowed.
    for answer in first.allowed() {
        assert!(answer.answered < taken.answered, "{answer:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_lost_when_an_owner_is_killed() {
    let Some(url) = fresh_database().await else { return };
    let pair = Pair::start(&url, &url, PLENTY).await;
    let (_, second) = pair.ask_both();
    for number in 0..50 {
        pair.first.record(number).await.unwrap();
    }

    pair.owner.kill();
    let killed = Instant::now();
    let taken = second.first_allowed(LEASE + TAKEOVER_MAX).await;
    print_takeover("killed", taken.answered - killed);
    assert_eq!(pair.second.client().records().await.len(), 50);
    pair.standby.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_owner_that_stops_hands_its_holds_over() {
    let Some(url) = fresh_database().await else { return };
    // For ten requests.
    let pair = Pair::start(&url, &url, 10).await;
    for number in 0..10 {
        assert_eq!(pair.first.check(number).await.unwrap(), v1::Decision::Allowed);
    }
    let asking = Asking::start(pair.standby.port, "second");

    let stopped = Instant::now();
    pair.owner.stop().await;
    let ended = stopped.elapsed();
    let took_over = pair.second.until_serving(true, TAKEOVER_MAX).await;
    println!("stopped: the owner ended after {} ms", ended.as_millis());
    print_takeover("stopped", ended + took_over);
    assert!(took_over < LEASE, "{took_over:?}: without waiting for the lease");
    // The budget is held by what the first one allowed.
    assert_eq!(pair.second.check(1_000_000).await.unwrap(), v1::Decision::Blocked);
    assert!(asking.allowed().is_empty());
    Caller::new(pair.standby.port, "first").record(0).await.unwrap();
    pair.standby.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_owner_whose_connections_are_cut_stays_the_owner() {
    let Some(url) = fresh_database().await else { return };
    let flags = ["--lease-seconds", "2", "--advertise-address", "owner.example:1"];
    let mut owner = Server::spawn(&url, free_port(), &flags);
    owner.connect().await;
    let caller = Caller::new(owner.port, "first");
    caller.set_up(PLENTY).await;
    let asking = Asking::start(owner.port, "first");
    asking.first_allowed(TAKEOVER_MAX).await;

    let mut connection = PgConnection::connect(&url).await.unwrap();
    let cut = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
               WHERE datname = current_database() AND pid <> pg_backend_pid()";
    sqlx::query(cut).execute(&mut connection).await.unwrap();
    let second = Server::spawn(&url, free_port(), &["--lease-seconds", "2"]);
    assert!(!second.ended().await.success(), "the owner goes on renewing its lease");
    caller.record(0).await.unwrap();
    let failed: Vec<_> = asking.answers().into_iter().filter(|it| it.decision.is_none()).collect();
    assert!(failed.is_empty(), "checks go on: {failed:?}");
    owner.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_connection_that_falls_silent_is_replaced() {
    let Some(url) = fresh_database().await else { return };
    let (proxy, owner_url) = proxied(&url).await;
    // A lease that outlives the deadline of a write.
    let flags = ["--lease-seconds", "20", "--node-id", "one"];
    let mut owner = Server::spawn(&owner_url, free_port(), &flags);
    owner.connect().await;
    let caller = Caller::new(owner.port, "first");
    caller.set_up(PLENTY).await;
    caller.record(0).await.unwrap();

    proxy.silence();
    let silent = Instant::now();
    // Refused at once while it is known that nothing is answered.
    while let Err(refused) = caller.record(1).await {
        assert_eq!(refused.code(), Code::Unavailable, "{refused:?}");
        assert!(silent.elapsed() < Duration::from_secs(12), "{refused:?}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let took = silent.elapsed();
    println!("silent: recorded after {} ms", took.as_millis());
    assert!(took > Duration::from_secs(4), "the connection was silent");
    assert!(took < Duration::from_secs(12), "{took:?}");
    caller.until_serving(true, Duration::from_secs(5)).await;
    assert_eq!(caller.client().records().await.len(), 2);
    owner.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_table_that_is_locked_is_told_to_health_checks() {
    let Some(url) = fresh_database().await else { return };
    let mut owner = Server::spawn(&url, free_port(), &[]);
    owner.connect().await;
    let caller = Caller::new(owner.port, "first");
    caller.set_up(PLENTY).await;
    caller.until_serving(true, TAKEOVER_MAX).await;
    // One check costs 0.01.
    let workspace = v1::Workspace {
        workspace_id: caller.client().id(),
        hold_durability: v1::HoldDurability::Memory.into(),
        outage_held_limit: Some(v1::Money {
            currency_code: "USD".to_owned(),
            amount: "0.02".to_owned(),
        }),
        ..Default::default()
    };
    let request = v1::UpdateWorkspaceRequest { workspace: Some(workspace), update_mask: None };
    caller.client().workspace().update_workspace(request).await.unwrap();

    let mut connection = PgConnection::connect(&url).await.unwrap();
    let mut transaction = connection.begin().await.unwrap();
    sqlx::query("LOCK TABLE usage_records").execute(&mut *transaction).await.unwrap();
    let refused = caller.record(0).await.unwrap_err();
    assert_eq!(refused.code(), Code::Unavailable, "{refused:?}");
    caller.until_serving(false, Duration::from_secs(1)).await;
    assert_eq!(caller.check(1).await.unwrap(), v1::Decision::Allowed, "decided in memory");
    assert_eq!(caller.check(2).await.unwrap(), v1::Decision::Allowed, "the same");
    // The lease is renewed meanwhile: that is no end of the outage.
    tokio::time::sleep(Duration::from_secs(5)).await;
    let outage = caller.client().budget_now().await.storage_outage.expect("nothing is written");
    assert_eq!(outage.held.unwrap().amount, "0.02");
    let refused = caller.check(3).await.unwrap_err();
    assert_eq!(refused.code(), Code::Unavailable, "{refused:?}");
    assert!(refused.message().contains("outage_held_limit"), "{refused:?}");

    transaction.rollback().await.unwrap();
    caller.until_serving(true, Duration::from_secs(5)).await;
    caller.record(0).await.unwrap();
    assert_eq!(caller.check(3).await.unwrap(), v1::Decision::Allowed);
    assert_eq!(caller.client().budget_now().await.storage_outage, None);
    owner.stop().await;
}
