//! Recommendations through the API: usage of which the saving is known by hand, and a clock that is
//! moved into the night.

use std::time::Duration;

use prost_types::Timestamp;
use tollgate::domain::time::{MICROS_PER_DAY, MICROS_PER_HOUR, MICROS_PER_SECOND};
use tollgate::proto::v1;
use tonic::{Code, Status};

use crate::analytics::setup::{attempt, instant, priced};
use crate::fixtures::{ACME, amount, assert_failed, audit_events, by, eur, refused_fields};
use crate::server::Server;

/// How long a night may take until the test fails.
const PATIENCE: Duration = Duration::from_secs(60);
/// Three hours into the day after the one on which the clock of tests begins, and an hour by which
/// workspaces are spread.
const NIGHT: &str = "2026-03-16T04:00:00Z";
const NOON: &str = "2026-03-10T12:00:00Z";

async fn list(
    server: &Server,
    request: v1::ListRecommendationsRequest,
) -> Result<v1::ListRecommendationsResponse, Status> {
    let request = v1::ListRecommendationsRequest { workspace_id: ACME.to_owned(), ..request };
    Ok(server.insight().list_recommendations(request).await?.into_inner())
}

/// Moves the clock to a night, so many days after the first one, and waits until it is done.
async fn night(server: &Server, number: i64) -> Vec<v1::Recommendation> {
    let first = instant(NIGHT).seconds * MICROS_PER_SECOND;
    let to = first + number * MICROS_PER_DAY;
    server.clock.advance(to - server.clock.micros());
    let begin = to - MICROS_PER_HOUR;
    let made = async {
        loop {
            let found = list(server, v1::ListRecommendationsRequest::default()).await.unwrap();
            let made = found.make_time.map_or(0, |time| time.seconds * MICROS_PER_SECOND);
            if made >= begin {
                return found.recommendations;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(PATIENCE, made).await.expect("recommendations are made")
}

async fn update(
    server: &Server,
    id: &str,
    state: v1::RecommendationState,
    reason: &str,
) -> Result<v1::Recommendation, Status> {
    let request = v1::UpdateRecommendationRequest {
        workspace_id: ACME.to_owned(),
        recommendation_id: id.to_owned(),
        state: state.into(),
        dismiss_reason: reason.to_owned(),
    };
    let updated = server.insight().update_recommendation(by("eve", request)).await?.into_inner();
    Ok(updated.recommendation.unwrap())
}

fn used(
    name: &str,
    count: i64,
    model_id: &str,
    at: Timestamp,
    [input, output]: [i64; 2],
) -> Vec<v1::RecordUsageRequest> {
    let record = |number: i64| {
        let id = format!("{name}-{model_id}-{}-{number}", at.seconds);
        let of = attempt(&id, model_id).of(|it| it.feature_id = name.to_owned());
        let mut request = of.into_request();
        let usage = request.usage.as_mut().unwrap();
        (usage.input_token_count, usage.output_token_count) = (input, output);
        request.start_time = Some(at);
        request
    };
    (0..count).map(record).collect()
}

async fn record(server: &Server, records: Vec<v1::RecordUsageRequest>) {
    let request = v1::RecordUsageBatchRequest { records };
    let answer = server.usage().record_usage_batch(request).await.unwrap().into_inner();
    let is_recorded = |it: &v1::RecordUsageResult| {
        matches!(&it.result, Some(v1::record_usage_result::Result::Record(_)))
    };
    assert!(answer.results.iter().all(is_recorded), "{answer:?}");
}

/// A feature with short requests on `big`, and one with longer requests on `small`.
async fn short_on_big(server: &Server) {
    let noon = instant(NOON);
    record(server, used("search", 20, "big", noon, [1_001, 500])).await;
    record(server, used("chat", 20, "small", noon, [2_000, 500])).await;
}

/// Sets what `big` costs from now on, after what the fixtures have set.
async fn set_today(server: &Server, price: v1::Price) {
    server.clock.advance(MICROS_PER_SECOND);
    let (model_id, workspace_id) = ("big".to_owned(), String::new());
    let request = v1::SetModelPriceRequest { model_id, price: Some(price), workspace_id };
    server.catalog().set_model_price(request).await.unwrap();
}

fn subject(kind: v1::SubjectType, id: &str) -> v1::Subject {
    v1::Subject { r#type: kind.into(), id: id.to_owned() }
}

fn savings(it: &v1::Recommendation) -> [&str; 3] {
    let saving = it.saving.as_ref().expect("it saves money");
    [amount(&saving.low), amount(&saving.expected), amount(&saving.high)]
}

/// On big 20 x (1,001 x 10 + 500 x 20) millionths of a EUR are 0.4002; small costs a tenth of it,
/// 0.36018 less in 28 days. With 20 percent more tokens 0.048024 on small, with fewer 0.032016.
#[tokio::test]
async fn a_cheaper_model_is_recommended() {
    let server = priced().await;
    short_on_big(&server).await;
    let before = list(&server, v1::ListRecommendationsRequest::default()).await.unwrap();
    assert_eq!((before.recommendations.len(), before.make_time), (0, None));
    let found = night(&server, 0).await;
    let [it] = &found[..] else { panic!("{found:#?}") };
    assert_eq!(it.kind(), v1::RecommendationKind::Model);
    assert_eq!(it.reason(), v1::RecommendationReason::CheaperModel);
    assert_eq!(it.subject, Some(subject(v1::SubjectType::Feature, "search")));
    assert_eq!((it.model_id.as_str(), it.target_model_id.as_str()), ("big", "small"));
    assert_eq!(savings(it), ["0.377331429", "0.385907143", "0.394482857"]);
    let evidence = it.evidence.as_ref().unwrap();
    assert_eq!(evidence.start_time, Some(instant("2026-02-16T00:00:00Z")));
    assert_eq!(evidence.end_time, Some(instant("2026-03-16T00:00:00Z")));
    assert_eq!((evidence.request_count, evidence.token_count), (20, 20 * 1_501));
    assert_eq!(evidence.cost, Some(eur("0.4002")));
    assert_eq!(it.difficulty(), v1::RecommendationDifficulty::Medium);
    assert!(!it.risk.is_empty() && !it.verification.is_empty());
    assert_eq!(it.state(), v1::RecommendationState::Open);
    assert_eq!(it.create_time, it.find_time);
    let expiry = it.expire_time.unwrap().seconds - it.find_time.unwrap().seconds;
    assert_eq!(expiry, 7 * 24 * 3_600);
    // Found again the next night, as the same.
    let again = night(&server, 1).await;
    let [next] = &again[..] else { panic!("{again:#?}") };
    assert_eq!(next.recommendation_id, it.recommendation_id);
    assert_eq!(next.create_time, it.create_time);
    assert!(next.find_time.unwrap().seconds > it.find_time.unwrap().seconds);
    // From the 23rd night on the usage is too old; a week after the 20th it expires.
    for (number, state) in [
        (20, v1::RecommendationState::Open),
        (24, v1::RecommendationState::Open),
        (28, v1::RecommendationState::Expired),
    ] {
        let found = night(&server, number).await;
        assert_eq!(found[0].state(), state, "{number}: {found:#?}");
    }
    let expired = v1::RecommendationState::Expired.into();
    let expired = v1::ListRecommendationsRequest { state: expired, ..Default::default() };
    assert_eq!(list(&server, expired).await.unwrap().total_count, 1);
}

#[tokio::test]
async fn requests_that_are_long_for_the_cheaper_model_stay() {
    let server = priced().await;
    let noon = instant(NOON);
    record(&server, used("search", 20, "big", noon, [2_001, 500])).await;
    record(&server, used("chat", 20, "small", noon, [2_000, 500])).await;
    assert_eq!(night(&server, 0).await, []);
}

#[tokio::test]
async fn what_was_taken_is_measured_against_what_a_request_has_cost() {
    let server = priced().await;
    short_on_big(&server).await;
    let id = night(&server, 0).await[0].recommendation_id.clone();
    let taken = update(&server, &id, v1::RecommendationState::Taken, "").await.unwrap();
    assert_eq!(taken.state(), v1::RecommendationState::Taken);
    assert_eq!(taken.state_actor, "eve");
    assert_eq!(taken.measured_saving, None);
    // On the next day 10 requests of the feature go to small and 2 stay; so does another feature.
    night(&server, 1).await;
    let day = instant("2026-03-17T05:00:00Z");
    server.clock.advance(2 * MICROS_PER_HOUR);
    record(&server, used("search", 10, "small", day, [1_001, 500])).await;
    record(&server, used("search", 2, "big", day, [1_001, 500])).await;
    record(&server, used("chat", 9, "small", day, [2_000, 500])).await;
    let found = night(&server, 2).await;
    let it = found.iter().find(|it| it.recommendation_id == id).unwrap();
    assert_eq!(it.state(), v1::RecommendationState::Taken);
    let measured = it.measured_saving.as_ref().expect("it is measured");
    assert_eq!(measured.start_time, Some(instant("2026-03-17T00:00:00Z")));
    assert_eq!(measured.end_time, Some(instant("2026-03-18T00:00:00Z")));
    assert_eq!(measured.request_count, 12);
    // A request has cost 0.02001: 12 of them 0.24012. They cost 10 x 0.002001 + 2 x 0.02001, which
    // is 0.06003.
    assert_eq!(amount(&measured.saving), "0.18009");
    // The evidence is that of when it was taken.
    assert_eq!(it.evidence, taken.evidence);
    // Opened again, nothing is measured.
    let open = update(&server, &id, v1::RecommendationState::Open, "").await.unwrap();
    assert_eq!((open.state(), open.measured_saving), (v1::RecommendationState::Open, None));
}

#[tokio::test]
async fn what_people_say_survives_the_night_and_is_in_the_audit_log() {
    let server = priced().await;
    short_on_big(&server).await;
    let id = night(&server, 0).await[0].recommendation_id.clone();
    let dismissed = v1::RecommendationState::Dismissed;
    for _ in 0..2 {
        let it = update(&server, &id, dismissed, "we need it large").await.unwrap();
        assert_eq!((it.state(), it.dismiss_reason.as_str()), (dismissed, "we need it large"));
    }
    update(&server, &id, dismissed, "never").await.unwrap();
    let found = night(&server, 1).await;
    assert_eq!(found.len(), 1);
    assert_eq!((found[0].state(), found[0].dismiss_reason.as_str()), (dismissed, "never"));
    let events = audit_events(&server, ACME).await;
    let events: Vec<_> =
        events.iter().filter(|event| event.resource_type == "recommendation").collect();
    assert_eq!(events.len(), 2, "{events:#?}");
    assert!(events.iter().all(|it| it.action == "UpdateRecommendation" && it.actor == "eve"));
    assert!(events.iter().all(|it| it.resource_id == id));
    let states = |state: v1::RecommendationState| v1::ListRecommendationsRequest {
        state: state.into(),
        ..Default::default()
    };
    let open = list(&server, states(v1::RecommendationState::Open)).await.unwrap();
    assert_eq!((open.recommendations.len(), open.total_count), (0, 0));
    let listed = list(&server, states(dismissed)).await.unwrap();
    assert_eq!((listed.recommendations.len(), listed.total_count), (1, 1));
}

/// Twenty requests of 1,500 tokens where the median feature has 1,000: 10,000 tokens at 1 EUR a
/// million in 28 days.
#[tokio::test]
async fn shorter_prompts_are_recommended() {
    let server = priced().await;
    let noon = instant(NOON);
    for (name, input) in [("chat", 1_000), ("search", 1_000), ("essay", 1_500)] {
        record(&server, used(name, 20, "small", noon, [input, 0])).await;
    }
    let found = night(&server, 0).await;
    let [it] = &found[..] else { panic!("{found:#?}") };
    assert_eq!(it.kind(), v1::RecommendationKind::Prompt);
    assert_eq!(it.reason(), v1::RecommendationReason::InputAbovePeers);
    assert_eq!(it.subject, Some(subject(v1::SubjectType::Feature, "essay")));
    assert_eq!(savings(it), ["0.005357143", "0.010714286", "0.010714286"]);
    assert_eq!(it.difficulty(), v1::RecommendationDifficulty::Hard);
}

/// Twenty requests at three in the morning of 1,000 tokens, which cost 5 EUR less a million in
/// batches; as many of a user.
#[tokio::test]
async fn batches_are_recommended_for_requests_that_nobody_waits_for() {
    let server = priced().await;
    let batch = v1::PriceVariant {
        service_tier: v1::ServiceTier::Batch.into(),
        input_per_million: "5".to_owned(),
        output_per_million: "10".to_owned(),
        ..Default::default()
    };
    let price = v1::Price {
        currency_code: "EUR".to_owned(),
        input_per_million: "10".to_owned(),
        output_per_million: "20".to_owned(),
        variants: vec![batch],
        ..Default::default()
    };
    set_today(&server, price).await;
    let three = instant("2026-03-10T03:00:00Z");
    record(&server, used("report", 20, "big", three, [1_000, 0])).await;
    let mut of_user = used("chat", 20, "big", three, [1_000, 0]);
    for request in &mut of_user {
        request.attribution.as_mut().unwrap().user_id = "ada".to_owned();
    }
    record(&server, of_user).await;
    let found = night(&server, 0).await;
    let [it] = &found[..] else { panic!("{found:#?}") };
    assert_eq!(it.kind(), v1::RecommendationKind::Batch);
    assert_eq!(it.subject, Some(subject(v1::SubjectType::Feature, "report")));
    assert_eq!(savings(it), ["0.00", "0.107142857", "0.107142857"]);
    assert_eq!(it.evidence.as_ref().unwrap().request_count, 20);
}

/// Twenty requests of 1,000 tokens that read nothing from the cache, where the median feature reads
/// half: 10,000 tokens at 9 EUR less a million.
#[tokio::test]
async fn caching_is_recommended_where_others_on_the_model_do() {
    let server = priced().await;
    let price = v1::Price {
        currency_code: "EUR".to_owned(),
        input_per_million: "10".to_owned(),
        output_per_million: "20".to_owned(),
        cache_read_per_million: "1".to_owned(),
        ..Default::default()
    };
    set_today(&server, price).await;
    for (name, read) in [("chat", 500), ("search", 500), ("essay", 0)] {
        let mut records = used(name, 20, "big", instant(NOON), [1_000 - read, 0]);
        for request in &mut records {
            request.usage.as_mut().unwrap().cache_read_token_count = read;
        }
        record(&server, records).await;
    }
    let found = night(&server, 0).await;
    let [it] = &found[..] else { panic!("{found:#?}") };
    assert_eq!(it.kind(), v1::RecommendationKind::Cache);
    assert_eq!(it.subject, Some(subject(v1::SubjectType::Feature, "essay")));
    assert_eq!(savings(it), ["0.00", "0.096428571", "0.096428571"]);
}

/// 7,000,000 tokens at 1 EUR more a million than the list has.
#[tokio::test]
async fn a_price_above_the_list_and_usage_without_one_are_recommended() {
    let server = priced().await;
    let price = v1::Price {
        currency_code: "EUR".to_owned(),
        input_per_million: "11".to_owned(),
        output_per_million: "20".to_owned(),
        effective_time: Some(instant("2026-01-01T00:00:00Z")),
        ..Default::default()
    };
    let request = v1::SetModelPriceRequest {
        model_id: "big".to_owned(),
        price: Some(price),
        workspace_id: ACME.to_owned(),
    };
    let set = server.catalog().set_model_price(request).await.unwrap().into_inner();
    let noon = instant(NOON);
    record(&server, used("search", 7, "big", noon, [1_000_000, 10])).await;
    record(&server, used("search", 3, "nobody-knows", noon, [1_000, 10])).await;
    let found = night(&server, 0).await;
    let [dear, unpriced] = &found[..] else { panic!("{found:#?}") };
    assert_eq!(dear.kind(), v1::RecommendationKind::Price);
    assert_eq!(dear.reason(), v1::RecommendationReason::PriceAboveList);
    assert_eq!(dear.price_id, set.price.unwrap().price_id);
    assert_eq!(dear.subject, Some(subject(v1::SubjectType::Workspace, ACME)));
    assert_eq!(savings(dear), ["7.50"; 3]);
    assert_eq!(dear.evidence.as_ref().unwrap().cost, Some(eur("77.0014")));
    assert_eq!(unpriced.reason(), v1::RecommendationReason::Unpriced);
    assert_eq!((unpriced.model_id.as_str(), &unpriced.saving), ("nobody-knows", &None));
    assert_eq!(unpriced.evidence.as_ref().unwrap().request_count, 3);
    // By pages, by kind and by subject.
    let one = v1::ListRecommendationsRequest { page_size: 1, ..Default::default() };
    let first = list(&server, one.clone()).await.unwrap();
    assert_eq!((first.recommendations.len(), first.total_count), (1, 2));
    let page_token = first.next_page_token.clone();
    let second = list(&server, v1::ListRecommendationsRequest { page_token, ..one }).await.unwrap();
    assert_eq!(second.next_page_token, "");
    let pages = [first.recommendations, second.recommendations].concat();
    assert_eq!(pages, found);
    for (kind, kind_of_subject, expected) in [
        (v1::RecommendationKind::Price, v1::SubjectType::Workspace, 2),
        (v1::RecommendationKind::Model, v1::SubjectType::Workspace, 0),
        (v1::RecommendationKind::Price, v1::SubjectType::Feature, 0),
    ] {
        let subject = Some(subject(kind_of_subject, ""));
        let kind = kind.into();
        let filter = v1::ListRecommendationsRequest { kind, subject, ..Default::default() };
        assert_eq!(list(&server, filter).await.unwrap().total_count, expected);
    }
}

/// A quota of 1,000 EUR a cycle of which 50 are used, and one of 999.99 a month of which they are
/// more than 5 percent; a key and an assistant that nobody uses.
#[tokio::test]
async fn what_nobody_needs_is_recommended() {
    let server = priced().await;
    let key = |id: &str| v1::RegisterApiKeyRequest {
        workspace_id: ACME.to_owned(),
        api_key: Some(v1::ApiKey { api_key_id: id.to_owned(), ..Default::default() }),
    };
    for id in ["web", "old"] {
        server.api_key().register_api_key(key(id)).await.unwrap();
    }
    let entry = v1::DirectoryEntry {
        kind: v1::DirectoryKind::Assistant.into(),
        id: "helper".to_owned(),
        ..Default::default()
    };
    let entries = vec![entry];
    let request = v1::UpsertEntriesRequest { workspace_id: ACME.to_owned(), entries };
    server.directory().upsert_entries(request).await.unwrap();
    for (id, limit, period) in
        [("wide", "1000", v1::LimitPeriod::Cycle), ("near", "999.99", v1::LimitPeriod::Month)]
    {
        let quota = v1::Quota {
            quota_id: id.to_owned(),
            subject: Some(subject(v1::SubjectType::Feature, "search")),
            unit: v1::LimitUnit::Money.into(),
            limit: Some(eur(limit)),
            period: period.into(),
            ..Default::default()
        };
        let workspace_id = ACME.to_owned();
        let request = v1::CreateQuotaRequest { workspace_id, quota: Some(quota) };
        server.quota().create_quota(request).await.unwrap();
    }
    // Not yet: all of it is new.
    assert_eq!(night(&server, 0).await, []);
    // 92 days later, with 50 EUR of the feature a fortnight before, and of the key in use.
    server.clock.advance(78 * MICROS_PER_DAY);
    let at = Timestamp { seconds: server.clock.micros() / MICROS_PER_SECOND, nanos: 0 };
    let mut records = used("search", 5, "big", at, [1_000_000, 0]);
    for request in &mut records {
        request.attribution.as_mut().unwrap().api_key_id = "web".to_owned();
    }
    record(&server, records).await;
    let found = night(&server, 92).await;
    let reasons: Vec<_> = found
        .iter()
        .map(|it| (it.reason(), it.quota_id.as_str(), it.subject.clone().unwrap().id))
        .collect();
    let mut expected = vec![
        (v1::RecommendationReason::LimitUnused, "wide", "search".to_owned()),
        (v1::RecommendationReason::KeyUnused, "", "old".to_owned()),
        (v1::RecommendationReason::AssistantUnused, "", "helper".to_owned()),
    ];
    for it in &reasons {
        let index = expected.iter().position(|other| other == it);
        expected.remove(index.unwrap_or_else(|| panic!("{it:?} is not expected")));
    }
    assert_eq!(expected, []);
    let is_wide = |it: &&v1::Recommendation| it.quota_id == "wide";
    let evidence = found.iter().find(is_wide).unwrap().evidence.clone().unwrap();
    assert_eq!((evidence.request_count, evidence.cost), (5, Some(eur("50.00"))));
    assert!(found.iter().all(|it| it.saving.is_none()));
    assert!(found.iter().all(|it| it.difficulty() == v1::RecommendationDifficulty::Easy));
}

#[tokio::test]
async fn bad_input_is_refused_by_its_field() {
    let server = priced().await;
    let refused = |status: Status| refused_fields(&status);
    let user = subject(v1::SubjectType::Unspecified, "ada");
    for (request, field) in [
        (v1::ListRecommendationsRequest { state: 9, ..Default::default() }, "state"),
        (v1::ListRecommendationsRequest { kind: 9, ..Default::default() }, "kind"),
        (v1::ListRecommendationsRequest { page_size: -1, ..Default::default() }, "page_size"),
        (
            v1::ListRecommendationsRequest { page_token: "x".into(), ..Default::default() },
            "page_token",
        ),
        (
            v1::ListRecommendationsRequest { subject: Some(user), ..Default::default() },
            "subject.type",
        ),
    ] {
        assert_eq!(refused(list(&server, request).await.unwrap_err()), [field]);
    }
    use v1::RecommendationState::{Dismissed, Expired, Open, Taken, Unspecified};
    let long = "x".repeat(501);
    for (id, state, reason, field) in [
        ("", Open, "", "recommendation_id"),
        ("a", Unspecified, "", "state"),
        ("a", Expired, "", "state"),
        ("a", Dismissed, "", "dismiss_reason"),
        ("a", Dismissed, long.as_str(), "dismiss_reason"),
        ("a", Taken, "because", "dismiss_reason"),
    ] {
        let status = update(&server, id, state, reason).await.unwrap_err();
        assert_eq!(refused(status), [field], "{id} {state:?} {reason}");
    }
    let status = update(&server, "a", Taken, "").await.unwrap_err();
    assert_failed(&status, Code::NotFound, "RESOURCE_NOT_FOUND", &[("id", "a")]);
    let workspace_id = "nobody".to_owned();
    let unknown = v1::ListRecommendationsRequest { workspace_id, ..Default::default() };
    let status = server.insight().list_recommendations(unknown).await.unwrap_err();
    assert_failed(&status, Code::NotFound, "WORKSPACE_NOT_FOUND", &[]);
}
