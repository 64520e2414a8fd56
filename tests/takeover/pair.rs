//! An owner, a stand-by, and a caller who asks both without end.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use tokio::task::JoinHandle;
use tollgate::proto::v1;
use tollgate::proto::v1::{CheckAndRouteRequest, RecordUsageRequest};
use tonic::transport::{Channel, Endpoint};
use tonic::{Code, Status};

use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus as HealthStatus;
use tonic_health::pb::health_client::HealthClient;

use crate::client::Client;
use crate::process::{Server, free_port};

pub const WORKSPACE: &str = "taken";
/// Of one request.
const INPUT_TOKENS: i64 = 1_000;
/// How often each server is asked.
const PAUSE: Duration = Duration::from_millis(5);

/// A caller of one server.
pub struct Caller {
    pub channel: Channel,
    name: &'static str,
}

impl Caller {
    /// Connects when it is used.
    pub fn new(port: u16, name: &'static str) -> Caller {
        let endpoint = Endpoint::from_shared(format!("http://127.0.0.1:{port}")).unwrap();
        let channel = endpoint.timeout(Duration::from_secs(60)).connect_lazy();
        Caller { channel, name }
    }

    pub fn client(&self) -> Client {
        Client::new(self.channel.clone(), WORKSPACE)
    }

    /// A workspace with a budget for `requests`, of 0.01 each.
    pub async fn set_up(&self, requests: u32) {
        let client = self.client();
        client.create_workspace().await;
        let (whole, cents) = (requests / 100, requests % 100);
        client.set_plan(&format!("{whole}.{cents:02}"), "0").await;
        client.add_model("m", "10", "0").await;
    }

    pub async fn check(&self, number: usize) -> Result<v1::Decision, Status> {
        let check = CheckAndRouteRequest {
            workspace_id: WORKSPACE.into(),
            request_id: format!("{}-{number}", self.name),
            model_id: "m".into(),
            input_token_count: INPUT_TOKENS,
            max_output_token_count: Some(0),
            ..Default::default()
        };
        let checked = self.client().usage().check_and_route(check).await?;
        Ok(checked.into_inner().decision())
    }

    pub async fn record(&self, number: usize) -> Result<(), Status> {
        let usage = v1::Usage { input_token_count: INPUT_TOKENS, ..Default::default() };
        let record = RecordUsageRequest {
            workspace_id: WORKSPACE.into(),
            request_id: format!("{}-{number}", self.name),
            model_id: "m".into(),
            usage: Some(usage),
            outcome: v1::Outcome::Success.into(),
            ..Default::default()
        };
        self.client().usage().record_usage(record).await.map(drop)
    }

    pub async fn is_serving(&self) -> bool {
        let mut health = HealthClient::new(self.channel.clone());
        let asked = health.check(HealthCheckRequest::default()).await;
        asked.is_ok_and(|answer| answer.get_ref().status() == HealthStatus::Serving)
    }

    pub async fn until_serving(&self, is_serving: bool, within: Duration) -> Duration {
        let began = Instant::now();
        while self.is_serving().await != is_serving {
            assert!(began.elapsed() < within, "{}: serving is not {is_serving}", self.name);
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        began.elapsed()
    }
}

/// What a server answered to a check that was sent, and when.
#[derive(Clone, Debug)]
pub struct Answer {
    pub sent: Instant,
    pub answered: Instant,
    /// Absent where it failed.
    pub decision: Option<v1::Decision>,
    /// The status, where it failed.
    pub status: Option<(Code, String)>,
}

/// Asks a server without end.
pub struct Asking {
    answers: Arc<Mutex<Vec<Answer>>>,
    task: JoinHandle<()>,
}

impl Asking {
    pub fn start(port: u16, name: &'static str) -> Asking {
        let answers: Arc<Mutex<Vec<Answer>>> = Arc::default();
        let caller = Caller::new(port, name);
        let noted = answers.clone();
        let task = tokio::spawn(async move {
            for number in 0.. {
                let sent = Instant::now();
                let checked = caller.check(number).await;
                let answered = Instant::now();
                let (decision, status) = match checked {
                    Ok(decision) => (Some(decision), None),
                    Err(status) => (None, Some((status.code(), status.message().to_owned()))),
                };
                noted.lock().unwrap().push(Answer { sent, answered, decision, status });
                tokio::time::sleep(PAUSE).await;
            }
        });
        Asking { answers, task }
    }

    pub fn answers(&self) -> Vec<Answer> {
        self.answers.lock().unwrap().clone()
    }

    pub fn allowed(&self) -> Vec<Answer> {
        let mut answers = self.answers();
        answers.retain(|answer| answer.decision == Some(v1::Decision::Allowed));
        answers
    }

    /// When the first request was allowed; waits for it.
    pub async fn first_allowed(&self, within: Duration) -> Answer {
        let began = Instant::now();
        loop {
            if let Some(first) = self.allowed().into_iter().next() {
                return first;
            }
            assert!(began.elapsed() < within, "nobody took over");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
}

impl Drop for Asking {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// The two did not decide at the same time: nothing that the first one allowed was answered after
/// the second one began to.
pub fn assert_one_decided(first: &Asking, second: &Asking) {
    let took_over = second.allowed().iter().map(|answer| answer.answered).min();
    let took_over = took_over.expect("the second decided");
    for answer in first.allowed() {
        assert!(answer.sent < took_over, "allowed after the takeover: {answer:?}");
    }
}

/// A server that owns the database, which it reaches at `owner_url`, and one that waits.
pub struct Pair {
    pub owner: Server,
    pub standby: Server,
    pub first: Caller,
    pub second: Caller,
}

impl Pair {
    pub async fn start(owner_url: &str, standby_url: &str, requests: u32) -> Pair {
        let (port, standby_port) = (free_port(), free_port());
        let flags = ["--lease-seconds", "2", "--advertise-address", "owner.example:1"];
        let mut owner = Server::spawn(owner_url, port, &flags);
        owner.connect().await;
        let first = Caller::new(port, "first");
        first.set_up(requests).await;
        let flags = ["--lease-seconds", "2", "--standby"];
        let flags = [&flags[..], &["--advertise-address", "standby.example:1"]].concat();
        let standby = Server::spawn(standby_url, standby_port, &flags);
        Pair { owner, standby, first, second: Caller::new(standby_port, "second") }
    }

    pub fn ask_both(&self) -> (Asking, Asking) {
        let asking = |server: &Server, name| Asking::start(server.port, name);
        (asking(&self.owner, "first"), asking(&self.standby, "second"))
    }
}
