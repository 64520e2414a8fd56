//! Rate limits across kills and graceful stops. Nobody waits here until a minute is over: what
//! counts is read from verdicts and from `retry_after`.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use tollgate::proto::v1;

use crate::client::{Client, subject};
use crate::process::{Server, free_port};

const MINUTE: Duration = Duration::from_secs(60);
/// Buckets are that long: a request may count so much longer than a minute.
const BUCKET: Duration = Duration::from_secs(1);
const PER_MINUTE: i64 = 30;
const CALLERS: usize = 6;
const MODEL: &str = "free";
const KEY: &str = "hammered";

/// One answer, and when it was asked for and given by the clock of the caller.
#[derive(Clone, Debug)]
pub struct Call {
    sent: Instant,
    answered: Instant,
    answer: v1::CheckAndRouteResponse,
}

/// Everybody's calls with one key.
#[derive(Clone, Default)]
pub struct Calls(Arc<Mutex<Vec<Call>>>);

impl Call {
    fn is_admitted(&self) -> bool {
        self.answer.decision() != v1::Decision::Blocked
    }

    /// The rate limit is in the way; how long it says to wait.
    fn retry_after(&self) -> Duration {
        let answer = &self.answer;
        assert_eq!(answer.decision(), v1::Decision::Blocked, "{answer:?}");
        assert_eq!(answer.reason(), v1::Reason::RateLimited, "{answer:?}");
        let wait = answer.retry_after.as_ref().expect("a wait helps");
        Duration::try_from(*wait).unwrap()
    }
}

impl Calls {
    /// Asks with the key. None if the server is gone.
    pub async fn call(&self, client: &Client, key: &str, model: &str) -> Option<Call> {
        let check = v1::CheckAndRouteRequest {
            workspace_id: client.id(),
            request_id: uuid::Uuid::now_v7().to_string(),
            model_id: model.into(),
            input_token_count: 10,
            max_output_token_count: Some(10),
            attribution: Some(v1::Attribution { api_key_id: key.into(), ..Default::default() }),
            ..Default::default()
        };
        let sent = Instant::now();
        let answer = client.usage().check_and_route(check).await.ok()?.into_inner();
        let call = Call { sent, answered: Instant::now(), answer };
        self.0.lock().unwrap().push(call.clone());
        Some(call)
    }

    /// In no minute more are admitted than `limit`. Each was at some moment between being sent and
    /// answered: those that were sent after one and answered within a minute of its sending were
    /// in one minute with it for certain.
    pub fn judge(&self, limit: usize) {
        let calls = self.0.lock().unwrap();
        let admitted: Vec<&Call> = calls.iter().filter(|call| call.is_admitted()).collect();
        for first in &admitted {
            let within = admitted
                .iter()
                .filter(|call| call.sent >= first.sent && call.answered < first.sent + MINUTE);
            let count = within.count();
            assert!(count <= limit, "{count} were admitted in one minute");
        }
    }

    fn admitted_count(&self) -> usize {
        self.0.lock().unwrap().iter().filter(|call| call.is_admitted()).count()
    }
}

/// Many callers at once, until each was blocked or has called as often as the limit allows.
async fn hammer(client: &Client, calls: &Calls) {
    let callers = (0..CALLERS).map(|_| {
        let (client, calls) = (client.clone(), calls.clone());
        tokio::spawn(async move {
            for _ in 0..=PER_MINUTE {
                let call = calls.call(&client, KEY, MODEL).await.expect("the server lives");
                if !call.is_admitted() {
                    return;
                }
            }
        })
    });
    for caller in callers.collect::<Vec<_>>() {
        caller.await.unwrap();
    }
}

pub async fn create(client: &Client, key: &str, limit: v1::RateLimit) {
    let rate_limit = v1::RateLimit {
        rate_limit_id: key.into(),
        subject: subject(v1::SubjectType::ApiKey, key),
        ..limit
    };
    let create =
        v1::CreateRateLimitRequest { workspace_id: client.id(), rate_limit: Some(rate_limit) };
    client.quota().create_rate_limit(create).await.unwrap();
}

pub fn per_minute(requests: i64) -> v1::RateLimit {
    v1::RateLimit {
        bounds: vec![of_requests(v1::LimitPeriod::SlidingMinute, requests)],
        ..Default::default()
    }
}

pub fn per_day(requests: i64) -> v1::RateLimit {
    v1::RateLimit {
        bounds: vec![of_requests(v1::LimitPeriod::SlidingDay, requests)],
        ..Default::default()
    }
}

pub fn of_requests(period: v1::LimitPeriod, amount: i64) -> v1::RateLimitBound {
    let unit = v1::LimitUnit::Requests.into();
    v1::RateLimitBound { unit, period: period.into(), amount }
}

