//! Clients of a server, lists read to their end, and short names for amounts.

use rust_decimal::Decimal;
use tollgate::proto::v1;
use tollgate::proto::v1::alert_service_client::AlertServiceClient;
use tollgate::proto::v1::api_key_service_client::ApiKeyServiceClient;
use tollgate::proto::v1::audit_service_client::AuditServiceClient;
use tollgate::proto::v1::budget_service_client::BudgetServiceClient;
use tollgate::proto::v1::catalog_service_client::CatalogServiceClient;
use tollgate::proto::v1::model_limit_service_client::ModelLimitServiceClient;
use tollgate::proto::v1::quota_service_client::QuotaServiceClient;
use tollgate::proto::v1::usage_service_client::UsageServiceClient;
use tollgate::proto::v1::workspace_service_client::WorkspaceServiceClient;
use tonic::transport::Channel;

const PAGE_SIZE: i32 = 1_000;

/// Calls `$list` for page after page; evaluates to all of `$items`.
macro_rules! all_pages {
    ($client:expr, $list:ident, $request:expr, $items:ident) => {{
        let mut request = $request;
        request.page_size = PAGE_SIZE;
        let mut all = Vec::new();
        loop {
            let page = $client.$list(request.clone()).await.unwrap().into_inner();
            all.extend(page.$items);
            if page.next_page_token.is_empty() {
                break all;
            }
            request.page_token = page.next_page_token;
        }
    }};
}

/// Everything that is asked of one workspace.
#[derive(Clone)]
pub struct Client {
    pub channel: Channel,
    pub workspace_id: &'static str,
}

impl Client {
    pub fn new(channel: Channel, workspace_id: &'static str) -> Client {
        Client { channel, workspace_id }
    }

    pub fn usage(&self) -> UsageServiceClient<Channel> {
        UsageServiceClient::new(self.channel.clone())
    }

    pub fn workspace(&self) -> WorkspaceServiceClient<Channel> {
        WorkspaceServiceClient::new(self.channel.clone())
    }

    pub fn catalog(&self) -> CatalogServiceClient<Channel> {
        CatalogServiceClient::new(self.channel.clone())
    }

    pub fn api_key(&self) -> ApiKeyServiceClient<Channel> {
        ApiKeyServiceClient::new(self.channel.clone())
    }

    pub fn budget(&self) -> BudgetServiceClient<Channel> {
        BudgetServiceClient::new(self.channel.clone())
    }

    pub fn models(&self) -> ModelLimitServiceClient<Channel> {
        ModelLimitServiceClient::new(self.channel.clone())
    }

    pub fn quota(&self) -> QuotaServiceClient<Channel> {
        QuotaServiceClient::new(self.channel.clone())
    }

    pub fn alert(&self) -> AlertServiceClient<Channel> {
        AlertServiceClient::new(self.channel.clone())
    }

    /// The id, as requests want it.
    pub fn id(&self) -> String {
        self.workspace_id.to_owned()
    }

    pub async fn records(&self) -> Vec<v1::UsageRecord> {
        let request = v1::ListUsageRecordsRequest { workspace_id: self.id(), ..Default::default() };
        all_pages!(self.usage(), list_usage_records, request, records)
    }

    /// Those that live.
    pub async fn holds(&self) -> Vec<v1::Hold> {
        let request = v1::ListHoldsRequest { workspace_id: self.id(), ..Default::default() };
        let mut holds = all_pages!(self.usage(), list_holds, request, holds);
        holds.retain(|hold| hold.state() == v1::HoldState::Live);
        holds
    }

    pub async fn budget_now(&self) -> v1::Budget {
        let request = v1::GetBudgetRequest { workspace_id: self.id() };
        self.budget().get_budget(request).await.unwrap().into_inner().budget.unwrap()
    }

    pub async fn quotas(&self) -> Vec<v1::Quota> {
        let request = v1::ListQuotasRequest { workspace_id: self.id(), ..Default::default() };
        all_pages!(self.quota(), list_quotas, request, quotas)
    }

    pub async fn quota_usages(&self) -> Vec<v1::QuotaUsage> {
        let request = v1::ListQuotaUsageRequest { workspace_id: self.id(), ..Default::default() };
        all_pages!(self.quota(), list_quota_usage, request, usages)
    }

    pub async fn rate_limits(&self) -> Vec<v1::RateLimit> {
        let request = v1::ListRateLimitsRequest { workspace_id: self.id(), ..Default::default() };
        all_pages!(self.quota(), list_rate_limits, request, rate_limits)
    }

    pub async fn api_keys(&self) -> Vec<v1::ApiKey> {
        let request = v1::ListApiKeysRequest { workspace_id: self.id(), ..Default::default() };
        all_pages!(self.api_key(), list_api_keys, request, api_keys)
    }

    pub async fn key_groups(&self) -> Vec<v1::KeyGroup> {
        let request = v1::ListKeyGroupsRequest { workspace_id: self.id(), ..Default::default() };
        all_pages!(self.api_key(), list_key_groups, request, key_groups)
    }

