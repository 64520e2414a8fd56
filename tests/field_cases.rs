//! Situations of the field, through the binary: what providers answer and callers do, with what it
//! should cost. The cases are data; those that are about clients are run by the clients' own tests.

#[path = "support/data.rs"]
mod data;
#[path = "support/process.rs"]
mod process;

use std::collections::BTreeMap;

use process::{Server, free_port};
use serde_json::Value;
use tollgate::proto::v1;
use tollgate::proto::v1::budget_service_client::BudgetServiceClient;
use tollgate::proto::v1::catalog_service_client::CatalogServiceClient;
use tollgate::proto::v1::model_limit_service_client::ModelLimitServiceClient;
use tollgate::proto::v1::quota_service_client::QuotaServiceClient;
use tollgate::proto::v1::usage_service_client::UsageServiceClient;
use tollgate::proto::v1::workspace_service_client::WorkspaceServiceClient;
use tonic::transport::Channel;
use tonic::{Code, Status};

const WORKSPACE: &str = "acme";

/// Cases that other suites run, with where they are.
const ELSEWHERE: [(&str, &str); 13] = [
    ("A09", "clients/python/tests: the LiteLLM callback"),
    ("A17", "tests/ledger/elsewhere.rs"),
    ("A18", "tests/ledger/alerts.rs"),
    ("A19", "tests/ledger/fallback.rs"),
    ("A22", "clients/python/tests: the LiteLLM callback"),
    ("A23", "the clients' tests: jobs in the background"),
    ("A25", "tests/api/records/export.rs"),
    ("A28", "tests/ledger/limits/periods.rs"),
    ("A29", "tests/api/records/bill.rs"),
    ("A38", "tests/names.rs"),
    ("A40", "tests/api/records/bill.rs"),
    ("C04", "clients/python/tests"),
    ("C05", "the clients' tests: addresses"),
];

/// A workspace of a running server, in US dollars, with a plan of 1,000 and a price that only it
/// has: `plain` at 1 and 2 per million tokens.
struct Field {
    channel: Channel,
    server: Server,
    folder: tempfile::TempDir,
}

impl Field {
    async fn start() -> Field {
        let folder = tempfile::tempdir().unwrap();
        let (server, channel) = Server::start(&database_in(&folder), free_port()).await;
        let field = Field { channel, server, folder };
        let workspace = v1::Workspace {
            workspace_id: WORKSPACE.to_owned(),
            currency_code: "USD".to_owned(),
            ..Default::default()
        };
        let request = v1::CreateWorkspaceRequest { workspace: Some(workspace) };
        field.workspace().create_workspace(request).await.unwrap();
        let plan = v1::Plan {
            budget: Some(usd("1000")),
            overage_limit: None,
            start_date: "2026-01-01".to_owned(),
        };
        let request = v1::SetPlanRequest { workspace_id: WORKSPACE.to_owned(), plan: Some(plan) };
        BudgetServiceClient::new(field.channel.clone()).set_plan(request).await.unwrap();
        let model = v1::Model { model_id: "plain".to_owned(), ..Default::default() };
        let request = v1::UpsertModelRequest { model: Some(model) };
        field.catalog().upsert_model(request).await.unwrap();
        field.set_price("plain", "1", "2").await;
        field.enable("plain").await;
        field
    }

    /// SIGKILL, and a new start on the same database.
    async fn crash(self) -> Field {
        let port = self.server.port;
        self.server.kill();
        let (server, channel) = Server::start(&database_in(&self.folder), port).await;
        Field { channel, server, folder: self.folder }
    }

    fn workspace(&self) -> WorkspaceServiceClient<Channel> {
        WorkspaceServiceClient::new(self.channel.clone())
    }

    fn catalog(&self) -> CatalogServiceClient<Channel> {
        CatalogServiceClient::new(self.channel.clone()).max_encoding_message_size(16 << 20)
    }

    fn usage(&self) -> UsageServiceClient<Channel> {
        UsageServiceClient::new(self.channel.clone())
    }

    fn limits(&self) -> ModelLimitServiceClient<Channel> {
        ModelLimitServiceClient::new(self.channel.clone())
    }

