//! Exports through the API: whole files in bounded parts, as fast as they are read, that end with a
//! status where they do not end well.

use std::collections::BTreeMap;

use tollgate::domain::time::MICROS_PER_HOUR;
use tollgate::proto::v1;
use tollgate::proto::v1::export_usage_request::Content;
use tonic::{Code, Status, Streaming};

use crate::fixtures::{
    ACME, acme, assert_failed, price, price_since_2023, record, refused_fields, reprice,
};
use crate::server::Server;

const PART_BYTES_MAX: usize = 262_144;
/// As `grpc/export.rs` has it.
const EXPORTS_MAX: usize = 8;

fn records() -> Content {
    Content::Records(v1::RecordsExport { range: None })
}

async fn begin(
    server: &Server,
    content: Content,
    format: v1::ExportFormat,
) -> Result<Streaming<v1::ExportUsageResponse>, Status> {
    let request = v1::ExportUsageRequest {
        workspace_id: ACME.to_owned(),
        format: format.into(),
        content: Some(content),
    };
    Ok(server.analytics().export_usage(request).await?.into_inner())
}

/// The name, the media type, and the bytes of a file.
async fn file(server: &Server, content: Content, format: v1::ExportFormat) -> (String, Vec<u8>) {
    let mut stream = begin(server, content, format).await.unwrap();
    let (mut name, mut bytes) = (String::new(), Vec::new());
    while let Some(part) = stream.message().await.unwrap() {
        assert!((1..=PART_BYTES_MAX).contains(&part.data.len()), "{}", part.data.len());
        assert_eq!(part.file_name.is_empty(), !bytes.is_empty(), "in the first message alone");
        assert_eq!(part.media_type.is_empty(), !bytes.is_empty());
        name.push_str(&part.file_name);
        bytes.extend(part.data);
    }
    (name, bytes)
}

/// Rows of a file of CSV, by the names of its columns.
async fn rows(server: &Server, content: Content) -> Vec<BTreeMap<String, String>> {
    let (_, bytes) = file(server, content, v1::ExportFormat::Csv).await;
    let mut reader = csv::Reader::from_reader(bytes.as_slice());
    reader.deserialize().map(Result::unwrap).collect()
}

/// Records `count` requests with long tags, so that parts fill up.
async fn fill(server: &Server, count: usize) {
    let tag = |index: usize| (format!("tag-{index}"), "x".repeat(120));
    let attribution = v1::Attribution { tags: (0..16).map(tag).collect(), ..Default::default() };
    for batch in 0..count / 500 {
        let records = (0..500).map(|index| v1::RecordUsageRequest {
            attribution: Some(attribution.clone()),
            ..record(&format!("r-{batch}-{index}"), "small")
        });
        let request = v1::RecordUsageBatchRequest { records: records.collect() };
        let answer = server.usage().record_usage_batch(request).await.unwrap().into_inner();
        assert_eq!(answer.results.len(), 500);
    }
}

#[tokio::test]
async fn the_log_comes_in_parts_and_whole() {
    let server = acme().await;
    fill(&server, 2_000).await;
    let (name, bytes) = file(&server, records(), v1::ExportFormat::Unspecified).await;
    assert_eq!(name, "acme-records-2026-02-14-2026-03-15.csv");
    assert!(bytes.len() > 8 * PART_BYTES_MAX);
    let mut reader = csv::Reader::from_reader(bytes.as_slice());
    assert_eq!(reader.records().map(Result::unwrap).count(), 2_000);
    let (name, bytes) = file(&server, records(), v1::ExportFormat::Parquet).await;
    assert_eq!(name, "acme-records-2026-02-14-2026-03-15.parquet");
    assert!(bytes.starts_with(b"PAR1") && bytes.ends_with(b"PAR1"));
}

#[tokio::test]
async fn what_is_recorded_meanwhile_is_not_in_the_file() {
    let server = acme().await;
    fill(&server, 1_000).await;
    let mut stream = begin(&server, records(), v1::ExportFormat::Csv).await.unwrap();
    let mut bytes = stream.message().await.unwrap().unwrap().data;
    server.clock.advance(MICROS_PER_HOUR);
    server.usage().record_usage(record("later", "small")).await.unwrap();
    while let Some(part) = stream.message().await.unwrap() {
        bytes.extend(part.data);
    }
    let text = String::from_utf8(bytes).unwrap();
    assert_eq!(text.matches("\r\n").count(), 1_001);
    assert!(!text.contains("later"));
}

