//! Records above the `large_record_cost` of a workspace: flagged, alerted, and taken back.

use tollgate::config::Config;
use tollgate::proto::v1;
use tollgate::proto::v1::AlertType::LargeRecord;
use tonic::{Code, Status};

use crate::alerts::{create_webhook, list, webhook};
use crate::fixtures::{
    ACME, acme, amount, audit_events, by, check, eur, record, refused_fields, reprice, set_price,
    set_up,
};
use crate::receiver::{Posted, Receiver, Reply};
use crate::server::{Server, TestClock};
use crate::usage::{decide, list_records, note};

pub async fn set_cost(server: &Server, cost: Option<v1::Money>) -> Result<v1::AlertPolicy, Status> {
    let alert_policy = Some(v1::AlertPolicy { large_record_cost: cost, ..Default::default() });
    let request = v1::SetAlertPolicyRequest { workspace_id: ACME.to_owned(), alert_policy };
    let set = server.alert().set_alert_policy(by("ada", request)).await?.into_inner();
    Ok(set.alert_policy.unwrap())
}

/// Tokens of input on `big`: 10 EUR a million.
pub fn used(request_id: &str, millions: i64) -> v1::RecordUsageRequest {
    let mut record = record(request_id, "big");
    record.usage =
        Some(v1::Usage { input_token_count: millions * 1_000_000, ..Default::default() });
    record.attribution = Some(v1::Attribution {
        user_id: "ada".to_owned(),
        api_key_id: "key-1".to_owned(),
        ..Default::default()
    });
    record
}

/// Alerts about large records, newest first.
async fn large(server: &Server) -> Vec<v1::Alert> {
    let types = vec![LargeRecord.into()];
    list(server, v1::ListAlertsRequest { types, ..Default::default() }).await
}

async fn list_large(server: &Server) -> Vec<v1::UsageRecord> {
    let request = v1::ListUsageRecordsRequest {
        workspace_id: ACME.to_owned(),
        large_only: true,
        ..Default::default()
    };
    server.usage().list_usage_records(request).await.unwrap().into_inner().records
}

/// One wrong record is enough to exhaust a budget; its damage lasts until somebody is told.
#[tokio::test]
async fn a_record_that_exhausts_the_budget_is_alerted_and_taken_back() {
    let config = Config { webhooks_allow_loopback: true, ..Config::default() };
    let server = Server::start_with(config).await;
    set_up(&server).await;
    set_cost(&server, Some(eur("50"))).await.unwrap();
    let mut receiver = Receiver::start(&[Reply::Status(204)]).await;
    let only = v1::Webhook { types: vec![LargeRecord.into()], ..webhook("w", &receiver.url) };
    let (_, secret) = create_webhook(&server, only).await.unwrap();

    assert!(!note(&server, used("usual", 5)).await.unwrap().large);
    let recorded = note(&server, used("wrong", 100)).await.unwrap();
    assert_eq!((amount(&recorded.cost), recorded.large), ("1000.00", true));
    let blocked = decide(&server, check("r-1", "big")).await.unwrap();
    assert_eq!(blocked.decision(), v1::Decision::Blocked);

    let posted = receiver.next().await;
    assert!(posted.is_signed_with(&secret));
    let told = assert_told(&server, &posted).await;
    let request = v1::VoidUsageRequest {
        workspace_id: ACME.to_owned(),
        request_id: told.request_id,
        attempt: told.attempt,
        reason: "tokens of a whole month in one record".to_owned(),
    };
    let voided = server.usage().void_usage(by("eve", request)).await.unwrap().into_inner();
    assert_eq!((amount(&voided.voided), amount(&voided.cycle_spent)), ("1000.00", "50.00"));
    let allowed = decide(&server, check("r-2", "big")).await.unwrap();
    assert_eq!(allowed.decision(), v1::Decision::Allowed);

    // The record stays flagged; what takes it back is not.
    let flags = |records: &[v1::UsageRecord]| -> Vec<(String, v1::RecordKind, bool)> {
        let flag = |it: &v1::UsageRecord| (it.request_id.clone(), it.kind(), it.large);
        records.iter().map(flag).collect()
    };
    use v1::RecordKind::{Usage, Void};
    let [wrong, usual] = ["wrong", "usual"].map(str::to_owned);
    let expected =
        [(wrong.clone(), Void, false), (wrong.clone(), Usage, true), (usual, Usage, false)];
    assert_eq!(flags(&list_records(&server).await), expected);
    assert_eq!(flags(&list_large(&server).await), [(wrong, Usage, true)]);
    assert_eq!(large(&server).await.len(), 1);
}

