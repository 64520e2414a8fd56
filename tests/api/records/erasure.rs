//! A user who is to be forgotten: nothing names it afterwards, and every sum is as it was.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use sqlx::{AssertSqlSafe, Connection, PgConnection, SqliteConnection};
use tollgate::config::Config;
use tollgate::domain::Time;
use tollgate::domain::time::MICROS_PER_SECOND;
use tollgate::engine::ERASED_AT_ONCE;
use tollgate::proto::v1;
use tollgate::storage::Store;
use tollgate::storage::directory::{Erasure, ErasurePart};
use tollgate::storage::settings::Change;
use tonic::{Code, Status};

use crate::fixtures::{
    ACME, acme, amount, assert_failed, audit_events, by, create_workspace, eur, get_budget, record,
    set_up,
};
use crate::limits::{
    Type, ask, check_for, create_quota, create_rate_limit, decision, money_quota, per_minute,
    quota_usage, spend, user,
};
use crate::records::directory::{department_of, get, in_department, upsert};
use crate::server::{Server, TestClock, database, open};

use v1::Decision::{Allowed, Blocked};

/// Long enough to be found wherever it is.
const ADA: &str = "ada.lovelace@example.com";

async fn erase(server: &Server, actor: &str, id: &str) -> Result<v1::EraseUserResponse, Status> {
    let request = v1::EraseUserRequest { workspace_id: ACME.to_owned(), user_id: id.to_owned() };
    Ok(server.directory().erase_user(by(actor, request)).await?.into_inner())
}

async fn users_of(server: &Server, request_id: &str) -> Vec<String> {
    let request = v1::ListUsageRecordsRequest {
        workspace_id: ACME.to_owned(),
        request_id: request_id.to_owned(),
        ..Default::default()
    };
    let listed = server.usage().list_usage_records(request).await.unwrap().into_inner();
    let user = |record: v1::UsageRecord| record.attribution.unwrap_or_default().user_id;
    listed.records.into_iter().map(user).collect()
}

/// The columns of the database in which a text stands.
async fn columns_with(folder: &Path, text: &str) -> Vec<String> {
    let url = database(folder).await;
    let found = |table: &str, column: &str| {
        AssertSqlSafe(format!(
            "SELECT CAST(COUNT(*) AS BIGINT) FROM {table} \
             WHERE CAST({column} AS TEXT) LIKE '%{text}%'"
        ))
    };
    let mut with_it = Vec::new();
    if let Some(path) = url.strip_prefix("sqlite:") {
        let mut connection = SqliteConnection::connect(path).await.unwrap();
        let columns: Vec<(String, String)> = sqlx::query_as(
            "SELECT m.name, c.name FROM sqlite_master AS m, pragma_table_info(m.name) AS c \
             WHERE m.type = 'table'",
        )
        .fetch_all(&mut connection)
        .await
        .unwrap();
        for (table, column) in columns {
            let query = sqlx::query_scalar(found(&table, &column));
            let count: i64 = query.fetch_one(&mut connection).await.unwrap();
            with_it.extend((count > 0).then(|| format!("{table}.{column}")));
        }
    } else {
        let mut connection = PgConnection::connect(&url).await.unwrap();
        let columns: Vec<(String, String)> = sqlx::query_as(
            "SELECT table_name::text, column_name::text FROM information_schema.columns \
             WHERE table_schema = 'public'",
        )
        .fetch_all(&mut connection)
        .await
        .unwrap();
        for (table, column) in columns {
            let query = sqlx::query_scalar(found(&table, &column));
            let count: i64 = query.fetch_one(&mut connection).await.unwrap();
            with_it.extend((count > 0).then(|| format!("{table}.{column}")));
        }
    }
    with_it.sort();
    with_it
}

/// What was used of each quota, without the names of users.
async fn figures(server: &Server) -> Vec<String> {
    let usages = quota_usage(server).await.into_iter();
    let mut figures: Vec<String> = usages
        .map(|usage| format!("{} {:?} {:?}", usage.quota_id, usage.spent, usage.held))
        .collect();
    figures.sort();
    figures
}

