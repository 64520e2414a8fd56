//! What a period will be, on usage whose continuation is known.

use prost_types::Timestamp;
use tollgate::domain::time::{MICROS_PER_DAY, MICROS_PER_HOUR};
use tollgate::proto::v1;
use tonic::Code;

use super::{cost, count, hours, move_to_berlin, use_hours};
use crate::analytics::setup::{Dimension, Metric, instant, only, priced};
use crate::fixtures::{
    ACME, acme, assert_failed, check, create_workspace, refused_fields, set_plan,
};
use crate::server::Server;

use v1::ForecastPeriod as Period;
use v1::get_forecast_request::Until;

fn request(metric: Metric, until: Until) -> v1::GetForecastRequest {
    v1::GetForecastRequest {
        workspace_id: ACME.to_owned(),
        metric: metric.into(),
        until: Some(until),
        ..Default::default()
    }
}

fn period(period: Period) -> Until {
    Until::Period(period.into())
}

async fn ask(server: &Server, request: v1::GetForecastRequest) -> v1::GetForecastResponse {
    server.insight().get_forecast(request).await.unwrap().into_inner()
}

/// 21 whole days and this one, every day the same: 10,000 tokens in the first hour, 1,000 more in
/// each that follows. A day has 516,000 and costs 0.516 EUR; 186,000 until noon, which is now.
async fn steady() -> Server {
    let server = priced().await;
    let span = ("2026-02-22T00:00:00Z", "2026-03-15T12:00:00Z");
    use_hours(&server, &hours(span.0, span.1, "ann", |number| 10 + number % 24)).await;
    server
}

#[track_caller]
fn assert_near(value: f64, expected: f64, share: f64) {
    assert!((value / expected - 1.0).abs() <= share, "{value}, expected {expected}");
}

/// Bands nest around a value.
#[track_caller]
fn assert_nested(value: &Option<v1::Quantity>, intervals: &[v1::Interval], least: i64) {
    let [inner, outer] = intervals else { panic!("expected two bands, not {intervals:?}") };
    assert_eq!([inner.coverage_percent, outer.coverage_percent], [80, 95]);
    let ends = [&outer.low, &inner.low, value, &inner.high, &outer.high].map(count);
    assert!(ends.is_sorted() && ends[0] >= least, "{ends:?}, at least {least}");
}

#[tokio::test]
async fn the_rest_of_a_day_is_forecast_by_hours() {
    let server = steady().await;
    let found = ask(&server, request(Metric::Tokens, period(Period::Day))).await;
    assert_eq!(found.as_of_time, Some(instant("2026-03-15T12:00:00Z")));
    assert_eq!(found.start_time, Some(instant("2026-03-15T00:00:00Z")));
    assert_eq!(found.end_time, Some(instant("2026-03-16T00:00:00Z")));
    assert_eq!(count(&found.known), 186_000);
    assert_near(count(&found.total) as f64, 516_000.0, 0.02);
    assert_nested(&found.total, &found.total_intervals, 186_000);
    assert_eq!(count(&found.run_rate), 372_000);
    assert_eq!(found.granularity(), v1::TimeGranularity::Hour);
    assert_eq!(found.points.len(), 12);
    for (hour, point) in found.points.iter().enumerate() {
        assert_eq!(point.date, "2026-03-15");
        let seconds = instant("2026-03-15T12:00:00Z").seconds + 3_600 * hour as i64;
        assert_eq!(point.start_time, Some(Timestamp { seconds, nanos: 0 }));
        assert_near(count(&point.value) as f64, 22_000.0 + 1_000.0 * hour as f64, 0.02);
        assert_nested(&point.value, &point.intervals, 0);
    }
    assert_eq!((found.basis(), found.history_days), (v1::ForecastBasis::Enough, 21));
    assert_eq!(found.interval_basis(), v1::IntervalBasis::OwnErrors);
    assert_eq!(found.censored_days, Some(0));
    assert!(found.method.starts_with("pool of 14, led by "), "{}", found.method);
    assert!(found.budget.is_none(), "tokens have no budget");
}

