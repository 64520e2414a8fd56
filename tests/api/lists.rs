//! What lists of a page show beside ids: names, what is searched for, and how many there are.

use tollgate::proto::v1;

use crate::fixtures::{ACME, acme, amount, check, create_workspace, eur, record, refused_fields};
use crate::limits::{
    Type, create_group, create_quota, create_rate_limit, key, money_quota, per_minute, quota_usage,
    register, spend, subject, user,
};
use crate::server::Server;

async fn name_model(server: &Server, id: &str, display_name: &str, provider: &str) {
    let model = v1::Model {
        model_id: id.to_owned(),
        display_name: display_name.to_owned(),
        provider: provider.to_owned(),
        ..Default::default()
    };
    let request = v1::UpsertModelRequest { model: Some(model) };
    server.catalog().upsert_model(request).await.unwrap();
}

async fn set_limit(server: &Server, limit: Option<&str>, enabled: bool) -> v1::ModelLimit {
    let request = v1::SetModelLimitRequest {
        workspace_id: ACME.to_owned(),
        model_id: "big".to_owned(),
        limit: limit.map(eur),
        limit_enabled: Some(enabled),
        ..Default::default()
    };
    let answer = server.model_limit().set_model_limit(request).await.unwrap().into_inner();
    answer.model_limit.unwrap()
}

async fn model_limits(server: &Server, query: &str) -> v1::ListModelLimitsResponse {
    let request = v1::ListModelLimitsRequest {
        workspace_id: ACME.to_owned(),
        query: query.to_owned(),
        ..Default::default()
    };
    server.model_limit().list_model_limits(request).await.unwrap().into_inner()
}

#[tokio::test]
async fn models_of_a_workspace_have_names_and_say_whether_a_cap_restricts_them() {
    use v1::ModelLimitState as State;
    let server = acme().await;
    name_model(&server, "big", "Big One", "acme-ai").await;
    spend(&server, "r-1", "big", user("ada")).await;
    let listed = model_limits(&server, "").await;
    assert_eq!(listed.total_count, 2);
    let [big, small] = &listed.model_limits[..] else { panic!("{listed:?}") };
    assert_eq!((big.display_name.as_str(), big.provider.as_str()), ("Big One", "acme-ai"));
    assert_eq!((small.display_name.as_str(), small.provider.as_str()), ("small", ""));
    assert_eq!((big.limit_state(), big.limit_enabled), (State::None, None));
    for (limit, enabled, state) in [
        (Some("2.5"), true, State::InForce),
        (Some("2"), true, State::Reached),
        (Some("2"), false, State::Off),
        (None, true, State::None),
    ] {
        assert_eq!(set_limit(&server, limit, enabled).await.limit_state(), state, "{limit:?}");
    }
    // What is held counts, too.
    set_limit(&server, Some("4"), true).await;
    server.usage().check_and_route(check("r-2", "big")).await.unwrap();
    let found = model_limits(&server, "ONE acme").await;
    assert_eq!((found.model_limits.len(), found.total_count), (1, 1));
    assert_eq!(found.model_limits[0].limit_state(), State::Reached);
    assert_eq!(model_limits(&server, "small big").await.total_count, 0);
    let request = v1::GetBudgetRequest { workspace_id: ACME.to_owned() };
    let budget = server.budget().get_budget(request).await.unwrap().into_inner().budget.unwrap();
    let spend = &budget.spend_by_model[0];
    assert_eq!((spend.display_name.as_str(), spend.provider.as_str()), ("Big One", "acme-ai"));
}

#[tokio::test]
async fn a_cycle_has_its_first_and_last_local_day() {
    let server = acme().await;
    let workspace = v1::Workspace {
        workspace_id: ACME.to_owned(),
        time_zone: "Asia/Kolkata".to_owned(),
        ..Default::default()
    };
    let request = v1::UpdateWorkspaceRequest { workspace: Some(workspace), update_mask: None };
    server.workspace().update_workspace(request).await.unwrap();
    crate::fixtures::set_plan(&server, "1", "0", "2026-01-31").await.unwrap();
    let budget = crate::fixtures::get_budget(&server).await;
    assert_eq!(budget.time_zone, "Asia/Kolkata");
    let dates = (budget.cycle_first_date.as_str(), budget.cycle_last_date.as_str());
    assert_eq!(dates, ("2026-02-28", "2026-03-30"));
    assert_eq!(budget.cycle_start_time.unwrap().seconds, 1_772_217_000);
}

