//! `CatalogService`, and `ModelLimitService`: the models of a workspace.

use tollgate::domain::time::MICROS_PER_HOUR;
use tollgate::proto::v1;
use tonic::Code;

use crate::fixtures::{
    ACME, acme, add_model, amount, assert_failed, check, eur, record, refused_fields, set_price,
};
use crate::server::Server;

async fn set_limit(server: &Server, model_id: &str, limit: &str, fallbacks: &[&str]) {
    let request = v1::SetModelLimitRequest {
        workspace_id: ACME.to_owned(),
        model_id: model_id.to_owned(),
        limit: Some(eur(limit)),
        limit_enabled: None,
        fallback_model_ids: fallbacks.iter().map(ToString::to_string).collect(),
    };
    server.model_limit().set_model_limit(request).await.unwrap();
}

async fn ask(server: &Server, request: v1::CheckAndRouteRequest) -> v1::CheckAndRouteResponse {
    server.usage().check_and_route(request).await.unwrap().into_inner()
}

#[tokio::test]
async fn a_model_comes_back_as_it_was_put() {
    let server = Server::start().await;
    let model = v1::Model {
        model_id: "house-model".to_owned(),
        provider: "house".to_owned(),
        context_window_token_count: 128_000,
        max_output_token_count: 16_000,
        capabilities: vec!["vision".to_owned(), "tools".to_owned(), "vision".to_owned()],
        aliases: vec!["house-model-2026-03-01".to_owned()],
        display_name: "House Model".to_owned(),
        ..Default::default()
    };
    let request = v1::UpsertModelRequest { model: Some(model.clone()) };
    let put = server.catalog().upsert_model(request).await.unwrap().into_inner();
    let put = put.model.unwrap();
    assert_eq!(put.capabilities, ["tools", "vision"]);
    assert_eq!(put.source, "operator");
    let request = v1::ListModelsRequest { provider: "house".to_owned(), ..Default::default() };
    let listed = server.catalog().list_models(request).await.unwrap().into_inner();
    assert_eq!(listed.models, [put]);

    let taken =
        v1::Model { model_id: "second".to_owned(), aliases: model.aliases, ..Default::default() };
    let request = v1::UpsertModelRequest { model: Some(taken) };
    let status = server.catalog().upsert_model(request).await.unwrap_err();
    assert_eq!(refused_fields(&status), ["model.aliases"]);
}

#[tokio::test]
async fn a_catalog_is_built_in() {
    let server = Server::start().await;
    let request = v1::ListModelsRequest { page_size: 1_000, ..Default::default() };
    let listed = server.catalog().list_models(request).await.unwrap().into_inner();
    assert!(listed.models.len() >= 30, "{}", listed.models.len());
    assert!(listed.models.iter().all(|model| model.source == "builtin"));
    assert!(listed.models.is_sorted_by(|a, b| a.model_id < b.model_id));
}

#[tokio::test]
async fn prices_are_listed_newest_first_and_count_from_their_time() {
    let server = acme().await;
    let later = prost_types::Timestamp { seconds: 1_773_576_000 + 3_600, nanos: 0 };
    let price = v1::Price {
        currency_code: "EUR".to_owned(),
        input_per_million: "20".to_owned(),
        cache_read_per_million: "0".to_owned(),
        output_per_million: "40.000000001".to_owned(),
        variants: vec![v1::PriceVariant {
            service_tier: v1::ServiceTier::Batch.into(),
            above_input_token_count: 200_000,
            threshold_inclusive: true,
            input_per_million: "5".to_owned(),
            ..Default::default()
        }],
        effective_time: Some(later),
        ..Default::default()
    };
    let request = v1::SetModelPriceRequest {
        model_id: "big".to_owned(),
        price: Some(price.clone()),
        workspace_id: String::new(),
    };
    let set = server.catalog().set_model_price(request).await.unwrap().into_inner();
    let set = set.price.unwrap();
    assert_eq!(set.output_per_million, "40.000000001");
    assert_eq!(set.cache_read_per_million, "0.00");
    assert_eq!(set.reasoning_per_million, "");
    assert_eq!(set.variants[0].input_per_million, "5.00");
    assert_eq!(set.variants[0].service_tier(), v1::ServiceTier::Batch);
    assert!(set.variants[0].threshold_inclusive && !set.price_id.is_empty());

    let request = v1::ListModelPricesRequest { model_id: "big".to_owned(), ..Default::default() };
    let listed = server.catalog().list_model_prices(request).await.unwrap().into_inner();
    let inputs: Vec<&str> = listed.prices.iter().map(|price| &*price.input_per_million).collect();
    assert_eq!(inputs, ["20.00", "10.00"]);
    assert_eq!(amount(&ask(&server, check("r-1", "big")).await.held), "2.00");
    server.clock.advance(MICROS_PER_HOUR);
    assert_eq!(amount(&ask(&server, check("r-2", "big")).await.held), "4.00");
}