async fn record(client: &Client, key: &str, call: Call) {
    let record = v1::RecordUsageRequest {
        workspace_id: client.id(),
        request_id: call.answer.request_id,
        model_id: MODEL.into(),
        usage: Some(v1::Usage { input_token_count: 10, ..Default::default() }),
        outcome: v1::Outcome::Success.into(),
        attribution: Some(v1::Attribution { api_key_id: key.into(), ..Default::default() }),
        ..Default::default()
    };
    client.usage().record_usage(record).await.unwrap();
}

async fn set_up(client: &Client) {
    client.create_workspace().await;
    client.set_plan("1000", "0").await;
    client.add_model(MODEL, "0", "0").await;
    create(client, KEY, per_minute(PER_MINUTE)).await;
    create(client, "daily", per_day(3)).await;
    create(client, "once", per_minute(1)).await;
}

/// A third of the limit of a minute, and two of three of a day. Returns the first call.
async fn use_some(client: &Client, hammered: &Calls, others: &Calls) -> Call {
    let mut first = None;
    for _ in 0..PER_MINUTE / 3 {
        let call = hammered.call(client, KEY, MODEL).await.unwrap();
        assert!(call.is_admitted());
        first.get_or_insert(call);
    }
    for _ in 0..2 {
        let call = others.call(client, "daily", MODEL).await.unwrap();
        assert!(call.is_admitted());
        record(client, "daily", call).await;
    }
    first.expect("there were calls")
}

/// Stops, starts and kills a server while one key is hammered.
pub async fn run(database: &str) {
    let port = free_port();
    let start = async || {
        let (server, channel) = Server::start(database, port).await;
        (server, Client::new(channel, "rates"))
    };
    let (hammered, others) = (Calls::default(), Calls::default());

    let (server, client) = start().await;
    set_up(&client).await;
    let first = use_some(&client, &hammered, &others).await;
    server.stop().await;

    // The counts are restored: as many more as are left, and the wait is that of the first call.
    let (server, client) = start().await;
    hammer(&client, &hammered).await;
    assert_eq!(hammered.admitted_count(), PER_MINUTE as usize);
    let blocked = hammered.call(&client, KEY, MODEL).await.unwrap();
    let wait = blocked.retry_after();
    let (least, most) = (
        MINUTE.saturating_sub(blocked.answered - first.sent),
        MINUTE + BUCKET - (blocked.sent - first.answered),
    );
    assert!((least..=most).contains(&wait), "{wait:?} is not in {least:?}..={most:?}");
    server.kill();

    // Nobody knows what was admitted in the last minute: it counts as used up, whoever came.
    let before = Instant::now();
    let (server, _) = start().await;
    // Also if nobody asks before the next stop. It takes connections before it has started.
    server.stop().await;
    let after = Instant::now();
    let (server, client) = start().await;
    hammer(&client, &hammered).await;
    assert_eq!(hammered.admitted_count(), PER_MINUTE as usize);
    for key in [KEY, "once"] {
        let blocked = others.call(&client, key, MODEL).await.unwrap();
        assert_used_up(&blocked, before, after);
    }
    // A limit of a day starts from the log; a limit that is new, or none, has lost nothing.
    assert!(others.call(&client, "daily", MODEL).await.unwrap().is_admitted());
    let blocked = others.call(&client, "daily", MODEL).await.unwrap();
    assert!(blocked.retry_after() > MINUTE * 60 * 23);
    create(&client, "new", per_minute(1)).await;
    for key in ["new", "free"] {
        assert!(others.call(&client, key, MODEL).await.unwrap().is_admitted(), "{key}");
    }
    let blocked_again = others.call(&client, "new", MODEL).await.unwrap();
    let wait = blocked_again.retry_after();
    assert!(wait <= MINUTE + BUCKET, "{wait:?}");
    server.stop().await;

    // A graceful stop makes nothing known that was lost before, and forgets nothing.
    let (server, client) = start().await;
    for key in [KEY, "once"] {
        let blocked = others.call(&client, key, MODEL).await.unwrap();
        assert_used_up(&blocked, before, after);
    }
    assert!(!others.call(&client, "new", MODEL).await.unwrap().is_admitted());
    assert!(!others.call(&client, "daily", MODEL).await.unwrap().is_admitted());
    hammer(&client, &hammered).await;
    hammered.judge(PER_MINUTE as usize);
    server.stop().await;
}

/// Until a minute, and at most a bucket, after the start of a server, which was between `before`
/// and `after`.
fn assert_used_up(blocked: &Call, before: Instant, after: Instant) {
    let wait = blocked.retry_after();
    let least = MINUTE.saturating_sub(blocked.answered - before);
    let most = MINUTE + BUCKET - (blocked.sent - after);
    assert!((least..=most).contains(&wait), "{wait:?} is not in {least:?}..={most:?}");
}
