//! Start, health, reflection, stop, and what a stop keeps.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tollgate::config::Config;
use tollgate::domain::time::{MICROS_PER_DAY, MICROS_PER_HOUR};
use tollgate::proto::v1;
use tollgate::server;
use tollgate::storage::sql;
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;
use tonic_reflection::pb::{v1 as reflection, v1alpha as reflection_alpha};
use tonic_types::StatusExt;

use crate::fixtures::{ACME, acme, amount, assert_failed, check, eur, get_budget, record, set_up};
use crate::outage::Outage;
use crate::server::{Server, TestClock, database, open};
use crate::stored;

const SERVICES: [&str; 13] = [
    "",
    "tollgate.v1.UsageService",
    "tollgate.v1.BudgetService",
    "tollgate.v1.ModelLimitService",
    "tollgate.v1.AlertService",
    "tollgate.v1.AuditService",
    "tollgate.v1.QuotaService",
    "tollgate.v1.AnalyticsService",
    "tollgate.v1.DirectoryService",
    "tollgate.v1.WorkspaceService",
    "tollgate.v1.CatalogService",
    "tollgate.v1.ApiKeyService",
    "tollgate.v1.InsightService",
];

#[tokio::test]
async fn health_is_told_per_service_until_the_stop() {
    let server = Server::start().await;
    let mut client = HealthClient::new(server.channel.clone());
    let mut streams = Vec::new();
    for service in SERVICES {
        let request = HealthCheckRequest { service: service.to_owned() };
        let mut stream = client.watch(request.clone()).await.unwrap().into_inner();
        // Not serving at first, unless storage has answered already.
        while stream.message().await.unwrap().unwrap().status() != ServingStatus::Serving {}
        let answer = client.check(request).await.unwrap().into_inner();
        assert_eq!(answer.status(), ServingStatus::Serving, "{service:?}");
        streams.push(stream);
    }
    let unknown = HealthCheckRequest { service: "tollgate.v1.Nobody".to_owned() };
    assert_eq!(client.check(unknown).await.unwrap_err().code(), tonic::Code::NotFound);

    server.stop().await.unwrap();
    for mut stream in streams {
        let last = stream.message().await.unwrap().unwrap();
        assert_eq!(last.status(), ServingStatus::NotServing);
        assert!(stream.message().await.unwrap().is_none());
    }
}

#[tokio::test]
async fn a_background_task_that_fails_stops_the_server_and_loses_no_hold() {
    let folder = tempfile::tempdir().unwrap();
    let store = Arc::new(Outage::new(open(folder.path()).await));
    let server = Server::start_on(store.clone(), Arc::default(), Config::default()).await;
    set_up(&server).await;
    server.usage().check_and_route(check("r-1", "big")).await.unwrap();

    store.set_defective("due_deliveries");
    let ended = tokio::time::timeout(Duration::from_secs(60), server.ended()).await;
    let error = ended.expect("it does not go on").unwrap_err();
    let is_named = matches!(error, server::Error::TaskEnded { task: "deliveries", .. });
    assert!(is_named && error.to_string().contains("a defect in due_deliveries"), "{error}");

    let server = Server::start_in(folder.path(), Arc::default(), Config::default()).await;
    let request = v1::ListHoldsRequest { workspace_id: ACME.to_owned(), ..Default::default() };
    let holds = server.usage().list_holds(request).await.unwrap().into_inner().holds;
    assert_eq!(holds.len(), 1);
    assert_eq!(holds[0].request_id, "r-1");
    server.stop().await.unwrap();
}

#[tokio::test]
async fn a_stop_that_stores_nothing_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let store = Arc::new(Outage::new(open(folder.path()).await));
    let server = Server::start_on(store.clone(), Arc::default(), Config::default()).await;
    set_up(&server).await;
    server.usage().check_and_route(check("r-1", "big")).await.unwrap();
    store.set(true);
    let error = server.stop().await.unwrap_err();
    assert!(matches!(error, server::Error::NotSaved), "{error}");
    assert!(error.to_string().contains("holds"), "{error}");
}

