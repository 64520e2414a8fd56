//! `QueryUsage` against the oracle, for every dimension, most pairs, and every granularity.

use chrono::NaiveDate;
use chrono_tz::Tz;
use tollgate::proto::v1::{self, TimeGranularity, UsageDimension, UsageMetric};

use crate::server::Server;
use crate::usage_log::{self, Entry};
use crate::usage_query::{self, Group, UsageQuery};
use crate::{month, naive};

/// The additive metrics.
const SUMS: [UsageMetric; 4] =
    [UsageMetric::Cost, UsageMetric::Requests, UsageMetric::Tokens, UsageMetric::Errors];

/// Every dimension of usage.
const DIMENSIONS: [(UsageDimension, &str); 15] = [
    (UsageDimension::Model, ""),
    (UsageDimension::Provider, ""),
    (UsageDimension::Department, ""),
    (UsageDimension::User, ""),
    (UsageDimension::ApiKey, ""),
    (UsageDimension::KeyGroup, ""),
    (UsageDimension::Assistant, ""),
    (UsageDimension::Workflow, ""),
    (UsageDimension::Feature, ""),
    (UsageDimension::Project, ""),
    (UsageDimension::Investigation, ""),
    (UsageDimension::Session, ""),
    (UsageDimension::Tag, "team"),
    (UsageDimension::Tag, "stage"),
    (UsageDimension::Outcome, ""),
];

const GRANULARITIES: [TimeGranularity; 5] = [
    TimeGranularity::Unspecified,
    TimeGranularity::Hour,
    TimeGranularity::Day,
    TimeGranularity::Week,
    TimeGranularity::Month,
];

/// A workspace with its usage log.
pub struct Month {
    pub workspace: &'static str,
    pub zone: Tz,
    pub entries: Vec<Entry>,
}

impl Month {
    pub async fn fill(
        server: &Server,
        workspace: &'static str,
        zone: Tz,
        moves_to: Option<Tz>,
    ) -> Month {
        month::fill(server, workspace, zone.name(), moves_to.map(Tz::name)).await;
        let entries = usage_log::read(server, workspace).await;
        assert!(entries.iter().any(|entry| !entry.is_request && entry.cost_nanos != 0));
        Month { workspace, zone: moves_to.unwrap_or(zone), entries }
    }

    async fn check(&self, server: &Server, query: &UsageQuery) {
        let request = query.request(self.workspace);
        let answer = server.analytics().query_usage(request).await;
        let answer = answer.unwrap_or_else(|status| panic!("{query:?}: {status}")).into_inner();
        let mut reported = usage_query::report_of(answer, query, self.zone);
        let mut expected = naive::report(&self.entries, query, self.zone);
        without_counts_of_others(&mut reported);
        without_counts_of_others(&mut expected);
        for (reported, expected) in reported.iter().zip(&expected) {
            assert_eq!(reported, expected, "{} {query:?}", self.workspace);
        }
        assert_eq!(reported.len(), expected.len(), "{} {query:?}", self.workspace);
    }
}

/// Counts of distinct values of the others are not compared: the same user may be in a group, too.
fn without_counts_of_others(groups: &mut [Group]) {
    for group in groups.iter_mut().filter(|group| group.others) {
        let points = group.points.iter_mut().map(|(_, figures)| figures);
        for figures in points.chain([&mut group.figures, &mut group.previous]) {
            figures.active_users = 0;
            figures.cost_per = [None; 4];
        }
    }
}

/// Fifteen days around the change to winter time, compared with the fifteen days before.
fn query(metrics: &[UsageMetric]) -> UsageQuery {
    UsageQuery {
        first: NaiveDate::from_ymd_opt(2026, 10, 19).unwrap(),
        last: NaiveDate::from_ymd_opt(2026, 11, 2).unwrap(),
        group_by: Vec::new(),
        filters: Vec::new(),
        granularity: TimeGranularity::Unspecified,
        metrics: metrics.to_vec(),
        top: 1_000,
    }
}

/// The three workspaces: Berlin, New York, and one that moves from Kolkata to Berlin.
pub async fn months(server: &Server) -> [Month; 3] {
    [
        Month::fill(server, "berlin", Tz::Europe__Berlin, None).await,
        Month::fill(server, "newyork", Tz::America__New_York, None).await,
        Month::fill(server, "moved", Tz::Asia__Kolkata, Some(Tz::Europe__Berlin)).await,
    ]
}

#[tokio::test]
async fn sums_by_every_dimension_and_over_time_are_those_of_the_records() {
    let server = month::server().await;
    for month in months(&server).await {
        for granularity in GRANULARITIES {
            // Hours are stored in the zone of their time: after a move, not in the current one.
            if granularity == TimeGranularity::Hour && month.workspace == "moved" {
                continue;
            }
            month.check(&server, &UsageQuery { granularity, ..query(&SUMS) }).await;
            for grouping in DIMENSIONS {
                let query = UsageQuery { group_by: vec![grouping], granularity, ..query(&SUMS) };
                month.check(&server, &query).await;
                let by_tokens = [UsageMetric::Tokens, UsageMetric::Cost];
                let top = UsageQuery { top: 3, metrics: by_tokens.to_vec(), ..query };
                month.check(&server, &top).await;
            }
        }
    }
    server.stop().await.unwrap();
}