/// Makes everything that can name a user.
async fn live(server: &Server) {
    let person = v1::DirectoryEntry {
        display_name: "Countess".to_owned(),
        external_id: "hr-1815".to_owned(),
        ..in_department(ADA, "engines")
    };
    let request = v1::UpsertEntriesRequest { workspace_id: ACME.into(), entries: vec![person] };
    server.directory().upsert_entries(by(ADA, request)).await.unwrap();
    create_quota(server, money_quota("each", Type::User, "", "50")).await.unwrap();
    create_quota(server, money_quota("sum", Type::Department, "engines", "90")).await.unwrap();
    let own = v1::Quota {
        alert_threshold_percents: vec![10],
        ..money_quota("own", Type::User, ADA, "40")
    };
    create_quota(server, own).await.unwrap();
    create_rate_limit(server, per_minute("own-rate", Type::User, ADA, 100)).await.unwrap();
    create_rate_limit(server, per_minute("rate", Type::User, "", 100)).await.unwrap();
    for (quota, subject_id, actor) in [("each", ADA, "eve"), ("own", "", "eve"), ("each", "", ADA)]
    {
        let request = v1::CreateQuotaBoostRequest {
            workspace_id: ACME.to_owned(),
            quota_id: quota.to_owned(),
            subject_id: subject_id.to_owned(),
            amount: Some(eur("1")),
            end_time: crate::transport::bad_input::after_start(3_600),
            reason: "asked for".to_owned(),
            ..Default::default()
        };
        server.quota().create_quota_boost(by(actor, request)).await.unwrap();
    }
    for number in 0..4 {
        spend(server, &format!("used-{number}"), "big", user(ADA)).await;
    }
    spend(server, "of-bob", "big", user("bob")).await;
    // Refused, so that it is counted.
    let huge = v1::CheckAndRouteRequest {
        max_output_token_count: Some(90_000_000),
        ..check_for("huge", "big", user(ADA))
    };
    assert_eq!(ask(server, huge).await.decision(), Blocked);
    for id in ["in-flight", "late", "other-words"] {
        assert_eq!(decision(server, id, user(ADA)).await, Allowed);
    }
    let alerts = alerts_of(server).await;
    let acknowledge =
        v1::AcknowledgeAlertRequest { workspace_id: ACME.to_owned(), alert_id: alerts[0].alert_id };
    server.alert().acknowledge_alert(by(ADA, acknowledge)).await.unwrap();
}

async fn alerts_of(server: &Server) -> Vec<v1::Alert> {
    let request = v1::ListAlertsRequest { workspace_id: ACME.to_owned(), ..Default::default() };
    server.alert().list_alerts(request).await.unwrap().into_inner().alerts
}

