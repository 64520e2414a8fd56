//! A server on SQLite, with three entries of everything that is listed, and tokens of every kind.

use std::cell::RefCell;
use std::sync::Arc;

use prost::Message;
use prost_types::Timestamp;
use tempfile::TempDir;
use tokio::runtime::Runtime;
use tollgate::domain::Amount;
use tollgate::domain::access::{Role, Secret};
use tollgate::domain::alert::anomaly::{
    Anomaly, AnomalyAlerts, AnomalyKind, AnomalyMember, AnomalyMetric, AnomalySeverity, AnomalyStep,
};
use tollgate::domain::attribution::SubjectKind;
use tollgate::domain::time::{MICROS_PER_DAY, MICROS_PER_SECOND, Micros};
use tollgate::domain::workspace::recommendation::{
    Advice, Baseline, RecommendationEvidence, RecommendationReason, RecommendationTopic,
};
use tollgate::engine::{Actor, Made, NewToken};
use tollgate::grpc::Admission;
use tollgate::proto::v1;
use tollgate::storage::sql;

use super::server::{Server, StillClock};
use crate::machine::reference::START;

/// Entries of each list.
pub const ENTRIES: usize = 3;
/// How long the workspace exists: more cycles than that.
const PAST: Micros = 100 * MICROS_PER_DAY;
pub const ACME: &str = "acme";

pub struct Prepared {
    pub runtime: Runtime,
    /// Takes every call.
    pub open: Server,
    /// Takes calls with credentials.
    pub guarded: Server,
    pub credentials: Vec<Credential>,
    _folder: TempDir,
}

/// A secret, and the id and role of its token if it is valid.
pub struct Credential {
    pub secret: Secret,
    pub valid: Option<(String, Role)>,
}

/// Runs with the server of this thread.
pub fn with<T>(run: impl FnOnce(&mut Prepared) -> T) -> T {
    thread_local! {
        static PREPARED: RefCell<Option<Prepared>> = const { RefCell::new(None) };
    }
    PREPARED.with_borrow_mut(|prepared| run(prepared.get_or_insert_with(Prepared::new)))
}

impl Prepared {
    fn new() -> Prepared {
        let runtime = tokio::runtime::Builder::new_current_thread();
        let runtime = { runtime }.enable_time().build().expect("a runtime");
        let folder = tempfile::tempdir().expect("a folder");
        let (open, credentials) = runtime.block_on(async {
            let path = folder.path().join("tollgate.db");
            let store = sql::open(&format!("sqlite:{}", path.display())).await;
            let clock = Arc::new(StillClock::new(START - PAST));
            let mut server = Server::start(store.expect("it opens"), clock.clone()).await;
            let workspace = v1::Workspace { workspace_id: acme(), ..Default::default() };
            let request = v1::CreateWorkspaceRequest { workspace: Some(workspace) };
            server.ask("WorkspaceService/CreateWorkspace", request).await;
            clock.advance(PAST);
            for index in 0..ENTRIES {
                fill(&mut server, index).await;
                let found = vec![anomaly(index)];
                server.engine.put_anomalies(ACME, found).await.expect("it is stored");
                let made = Made { advice: vec![advice(index)], measured: Vec::new() };
                server.engine.put_recommendations(ACME, made).await.expect("it is stored");
            }
            spend(&mut server, &clock).await;
            let credentials = credentials(&server, &clock).await;
            (server, credentials)
        });
        let guarded = Server::with(open.engine.clone(), Admission::Authenticated);
        Prepared { runtime, open, guarded, credentials, _folder: folder }
    }
}

impl Server {
    /// Makes a call that must pass.
    async fn ask(&mut self, path: &str, message: impl Message) {
        let path = format!("/tollgate.v1.{path}");
        let answer = self.call(&path, &[], message.encode_to_vec()).await;
        answer.unwrap_or_else(|status| panic!("{path}: {status:?}"));
    }
}

fn eur(amount: &str) -> Option<v1::Money> {
    Some(v1::Money { currency_code: "EUR".to_owned(), amount: amount.to_owned() })
}

/// Days after the start.
fn day(days: i64) -> Option<Timestamp> {
    let seconds = (START.micros() + days * MICROS_PER_DAY) / MICROS_PER_SECOND;
    Some(Timestamp { seconds, nanos: 0 })
}

fn acme() -> String {
    ACME.to_owned()
}

