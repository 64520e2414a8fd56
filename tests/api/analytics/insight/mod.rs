//! Insight through the API: series of usage whose hours are given by a function, so that what must
//! be found in them is known.

mod anomalies;
mod forecast;
mod recommendations;
mod risks;
mod seasonality;
mod simulate;

use prost_types::Timestamp;
use tollgate::domain::time::MICROS_PER_SECOND;
use tollgate::proto::v1;

use crate::analytics::setup::{attempt, instant};
use crate::fixtures::ACME;
use crate::server::Server;

/// Most records of one call.
const BATCH: usize = 1_000;
const SECONDS_PER_HOUR: i64 = 3_600;
/// Reports, each of which waits for the fold for a second, until it counts as stuck.
const ASKED_MAX: usize = 60;

/// Thousands of tokens of one hour, which cost as many thousandths of a EUR on `small`.
pub struct Hour {
    /// Since 1970.
    pub number: i64,
    pub thousands: i64,
    pub user_id: &'static str,
}

/// One record in the middle of each hour from one instant to another, with as many thousands of
/// tokens as the function says; none where it says 0.
pub fn hours(
    from: &str,
    to: &str,
    user_id: &'static str,
    thousands: impl Fn(i64) -> i64,
) -> Vec<Hour> {
    let [from, to] = [from, to].map(|text| instant(text).seconds / SECONDS_PER_HOUR);
    let hour = |number| Hour { number, thousands: thousands(number), user_id };
    (from..to).map(hour).filter(|hour| hour.thousands > 0).collect()
}

pub async fn use_hours(server: &Server, hours: &[Hour]) {
    for batch in hours.chunks(BATCH) {
        let records = batch.iter().map(record).collect();
        let request = v1::RecordUsageBatchRequest { records };
        let response = server.usage().record_usage_batch(request).await.unwrap().into_inner();
        assert_eq!(response.results.len(), batch.len());
        for result in response.results {
            let error = matches!(result.result, Some(v1::record_usage_result::Result::Error(_)));
            assert!(!error, "{result:?}");
        }
    }
    wait_for_the_fold(server).await;
}

/// A report waits for the fold for a second at most, which may not do where many tests run at once.
async fn wait_for_the_fold(server: &Server) {
    let now = server.clock.micros() / MICROS_PER_SECOND;
    for _ in 0..ASKED_MAX {
        let workspace_id = ACME.to_owned();
        let request = v1::GetOverviewRequest { workspace_id, ..Default::default() };
        let answer = server.analytics().get_overview(request).await.unwrap().into_inner();
        if answer.as_of_time.unwrap().seconds >= now {
            return;
        }
    }
    panic!("the fold does not catch up");
}

fn record(hour: &Hour) -> v1::RecordUsageRequest {
    let id = format!("{}-{}", hour.user_id, hour.number);
    let mut request = attempt(&id, "small").user(hour.user_id, "law").into_request();
    let usage = request.usage.as_mut().unwrap();
    (usage.input_token_count, usage.output_token_count) = (hour.thousands * 1_000, 0);
    let seconds = hour.number * SECONDS_PER_HOUR + SECONDS_PER_HOUR / 2;
    request.start_time = Some(Timestamp { seconds, nanos: 0 });
    request
}

/// Hour of the day in UTC, and weekday from Monday, of an hour since 1970, which began on a
/// Thursday.
pub fn place(number: i64) -> (i64, i64) {
    (number % 24, (number / 24 + 3) % 7)
}

/// The count of a quantity.
pub fn count(quantity: &Option<v1::Quantity>) -> i64 {
    match quantity.as_ref().and_then(|it| it.quantity.as_ref()) {
        Some(v1::quantity::Quantity::Count(count)) => *count,
        other => panic!("expected a count, not {other:?}"),
    }
}

/// The amount of a quantity, in EUR.
pub fn cost(quantity: &Option<v1::Quantity>) -> f64 {
    match quantity.as_ref().and_then(|it| it.quantity.as_ref()) {
        Some(v1::quantity::Quantity::Cost(money)) => money.amount.parse().unwrap(),
        other => panic!("expected a cost, not {other:?}"),
    }
}

/// Sets the time zone of the workspace.
pub async fn move_to_berlin(server: &Server) {
    let workspace = v1::Workspace {
        workspace_id: ACME.to_owned(),
        time_zone: "Europe/Berlin".to_owned(),
        ..Default::default()
    };
    let update_mask = Some(prost_types::FieldMask { paths: vec!["time_zone".to_owned()] });
    let update = v1::UpdateWorkspaceRequest { workspace: Some(workspace), update_mask };
    server.workspace().update_workspace(update).await.unwrap();
}
