//! `AuditService`: who changed what, and that nothing is changed without it.

use std::sync::Arc;

use prost_types::Timestamp;
use serde_json::{Value, json};
use tollgate::admin::{self, ImportOptions};
use tollgate::config::Config;
use tollgate::domain::time::MICROS_PER_SECOND;
use tollgate::prices::{Format, Jumps};
use tollgate::proto::v1;
use tonic::{Code, Status};

use crate::fixtures::{
    ACME, acme, add_model, assert_failed, audit_events, by, create_workspace, eur, refused_fields,
    set_plan, set_up,
};
use crate::outage::Outage;
use crate::server::{START, Server, TestClock, database, open};

fn parsed(text: &str) -> Value {
    if text.is_empty() { Value::Null } else { serde_json::from_str(text).unwrap() }
}

/// What was done with what.
fn done(event: &v1::AuditEvent) -> (&str, &str, &str) {
    (&event.action, &event.resource_type, &event.resource_id)
}

/// The newest entry, by an actor, with what it says of before and after.
async fn newest(server: &Server, workspace_id: &str) -> (v1::AuditEvent, Value, Value) {
    let event = audit_events(server, workspace_id).await.remove(0);
    let (before, after) = (parsed(&event.before_json), parsed(&event.after_json));
    (event, before, after)
}

async fn list(server: &Server, request: v1::ListAuditEventsRequest) -> Vec<v1::AuditEvent> {
    let listed = server.audit().list_audit_events(request).await.unwrap().into_inner();
    assert_eq!(listed.next_page_token, "");
    listed.audit_events
}

fn at(seconds: i64) -> Option<Timestamp> {
    Some(Timestamp { seconds: START.micros() / MICROS_PER_SECOND + seconds, nanos: 0 })
}

#[tokio::test]
async fn a_workspace_and_its_plan_are_logged_with_before_and_after() {
    let server = Server::start().await;
    let workspace = v1::Workspace {
        workspace_id: ACME.to_owned(),
        hold_durability: v1::HoldDurability::Journaled.into(),
        ..Default::default()
    };
    let create = v1::CreateWorkspaceRequest { workspace: Some(workspace) };
    server.workspace().create_workspace(by("ada", create)).await.unwrap();
    let (event, before, after) = newest(&server, ACME).await;
    assert_eq!(uuid::Uuid::parse_str(&event.audit_event_id).unwrap().get_version_num(), 7);
    assert_eq!((event.time, event.actor.as_str()), (at(0), "ada"));
    assert_eq!(event.workspace_id, ACME);
    assert_eq!(done(&event), ("CreateWorkspace", "workspace", ACME));
    assert_eq!(before, Value::Null);
    let created = json!({
        "id": "acme",
        "display_name": "",
        "currency": "EUR",
        "time_zone": "UTC",
        "automatic_fallback": true,
        "unpriced_models": "deny",
        "hold_expiry": "release",
        "hold_durability": "journaled",
        "outage_duration_limit": "600s",
        "outage_held_limit": null,
        "unknown_keys": "accept",
        "required_fields": [],
        "week_start": "monday",
        "reported_cost": { "charged_providers": [], "alert_percent": 0 },
        "usage_retention_days": null,
        "price_max_age_days": null,
        "archive_time": null,
    });
    assert_eq!(after, created);

    server.clock.advance(60 * MICROS_PER_SECOND);
    let workspace = v1::Workspace {
        workspace_id: ACME.to_owned(),
        display_name: "Acme".to_owned(),
        time_zone: "Europe/Berlin".to_owned(),
        unpriced_model_policy: v1::UnpricedModelPolicy::Allow.into(),
        hold_expiry_policy: v1::HoldExpiryPolicy::ChargeEstimate.into(),
        hold_durability: v1::HoldDurability::Committed.into(),
        unknown_key_policy: v1::UnknownKeyPolicy::Deny.into(),
        usage_retention_days: 400,
        price_max_age_days: 30,
        outage_duration_limit: Some(prost_types::Duration { seconds: 1, nanos: 500_000_000 }),
        outage_held_limit: Some(eur("7")),
        ..Default::default()
    };
    let update = v1::UpdateWorkspaceRequest { workspace: Some(workspace), update_mask: None };
    let updated =
        server.workspace().update_workspace(by("Åsa", update)).await.unwrap().into_inner();
    let updated = updated.workspace.unwrap();
    assert_eq!(updated.unknown_key_policy(), v1::UnknownKeyPolicy::Deny);
    assert_eq!(updated.update_time, at(60));
    let (event, before, after) = newest(&server, ACME).await;
    assert_eq!((event.time, event.actor.as_str()), (at(60), "Åsa"));
    assert_eq!(done(&event), ("UpdateWorkspace", "workspace", ACME));
    assert_eq!(before, created);
    assert_eq!(after["display_name"], "Acme");
    assert_eq!(after["time_zone"], "Europe/Berlin");
    assert_eq!(after["unpriced_models"], "allow");
    assert_eq!(after["hold_expiry"], "charge_estimate");
    assert_eq!(after["hold_durability"], "committed");
    assert_eq!(after["outage_duration_limit"], "1.5s");
    assert_eq!(after["outage_held_limit"], "7");
    assert_eq!(after["unknown_keys"], "deny");
    assert_eq!(after["usage_retention_days"], 400);
    assert_eq!(after["price_max_age_days"], 30);
}

