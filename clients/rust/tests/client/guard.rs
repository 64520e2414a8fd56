//! The guard against the real server: what it lets pass, and what is in the log afterwards.

use std::time::{Duration, Instant, SystemTime};

use rust_decimal::Decimal;
use serde_json::{Value, json};
use tokio::sync::oneshot;
use tollgate_grpc::{
    Call, Client, Decision, ErrorReason, GuardError, LimitKind, Outcome, Policy, ProviderAnswer,
    Reason, Request, ServiceTier, UnitKind, Usage, UsageUnit, error_reason, v1,
};
use tonic::Code;

use crate::support::{COST, Server, USED, flushed, logged, request, run};

fn chat() -> Value {
    json!({
        "object": "chat.completion", "model": "gpt-4.1-2025-04-14", "service_tier": "flex",
        "usage": {"prompt_tokens": 1000, "completion_tokens": 100},
    })
}

#[tokio::test]
async fn success_is_recorded_with_all_that_is_known() {
    let server = Server::start().await;
    let (workspace, client) = (server.workspace("acme").await, server.client());
    let (before, begin) = (SystemTime::now(), Instant::now());
    let said = request("acme").max_output_tokens(500).user("ada").department("research");
    let call = client
        .guard(said.project("p1").tag("team", "x"), |call| async move {
            assert_eq!((call.model(), call.decision()), ("gpt-4.1", Some(Decision::Allowed)));
            assert!(!call.routed() && !call.unchecked());
            assert_eq!(call.held().unwrap().amount, Decimal::new(6, 3));
            assert!(call.expire_time().unwrap() > before);
            assert_eq!(call.budget_state(), "WITHIN_PLAN");
            call.record(&chat());
            Ok::<Call, String>(call)
        })
        .await
        .unwrap();
    let took = begin.elapsed();
    flushed(&client).await;
    let records = workspace.records().await;
    let [record] = &records[..] else { panic!("{records:?}") };
    assert_eq!(record.request_id, call.request_id());
    assert_eq!(record.model_id, "gpt-4.1-2025-04-14");
    assert_eq!(record.service_tier(), ServiceTier::Flex);
    assert_eq!(record.outcome(), Outcome::Success);
    assert_eq!(record.usage_source(), v1::UsageSource::Provider);
    assert_eq!(record.usage, Some(USED));
    let who = record.attribution.as_ref().unwrap();
    assert_eq!((&*who.user_id, &*who.department_id, &*who.project_id), ("ada", "research", "p1"));
    assert_eq!(who.tags["team"], "x");
    let start: SystemTime = record.start_time.unwrap().try_into().unwrap();
    assert!(start >= before - Duration::from_secs(1) && start <= SystemTime::now(), "{start:?}");
    let latency: Duration = record.latency.unwrap().try_into().unwrap();
    assert!(latency <= took, "{latency:?} of {took:?}");
    assert_eq!((workspace.holds().await, client.stats().delivered), (0, 1));
}

#[tokio::test]
async fn wait_tells_the_cost() {
    let server = Server::start().await;
    let (workspace, client) = (server.workspace("acme").await, server.client());
    let block = |call: Call| async move {
        call.set_model(call.model());
        call.record_usage(USED);
        Ok::<_, String>(call)
    };
    let call = client.guard(request("acme").wait(true), block).await.unwrap();
    let recorded = call.recorded().unwrap();
    assert_eq!((recorded.cost.to_string(), &*recorded.model), ("0.0028 USD".into(), "gpt-4.1"));
    assert_eq!((recorded.usage, client.stats().delivered), (USED, 1));
    assert_eq!(workspace.spent().await, COST);
}

