//! What the conformance runner speaks with: JSON lines, see `clients/conformance/README.md`.

use std::collections::HashMap;
use std::error::Error;
use std::fmt;
use std::io::Write;
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::sync::{Semaphore, oneshot};
use tokio::task::{JoinHandle, JoinSet};
use tollgate_grpc::{
    Call, Client, GuardError, Money, Outcome, Policy, ProviderAnswer, Request, Resume, ServiceTier,
    Tls, UnitKind, Usage, UsageUnit, Verdict, WebhookVerifier, estimate_tokens, make_request_id,
    v1,
};
use tonic::Code;

type Failure = Box<dyn Error + Send + Sync>;
type Answer = Result<Value, Failure>;

/// The exception of the block.
#[derive(Debug)]
struct OwnError;

impl fmt::Display for OwnError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("the error of the block")
    }
}

/// A guard whose block waits to be told what to do.
struct Open {
    call: Call,
    tell: oneshot::Sender<Value>,
    /// Told once a block that is to be cancelled has done what it does before.
    cancel: oneshot::Receiver<()>,
    end: JoinHandle<Value>,
}

#[derive(Default)]
struct Program {
    client: Option<Client>,
    open: HashMap<u64, Open>,
    stream: Option<tonic::Streaming<v1::WatchSpendResponse>>,
}

impl Program {
    async fn answer(&mut self, command: &Value) -> Answer {
        match command["command"].as_str().unwrap_or_default() {
            "connect" => self.connect(command),
            "guard" => guard(self.client()?, command).await,
            "ready" => {
                let begin = Instant::now();
                let ready = self.client()?.ready(millis(command, "timeout_ms")).await;
                let mut answer = match ready {
                    Ok(()) => json!({"result": "ready"}),
                    Err(GuardError::Rpc(status)) => error(&status),
                    Err(other) => json!({"result": "unavailable", "message": other.to_string()}),
                };
                answer["elapsed_ms"] = json!(since(begin));
                Ok(answer)
            }
            "open" | "resume" => self.open(command).await,
            "finish" => self.finish(command).await,
            "extend" => self.extend(command).await,
            "parallel" => parallel(self.client()?, command).await,
            "record" => record(self.client()?, command).await,
            "flush" => {
                Ok(json!({"left": self.client()?.flush(millis(command, "timeout_ms")).await}))
            }
            "stats" => {
                let stats = self.client()?.stats();
                Ok(json!({
                    "queued": stats.queued, "delivered": stats.delivered,
                    "dropped": stats.dropped, "refused": stats.refused,
                }))
            }
            "close" => Ok(json!({"left": self.close(command).await})),
            "reduce" => Ok(reduce(command)),
            "estimate" => Ok(json!({"tokens": estimate_tokens(&command["content"])})),
            "verify_webhook" => verify_webhook(command),
            "watch" => self.watch(command).await,
            "watched" => self.watched().await,
            "describe" => {
                let client = self.client()?;
                Ok(json!({"text": format!("{client:?} {client:#?} {:#?}", client.usage())}))
            }
            "bench" => bench(self.client()?, command).await,
            other => Err(format!("no command {other}").into()),
        }
    }

    fn client(&self) -> Result<&Client, Failure> {
        self.client.as_ref().ok_or_else(|| "not connected".into())
    }

    fn connect(&mut self, command: &Value) -> Answer {
        let mut builder = Client::builder()
            .address(text(command, "address").unwrap_or_default())
            .timeout(millis(command, "timeout_ms"));
        if let Some(policy) = policy(command) {
            builder = builder.on_unavailable(policy);
        }
        if let Some(count) = command["queue_max"].as_u64() {
            builder = builder.queue_max(usize::try_from(count)?);
        }
        if let Some(path) = text(command, "queue_path") {
            builder = builder.queue_path(path);
        }
        if command["flush_timeout_ms"].is_u64() {
            builder = builder.flush_timeout(millis(command, "flush_timeout_ms"));
        }
        if command["break_duration_ms"].is_u64() {
            builder = builder.break_duration(millis(command, "break_duration_ms"));
        }
        if let Some(token) = text(command, "token") {
            builder = builder.token(token);
        }
        if let Some(path) = text(command, "token_path") {
            let path = path.to_owned();
            builder = builder.token_source(move || Ok(std::fs::read_to_string(&path)?));
        }
        if let Some(roots) = text(command, "tls_roots") {
            builder = builder.tls(Tls::Roots(roots.into()));
        }
        match builder.build() {
            Ok(client) => self.client = Some(client),
            Err(error) => return Ok(json!({"result": "refused", "message": error.to_string()})),
        }
        Ok(json!({"result": "connected"}))
    }

