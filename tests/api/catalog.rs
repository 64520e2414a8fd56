//! `CatalogService` and names: price lists through the running server, and what a name of a
//! provider costs with the built-in catalog.

use std::path::Path;
use std::sync::Arc;

use prost_types::Timestamp;
use tokio::process::Command;
use tollgate::config::Config;
use tollgate::domain::time::MICROS_PER_DAY;
use tollgate::proto::v1;
use tonic::{Code, Status};
use tonic_types::StatusExt;

use crate::fixtures::{
    ACME, acme, add_model, amount, assert_failed, audit_events, by, check, create_workspace,
    get_budget, price, record, refused_fields, reprice, set_price, set_up,
};
use crate::server::{self, START, Server, TestClock};

/// A workspace that pays in USD, as the built-in prices are.
async fn in_usd() -> Server {
    let server = Server::start().await;
    let workspace = v1::Workspace {
        workspace_id: ACME.to_owned(),
        currency_code: "USD".to_owned(),
        ..Default::default()
    };
    let request = v1::CreateWorkspaceRequest { workspace: Some(workspace) };
    server.workspace().create_workspace(request).await.unwrap();
    let usd = |amount: &str| {
        Some(v1::Money { currency_code: "USD".to_owned(), amount: amount.to_owned() })
    };
    let start_date = "2026-01-01".to_owned();
    let plan = Some(v1::Plan { budget: usd("1000"), overage_limit: None, start_date });
    let request = v1::SetPlanRequest { workspace_id: ACME.to_owned(), plan };
    server.budget().set_plan(request).await.unwrap();
    server
}

async fn enable(server: &Server, model_id: &str) -> Result<String, Status> {
    let model_id = model_id.to_owned();
    let request = v1::EnableModelRequest { workspace_id: ACME.to_owned(), model_id };
    let enabled = server.model_limit().enable_model(request).await?.into_inner();
    Ok(enabled.model_limit.unwrap().model_id)
}

/// Records a million input tokens of a model. Its cost, and whether it is unpriced.
async fn million(server: &Server, request_id: &str, model_id: &str) -> (String, bool) {
    let usage = Some(v1::Usage { input_token_count: 1_000_000, ..Default::default() });
    let request = v1::RecordUsageRequest { usage, ..record(request_id, model_id) };
    let recorded = server.usage().record_usage(request).await.unwrap().into_inner();
    (recorded.cost.unwrap().amount, recorded.unpriced)
}

/// A model of a list in the LiteLLM format, by its rates per million tokens.
fn listed(id: &str, input: &str, output: &str) -> String {
    format!(
        r#"{{"{id}": {{"litellm_provider": "house", "mode": "chat",
            "input_cost_per_token": {input}e-6, "output_cost_per_token": {output}e-6}}}}"#
    )
}

fn import(content: String) -> v1::ImportPricesRequest {
    v1::ImportPricesRequest { format: "litellm".to_owned(), content, ..Default::default() }
}

async fn imported(server: &Server, request: v1::ImportPricesRequest) -> v1::ImportPricesResponse {
    server.catalog().import_prices(request).await.unwrap().into_inner()
}

async fn input_rates(server: &Server, model_id: &str) -> Vec<String> {
    let request =
        v1::ListModelPricesRequest { model_id: model_id.to_owned(), ..Default::default() };
    let listed = server.catalog().list_model_prices(request).await.unwrap().into_inner();
    listed.prices.into_iter().map(|price| price.input_per_million).collect()
}

#[tokio::test]
async fn names_that_providers_answer_with_have_a_price() {
    let server = in_usd().await;
    for (index, (name, expected)) in [
        ("gemini-2.5-flash", "0.30"),
        ("gemini-2.5-pro", "2.50"),
        ("models/gemini-2.5-pro", "2.50"),
        ("openai/gpt-oss-120b", "0.15"),
        ("meta-llama/Llama-3.3-70B-Instruct-Turbo", "1.04"),
        ("openai/gpt-4o", "2.50"),
        ("GPT-4o", "2.50"),
        ("gpt-4.1-nano-2025-04-14", "0.10"),
        ("azure/eu/gpt-4o-2024-08-06", "2.75"),
        ("anthropic/claude-4.6-sonnet-20260217", "3.00"),
        // Above 200,000 tokens.
        ("eu.anthropic.claude-sonnet-4-5-20250929-v1:0", "6.60"),
        ("ft:gpt-4o-2024-08-06:acme::x", "3.75"),
    ]
    .into_iter()
    .enumerate()
    {
        let recorded = million(&server, &format!("r-{index}"), name).await;
        assert_eq!(recorded, (expected.to_owned(), false), "{name}");
    }
    for (index, name) in ["gpt-oss-120b", "my-gpt-4o", "ft:gpt-4o:acme::x"].iter().enumerate() {
        let recorded = million(&server, &format!("u-{index}"), name).await;
        assert_eq!(recorded, ("0.00".to_owned(), true), "{name}");
    }
}