#[tokio::test]
async fn fallback_and_plans_are_logged() {
    let server = Server::start().await;
    create_workspace(&server, ACME).await;
    let off = v1::SetAutomaticFallbackRequest { workspace_id: ACME.to_owned(), enabled: false };
    server.budget().set_automatic_fallback(off).await.unwrap();
    let (event, before, after) = newest(&server, ACME).await;
    assert_eq!(event.actor, "anonymous");
    assert_eq!(done(&event), ("SetAutomaticFallback", "workspace", ACME));
    assert_eq!(
        (&before["automatic_fallback"], &after["automatic_fallback"]),
        (&json!(true), &json!(false))
    );

    set_plan(&server, "100", "20.5", "2026-01-31").await.unwrap();
    set_plan(&server, "120", "0", "2026-01-31").await.unwrap();
    let events = audit_events(&server, ACME).await;
    let [second, first] = &events[..2] else { panic!("{events:?}") };
    let plan = json!({
        "currency": "EUR",
        "budget": "100.00",
        "overage": "20.50",
        "start_date": "2026-01-31",
    });
    assert_eq!(done(first), ("SetPlan", "plan", ACME));
    assert_eq!(
        (parsed(&first.before_json), parsed(&first.after_json)),
        (Value::Null, plan.clone())
    );
    assert_eq!(parsed(&second.before_json), plan);
    assert_eq!(parsed(&second.after_json)["budget"], "120.00");
}

#[tokio::test]
async fn models_are_logged() {
    let server = acme().await;
    let model = v1::Model {
        model_id: "big".to_owned(),
        provider: "us".to_owned(),
        context_window_token_count: 1_000,
        ..Default::default()
    };
    let upsert = v1::UpsertModelRequest { model: Some(model) };
    server.catalog().upsert_model(by("ada", upsert)).await.unwrap();
    let (event, before, after) = newest(&server, "").await;
    assert_eq!((event.actor.as_str(), event.workspace_id.as_str()), ("ada", ""));
    assert_eq!(done(&event), ("UpsertModel", "model", "big"));
    assert_eq!((&before["provider"], &before["context_window"]), (&json!(""), &Value::Null));
    let model = json!({
        "id": "big",
        "provider": "us",
        "display_name": "",
        "context_window": 1_000,
        "max_input": null,
        "max_output": null,
        "capabilities": [],
        "aliases": [],
        "source": "operator",
    });
    assert_eq!(after, model);
}