/// One entry of each list.
async fn fill(server: &mut Server, index: usize) {
    let name = |prefix: &str| format!("{prefix}-{index}");
    let workspace = v1::Workspace { workspace_id: name("w"), ..Default::default() };
    let request = v1::CreateWorkspaceRequest { workspace: Some(workspace) };
    server.ask("WorkspaceService/CreateWorkspace", request).await;
    catalog(server, index).await;
    limits(server, index).await;
    let subject = v1::Subject { r#type: v1::SubjectType::User.into(), id: name("frozen") };
    let freeze = v1::FreezeRequest {
        workspace_id: acme(),
        subject: Some(subject),
        reason: "stop".to_owned(),
        end_time: None,
    };
    server.ask("WorkspaceService/Freeze", freeze).await;
    let api_key = v1::ApiKey { api_key_id: name("k"), ..Default::default() };
    let request = v1::RegisterApiKeyRequest { workspace_id: acme(), api_key: Some(api_key) };
    server.ask("ApiKeyService/RegisterApiKey", request).await;
    let key_group = v1::KeyGroup { key_group_id: name("g"), ..Default::default() };
    let request = v1::CreateKeyGroupRequest { workspace_id: acme(), key_group: Some(key_group) };
    server.ask("ApiKeyService/CreateKeyGroup", request).await;
    let url = format!("https://hooks.example.com/{index}");
    let webhook = v1::Webhook { webhook_id: name("h"), url, ..Default::default() };
    let request = v1::CreateWebhookRequest { workspace_id: acme(), webhook: Some(webhook) };
    server.ask("AlertService/CreateWebhook", request).await;
    let address = format!("ada-{index}@example.com");
    let email_receiver = v1::EmailReceiver { address, ..Default::default() };
    let email_receiver = Some(email_receiver);
    let request = v1::CreateEmailReceiverRequest { workspace_id: acme(), email_receiver };
    server.ask("AlertService/CreateEmailReceiver", request).await;
    let kind = v1::DirectoryKind::User.into();
    let (id, sign_up_time) = (name("u"), day(-1));
    let entry = v1::DirectoryEntry { kind, id, sign_up_time, ..Default::default() };
    let request = v1::UpsertEntriesRequest { workspace_id: acme(), entries: vec![entry] };
    server.ask("DirectoryService/UpsertEntries", request).await;
}

/// One whose alerts are suppressed.
/// Of the kind that lists are asked for.
fn advice(index: usize) -> Advice {
    Advice {
        topic: RecommendationTopic {
            reason: RecommendationReason::CheaperModel,
            subject_kind: SubjectKind::Feature,
            subject_id: format!("f-{index}").into(),
            model_id: "big".into(),
            target: "small".into(),
        },
        evidence: RecommendationEvidence {
            start_time: START,
            end_time: START,
            requests: 0,
            tokens: 0,
            cost: Amount::ZERO,
        },
        saving: None,
        baseline: Baseline::default(),
    }
}

fn anomaly(index: usize) -> Anomaly {
    let start = START - MICROS_PER_DAY * (1 + i64::try_from(index).expect("a few"));
    Anomaly {
        id: format!("odd-{index}").into(),
        kind: AnomalyKind::Spike,
        member: AnomalyMember::workspace(),
        metric: AnomalyMetric::Requests,
        step: AnomalyStep::Day,
        start_time: start,
        end_time: start + MICROS_PER_DAY,
        is_drop: false,
        is_open: false,
        detect_time: START,
        expected: 1,
        actual: 9,
        low: 0,
        high: 2,
        impact: Amount::ZERO,
        impact_percent: 80_000,
        severity: AnomalySeverity::Medium,
        alerts: AnomalyAlerts::Suppressed,
        feedback: None,
        contributors: Vec::new(),
    }
}

async fn catalog(server: &mut Server, index: usize) {
    let name = |prefix: &str| format!("{prefix}-{index}");
    let model = v1::Model { model_id: name("m"), ..Default::default() };
    server.ask("CatalogService/UpsertModel", v1::UpsertModelRequest { model: Some(model) }).await;
    let price = v1::Price {
        currency_code: "EUR".to_owned(),
        input_per_million: "10".to_owned(),
        output_per_million: "20".to_owned(),
        ..Default::default()
    };
    for model_id in [name("m"), "m-0".to_owned()] {
        let price = Some(price.clone());
        let request = v1::SetModelPriceRequest { model_id, price, ..Default::default() };
        server.ask("CatalogService/SetModelPrice", request).await;
    }
    let exchange_rate = v1::ExchangeRate {
        from_currency_code: ["USD", "CHF", "AUD"][index].to_owned(),
        to_currency_code: "EUR".to_owned(),
        rate: "2".to_owned(),
        ..Default::default()
    };
    let request = v1::SetExchangeRateRequest { exchange_rate: Some(exchange_rate) };
    server.ask("CatalogService/SetExchangeRate", request).await;
    let request = v1::EnableModelRequest { workspace_id: acme(), model_id: name("m") };
    server.ask("ModelLimitService/EnableModel", request).await;
    let (alias, model_id) = (name("alias"), name("m"));
    let request = v1::SetModelAliasRequest { workspace_id: acme(), alias, model_id };
    server.ask("ModelLimitService/SetModelAlias", request).await;
}

async fn limits(server: &mut Server, index: usize) {
    let name = |prefix: &str| format!("{prefix}-{index}");
    let subject = v1::Subject { r#type: v1::SubjectType::User.into(), id: name("u") };
    let quota = v1::Quota {
        quota_id: name("q"),
        subject: Some(subject.clone()),
        unit: v1::LimitUnit::Money.into(),
        limit: eur("50"),
        period: v1::LimitPeriod::Month.into(),
        ..Default::default()
    };
    let request = v1::CreateQuotaRequest { workspace_id: acme(), quota: Some(quota) };
    server.ask("QuotaService/CreateQuota", request).await;
    let boost = v1::CreateQuotaBoostRequest {
        workspace_id: acme(),
        quota_id: name("q"),
        amount: eur("1"),
        end_time: day(1),
        reason: "more".to_owned(),
        ..Default::default()
    };
    server.ask("QuotaService/CreateQuotaBoost", boost).await;
    let bound = v1::RateLimitBound {
        unit: v1::LimitUnit::Requests.into(),
        period: v1::LimitPeriod::SlidingMinute.into(),
        amount: 1_000,
    };
    let rate_limit = v1::RateLimit {
        rate_limit_id: name("l"),
        subject: Some(subject),
        bounds: vec![bound],
        ..Default::default()
    };
    let request = v1::CreateRateLimitRequest { workspace_id: acme(), rate_limit: Some(rate_limit) };
    server.ask("QuotaService/CreateRateLimit", request).await;
    if index == 0 {
        let plan = v1::Plan {
            budget: eur("100"),
            overage_limit: eur("20"),
            start_date: "2026-01-01".to_owned(),
        };
        let request = v1::SetPlanRequest { workspace_id: acme(), plan: Some(plan) };
        server.ask("BudgetService/SetPlan", request).await;
    }
    let boost = v1::CreateBudgetBoostRequest {
        workspace_id: acme(),
        amount: eur("1"),
        end_time: day(1),
        reason: "more".to_owned(),
        ..Default::default()
    };
    server.ask("BudgetService/CreateBudgetBoost", boost).await;
}

/// Holds, records, and alerts with their deliveries.
async fn spend(server: &mut Server, clock: &StillClock) {
    for index in 0..ENTRIES {
        clock.advance(MICROS_PER_SECOND);
        let user_id = format!("spender-{index}");
        let attribution = Some(v1::Attribution { user_id, ..Default::default() });
        let check = v1::CheckAndRouteRequest {
            workspace_id: acme(),
            request_id: format!("held-{index}"),
            model_id: "m-0".to_owned(),
            input_token_count: 1_000,
            max_output_token_count: Some(10),
            attribution: attribution.clone(),
            ..Default::default()
        };
        server.ask("UsageService/CheckAndRoute", check.clone()).await;
        let request_id = format!("refused-{index}");
        let refused =
            v1::CheckAndRouteRequest { request_id, model_id: "not-enabled".to_owned(), ..check };
        server.ask("UsageService/CheckAndRoute", refused).await;
        let usage = v1::Usage { input_token_count: 4_000_000, ..Default::default() };
        let record = v1::RecordUsageRequest {
            workspace_id: acme(),
            request_id: format!("used-{index}"),
            model_id: format!("m-{index}"),
            usage: Some(usage),
            outcome: v1::Outcome::Success.into(),
            attribution,
            ..Default::default()
        };
        server.ask("UsageService/RecordUsage", record).await;
        server.engine.store_raised().await.expect("storage answers");
    }
    server.engine.fold_now().await;
}

/// Of each role, one that was replaced and is still valid, and some that are not.
async fn credentials(server: &Server, clock: &StillClock) -> Vec<Credential> {
    let by = || Actor::new("fuzzing", "Prepare");
    let mut credentials = Vec::new();
    for role in [Role::Operator, Role::Admin, Role::Service, Role::Viewer] {
        let id = role.as_str().to_owned();
        let secret = create(server, &id, role, None).await;
        credentials.push(Credential { secret, valid: Some((id, role)) });
    }
    let old = create(server, "rotated", Role::Viewer, None).await;
    let overlap = MICROS_PER_DAY;
    let rotated = server.engine.rotate_token(by(), "rotated".to_owned(), overlap).await;
    let new = rotated.expect("it is there").1;
    for secret in [old, new] {
        credentials.push(Credential { secret, valid: Some(("rotated".to_owned(), Role::Viewer)) });
    }
    let secret = create(server, "revoked", Role::Operator, None).await;
    server.engine.revoke_token(by(), "revoked".to_owned()).await.expect("it is there");
    credentials.push(Credential { secret, valid: None });
    let secret = create(server, "expired", Role::Operator, Some(MICROS_PER_SECOND)).await;
    credentials.push(Credential { secret, valid: None });
    clock.advance(2 * MICROS_PER_SECOND);
    credentials
}

async fn create(server: &Server, id: &str, role: Role, life: Option<i64>) -> Secret {
    let new = NewToken {
        id: Some(id.to_owned()),
        display_name: String::new(),
        role,
        workspace_ids: if role == Role::Operator { Vec::new() } else { vec![ACME.into()] },
        holder: None,
        expire_time: life.map(|life| server.engine.now() + life),
    };
    let created = server.engine.create_token(Actor::new("fuzzing", "Prepare"), new).await;
    created.expect("it is new").1
}