#[tokio::test]
async fn the_rest_of_a_month_is_forecast_by_days() {
    let server = steady().await;
    let found = ask(&server, request(Metric::Tokens, period(Period::Month))).await;
    assert_eq!(found.start_time, Some(instant("2026-03-01T00:00:00Z")));
    assert_eq!(found.end_time, Some(instant("2026-04-01T00:00:00Z")));
    assert_eq!(count(&found.known), 14 * 516_000 + 186_000);
    // By the hours of other days: at noon 186/516 of a day are over, not half of it.
    assert_near(count(&found.total) as f64, 31.0 * 516_000.0, 0.02);
    assert_nested(&found.total, &found.total_intervals, 14 * 516_000 + 186_000);
    assert_eq!(found.granularity(), v1::TimeGranularity::Day);
    let dates: Vec<&str> = found.points.iter().map(|point| &*point.date).collect();
    assert_eq!((dates.len(), dates[0], dates[16]), (17, "2026-03-15", "2026-03-31"));
    assert!(found.points.iter().all(|it| (500_000..532_000).contains(&count(&it.value))));
    // A week is within reach of hours, and by days where that is asked for.
    let week = ask(&server, request(Metric::Requests, period(Period::Week))).await;
    assert_eq!(week.granularity(), v1::TimeGranularity::Hour);
    assert_eq!(count(&week.known), 6 * 24 + 12);
    assert_near(count(&week.total) as f64, 168.0, 0.02);
    let days = v1::GetForecastRequest {
        granularity: v1::TimeGranularity::Day.into(),
        ..request(Metric::Requests, Until::EndTime(instant("2026-03-17T05:00:00Z")))
    };
    let days = ask(&server, days).await;
    assert_eq!(days.start_time, Some(instant("2026-03-15T00:00:00Z")));
    assert_eq!(days.end_time, Some(instant("2026-03-18T00:00:00Z")), "the end of its day");
    assert_eq!((count(&days.known), days.points.len()), (12, 3));
}

#[tokio::test]
async fn a_budget_that_does_not_last_has_a_date() {
    let server = steady().await;
    let outlook = async || {
        let found = ask(&server, request(Metric::Cost, period(Period::Cycle))).await;
        assert_near(cost(&found.total), 31.0 * 0.516, 0.02);
        found.budget.expect("there is a plan")
    };
    // 7.41 are spent: 10 are reached within 5 days.
    set_plan(&server, "9", "1", "2026-01-01").await.unwrap();
    let reached = outlook().await;
    assert!(reached.probability > 0.95, "{}", reached.probability);
    assert!((cost(&reached.used) - 7.41).abs() < 1e-9);
    assert!((cost(&reached.limit) - 10.0).abs() < 1e-9);
    assert_near(cost(&reached.expected), 31.0 * 0.516, 0.02);
    let day = |time: Option<Timestamp>| {
        (time.expect("a time").seconds - instant("2026-03-15T12:00:00Z").seconds) as f64 / 86_400.0
    };
    let (median, early) = (day(reached.exhaustion_time), day(reached.earliest_time));
    assert!((4.5..5.6).contains(&median), "{median}");
    assert!((3.0..=median).contains(&early), "{early}");
    assert_eq!(reached.reset_time, Some(instant("2026-04-01T00:00:00Z")));
    // It falls as the budget rises.
    let mut last = reached.probability;
    for budget in ["15", "16", "17", "20", "100"] {
        set_plan(&server, budget, "0", "2026-01-01").await.unwrap();
        let probability = outlook().await.probability;
        assert!(probability <= last, "{budget}: {probability} after {last}");
        last = probability;
    }
    assert!(last < 0.01, "{last}");
    let lasts = outlook().await;
    assert!(lasts.exhaustion_time.is_none() && lasts.earliest_time.is_none());
    set_plan(&server, "7", "0", "2026-01-01").await.unwrap();
    let over = outlook().await;
    assert!((over.probability - 1.0).abs() < 1e-12);
    assert_eq!(over.exhaustion_time, Some(instant("2026-03-15T12:00:00Z")));
}