#[tokio::test]
async fn prices_are_logged() {
    let server = acme().await;
    let price = v1::Price {
        currency_code: "USD".to_owned(),
        input_per_million: "2.5".to_owned(),
        output_per_million: "10".to_owned(),
        variants: vec![v1::PriceVariant {
            service_tier: v1::ServiceTier::Batch.into(),
            input_per_million: "1.25".to_owned(),
            ..Default::default()
        }],
        ..Default::default()
    };
    let mut set = v1::SetModelPriceRequest {
        model_id: "big".to_owned(),
        price: Some(price),
        workspace_id: String::new(),
    };
    let set_price = async |set| {
        let made = server.catalog().set_model_price(by("bob", set)).await.unwrap().into_inner();
        made.price.unwrap().price_id
    };
    let price_id = set_price(set.clone()).await;
    let (event, before, after) = newest(&server, "").await;
    assert_eq!(done(&event), ("SetModelPrice", "price", price_id.as_str()));
    assert_eq!(before, Value::Null);
    let variant = json!({
        "tier": "batch",
        "above_input_tokens": 0,
        "inclusive": false,
        "rates": { "input": "1.25" },
    });
    let described = json!({
        "id": price_id,
        "model_id": "big",
        "workspace_id": null,
        "currency": "USD",
        "base": { "input": "2.50", "output": "10.00" },
        "effective_time": "2026-03-15T12:00:00Z",
        "source": "operator",
        "variants": [variant],
    });
    assert_eq!(after, described);
    // That of a workspace is a matter of the workspace.
    set.workspace_id = ACME.to_owned();
    let price_id = set_price(set).await;
    let (event, _, after) = newest(&server, ACME).await;
    assert_eq!(done(&event), ("SetModelPrice", "price", price_id.as_str()));
    assert_eq!(after["workspace_id"], ACME);
}

#[tokio::test]
async fn exchange_rates_and_caps_are_logged() {
    let server = acme().await;
    for (rate, before_rate) in [("0.9", Value::Null), ("0.95", json!("0.90"))] {
        let exchange_rate = v1::ExchangeRate {
            from_currency_code: "USD".to_owned(),
            to_currency_code: "EUR".to_owned(),
            rate: rate.to_owned(),
            effective_time: at(0),
            ..Default::default()
        };
        let request = v1::SetExchangeRateRequest { exchange_rate: Some(exchange_rate) };
        server.catalog().set_exchange_rate(request).await.unwrap();
        let (event, before, after) = newest(&server, "").await;
        assert_eq!(done(&event), ("SetExchangeRate", "exchange_rate", "USD/EUR"));
        assert_eq!(before["rate"], before_rate);
        assert_eq!(after["effective_time"], "2026-03-15T12:00:00Z");
    }

    let limit = v1::SetModelLimitRequest {
        workspace_id: ACME.to_owned(),
        model_id: "big".to_owned(),
        limit: Some(eur("5")),
        fallback_model_ids: vec!["small".to_owned()],
        ..Default::default()
    };
    server.model_limit().set_model_limit(by("eve", limit)).await.unwrap();
    let (event, before, after) = newest(&server, ACME).await;
    assert_eq!(event.actor, "eve");
    assert_eq!(done(&event), ("SetModelLimit", "model_limit", "big"));
    let described = |limit: Value, fallbacks: Value| {
        json!({
            "currency": "EUR",
            "model_id": "big",
            "enabled": true,
            "limit": limit,
            "limit_enabled": true,
            "fallback_model_ids": fallbacks,
        })
    };
    assert_eq!(before, described(Value::Null, json!([])));
    assert_eq!(after, described(json!("5.00"), json!(["small"])));
    let disable =
        v1::DisableModelRequest { workspace_id: ACME.to_owned(), model_id: "big".to_owned() };
    server.model_limit().disable_model(disable).await.unwrap();
    let (event, before, after) = newest(&server, ACME).await;
    assert_eq!(done(&event), ("DisableModel", "model_limit", "big"));
    assert_eq!((&before["enabled"], &after["enabled"]), (&json!(true), &json!(false)));
    let events = audit_events(&server, ACME).await;
    let enabled = events.iter().rfind(|event| event.resource_id == "big").unwrap();
    assert_eq!(done(enabled), ("EnableModel", "model_limit", "big"));
    assert_eq!(enabled.before_json, "");
}