#[tokio::test]
async fn sums_by_two_dimensions_are_those_of_the_records() {
    let server = month::server().await;
    for month in months(&server).await {
        for (place, first) in DIMENSIONS.into_iter().enumerate() {
            for second in DIMENSIONS.into_iter().skip(place + 1) {
                let group_by = vec![first, second];
                let one = [second.0 == UsageDimension::Tag, first.0 == UsageDimension::Tag];
                let granularity = match one.contains(&true) {
                    true => TimeGranularity::Unspecified,
                    false => TimeGranularity::Week,
                };
                let query = UsageQuery { group_by, granularity, top: 50, ..query(&SUMS) };
                month.check(&server, &query).await;
            }
        }
    }
    server.stop().await.unwrap();
}

#[tokio::test]
async fn filtered_sums_are_those_of_the_records() {
    use UsageDimension::{Assistant, Department, Model, Outcome, Provider, Tag, User, Workflow};
    let server = month::server().await;
    let by_one = vec![(Model, "", vec!["alpha-large", "gamma"])];
    let cases = [
        by_one.clone(),
        vec![(User, "", vec!["user-0", ""])],
        vec![(Provider, "", vec!["alpha"]), (Department, "", vec!["department-0"])],
        vec![(Tag, "team", vec!["team-0", ""])],
        vec![(Outcome, "", vec!["error"]), (Workflow, "", vec!["workflow-1", "workflow-0"])],
        vec![(User, "", vec!["nobody"])],
    ];
    for month in months(&server).await {
        for filters in &cases {
            for group_by in [vec![], vec![(Assistant, "")], vec![(Model, "")]] {
                let granularity = TimeGranularity::Day;
                let filters = filters.clone();
                let query = UsageQuery { group_by, filters, granularity, top: 4, ..query(&SUMS) };
                month.check(&server, &query).await;
            }
        }
    }
    server.stop().await.unwrap();
}

#[tokio::test]
async fn each_user_is_counted_once_and_costs_are_shared_by_those_counted() {
    use UsageMetric::{
        ActiveUsers, Cost, CostPerInvestigation, CostPerRequest, CostPerSession, CostPerUser,
    };
    let server = month::server().await;
    let metrics =
        [Cost, ActiveUsers, CostPerRequest, CostPerUser, CostPerInvestigation, CostPerSession];
    for month in months(&server).await {
        for group_by in [
            vec![],
            vec![(UsageDimension::Model, "")],
            vec![(UsageDimension::Provider, "")],
            vec![(UsageDimension::Department, "")],
            vec![(UsageDimension::Tag, "stage")],
        ] {
            for granularity in [TimeGranularity::Unspecified, TimeGranularity::Week] {
                let group_by = group_by.clone();
                let query = UsageQuery { group_by, granularity, top: 5, ..query(&metrics) };
                month.check(&server, &query).await;
            }
        }
    }
    server.stop().await.unwrap();
}

#[tokio::test]
async fn quantiles_of_latency_are_near_those_of_the_records() {
    let server = month::server().await;
    for month in months(&server).await {
        let query = query(&[UsageMetric::Requests, UsageMetric::Latency]);
        for group_by in [vec![], vec![(UsageDimension::Assistant, "")]] {
            let query = UsageQuery { group_by, ..query.clone() };
            let request = query.request(month.workspace);
            let answer = server.analytics().query_usage(request).await.unwrap().into_inner();
            for group in answer.groups.iter().chain(&answer.total) {
                month.check_latencies(&query, group);
            }
        }
    }
    server.stop().await.unwrap();
}

impl Month {
    fn check_latencies(&self, query: &UsageQuery, group: &v1::UsageGroup) {
        let mut latencies: Vec<i64> = Vec::new();
        for entry in self.entries.iter().filter(|entry| entry.is_request) {
            let date = entry.date(self.zone);
            let keys = query.group_by.iter().map(|(dimension, tag)| entry.value(*dimension, tag));
            let is_meant = group.keys.iter().map(|key| key.value.clone()).eq(keys);
            let in_group = group.keys.is_empty() || is_meant;
            if query.first <= date && date <= query.last && in_group {
                latencies.extend(entry.latency_micros);
            }
        }
        latencies.sort_unstable();
        let values = group.values.as_ref().expect("values");
        let micros = |duration: &Option<prost_types::Duration>| {
            let duration = duration.as_ref().expect("a latency");
            duration.seconds * 1_000_000 + i64::from(duration.nanos) / 1_000
        };
        for (share, reported) in [
            (0.5, &values.latency_p50),
            (0.9, &values.latency_p90),
            (0.95, &values.latency_p95),
            (0.99, &values.latency_p99),
        ] {
            let place = (share * latencies.len() as f64).ceil() as usize;
            let exact = latencies[place.max(1) - 1] as f64;
            let off = (micros(reported) as f64 - exact).abs();
            assert!(off <= exact * 0.07 + 1_000.0, "{share} {exact} {reported:?} {group:?}");
        }
        let mean = latencies.iter().sum::<i64>() / latencies.len() as i64;
        assert!((micros(&values.latency_mean) - mean).abs() <= 1, "{mean} {values:?}");
    }
}