#[tokio::test]
async fn an_outage_of_storage_is_told_and_loses_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let store = Arc::new(Outage::new(open(folder.path()).await));
    let server = Server::start_on(store.clone(), Arc::default(), Config::default()).await;
    set_up(&server).await;
    let mut client = HealthClient::new(server.channel.clone());
    let request = HealthCheckRequest { service: "tollgate.v1.UsageService".to_owned() };
    let mut health = client.watch(request).await.unwrap().into_inner();
    while health.message().await.unwrap().unwrap().status() != ServingStatus::Serving {}
    server.usage().check_and_route(check("r-1", "big")).await.unwrap();

    store.set(true);
    let status = server.usage().record_usage(record("r-1", "big")).await.unwrap_err();
    assert_failed(&status, tonic::Code::Unavailable, "STORAGE_UNAVAILABLE", &[]);
    let details = status.get_error_details();
    assert!(details.retry_info().unwrap().retry_delay.is_some());
    assert!(!format!("{status:?}").contains("disk"), "{status:?}");
    let told = health.message().await.unwrap().unwrap();
    assert_eq!(told.status(), ServingStatus::NotServing);
    // Decisions are made in memory.
    let answer = server.usage().check_and_route(check("r-2", "big")).await.unwrap().into_inner();
    assert_eq!(answer.decision(), v1::Decision::Allowed);

    store.set(false);
    // Found out without a call that writes.
    let told = health.message().await.unwrap().unwrap();
    assert_eq!(told.status(), ServingStatus::Serving);
    let recorded = server.usage().record_usage(record("r-1", "big")).await.unwrap().into_inner();
    assert!(!recorded.duplicate);
    let budget = get_budget(&server).await;
    assert_eq!((amount(&budget.spent), amount(&budget.held)), ("2.00", "2.00"));
}

#[tokio::test]
async fn reflection_describes_every_service_in_both_versions() {
    use reflection::server_reflection_request::MessageRequest;
    use reflection::server_reflection_response::MessageResponse;
    use reflection_alpha::server_reflection_request::MessageRequest as AlphaRequest;
    use reflection_alpha::server_reflection_response::MessageResponse as AlphaResponse;
    let server = Server::start().await;

    let mut client =
        reflection::server_reflection_client::ServerReflectionClient::new(server.channel.clone());
    let request = |message: MessageRequest| reflection::ServerReflectionRequest {
        host: String::new(),
        message_request: Some(message),
    };
    let requests = vec![
        request(MessageRequest::ListServices(String::new())),
        request(MessageRequest::FileContainingSymbol("tollgate.v1.UsageService".to_owned())),
    ];
    let stream = client.server_reflection_info(tokio_stream::iter(requests)).await.unwrap();
    let mut stream = stream.into_inner();
    let listed = stream.message().await.unwrap().unwrap().message_response;
    let Some(MessageResponse::ListServicesResponse(listed)) = listed else { panic!("{listed:?}") };
    let names: Vec<&str> = listed.service.iter().map(|service| &*service.name).collect();
    for service in SERVICES.iter().skip(1).chain(&["grpc.health.v1.Health"]) {
        assert!(names.contains(service), "{service} in {names:?}");
    }
    let file = stream.message().await.unwrap().unwrap().message_response;
    assert!(matches!(file, Some(MessageResponse::FileDescriptorResponse(_))), "{file:?}");

    let mut client = reflection_alpha::server_reflection_client::ServerReflectionClient::new(
        server.channel.clone(),
    );
    let request = reflection_alpha::ServerReflectionRequest {
        host: String::new(),
        message_request: Some(AlphaRequest::ListServices(String::new())),
    };
    let stream = client.server_reflection_info(tokio_stream::iter([request])).await.unwrap();
    let listed = stream.into_inner().message().await.unwrap().unwrap().message_response;
    let Some(AlphaResponse::ListServicesResponse(listed)) = listed else { panic!("{listed:?}") };
    assert!(listed.service.iter().any(|service| service.name == "tollgate.v1.BudgetService"));
}