#[tokio::test]
async fn what_changes_nothing_is_not_logged() {
    let server = acme().await;
    let rate = v1::ExchangeRate {
        from_currency_code: "USD".to_owned(),
        to_currency_code: "EUR".to_owned(),
        rate: "0.9".to_owned(),
        effective_time: at(0),
        ..Default::default()
    };
    let set_rate = v1::SetExchangeRateRequest { exchange_rate: Some(rate) };
    server.catalog().set_exchange_rate(set_rate.clone()).await.unwrap();
    let get = v1::GetWorkspaceRequest { workspace_id: ACME.to_owned() };
    let workspace = server.workspace().get_workspace(get.clone()).await.unwrap().into_inner();
    let before = (audit_events(&server, ACME).await, audit_events(&server, "").await);

    server.clock.advance(MICROS_PER_SECOND);
    set_plan(&server, "100.00", "20", "2026-01-01").await.unwrap();
    let on = v1::SetAutomaticFallbackRequest { workspace_id: ACME.to_owned(), enabled: true };
    server.budget().set_automatic_fallback(on).await.unwrap();
    let update = v1::UpdateWorkspaceRequest {
        workspace: workspace.workspace.clone(),
        update_mask: Some(prost_types::FieldMask { paths: vec!["*".to_owned()] }),
    };
    server.workspace().update_workspace(update).await.unwrap();
    let model_id = "big".to_owned();
    let enable = v1::EnableModelRequest { workspace_id: ACME.to_owned(), model_id };
    server.model_limit().enable_model(enable).await.unwrap();
    let model = v1::Model { model_id: "big".to_owned(), ..Default::default() };
    let upsert = v1::UpsertModelRequest { model: Some(model) };
    server.catalog().upsert_model(upsert).await.unwrap();
    let model_id = "gpt-4.1".to_owned();
    let disable = v1::DisableModelRequest { workspace_id: ACME.to_owned(), model_id };
    server.model_limit().disable_model(disable).await.unwrap();
    server.catalog().set_exchange_rate(set_rate).await.unwrap();

    let after = (audit_events(&server, ACME).await, audit_events(&server, "").await);
    assert_eq!(after, before);
    let same = server.workspace().get_workspace(get).await.unwrap().into_inner();
    assert_eq!(same, workspace, "not even its update_time");
}

#[tokio::test]
async fn a_refused_change_leaves_no_entry() {
    let server = acme().await;
    let before = (audit_events(&server, ACME).await, audit_events(&server, "").await);

    let plan = v1::Plan {
        budget: Some(v1::Money { currency_code: "USD".to_owned(), amount: "1".to_owned() }),
        overage_limit: None,
        start_date: "2026-01-01".to_owned(),
    };
    let set = v1::SetPlanRequest { workspace_id: ACME.to_owned(), plan: Some(plan.clone()) };
    let status = server.budget().set_plan(set).await.unwrap_err();
    assert_eq!(refused_fields(&status), ["plan.budget.currency_code"]);
    let enable =
        v1::EnableModelRequest { workspace_id: ACME.to_owned(), model_id: "none".to_owned() };
    let status = server.model_limit().enable_model(enable).await.unwrap_err();
    assert_failed(&status, Code::NotFound, "MODEL_NOT_FOUND", &[]);
    let workspace = v1::Workspace { workspace_id: ACME.to_owned(), ..Default::default() };
    let create = v1::CreateWorkspaceRequest { workspace: Some(workspace) };
    let status = server.workspace().create_workspace(create).await.unwrap_err();
    assert_failed(&status, Code::AlreadyExists, "WORKSPACE_EXISTS", &[]);

    // Nor one by an actor that is none.
    let good = v1::Plan { budget: Some(eur("1")), ..plan };
    let set = v1::SetPlanRequest { workspace_id: ACME.to_owned(), plan: Some(good) };
    for actor in ["a".repeat(129), "tab\tbed".to_owned()] {
        let status = server.budget().set_plan(by(&actor, set.clone())).await.unwrap_err();
        assert_eq!(refused_fields(&status), ["tollgate-actor"], "{actor:?}");
    }
    let after = (audit_events(&server, ACME).await, audit_events(&server, "").await);
    assert_eq!(after, before);
    server.budget().set_plan(by(&"a".repeat(128), set)).await.unwrap();
    assert_eq!(audit_events(&server, ACME).await[0].actor, "a".repeat(128));
}