    async fn watch(&mut self, command: &Value) -> Answer {
        let workspace_id = text(command, "workspace").unwrap_or_default().into();
        let request = v1::WatchSpendRequest { workspace_id };
        match self.client()?.budget().watch_spend(request).await {
            Ok(stream) => self.stream = Some(stream.into_inner()),
            Err(status) => return Ok(error(&status)),
        }
        self.read_stream().await
    }

    async fn watched(&mut self) -> Answer {
        loop {
            let answer = self.read_stream().await?;
            if answer["result"] != "watching" {
                return Ok(answer);
            }
        }
    }

    async fn read_stream(&mut self) -> Answer {
        Ok(match self.stream.as_mut().ok_or("not watching")?.message().await {
            Ok(Some(_)) => json!({"result": "watching"}),
            Ok(None) => json!({"result": "ended"}),
            Err(status) => error(&status),
        })
    }

    async fn close(&mut self, command: &Value) -> usize {
        let Some(client) = self.client.take() else { return 0 };
        if command["timeout_ms"].is_u64() {
            client.close_within(millis(command, "timeout_ms")).await
        } else {
            client.close().await
        }
    }

    async fn open(&mut self, command: &Value) -> Answer {
        let begin = Instant::now();
        let open = match enter(self.client()?, command).await? {
            Ok(open) => open,
            Err(refused) => return Ok(told(None, refused, begin)),
        };
        let number = self.open.len() as u64 + 1;
        let answer = told(Some(&open.call), json!({"result": "opened", "call": number}), begin);
        self.open.insert(number, open);
        Ok(answer)
    }

    async fn finish(&mut self, command: &Value) -> Answer {
        let number = command["call"].as_u64().unwrap_or_default();
        let begin = Instant::now();
        leave(self.open.remove(&number).ok_or("no such call")?, command, begin).await
    }

    async fn extend(&mut self, command: &Value) -> Answer {
        let number = command["call"].as_u64().unwrap_or_default();
        let open = self.open.get(&number).ok_or("no such call")?;
        match open.call.extend(millis(command, "hold_ms")).await {
            Ok(()) => Ok(json!({"result": "extended"})),
            Err(status) => Ok(error(&status)),
        }
    }
}

async fn guard(client: &Client, command: &Value) -> Answer {
    let begin = Instant::now();
    match enter(client, command).await? {
        Ok(open) => leave(open, command, begin).await,
        Err(refused) => Ok(told(None, refused, begin)),
    }
}

/// Enters a guard, or resumes one, in a task of its own, so that it can be cancelled; or says how it
/// was refused.
async fn enter(client: &Client, command: &Value) -> Result<Result<Open, Value>, Failure> {
    let client = client.clone();
    let resumed = (command["command"] == "resume").then(|| {
        let word = |name| text(command, name).unwrap_or_default();
        Resume::of(word("workspace"), word("request_id"))
    });
    let request = if resumed.is_none() { Some(request(command)?) } else { None };
    let (tell, told) = oneshot::channel::<Value>();
    let (may_cancel, cancel) = oneshot::channel();
    let (entered, call) = oneshot::channel();
    let end = tokio::spawn(async move {
        let block = |call: Call| async move {
            let _ = entered.send(call.clone());
            let command = told.await.unwrap_or_default();
            let result = act(&call, &command);
            if command["act"] == "cancel" {
                let _ = may_cancel.send(());
                std::future::pending::<()>().await;
            }
            result
        };
        match (request, resumed) {
            (Some(request), _) => ended(client.guard(request, block).await),
            (None, Some(resumed)) => ended(client.resume(resumed, block).await),
            (None, None) => Value::Null,
        }
    });
    match call.await {
        Ok(call) => Ok(Ok(Open { call, tell, cancel, end })),
        Err(_) => Ok(Err(end.await?)),
    }
}