#[tokio::test]
async fn below_three_days_there_is_the_run_rate_alone() {
    let server = priced().await;
    let history = hours("2026-03-13T00:00:00Z", "2026-03-15T12:00:00Z", "ann", |_| 5);
    use_hours(&server, &history).await;
    let found = ask(&server, request(Metric::Cost, period(Period::Day))).await;
    assert_eq!((found.basis(), found.history_days), (v1::ForecastBasis::TooLittle, 2));
    assert!(found.total.is_none() && found.points.is_empty() && found.budget.is_none());
    assert!(found.total_intervals.is_empty() && found.method.is_empty());
    assert!((cost(&found.known) - 0.06).abs() < 1e-9);
    assert!((cost(&found.run_rate) - 0.12).abs() < 1e-9);
    server.clock.advance(12 * MICROS_PER_HOUR);
    let found = ask(&server, request(Metric::Cost, period(Period::Week))).await;
    assert_eq!(found.basis(), v1::ForecastBasis::ShortHistory);
    assert!(found.total.is_some());
    // Nobody has used anything, or has a plan.
    create_workspace(&server, "idle").await;
    let idle = v1::GetForecastRequest {
        workspace_id: "idle".to_owned(),
        ..request(Metric::Cost, period(Period::Month))
    };
    let found = server.insight().get_forecast(idle).await.unwrap().into_inner();
    assert_eq!((found.basis(), found.history_days), (v1::ForecastBasis::TooLittle, 0));
    assert!(found.budget.is_none());
}

/// Berlin's clocks go forward in the night to 29 March 2026. Work is at 9 there before and after.
#[tokio::test]
async fn a_day_of_23_hours_has_23_points() {
    let server = priced().await;
    move_to_berlin(&server).await;
    server.clock.advance(13 * MICROS_PER_DAY);
    let work = |number: i64| if number % 24 == 8 { 500 } else { 10 };
    let history = hours("2026-03-06T23:00:00Z", "2026-03-28T12:00:00Z", "ann", work);
    use_hours(&server, &history).await;
    let until = Until::EndTime(instant("2026-03-30T22:00:00Z"));
    let found = ask(&server, request(Metric::Tokens, until)).await;
    let of = |date: &str| -> Vec<&v1::ForecastPoint> {
        found.points.iter().filter(|point| point.date == date).collect()
    };
    assert_eq!(["2026-03-28", "2026-03-29", "2026-03-30"].map(|date| of(date).len()), [11, 23, 24]);
    for (date, nine) in [("2026-03-29", "T07:00:00Z"), ("2026-03-30", "T07:00:00Z")] {
        let peak = of(date).into_iter().max_by_key(|point| count(&point.value)).unwrap();
        assert_eq!(peak.start_time, Some(instant(&format!("{date}{nine}"))));
        assert_near(count(&peak.value) as f64, 500_000.0, 0.05);
    }
}

#[tokio::test]
async fn members_have_forecasts_and_days_with_blocked_checks_are_counted() {
    let server = steady().await;
    let history = hours("2026-02-22T00:00:00Z", "2026-03-15T12:00:00Z", "bob", |_| 2);
    use_hours(&server, &history).await;
    let of = |dimension, value: &str| v1::GetForecastRequest {
        member: Some(only(dimension, &[value])),
        ..request(Metric::Tokens, period(Period::Day))
    };
    let bob = ask(&server, of(Dimension::User, "bob")).await;
    assert_eq!(count(&bob.known), 24_000);
    assert_near(count(&bob.total) as f64, 48_000.0, 0.02);
    let law = ask(&server, of(Dimension::Department, "law")).await;
    assert_near(count(&law.total) as f64, 564_000.0, 0.02);
    assert_eq!(law.censored_days, None, "blocked checks are not counted by departments");
    let nobody = ask(&server, of(Dimension::User, "nobody")).await;
    assert_eq!(nobody.basis(), v1::ForecastBasis::TooLittle);
    assert_eq!(count(&nobody.known), 0);

    set_plan(&server, "1", "0", "2026-01-01").await.unwrap();
    let blocked = server.usage().check_and_route(check("c-1", "small")).await.unwrap();
    assert_eq!(blocked.into_inner().decision(), v1::Decision::Blocked);
    server.clock.advance(MICROS_PER_DAY);
    let next = ask(&server, request(Metric::Tokens, period(Period::Day))).await;
    assert_eq!(next.censored_days, Some(1));
}

