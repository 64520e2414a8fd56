//! Row 12: reports over gRPC, against the same figures by SQL over the usage log.

use std::time::Instant;

use tollgate::proto::v1;
use tollgate::proto::v1::analytics_service_client::AnalyticsServiceClient;
use tollgate::proto::v1::{UsageDimension as Dimension, UsageMetric as Metric};

use super::Bench;
use super::generated::{Generated, KINDS, Kind, Sql, WORKSPACE};
use crate::Result;
use crate::processes::server::{AuthorizedChannel, Server};
use crate::report::{Line, Target, median, plain};

/// Every dimension that one question can be grouped by, and the column of the log that says it.
/// Providers are not in the log.
const DIMENSIONS: [(Dimension, Option<&str>); 14] = [
    (Dimension::Model, Some("metered_model_id")),
    (Dimension::Provider, None),
    (Dimension::Department, Some("department_id")),
    (Dimension::User, Some("user_id")),
    (Dimension::ApiKey, Some("api_key_id")),
    (Dimension::KeyGroup, Some("key_group_id")),
    (Dimension::Assistant, Some("assistant_id")),
    (Dimension::Workflow, Some("workflow_id")),
    (Dimension::Feature, Some("feature_id")),
    (Dimension::Project, Some("project_id")),
    (Dimension::Investigation, Some("investigation_id")),
    (Dimension::Session, Some("session_id")),
    (Dimension::Tag, Some(TAG)),
    (Dimension::Outcome, Some("outcome")),
];
/// In the words of each database, see [`column`].
const TAG: &str = "tag";
const TAG_KEY: &str = "environment";
const TOKENS: &str = "input + cache_read + cache_write_5m + cache_write_1h + output + reasoning \
                      + audio_input + audio_output + image_input + image_output";

pub async fn run(bench: &mut Bench) -> Result<Vec<Line>> {
    let mut lines = Vec::new();
    for kind in KINDS {
        match bench.generated(kind).await? {
            Some(generated) => lines.extend(of_database(bench, &generated).await?),
            None => lines.push(Line::not_measured(12, kind.name(), "Postgres is not installed")),
        }
    }
    Ok(lines)
}

async fn of_database(bench: &mut Bench, generated: &Generated) -> Result<Vec<Line>> {
    let name = format!("reports-{}", generated.kind.name());
    let server = Server::tollgate(&bench.programs, &generated.url, &name).await?;
    let mut client = AnalyticsServiceClient::new(server.channel().await?);
    let mut sql = generated.connect().await?;
    let calls = bench.extent.report_calls;
    let of = format!("{} records, {}", plain(generated.records as f64), generated.kind.name());

    let ours = dashboard(&mut client, generated, calls).await?;
    let raw = raw_dashboard(&mut sql, generated).await?;
    let what = format!("GetDashboard, 30 days of {of}");
    let mut lines = vec![
        Line {
            measured: format!("{} ms", plain(median(&ours) * 1e3)),
            against: format!("{} ms", plain(raw * 1e3)),
            ..Line::figure(12, &what, raw / median(&ours), "", Target::AtLeast(100.0))
        }
        .note("how many times as fast as its figures by SQL over the records"),
        p99_line(&format!("{what}, p99"), &ours, calls),
    ];
    lines.extend(queries(&mut client, &mut sql, generated, calls, &of).await?);
    let made = generated.records as f64 / generated.seconds;
    let what = format!("tollgate generate, {of}");
    lines.push(Line::figure(12, &what, made, "records/s", Target::None).note("with their sums"));
    sql.close().await?;
    server.stop().await?;
    Ok(lines)
}

fn p99_line(what: &str, seconds: &[f64], calls: usize) -> Line {
    let p99 = quantile(seconds, 0.99) * 1e3;
    Line::figure(12, what, p99, "ms", Target::AtMost(100.0)).note(format!("of {calls} calls"))
}