#[tokio::test]
async fn nothing_names_an_erased_user_and_every_sum_stays() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start_in(folder.path(), Arc::default(), Config::default()).await;
    set_up(&server).await;
    create_workspace(&server, "other").await;
    live(&server).await;
    let (budget, before) = (get_budget(&server).await, figures(&server).await);
    assert!(alerts_of(&server).await.iter().any(|alert| format!("{alert:?}").contains(ADA)));

    let erased = erase(&server, ADA, ADA).await.unwrap();
    let ghost = erased.pseudonym.as_str();
    assert!(ghost.starts_with("erased-") && ghost.len() == 43, "{ghost}");
    assert_eq!(erased.record_count, 4);
    assert_eq!(columns_with(folder.path(), ADA).await, [""; 0]);
    assert_eq!(columns_with(folder.path(), "Countess").await, [""; 0]);
    assert_eq!(columns_with(folder.path(), "hr-1815").await, [""; 0]);
    let alerts = alerts_of(&server).await;
    assert!(alerts.iter().any(|alert| format!("{alert:?}").contains(ghost)), "{alerts:?}");
    let events = audit_events(&server, ACME).await;
    assert!(events.iter().all(|event| !format!("{event:?}").contains(ADA)));
    let event = events.iter().find(|event| event.action == "EraseUser").unwrap();
    assert_eq!((event.resource_id.as_str(), event.actor.as_str()), (ghost, ghost));
    let state: serde_json::Value = serde_json::from_str(&event.after_json).unwrap();
    let expected = serde_json::json!({
        "record_count": 4,
        "deleted_quota_count": 1,
        "deleted_rate_limit_count": 1,
        "deleted_boost_count": 1,
        "deleted_freeze_count": 0,
    });
    assert_eq!(state, expected);

    // What was used and is held is as it was; the rule that named the user is gone.
    let after = get_budget(&server).await;
    assert_eq!((after.spent, after.held), (budget.spent, budget.held));
    // So that for each user takes its place.
    let mut kept: Vec<String> =
        before.iter().map(|figure| figure.replace("own ", "each ")).collect();
    kept.sort();
    assert_eq!(figures(&server).await, kept);
    assert_eq!(users_of(&server, "used-0").await, [ghost]);
    assert_eq!(department_of(&server, "used-0").await, "engines");
    let seen = get(&server, v1::DirectoryKind::User, ghost).await.unwrap();
    assert!(!seen.registered && seen.first_success_time.is_some());

    // Requests in flight are recorded under the pseudonym, whatever they say.
    server.usage().record_usage(record("in-flight", "big")).await.unwrap();
    spend(&server, "late", "big", user(ADA)).await;
    spend(&server, "used-0", "big", user(ADA)).await;
    for id in ["in-flight", "late", "used-0"] {
        assert_eq!(users_of(&server, id).await, [ghost], "{id}");
    }
    // Also across a stop.
    let clock = server.clock.clone();
    server.stop().await.unwrap();
    assert_eq!(columns_with(folder.path(), ADA).await, [""; 0]);
    let server = Server::start_in(folder.path(), clock, Config::default()).await;
    spend(&server, "other-words", "big", user(ADA)).await;
    assert_eq!(users_of(&server, "other-words").await, [ghost]);
    assert_eq!(amount(&get_budget(&server).await.spent), "16.00");
    server.stop().await.unwrap();
    assert_eq!(columns_with(folder.path(), ADA).await, [""; 0]);
    let store = open(folder.path()).await;
    assert_eq!(store.verify_rollups(10).await.unwrap(), []);
    store.close().await;
}

#[tokio::test]
async fn an_id_that_is_used_again_is_a_new_user() {
    let server = acme().await;
    create_quota(&server, money_quota("each", Type::User, "", "5")).await.unwrap();
    upsert(&server, vec![in_department("ada", "engines")]).await.unwrap();
    spend(&server, "r-1", "big", user("ada")).await;
    spend(&server, "r-2", "big", user("ada")).await;
    assert_eq!(decision(&server, "r-3", user("ada")).await, Blocked);
    let first = erase(&server, "eve", "ada").await.unwrap();
    assert_eq!(first.record_count, 2);
    let status = get(&server, v1::DirectoryKind::User, "ada").await.unwrap_err();
    assert_failed(&status, Code::NotFound, "RESOURCE_NOT_FOUND", &[("id", "ada")]);
    let status = erase(&server, "eve", "ada").await.unwrap_err();
    let facts = [("resource", "user"), ("id", "ada")];
    assert_failed(&status, Code::NotFound, "RESOURCE_NOT_FOUND", &facts);

    server.clock.advance(MICROS_PER_SECOND);
    spend(&server, "r-4", "big", user("ada")).await;
    assert_eq!(department_of(&server, "r-4").await, "");
    let seen = get(&server, v1::DirectoryKind::User, "ada").await.unwrap();
    assert_eq!(seen.first_use_time, crate::transport::bad_input::after_start(1));
    let second = erase(&server, "eve", "ada").await.unwrap();
    assert_eq!(second.record_count, 1);
    assert_ne!(first.pseudonym, second.pseudonym);
    assert_eq!(users_of(&server, "r-1").await, [first.pseudonym]);
    assert_eq!(users_of(&server, "r-4").await, [second.pseudonym]);
}