#[tokio::test]
async fn a_change_and_its_entry_fail_together_and_outlive_a_restart_together() {
    let folder = tempfile::tempdir().unwrap();
    let clock = Arc::new(TestClock::default());
    let store = Arc::new(Outage::new(open(folder.path()).await));
    let server = Server::start_on(store.clone(), clock.clone(), Config::default()).await;
    set_up(&server).await;
    let before = audit_events(&server, ACME).await;

    store.set(true);
    let status = set_plan(&server, "7", "0", "2026-01-01").await.unwrap_err();
    assert_failed(&status, Code::Unavailable, "STORAGE_UNAVAILABLE", &[]);
    store.set(false);
    let get = v1::GetWorkspaceRequest { workspace_id: ACME.to_owned() };
    let plan = async |server: &Server| {
        let workspace = server.workspace().get_workspace(get.clone()).await.unwrap().into_inner();
        workspace.workspace.unwrap().plan.unwrap().budget.unwrap().amount
    };
    assert_eq!(
        (plan(&server).await.as_str(), audit_events(&server, ACME).await),
        ("100.00", before)
    );

    set_plan(&server, "7", "0", "2026-01-01").await.unwrap();
    let after = audit_events(&server, ACME).await;
    assert_eq!(done(&after[0]), ("SetPlan", "plan", ACME));
    server.stop().await.unwrap();
    let server = Server::start_in(folder.path(), clock, Config::default()).await;
    assert_eq!((plan(&server).await.as_str(), audit_events(&server, ACME).await), ("7.00", after));
}

#[tokio::test]
async fn entries_are_found_by_resource_actor_and_time() {
    let server = acme().await;
    create_workspace(&server, "other").await;
    // The built-in catalog is no person's change.
    let of_catalog = audit_events(&server, "").await;
    let actions: Vec<&str> = of_catalog.iter().map(|event| &*event.action).collect();
    assert_eq!(actions, ["SetModelPrice", "UpsertModel", "SetModelPrice", "UpsertModel"]);
    let of_other = audit_events(&server, "other").await;
    assert_eq!(of_other.len(), 1);

    server.clock.advance(10 * MICROS_PER_SECOND);
    let plan = v1::Plan {
        budget: Some(eur("50")),
        overage_limit: None,
        start_date: "2026-01-01".to_owned(),
    };
    let set = v1::SetPlanRequest { workspace_id: ACME.to_owned(), plan: Some(plan) };
    server.budget().set_plan(by("ada", set)).await.unwrap();
    server.clock.advance(10 * MICROS_PER_SECOND);
    let enable =
        v1::EnableModelRequest { workspace_id: ACME.to_owned(), model_id: "gpt-4.1".to_owned() };
    server.model_limit().enable_model(by("bob", enable)).await.unwrap();

    let all = v1::ListAuditEventsRequest { workspace_id: ACME.to_owned(), ..Default::default() };
    let actions = async |request| -> Vec<String> {
        list(&server, request).await.into_iter().map(|event| event.action).collect()
    };
    assert_eq!(
        actions(all.clone()).await,
        ["EnableModel", "SetPlan", "EnableModel", "EnableModel", "SetPlan", "CreateWorkspace"]
    );
    let of_plan = v1::ListAuditEventsRequest { resource_type: "plan".to_owned(), ..all.clone() };
    assert_eq!(actions(of_plan).await, ["SetPlan", "SetPlan"]);
    let of_big = v1::ListAuditEventsRequest { resource_id: "big".to_owned(), ..all.clone() };
    assert_eq!(actions(of_big).await, ["EnableModel"]);
    let by_bob = v1::ListAuditEventsRequest { actor: "bob".to_owned(), ..all.clone() };
    assert_eq!(actions(by_bob).await, ["EnableModel"]);
    let by_nobody = v1::ListAuditEventsRequest { actor: "Bob".to_owned(), ..all.clone() };
    assert_eq!(actions(by_nobody).await, [""; 0]);
    let between =
        v1::ListAuditEventsRequest { start_time: at(10), end_time: at(20), ..all.clone() };
    assert_eq!(actions(between).await, ["SetPlan"]);
    let since = v1::ListAuditEventsRequest { start_time: at(20), ..all.clone() };
    assert_eq!(actions(since).await, ["EnableModel"]);

    let unknown =
        v1::ListAuditEventsRequest { workspace_id: "nobody".to_owned(), ..Default::default() };
    let status = server.audit().list_audit_events(unknown).await.unwrap_err();
    let named = [("workspace_id", "nobody")];
    assert_failed(&status, Code::NotFound, "WORKSPACE_NOT_FOUND", &named);
    let bad = v1::ListAuditEventsRequest {
        workspace_id: "a".repeat(64),
        resource_type: "a".repeat(65),
        resource_id: "a\n".to_owned(),
        actor: "a".repeat(129),
        start_time: Some(Timestamp { seconds: i64::MAX, nanos: 0 }),
        end_time: Some(Timestamp { seconds: 0, nanos: -1 }),
        page_size: -1,
        page_token: "x".to_owned(),
    };
    let status = server.audit().list_audit_events(bad).await.unwrap_err();
    let mut fields = refused_fields(&status);
    fields.sort_unstable();
    let named = ["actor", "end_time", "page_size", "page_token", "resource_id", "resource_type"];
    assert_eq!(fields, [&named[..], &["start_time", "workspace_id"]].concat());
}