    async fn set_price(&self, model_id: &str, input: &str, output: &str) {
        let price = v1::Price {
            currency_code: "USD".to_owned(),
            input_per_million: input.to_owned(),
            output_per_million: output.to_owned(),
            effective_time: Some(prost_types::Timestamp { seconds: 1_700_000_000, nanos: 0 }),
            ..Default::default()
        };
        let request = v1::SetModelPriceRequest {
            model_id: model_id.to_owned(),
            price: Some(price),
            workspace_id: String::new(),
        };
        self.catalog().set_model_price(request).await.unwrap();
    }

    async fn enable(&self, model_id: &str) {
        let request = v1::EnableModelRequest {
            workspace_id: WORKSPACE.to_owned(),
            model_id: model_id.to_owned(),
        };
        self.limits().enable_model(request).await.unwrap();
    }

    async fn check(
        &self,
        id: &str,
        model_id: &str,
        (input, cached, output): (i64, i64, i64),
    ) -> v1::CheckAndRouteResponse {
        let request = v1::CheckAndRouteRequest {
            workspace_id: WORKSPACE.to_owned(),
            request_id: id.to_owned(),
            model_id: model_id.to_owned(),
            input_token_count: input,
            cache_read_token_count: cached,
            max_output_token_count: Some(output),
            attribution: Some(v1::Attribution {
                department_id: "d".to_owned(),
                ..Default::default()
            }),
            ..Default::default()
        };
        self.usage().check_and_route(request).await.unwrap().into_inner()
    }

    async fn record(
        &self,
        request: v1::RecordUsageRequest,
    ) -> Result<v1::RecordUsageResponse, Status> {
        Ok(self.usage().record_usage(request).await?.into_inner())
    }

    async fn records(&self) -> Vec<v1::UsageRecord> {
        let workspace_id = WORKSPACE.to_owned();
        let request = v1::ListUsageRecordsRequest { workspace_id, ..Default::default() };
        self.usage().list_usage_records(request).await.unwrap().into_inner().records
    }

    /// Records what a provider answered, as a case has it: one JSON, or the events of a stream.
    async fn answered(&self, id: &str, answer: &Value, model_id: &str) -> v1::RecordUsageResponse {
        let json = match answer {
            Value::Array(events) => events.iter().map(Value::to_string).collect(),
            answer => vec![answer.to_string()],
        };
        let request = v1::RecordUsageRequest {
            usage: None,
            model_id: model_id.to_owned(),
            provider_answer: Some(v1::ProviderAnswer { provider: String::new(), json }),
            ..plain(id, 0, 0)
        };
        self.record(request).await.unwrap_or_else(|status| panic!("{id}: {status:?}"))
    }
}

fn database_in(folder: &tempfile::TempDir) -> String {
    format!("sqlite:{}", folder.path().join("field.db").display())
}

fn usd(amount: &str) -> v1::Money {
    v1::Money { currency_code: "USD".to_owned(), amount: amount.to_owned() }
}

fn plain(id: &str, input: i64, output: i64) -> v1::RecordUsageRequest {
    v1::RecordUsageRequest {
        workspace_id: WORKSPACE.to_owned(),
        request_id: id.to_owned(),
        model_id: "plain".to_owned(),
        usage: Some(v1::Usage {
            input_token_count: input,
            output_token_count: output,
            ..Default::default()
        }),
        outcome: v1::Outcome::Success.into(),
        ..Default::default()
    }
}

fn amount(money: &Option<v1::Money>) -> rust_decimal::Decimal {
    money.as_ref().expect("an amount").amount.parse().unwrap()
}

fn decimal(text: &str) -> rust_decimal::Decimal {
    text.parse().unwrap()
}

fn cases() -> Option<BTreeMap<String, Value>> {
    let text = data::read("field_cases.jsonl")?;
    let cases = text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    Some(cases.map(|case| (case["id"].as_str().unwrap().to_owned(), case)).collect())
}