#[tokio::test]
async fn a_graceful_stop_keeps_holds_spend_and_settings() {
    let folder = tempfile::tempdir().unwrap();
    let clock = Arc::new(TestClock::default());
    let server = Server::start_in(folder.path(), clock.clone(), Config::default()).await;
    set_up(&server).await;
    server.usage().record_usage(record("r-0", "big")).await.unwrap();
    let before = server.usage().check_and_route(check("r-1", "big")).await.unwrap().into_inner();
    let budget = get_budget(&server).await;
    server.stop().await.unwrap();

    let server = Server::start_in(folder.path(), clock, Config::default()).await;
    assert_eq!(get_budget(&server).await, budget);
    let request = v1::ListHoldsRequest { workspace_id: ACME.to_owned(), ..Default::default() };
    let listed = server.usage().list_holds(request).await.unwrap().into_inner();
    let [hold] = listed.holds.as_slice() else { panic!("{listed:?}") };
    assert_eq!((hold.request_id.as_str(), hold.expire_time), ("r-1", before.expire_time));
    // The same check gets the same answer, the same record is a repeat, and the hold is settled.
    let again = server.usage().check_and_route(check("r-1", "big")).await.unwrap().into_inner();
    assert_eq!(again, before);
    let repeated = server.usage().record_usage(record("r-0", "big")).await.unwrap().into_inner();
    assert!(repeated.duplicate);
    server.usage().record_usage(record("r-1", "big")).await.unwrap();
    let budget = get_budget(&server).await;
    assert_eq!((amount(&budget.spent), amount(&budget.held)), ("4.00", "0.00"));
    server.stop().await.unwrap();
}

#[tokio::test]
async fn a_clock_that_the_log_makes_unlikely_is_refused_unless_it_is_accepted() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start_in(folder.path(), Arc::default(), Config::default()).await;
    set_up(&server).await;
    let policy = v1::UpdateWorkspaceRequest {
        workspace: Some(v1::Workspace {
            workspace_id: ACME.to_owned(),
            usage_retention_days: 62,
            ..Default::default()
        }),
        update_mask: Some(prost_types::FieldMask {
            paths: vec!["usage_retention_days".to_owned()],
        }),
    };
    server.workspace().update_workspace(policy).await.unwrap();
    server.usage().record_usage(record("r-0", "big")).await.unwrap();
    server.stop().await.unwrap();

    let at = |offset: i64| {
        let clock = Arc::new(TestClock::default());
        clock.advance(offset);
        clock
    };
    let (hour, day) = (MICROS_PER_HOUR, MICROS_PER_DAY);
    for (offset, is_likely) in
        [(-hour - 1, false), (-hour, true), (31 * day, true), (31 * day + 1, false)]
    {
        let server = Server::start_in(folder.path(), at(offset), Config::default()).await;
        let ended = tokio::time::timeout(Duration::from_secs(60), async {
            if is_likely { server.stop().await } else { server.end().await }
        });
        match ended.await.unwrap() {
            Ok(()) => assert!(is_likely, "{offset}"),
            Err(error) => {
                let text = error.to_string();
                assert!(!is_likely && text.contains("start once with --accept-clock"), "{text}");
                assert!(text.contains("the last record was written at 2026-"), "{text}");
            }
        }
    }

    // It is believed, and yet drops no record: nothing says that so much time has passed.
    let config = Config { accept_clock: true, ..Config::default() };
    let server = Server::start_in(folder.path(), at(400 * day), config).await;
    let request =
        v1::ListUsageRecordsRequest { workspace_id: ACME.to_owned(), ..Default::default() };
    for _ in 0..20 {
        let listed = server.usage().list_usage_records(request.clone()).await.unwrap();
        assert_eq!(listed.into_inner().records.len(), 1);
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    server.stop().await.unwrap();
}

#[tokio::test]
async fn a_stop_does_not_wait_for_a_caller_that_holds_a_call_open() {
    let config = Config { shutdown_deadline: Duration::from_secs(1), ..Default::default() };
    let server = Server::start_with(config).await;
    // Reflection ends only when its caller does.
    let mut client =
        reflection::server_reflection_client::ServerReflectionClient::new(server.channel.clone());
    let open = tokio_stream::pending();
    let _stream = client.server_reflection_info(open).await.unwrap();
    // Without the deadline it would wait for ever.
    tokio::time::timeout(Duration::from_secs(60), server.stop()).await.unwrap().unwrap();
}