#[tokio::test]
async fn a_client_that_goes_away_frees_its_place() {
    let server = acme().await;
    fill(&server, 1_000).await;
    let mut open = Vec::new();
    for _ in 0..EXPORTS_MAX {
        open.push(begin(&server, records(), v1::ExportFormat::Csv).await.unwrap());
    }
    let refused = begin(&server, records(), v1::ExportFormat::Csv).await.unwrap_err();
    let bound = [("bound", "number of exports at once")];
    assert_failed(&refused, Code::ResourceExhausted, "BOUND_REACHED", &bound);
    open.pop();
    // The server learns of it a little later.
    let mut found = begin(&server, records(), v1::ExportFormat::Csv).await;
    while found.is_err() {
        tokio::task::yield_now().await;
        found = begin(&server, records(), v1::ExportFormat::Csv).await;
    }
}

#[tokio::test]
async fn a_file_that_the_stop_of_the_server_cuts_off_ends_with_a_status() {
    let server = acme().await;
    fill(&server, 2_000).await;
    let mut stream = begin(&server, records(), v1::ExportFormat::Csv).await.unwrap();
    stream.message().await.unwrap().unwrap();
    let reading = async {
        loop {
            match stream.message().await {
                Ok(Some(_)) => tokio::task::yield_now().await,
                end => return end,
            }
        }
    };
    let (stopped, end) = tokio::join!(server.stop(), reading);
    stopped.unwrap();
    // Unless it was all on its way already.
    if let Err(status) = end {
        assert_failed(&status, Code::Unavailable, "STOPPING", &[]);
    }
}

#[tokio::test]
async fn reports_and_queries_say_in_a_file_what_they_answer() {
    let server = acme().await;
    for (index, model) in ["big", "big", "small"].into_iter().enumerate() {
        let attribution = v1::Attribution {
            user_id: format!("user-{index}"),
            workflow_id: "=triage".to_owned(),
            ..Default::default()
        };
        let request = v1::RecordUsageRequest {
            attribution: Some(attribution),
            ..record(&format!("r-{index}"), model)
        };
        server.usage().record_usage(request).await.unwrap();
    }
    let report = |kind: v1::ReportKind| {
        Content::Report(v1::ReportExport { kind: kind.into(), ..Default::default() })
    };
    let overview = rows(&server, report(v1::ReportKind::Overview)).await;
    let figure = |name: &str| overview.iter().find(|row| row["figure"] == name).unwrap();
    assert_eq!(figure("spend")["amount"], "4.20");
    assert_eq!(figure("spend")["currency_code"], "EUR");
    assert_eq!(figure("active_users")["count"], "3");
    let workflows = rows(&server, report(v1::ReportKind::TopWorkflows)).await;
    assert_eq!((workflows.len(), workflows[0]["id"].as_str()), (1, "'=triage"));
    let days = rows(&server, report(v1::ReportKind::ActiveUsers)).await;
    assert_eq!((days.len(), days[29]["user_count"].as_str()), (30, "3"));
    for kind in [
        v1::ReportKind::TokenUsageByTeam,
        v1::ReportKind::TopAssistants,
        v1::ReportKind::TimeToFirstValue,
        v1::ReportKind::NeverActiveUsers,
    ] {
        for format in [v1::ExportFormat::Csv, v1::ExportFormat::Parquet] {
            assert!(!file(&server, report(kind), format).await.1.is_empty());
        }
    }
    let query = v1::QueryUsageRequest {
        metrics: vec![v1::UsageMetric::Cost.into(), v1::UsageMetric::Requests.into()],
        group_by: vec![v1::UsageGrouping {
            dimension: v1::UsageDimension::Model.into(),
            ..Default::default()
        }],
        ..Default::default()
    };
    let groups = rows(&server, Content::Query(query)).await;
    let told: Vec<[&str; 3]> = groups
        .iter()
        .map(|row| ["model", "cost", "request_count"].map(|name| row[name].as_str()))
        .collect();
    assert_eq!(told, [["big", "4.00", "2"], ["small", "0.20", "1"]]);
}