#[tokio::test]
async fn whoever_left_any_trace_is_known() {
    let server = acme().await;
    let nobody = erase(&server, "eve", "nobody").await.unwrap_err();
    assert_failed(&nobody, Code::NotFound, "RESOURCE_NOT_FOUND", &[("id", "nobody")]);
    upsert(&server, vec![in_department("registered", "")]).await.unwrap();
    create_quota(&server, money_quota("q", Type::User, "bounded", "5")).await.unwrap();
    assert_eq!(decision(&server, "r-1", user("held")).await, Allowed);
    let huge = v1::CheckAndRouteRequest {
        max_output_token_count: Some(90_000_000),
        ..check_for("r-2", "big", user("refused"))
    };
    assert_eq!(ask(&server, huge).await.decision(), Blocked);
    for id in ["registered", "bounded", "held", "refused"] {
        assert_eq!(erase(&server, "eve", id).await.unwrap().record_count, 0, "{id}");
        let again = erase(&server, "eve", id).await.unwrap_err();
        assert_eq!(again.code(), Code::NotFound, "{id}");
    }
}

#[tokio::test]
async fn users_are_erased_while_others_record() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start_in(folder.path(), Arc::default(), Config::default()).await;
    set_up(&server).await;
    let mut ghosts = Vec::new();
    for round in 0..6 {
        for number in 0..20 {
            let name = format!("user-{}", (number + round) % 3);
            spend(&server, &format!("r-{round}-{number}"), "small", user(&name)).await;
        }
        let other = async {
            for number in 0..10 {
                spend(&server, &format!("s-{round}-{number}"), "small", user("user-1")).await;
            }
        };
        let (erased, ()) = tokio::join!(erase(&server, "eve", "user-0"), other);
        ghosts.push(erased.unwrap());
    }
    let counts: Vec<i64> = ghosts.iter().map(|ghost| ghost.record_count).collect();
    assert!(counts.iter().all(|count| (6..=7).contains(count)), "{counts:?}");
    server.stop().await.unwrap();
    assert_eq!(columns_with(folder.path(), "user-0").await, [""; 0]);
    let store = open(folder.path()).await;
    assert_eq!(store.verify_rollups(10).await.unwrap(), []);
    assert_eq!(store.records_after(0, 1_000).await.unwrap().len(), 180);
    store.close().await;
}

/// Records of ada, and of nobody else, in groups.
async fn record_many(server: &Server, count: usize) {
    for first in (0..count).step_by(1_000) {
        let records = (first..count.min(first + 1_000)).map(|number| v1::RecordUsageRequest {
            attribution: Some(user(ADA)),
            ..record(&format!("many-{number}"), "small")
        });
        let request = v1::RecordUsageBatchRequest { records: records.collect() };
        server.usage().record_usage_batch(request).await.unwrap();
    }
}