#[tokio::test]
async fn pages_go_on_where_they_ended_while_others_change_things() {
    let server = acme().await;
    for index in 0..3 {
        add_model(&server, &format!("m-{index}"), "EUR", "1", "1").await;
    }
    let whole = audit_events(&server, ACME).await;
    let page = async |page_token: String, actor: &str| -> Result<_, Status> {
        let request = v1::ListAuditEventsRequest {
            workspace_id: ACME.to_owned(),
            actor: actor.to_owned(),
            page_size: 2,
            page_token,
            ..Default::default()
        };
        Ok(server.audit().list_audit_events(request).await?.into_inner())
    };
    let (mut seen, mut token, mut budget) = (Vec::new(), String::new(), 1);
    loop {
        let listed = page(token, "").await.unwrap();
        assert!(listed.audit_events.len() == 2 || listed.next_page_token.is_empty());
        seen.extend(listed.audit_events);
        // Newer than what is listed: it is on no later page.
        set_plan(&server, &budget.to_string(), "0", "2026-01-01").await.unwrap();
        budget += 1;
        token = listed.next_page_token;
        if token.is_empty() {
            break;
        }
        let status = page(token.clone(), "ada").await.unwrap_err();
        assert_eq!(refused_fields(&status), ["page_token"], "it is bound to the filter");
    }
    assert_eq!(seen, whole);
}

#[tokio::test]
async fn an_import_of_prices_is_logged_as_one_by_the_command_line() {
    let folder = tempfile::tempdir().unwrap();
    let clock = Arc::new(TestClock::default());
    let url = database(folder.path()).await;
    assert!(tollgate::storage::sql::create(&url).await.unwrap());
    let file = folder.path().join("prices.json");
    let rates = r#""input_cost_per_token": 1e-6, "output_cost_per_token": 2e-6"#;
    std::fs::write(&file, format!(r#"{{"mine": {{"litellm_provider": "us", {rates}}}}}"#)).unwrap();
    let options = ImportOptions {
        format: Format::LiteLlm,
        effective_time: None,
        jumps: Jumps::HoldBack,
        dry_run: false,
    };
    for dry_run in [true, false, false] {
        // The same list again changes nothing.
        let options = ImportOptions { dry_run, ..options };
        admin::import_prices(&url, &file, options, &*clock).await.unwrap();
    }
    let server = Server::start_in(folder.path(), clock, Config::default()).await;
    let events = audit_events(&server, "").await;
    let mut told: Vec<_> = events.iter().map(|event| (&*event.actor, done(event))).collect();
    told.sort_unstable();
    let [(_, (_, _, model_id)), (_, (_, _, price_id))] = told[..] else { panic!("{told:?}") };
    let command = "prices import";
    assert_eq!(told[0], ("command line", (command, "model", model_id)));
    assert_eq!(told[1], ("command line", (command, "price", price_id)));
    let price = events.iter().find(|event| event.resource_type == "price").unwrap();
    let after = parsed(&price.after_json);
    assert_eq!((&after["model_id"], &after["source"]), (&json!(model_id), &json!("import")));
    assert_eq!(after["base"]["input"], "1.00");
}