async fn leave(open: Open, command: &Value, begin: Instant) -> Answer {
    let Open { call, tell, cancel, end } = open;
    tell.send(command.clone()).map_err(|_| "the guard has ended")?;
    let cancelled = command["act"] == "cancel";
    if cancelled {
        cancel.await?;
        end.abort();
    }
    let answer = match end.await {
        Err(error) if cancelled && error.is_cancelled() => json!({"result": "cancelled"}),
        answer => answer?,
    };
    Ok(told(Some(&call), answer, begin))
}

/// What the block does.
fn act(call: &Call, command: &Value) -> Result<(), OwnError> {
    let act = text(command, "act").unwrap_or_default();
    match act {
        "never_started" => return Ok(()),
        "error_before" => return Err(OwnError),
        _ => {}
    }
    if act != "unread" {
        let _ = call.model();
    }
    call.push_output_text(text(command, "output_text").unwrap_or_default());
    if act != "no_usage" {
        record_on(call, command);
    }
    if act == "error" { Err(OwnError) } else { Ok(()) }
}

/// Hands over what was used.
fn record_on(call: &Call, command: &Value) {
    let (answer, usage) = (&command["provider_answer"], &command["usage"]);
    if let Some(parts) = answer["parts"].as_array() {
        for part in parts {
            call.record_from(text(answer, "provider").unwrap_or_default(), part);
        }
    } else if !usage.is_null() {
        call.record_usage(usage_of(usage));
        if command["factors"].is_array() {
            call.set_factors(texts(&command["factors"]));
        }
    }
}

fn ended(result: Result<(), GuardError<OwnError>>) -> Value {
    match result {
        Ok(()) => json!({"result": "returned"}),
        Err(GuardError::Block(OwnError)) => json!({"result": "raised"}),
        Err(GuardError::Unavailable(status)) => {
            let said = GuardError::<OwnError>::Unavailable(status).to_string();
            json!({"result": "unavailable", "message": said})
        }
        Err(GuardError::Blocked(blocked)) => json!({
            "result": "blocked",
            "decision": "BLOCKED",
            "request_id": blocked.request_id,
            "reason": blocked.reason.name(),
            "retry_after_ms": blocked.retry_after.map(|wait| u64::try_from(wait.as_millis()).ok()),
            "message": blocked.to_string(),
            "verdicts": blocked.verdicts.iter().map(verdict_of).collect::<Vec<_>>(),
        }),
        Err(GuardError::Rpc(status)) => error(&status),
    }
}

/// Adds what the call says of itself, and the time.
fn told(call: Option<&Call>, mut answer: Value, begin: Instant) -> Value {
    answer["ran"] = json!(call.is_some());
    if let Some(call) = call {
        let decision = call.decision().map(|decision| decision.as_str_name());
        answer["decision"] = json!(decision.map(|name| name.trim_start_matches("DECISION_")));
        // Reading it starts the call, which an open one is to do when it is finished.
        let is_open = answer["result"] == "opened";
        answer["model"] = json!((!is_open).then(|| call.model()));
        answer["request_id"] = json!(call.request_id());
        answer["attempt"] = json!(call.attempt());
        answer["unchecked"] = json!(call.unchecked());
        answer["routed"] = json!(call.routed());
        answer["held"] = json!(call.held().map(|held| held.amount.to_string()));
        answer["cost"] = json!(call.recorded().map(|recorded| recorded.cost.amount.to_string()));
        answer["verdicts"] = call.verdicts().iter().map(verdict_of).collect();
    }
    answer["elapsed_ms"] = json!(since(begin));
    answer
}

fn verdict_of(verdict: &Verdict) -> Value {
    let amount = |money: &Option<Money>| money.as_ref().map(|money| money.amount.to_string());
    json!({
        "reason": verdict.reason.name(),
        "limit_kind": Some(verdict.limit_kind.name()).filter(|kind| !kind.is_empty()),
        "limit": amount(&verdict.limit),
        "spent": amount(&verdict.spent),
        "held": amount(&verdict.held),
        "need": amount(&verdict.need),
    })
}