#[tokio::test]
async fn models_are_found_by_ids_and_by_words() {
    let server = acme().await;
    name_model(&server, "odd/first-model", "First of All", "odd").await;
    name_model(&server, "odd/other", "", "odd").await;
    let list = async |model_ids: &[&str], provider: &str, query: &str| {
        let request = v1::ListModelsRequest {
            model_ids: model_ids.iter().map(ToString::to_string).collect(),
            provider: provider.to_owned(),
            query: query.to_owned(),
            page_size: 1,
            ..Default::default()
        };
        let listed = server.catalog().list_models(request).await.unwrap().into_inner();
        (listed.models.into_iter().map(|model| model.model_id).next(), listed.total_count)
    };
    let first = Some("odd/first-model".to_owned());
    assert_eq!(
        list(&["odd/other", "odd/first-model", "nothing"], "", "").await,
        (first.clone(), 2)
    );
    assert_eq!(list(&["nothing"], "", "").await, (None, 0));
    assert_eq!(list(&[], "odd", "").await, (first.clone(), 2));
    assert_eq!(list(&[], "", "all mod").await, (first, 1));
    assert!(list(&[], "", "").await.1 > 100, "the built-in ones count");
    let request =
        v1::ListModelsRequest { model_ids: vec!["x".to_owned(); 1_001], ..Default::default() };
    let status = server.catalog().list_models(request).await.unwrap_err();
    assert_eq!(refused_fields(&status), ["model_ids"]);
}

/// Calls a list with a query in pages of two: how many it counts, and how many it shows.
macro_rules! found {
    ($client:expr, $call:ident, $request:ident { $($field:ident: $value:expr),* }, $list:ident,
     $query:expr) => {{
        let request = v1::$request {
            $($field: $value,)*
            query: $query.to_owned(),
            page_size: 2,
            ..Default::default()
        };
        let listed = $client.$call(request).await.unwrap().into_inner();
        (listed.total_count, listed.$list.len())
    }};
}

/// Of workspaces, groups, keys, quotas and rate limits.
async fn found(server: &Server, query: &str) -> [(i64, usize); 5] {
    let id = || ACME.to_owned();
    let (mut workspaces, mut keys, mut quotas) =
        (server.workspace(), server.api_key(), server.quota());
    [
        found!(workspaces, list_workspaces, ListWorkspacesRequest {}, workspaces, query),
        found!(
            keys,
            list_key_groups,
            ListKeyGroupsRequest { workspace_id: id() },
            key_groups,
            query
        ),
        found!(keys, list_api_keys, ListApiKeysRequest { workspace_id: id() }, api_keys, query),
        found!(quotas, list_quotas, ListQuotasRequest { workspace_id: id() }, quotas, query),
        found!(
            quotas,
            list_rate_limits,
            ListRateLimitsRequest { workspace_id: id() },
            rate_limits,
            query
        ),
    ]
}

/// Three workspaces, two groups, five keys, quotas and rate limits.
async fn with_lists() -> Server {
    let server = acme().await;
    create_workspace(&server, "acme-labs").await;
    create_workspace(&server, "other").await;
    create_group(&server, "team-search").await.unwrap();
    create_group(&server, "team-ads").await.unwrap();
    for number in 0..5 {
        let named = v1::ApiKey {
            display_name: format!("Robot {number}"),
            ..key(&format!("k-{number}"), "")
        };
        register(&server, named).await.unwrap();
        let quota = money_quota(&format!("q-{number}"), Type::User, &format!("ada-{number}"), "1");
        create_quota(&server, quota).await.unwrap();
        let limit = per_minute(&format!("l-{number}"), Type::User, &format!("bob-{number}"), 1);
        create_rate_limit(&server, limit).await.unwrap();
    }
    server
}

#[tokio::test]
async fn workspaces_keys_groups_and_limits_are_found_by_words_and_counted() {
    let server = with_lists().await;
    for (query, expected) in [
        ("", [3, 2, 5, 5, 5]),
        ("acme", [2, 0, 0, 0, 0]),
        ("3", [0, 0, 1, 1, 1]),
        ("team ADS", [0, 1, 0, 0, 0]),
        ("rob", [0, 0, 5, 0, 0]),
        ("ada", [0, 0, 0, 5, 0]),
        ("bob 4", [0, 0, 0, 0, 1]),
    ] {
        let expected = expected.map(|count: i64| (count, usize::try_from(count.min(2)).unwrap()));
        assert_eq!(found(&server, query).await, expected, "{query}");
    }
    // A token is of its query.
    let workspace_id = ACME.to_owned();
    let request = v1::ListApiKeysRequest {
        workspace_id: workspace_id.clone(),
        query: "rob".to_owned(),
        page_size: 2,
        ..Default::default()
    };
    let first = server.api_key().list_api_keys(request.clone()).await.unwrap().into_inner();
    let page_token = first.next_page_token;
    let next = v1::ListApiKeysRequest { page_token, ..request };
    let second = server.api_key().list_api_keys(next.clone()).await.unwrap().into_inner();
    assert_eq!((second.api_keys[0].api_key_id.as_str(), second.total_count), ("k-2", 5));
    let long = "x".repeat(201);
    let long = v1::ListApiKeysRequest { workspace_id, query: long, ..Default::default() };
    let other = v1::ListApiKeysRequest { query: "robot".to_owned(), ..next };
    for (request, field) in [(other, "page_token"), (long, "query")] {
        let status = server.api_key().list_api_keys(request).await.unwrap_err();
        assert_eq!(refused_fields(&status), [field]);
    }
}

