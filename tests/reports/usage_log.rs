//! The usage log of a workspace as the oracle reads it.

use std::collections::BTreeMap;

use chrono::{DateTime, Datelike, Days, NaiveDate, Utc};
use chrono_tz::Tz;
use tollgate::proto::v1;
use tollgate::proto::v1::UsageDimension as Dimension;

use crate::month::provider_of;
use crate::server::Server;

/// One record of the log.
pub struct Entry {
    pub time: DateTime<Utc>,
    /// A billed attempt: not a correction, not the charge of an expired hold.
    pub is_request: bool,
    pub model: String,
    pub attribution: v1::Attribution,
    pub key_group: String,
    pub outcome: v1::Outcome,
    pub cost_nanos: i128,
    /// By class, in the order of `Usage`.
    pub tokens: [i64; 10],
    /// Absent if it was not reported.
    pub latency_micros: Option<i64>,
}

/// All records.
pub async fn read(server: &Server, workspace: &str) -> Vec<Entry> {
    let mut entries = Vec::new();
    let mut page_token = String::new();
    loop {
        let request = v1::ListUsageRecordsRequest {
            workspace_id: workspace.to_owned(),
            page_size: 1_000,
            page_token,
            ..Default::default()
        };
        let page = server.usage().list_usage_records(request).await.unwrap().into_inner();
        entries.extend(page.records.into_iter().map(entry));
        page_token = page.next_page_token;
        if page_token.is_empty() {
            return entries;
        }
    }
}

fn entry(record: v1::UsageRecord) -> Entry {
    let time = record.charge_time.expect("a time");
    let usage = record.usage.unwrap_or_default();
    let latency = record.latency.unwrap_or_default();
    let latency_micros = latency.seconds * 1_000_000 + i64::from(latency.nanos) / 1_000;
    Entry {
        time: DateTime::from_timestamp(time.seconds, time.nanos as u32).expect("a time"),
        is_request: record.kind == i32::from(v1::RecordKind::Usage),
        model: match record.priced_model_id.as_str() {
            "" => record.model_id,
            priced => priced.to_owned(),
        },
        attribution: record.attribution.unwrap_or_default(),
        key_group: record.key_group_id,
        outcome: v1::Outcome::try_from(record.outcome).expect("an outcome"),
        cost_nanos: nanos(&record.cost.expect("a cost").amount),
        tokens: tokens(&usage),
        latency_micros: (latency_micros > 0).then_some(latency_micros),
    }
}

pub fn tokens(usage: &v1::Usage) -> [i64; 10] {
    [
        usage.input_token_count,
        usage.cache_read_token_count,
        usage.cache_write_5m_token_count,
        usage.cache_write_1h_token_count,
        usage.output_token_count,
        usage.reasoning_token_count,
        usage.audio_input_token_count,
        usage.audio_output_token_count,
        usage.image_input_token_count,
        usage.image_output_token_count,
    ]
}

/// An amount of at most 9 fraction digits.
pub fn nanos(amount: &str) -> i128 {
    let (sign, digits) = match amount.strip_prefix('-') {
        Some(digits) => (-1, digits),
        None => (1, amount),
    };
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let fraction = format!("{fraction:0<9}");
    assert_eq!(fraction.len(), 9, "{amount}");
    sign * format!("{whole}{fraction}").parse::<i128>().expect("digits")
}

impl Entry {
    /// Its value of a dimension; empty if it has none.
    pub fn value(&self, dimension: Dimension, tag_key: &str) -> String {
        let attribution = &self.attribution;
        match dimension {
            Dimension::Model => self.model.clone(),
            Dimension::Provider => provider_of(&self.model).to_owned(),
            Dimension::Department => attribution.department_id.clone(),
            Dimension::User => attribution.user_id.clone(),
            Dimension::ApiKey => attribution.api_key_id.clone(),
            Dimension::KeyGroup => self.key_group.clone(),
            Dimension::Assistant => attribution.assistant_id.clone(),
            Dimension::Workflow => attribution.workflow_id.clone(),
            Dimension::Feature => attribution.feature_id.clone(),
            Dimension::Project => attribution.project_id.clone(),
            Dimension::Investigation => attribution.investigation_id.clone(),
            Dimension::Session => attribution.session_id.clone(),
            Dimension::Tag => attribution.tags.get(tag_key).cloned().unwrap_or_default(),
            Dimension::Outcome => match self.outcome {
                v1::Outcome::Error => "error".to_owned(),
                v1::Outcome::Cancelled => "cancelled".to_owned(),
                _ => "success".to_owned(),
            },
            Dimension::Unspecified | Dimension::Limit => panic!("records have no such dimension"),
        }
    }

    pub fn date(&self, zone: Tz) -> NaiveDate {
        self.time.with_timezone(&zone).date_naive()
    }

    /// Start of its bucket in a range that begins with `first`: the local date; of hours, the local
    /// time with its UTC offset.
    pub fn bucket(&self, zone: Tz, granularity: v1::TimeGranularity, first: NaiveDate) -> String {
        let local = self.time.with_timezone(&zone);
        let date = local.date_naive();
        let start = match granularity {
            v1::TimeGranularity::Unspecified => return String::new(),
            v1::TimeGranularity::Hour => {
                return local.format("%Y-%m-%dT%H:00%:z").to_string();
            }
            v1::TimeGranularity::Day => date,
            v1::TimeGranularity::Week => {
                date - Days::new(date.weekday().num_days_from_monday().into())
            }
            v1::TimeGranularity::Month => date.with_day(1).unwrap(),
        };
        start.max(first).to_string()
    }
}

/// Values by name, in order.
pub type Grouped<T> = BTreeMap<Vec<String>, T>;