#[tokio::test]
async fn a_call_runs_by_any_certain_name_of_an_enabled_model() {
    let server = in_usd().await;
    let enabled = enable(&server, "Gemini/Gemini-2.5-Flash").await.unwrap();
    assert_eq!(enabled, "gemini/gemini-2.5-flash");
    for (index, name) in ["gemini/gemini-2.5-flash", "google/gemini-2.5-flash"].iter().enumerate() {
        let asked = check(&format!("r-{index}"), name);
        let answer = server.usage().check_and_route(asked).await.unwrap().into_inner();
        assert_eq!(answer.decision(), v1::Decision::Allowed, "{name}");
        assert_eq!(answer.held.unwrap().amount, "0.155", "{name}");
    }
    // What the provider answers counts for the model of the hold.
    let request = record("r-0", "gemini-2.5-flash");
    server.usage().record_usage(request).await.unwrap();
    let request =
        v1::ListUsageRecordsRequest { workspace_id: ACME.to_owned(), ..Default::default() };
    let records = server.usage().list_usage_records(request).await.unwrap().into_inner();
    assert_eq!(records.records[0].priced_model_id, "gemini/gemini-2.5-flash");
}

#[tokio::test]
async fn what_is_near_to_an_unknown_name_is_told() {
    let server = in_usd().await;
    let answer = server.usage().check_and_route(check("r-1", "gpt-oss-120b")).await.unwrap();
    let answer = answer.into_inner();
    assert_eq!(answer.reason(), v1::Reason::ModelUnknown);
    let near = &answer.verdicts[0].near_model_ids;
    assert_eq!(near.len(), 5);
    assert!(near.iter().all(|id| id.contains("gpt-oss-120b")), "{near:?}");

    // An administrator never means the family of a snapshot.
    let status = enable(&server, "gpt-4.1-nano-2099-01-01").await.unwrap_err();
    assert_failed(&status, Code::NotFound, "MODEL_NOT_FOUND", &[]);
    let details = status.get_error_details();
    let metadata = &details.error_info().unwrap().metadata;
    assert!(metadata["near_model_ids"].contains("gpt-4.1-nano"), "{metadata:?}");
}

#[tokio::test]
async fn the_largest_input_is_not_the_window() {
    let server = in_usd().await;
    for model in ["gpt-5.4", "gpt-5"] {
        enable(&server, model).await.unwrap();
    }
    let request = v1::SetModelLimitRequest {
        workspace_id: ACME.to_owned(),
        model_id: "gpt-5.4".to_owned(),
        limit: Some(v1::Money { currency_code: "USD".to_owned(), amount: "0".to_owned() }),
        limit_enabled: None,
        fallback_model_ids: vec!["gpt-5".to_owned()],
    };
    server.model_limit().set_model_limit(request).await.unwrap();
    for (index, (input, output, expected)) in [
        (200_000, 100_000, v1::Decision::Routed),
        (272_000, 128_000, v1::Decision::Routed),
        (273_000, 1_000, v1::Decision::Blocked),
    ]
    .into_iter()
    .enumerate()
    {
        let asked = v1::CheckAndRouteRequest {
            input_token_count: input,
            max_output_token_count: Some(output),
            ..check(&format!("r-{index}"), "gpt-5.4")
        };
        let answer = server.usage().check_and_route(asked).await.unwrap().into_inner();
        assert_eq!(answer.decision(), expected, "{input} and {output}");
    }
}

