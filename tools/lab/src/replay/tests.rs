//! Replays against a server that answers by simple rules, on a clock that the runtime advances.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use rust_decimal::Decimal;
use tokio::sync::Notify;

use super::pace::Speed;
use super::tally::{Decision, Failure};
use super::trace::Row;
use super::{Budget, ERRORS_MAX, Options, Recorded, Server, run};

const LATENCY: Duration = Duration::from_millis(10);

/// Blocks requests without input, routes odd ones, and cannot record those without output.
#[derive(Clone, Default)]
struct Fake {
    state: Arc<Mutex<State>>,
    recorded: Arc<Notify>,
}

#[derive(Default)]
struct State {
    spent: Decimal,
    in_flight: usize,
    in_flight_max: usize,
    request_ids: Vec<String>,
}

impl Server for Fake {
    async fn check(&mut self, request_id: &str, row: Row) -> Result<Decision, Failure> {
        {
            let mut state = self.state.lock().unwrap();
            state.request_ids.push(request_id.to_owned());
            state.in_flight += 1;
            state.in_flight_max = state.in_flight_max.max(state.in_flight);
        }
        tokio::time::sleep(LATENCY).await;
        self.state.lock().unwrap().in_flight -= 1;
        Ok(match row.input_token_count {
            0 => Decision::Blocked("EXHAUSTED".to_owned()),
            input if input % 2 == 1 => Decision::Routed("cheap".to_owned()),
            _ => Decision::Allowed("asked".to_owned()),
        })
    }

    async fn record(&mut self, _: &str, model_id: &str, row: Row) -> Result<Recorded, Failure> {
        if row.output_token_count == 0 {
            let (code, message) = ("UNAVAILABLE".to_owned(), "the disk is full".to_owned());
            return Err(Failure { call: "RecordUsage", code, message });
        }
        let cost = Decimal::new(row.output_token_count, 2);
        self.state.lock().unwrap().spent += cost;
        self.recorded.notify_one();
        Ok(Recorded { cost: Some(cost), unpriced: model_id == "cheap" })
    }

    async fn budget(&mut self) -> Result<Budget, String> {
        let spent = Some(self.state.lock().unwrap().spent);
        Ok(Budget { currency: "EUR".to_owned(), spent, ..Budget::default() })
    }
}

/// One request a second, with these tokens of input and output.
fn rows(requests: &[(i64, i64)]) -> Vec<Row> {
    let row = |(second, (input_token_count, output_token_count)): (u64, &(i64, i64))| Row {
        offset: Duration::from_secs(second),
        input_token_count: *input_token_count,
        output_token_count: *output_token_count,
    };
    (0..).zip(requests).map(row).collect()
}

fn options(speed: Speed) -> Options {
    Options { trace: "a.csv".to_owned(), workspace_id: "acme".to_owned(), speed, concurrency: 8 }
}

async fn replay(fake: &Fake, requests: &[(i64, i64)], speed: Speed) -> super::Report {
    let stop = std::future::pending();
    run(fake.clone(), &rows(requests), options(speed), stop).await.unwrap()
}

/// Each expected text is in one line, however wide its columns are.
fn check(report: &super::Report, expected: &[&str]) {
    let text = report.to_string();
    let lines: Vec<String> =
        text.lines().map(|line| line.split_whitespace().collect::<Vec<_>>().join(" ")).collect();
    for part in expected {
        assert!(lines.iter().any(|line| line.contains(part)), "{part:?} is not in:\n{text}");
    }
}

#[tokio::test(start_paused = true)]
async fn each_request_is_checked_and_recorded_as_decided() {
    let fake = Fake::default();
    let report = replay(&fake, &[(2, 100), (3, 50), (0, 7), (2, 0)], Speed::Max).await;
    assert!(report.has_errors());
    check(
        &report,
        &[
            "4 requests of a.csv",
            "allowed 2 50.0 %",
            "routed 1 25.0 %",
            "EXHAUSTED 1 25.0 %",
            "asked 2 0 1",
            "cheap 0 1 0.5",
            "1 records are of a model without a price",
            "spent 0 EUR 1.50 EUR",
            "the server's spend grew by exactly the sum of these costs",
            "RecordUsage UNAVAILABLE 1 first: the disk is full",
        ],
    );
    let mut request_ids = fake.state.lock().unwrap().request_ids.clone();
    request_ids.sort();
    request_ids.dedup();
    assert_eq!(request_ids.len(), 4);
}

#[tokio::test(start_paused = true)]
async fn requests_are_sent_when_they_are_due() {
    let start = tokio::time::Instant::now();
    let report = replay(&Fake::default(), &[(2, 1); 31], Speed::Factor(10.0)).await;
    // Thirty seconds of the trace, and the last answer.
    let (least, most) = (Duration::from_secs(3), Duration::from_millis(3_100));
    assert!((least..most).contains(&start.elapsed()), "{:?}", start.elapsed());
    check(&report, &["31 requests of", "at 10 times the recorded speed, at most 0.0"]);
}

#[tokio::test(start_paused = true)]
async fn concurrency_is_bounded() {
    let fake = Fake::default();
    replay(&fake, &[(2, 1); 200], Speed::Max).await;
    assert_eq!(fake.state.lock().unwrap().in_flight_max, 8);
}

#[tokio::test(start_paused = true)]
async fn a_stop_lets_requests_in_flight_finish() {
    let fake = Fake::default();
    let recorded = fake.recorded.clone();
    let stop = async move { recorded.notified().await };
    // The second request is due in a thousand seconds.
    let (trace, options) = (rows(&[(2, 1), (2, 1)]), options(Speed::Factor(0.001)));
    let report = run(fake.clone(), &trace, options.clone(), stop).await.unwrap();
    check(&report, &["1 request of", "stopped early: 2 were planned", "allowed 1 100.0 %"]);
    let report = run(fake, &trace[..1], options, std::future::ready(())).await.unwrap();
    check(&report, &["0 requests of", "stopped early: 1 were planned"]);
}

#[tokio::test(start_paused = true)]
async fn a_replay_ends_after_a_thousand_errors() {
    let report = replay(&Fake::default(), &[(2, 0); 1_100], Speed::Max).await;
    assert!((ERRORS_MAX..ERRORS_MAX + 8).contains(&report.tally.errors()));
    check(&report, &["stopped early: 1,100 were planned"]);
}