#[tokio::test]
async fn an_error_is_recorded_with_what_was_used_and_comes_back_unchanged() {
    let server = Server::start().await;
    let (workspace, client) = (server.workspace("acme").await, server.client());
    for used in [None, Some(json!({"usage": {"prompt_tokens": 7, "completion_tokens": 3}}))] {
        let block = |call: Call| async move {
            let _ = call.model();
            if let Some(used) = used {
                call.record(&used);
            }
            Err::<(), _>(std::io::Error::other("the provider is down"))
        };
        let error = client.guard(request("acme"), block).await.unwrap_err();
        let GuardError::Block(error) = error else { panic!("{error:?}") };
        assert_eq!(error.to_string(), "the provider is down");
    }
    flushed(&client).await;
    let records = workspace.records().await;
    let outcomes: Vec<_> = records.iter().map(v1::UsageRecord::outcome).collect();
    assert_eq!(outcomes, [Outcome::Error, Outcome::Error]);
    let mut output: Vec<_> = records
        .iter()
        .map(|record| record.usage.clone().unwrap_or_default().output_token_count)
        .collect();
    output.sort_unstable();
    assert_eq!(output, [0, 3]);
    assert_eq!(workspace.holds().await, 0);
}

#[tokio::test]
async fn a_dropped_future_is_recorded_as_cancelled() {
    let server = Server::start().await;
    let (workspace, client) = (server.workspace("acme").await, server.client());
    let (tell, begun) = oneshot::channel();
    let guarded = {
        let client = client.clone();
        tokio::spawn(async move {
            let block = |call: Call| async move {
                let _ = call.model();
                call.push_output_text(&"x".repeat(200));
                call.push_output_text(&"x".repeat(200));
                tell.send(()).unwrap();
                std::future::pending::<Result<(), String>>().await
            };
            client.guard(request("acme").wait(true), block).await
        })
    };
    begun.await.unwrap();
    guarded.abort();
    assert!(guarded.await.unwrap_err().is_cancelled());
    flushed(&client).await;
    let records = workspace.records().await;
    assert_eq!(records[0].outcome(), Outcome::Cancelled);
    assert_eq!(records[0].usage_source(), v1::UsageSource::Estimated);
    let usage = records[0].usage.clone().unwrap();
    assert_eq!((usage.input_token_count, usage.output_token_count), (1000, 100));
}

#[tokio::test]
async fn a_stream_that_broke_off_is_charged_for_what_had_come() {
    let server = Server::start().await;
    let (workspace, client) = (server.workspace("acme").await, server.client());
    let block = |call: Call| async move {
        let usage = json!({"input_tokens": 25, "cache_read_input_tokens": 5, "output_tokens": 1});
        let message = json!({"type": "message", "model": call.model(), "usage": usage});
        call.record(&json!({"type": "message_start", "message": message}));
        call.push_output_text(&"x".repeat(40));
        Err::<(), _>("the stream broke off")
    };
    client.guard(request("acme"), block).await.unwrap_err();
    flushed(&client).await;
    let record = &workspace.records().await[0];
    assert_eq!(record.usage_source(), v1::UsageSource::Estimated);
    let usage = record.usage.clone().unwrap();
    assert_eq!((usage.input_token_count, usage.cache_read_token_count), (25, 5));
    assert_eq!(usage.output_token_count, 10);
}

#[tokio::test]
async fn a_tokenizer_that_panics_does_not_keep_a_call_from_being_recorded() {
    let server = Server::start().await;
    let workspace = server.workspace("acme").await;
    let broken = |_: &str| -> usize { panic!("this panic is meant") };
    let client = Client::builder().address(&server.address).tokenizer(broken).build().unwrap();
    let open = client.open(request("acme")).await.unwrap();
    let _ = open.call().model();
    open.call().push_output_text("four");
    drop(open);
    flushed(&client).await;
    assert_eq!(workspace.records().await[0].usage.clone().unwrap().output_token_count, 1);
}

#[tokio::test]
async fn a_panic_is_recorded_as_an_error() {
    let server = Server::start().await;
    let (workspace, client) = (server.workspace("acme").await, server.client());
    let guarded = {
        let client = client.clone();
        tokio::spawn(async move {
            let block = |call: Call| async move {
                let _ = call.model();
                tokio::task::yield_now().await;
                assert!(call.unchecked(), "this panic is meant");
                Ok::<(), String>(())
            };
            client.guard(request("acme"), block).await
        })
    };
    assert!(guarded.await.unwrap_err().is_panic());
    flushed(&client).await;
    assert_eq!(workspace.records().await[0].outcome(), Outcome::Error);
    assert_eq!(workspace.holds().await, 0);
}