#[tokio::test]
async fn a_workspace_can_have_a_price_of_its_own() {
    let server = acme().await;
    let price = v1::Price {
        currency_code: "EUR".to_owned(),
        input_per_million: "0".to_owned(),
        output_per_million: "0".to_owned(),
        ..Default::default()
    };
    let request = v1::SetModelPriceRequest {
        model_id: "big".to_owned(),
        price: Some(price),
        workspace_id: ACME.to_owned(),
    };
    let set = server.catalog().set_model_price(request.clone()).await.unwrap().into_inner();
    assert_eq!(set.price.unwrap().workspace_id, ACME);
    assert_eq!(amount(&ask(&server, check("r-1", "big")).await.held), "0.00");
    for (workspace_id, expected) in [("", 1), (ACME, 2)] {
        let request = v1::ListModelPricesRequest {
            model_id: "big".to_owned(),
            workspace_id: workspace_id.to_owned(),
            ..Default::default()
        };
        let listed = server.catalog().list_model_prices(request).await.unwrap().into_inner();
        assert_eq!(listed.prices.len(), expected);
    }
    let nobody = v1::SetModelPriceRequest { workspace_id: "nobody".to_owned(), ..request };
    let status = server.catalog().set_model_price(nobody).await.unwrap_err();
    assert_failed(&status, Code::NotFound, "WORKSPACE_NOT_FOUND", &[]);
}

#[tokio::test]
async fn an_alias_is_priced_as_its_model() {
    let server = acme().await;
    let model = v1::Model {
        model_id: "big".to_owned(),
        aliases: vec!["big-2026-03-01".to_owned()],
        ..Default::default()
    };
    let request = v1::UpsertModelRequest { model: Some(model) };
    server.catalog().upsert_model(request).await.unwrap();
    let answer = ask(&server, check("r-1", "big-2026-03-01")).await;
    assert_eq!(answer.decision(), v1::Decision::Allowed);
    assert_eq!(answer.model_id, "big-2026-03-01");
    let request = record("r-1", "big-2026-03-01");
    let recorded = server.usage().record_usage(request).await.unwrap().into_inner();
    assert_eq!(amount(&recorded.cost), "2.00");
    assert!(!recorded.unpriced);
}

#[tokio::test]
async fn a_missing_exchange_rate_is_an_error_until_it_is_set() {
    let server = acme().await;
    add_model(&server, "dollars", "USD", "10", "20").await;
    let status = server.usage().check_and_route(check("r-1", "dollars")).await.unwrap_err();
    let facts = [("from_currency_code", "USD"), ("to_currency_code", "EUR")];
    assert_failed(&status, Code::FailedPrecondition, "EXCHANGE_RATE_MISSING", &facts);
    assert!(status.message().contains("SetExchangeRate"), "{}", status.message());

    let rate = v1::ExchangeRate {
        from_currency_code: "USD".to_owned(),
        to_currency_code: "EUR".to_owned(),
        rate: "0.5".to_owned(),
        effective_time: None,
        ..Default::default()
    };
    let request = v1::SetExchangeRateRequest { exchange_rate: Some(rate) };
    let set = server.catalog().set_exchange_rate(request).await.unwrap().into_inner();
    assert_eq!(set.exchange_rate.as_ref().unwrap().rate, "0.50");
    assert_eq!(amount(&ask(&server, check("r-1", "dollars")).await.held), "1.00");
    let request = v1::ListExchangeRatesRequest::default();
    let listed = server.catalog().list_exchange_rates(request).await.unwrap().into_inner();
    assert_eq!(listed.exchange_rates, [set.exchange_rate.unwrap()]);
}