#[tokio::test]
async fn a_list_is_imported_while_the_server_runs() {
    let server = in_usd().await;
    let request = import(listed("house-1", "3", "9"));
    let dry = v1::ImportPricesRequest { dry_run: true, ..request.clone() };
    let told = imported(&server, dry).await;
    assert_eq!((told.read_count, told.model_count, told.price_count), (1, 1, 1));
    assert!(million(&server, "r-0", "house-1").await.1, "nothing has changed");

    let taken = imported(&server, by("ada", request.clone()).into_inner()).await;
    assert_eq!(taken, told);
    assert_eq!(million(&server, "r-1", "house-1").await, ("3.00".to_owned(), false));
    let again = imported(&server, request).await;
    assert_eq!((again.model_count, again.price_count, again.unchanged_count), (0, 0, 1));

    // A list of the size of the real ones, above the usual 4 MiB of a message.
    let large = listed("house-2", "1", "1") + &" ".repeat(5 * 1024 * 1024);
    assert_eq!(imported(&server, import(large)).await.price_count, 1);
}

#[tokio::test]
async fn an_import_is_logged_with_who_made_it() {
    let server = in_usd().await;
    let request = by("ada", import(listed("house-1", "3", "9")));
    server.catalog().import_prices(request).await.unwrap();
    let events = audit_events(&server, "").await;
    let mut told: Vec<_> =
        events.iter().map(|event| (&*event.actor, &*event.action, &*event.resource_type)).collect();
    told.sort_unstable();
    assert_eq!(told, [("ada", "ImportPrices", "model"), ("ada", "ImportPrices", "price")]);
}

/// From now on `acme` sees prices as stale after so many days.
async fn set_price_max_age(server: &Server, price_max_age_days: i32) {
    let workspace =
        v1::Workspace { workspace_id: ACME.to_owned(), price_max_age_days, ..Default::default() };
    let update_mask = Some(prost_types::FieldMask { paths: vec!["price_max_age_days".to_owned()] });
    let request = v1::UpdateWorkspaceRequest { workspace: Some(workspace), update_mask };
    server.workspace().update_workspace(request).await.unwrap();
}

/// The prices of a model as a workspace sees them, or without one.
async fn prices_in(server: &Server, workspace_id: &str, model_id: &str) -> Vec<v1::Price> {
    let request = v1::ListModelPricesRequest {
        model_id: model_id.to_owned(),
        workspace_id: workspace_id.to_owned(),
        ..Default::default()
    };
    server.catalog().list_model_prices(request).await.unwrap().into_inner().prices
}

/// Models of `acme` whose price is stale.
async fn stale_models(server: &Server) -> Vec<String> {
    let request =
        v1::ListModelLimitsRequest { workspace_id: ACME.to_owned(), ..Default::default() };
    let listed = server.model_limit().list_model_limits(request).await.unwrap().into_inner();
    let stale = listed.model_limits.into_iter().filter(|limit| limit.price_stale);
    stale.map(|limit| limit.model_id).collect()
}

fn days(number: i64) -> Option<Timestamp> {
    let seconds = (START.micros() + number * MICROS_PER_DAY) / 1_000_000;
    Some(Timestamp { seconds, nanos: 0 })
}