#[tokio::test]
async fn usage_of_quotas_has_names_and_is_counted() {
    let server = acme().await;
    let entry = v1::DirectoryEntry {
        kind: v1::DirectoryKind::User.into(),
        id: "ada".to_owned(),
        display_name: "Ada Lovelace".to_owned(),
        ..Default::default()
    };
    let request = v1::UpsertEntriesRequest { workspace_id: ACME.to_owned(), entries: vec![entry] };
    server.directory().upsert_entries(request).await.unwrap();
    name_model(&server, "big", "Big One", "").await;
    register(&server, v1::ApiKey { display_name: "Robot".to_owned(), ..key("k", "") })
        .await
        .unwrap();
    let named = v1::Quota {
        display_name: "On the big one".to_owned(),
        model_id: "big".to_owned(),
        ..money_quota("a-model", Type::ApiKey, "k", "10")
    };
    create_quota(&server, named).await.unwrap();
    create_quota(&server, money_quota("b-each", Type::User, "", "10")).await.unwrap();
    create_quota(&server, money_quota("c-all", Type::Workspace, "", "10")).await.unwrap();
    for (request_id, name) in [("r-1", "ada"), ("r-2", "bob")] {
        spend(&server, request_id, "small", user(name)).await;
    }
    let usages = quota_usage(&server).await;
    let shown: Vec<[&str; 4]> = usages
        .iter()
        .map(|it| {
            [
                &*it.quota_id,
                &*it.quota_display_name,
                &*it.subject_display_name,
                &*it.model_display_name,
            ]
        })
        .collect();
    let expected = [
        ["c-all", "", "acme", ""],
        ["b-each", "", "Ada Lovelace", ""],
        ["b-each", "", "bob", ""],
        ["a-model", "On the big one", "Robot", "Big One"],
    ];
    assert_eq!(shown, expected);
    for (quota_id, subject, count) in [
        ("", None, 4),
        ("b-each", None, 2),
        ("", subject(Type::User, ""), 2),
        ("a-model", subject(Type::User, ""), 0),
        ("", subject(Type::User, "ada"), 1),
        ("nothing", None, 0),
    ] {
        let request = v1::ListQuotaUsageRequest {
            workspace_id: ACME.to_owned(),
            quota_id: quota_id.to_owned(),
            subject: subject.clone(),
            page_size: 1,
            ..Default::default()
        };
        let listed = server.quota().list_quota_usage(request).await.unwrap().into_inner();
        assert_eq!(listed.total_count, count, "{quota_id} {subject:?}");
    }
}

#[tokio::test]
async fn holds_and_alerts_are_counted() {
    let server = acme().await;
    for index in 0..3 {
        let request = check(&format!("r-{index}"), "small");
        server.usage().check_and_route(request).await.unwrap();
    }
    for (state, count) in [(0, 3), (1, 3), (2, 0)] {
        let request = v1::ListHoldsRequest {
            workspace_id: ACME.to_owned(),
            state,
            page_size: 1,
            ..Default::default()
        };
        let listed = server.usage().list_holds(request).await.unwrap().into_inner();
        assert_eq!((listed.holds.len(), listed.total_count), (count.min(1) as usize, count));
    }
    crate::fixtures::set_plan(&server, "2", "0", "2026-01-01").await.unwrap();
    server.usage().record_usage(record("r-9", "big")).await.unwrap();
    let list = async |types: Vec<i32>| {
        let request = v1::ListAlertsRequest {
            workspace_id: ACME.to_owned(),
            types,
            page_size: 1,
            ..Default::default()
        };
        server.alert().list_alerts(request).await.unwrap().into_inner()
    };
    let listed = list(Vec::new()).await;
    assert_eq!((listed.alerts.len(), listed.total_count), (1, 4));
    assert_eq!(list(vec![v1::AlertType::Exhausted.into()]).await.total_count, 1);
    assert_eq!(amount(&listed.alerts[0].spent), "2.00");
}