#[tokio::test]
async fn a_call_that_never_started_gives_its_hold_back() {
    let server = Server::start().await;
    let (workspace, client) = (server.workspace("acme").await, server.client());
    for result in [Ok(()), Err("no")] {
        let workspace = &workspace;
        let block = |_| async move {
            assert_eq!(workspace.holds().await, 1);
            result
        };
        assert_eq!(client.guard(request("acme"), block).await.is_ok(), result.is_ok());
        flushed(&client).await;
    }
    drop(client.open(request("acme")).await.unwrap());
    flushed(&client).await;
    assert_eq!((workspace.holds().await, workspace.records().await.len()), (0, 0));
    assert_eq!(client.stats().delivered, 0, "a release is not a record");
}

#[tokio::test]
async fn a_call_without_usage_is_estimated() {
    let server = Server::start().await;
    let (workspace, client) = (server.workspace("acme").await, server.client());
    let said = Request::to("acme", "gpt-4.1").prompt(&"x".repeat(41)).request_id("silent");
    let block = |call: Call| async move {
        let _ = call.model();
        call.push_output_text("four");
        Ok::<(), String>(())
    };
    client.guard(said, block).await.unwrap();
    flushed(&client).await;
    let record = &workspace.records().await[0];
    assert_eq!(record.usage_source(), v1::UsageSource::Estimated);
    let usage = record.usage.clone().unwrap();
    assert_eq!((usage.input_token_count, usage.output_token_count), (11, 1));
    assert!(logged("no usage was recorded of silent"));
}

#[tokio::test]
async fn the_tokenizer_counts_instead_of_the_estimate() {
    let server = Server::start().await;
    let workspace = server.workspace("acme").await;
    let words = |text: &str| text.split_whitespace().count();
    let client = Client::builder().address(&server.address).tokenizer(words).build().unwrap();
    let messages =
        json!([{"role": "user", "content": [{"type": "text", "text": "one two three"}]}]);
    let said = Request::to("acme", "gpt-4.1").messages(&messages);
    let block = |call: Call| async move {
        let _ = call.model();
        call.push_output_text("four five");
        Ok::<(), String>(())
    };
    client.guard(said, block).await.unwrap();
    flushed(&client).await;
    let usage = workspace.records().await[0].usage.clone().unwrap();
    assert_eq!((usage.input_token_count, usage.output_token_count), (3, 2));
}

#[tokio::test]
async fn a_cap_routes_and_then_blocks_with_its_figures() {
    let server = Server::start().await;
    let (workspace, client) = (server.workspace("acme").await, server.client());
    workspace.cap("gpt-4.1", "0.001").await;
    let said = || request("acme").max_output_tokens(500).request_id("r1");
    let block = |call: Call| async move {
        assert_eq!((call.model(), call.routed()), ("gpt-4.1-mini", true));
        assert_eq!(call.verdicts()[0].limit_kind, LimitKind::ModelLimit);
        assert!(!call.reason().is_unspecified());
        call.record_usage(USED);
        Ok::<(), String>(())
    };
    client.guard(said(), block).await.unwrap();
    flushed(&client).await;
    assert_eq!(workspace.records().await[0].model_id, "gpt-4.1-mini");

    workspace.fallback(false).await;
    let error = run(&client, said().request_id("r2")).await.unwrap_err();
    let GuardError::Blocked(blocked) = error else { panic!("{error:?}") };
    assert_eq!((&*blocked.request_id, blocked.retry_after), ("r2", None));
    let verdict = &blocked.verdicts[0];
    assert_eq!(verdict.limit.as_ref().unwrap().amount, Decimal::new(1, 3));
    assert_eq!(verdict.need.as_ref().unwrap().amount, Decimal::new(6, 3));
    assert!(verdict.reset_time.unwrap() > SystemTime::now());
    let text = blocked.to_string();
    let said = "blocked: model limit of model gpt-4.1: REQUEST_TOO_LARGE (limit 0.001 USD, spent";
    assert!(text.starts_with(said), "{text}");
    assert!(text.contains("need 0.006)") && text.contains("resets 20"), "{text}");
    assert_eq!(workspace.holds().await, 0);
}