#[tokio::test]
async fn a_workspace_sees_old_prices_as_stale_until_a_list_confirms_them() {
    let server = in_usd().await;
    create_workspace(&server, "other").await;
    imported(&server, import(listed("house-1", "3", "9"))).await;
    enable(&server, "house-1").await.unwrap();
    let seen = async || {
        let prices = prices_in(&server, ACME, "house-1").await;
        (prices[0].confirm_time, prices[0].stale)
    };
    server.clock.advance(400 * MICROS_PER_DAY);
    assert_eq!(seen().await, (days(0), false), "never by default");
    set_price_max_age(&server, 400).await;
    assert_eq!((seen().await, stale_models(&server).await), ((days(0), false), vec![]));
    set_price_max_age(&server, 399).await;
    assert_eq!(seen().await, (days(0), true));
    assert_eq!(stale_models(&server).await, ["house-1"]);
    for workspace_id in ["", "other"] {
        let prices = prices_in(&server, workspace_id, "house-1").await;
        assert_eq!((prices[0].confirm_time, prices[0].stale), (days(0), false));
    }
    // It is a notice alone.
    let answer = server.usage().check_and_route(check("r-1", "house-1")).await.unwrap();
    assert_eq!(answer.into_inner().decision(), v1::Decision::Allowed);
    assert_eq!(million(&server, "r-1", "house-1").await, ("3.00".to_owned(), false));

    let told = imported(&server, import(listed("house-1", "99", "9"))).await;
    assert_eq!((told.held_back_count, told.confirmed_count), (1, 0));
    let dry = v1::ImportPricesRequest { dry_run: true, ..import(listed("house-1", "3", "9")) };
    assert_eq!(imported(&server, dry).await.confirmed_count, 1);
    assert_eq!(seen().await, (days(0), true));
    let told = imported(&server, import(listed("house-1", "3", "9"))).await;
    assert_eq!((told.price_count, told.unchanged_count, told.confirmed_count), (0, 1, 1));
    assert_eq!((seen().await, stale_models(&server).await), ((days(400), false), vec![]));
    let events = audit_events(&server, "").await;
    let event = events.iter().find(|event| event.resource_type == "price_list").unwrap();
    assert_eq!((&*event.resource_id, &*event.after_json), ("litellm", r#"{"confirmed_prices":1}"#));
}

#[tokio::test]
async fn what_an_operator_sets_again_is_confirmed_and_built_in_prices_have_the_date_of_their_list()
{
    let server = in_usd().await;
    enable(&server, "gpt-4o").await.unwrap();
    set_price_max_age(&server, 30).await;
    let built_in = &prices_in(&server, ACME, "gpt-4o").await[0];
    assert_eq!(built_in.source, "builtin");
    assert_eq!(built_in.confirm_time, built_in.create_time);
    server.clock.advance(800 * MICROS_PER_DAY);
    assert_eq!(stale_models(&server).await, ["gpt-4o"]);
    // Its own price says when it counts from; the day on which it is set counts for its age.
    let price = v1::Price { effective_time: days(-1), ..price("USD", "7", "8") };
    let request = v1::SetModelPriceRequest {
        model_id: "gpt-4o".to_owned(),
        price: Some(price),
        workspace_id: ACME.to_owned(),
    };
    let set = server.catalog().set_model_price(request).await.unwrap().into_inner().price.unwrap();
    assert_eq!((set.confirm_time, set.stale), (days(800), false));
    let prices = prices_in(&server, ACME, "gpt-4o").await;
    let stale: Vec<bool> = prices.iter().map(|price| price.stale).collect();
    assert!(stale[1..].iter().any(|stale| *stale), "that of the catalog still is");
    assert_eq!(prices.iter().find(|price| price.price_id == set.price_id), Some(&set));
    assert_eq!(stale_models(&server).await, [""; 0]);
    // One that is announced counts from its beginning.
    server.clock.advance(31 * MICROS_PER_DAY);
    assert_eq!(stale_models(&server).await, ["gpt-4o"]);
}

#[tokio::test]
async fn confirmations_outlast_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let clock = Arc::<TestClock>::default();
    let start = || Server::start_in(folder.path(), Arc::clone(&clock), Config::default());
    let server = start().await;
    set_up(&server).await;
    imported(&server, import(listed("house-1", "3", "9"))).await;
    clock.advance(5 * MICROS_PER_DAY);
    imported(&server, import(listed("house-1", "3", "9"))).await;
    server.stop().await.unwrap();
    let server = start().await;
    assert_eq!(prices_in(&server, ACME, "house-1").await[0].confirm_time, days(5));
}

#[tokio::test]
async fn what_an_operator_set_stays() {
    let server = in_usd().await;
    set_price(&server, "gpt-4o", "USD", "7", "8").await.unwrap();
    let told = imported(&server, import(listed("gpt-4o", "3", "9"))).await;
    assert_eq!((told.price_count, told.kept_count), (0, 1));
    assert_eq!(told.kept_model_ids, ["gpt-4o"]);
    assert_eq!(million(&server, "r-1", "gpt-4o").await.0, "7.00");
}

#[tokio::test]
async fn a_jump_is_held_back() {
    let server = in_usd().await;
    imported(&server, import(listed("house-1", "3", "9"))).await;
    for (input, jumps) in [("30", 0), ("31", 1), ("0.3", 0), ("0.29", 1), ("0", 1)] {
        let request = import(listed("house-1", input, "9"));
        let dry = v1::ImportPricesRequest { dry_run: true, ..request };
        let told = imported(&server, dry).await;
        assert_eq!((told.price_count, told.held_back_count), (1 - jumps, jumps), "{input}");
        assert_eq!(told.changed_rate_count, 1);
        let change = &told.changed_rates[0];
        assert_eq!((&*change.model_id, &*change.rate), ("house-1", "input_per_million"));
        assert_eq!((&*change.before, change.held_back), ("3.00", jumps == 1));
    }
    let request = import(listed("house-1", "31", "9"));
    assert_eq!(imported(&server, request.clone()).await.held_back_model_ids, ["house-1"]);
    assert_eq!(million(&server, "r-1", "house-1").await.0, "3.00");
    server.clock.advance(1);
    let request = v1::ImportPricesRequest { allow_jumps: true, ..request };
    assert_eq!(imported(&server, request).await.price_count, 1);
    assert_eq!(million(&server, "r-2", "house-1").await.0, "31.00");
}

#[tokio::test]
async fn units_and_factors_are_shown_and_held_back_as_rates_are() {
    let server = in_usd().await;
    let list = |search: &str, us: &str| {
        import(format!(
            r#"{{"house-1": {{"input_cost_per_token": 1e-6, "output_cost_per_token": 2e-6,
                "search_context_cost_per_query": {{"search_context_size_low": {search}}},
                "provider_specific_entry": {{"us": {us}}}}}}}"#
        ))
    };
    imported(&server, list("0.01", "1.1")).await;
    let told = imported(&server, list("0.2", "1.2")).await;
    assert_eq!((told.held_back_count, told.price_count, told.changed_rate_count), (1, 0, 2));
    let search = v1::RateChange {
        model_id: "house-1".to_owned(),
        rate: "per_thousand".to_owned(),
        service_tier: v1::ServiceTier::Standard.into(),
        min_input_token_count: 0,
        before: "10.00".to_owned(),
        after: "200.00".to_owned(),
        held_back: true,
        unit_kind: v1::UnitKind::WebSearch.into(),
        factor_name: String::new(),
    };
    let factor = v1::RateChange {
        rate: "multiplier".to_owned(),
        before: "1.10".to_owned(),
        after: "1.20".to_owned(),
        unit_kind: v1::UnitKind::Unspecified.into(),
        factor_name: "us".to_owned(),
        ..search.clone()
    };
    assert_eq!(told.changed_rates, [search, factor]);

    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("list.json");
    std::fs::write(&file, list("0.2", "1.2").content).unwrap();
    let flags = format!("--server {} --allow-jumps", server.address);
    server.clock.advance(1);
    let printed = command(&file, &flags).await.unwrap();
    for line in
        ["web_search per_thousand: 10.00 becomes 200.00", "us multiplier: 1.10 becomes 1.20"]
    {
        let line = format!("  house-1 {line}");
        assert!(printed.lines().any(|printed| printed == line), "{printed}");
    }
}