#[tokio::test]
async fn a_cap_in_the_way_routes_to_a_cheaper_model_at_its_own_price() {
    let server = acme().await;
    set_limit(&server, "big", "1", &[]).await;
    let answer = ask(&server, check("r-1", "big")).await;
    assert_eq!(answer.decision(), v1::Decision::Routed);
    assert_eq!((answer.model_id.as_str(), amount(&answer.held)), ("small", "0.20"));
    assert_eq!(answer.reason(), v1::Reason::ModelLimit);
    let verdict = &answer.verdicts[0];
    assert_eq!(verdict.limit_kind(), v1::LimitKind::ModelLimit);
    assert_eq!(verdict.subject.as_ref().unwrap().id, "big");
    assert_eq!((amount(&verdict.limit), amount(&verdict.need)), ("1.00", "2.00"));
    let recorded = server.usage().record_usage(record("r-1", "small")).await.unwrap();
    assert_eq!(amount(&recorded.into_inner().cost), "0.20");

    let off = v1::SetAutomaticFallbackRequest { workspace_id: ACME.to_owned(), enabled: false };
    let workspace = server.budget().set_automatic_fallback(off).await.unwrap().into_inner();
    assert!(!workspace.workspace.unwrap().automatic_fallback);
    let answer = ask(&server, check("r-2", "big")).await;
    assert_eq!(answer.decision(), v1::Decision::Blocked);
    assert_eq!(answer.reason(), v1::Reason::ModelLimit);
}

#[tokio::test]
async fn only_enabled_models_run() {
    let server = acme().await;
    let request =
        v1::DisableModelRequest { workspace_id: ACME.to_owned(), model_id: "big".to_owned() };
    let disabled = server.model_limit().disable_model(request).await.unwrap().into_inner();
    assert!(!disabled.model_limit.unwrap().model_enabled);
    let answer = ask(&server, check("r-1", "big")).await;
    assert_eq!(answer.decision(), v1::Decision::Blocked);
    assert_eq!(answer.reason(), v1::Reason::ModelDisabled);

    let request =
        v1::EnableModelRequest { workspace_id: ACME.to_owned(), model_id: "none".to_owned() };
    let status = server.model_limit().enable_model(request).await.unwrap_err();
    assert_failed(&status, Code::NotFound, "MODEL_NOT_FOUND", &[("model_id", "none")]);
    let status = set_price(&server, "none", "EUR", "1", "1").await.unwrap_err();
    assert_failed(&status, Code::NotFound, "MODEL_NOT_FOUND", &[("model_id", "none")]);
}

#[tokio::test]
async fn only_a_cap_is_switched_on_or_off() {
    let server = acme().await;
    let set = async |limit: Option<&str>, limit_enabled: Option<bool>| {
        let request = v1::SetModelLimitRequest {
            workspace_id: ACME.to_owned(),
            model_id: "big".to_owned(),
            limit: limit.map(eur),
            limit_enabled,
            fallback_model_ids: Vec::new(),
        };
        let set = server.model_limit().set_model_limit(request).await.unwrap().into_inner();
        let answer = ask(&server, v1::CheckAndRouteRequest { dry_run: true, ..check("", "big") });
        (set.model_limit.unwrap().limit_enabled, answer.await.decision())
    };
    let (allowed, routed) = (v1::Decision::Allowed, v1::Decision::Routed);
    // The check needs 2 EUR.
    assert_eq!(set(Some("1"), None).await, (Some(true), routed));
    assert_eq!(set(Some("1"), Some(false)).await, (Some(false), allowed));
    assert_eq!(set(Some("1"), Some(true)).await, (Some(true), routed));
    // Without a cap there is nothing to switch off, and nothing of it is kept for the next one.
    assert_eq!(set(None, Some(false)).await, (None, allowed));
    assert_eq!(set(None, None).await, (None, allowed));
    assert_eq!(set(Some("1"), None).await, (Some(true), routed));
}