    /// Those of the envelope and of quotas.
    pub async fn boosts(&self) -> Vec<v1::Boost> {
        let request = v1::ListBudgetBoostsRequest { workspace_id: self.id(), ..Default::default() };
        let mut boosts = all_pages!(self.budget(), list_budget_boosts, request, boosts);
        let request = v1::ListQuotaBoostsRequest { workspace_id: self.id(), ..Default::default() };
        boosts.extend(all_pages!(self.quota(), list_quota_boosts, request, boosts));
        boosts
    }

    /// Oldest first.
    pub async fn alerts(&self) -> Vec<v1::Alert> {
        let request = v1::ListAlertsRequest { workspace_id: self.id(), ..Default::default() };
        let mut alerts = all_pages!(self.alert(), list_alerts, request, alerts);
        alerts.reverse();
        alerts
    }

    pub async fn deliveries(&self) -> Vec<v1::Delivery> {
        let request = v1::ListDeliveriesRequest { workspace_id: self.id(), ..Default::default() };
        all_pages!(self.alert(), list_deliveries, request, deliveries)
    }

    /// Entries about the workspace by one actor, or by all without one; oldest first.
    pub async fn audit_events(&self, actor: &str) -> Vec<v1::AuditEvent> {
        let request = v1::ListAuditEventsRequest {
            workspace_id: self.id(),
            actor: actor.to_owned(),
            ..Default::default()
        };
        let mut audit = AuditServiceClient::new(self.channel.clone());
        let mut events = all_pages!(audit, list_audit_events, request, audit_events);
        events.reverse();
        events
    }

    /// Creates the workspace, in USD, in a time zone where it is about noon: no window but a
    /// sliding one ends during a test.
    pub async fn create_workspace(&self) {
        let workspace = v1::Workspace {
            // Those that outlive a kill have tests of their own.
            hold_durability: v1::HoldDurability::Memory.into(),
            workspace_id: self.id(),
            currency_code: "USD".into(),
            time_zone: zone_where_it_is_noon(),
            ..Default::default()
        };
        let create = v1::CreateWorkspaceRequest { workspace: Some(workspace) };
        self.workspace().create_workspace(create).await.unwrap();
    }

    pub async fn set_plan(&self, budget: &str, overage: &str) {
        let plan = v1::Plan {
            budget: usd(budget),
            overage_limit: usd(overage),
            start_date: "2026-01-31".into(),
        };
        let set = v1::SetPlanRequest { workspace_id: self.id(), plan: Some(plan) };
        self.budget().set_plan(set).await.unwrap();
    }

    /// Adds a model with its prices for a million tokens, and enables it.
    pub async fn add_model(&self, id: &str, input: &str, output: &str) {
        let mut catalog = self.catalog();
        let model = v1::Model { model_id: id.into(), ..Default::default() };
        catalog.upsert_model(v1::UpsertModelRequest { model: Some(model) }).await.unwrap();
        let price = v1::Price {
            currency_code: "USD".into(),
            input_per_million: input.into(),
            output_per_million: output.into(),
            ..Default::default()
        };
        let set = v1::SetModelPriceRequest {
            model_id: id.into(),
            price: Some(price),
            workspace_id: String::new(),
        };
        catalog.set_model_price(set).await.unwrap();
        let enable = v1::EnableModelRequest { workspace_id: self.id(), model_id: id.into() };
        self.models().enable_model(enable).await.unwrap();
    }

    pub async fn create_webhook(&self, url: &str) -> String {
        let webhook =
            v1::Webhook { webhook_id: "hook".into(), url: url.into(), ..Default::default() };
        let create = v1::CreateWebhookRequest { workspace_id: self.id(), webhook: Some(webhook) };
        self.alert().create_webhook(create).await.unwrap().into_inner().secret
    }
}

fn zone_where_it_is_noon() -> String {
    let hour = chrono::Timelike::hour(&chrono::Utc::now());
    // The sign of these names is the other way round: Etc/GMT-5 is five hours ahead of UTC.
    match i64::from(hour) - 12 {
        0 => "Etc/GMT".into(),
        behind @ 1.. => format!("Etc/GMT+{behind}"),
        ahead => format!("Etc/GMT{ahead}"),
    }
}

/// A message that says who sends it.
pub fn by<T>(actor: &str, message: T) -> tonic::Request<T> {
    let mut request = tonic::Request::new(message);
    request.metadata_mut().insert("tollgate-actor", actor.parse().expect("a header value"));
    request
}

pub fn usd(amount: &str) -> Option<v1::Money> {
    Some(v1::Money { currency_code: "USD".into(), amount: amount.into() })
}

pub fn amount(money: &Option<v1::Money>) -> Decimal {
    money.as_ref().expect("an amount").amount.parse().unwrap()
}

pub fn subject(kind: v1::SubjectType, id: &str) -> Option<v1::Subject> {
    Some(v1::Subject { r#type: kind.into(), id: id.into() })
}

/// Tokens of all classes that these tests use.
pub fn tokens(usage: &Option<v1::Usage>) -> i64 {
    usage.as_ref().map_or(0, |usage| usage.input_token_count + usage.output_token_count)
}