#[tokio::test]
async fn an_import_of_the_past_corrects_what_was_recorded() {
    let server = in_usd().await;
    let start = Timestamp { seconds: START.micros() / 1_000_000, nanos: 0 };
    assert!(million(&server, "r-1", "house-1").await.1);
    server.clock.advance(3 * MICROS_PER_DAY);
    let reprice = || {
        let start_time = Some(start);
        v1::RepriceUsageRequest { workspace_id: ACME.to_owned(), start_time, ..Default::default() }
    };
    imported(&server, import(listed("house-1", "3", "9"))).await;
    let repriced = server.usage().reprice_usage(reprice()).await.unwrap().into_inner();
    assert_eq!((repriced.corrected_count, repriced.unpriced_count), (0, 1), "from today on");
    let request = v1::ImportPricesRequest {
        effective_time: Some(Timestamp { seconds: start.seconds - 86_400, nanos: 0 }),
        ..import(listed("house-1", "3", "9"))
    };
    assert_eq!(imported(&server, request).await.price_count, 1);
    let repriced = server.usage().reprice_usage(reprice()).await.unwrap().into_inner();
    assert_eq!((repriced.corrected_count, repriced.unpriced_count), (1, 0));
    assert_eq!(repriced.difference.unwrap().amount, "3.00");
}