#[tokio::test]
async fn a_workspace_without_a_plan_runs_what_is_free() {
    let server = Server::start().await;
    let client = server.client();
    let workspace = v1::Workspace {
        workspace_id: "acme".into(),
        currency_code: "USD".into(),
        ..Default::default()
    };
    let create = v1::CreateWorkspaceRequest { workspace: Some(workspace) };
    client.workspace().create_workspace(create).await.unwrap();
    let model = v1::Model { model_id: "free".into(), ..Default::default() };
    client.catalog().upsert_model(v1::UpsertModelRequest { model: Some(model) }).await.unwrap();
    let price = v1::Price {
        currency_code: "USD".into(),
        input_per_million: "0".into(),
        output_per_million: "0".into(),
        ..Default::default()
    };
    let set = v1::SetModelPriceRequest {
        model_id: "free".into(),
        price: Some(price),
        ..Default::default()
    };
    client.catalog().set_model_price(set).await.unwrap();
    for model in ["free", "gpt-4.1"] {
        let (workspace_id, model_id) = ("acme".into(), model.into());
        let enable = v1::EnableModelRequest { workspace_id, model_id };
        client.model_limit().enable_model(enable).await.unwrap();
    }
    let key = v1::ApiKey { api_key_id: "web".into(), ..Default::default() };
    let register = v1::RegisterApiKeyRequest { workspace_id: "acme".into(), api_key: Some(key) };
    client.api_key().register_api_key(register).await.unwrap();

    let block = |call: Call| async move {
        assert_eq!(call.budget_state(), "NO_PLAN");
        call.record_usage(USED);
        Ok::<(), String>(())
    };
    let free = Request::to("acme", "free").input_tokens(1).api_key("web");
    client.guard(free, block).await.unwrap();
    let error = run(&client, request("acme").api_key("web")).await.unwrap_err();
    let GuardError::Blocked(blocked) = error else { panic!("{error:?}") };
    assert_eq!(blocked.verdicts[0].limit_kind, LimitKind::Envelope);
}

