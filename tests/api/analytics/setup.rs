//! What tests of reports record, and short names for what they ask.

use prost_types::{Duration, Timestamp};
use tollgate::proto::v1;

use crate::fixtures::{ACME, acme, record, set_up};
use crate::server::Server;

pub use v1::UsageDimension as Dimension;
pub use v1::UsageMetric as Metric;

/// The workspace of the fixtures; what its models cost is valid from January on, so that records of
/// days before now have it, too.
pub async fn priced() -> Server {
    let server = acme().await;
    since_january(&server).await;
    server
}

/// The same on a server without a workspace.
pub async fn set_prices(server: &Server) {
    set_up(server).await;
    since_january(server).await;
}

async fn since_january(server: &Server) {
    for (model_id, input, output) in [("big", "10", "20"), ("small", "1", "2")] {
        let price = v1::Price {
            currency_code: "EUR".to_owned(),
            input_per_million: input.to_owned(),
            output_per_million: output.to_owned(),
            effective_time: Some(instant("2026-01-01T00:00:00Z")),
            ..Default::default()
        };
        let request = v1::SetModelPriceRequest {
            model_id: model_id.to_owned(),
            price: Some(price),
            workspace_id: String::new(),
        };
        server.catalog().set_model_price(request).await.unwrap();
    }
}

/// One attempt on a model, as [`record`] has it: 150,000 tokens; 2 EUR on `big`, 0.20 on `small`.
pub struct Attempt {
    request: v1::RecordUsageRequest,
}

pub fn attempt(request_id: &str, model_id: &str) -> Attempt {
    let mut request = record(request_id, model_id);
    request.attribution = Some(v1::Attribution::default());
    Attempt { request }
}

impl Attempt {
    pub fn of(mut self, change: impl FnOnce(&mut v1::Attribution)) -> Attempt {
        change(self.request.attribution.as_mut().unwrap());
        self
    }

    pub fn user(self, user_id: &str, department_id: &str) -> Attempt {
        self.of(|attribution| {
            attribution.user_id = user_id.to_owned();
            attribution.department_id = department_id.to_owned();
        })
    }

    pub fn outcome(mut self, outcome: v1::Outcome) -> Attempt {
        self.request.outcome = outcome.into();
        self
    }

    /// At an instant in RFC 3339.
    pub fn at(mut self, text: &str) -> Attempt {
        self.request.start_time = Some(instant(text));
        self
    }

    pub fn latency(mut self, seconds: i64) -> Attempt {
        self.request.latency = Some(Duration { seconds, nanos: 0 });
        self
    }

    pub fn into_request(self) -> v1::RecordUsageRequest {
        self.request
    }

    pub async fn send(self, server: &Server) {
        server.usage().record_usage(self.request).await.unwrap();
    }
}

pub fn instant(text: &str) -> Timestamp {
    let time = chrono::DateTime::parse_from_rfc3339(text).expect("an instant in RFC 3339");
    Timestamp { seconds: time.timestamp(), nanos: 0 }
}

/// First and last day.
pub fn days(first: &str, last: &str) -> Option<v1::ReportRange> {
    let (first_date, last_date) = (first.to_owned(), last.to_owned());
    Some(v1::ReportRange { first_date, last_date, ..Default::default() })
}

pub fn preset(preset: v1::ReportPreset) -> Option<v1::ReportRange> {
    Some(v1::ReportRange { preset: preset.into(), ..Default::default() })
}

pub fn only(dimension: Dimension, values: &[&str]) -> v1::UsageFilter {
    v1::UsageFilter {
        dimension: dimension.into(),
        values: values.iter().map(|&value| value.to_owned()).collect(),
        ..Default::default()
    }
}

pub fn query(metrics: &[Metric], group_by: &[Dimension]) -> v1::QueryUsageRequest {
    let grouping =
        |by: &Dimension| v1::UsageGrouping { dimension: (*by).into(), tag_key: String::new() };
    v1::QueryUsageRequest {
        workspace_id: ACME.to_owned(),
        metrics: metrics.iter().map(|metric| (*metric).into()).collect(),
        group_by: group_by.iter().map(grouping).collect(),
        ..Default::default()
    }
}

pub async fn ask(server: &Server, request: v1::QueryUsageRequest) -> v1::QueryUsageResponse {
    server.analytics().query_usage(request).await.unwrap().into_inner()
}

/// Keys of a group, or "(others)", with one of its values.
pub fn groups<T>(
    response: &v1::QueryUsageResponse,
    value: impl Fn(&v1::UsageValues) -> T,
) -> Vec<(String, T)> {
    let one = |group: &v1::UsageGroup| {
        let keys: Vec<&str> = group.keys.iter().map(|key| key.value.as_str()).collect();
        let label = if group.others { "(others)".to_owned() } else { keys.join("/") };
        (label, value(group.values.as_ref().unwrap()))
    };
    response.groups.iter().map(one).collect()
}

/// What [`groups`] is compared with.
pub fn pairs<T: Clone>(expected: &[(&str, T)]) -> Vec<(String, T)> {
    expected.iter().map(|(key, value)| ((*key).to_owned(), value.clone())).collect()
}

/// The amount of a cost.
pub fn cost(values: &v1::UsageValues) -> String {
    values.cost.as_ref().unwrap().amount.clone()
}
