//! Export of records: each record once, with all of its fields, as of the start of the export.

use std::collections::BTreeMap;

use tollgate::domain::usage::TokenClass;
use tollgate::export::records::Records;
use tollgate::export::{CHUNK_BYTES_MAX, Error, Export, Format, LogScope};
use tollgate::storage::settings::Change;

use crate::fixtures::{Row, at, bytes, entry, log, nanos, rows};

fn records(name: &str, format: Format, scope: LogScope) -> Export {
    Export::new(name, format, Box::new(Records::new(scope))).unwrap()
}

/// Compares some cells of a row.
fn check(row: &Row, expected: &[(&str, &str)]) {
    for (column, cell) in expected {
        assert_eq!(row[*column], *cell, "{column}");
    }
}

#[tokio::test]
async fn every_record_is_one_row_with_all_of_its_fields() {
    let log = log().await;
    let export = records("acme-records", Format::Csv, log.scope.clone());
    assert_eq!(export.file_name(), "acme-records.csv");
    let (header, rows) = rows(export).await;
    assert_eq!(header.len(), 62);
    assert_eq!(&header[..4], ["sequence", "workspace_id", "request_id", "attempt"]);
    assert_eq!(rows.len(), log.records.len());
    let by_sequence: BTreeMap<i64, &Row> =
        rows.iter().map(|row| (row["sequence"].parse().unwrap(), row)).collect();
    for record in &log.records {
        let row = by_sequence[&record.seq];
        assert_eq!(row["request_id"], *record.request_id);
        assert_eq!(nanos(&row["cost"]), record.cost.nanos());
        let tokens: i64 = record.usage.tokens.iter().sum();
        assert_eq!(row["token_count"], tokens.to_string());
        let input = record.usage.get(TokenClass::Input);
        assert_eq!(row["input_token_count"], input.to_string());
    }
    check(
        by_sequence[&1],
        &[
            ("workspace_id", "acme"),
            ("kind", "usage"),
            ("charge_time", "2026-03-10T09:30:00.123456Z"),
            ("record_time", "2026-03-10T09:30:01.623456Z"),
            ("model_id", "big"),
            ("provider", "anthropic"),
            ("service_tier", "standard"),
            ("outcome", "success"),
            ("usage_source", "provider"),
            ("latency_seconds", "1.234567"),
            ("cache_read_token_count", "1"),
            ("currency_code", "EUR"),
            ("unpriced", "false"),
            ("price_id", "price-big"),
            ("price_currency_code", "USD"),
            ("priced_model_id", "big"),
            ("exchange_rate", "0.921234567"),
            ("user_id", "'=cmd|' /C calc'!A0"),
            ("key_group_id", "group-1"),
            ("investigation_id", "case \"7\", open"),
            ("tags", r#"{"team":"größe"}"#),
        ],
    );
    check(by_sequence[&6], &[("large", "false")]);
    check(by_sequence[&7], &[("large", "true")]);
    check(by_sequence[&5], &[("unpriced", "true"), ("price_id", ""), ("exchange_rate", "")]);
    check(by_sequence[&6], &[("outcome", "error"), ("user_id", ""), ("tags", "")]);
    check(by_sequence[&7], &[("kind", "expiry_charge"), ("attempt", "-1"), ("cost", "2.00")]);
    check(
        by_sequence[&40],
        &[("web_search_count", "3"), ("page_count", ""), ("factors", "us"), ("reason", "")],
    );
    check(
        by_sequence[&41],
        &[("kind", "credit"), ("cost", "-0.50"), ("reason", "outage"), ("reference", "INV-7")],
    );
    check(by_sequence[&9], &[("kind", "correction"), ("revision", "9"), ("cost", "-0.000000123")]);
}

#[tokio::test]
async fn rows_are_ordered_by_charge_time() {
    let log = log().await;
    let export = records("acme", Format::Csv, log.scope.clone());
    let (_, rows) = rows(export).await;
    let key = |row: &Row| (row["charge_time"].clone(), row["sequence"].parse::<i64>().unwrap());
    assert!(rows.is_sorted_by_key(key));
}

#[tokio::test]
async fn records_after_the_start_are_left_out() {
    let log = log().await;
    let mut export = records("acme", Format::Csv, log.scope.clone());
    let later = entry(1_000, "2026-03-20T00:00:00Z", "big");
    log.scope.store.append(&[later]).await.unwrap();
    let mut text = String::new();
    while let Some(chunk) = export.next_chunk().await.unwrap() {
        text.push_str(std::str::from_utf8(&chunk).unwrap());
    }
    assert_eq!(text.matches("\r\n").count(), log.records.len() + 1);
    assert!(!text.contains("r-1000"));
}

#[tokio::test]
async fn only_records_charged_in_the_window_are_exported() {
    let log = log().await;
    let mut scope = log.scope.clone();
    scope.window.start = at("2026-03-14T23:00:00Z");
    scope.window.end = at("2026-03-16T12:00:00Z");
    let (_, rows) = rows(records("acme", Format::Csv, scope)).await;
    let requests: Vec<&str> = rows.iter().map(|row| row["request_id"].as_str()).collect();
    assert_eq!(requests, ["r-5", "r-6"]);
}

#[tokio::test]
async fn an_empty_log_is_a_header() {
    let log = log().await;
    let mut scope = log.scope.clone();
    scope.window.end = scope.window.start;
    let text = bytes(records("acme", Format::Csv, scope.clone())).await;
    assert!(text.starts_with(b"sequence,") && text.ends_with(b",reported_cost_charged,large\r\n"));
    let parquet = bytes(records("acme", Format::Parquet, scope)).await;
    assert!(parquet.starts_with(b"PAR1") && parquet.ends_with(b"PAR1"));
}

#[tokio::test]
async fn chunks_are_bounded() {
    let log = log().await;
    let many: Vec<_> =
        (2_000..6_500).map(|index| entry(index, "2026-03-20T00:00:00Z", "big")).collect();
    log.scope.store.append(&many).await.unwrap();
    let mut scope = log.scope.clone();
    scope.last_seq = 6_500;
    for format in [Format::Csv, Format::Parquet] {
        let mut export = records("acme", format, scope.clone());
        let mut sizes = Vec::new();
        while let Some(chunk) = export.next_chunk().await.unwrap() {
            sizes.push(chunk.len());
        }
        assert!(sizes.iter().all(|size| (1..=CHUNK_BYTES_MAX).contains(size)), "{sizes:?}");
    }
}

#[tokio::test]
async fn an_export_fails_if_its_records_are_dropped_meanwhile() {
    let log = log().await;
    let store = &log.scope.store;
    // Several pages: only so many are read ahead that the last one is read after the drop.
    let many: Vec<_> =
        (2_000..6_500).map(|index| entry(index, "2026-03-20T00:00:00Z", "big")).collect();
    store.append(&many).await.unwrap();
    let put = Change::PutWorkspace((*log.scope.workspace).clone());
    store.change("", &[put], &[]).await.unwrap();
    store.rebuild_rollups().await.unwrap();
    let mut export = records("acme", Format::Csv, log.scope.clone());
    let kept_from = at("2026-03-12T00:00:00+01:00");
    assert!(store.drop_records("acme", kept_from, 1_000).await.unwrap() > 0);
    let end = loop {
        match export.next_chunk().await {
            Ok(Some(_)) => {}
            end => break end,
        }
    };
    let failure = end.unwrap_err();
    assert!(matches!(failure, Error::Dropped { .. }), "{failure}");
    assert!(failure.to_string().contains("before 2026-03-12"), "{failure}");
    let mut scope = log.scope.clone();
    scope.window.start = kept_from;
    let (_, rows) = rows(records("acme", Format::Csv, scope)).await;
    assert!(!rows.is_empty());
}