/// The alert about the record as it is posted and listed. Answers the record that it names.
async fn assert_told(server: &Server, posted: &Posted) -> v1::AlertRecord {
    let alert = large(server).await.remove(0);
    let entry = list_large(server).await.remove(0);
    let message = "a record of model big, user ada, API key key-1, request wrong, cost \
                   1000.00 EUR in workspace acme, more than 50.00 EUR";
    let expected = serde_json::json!({
        "type": "alert.large_record",
        "timestamp": "2026-03-15T12:00:00Z",
        "data": {
            "alert_id": alert.alert_id,
            "workspace_id": "acme",
            "type": "ALERT_TYPE_LARGE_RECORD",
            "subject": { "type": "SUBJECT_TYPE_WORKSPACE", "id": "acme" },
            "unit": "LIMIT_UNIT_MONEY",
            "limit": { "currency_code": "EUR", "amount": "50.00" },
            "spent": { "currency_code": "EUR", "amount": "1000.00" },
            "spent_count": 1,
            "window_start_time": "2026-03-15T00:00:00Z",
            "window_end_time": "2026-03-16T00:00:00Z",
            "create_time": "2026-03-15T12:00:00Z",
            "record": {
                "sequence": entry.sequence,
                "request_id": "wrong",
                "attempt": 0,
                "model_id": "big",
                "user_id": "ada",
                "api_key_id": "key-1",
            },
            "message": message,
        },
    });
    assert_eq!(posted.json(), expected);
    assert_eq!(alert.message, message);
    assert_eq!((amount(&alert.spent), amount(&alert.limit)), ("1000.00", "50.00"));
    assert_eq!((alert.spent_count, alert.limit_kind()), (1, v1::LimitKind::Unspecified));

    alert.record.unwrap()
}

#[tokio::test]
async fn a_caller_cannot_multiply_alerts_and_all_records_are_flagged() {
    let server = acme().await;
    set_cost(&server, Some(eur("1"))).await.unwrap();
    for batch in 0..2 {
        let records = (0..1_000).map(|number| used(&format!("r-{batch}-{number}"), 1));
        let request = v1::RecordUsageBatchRequest { records: records.collect() };
        let answer = server.usage().record_usage_batch(request).await.unwrap().into_inner();
        assert_eq!(answer.results.len(), 1_000);
        assert!(answer.results.iter().all(|result| matches!(
            &result.result,
            Some(v1::record_usage_result::Result::Record(record)) if record.large
        )));
    }
    let numbers: Vec<i64> = large(&server).await.iter().map(|alert| alert.spent_count).collect();
    assert_eq!(numbers, [1_000, 100, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1]);

    // All of them are found, page by page, each page with the same filter.
    let page = async |token: &str, large_only: bool| {
        let request = v1::ListUsageRecordsRequest {
            workspace_id: ACME.to_owned(),
            page_size: 999,
            page_token: token.to_owned(),
            large_only,
            ..Default::default()
        };
        server.usage().list_usage_records(request).await.map(tonic::Response::into_inner)
    };
    let (mut count, mut token) = (0, String::new());
    loop {
        let found = page(&token, true).await.unwrap();
        count += found.records.len();
        if found.next_page_token.is_empty() {
            break;
        }
        token = found.next_page_token;
    }
    assert_eq!(count, 2_000);
    assert_eq!(refused_fields(&page(&token, false).await.unwrap_err()), ["page_token"]);
}

/// The flag says what was so when the record was written, as that of unpriced usage does.
#[tokio::test]
async fn repricing_and_another_policy_change_no_flag() {
    let server = acme().await;
    set_cost(&server, Some(eur("50"))).await.unwrap();
    assert!(note(&server, used("r-1", 6)).await.unwrap().large);
    assert!(!note(&server, used("r-2", 4)).await.unwrap().large);
    let price = crate::fixtures::price("EUR", "20", "20");
    crate::fixtures::price_since_2023(&server, price, ACME).await;
    // From 40 to 80 EUR, by somebody who sees the difference first.
    assert_eq!(reprice(&server).await.corrected_count, 2);
    set_cost(&server, None).await.unwrap();
    set_price(&server, "big", "EUR", "1", "1").await.unwrap();
    let found = list_large(&server).await;
    let [entry] = found.as_slice() else { panic!("{found:?}") };
    assert_eq!((entry.request_id.as_str(), amount(&entry.cost)), ("r-1", "60.00"));
    // A repeat is answered as it was recorded; what is new is not large any more.
    let repeat = note(&server, used("r-1", 6)).await.unwrap();
    assert!(repeat.duplicate && repeat.large);
    assert!(!note(&server, used("r-3", 100)).await.unwrap().large);
    assert_eq!(large(&server).await.len(), 1);
}