/// The worst of all dimensions.
async fn queries(
    client: &mut AnalyticsServiceClient<AuthorizedChannel>,
    sql: &mut Sql,
    generated: &Generated,
    calls: usize,
    of: &str,
) -> Result<Vec<Line>> {
    let mut worst_ratio: Option<(f64, f64, f64, Dimension)> = None;
    let mut worst_p99: Option<(f64, Dimension)> = None;
    let mut each = Vec::new();
    for (by, column) in DIMENSIONS {
        let (ours, requests) = query(client, generated, by, calls).await?;
        let middle = median(&ours);
        let p99 = quantile(&ours, 0.99);
        if worst_p99.is_none_or(|(worst, _)| p99 > worst) {
            worst_p99 = Some((p99, by));
        }
        let Some(column) = column else { continue };
        let (raw, counted) = raw_query(sql, generated, column).await?;
        // Records with several values, or none, of a tag do not add up.
        if by != Dimension::Tag && requests != counted {
            let told = format!("{by:?}: {requests} requests told, {counted} are in the log");
            return Err(told.into());
        }
        each.push(format!("{:?} {}", by, plain(raw / middle)));
        if worst_ratio.is_none_or(|(worst, ..)| raw / middle < worst) {
            worst_ratio = Some((raw / middle, middle, raw, by));
        }
    }
    let (ratio, middle, raw, slowest) = worst_ratio.ok_or("no dimension was asked for")?;
    let (p99, latest) = worst_p99.ok_or("no dimension was asked for")?;
    let what = format!("QueryUsage by one dimension, 30 days of {of}");
    Ok(vec![
        Line {
            measured: format!("{} ms", plain(middle * 1e3)),
            against: format!("{} ms", plain(raw * 1e3)),
            ..Line::figure(12, &what, ratio, "", Target::AtLeast(100.0))
        }
        .note(format!("the least of all: {slowest:?}; {}", each.join(", "))),
        Line::figure(12, &format!("{what}, p99"), p99 * 1e3, "ms", Target::AtMost(100.0))
            .note(format!("the greatest of all: {latest:?}; of {calls} calls each")),
    ])
}

fn range(generated: &Generated) -> Option<v1::ReportRange> {
    let (first, last) = generated.report_days();
    let (first_date, last_date) = (first.to_string(), last.to_string());
    Some(v1::ReportRange { first_date, last_date, ..Default::default() })
}

/// Seconds of each call.
async fn dashboard(
    client: &mut AnalyticsServiceClient<AuthorizedChannel>,
    generated: &Generated,
    calls: usize,
) -> Result<Vec<f64>> {
    let mut seconds = Vec::new();
    for call in 0..=calls {
        let request = v1::GetDashboardRequest {
            workspace_id: WORKSPACE.into(),
            range: range(generated),
            ..Default::default()
        };
        let begin = Instant::now();
        client.get_dashboard(request).await?;
        // The first one opens files and connections.
        if call > 0 {
            seconds.push(begin.elapsed().as_secs_f64());
        }
    }
    Ok(seconds)
}

/// The same of a query, and the requests that it tells in all.
async fn query(
    client: &mut AnalyticsServiceClient<AuthorizedChannel>,
    generated: &Generated,
    by: Dimension,
    calls: usize,
) -> Result<(Vec<f64>, i64)> {
    let (mut seconds, mut requests) = (Vec::new(), 0);
    let tag_key = if by == Dimension::Tag { TAG_KEY } else { "" };
    for call in 0..=calls {
        let request = v1::QueryUsageRequest {
            workspace_id: WORKSPACE.into(),
            range: range(generated),
            metrics: [Metric::Cost, Metric::Requests, Metric::Tokens].map(i32::from).to_vec(),
            group_by: vec![v1::UsageGrouping { dimension: by.into(), tag_key: tag_key.into() }],
            ..Default::default()
        };
        let begin = Instant::now();
        let answer = client.query_usage(request).await?.into_inner();
        if call > 0 {
            seconds.push(begin.elapsed().as_secs_f64());
        }
        let values = answer.total.and_then(|total| total.values);
        requests = values.and_then(|values| values.request_count).unwrap_or(0);
    }
    Ok((seconds, requests))
}