#[tokio::test]
async fn other_formats_are_read_and_told_apart() {
    let server = in_usd().await;
    let models_dev = r#"{"openai": {"id": "openai", "models": {
        "gpt-4o": {"id": "gpt-4o", "cost": {"input": 3, "output": 9}, "limit": {}}}}}"#;
    let genai = r#"[{"id": "openai", "models": [
        {"id": "gpt-4o", "match": {"equals": "gpt-4o"},
         "prices": {"input_mtok": 4, "output_mtok": 9}}]}]"#;
    for (format, content, expected) in
        [("models_dev", models_dev, "3.00"), ("genai_prices", genai, "4.00")]
    {
        let request =
            v1::ImportPricesRequest { format: format.to_owned(), ..import(content.to_owned()) };
        assert_eq!(imported(&server, request).await.price_count, 1, "{format}");
        assert_eq!(input_rates(&server, "gpt-4o").await[0], expected);
        server.clock.advance(MICROS_PER_DAY);
    }
    let status = server.catalog().import_prices(import(genai.to_owned())).await.unwrap_err();
    assert_eq!(refused_fields(&status), ["content"]);
    assert!(status.message().contains("genai_prices"), "{}", status.message());
    for (format, content, fields) in [
        ("", "{}", vec!["format"]),
        ("csv", "", vec!["format", "content"]),
        ("litellm", "model,price", vec!["content"]),
    ] {
        let request =
            v1::ImportPricesRequest { format: format.to_owned(), ..import(content.to_owned()) };
        let status = server.catalog().import_prices(request).await.unwrap_err();
        assert_eq!(refused_fields(&status), fields, "{format}");
    }
}

/// What `tollgate prices import` prints: its output with success, its error without.
async fn command(file: &Path, flags: &str) -> Result<String, String> {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tollgate"));
    command.args(["prices", "import"]).arg(file).args(flags.split_whitespace());
    let output = command.kill_on_drop(true).output().await.unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    match output.status.success() {
        true => Ok(text(output.stdout)),
        false => Err(text(output.stderr)),
    }
}

#[tokio::test]
async fn the_command_imports_through_a_server_or_into_a_database() {
    let server = in_usd().await;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("list.json");
    std::fs::write(&file, listed("house-1", "3", "9")).unwrap();
    let (running, alone) = (server.address, server::database(folder.path()).await);
    let missing = command(&file, &format!("--database {alone}")).await.unwrap_err();
    assert!(missing.contains("tollgate init"), "{missing}");
    assert!(tollgate::storage::sql::create(&alone).await.unwrap());
    for place in [format!("--server {running}"), format!("--database {alone}")] {
        for (flags, expected) in [
            ("--dry-run", "1 models and 1 prices taken"),
            ("--effective-time 2026-01-01", "1 models and 1 prices taken"),
            ("", "1 models unchanged, 1 prices confirmed"),
        ] {
            let printed = command(&file, &format!("{place} {flags}")).await.unwrap();
            assert!(printed.starts_with("1 entries read"), "{printed}");
            assert!(printed.contains(expected), "{flags}: {printed}");
        }
        let refused = command(&file, &format!("{place} --format models_dev")).await.unwrap_err();
        assert!(refused.contains("litellm"), "{refused}");
    }
    assert_eq!(input_rates(&server, "house-1").await, ["3.00"]);
    for (flags, expected) in [
        (format!("--server {running} --database {alone}"), "expected --server or --database"),
        (format!("--server {running} --format csv"), "possible values"),
        (format!("--server {running} --effective-time yesterday"), "expected a time like"),
        ("--server 127.0.0.1:9".to_owned(), "no server answers"),
    ] {
        let refused = command(&file, &flags).await.unwrap_err();
        assert!(refused.contains(expected), "{flags}: {refused}");
    }
}