/// Counts by the names that the cases have.
fn counts(usage: &v1::Usage) -> BTreeMap<&'static str, i64> {
    let all = [
        ("input_tokens", usage.input_token_count),
        ("cache_read_tokens", usage.cache_read_token_count),
        ("cache_write_5m_tokens", usage.cache_write_5m_token_count),
        ("cache_write_1h_tokens", usage.cache_write_1h_token_count),
        ("output_tokens", usage.output_token_count),
        ("reasoning_tokens", usage.reasoning_token_count),
        ("audio_input_tokens", usage.audio_input_token_count),
        ("audio_output_tokens", usage.audio_output_token_count),
        ("image_input_tokens", usage.image_input_token_count),
        ("image_output_tokens", usage.image_output_token_count),
    ];
    all.into_iter().filter(|(_, count)| *count != 0).collect()
}

/// Every case with an answer is read and priced as it says.
#[tokio::test]
async fn provider_answers_are_read_and_priced() {
    let Some(cases) = cases() else { return };
    let field = Field::start().await;
    let mut run = 0;
    for (id, case) in &cases {
        let Some(answer) = case["input"].get("answer").filter(|answer| !answer.is_string()) else {
            continue;
        };
        run += 1;
        let named = answer.to_string().contains("\"model\"");
        // The names behind the costs of the cases.
        let model = match id.as_str() {
            "A04" => "gemini-live-2.5-flash-native-audio",
            "A03" => "gpt-realtime",
            "A07" => "claude-opus-4-6",
            _ if named => "",
            _ => "plain",
        };
        let recorded = field.answered(id, answer, model).await;
        let expected = &case["expected"];
        if let Some(usage) = expected.get("usage") {
            let expected: BTreeMap<&str, i64> = usage
                .as_object()
                .unwrap()
                .iter()
                .map(|(name, count)| (name.as_str(), count.as_i64().unwrap()))
                .collect();
            assert_eq!(counts(&recorded.usage.clone().unwrap()), expected, "{id}");
        }
        if let Some(cost) = expected["cost_usd"].as_str() {
            let cost = cost.split(' ').next().unwrap();
            assert_eq!(amount(&recorded.cost), decimal(cost), "{id}: {recorded:?}");
            assert!(!recorded.unpriced, "{id}");
        }
        match id.as_str() {
            "A35" => {
                let records = field.records().await;
                let record = records.iter().find(|record| record.request_id == *id).unwrap();
                assert_eq!(record.service_tier(), v1::ServiceTier::Batch);
            }
            "A14" => {
                let records = field.records().await;
                let record = records.iter().find(|record| record.request_id == *id).unwrap();
                let reported = record.reported_cost.as_ref().unwrap();
                assert_eq!(amount(&reported.reported), decimal("0.00123"));
            }
            _ => {}
        }
    }
    assert!(run >= 18, "{run}");
    // Nothing is in the file that no suite runs.
    let here = ["A08", "A10", "A11", "A15", "A16", "A20", "A21", "A24", "A26", "A27", "A30", "A39"];
    for (id, case) in &cases {
        let has_answer = case["input"].get("answer").is_some_and(|answer| !answer.is_string());
        let elsewhere = ELSEWHERE.iter().any(|(other, _)| other == id);
        assert!(has_answer || here.contains(&id.as_str()) || elsewhere, "{id} is not run");
    }
}

/// A08: what providers answer as the model's name is known, and has the price of the list.
#[tokio::test]
async fn names_of_answers_have_the_price_of_the_list() {
    let field = Field::start().await;
    let names = [
        ("gemini-2.5-flash", "0.30"),
        ("gemini-2.5-pro", "2.50"),
        ("openai/gpt-oss-120b", "0.15"),
        ("meta-llama/Llama-3.3-70B-Instruct-Turbo", "1.04"),
        ("openai/gpt-4o", "2.50"),
        ("GPT-4o", "2.50"),
    ];
    for (name, cost) in names {
        let request =
            v1::RecordUsageRequest { model_id: name.to_owned(), ..plain(name, 1_000_000, 0) };
        let recorded = field.record(request).await.unwrap();
        assert_eq!((amount(&recorded.cost), recorded.unpriced), (decimal(cost), false), "{name}");
    }
}