async fn parallel(client: &Client, command: &Value) -> Answer {
    let begin = Instant::now();
    let count = command["count"].as_u64().unwrap_or_default();
    let concurrency = usize::try_from(command["concurrency"].as_u64().unwrap_or(1))?;
    let places = Arc::new(Semaphore::new(concurrency));
    let mut command = command.clone();
    command["request_id"] = Value::Null;
    let command = Arc::new(command);
    let mut guards = JoinSet::new();
    for _ in 0..count {
        let place = Arc::clone(&places).acquire_owned().await?;
        let (client, command) = (client.clone(), Arc::clone(&command));
        guards.spawn(async move {
            let answer = guard(&client, &command).await;
            drop(place);
            answer
        });
    }
    let results = ["returned", "blocked", "unavailable", "error", "raised", "cancelled"];
    let mut counts: HashMap<&str, u64> = results.map(|result| (result, 0)).into();
    while let Some(answer) = guards.join_next().await {
        let answer = answer??;
        let result = answer["result"].as_str().and_then(|result| counts.get_mut(result));
        *result.ok_or_else(|| answer.to_string())? += 1;
    }
    let mut answer = json!(counts);
    answer["elapsed_ms"] = json!(since(begin));
    Ok(answer)
}

async fn record(client: &Client, command: &Value) -> Answer {
    let outcome = format!("OUTCOME_{}", text(command, "outcome").unwrap_or_default());
    let (usage, answer) = (&command["usage"], &command["provider_answer"]);
    let answer = match answer["parts"].as_array() {
        Some(parts) => {
            let hint = text(answer, "provider").unwrap_or_default();
            Some(ProviderAnswer::of_parts(hint, parts)?.into())
        }
        None => None,
    };
    let request = v1::RecordUsageRequest {
        workspace_id: text(command, "workspace").unwrap_or_default().into(),
        request_id: text(command, "request_id").unwrap_or_default().into(),
        attempt: i32::try_from(command["attempt"].as_i64().unwrap_or_default())?,
        model_id: text(command, "model").unwrap_or_default().into(),
        usage: (!usage.is_null()).then(|| usage_of(usage)),
        outcome: Outcome::from_str_name(&outcome).ok_or(outcome)?.into(),
        start_time: text(command, "start_time").map(str::parse).transpose()?,
        factors: texts(&command["factors"]),
        provider_answer: answer,
        accept_unread: command["accept_unread"] == true,
        ..Default::default()
    };
    match client.usage().record_usage(request).await {
        Ok(answer) => {
            let answer = answer.into_inner();
            let cost = Money::try_from(&answer.cost.unwrap_or_default())?.amount.to_string();
            Ok(json!({
                "result": "recorded", "duplicate": answer.duplicate, "cost": cost,
                "usage": counts_of(answer.usage.unwrap_or_default()), "model": answer.model_id,
                "unread": answer.unread, "attempt": answer.attempt,
            }))
        }
        Err(status) => Ok(error(&status)),
    }
}

/// The fields of a usage that are not zero.
fn counts_of(mut usage: Usage) -> Value {
    let counts = CLASSES.iter().map(|(name, count)| (name.to_string(), *count(&mut usage)));
    let counts: HashMap<String, i64> = counts.filter(|(_, count)| *count != 0).collect();
    let mut counts = json!(counts);
    let units = usage.units.iter().map(|unit| {
        let kind = unit.kind().as_str_name().trim_start_matches("UNIT_KIND_");
        json!({"kind": kind, "count": unit.count})
    });
    let units: Vec<Value> = units.collect();
    if !units.is_empty() {
        counts["units"] = units.into();
    }
    counts
}

fn reduce(command: &Value) -> Value {
    let parts = command["parts"].as_array().cloned().unwrap_or_default();
    match ProviderAnswer::of_parts("", &parts) {
        Ok(answer) => {
            let texts = answer.json().iter();
            json!({"parts": texts.map(|text| serde_json::from_str(text).unwrap_or(Value::Null))
                .collect::<Vec<_>>()})
        }
        Err(error) => json!({"result": "refused", "message": error.to_string()}),
    }
}