#[tokio::test]
async fn a_server_that_stopped_takes_no_calls() {
    let server = acme().await;
    let mut usage = server.usage();
    server.stop().await.unwrap();
    let status = usage.check_and_route(check("r-1", "big")).await.unwrap_err();
    assert_eq!(status.code(), tonic::Code::Unavailable);
}

/// In a workspace whose holds are stored, and charged when they expire.
async fn hold_in(server: &Server, workspace_id: &str) {
    let workspace = v1::Workspace {
        workspace_id: workspace_id.to_owned(),
        hold_durability: v1::HoldDurability::Committed.into(),
        hold_expiry_policy: v1::HoldExpiryPolicy::ChargeEstimate.into(),
        ..Default::default()
    };
    let request = v1::CreateWorkspaceRequest { workspace: Some(workspace) };
    server.workspace().create_workspace(request).await.unwrap();
    let plan = v1::Plan {
        budget: Some(eur("100")),
        start_date: "2026-01-01".to_owned(),
        ..Default::default()
    };
    let request = v1::SetPlanRequest { workspace_id: workspace_id.to_owned(), plan: Some(plan) };
    server.budget().set_plan(request).await.unwrap();
    let request = v1::EnableModelRequest {
        workspace_id: workspace_id.to_owned(),
        model_id: "big".to_owned(),
    };
    server.model_limit().enable_model(request).await.unwrap();
    let request =
        v1::CheckAndRouteRequest { workspace_id: workspace_id.to_owned(), ..check("held", "big") };
    let answer = server.usage().check_and_route(request).await.unwrap().into_inner();
    assert_eq!(answer.decision(), v1::Decision::Allowed, "{answer:?}");
}

async fn budget_of(server: &Server, workspace_id: &str) -> Result<v1::Budget, tonic::Status> {
    let request = v1::GetBudgetRequest { workspace_id: workspace_id.to_owned() };
    Ok(server.budget().get_budget(request).await?.into_inner().budget.unwrap())
}

#[tokio::test]
async fn a_start_does_not_wait_for_workspaces_that_have_holds() {
    let folder = tempfile::tempdir().unwrap();
    let clock: Arc<TestClock> = Arc::default();
    let server = Server::start_in(folder.path(), clock.clone(), Config::default()).await;
    set_up(&server).await;
    for id in ["broken", "asked", "quiet"] {
        hold_in(&server, id).await;
    }
    let before = budget_of(&server, "asked").await.unwrap();
    server.stop().await.unwrap();

    // One of them cannot be loaded; it comes before the others.
    let url = database(folder.path()).await;
    stored::meddle(&url, "UPDATE holds SET tags = '{' WHERE workspace_id = 'broken'").await;
    let server = Server::start_in(folder.path(), clock.clone(), Config::default()).await;
    assert_eq!(budget_of(&server, "asked").await.unwrap().held, before.held);
    budget_of(&server, "broken").await.unwrap_err();

    // Nobody asks for this one: its hold expires, and is charged, all the same.
    clock.advance(MICROS_PER_DAY);
    let reader = sql::open_read_only(&url).await.unwrap();
    let ends = Instant::now() + Duration::from_secs(60);
    let charged = loop {
        let records = reader.records_after(0, 100).await.unwrap();
        let of_it = records.into_iter().find(|record| &*record.workspace_id == "quiet");
        if let Some(record) = of_it {
            break record;
        }
        assert!(Instant::now() < ends, "its hold has not been charged");
        tokio::time::sleep(Duration::from_millis(50)).await;
    };
    assert_eq!(&*charged.request_id, "held");
    reader.close().await;
    server.stop().await.unwrap();

    // What could not be loaded is still there.
    let mended = "UPDATE holds SET tags = '' WHERE workspace_id = 'broken'";
    stored::meddle(&url, mended).await;
    let server = Server::start_in(folder.path(), clock, Config::default()).await;
    let charged = budget_of(&server, "quiet").await.unwrap().spent;
    assert_ne!(amount(&charged), "0.00");
    let ends = Instant::now() + Duration::from_secs(60);
    while budget_of(&server, "broken").await.unwrap().spent != charged {
        assert!(Instant::now() < ends, "its hold has not been charged");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    server.stop().await.unwrap();
}