#[tokio::test]
async fn tiers_caches_and_factors_are_priced_as_providers_bill_them() {
    let field = Field::start().await;
    // A10: half of every class for batches, also of writes to a cache of an hour.
    let cached = |id: &str, model: &str, tier: v1::ServiceTier, count: i64| {
        let mut request = plain(id, 0, 0);
        request.model_id = model.to_owned();
        request.service_tier = tier.into();
        request.usage.as_mut().unwrap().cache_write_1h_token_count = count;
        request
    };
    let batch = cached("A10", "claude-opus-4-6", v1::ServiceTier::Batch, 1_000_000);
    assert_eq!(amount(&field.record(batch).await.unwrap().cost), decimal("5"));
    // A11: a write to a cache of twelve hours is at least what one of an hour is.
    let long = cached("A11", "gpt-6-sol", v1::ServiceTier::Standard, 100_000);
    assert_eq!(amount(&field.record(long).await.unwrap().cost), decimal("0.5"));
    // A39: fast mode doubles the price.
    let fast = serde_json::json!({
        "type": "message",
        "model": "claude-opus-5-5",
        "usage": { "input_tokens": 1_000_000, "output_tokens": 100_000, "speed": "fast" },
    });
    assert_eq!(amount(&field.answered("A39", &fast, "").await.cost), decimal("12"));
}

/// A15 and A16: a request that runs twice is charged twice, and a clock decides nothing while the
/// hold is live.
#[tokio::test]
async fn requests_that_run_again_and_clocks_that_are_ahead() {
    let field = Field::start().await;
    let first = field.check("job-77", "plain", (100_000, 0, 100_000)).await;
    assert_eq!((first.decision(), first.attempt), (v1::Decision::Allowed, 0));
    field.record(plain("job-77", 100_000, 100_000)).await.unwrap();
    let second = field.check("job-77", "plain", (100_000, 0, 300_000)).await;
    assert_eq!((second.decision(), second.attempt), (v1::Decision::Allowed, 1));
    let recorded = field.record(plain("job-77", 100_000, 300_000)).await.unwrap();
    assert_eq!((recorded.attempt, amount(&recorded.cost)), (1, decimal("0.7")));
    assert_eq!(amount(&recorded.cycle_spent), decimal("1"));
    let holds = v1::ListHoldsRequest { workspace_id: WORKSPACE.to_owned(), ..Default::default() };
    assert_eq!(field.usage().list_holds(holds).await.unwrap().into_inner().holds, []);

    field.check("late", "plain", (100_000, 0, 200_000)).await;
    let now = chrono::Utc::now().timestamp();
    let ahead = v1::RecordUsageRequest {
        start_time: Some(prost_types::Timestamp { seconds: now + 7 * 60, nanos: 0 }),
        ..plain("late", 100_000, 200_000)
    };
    let recorded = field.record(ahead).await.unwrap();
    assert_eq!((amount(&recorded.cost), recorded.start_time_adjusted), (decimal("0.5"), true));
}

/// A24: a request that goes on with a response holds what the provider adds, also after a crash.
#[tokio::test]
async fn follow_ups_hold_the_context_that_the_provider_keeps() {
    let field = Field::start().await;
    let first = serde_json::json!({
        "id": "resp_0",
        "object": "response",
        "model": "plain",
        "status": "completed",
        "usage": { "input_tokens": 150_000, "output_tokens": 50_000, "total_tokens": 200_000 },
    });
    field.answered("first", &first, "").await;
    let field = field.crash().await;
    let request = v1::CheckAndRouteRequest {
        workspace_id: WORKSPACE.to_owned(),
        request_id: "second".to_owned(),
        model_id: "plain".to_owned(),
        input_token_count: 10,
        max_output_token_count: Some(1_000),
        context_id: "resp_0".to_owned(),
        ..Default::default()
    };
    let decision = field.usage().check_and_route(request).await.unwrap().into_inner();
    assert_eq!(amount(&decision.held), decimal("0.20201"));
}

/// A20: the window is more than the largest input.
#[tokio::test]
async fn a_model_with_room_in_its_window_is_a_fallback() {
    let field = Field::start().await;
    field.enable("gpt-5.4").await;
    field.enable("gpt-5").await;
    let request = v1::SetModelLimitRequest {
        workspace_id: WORKSPACE.to_owned(),
        model_id: "gpt-5.4".to_owned(),
        limit: Some(usd("0")),
        limit_enabled: None,
        fallback_model_ids: vec!["gpt-5".to_owned()],
    };
    field.limits().set_model_limit(request).await.unwrap();
    let decision = field.check("r", "gpt-5.4", (200_000, 0, 100_000)).await;
    assert_eq!((decision.decision(), &*decision.model_id), (v1::Decision::Routed, "gpt-5"));
}