async fn bench(client: &Client, command: &Value) -> Answer {
    let calls = command["calls"].as_i64().unwrap_or_default();
    let mut times = [const { Vec::new() }; 3];
    for turn in -20..calls {
        for (way, times) in times.iter_mut().enumerate() {
            let begin = Instant::now();
            match way {
                0 => bare(client, command).await?,
                _ => guarded(client, command, way == 1).await?,
            }
            if turn >= 0 {
                times.push(begin.elapsed());
            }
            client.flush(Duration::from_secs(10)).await;
        }
    }
    let [bare, guard, queued] = times.map(|mut times| {
        times.sort_unstable();
        u64::try_from(times[times.len() / 2].as_micros()).unwrap_or(u64::MAX)
    });
    Ok(json!({"bare_us": bare, "guard_us": guard, "queued_us": queued}))
}

/// The two calls of the stubs.
async fn bare(client: &Client, command: &Value) -> Result<(), Failure> {
    let mut usage = client.usage();
    let check = v1::CheckAndRouteRequest {
        workspace_id: text(command, "workspace").unwrap_or_default().into(),
        request_id: make_request_id(),
        model_id: text(command, "model").unwrap_or_default().into(),
        input_token_count: command["input_tokens"].as_i64().unwrap_or_default(),
        max_output_token_count: command["max_output_tokens"].as_i64(),
        ..Default::default()
    };
    let workspace_id = check.workspace_id.clone();
    let answer = usage.check_and_route(check).await?.into_inner();
    let record = v1::RecordUsageRequest {
        workspace_id,
        request_id: answer.request_id,
        model_id: answer.model_id,
        usage: Some(usage_of(&command["usage"])),
        outcome: Outcome::Success.into(),
        ..Default::default()
    };
    usage.record_usage(record).await?;
    Ok(())
}

async fn guarded(client: &Client, command: &Value, wait: bool) -> Result<(), Failure> {
    let used = usage_of(&command["usage"]);
    let block = |call: Call| async move {
        let _ = call.model();
        call.record_usage(used);
        Ok::<(), OwnError>(())
    };
    client.guard(request(command)?.wait(wait), block).await?;
    Ok(())
}

type Setter = fn(Request, &str) -> Request;

fn request(command: &Value) -> Result<Request, Failure> {
    let word = |name| text(command, name);
    let (workspace, model) = (word("workspace"), word("model"));
    let to = Request::to(workspace.unwrap_or_default(), model.unwrap_or_default());
    let mut request = match (command["input_tokens"].as_i64(), word("prompt")) {
        (Some(count), _) => to.input_tokens(count),
        (None, prompt) => to.prompt(prompt.ok_or("neither input_tokens nor prompt")?),
    };
    let setters: [(&str, Setter); 10] = [
        ("request_id", |request, id| request.request_id(id)),
        ("user", |request, id| request.user(id)),
        ("department", |request, id| request.department(id)),
        ("api_key", |request, id| request.api_key(id)),
        ("assistant", |request, id| request.assistant(id)),
        ("workflow", |request, id| request.workflow(id)),
        ("feature", |request, id| request.feature(id)),
        ("project", |request, id| request.project(id)),
        ("investigation", |request, id| request.investigation(id)),
        ("session", |request, id| request.session(id)),
    ];
    for (name, set) in setters {
        if let Some(id) = word(name) {
            request = set(request, id);
        }
    }
    for (key, value) in command["tags"].as_object().into_iter().flatten() {
        request = request.tag(key, value.as_str().unwrap_or_default());
    }
    if let Some(count) = command["max_output_tokens"].as_i64() {
        request = request.max_output_tokens(count);
    }
    if let Some(tier) = word("service_tier") {
        let tier = ServiceTier::from_str_name(&format!("SERVICE_TIER_{tier}"));
        request = request.service_tier(tier.ok_or("no such tier")?);
    }
    if let Some(policy) = policy(command) {
        request = request.on_unavailable(policy);
    }
    Ok(request.wait(command["wait"] == true))
}

