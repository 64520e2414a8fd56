//! Reports over a handful of records, compared with figures computed by hand. Storage is a fake.

mod dashboard_reports;
mod fake_store;
mod usage_queries;

use chrono::NaiveDate;
use chrono_tz::Tz;

use super::Scope;
use super::axis::{Restriction, UsageDimension};
use super::metric::Metric;
use super::query::{Group, Query};
use super::range::Range;
use crate::domain::alert::AlertPolicy;
use crate::domain::attribution::Dimension;
use crate::domain::catalog::price::Source;
use crate::domain::catalog::{Catalog, Model};
use crate::domain::time::calendar::DayOfWeek;
use crate::domain::usage::TokenClass;
use crate::domain::workspace::{
    HoldDurability, HoldExpiryPolicy, ReportedCostPolicy, UnknownKeyPolicy, UnpricedModelPolicy,
    Workspace,
};
use crate::domain::{Currency, Time};
use crate::storage::rollup::Sums;
use fake_store::{Entry, FakeStore};

/// The current date.
const TODAY: &str = "2026-03-15";

/// A time on a day in UTC.
fn on(date: &str, hour: u32) -> Time {
    let text = format!("{date}T{hour:02}:30:00Z");
    Time::from_utc(chrono::DateTime::parse_from_rfc3339(&text).unwrap().to_utc())
}

/// A successful request: 10 tokens, and a latency of as many seconds as the cost has nano-units.
fn entry(date: &str, cost_nanos: i64, values: &[(Dimension, &str)]) -> Entry {
    let mut tokens = [0; TokenClass::COUNT];
    tokens[TokenClass::Input as usize] = 10;
    let latency = cost_nanos * 1_000_000;
    let sums = Sums { record_count: 1, cost_nanos, tokens, latency, ..Sums::default() };
    let values = values.iter().map(|(dimension, value)| (dimension.as_str(), (*value).to_owned()));
    let values = values.collect();
    Entry { charge_time: on(date, 9), values, sums, ..Entry::default() }
}

fn workspace(zone: &str) -> Workspace {
    let zone: Tz = zone.parse().unwrap();
    let at = Time::from_micros(0);
    Workspace {
        id: "acme".into(),
        display_name: String::new(),
        currency: Currency::EUR,
        time_zone: zone,
        automatic_fallback: true,
        unpriced_models: UnpricedModelPolicy::Deny,
        hold_expiry: HoldExpiryPolicy::Release,
        hold_durability: HoldDurability::Memory,
        outage: Default::default(),
        unknown_keys: UnknownKeyPolicy::Accept,
        required_fields: Vec::new(),
        week_start: DayOfWeek::Monday,
        reported_cost: ReportedCostPolicy::default(),
        alerts: AlertPolicy::default(),
        may_have_expiry_charges: false,
        usage_retention_days: None,
        price_max_age_days: None,
        plan: None,
        archive_time: None,
        create_time: at,
        update_time: at,
    }
}

/// `opus` and `haiku` of one provider, `gpt` of another.
fn catalog() -> Catalog {
    let model = |id: &str, provider: &str| Model {
        id: id.into(),
        provider: provider.to_owned(),
        display_name: id.to_uppercase(),
        context_window: None,
        max_input: None,
        max_output: None,
        capabilities: Vec::new(),
        aliases: Vec::new(),
        source: Source::Operator,
        update_time: Time::from_micros(0),
    };
    let models =
        vec![model("opus", "anthropic"), model("haiku", "anthropic"), model("gpt", "openai")];
    Catalog::new(models, Vec::new(), Vec::new())
}

fn days(first: &str, last: &str) -> Range {
    let date = |text: &str| -> NaiveDate { text.parse().unwrap() };
    Range::Dates(date(first), date(last))
}

/// Of March 1 to 15.
fn query(metrics: &[Metric], group_by: &[UsageDimension]) -> Query {
    Query {
        range: days("2026-03-01", TODAY),
        metrics: metrics.to_vec(),
        group_by: group_by.to_vec(),
        restrictions: Vec::new(),
        granularity: None,
        order_by: None,
        top: 10,
        compare_previous: false,
    }
}

fn only(dimension: UsageDimension, values: &[&str]) -> Restriction {
    Restriction { dimension, values: values.iter().map(|&value| value.to_owned()).collect() }
}

/// Runs a report of a store in a scope.
macro_rules! run_report {
    ($store:expr, |$scope:ident| $report:expr) => {{
        let (workspace, catalog) = (workspace("UTC"), catalog());
        let $scope =
            Scope { store: $store, workspace: &workspace, catalog: &catalog, now: on(TODAY, 12) };
        $report.await
    }};
}
use run_report;

/// The values of a group in one text.
fn label(group: &Group) -> String {
    if group.others {
        return "(others)".to_owned();
    }
    let keys: Vec<&str> = group.keys.iter().map(|key| key.value.as_str()).collect();
    keys.join("/")
}