/// A21: a list that comes after the usage, with the time from which its prices count.
#[tokio::test]
async fn a_price_list_that_comes_later_prices_what_was_used() {
    let field = Field::start().await;
    let used =
        v1::RecordUsageRequest { model_id: "novel-1".to_owned(), ..plain("r", 1_000_000, 0) };
    assert!(field.record(used).await.unwrap().unpriced);
    let list = r#"{"novel-1": {"litellm_provider": "novel", "input_cost_per_token": 3e-06,
        "output_cost_per_token": 5e-06}}"#;
    let request = v1::ImportPricesRequest {
        format: "litellm".to_owned(),
        content: list.into(),
        effective_time: Some(prost_types::Timestamp { seconds: 1_700_000_000, nanos: 0 }),
        ..Default::default()
    };
    let taken = field.catalog().import_prices(request).await.unwrap().into_inner();
    assert_eq!((taken.model_count, taken.price_count), (1, 1));
    let request = v1::RepriceUsageRequest {
        workspace_id: WORKSPACE.to_owned(),
        start_time: Some(prost_types::Timestamp { seconds: 1_700_000_000, nanos: 0 }),
        ..Default::default()
    };
    let repriced = field.usage().reprice_usage(request).await.unwrap().into_inner();
    assert_eq!((repriced.corrected_count, amount(&repriced.difference)), (1, decimal("3")));
}

/// A26 and A27: tokens a minute without cache reads, and an attribution that is required.
#[tokio::test]
async fn limits_that_were_asked_for() {
    let field = Field::start().await;
    let limit = v1::RateLimit {
        subject: Some(v1::Subject {
            r#type: v1::SubjectType::Department.into(),
            id: "d".to_owned(),
        }),
        bounds: vec![v1::RateLimitBound {
            unit: v1::LimitUnit::UncachedTokens.into(),
            period: v1::LimitPeriod::SlidingMinute.into(),
            amount: 10_000,
        }],
        ..Default::default()
    };
    let request =
        v1::CreateRateLimitRequest { workspace_id: WORKSPACE.to_owned(), rate_limit: Some(limit) };
    QuotaServiceClient::new(field.channel.clone()).create_rate_limit(request).await.unwrap();
    for number in 0..17 {
        let decision = field.check(&format!("r{number}"), "plain", (100, 9_000, 500)).await;
        let expected = if number < 16 { v1::Decision::Allowed } else { v1::Decision::Blocked };
        assert_eq!(decision.decision(), expected, "{number}");
    }

    let workspace = v1::Workspace {
        workspace_id: WORKSPACE.to_owned(),
        required_attribution_fields: vec!["user_id".to_owned()],
        ..Default::default()
    };
    let request = v1::UpdateWorkspaceRequest { workspace: Some(workspace), update_mask: None };
    field.workspace().update_workspace(request).await.unwrap();
    let decision = field.check("nobody", "plain", (1, 0, 1)).await;
    assert_eq!(decision.decision(), v1::Decision::Blocked);
    assert_eq!(decision.reason(), v1::Reason::AttributionMissing);
}

/// A30: codes are those of ISO 4217, without the one for no currency.
#[tokio::test]
async fn codes_that_are_no_currency_are_refused() {
    let field = Field::start().await;
    for code in ["BTC", &"X".repeat(3), "ZZZ", "XTS"] {
        let workspace = v1::Workspace {
            workspace_id: "other".to_owned(),
            currency_code: code.to_owned(),
            ..Default::default()
        };
        let request = v1::CreateWorkspaceRequest { workspace: Some(workspace) };
        let status = field.workspace().create_workspace(request).await.unwrap_err();
        assert_eq!(status.code(), Code::InvalidArgument, "{code}");
        assert!(status.message().contains("currency_code"), "{status:?}");
    }
}