#[tokio::test]
async fn the_models_of_a_workspace_show_cap_chain_and_spend() {
    let server = acme().await;
    set_limit(&server, "big", "50", &["small"]).await;
    server.usage().record_usage(record("r-1", "big")).await.unwrap();
    ask(&server, check("r-2", "big")).await;
    let request =
        v1::ListModelLimitsRequest { workspace_id: ACME.to_owned(), ..Default::default() };
    let listed = server.model_limit().list_model_limits(request).await.unwrap().into_inner();
    let [big, small] = listed.model_limits.as_slice() else { panic!("{listed:?}") };
    assert_eq!((big.model_id.as_str(), small.model_id.as_str()), ("big", "small"));
    assert!(big.model_enabled && small.model_enabled);
    assert_eq!((big.limit_enabled, small.limit_enabled), (Some(true), None));
    assert_eq!(amount(&big.limit), "50.00");
    assert_eq!(big.fallback_model_ids, ["small"]);
    assert_eq!((amount(&big.spent), amount(&big.held)), ("2.00", "2.00"));
    assert_eq!(small.limit, None);
    assert_eq!(big.reset_time.unwrap().seconds, 1_775_001_600);

    for (chain, field) in [
        (vec!["small", "none"], "fallback_model_ids[1]"),
        (vec!["big"], "fallback_model_ids[0]"),
        (vec!["small", "small"], "fallback_model_ids[1]"),
    ] {
        let request = v1::SetModelLimitRequest {
            workspace_id: ACME.to_owned(),
            model_id: "big".to_owned(),
            fallback_model_ids: chain.iter().map(ToString::to_string).collect(),
            ..Default::default()
        };
        let status = server.model_limit().set_model_limit(request).await.unwrap_err();
        assert_eq!(refused_fields(&status), [field]);
    }
}

// -- Several models at once.

fn setting(model_id: &str, limit: Option<&str>) -> v1::ModelLimitSetting {
    v1::ModelLimitSetting {
        model_id: model_id.to_owned(),
        limit: limit.map(eur),
        ..Default::default()
    }
}

async fn set_all(
    server: &Server,
    settings: Vec<v1::ModelLimitSetting>,
    etag: &str,
) -> Result<v1::SetModelLimitsResponse, tonic::Status> {
    let request = v1::SetModelLimitsRequest {
        workspace_id: ACME.to_owned(),
        settings,
        etag: etag.to_owned(),
    };
    Ok(server.model_limit().set_model_limits(request).await?.into_inner())
}

async fn list_all(server: &Server) -> v1::ListModelLimitsResponse {
    let request =
        v1::ListModelLimitsRequest { workspace_id: ACME.to_owned(), ..Default::default() };
    server.model_limit().list_model_limits(request).await.unwrap().into_inner()
}