/// From the 25th on `small` costs twice as much: 14.5 days at 0.516, as they were, 9.5 that are to
/// come, and 7 at 1.032.
#[tokio::test]
async fn a_price_that_changes_is_priced_in() {
    let server = steady().await;
    let price = v1::Price {
        effective_time: Some(instant("2026-03-25T00:00:00Z")),
        ..crate::fixtures::price("EUR", "2", "4")
    };
    let price = v1::SetModelPriceRequest {
        model_id: "small".to_owned(),
        price: Some(price),
        workspace_id: String::new(),
    };
    server.catalog().set_model_price(price).await.unwrap();
    let found = ask(&server, request(Metric::Cost, period(Period::Month))).await;
    let [change] = &found.price_changes[..] else { panic!("{:?}", found.price_changes) };
    assert_eq!(change.model_id, "small");
    assert_eq!(change.effective_time, Some(instant("2026-03-25T00:00:00Z")));
    assert_near(change.factor, 2.0, 1e-6);
    assert_near(change.share_percent, 100.0, 1e-6);
    assert_near(cost(&found.total), 38.0 * 0.516, 0.02);
    let of = |date: &str| cost(&found.points.iter().find(|it| it.date == date).unwrap().value);
    assert_near(of("2026-03-24"), 0.516, 0.03);
    assert_near(of("2026-03-25"), 1.032, 0.03);
    let tokens = ask(&server, request(Metric::Tokens, period(Period::Month))).await;
    assert!(tokens.price_changes.is_empty());
    assert_near(count(&tokens.total) as f64, 31.0 * 516_000.0, 0.02);
    let day = ask(&server, request(Metric::Cost, period(Period::Day))).await;
    assert!(day.price_changes.is_empty(), "it changes later");
}

#[tokio::test]
async fn what_cannot_be_forecast_is_refused_by_its_field() {
    let server = acme().await;
    let refused = async |change: &dyn Fn(&mut v1::GetForecastRequest)| {
        let mut request = request(Metric::Cost, period(Period::Day));
        change(&mut request);
        refused_fields(&server.insight().get_forecast(request).await.unwrap_err())
    };
    assert_eq!(refused(&|it| it.metric = 0).await, ["metric"]);
    assert_eq!(refused(&|it| it.metric = Metric::Errors.into()).await, ["metric"]);
    assert_eq!(refused(&|it| it.until = None).await, ["period"]);
    assert_eq!(refused(&|it| it.until = Some(Until::Period(0))).await, ["period"]);
    assert_eq!(refused(&|it| it.until = Some(Until::Period(99))).await, ["period"]);
    let until = |text: &str| Some(Until::EndTime(instant(text)));
    assert_eq!(refused(&|it| it.until = until("2026-03-15T12:00:00Z")).await, ["end_time"]);
    assert_eq!(refused(&|it| it.until = until("2026-06-15T12:00:01Z")).await, ["end_time"]);
    let week = v1::TimeGranularity::Week.into();
    assert_eq!(refused(&|it| it.granularity = week).await, ["granularity"]);
    let hours = |it: &mut v1::GetForecastRequest, end: &str| {
        it.granularity = v1::TimeGranularity::Hour.into();
        it.until = until(end);
    };
    assert_eq!(refused(&|it| hours(it, "2026-03-29T12:00:01Z")).await, ["granularity"]);
    let member = |values: &[&str]| Some(only(Dimension::User, values));
    assert_eq!(refused(&|it| it.member = member(&["a", "b"])).await, ["member.values"]);
    // The last ends that are taken.
    for (end, granularity) in [
        ("2026-06-15T12:00:00Z", v1::TimeGranularity::Unspecified),
        ("2026-03-29T12:00:00Z", v1::TimeGranularity::Hour),
    ] {
        let granularity = granularity.into();
        let until = Until::EndTime(instant(end));
        ask(&server, v1::GetForecastRequest { granularity, ..request(Metric::Cost, until) }).await;
    }
    let other = v1::GetForecastRequest {
        workspace_id: "other".to_owned(),
        ..request(Metric::Cost, period(Period::Day))
    };
    let status = server.insight().get_forecast(other).await.unwrap_err();
    assert_failed(&status, Code::NotFound, "WORKSPACE_NOT_FOUND", &[]);
}