fn policy(command: &Value) -> Option<Policy> {
    match text(command, "on_unavailable") {
        Some("open") => Some(Policy::Open),
        Some("closed") => Some(Policy::Closed),
        _ => None,
    }
}

type Count = fn(&mut Usage) -> &mut i64;

const CLASSES: [(&str, Count); 10] = [
    ("input_token_count", |usage| &mut usage.input_token_count),
    ("cache_read_token_count", |usage| &mut usage.cache_read_token_count),
    ("cache_write_5m_token_count", |usage| &mut usage.cache_write_5m_token_count),
    ("cache_write_1h_token_count", |usage| &mut usage.cache_write_1h_token_count),
    ("output_token_count", |usage| &mut usage.output_token_count),
    ("reasoning_token_count", |usage| &mut usage.reasoning_token_count),
    ("audio_input_token_count", |usage| &mut usage.audio_input_token_count),
    ("audio_output_token_count", |usage| &mut usage.audio_output_token_count),
    ("image_input_token_count", |usage| &mut usage.image_input_token_count),
    ("image_output_token_count", |usage| &mut usage.image_output_token_count),
];

fn usage_of(counts: &Value) -> Usage {
    let mut usage = Usage::default();
    for (name, count) in CLASSES {
        *count(&mut usage) = counts[name].as_i64().unwrap_or_default();
    }
    for unit in counts["units"].as_array().into_iter().flatten() {
        let kind = format!("UNIT_KIND_{}", text(unit, "kind").unwrap_or_default());
        let kind = UnitKind::from_str_name(&kind).unwrap_or_default().into();
        usage.units.push(UsageUnit { kind, count: unit["count"].as_i64().unwrap_or_default() });
    }
    usage
}

fn texts(list: &Value) -> Vec<String> {
    list.as_array().into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect()
}

fn text<'a>(command: &'a Value, name: &str) -> Option<&'a str> {
    command[name].as_str()
}

fn millis(command: &Value, name: &str) -> Duration {
    Duration::from_millis(command[name].as_u64().unwrap_or_default())
}

fn since(begin: Instant) -> u64 {
    u64::try_from(begin.elapsed().as_millis()).unwrap_or(u64::MAX)
}

/// `NotFound` as gRPC spells it: `NOT_FOUND`.
fn error(status: &tonic::Status) -> Value {
    json!({"result": "error", "code": code(status.code()), "message": status.message()})
}

fn code(code: Code) -> String {
    let mut name = String::new();
    for letter in format!("{code:?}").chars() {
        if letter.is_ascii_uppercase() && !name.is_empty() {
            name.push('_');
        }
        name.push(letter.to_ascii_uppercase());
    }
    name
}

#[tokio::main]
async fn main() -> Result<(), Failure> {
    tracing_subscriber::fmt().with_writer(std::io::stderr).init();
    let mut program = Program::default();
    let mut lines = BufReader::new(tokio::io::stdin()).lines();
    while let Some(line) = lines.next_line().await? {
        let command: Value = serde_json::from_str(&line)?;
        let answer = program.answer(&command).await;
        let answer = answer.unwrap_or_else(|error| json!({"error": error.to_string()}));
        let mut stdout = std::io::stdout().lock();
        writeln!(stdout, "{answer}")?;
        stdout.flush()?;
    }
    // Rust has no hook for the end of a program.
    program.close(&Value::Null).await;
    Ok(())
}

fn verify_webhook(command: &Value) -> Answer {
    let secrets = command["secrets"].as_array().into_iter().flatten().filter_map(Value::as_str);
    let verifier = WebhookVerifier::new(secrets)?;
    let mut headers = http::HeaderMap::new();
    for (name, value) in command["headers"].as_object().into_iter().flatten() {
        let name = http::HeaderName::try_from(name)?;
        headers.insert(name, value.as_str().unwrap_or_default().parse()?);
    }
    let body = text(command, "body").unwrap_or_default();
    Ok(match verifier.verify(&headers, body.as_bytes()) {
        Ok(()) => json!({"result": "verified"}),
        Err(error) => json!({"result": "refused", "message": error.to_string()}),
    })
}