#[tokio::test]
async fn a_workspace_names_its_deployments() {
    let server = acme().await;
    create_workspace(&server, "other").await;
    let set = |alias: &str, model_id: &str| v1::SetModelAliasRequest {
        workspace_id: ACME.to_owned(),
        alias: alias.to_owned(),
        model_id: model_id.to_owned(),
    };
    let first = server.model_limit().set_model_alias(by("ada", set("chat-eu", "big"))).await;
    let first = first.unwrap().into_inner().model_alias.unwrap();
    assert_eq!((&*first.alias, &*first.model_id), ("chat-eu", "big"));
    let answer = server.usage().check_and_route(check("r-1", "chat-eu")).await;
    let answer = answer.unwrap().into_inner();
    assert_eq!((answer.decision(), amount(&answer.held)), (v1::Decision::Allowed, "2.00"));
    // More than a model of the catalog may have.
    for number in 0..40 {
        server.model_limit().set_model_alias(set(&format!("d-{number}"), "small")).await.unwrap();
    }
    let list = |workspace_id: &str, page_token: String| v1::ListModelAliasesRequest {
        workspace_id: workspace_id.to_owned(),
        page_size: 30,
        page_token,
    };
    let page = server.model_limit().list_model_aliases(list(ACME, String::new())).await.unwrap();
    let page = page.into_inner();
    assert_eq!((page.model_aliases.len(), &page.model_aliases[0]), (30, &first));
    let rest = server.model_limit().list_model_aliases(list(ACME, page.next_page_token)).await;
    assert_eq!(rest.unwrap().into_inner().model_aliases.len(), 11);
    let other = server.model_limit().list_model_aliases(list("other", String::new())).await;
    assert_eq!(other.unwrap().into_inner().model_aliases, []);

    let status = server.model_limit().set_model_alias(set("x", "unheard-of")).await.unwrap_err();
    assert_failed(&status, Code::NotFound, "MODEL_NOT_FOUND", &[("model_id", "unheard-of")]);
    let delete = || v1::DeleteModelAliasRequest {
        workspace_id: ACME.to_owned(),
        alias: "chat-eu".to_owned(),
    };
    server.model_limit().delete_model_alias(delete()).await.unwrap();
    let status = server.model_limit().delete_model_alias(delete()).await.unwrap_err();
    assert_failed(&status, Code::NotFound, "RESOURCE_NOT_FOUND", &[("resource", "model_alias")]);
    let answer = server.usage().check_and_route(check("r-2", "chat-eu")).await;
    let answer = answer.unwrap().into_inner();
    assert_eq!(answer.reason(), v1::Reason::ModelUnknown);
    let events = audit_events(&server, ACME).await;
    assert!(events.iter().any(|event| {
        (&*event.actor, &*event.resource_type, &*event.resource_id)
            == ("ada", "model_alias", "chat-eu")
    }));
}

// -- Withdrawals.

async fn withdraw(server: &Server, price_id: &str) -> Result<v1::Price, Status> {
    let request = v1::WithdrawModelPriceRequest {
        price_id: price_id.to_owned(),
        reason: "typed ten times too high".to_owned(),
    };
    let request = by("eve", request);
    Ok(server.catalog().withdraw_model_price(request).await?.into_inner().price.unwrap())
}

async fn prices_of(server: &Server, model_id: &str) -> Vec<v1::Price> {
    let request =
        v1::ListModelPricesRequest { model_id: model_id.to_owned(), ..Default::default() };
    server.catalog().list_model_prices(request).await.unwrap().into_inner().prices
}

#[tokio::test]
async fn a_withdrawn_price_counts_no_more_and_its_records_are_priced_again() {
    let folder = tempfile::tempdir().unwrap();
    let clock = Arc::new(TestClock::default());
    let server = Server::start_in(folder.path(), clock.clone(), Default::default()).await;
    set_up(&server).await;
    let wrong = set_price(&server, "big", "EUR", "100", "200").await.unwrap();
    server.usage().record_usage(record("r", "big")).await.unwrap();
    assert_eq!(amount(&get_budget(&server).await.spent), "20.00");

    let withdrawn = withdraw(&server, &wrong.price_id).await.unwrap();
    assert!(withdrawn.withdraw_time.is_some());
    assert_eq!(withdrawn.withdraw_reason, "typed ten times too high");
    assert_eq!(withdraw(&server, &wrong.price_id).await.unwrap(), withdrawn);
    // The one before counts again, at once and after a restart, and for what was recorded.
    let held = |server: &Server, id: &str| {
        let (usage, check) = (server.usage(), check(id, "big"));
        async move {
            let mut usage = usage;
            let answer = usage.check_and_route(check).await.unwrap().into_inner();
            answer.held.unwrap().amount
        }
    };
    assert_eq!(held(&server, "now").await, "2.00");
    let repriced = reprice(&server).await;
    assert_eq!((repriced.corrected_count, amount(&repriced.difference)), (1, "-18.00"));
    assert_eq!(amount(&get_budget(&server).await.spent), "2.00");
    server.stop().await.unwrap();
    let server = Server::start_in(folder.path(), clock, Default::default()).await;
    assert_eq!(held(&server, "later").await, "2.00");
    let listed = prices_of(&server, "big").await;
    let seen: Vec<_> =
        listed.iter().map(|it| (&*it.input_per_million, it.withdraw_time.is_some())).collect();
    assert_eq!(seen, [("100.00", true), ("10.00", false)]);

    let events = audit_events(&server, "").await;
    let event = events.iter().find(|event| event.action == "WithdrawModelPrice").unwrap();
    assert_eq!((&*event.actor, &*event.resource_id), ("eve", &*wrong.price_id));
    assert!(!event.before_json.contains("withdraw") && event.after_json.contains("too high"));
    server.stop().await.unwrap();
}

