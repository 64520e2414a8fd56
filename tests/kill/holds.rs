//! Holds across kills: of a workspace whose holds are committed, each that was answered lives on,
//! so that its budget is never passed; of one whose holds are journaled, each that is older than
//! the last commits.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use rust_decimal::Decimal;
use tollgate::proto::v1;
use tonic::Code;

use crate::client::Client;
use crate::process::{Server, free_port};

const COMMITTED: &str = "committed";
const JOURNALED: &str = "journaled";
const MODEL: &str = "gpt-4.1-mini";
const CALLERS: usize = 4;
/// A journaled hold is stored within 20 ms and two commits; the rest is for a busy machine.
const JOURNALED_WITHIN: Duration = Duration::from_millis(1_500);
/// Where a hold outlives the test.
const HOLD_SECONDS: i64 = 3_600;
/// How long a server lives once it has answered.
const LIFE: Duration = Duration::from_secs(2);

/// What callers were answered: request, when, and what is held.
#[derive(Clone, Default)]
struct Answered(Arc<Mutex<BTreeMap<String, (Instant, Decimal)>>>);

impl Answered {
    fn count(&self) -> usize {
        self.0.lock().unwrap().len()
    }

    /// Those that were answered before a moment.
    fn before(&self, moment: Instant) -> BTreeMap<String, Decimal> {
        let answered = self.0.lock().unwrap();
        let early = answered.iter().filter(|(_, (at, _))| *at <= moment);
        early.map(|(request, (_, held))| (request.clone(), *held)).collect()
    }
}

/// Kills a server so often.
pub async fn run(database: &str, kills: usize) {
    let port = free_port();
    let (server, channel) = Server::start(database, port).await;
    for (id, durability) in
        [(COMMITTED, v1::HoldDurability::Committed), (JOURNALED, v1::HoldDurability::Journaled)]
    {
        set_up(&Client::new(channel.clone(), id), durability).await;
    }
    server.kill();
    let answered: BTreeMap<&str, Answered> =
        [COMMITTED, JOURNALED].map(|id| (id, Answered::default())).into();
    for life in 0..kills {
        let (server, channel) = Server::start(database, port).await;
        let clients = [COMMITTED, JOURNALED].map(|id| Client::new(channel.clone(), id));
        let mut callers = tokio::task::JoinSet::new();
        for caller in 0..CALLERS {
            let client = clients[caller % 2].clone();
            let answered = answered[client.workspace_id].clone();
            callers.spawn(check_until_killed(client, answered, format!("{life}-{caller}")));
        }
        let so_far = answered[COMMITTED].count();
        while answered[COMMITTED].count() == so_far && !callers.is_empty() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        tokio::time::sleep(LIFE).await;
        let killed = Instant::now();
        server.kill();
        callers.join_all().await;

        let (server, channel) = Server::start(database, port).await;
        judge(&Client::new(channel.clone(), COMMITTED), &answered[COMMITTED], Instant::now()).await;
        let old = killed.checked_sub(JOURNALED_WITHIN).unwrap();
        judge(&Client::new(channel, JOURNALED), &answered[JOURNALED], old).await;
        server.kill();
    }
    let count = answered[COMMITTED].count();
    assert!(count > kills, "the server was under load: {count} holds");
}

async fn set_up(client: &Client, durability: v1::HoldDurability) {
    let workspace = v1::Workspace {
        workspace_id: client.id(),
        currency_code: "USD".into(),
        hold_durability: durability.into(),
        ..Default::default()
    };
    let request = v1::CreateWorkspaceRequest { workspace: Some(workspace) };
    client.workspace().create_workspace(request).await.unwrap();
    let money = |amount: &str| v1::Money { currency_code: "USD".into(), amount: amount.into() };
    let plan = v1::Plan {
        budget: Some(money("1000000")),
        overage_limit: None,
        start_date: "2026-01-01".into(),
    };
    let request = v1::SetPlanRequest { workspace_id: client.id(), plan: Some(plan) };
    client.budget().set_plan(request).await.unwrap();
    let request = v1::EnableModelRequest { workspace_id: client.id(), model_id: MODEL.into() };
    client.models().enable_model(request).await.unwrap();
}

/// Checks one request after another, until the server is gone. Of each third the hold is released
/// at once.
async fn check_until_killed(client: Client, answered: Answered, name: String) {
    for number in 0.. {
        let request_id = format!("{name}-{number}");
        let request = v1::CheckAndRouteRequest {
            workspace_id: client.id(),
            request_id: request_id.clone(),
            model_id: MODEL.into(),
            input_token_count: 1_000,
            max_output_token_count: Some(1_000),
            hold_duration: Some(prost_types::Duration { seconds: HOLD_SECONDS, nanos: 0 }),
            ..Default::default()
        };
        let answer = match client.usage().check_and_route(request).await {
            Ok(answer) => answer.into_inner(),
            Err(status) if status.code() == Code::InvalidArgument => panic!("{status}"),
            Err(_) => return,
        };
        assert_eq!(answer.decision(), v1::Decision::Allowed, "{answer:?}");
        let held: Decimal = answer.held.unwrap().amount.parse().unwrap();
        if number % 3 < 2 {
            answered.0.lock().unwrap().insert(request_id, (Instant::now(), held));
            continue;
        }
        let request = v1::ReleaseHoldRequest { workspace_id: client.id(), request_id };
        match client.usage().release_hold(request).await {
            Ok(_) => {}
            Err(status) if status.code() == Code::NotFound => panic!("{status}"),
            Err(_) => return,
        }
    }
}

/// Holds that were answered by then live, as they were answered.
async fn judge(client: &Client, answered: &Answered, by: Instant) {
    let live = client.holds().await;
    let live: BTreeMap<&str, Decimal> = live
        .iter()
        .map(|hold| {
            let held = hold.held.as_ref().unwrap().amount.parse().unwrap();
            (hold.request_id.as_str(), held)
        })
        .collect();
    for (request, held) in answered.before(by) {
        let found = live.get(request.as_str());
        assert_eq!(found, Some(&held), "{request} of {} lives", client.workspace_id);
    }
    // And they count.
    let shown: Decimal = client.budget_now().await.held.unwrap().amount.parse().unwrap();
    assert_eq!(shown, live.values().sum::<Decimal>());
    // What was lost need not be there after the next kill.
    let lost = |request: &String| !live.contains_key(request.as_str());
    answered.0.lock().unwrap().retain(|request, _| !lost(request));
}
