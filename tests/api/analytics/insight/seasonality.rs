//! What repeats in usage.

use tollgate::proto::v1;
use tonic::Code;

use super::{cost, count, hours, move_to_berlin, place, use_hours};
use crate::analytics::setup::{Dimension, Metric, instant, only, priced};
use crate::fixtures::{ACME, acme, assert_failed, refused_fields};
use crate::server::Server;

fn request(metric: Metric) -> v1::GetSeasonalityRequest {
    v1::GetSeasonalityRequest { workspace_id: ACME.to_owned(), metric: metric.into(), member: None }
}

async fn ask(server: &Server, request: v1::GetSeasonalityRequest) -> v1::GetSeasonalityResponse {
    server.insight().get_seasonality(request).await.unwrap().into_inner()
}

/// 21 whole days: ann works on weekdays from 9 to 17, bob the same at every hour.
async fn worked() -> Server {
    let server = priced().await;
    let work = |number| match place(number) {
        (hour @ 9..17, 0..5) => 100 + hour,
        _ => 1,
    };
    let span = ("2026-02-22T00:00:00Z", "2026-03-15T11:00:00Z");
    use_hours(&server, &hours(span.0, span.1, "ann", work)).await;
    use_hours(&server, &hours(span.0, span.1, "bob", |_| 7)).await;
    server
}

#[tokio::test]
async fn hours_and_weekdays_of_work_are_found() {
    let server = worked().await;
    let found = ask(&server, request(Metric::Tokens)).await;
    assert_eq!(found.seasonality(), v1::Seasonality::DailyAndWeekly);
    assert_eq!((found.history_days, &*found.time_zone), (21, "UTC"));
    assert_eq!(found.as_of_time.unwrap().seconds, instant("2026-03-15T12:00:00Z").seconds);
    let hours = found.hour_of_day.unwrap();
    assert!(hours.significant && hours.p_value <= 0.01 && hours.explained_percent > 40.0);
    assert_eq!(hours.parts.len(), 24);
    // 15 working days of 116,000 tokens, 6 of 1,000, and bob's 7,000.
    let peak = hours.peak.unwrap();
    assert_eq!((peak.index, count(&peak.mean)), (16, 90_143));
    let low = hours.low.unwrap();
    assert_eq!((low.index, count(&low.mean)), (0, 8_000));
    let week = found.day_of_week.unwrap();
    assert!(week.significant && week.explained_percent > 99.0);
    let means: Vec<i64> = week.parts.iter().map(|part| count(&part.mean)).collect();
    let work = (100 * 8 + (9..17).sum::<i64>() + 16 + 7 * 24) * 1_000;
    assert_eq!(means, [work, work, work, work, work, 192_000, 192_000]);

    let costs = ask(&server, request(Metric::Cost)).await;
    let peak = costs.hour_of_day.unwrap().peak.unwrap();
    assert!((cost(&peak.mean) - 0.090_142_857).abs() < 1e-9);
    assert_eq!(count(&costs_of_requests(&server).await), 2);
}

/// Mean of the requests of an hour, which has no season.
async fn costs_of_requests(server: &Server) -> Option<v1::Quantity> {
    let found = ask(server, request(Metric::Requests)).await;
    assert_eq!(found.seasonality(), v1::Seasonality::None);
    let hours = found.hour_of_day.unwrap();
    assert_eq!((hours.explained_percent, hours.p_value), (0.0, 1.0));
    assert!(!hours.significant && hours.peak.is_none() && hours.low.is_none());
    hours.parts[5].mean.clone()
}

#[tokio::test]
async fn a_member_has_a_profile_of_its_own() {
    let server = worked().await;
    let of = |values: &[&str]| v1::GetSeasonalityRequest {
        member: Some(only(Dimension::User, values)),
        ..request(Metric::Tokens)
    };
    let bob = ask(&server, of(&["bob"])).await;
    assert_eq!(bob.seasonality(), v1::Seasonality::None);
    assert_eq!(count(&bob.hour_of_day.unwrap().parts[3].mean), 7_000);
    let ann = ask(&server, of(&["ann"])).await;
    assert_eq!(ann.seasonality(), v1::Seasonality::DailyAndWeekly);
    let nobody = ask(&server, of(&["nobody"])).await;
    assert_eq!(nobody.seasonality(), v1::Seasonality::TooLittle);
    assert_eq!(nobody.history_days, 0);
    assert!(nobody.hour_of_day.is_none() && nobody.day_of_week.is_none());
}

/// Berlin's clocks go forward on 29 March 2026: what happens at 9 there happens at 8 in UTC, then
/// at 7.
#[tokio::test]
async fn hours_are_those_of_the_zone() {
    let server = priced().await;
    move_to_berlin(&server).await;
    server.clock.advance(20 * tollgate::domain::time::MICROS_PER_DAY);
    let changes = instant("2026-03-29T01:00:00Z").seconds / 3_600;
    let nine = move |number: i64| if number < changes { 8 } else { 7 };
    let work = move |number: i64| if number % 24 == nine(number) { 500 } else { 3 };
    let history = hours("2026-03-21T23:00:00Z", "2026-04-04T12:00:00Z", "ann", work);
    use_hours(&server, &history).await;
    let found = ask(&server, request(Metric::Tokens)).await;
    assert_eq!((found.history_days, &*found.time_zone), (13, "Europe/Berlin"));
    assert_eq!(found.seasonality(), v1::Seasonality::Daily);
    let hours = found.hour_of_day.unwrap();
    assert_eq!(hours.peak.map(|part| (part.index, count(&part.mean))), Some((9, 500_000)));
    assert!((hours.explained_percent - 100.0).abs() < 1e-6);
    assert!(found.day_of_week.is_none(), "13 days are not two weeks");
}

#[tokio::test]
async fn what_cannot_be_answered_is_refused_by_its_field() {
    let server = acme().await;
    let refused = async |change: fn(&mut v1::GetSeasonalityRequest)| {
        let mut request = request(Metric::Cost);
        change(&mut request);
        refused_fields(&server.insight().get_seasonality(request).await.unwrap_err())
    };
    assert_eq!(refused(|it| it.metric = 0).await, ["metric"]);
    assert_eq!(refused(|it| it.metric = Metric::Latency.into()).await, ["metric"]);
    assert_eq!(refused(|it| it.metric = 99).await, ["metric"]);
    assert_eq!(refused(|it| it.workspace_id.clear()).await, ["workspace_id"]);
    let with = |dimension, values: &[&str]| Some(only(dimension, values));
    assert_eq!(
        refused(|it| it.member = Some(v1::UsageFilter::default())).await,
        ["member.dimension"]
    );
    let refused = async |member| {
        let request = v1::GetSeasonalityRequest { member, ..request(Metric::Cost) };
        refused_fields(&server.insight().get_seasonality(request).await.unwrap_err())
    };
    assert_eq!(refused(with(Dimension::User, &["a", "b"])).await, ["member.values"]);
    assert_eq!(refused(with(Dimension::User, &[])).await, ["member.values"]);
    assert_eq!(refused(with(Dimension::Limit, &["envelope"])).await, ["member.dimension"]);
    let other =
        v1::GetSeasonalityRequest { workspace_id: "other".to_owned(), ..request(Metric::Cost) };
    let status = server.insight().get_seasonality(other).await.unwrap_err();
    assert_failed(&status, Code::NotFound, "WORKSPACE_NOT_FOUND", &[]);
}