/// A provider may say anything; what is charged of it counts.
#[tokio::test]
async fn a_reported_cost_that_is_charged_counts() {
    let server = acme().await;
    set_cost(&server, Some(eur("50"))).await.unwrap();
    let reported =
        |id: &str| v1::RecordUsageRequest { reported_cost: Some(eur("60")), ..used(id, 1) };
    assert!(!note(&server, reported("r-1")).await.unwrap().large);
    let request = v1::UpdateWorkspaceRequest {
        workspace: Some(v1::Workspace {
            workspace_id: ACME.to_owned(),
            reported_cost_providers: vec!["*".to_owned()],
            ..Default::default()
        }),
        update_mask: None,
    };
    server.workspace().update_workspace(request).await.unwrap();
    let unknown = v1::RecordUsageRequest { model_id: "nobody".to_owned(), ..reported("r-2") };
    let recorded = note(&server, unknown).await.unwrap();
    assert_eq!((amount(&recorded.cost), recorded.large), ("60.00", true));
    let record = large(&server).await.remove(0).record.unwrap();
    assert_eq!((record.request_id.as_str(), record.model_id.as_str()), ("r-2", "nobody"));
}

#[tokio::test]
async fn the_cost_is_part_of_the_alert_policy() {
    let folder = tempfile::tempdir().unwrap();
    let clock = std::sync::Arc::new(TestClock::default());
    let server = Server::start_in(folder.path(), clock.clone(), Config::default()).await;
    set_up(&server).await;
    let get = async |server: &Server| {
        let request = v1::GetAlertPolicyRequest { workspace_id: ACME.to_owned() };
        server.alert().get_alert_policy(request).await.unwrap().into_inner().alert_policy.unwrap()
    };
    assert_eq!(get(&server).await.large_record_cost, None);
    let at = |field: &str| format!("alert_policy.large_record_cost.{field}");
    let usd = v1::Money { currency_code: "USD".to_owned(), amount: "1".to_owned() };
    for (cost, field) in [
        (eur("0"), "amount"),
        (eur("-1"), "amount"),
        (eur("100000000.01"), "amount"),
        (eur("0.0000000001"), "amount"),
        (eur("much"), "amount"),
        (usd, "currency_code"),
    ] {
        let refused = set_cost(&server, Some(cost.clone())).await.unwrap_err();
        assert_eq!(refused_fields(&refused), [at(field)], "{cost:?}");
    }
    for cost in ["0.000000001", "100000000.00", "12.50"] {
        let set = set_cost(&server, Some(eur(cost))).await.unwrap();
        assert_eq!(set.large_record_cost, Some(eur(cost)));
    }
    let event = audit_events(&server, ACME).await.remove(0);
    assert_eq!((event.actor.as_str(), event.action.as_str()), ("ada", "SetAlertPolicy"));
    let [before, after] = [&event.before_json, &event.after_json]
        .map(|json| serde_json::from_str::<serde_json::Value>(json).unwrap());
    assert_eq!(before["large_record_cost"], "100000000.00");
    assert_eq!((&after["large_record_cost"], &after["currency"]), (&"12.50".into(), &"EUR".into()));

    note(&server, used("r-1", 2)).await.unwrap();
    let before = large(&server).await;
    assert_eq!(before.len(), 1);
    server.stop().await.unwrap();
    let server = Server::start_in(folder.path(), clock, Config::default()).await;
    assert_eq!(get(&server).await.large_record_cost, Some(eur("12.50")));
    assert_eq!(large(&server).await, before);
    note(&server, used("r-2", 3)).await.unwrap();
    let counts: Vec<i64> = large(&server).await.iter().map(|alert| alert.spent_count).collect();
    assert_eq!(counts, [2, 1]);
}

#[tokio::test]
async fn it_is_an_amount_that_a_change_of_the_currency_would_change() {
    let server = Server::start().await;
    crate::fixtures::create_workspace(&server, ACME).await;
    let change = async |code: &str| {
        let request = v1::UpdateWorkspaceRequest {
            workspace: Some(v1::Workspace {
                workspace_id: ACME.to_owned(),
                currency_code: code.to_owned(),
                ..Default::default()
            }),
            update_mask: None,
        };
        server.workspace().update_workspace(request).await
    };
    set_cost(&server, Some(eur("5"))).await.unwrap();
    assert_eq!(change("USD").await.unwrap_err().code(), Code::FailedPrecondition);
    set_cost(&server, None).await.unwrap();
    change("USD").await.unwrap();
}

#[tokio::test]
async fn an_alert_does_not_name_an_erased_user() {
    let server = acme().await;
    set_cost(&server, Some(eur("5"))).await.unwrap();
    note(&server, used("r-1", 1)).await.unwrap();
    let told = large(&server).await.remove(0);
    assert_eq!(told.record.unwrap().user_id, "ada");
    let request = v1::EraseUserRequest { workspace_id: ACME.to_owned(), user_id: "ada".to_owned() };
    let erased = server.directory().erase_user(request).await.unwrap().into_inner();
    let told = large(&server).await.remove(0);
    assert_eq!(told.record.unwrap().user_id, erased.pseudonym);
    assert!(told.message.contains(&erased.pseudonym) && !told.message.contains("ada"));
}