async fn users_in_log(store: &dyn Store) -> BTreeSet<String> {
    let records = store.records_after(0, 100_000).await.unwrap();
    records.into_iter().map(|record| record.attribution.user_id).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_quiet_workspace_records_while_a_user_of_many_records_is_erased() {
    const PARTS: usize = 8;
    let server = acme().await;
    create_workspace(&server, "quiet").await;
    let in_quiet =
        |id: &str| v1::RecordUsageRequest { workspace_id: "quiet".to_owned(), ..record(id, "big") };
    server.usage().record_usage(in_quiet("q-first")).await.unwrap();
    record_many(&server, PARTS * ERASED_AT_ONCE).await;
    let erasing = erase(&server, "eve", ADA);
    tokio::pin!(erasing);
    let (mut answered, mut slowest) = (0, Duration::ZERO);
    let erased = loop {
        let begun = Instant::now();
        let id = format!("q-{answered}");
        let mut client = server.usage();
        let quiet = client.record_usage(in_quiet(&id));
        tokio::pin!(quiet);
        tokio::select! {
            erased = &mut erasing => break erased.unwrap(),
            answer = &mut quiet => answer.unwrap(),
        };
        answered += 1;
        slowest = slowest.max(begun.elapsed());
    };
    println!("{answered} records of others during an erasure, the slowest in {slowest:?}");
    assert_eq!(erased.record_count, (PARTS * ERASED_AT_ONCE) as i64);
    // One between any two parts, as far as the machine lets its caller in.
    assert!(answered >= PARTS / 2, "{answered}");
}

#[tokio::test]
async fn an_erasure_that_a_crash_has_cut_short_is_finished_by_the_next_start() {
    let folder = tempfile::tempdir().unwrap();
    let count = ERASED_AT_ONCE + 100;
    let clock: Arc<TestClock> = Arc::default();
    let server = Server::start_in(folder.path(), clock.clone(), Config::default()).await;
    set_up(&server).await;
    upsert(&server, vec![in_department(ADA, "engines")]).await.unwrap();
    record_many(&server, count).await;
    let spent = get_budget(&server).await.spent;
    server.stop().await.unwrap();

    // As far as a server came that crashed then.
    let store = open(folder.path()).await;
    store.claim().await.unwrap();
    let erasure = Erasure {
        user_id: ADA.to_owned(),
        pseudonym: "erased-00000000-0000-4000-8000-000000000000".to_owned(),
        seq: store.last_seq().await.unwrap(),
        record_count: count as i64,
        begin_time: Time::from_micros(clock.micros()),
    };
    store.change(ACME, &[Change::EraseUser(erasure.clone())], &[]).await.unwrap();
    let page = store.entries_to_erase(ACME, &erasure, None, 50).await.unwrap();
    let part = ErasurePart {
        user_id: ADA.to_owned(),
        pseudonym: erasure.pseudonym.clone(),
        seqs: page.iter().map(|position| position.seq).collect(),
        events: Vec::new(),
    };
    store.change(ACME, &[Change::EraseUserPart(part)], &[]).await.unwrap();
    assert_eq!(users_in_log(&*store).await, [erasure.pseudonym.clone()].into());
    assert_eq!(store.verify_rollups(10).await.unwrap(), []);
    store.close().await;
    let left = columns_with(folder.path(), ADA).await;
    let expected = ["erasures.user_id", "usage_records.user_id"];
    assert!(expected.iter().all(|column| left.iter().any(|it| it == column)), "{left:?}");

    let server = Server::start_in(folder.path(), clock, Config::default()).await;
    // A void of a record that still has the id has it no more.
    let request = v1::VoidUsageRequest {
        workspace_id: ACME.to_owned(),
        request_id: format!("many-{}", count - 1),
        reason: "by mistake".to_owned(),
        ..Default::default()
    };
    server.usage().void_usage(by("eve", request)).await.unwrap();
    let ends = Instant::now() + Duration::from_secs(30);
    while !columns_with(folder.path(), ADA).await.is_empty() {
        assert!(Instant::now() < ends, "{:?}", columns_with(folder.path(), ADA).await);
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let after = get_budget(&server).await.spent;
    assert!(after != spent, "one is void");
    let again = erase(&server, "eve", ADA).await.unwrap_err();
    assert_eq!(again.code(), Code::NotFound);
    server.stop().await.unwrap();
    let store = open(folder.path()).await;
    assert_eq!(users_in_log(&*store).await, [erasure.pseudonym].into());
    assert_eq!(store.verify_rollups(10).await.unwrap(), []);
    store.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_asks_while_a_user_is_being_erased_waits_for_it() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start_in(folder.path(), Arc::default(), Config::default()).await;
    set_up(&server).await;
    record_many(&server, 4 * ERASED_AT_ONCE).await;
    let both = tokio::join!(erase(&server, "eve", ADA), erase(&server, "bob", ADA));
    assert_eq!(columns_with(folder.path(), ADA).await, [""; 0]);
    let (first, second) = (both.0.unwrap(), both.1.unwrap());
    assert_eq!(first, second);
    assert_eq!(first.record_count, 4 * ERASED_AT_ONCE as i64);
    let events = audit_events(&server, ACME).await;
    assert_eq!(events.iter().filter(|event| event.action == "EraseUser").count(), 1);
}