#[tokio::test]
async fn what_cannot_be_withdrawn_is_refused() {
    let server = acme().await;
    let status = withdraw(&server, "no-such-price").await.unwrap_err();
    assert_failed(&status, Code::NotFound, "RESOURCE_NOT_FOUND", &[("resource", "price")]);
    let builtin = prices_of(&server, "gpt-4.1").await.remove(0);
    let status = withdraw(&server, &builtin.price_id).await.unwrap_err();
    assert_failed(&status, Code::FailedPrecondition, "CHANGE_NOT_ALLOWED", &[]);
    let request = v1::WithdrawModelPriceRequest::default();
    let status = server.catalog().withdraw_model_price(request).await.unwrap_err();
    assert_eq!(refused_fields(&status), ["price_id", "reason"]);
    let request = v1::WithdrawExchangeRateRequest::default();
    let status = server.catalog().withdraw_exchange_rate(request).await.unwrap_err();
    let fields = ["from_currency_code", "to_currency_code", "reason", "effective_time"];
    assert_eq!(refused_fields(&status), fields);
}

#[tokio::test]
async fn a_withdrawn_exchange_rate_counts_again_once_it_is_set_again() {
    let server = acme().await;
    add_model(&server, "foreign", "USD", "10", "20").await;
    let rate = async |text: &str, seconds: i64| {
        let rate = v1::ExchangeRate {
            from_currency_code: "USD".to_owned(),
            to_currency_code: "EUR".to_owned(),
            rate: text.to_owned(),
            effective_time: Some(prost_types::Timestamp { seconds, nanos: 0 }),
            ..Default::default()
        };
        let request = v1::SetExchangeRateRequest { exchange_rate: Some(rate) };
        server.catalog().set_exchange_rate(request).await.unwrap();
    };
    let held = async |id: &str| {
        let answer = server.usage().check_and_route(check(id, "foreign")).await.unwrap();
        answer.into_inner().held.unwrap().amount
    };
    let listed = async || {
        let request = v1::ListExchangeRatesRequest::default();
        let listed = server.catalog().list_exchange_rates(request).await.unwrap().into_inner();
        let rates = listed.exchange_rates.into_iter();
        rates.map(|it| (it.rate, it.withdraw_time.is_some())).collect::<Vec<_>>()
    };
    rate("0.50", 1_700_000_000).await;
    rate("5", 1_710_000_000).await;
    assert_eq!(held("wrong").await, "10.00");
    let request = v1::WithdrawExchangeRateRequest {
        from_currency_code: "USD".to_owned(),
        to_currency_code: "EUR".to_owned(),
        effective_time: Some(prost_types::Timestamp { seconds: 1_710_000_000, nanos: 0 }),
        reason: "typed wrongly".to_owned(),
    };
    let withdrawn = server.catalog().withdraw_exchange_rate(request.clone()).await.unwrap();
    let withdrawn = withdrawn.into_inner().exchange_rate.unwrap();
    assert_eq!((&*withdrawn.rate, &*withdrawn.withdraw_reason), ("5.00", "typed wrongly"));
    assert_eq!(held("right").await, "1.00");
    assert_eq!(listed().await, [("5.00".to_owned(), true), ("0.50".to_owned(), false)]);
    rate("0.75", 1_710_000_000).await;
    assert_eq!(held("again").await, "1.50");
    assert_eq!(listed().await, [("0.75".to_owned(), false), ("0.50".to_owned(), false)]);
}