fn column(kind: Kind, column: &str) -> String {
    match (column, kind) {
        (TAG, Kind::Sqlite) => {
            format!("CASE WHEN tags = '' THEN '' ELSE json_extract(tags, '$.{TAG_KEY}') END")
        }
        (TAG, Kind::Postgres) => format!("NULLIF(tags, '')::json ->> '{TAG_KEY}'"),
        _ => column.to_owned(),
    }
}

/// Seconds of one dimension by SQL over the records, and the requests it counts.
async fn raw_query(sql: &mut Sql, generated: &Generated, by: &str) -> Result<(f64, i64)> {
    let (_, from, to) = generated.report_times();
    let by = column(generated.kind, by);
    let text = format!(
        "SELECT {by} AS value, CAST(SUM(cost_nanos) AS BIGINT) AS cost, \
         CAST(SUM({TOKENS}) AS BIGINT), CAST(SUM(CASE WHEN kind = 0 THEN 1 ELSE 0 END) AS BIGINT) \
         FROM usage_records WHERE workspace_id = '{WORKSPACE}' AND charge_time >= {from} \
         AND charge_time < {to} GROUP BY {by} ORDER BY cost DESC"
    );
    let begin = Instant::now();
    let counts = sql.rows(&text).await?;
    Ok((begin.elapsed().as_secs_f64(), counts.iter().sum()))
}

/// Seconds of what the dashboard shows, by SQL over the records: each figure and each chart.
async fn raw_dashboard(sql: &mut Sql, generated: &Generated) -> Result<f64> {
    let (before, from, to) = generated.report_times();
    let scope = |from: i64, to: i64| {
        format!(
            "FROM usage_records WHERE workspace_id = '{WORKSPACE}' AND kind = 0 \
             AND charge_time >= {from} AND charge_time < {to}"
        )
    };
    let figures = |scope: &str| {
        format!(
            "SELECT CAST(SUM({TOKENS}) AS BIGINT), CAST(SUM(cost_nanos) AS BIGINT), \
             COUNT(DISTINCT user_id), COUNT(DISTINCT workflow_id), COUNT(DISTINCT assistant_id), \
             CAST(SUM(CASE WHEN outcome = 1 THEN 1 ELSE 0 END) AS BIGINT), COUNT(*) {scope}"
        )
    };
    let by = |column: &str, scope: &str| {
        format!(
            "SELECT {column}, COUNT(*), CAST(SUM({TOKENS}) AS BIGINT) {scope} GROUP BY {column}"
        )
    };
    let now = scope(from, to);
    let texts = [
        figures(&now),
        figures(&scope(before, from)),
        format!("SELECT day, COUNT(DISTINCT user_id) {now} GROUP BY day"),
        by("department_id", &now),
        by("workflow_id", &now),
        by("assistant_id", &now),
        // First value: the first success of each user, ever.
        format!(
            "SELECT user_id, MIN(charge_time) FROM usage_records \
             WHERE workspace_id = '{WORKSPACE}' AND kind = 0 AND outcome = 0 GROUP BY user_id"
        ),
    ];
    let begin = Instant::now();
    for text in texts {
        sql.rows(&text).await?;
    }
    Ok(begin.elapsed().as_secs_f64())
}

/// The value that the given share of all does not exceed.
fn quantile(values: &[f64], share: f64) -> f64 {
    let mut values = values.to_vec();
    values.sort_by(f64::total_cmp);
    let place = (share * values.len() as f64).ceil() as usize;
    values.get(place.clamp(1, values.len().max(1)) - 1).copied().unwrap_or(f64::NAN)
}