#[tokio::test]
async fn a_rate_limit_says_when_to_retry() {
    let server = Server::start().await;
    let (workspace, client) = (server.workspace("acme").await, server.client());
    let subject = v1::Subject { r#type: v1::SubjectType::User.into(), id: "ada".into() };
    let bound = v1::RateLimitBound {
        unit: v1::LimitUnit::Requests.into(),
        period: v1::LimitPeriod::SlidingDay.into(),
        amount: 1,
    };
    let limit = v1::RateLimit { subject: Some(subject), bounds: vec![bound], ..Default::default() };
    let create =
        v1::CreateRateLimitRequest { workspace_id: "acme".into(), rate_limit: Some(limit) };
    workspace.admin.quota().create_rate_limit(create).await.unwrap();
    run(&client, request("acme").user("ada")).await.unwrap();
    let error = run(&client, request("acme").user("ada")).await.unwrap_err();
    let GuardError::Blocked(blocked) = error else { panic!("{error:?}") };
    assert_eq!(blocked.reason, Reason::RateLimited);
    let wait = blocked.retry_after.unwrap();
    assert!(wait > Duration::ZERO && wait <= Duration::from_secs(25 * 3600), "{wait:?}");
    assert!(blocked.to_string().contains("; retry after "), "{blocked}");
}

#[tokio::test]
async fn defects_of_the_caller_are_errors_under_both_policies() {
    let server = Server::start().await;
    let client = server.client();
    for policy in [Policy::Open, Policy::Closed] {
        let error = run(&client, request("nobody").on_unavailable(policy)).await.unwrap_err();
        let GuardError::Rpc(status) = &error else { panic!("{error:?}") };
        assert_eq!(status.code(), Code::NotFound);
        assert!(error.to_string().starts_with("tollgate refuses: NotFound"), "{error}");
        assert_eq!(error.error_reason(), Some(ErrorReason::WorkspaceNotFound));
        assert_eq!(error_reason(status), Some(ErrorReason::WorkspaceNotFound));
    }
    let no_workspace = client.budget().get_budget(v1::GetBudgetRequest::default()).await;
    assert_eq!(error_reason(&no_workspace.unwrap_err()), Some(ErrorReason::InvalidField));
}

#[tokio::test]
async fn a_hold_can_be_extended_and_a_call_held_open() {
    let server = Server::start().await;
    let (workspace, client) = (server.workspace("acme").await, server.client());
    let open = client.open(request("acme").hold(Duration::from_secs(1_800))).await.unwrap();
    open.call().extend(Duration::from_secs(2 * 3600)).await.unwrap();
    let list = v1::ListHoldsRequest { workspace_id: "acme".into(), ..Default::default() };
    let holds = client.usage().list_holds(list).await.unwrap().into_inner().holds;
    let end: SystemTime = holds[0].expire_time.unwrap().try_into().unwrap();
    assert!(end > SystemTime::now() + Duration::from_secs(3600), "{end:?}");
    let call = open.call().clone();
    call.set_model(call.model());
    call.record_usage(USED);
    open.finish(Outcome::Success).await.unwrap();
    flushed(&client).await;
    assert_eq!(workspace.spent().await, COST);
    let status = call.extend(Duration::from_secs(60)).await.unwrap_err();
    assert_eq!(status.code(), Code::NotFound);
}

#[tokio::test]
async fn an_answer_that_is_not_understood_costs_what_was_held() {
    let server = Server::start().await;
    let (workspace, client) = (server.workspace("acme").await, server.client());
    let usage = json!({"prompt_tokens": 1, "completion_tokens": 1});
    let answers = [
        json!("Service temporarily unavailable"),
        json!({"usage": {"gizmo_tokens": 7}}),
        json!(42),
        json!([{"id": "a", "usage": usage}, {"id": "b", "usage": usage}]),
    ];
    let mut held = Decimal::ZERO;
    for answer in &answers {
        let block = |call: Call| async move {
            let _ = call.model();
            call.record(answer);
            Ok::<Call, String>(call)
        };
        let call = client.guard(request("acme").max_output_tokens(500), block).await.unwrap();
        held += call.held().unwrap().amount;
    }
    flushed(&client).await;
    assert_eq!(client.stats().refused, 0);
    for record in workspace.records().await {
        assert_eq!(record.usage_source(), v1::UsageSource::Estimated);
        let kept = record.provider_answer.unwrap();
        assert!(kept.unread && !kept.json.contains("unavailable"), "{kept:?}");
    }
    assert_eq!(workspace.spent().await, held);
}

#[tokio::test]
async fn a_long_stream_is_kept_by_its_usage() {
    let server = Server::start().await;
    let (workspace, client) = (server.workspace("acme").await, server.client());
    let block = |call: Call| async move {
        let mut chunk = json!({
            "object": "chat.completion.chunk", "id": "c", "model": call.model(),
            "choices": [{"delta": {"content": "SECRET"}}], "usage": null,
        });
        for _ in 0..300 {
            call.record(&chunk);
        }
        chunk["usage"] = json!({"prompt_tokens": 1000, "completion_tokens": 100});
        call.record(&chunk);
        Ok::<(), String>(())
    };
    client.guard(request("acme"), block).await.unwrap();
    flushed(&client).await;
    let record = &workspace.records().await[0];
    assert_eq!(record.usage, Some(USED));
    let kept = &record.provider_answer.as_ref().unwrap().json;
    assert!(kept.contains("gpt-4.1") && !kept.contains("SECRET"), "{kept}");
}

#[tokio::test]
async fn an_answer_that_was_made_is_taken_with_its_hint() {
    let server = Server::start().await;
    let (workspace, client) = (server.workspace("acme").await, server.client());
    let block = |call: Call| async move {
        call.record(&json!({"usage": {"prompt_tokens": 9}}));
        call.record_answer(ProviderAnswer::new("azure", &chat()).unwrap());
        Ok::<(), String>(())
    };
    client.guard(request("acme"), block).await.unwrap();
    flushed(&client).await;
    let record = &workspace.records().await[0];
    assert_eq!(record.usage, Some(USED));
    assert_eq!(record.provider_answer.as_ref().unwrap().provider, "azure");
}

/// The tier that was asked for is that of an answer that names none.
#[tokio::test]
async fn the_tier_is_the_one_that_served() {
    let server = Server::start().await;
    let (workspace, client) = (server.workspace("acme").await, server.client());
    let cases = [
        ("none", "", ServiceTier::Batch),
        ("auto", "auto", ServiceTier::Batch),
        ("default", "default", ServiceTier::Standard),
    ];
    for (id, said, tier) in cases {
        let usage = json!({"prompt_tokens": 1, "completion_tokens": 1});
        let answer = json!({"service_tier": said, "usage": usage});
        let block = |call: Call| async move {
            call.record(&answer);
            Ok::<(), String>(())
        };
        let said = request("acme").request_id(id).service_tier(ServiceTier::Batch);
        client.guard(said, block).await.unwrap();
        flushed(&client).await;
        let records = workspace.records().await;
        let record = records.iter().find(|record| record.request_id == id).unwrap();
        assert_eq!(record.service_tier(), tier, "{id}");
    }
}

#[tokio::test]
async fn a_request_that_is_checked_again_is_the_next_attempt() {
    let server = Server::start().await;
    let (workspace, client) = (server.workspace("acme").await, server.client());
    for attempt in 0..2 {
        let block = |call: Call| async move {
            assert_eq!(call.attempt(), attempt);
            call.record_usage(USED);
            Ok::<(), String>(())
        };
        let said = request("acme").request_id("job-77").wait(true);
        client.guard(said, block).await.unwrap();
    }
    assert_eq!((workspace.records().await.len(), workspace.holds().await), (2, 0));
    assert_eq!(workspace.spent().await, COST * Decimal::TWO);
}

#[tokio::test]
async fn units_and_factors_are_recorded() {
    let server = Server::start().await;
    let (workspace, client) = (server.workspace("acme").await, server.client());
    let block = |call: Call| async move {
        let unit = UsageUnit { kind: UnitKind::WebSearch.into(), count: 3 };
        call.record_usage(Usage { units: vec![unit], ..Usage::default() });
        call.set_factors(["us"]);
        Ok::<(), String>(())
    };
    client.guard(request("acme"), block).await.unwrap();
    flushed(&client).await;
    let record = &workspace.records().await[0];
    assert_eq!(record.usage.as_ref().unwrap().units[0].count, 3);
    assert_eq!(record.factors, ["us"]);
}

#[tokio::test]
async fn an_address_may_say_its_scheme() {
    let server = Server::start().await;
    server.workspace("acme").await;
    let address = format!("http://{}/", server.address);
    let client = Client::builder().address(address).token("secret").build().unwrap();
    assert!(run(&client, request("acme")).await.is_ok());
    for address in ["ftp://127.0.0.1:50051", "http://192.0.2.1:50051"] {
        let error = Client::builder().address(address).token("secret").build().unwrap_err();
        assert!(!error.to_string().contains("secret"), "{error}");
    }
}

#[tokio::test]
async fn what_cannot_be_read_is_passed_over_and_the_last_answer_counts() {
    let server = Server::start().await;
    let (workspace, client) = (server.workspace("acme").await, server.client());
    let block = |call: Call| async move {
        for nonsense in [json!(null), json!(42), json!({}), json!({"usage": "many"}), json!([[]])] {
            call.record(&nonsense);
        }
        call.record("not JSON");
        let cached = json!({"prompt_tokens": 9, "prompt_tokens_details": {"cached_tokens": 8}});
        call.record(&json!({"object": "chat.completion", "usage": cached}));
        call.record_usage(USED);
        call.record(&chat().to_string());
        Ok::<(), String>(())
    };
    client.guard(request("acme"), block).await.unwrap();
    flushed(&client).await;
    let record = &workspace.records().await[0];
    assert_eq!((record.usage.clone(), record.service_tier()), (Some(USED), ServiceTier::Flex));
    assert!(logged("no usage that can be read"));
}