#[tokio::test]
async fn several_models_are_set_at_once() {
    let server = acme().await;
    set_limit(&server, "small", "3", &["big"]).await;
    let before = list_all(&server).await;
    let settings = vec![
        v1::ModelLimitSetting {
            fallback_model_ids: vec!["small".to_owned()],
            model_enabled: Some(true),
            ..setting("big", Some("0"))
        },
        v1::ModelLimitSetting { model_enabled: Some(false), ..setting("small", None) },
    ];
    let set = set_all(&server, settings.clone(), &before.etag).await.unwrap();
    let after = list_all(&server).await;
    assert_eq!(set.etag, after.etag);
    assert_ne!(before.etag, after.etag);
    let ids: Vec<&str> = set.model_limits.iter().map(|limit| &*limit.model_id).collect();
    assert_eq!(ids, ["big", "small"]);
    let [big, small] = &set.model_limits[..] else { panic!("{set:?}") };
    assert_eq!((amount(&big.limit), big.model_enabled), ("0.00", true));
    assert_eq!(big.fallback_model_ids, ["small"]);
    assert_eq!((&small.limit, small.model_enabled), (&None, false));
    assert!(small.fallback_model_ids.is_empty());
    // The next check sees both: the cap, and that nothing else is allowed.
    let refused = ask(&server, check("r", "big")).await;
    assert_eq!(refused.reason(), v1::Reason::NoAllowedModel);
    // Again changes nothing, and is not audited.
    let audited = crate::fixtures::audit_events(&server, ACME).await;
    set_all(&server, settings, &set.etag).await.unwrap();
    assert_eq!(crate::fixtures::audit_events(&server, ACME).await, audited);
    let events = audited.iter().filter(|event| event.action == "SetModelLimits").count();
    assert_eq!(events, 2);
}

#[tokio::test]
async fn the_second_administrator_is_told() {
    let server = acme().await;
    let etag = list_all(&server).await.etag;
    // Spend is no change.
    server.usage().record_usage(record("r", "big")).await.unwrap();
    assert_eq!(list_all(&server).await.etag, etag);
    set_all(&server, vec![setting("big", Some("5"))], &etag).await.unwrap();
    let status = set_all(&server, vec![setting("small", Some("6"))], &etag).await.unwrap_err();
    assert_failed(&status, Code::Aborted, "ETAG_MISMATCH", &[]);
    let limits = list_all(&server).await;
    let small = limits.model_limits.iter().find(|limit| limit.model_id == "small").unwrap();
    assert_eq!(small.limit, None);
    // Who does not ask is not told, and one model at a time changes it, too.
    set_all(&server, vec![setting("small", Some("6"))], "").await.unwrap();
    let etag = list_all(&server).await.etag;
    set_limit(&server, "big", "7", &[]).await;
    let status = set_all(&server, vec![setting("small", None)], &etag).await.unwrap_err();
    assert_eq!(status.code(), Code::Aborted);
}

#[tokio::test]
async fn of_several_models_all_are_set_or_none_and_what_is_wrong_names_its_row() {
    let server = acme().await;
    let before = list_all(&server).await;
    let dollars = Some(v1::Money { currency_code: "USD".to_owned(), amount: "1".to_owned() });
    let chain = |ids: &[&str]| ids.iter().map(ToString::to_string).collect::<Vec<_>>();
    let settings = vec![
        setting("big", Some("1")),
        v1::ModelLimitSetting { limit: dollars, ..setting("small", None) },
        setting("no-such-model", None),
        setting("big", Some("2")),
        v1::ModelLimitSetting {
            fallback_model_ids: chain(&["big", "nothing"]),
            ..setting("gpt-4.1", None)
        },
    ];
    let status = set_all(&server, settings, "").await.unwrap_err();
    let expected = [
        "settings[1].limit.currency_code",
        "settings[2].model_id",
        "settings[3].model_id",
        "settings[4].fallback_model_ids[1]",
    ];
    assert_eq!(refused_fields(&status), expected);
    for (settings, fields) in [
        (Vec::new(), vec!["settings"]),
        (vec![setting("big", None); 1_001], vec!["settings"]),
        (
            vec![setting("big", Some("1")), setting("", Some("x"))],
            vec!["settings[1].model_id", "settings[1].limit.amount"],
        ),
    ] {
        assert_eq!(refused_fields(&set_all(&server, settings, "").await.unwrap_err()), fields);
    }
    assert_eq!(list_all(&server).await, before);
}