#[tokio::test]
async fn what_cannot_be_exported_is_named() {
    let server = acme().await;
    let check = async |content: Option<Content>, expected: &[&str]| {
        let request =
            v1::ExportUsageRequest { workspace_id: ACME.to_owned(), content, ..Default::default() };
        let status = server.analytics().export_usage(request).await.unwrap_err();
        assert_eq!(refused_fields(&status), expected);
    };
    let hour = v1::TimeGranularity::Hour.into();
    let focus = v1::FocusExport { granularity: hour, ..Default::default() };
    let report = v1::ReportExport { granularity: hour, top: 3, ..Default::default() };
    let overview = v1::ReportExport { kind: v1::ReportKind::Overview.into(), ..report.clone() };
    let days = v1::ReportRange {
        first_date: "2026-02-02".to_owned(),
        last_date: "2026-02-01".to_owned(),
        ..Default::default()
    };
    let department = v1::UsageFilter {
        dimension: v1::UsageDimension::User.into(),
        values: vec!["ada".to_owned()],
        ..Default::default()
    };
    let never = v1::ReportExport {
        kind: v1::ReportKind::NeverActiveUsers.into(),
        filters: vec![department],
        ..Default::default()
    };
    check(None, &["content"]).await;
    check(Some(Content::Focus(focus)), &["focus.granularity"]).await;
    check(Some(Content::Report(report)), &["report.kind"]).await;
    check(Some(Content::Report(overview)), &["report.granularity", "report.top"]).await;
    check(
        Some(Content::Records(v1::RecordsExport { range: Some(days) })),
        &["records.range.last_date"],
    )
    .await;
    check(Some(Content::Query(v1::QueryUsageRequest::default())), &["query.metrics"]).await;
    check(Some(Content::Report(never)), &["report.filters"]).await;
    let request = v1::ExportUsageRequest {
        workspace_id: "nobody".to_owned(),
        content: Some(records()),
        ..Default::default()
    };
    let status = server.analytics().export_usage(request).await.unwrap_err();
    assert_failed(&status, Code::NotFound, "WORKSPACE_NOT_FOUND", &[]);
}

/// What FOCUS says of days, in both granularities.
async fn focus(server: &Server, first: &str, last: &str) -> [Vec<BTreeMap<String, String>>; 2] {
    let content = |granularity: v1::TimeGranularity| {
        Content::Focus(v1::FocusExport {
            range: Some(v1::ReportRange {
                first_date: first.to_owned(),
                last_date: last.to_owned(),
                ..Default::default()
            }),
            granularity: granularity.into(),
        })
    };
    let entries = rows(server, content(v1::TimeGranularity::Unspecified)).await;
    [entries, rows(server, content(v1::TimeGranularity::Day)).await]
}

/// Sum of the costs, and the columns of the first row that say when it is billed and what it is.
fn billed(rows: &[BTreeMap<String, String>]) -> (rust_decimal::Decimal, Option<[&str; 3]>) {
    let sum = rows.iter().map(|row| row["BilledCost"].parse::<rust_decimal::Decimal>().unwrap());
    let columns = ["BillingPeriodStart", "ChargePeriodStart", "ChargeClass"];
    (sum.sum(), rows.first().map(|row| columns.map(|name| &*row[name])))
}

#[tokio::test]
async fn what_comes_after_the_end_of_a_period_is_billed_in_the_open_one() {
    let server = acme().await;
    let february = |id: &str, second: i64| v1::RecordUsageRequest {
        start_time: Some(prost_types::Timestamp { seconds: second, nanos: 0 }),
        ..record(id, "big")
    };
    let (late, last_second) = (1_771_599_845, 1_772_323_199);
    price_since_2023(&server, price("EUR", "10", "20"), "").await;
    // 2026-02-20T15:04:05Z and 2026-02-28T23:59:59Z: both are recorded in March.
    server.usage().record_usage(february("r-1", late)).await.unwrap();
    server.usage().record_usage(february("r-2", last_second)).await.unwrap();
    server.usage().record_usage(record("r-3", "big")).await.unwrap();
    for rows in focus(&server, "2026-02-01", "2026-02-28").await {
        assert_eq!(billed(&rows), (0.into(), None), "February is as it was at its end");
    }
    let [entries, days] = focus(&server, "2026-03-01", "2026-03-31").await;
    for (rows, start) in [(&entries, "2026-02-20T15:04:05Z"), (&days, "2026-02-20T00:00:00Z")] {
        let expected = ["2026-03-01T00:00:00Z", start, "Correction"];
        assert_eq!(billed(rows), (6.into(), Some(expected)));
        let open = rows.iter().filter(|row| row["ChargeClass"].is_empty());
        assert_eq!(open.count(), 2, "input and output of r-3");
    }
    // In one file of both months nothing is there twice.
    for rows in focus(&server, "2026-02-01", "2026-03-31").await {
        assert_eq!(billed(&rows).0, 6.into());
    }

    // A correction in April of usage of March.
    server.clock.advance(20 * 24 * MICROS_PER_HOUR);
    price_since_2023(&server, price("EUR", "20", "20"), ACME).await;
    assert_eq!(reprice(&server).await.corrected_count, 3);
    for rows in focus(&server, "2026-03-01", "2026-03-31").await {
        assert_eq!(billed(&rows).0, 6.into(), "March is as it was at its end");
    }
    for rows in focus(&server, "2026-04-01", "2026-04-30").await {
        let (sum, first) = billed(&rows);
        assert_eq!((sum, first.unwrap()[2]), (3.into(), "Correction"));
    }
}
