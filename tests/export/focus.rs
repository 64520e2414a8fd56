//! FOCUS 1.2: columns and values by the specification, and exact sums.

use std::collections::BTreeMap;

use rust_decimal::Decimal;
use tollgate::domain::time::MICROS_PER_DAY;
use tollgate::domain::time::calendar::Window;
use tollgate::export::focus::{ByRecord, Daily, Day};
use tollgate::export::{Export, Format};

use crate::fixtures::{Log, Row, at, log, nanos, rows};

/// One column of the specification.
struct Specified {
    name: String,
    mandatory: bool,
    nulls: bool,
    kind: String,
    values: Vec<String>,
}

fn specified() -> Vec<Specified> {
    let list = include_str!("focus_columns_1_2.csv");
    let mut reader = csv::ReaderBuilder::new().comment(Some(b'#')).from_reader(list.as_bytes());
    let mut columns = Vec::new();
    for record in reader.records() {
        let cells = record.unwrap();
        let values = cells[4].split('|').filter(|value| !value.is_empty());
        columns.push(Specified {
            name: cells[0].to_owned(),
            mandatory: &cells[1] == "M",
            nulls: &cells[2] == "yes",
            kind: cells[3].to_owned(),
            values: values.map(str::to_owned).collect(),
        });
    }
    columns
}

/// Both forms: by record, and by day.
async fn both(log: &Log) -> [(Vec<String>, Vec<Row>); 2] {
    let entries =
        Export::new("acme", Format::Csv, Box::new(ByRecord::new(log.scope.clone()))).unwrap();
    let daily =
        Export::new("acme", Format::Csv, Box::new(Daily::new(log.scope.clone(), days()))).unwrap();
    [rows(entries).await, rows(daily).await]
}

/// The days of March in Berlin before the change to summer time.
fn days() -> Vec<Day> {
    let first = at("2026-03-01T00:00:00+01:00");
    (0..28)
        .map(|index| {
            let start = first + index * MICROS_PER_DAY;
            let date = format!("2026-03-{:02}", index + 1).parse().unwrap();
            Day { date, window: Window { start, end: start + MICROS_PER_DAY } }
        })
        .collect()
}

#[tokio::test]
async fn every_mandatory_column_is_there_and_others_are_marked() {
    let specified = specified();
    assert_eq!(specified.len(), 57);
    for (header, _) in both(&log().await).await {
        for column in specified.iter().filter(|column| column.mandatory) {
            assert!(header.contains(&column.name), "{} is missing", column.name);
        }
        // Those of the specification first, then ours; both sorted by name.
        let ours = header.iter().position(|name| name.starts_with("x_")).unwrap();
        let (theirs, ours) = header.split_at(ours);
        assert!(theirs.is_sorted() && ours.is_sorted());
        for name in theirs {
            assert!(specified.iter().any(|column| column.name == *name), "{name} is unknown");
        }
        assert!(ours.iter().all(|name| name.starts_with("x_")));
    }
}

#[tokio::test]
async fn every_value_is_of_the_type_that_is_specified() {
    let specified = specified();
    for (header, rows) in both(&log().await).await {
        for column in specified.iter().filter(|column| header.contains(&column.name)) {
            for row in &rows {
                check_value(column, &row[&column.name]);
            }
        }
    }
}

fn check_value(column: &Specified, cell: &str) {
    let Specified { name, nulls, kind, values, .. } = column;
    if cell.is_empty() {
        assert!(nulls, "{name} must not be null");
        return;
    }
    match kind.as_str() {
        "Decimal" => {
            cell.parse::<Decimal>().unwrap_or_else(|_| panic!("{name}: {cell}"));
            let plain = |byte: u8| byte.is_ascii_digit() || b"-.".contains(&byte);
            assert!(cell.bytes().all(plain), "{name}: {cell}");
        }
        "DateTime" => {
            let time = chrono::NaiveDateTime::parse_from_str(cell, "%Y-%m-%dT%H:%M:%SZ");
            assert!(time.is_ok() && cell.len() == 20, "{name}: {cell}");
        }
        "Json" => {
            let object: BTreeMap<String, serde_json::Value> =
                serde_json::from_str(cell).unwrap_or_else(|_| panic!("{name}: {cell}"));
            assert!(object.values().all(|value| !value.is_object() && !value.is_array()));
        }
        "String" => {}
        other => panic!("{name}: {other}"),
    }
    let allowed = values.is_empty() || values.iter().any(|value| value == cell);
    assert!(allowed, "{name}: {cell}");
}

/// Rules of the specification about several columns.
#[tokio::test]
async fn columns_agree_with_one_another() {
    for (_, rows) in both(&log().await).await {
        for row in &rows {
            let is = |column: &str, value: &str| row[column] == value;
            assert_eq!(row["BillingCurrency"], "EUR");
            for (start, end) in [
                ("BillingPeriodStart", "BillingPeriodEnd"),
                ("ChargePeriodStart", "ChargePeriodEnd"),
            ] {
                assert!(row[start] < row[end], "{row:?}");
            }
            // What was recorded after the end of its period is billed in the next one.
            let is_late = is("ChargeClass", "Correction");
            let begins = row["BillingPeriodStart"] <= row["ChargePeriodStart"];
            assert_eq!(begins, !is_late, "{row:?}");
            assert!(row["ChargePeriodEnd"] <= row["BillingPeriodEnd"], "{row:?}");
            let charged = is("ChargeCategory", "Usage") && !is("ChargeClass", "Correction");
            for column in [
                "ConsumedQuantity",
                "ConsumedUnit",
                "ContractedUnitPrice",
                "ListUnitPrice",
                "PricingCategory",
                "PricingQuantity",
                "PricingUnit",
                "SkuId",
                "SkuMeter",
                "SkuPriceId",
            ] {
                assert_eq!(row[column].is_empty(), !charged, "{column}: {row:?}");
            }
            if row["SkuPriceId"].is_empty() {
                assert!(row["SkuPriceDetails"].is_empty());
            }
            if row["SubAccountId"].is_empty() {
                assert!(row["SubAccountName"].is_empty() && row["SubAccountType"].is_empty());
            }
            if charged {
                check_product(row, "ListUnitPrice", "ListCost");
                check_product(row, "ContractedUnitPrice", "ContractedCost");
                let (unit, per) = match row["x_UnitKind"].as_str() {
                    "" => ("Tokens", 1_000_000),
                    "web_search" => ("Searches", 1_000),
                    other => panic!("{other}"),
                };
                assert_eq!(row["PricingUnit"], format!("{per} {unit}"));
                assert_eq!(row["ConsumedUnit"], unit);
                let quantity: Decimal = row["PricingQuantity"].parse().unwrap();
                let count: Decimal = row["ConsumedQuantity"].parse().unwrap();
                assert_eq!(quantity * Decimal::from(per), count);
            } else {
                // Without unit prices all costs are the same.
                assert_eq!(row["ContractedCost"], row["BilledCost"]);
                assert_eq!(row["ListCost"], row["BilledCost"]);
            }
            assert_eq!(row["EffectiveCost"], row["BilledCost"]);
        }
    }
}

/// The unit price times the quantity is the cost, up to rounding to a nano for each record.
fn check_product(row: &Row, unit: &str, cost: &str) {
    let price: Decimal = row[unit].parse().unwrap();
    let quantity: Decimal = row["PricingQuantity"].parse().unwrap();
    let entries: i64 = row["x_EntryCount"].parse().unwrap();
    let product = (price * quantity * Decimal::from(1_000_000_000)).round();
    let difference = product - Decimal::from(nanos(&row[cost]));
    assert!(difference.abs() <= Decimal::from(2 * entries), "{difference}: {row:?}");
}

#[tokio::test]
async fn rows_add_up_to_the_exact_cost_of_their_record() {
    let log = log().await;
    let [(_, entries), (_, daily)] = both(&log).await;
    let mut by_entry: BTreeMap<i64, i64> = BTreeMap::new();
    for row in &entries {
        *by_entry.entry(row["x_Sequence"].parse().unwrap()).or_default() +=
            nanos(&row["BilledCost"]);
    }
    for record in &log.records {
        let cost = by_entry.get(&record.seq).copied().unwrap_or_default();
        assert_eq!(cost, record.cost.nanos(), "{record:?}");
    }
    let total: i64 = log.records.iter().map(|record| record.cost.nanos()).sum();
    let sum = |rows: &[Row]| rows.iter().map(|row| nanos(&row["BilledCost"])).sum::<i64>();
    assert_eq!(sum(&entries), total);
    assert_eq!(sum(&daily), total);
    let tokens = |rows: &[Row]| {
        let counts = rows.iter().filter_map(|row| row["ConsumedQuantity"].parse::<i64>().ok());
        counts.sum::<i64>()
    };
    let used: i64 = log.records.iter().flat_map(|record| record.usage.tokens).sum();
    let extras = log.records.iter().filter_map(|record| record.extras.as_ref());
    let used = used + extras.flat_map(|extras| extras.units).sum::<i64>();
    assert_eq!((tokens(&entries), tokens(&daily)), (used, used));
}

#[tokio::test]
async fn units_and_credits_have_rows_of_their_own() {
    let log = log().await;
    for (_, rows) in both(&log).await {
        let searches: Vec<&Row> =
            rows.iter().filter(|row| row["x_UnitKind"] == "web_search").collect();
        let [row] = searches.as_slice() else { panic!("{searches:?}") };
        assert_eq!((&*row["ChargeCategory"], &*row["SkuMeter"]), ("Usage", "Web Searches"));
        // Three searches at 0.01 USD: the factor is of tokens.
        assert_eq!(row["PricingCurrencyEffectiveCost"], "0.03");
        assert_eq!((&*row["x_Factors"], &*row["x_TokenClass"]), ("us", ""));
        let with_factor = rows.iter().filter(|row| row["x_Factors"] == "us");
        let tokens: Vec<&Row> = with_factor.filter(|row| row["x_TokenClass"] == "input").collect();
        let [row] = tokens.as_slice() else { panic!("{tokens:?}") };
        let [billed, listed] =
            ["PricingCurrencyContractedUnitPrice", "PricingCurrencyListUnitPrice"];
        assert_eq!(row[billed], row[listed]);
        let credits: Vec<&Row> =
            rows.iter().filter(|row| row["ChargeCategory"] == "Credit").collect();
        let [row] = credits.as_slice() else { panic!("{credits:?}") };
        assert_eq!((&*row["BilledCost"], &*row["ChargeFrequency"]), ("-0.50", "One-Time"));
        assert_eq!(
            (&*row["ChargeClass"], &*row["SkuId"], &*row["x_EntryKind"]),
            ("", "", "credit")
        );
    }
}

/// Rows of one record.
fn of(rows: &[Row], sequence: i64) -> Vec<&Row> {
    let sequence = sequence.to_string();
    rows.iter().filter(|row| row["x_Sequence"] == sequence).collect()
}

#[tokio::test]
async fn each_token_class_is_a_row_at_its_price() {
    let log = log().await;
    let [(_, rows), _] = both(&log).await;
    let full = of(&rows, 1);
    let classes: Vec<&str> = full.iter().map(|row| row["x_TokenClass"].as_str()).collect();
    assert_eq!(classes, ["input", "cache_read", "output"]);
    let input = full[0];
    for (column, cell) in [
        ("BilledCost", "0.341198567"),
        ("BillingAccountId", "acme"),
        ("BillingAccountName", "Acme"),
        ("BillingPeriodStart", "2026-02-14T23:00:00Z"),
        ("BillingPeriodEnd", "2026-03-14T23:00:00Z"),
        ("ChargeCategory", "Usage"),
        ("ChargeClass", ""),
        ("ChargeDescription", "Input Tokens of big, standard tier"),
        ("ChargeFrequency", "Usage-Based"),
        ("ChargePeriodStart", "2026-03-10T09:30:00Z"),
        ("ChargePeriodEnd", "2026-03-10T09:30:01Z"),
        ("ConsumedQuantity", "123457"),
        ("ListUnitPrice", "2.763703701"),
        ("PricingCurrency", "USD"),
        ("PricingCurrencyListUnitPrice", "3.00"),
        ("PricingCurrencyEffectiveCost", "0.370371"),
        ("PricingQuantity", "0.123457"),
        ("ProviderName", "anthropic"),
        ("ResourceId", "big"),
        ("ResourceName", "The big model"),
        ("SkuId", "big/standard/input"),
        ("SkuPriceId", "price-big/standard/input/0"),
        ("SubAccountId", "research"),
        ("Tags", r#"{"team":"größe"}"#),
        ("x_ChargeTime", "2026-03-10T09:30:00.123456Z"),
        ("x_LocalDate", "2026-03-10"),
        ("x_ProjectId", "apollo"),
        ("x_UserId", "'=cmd|' /C calc'!A0"),
        ("x_WorkflowId", "triage"),
    ] {
        assert_eq!(input[column], cell, "{column}");
    }
    // The price depends on the tier and the size of the input, the date on the local day.
    let batch = of(&rows, 2);
    assert_eq!(batch[0]["PricingCurrencyListUnitPrice"], "1.00");
    assert_eq!(batch[0]["x_LocalDate"], "2026-03-11");
    let long = of(&rows, 3);
    assert_eq!(long[0]["PricingCurrencyListUnitPrice"], "6.00");
    assert_eq!(long[0]["SkuPriceId"], "price-big/standard/input/200001");
}

#[tokio::test]
async fn a_price_of_the_workspace_comes_with_the_list_price() {
    let log = log().await;
    let [(_, rows), _] = both(&log).await;
    for row in of(&rows, 4) {
        let ratio =
            Decimal::from(nanos(&row["BilledCost"])) / Decimal::from(nanos(&row["ListCost"]));
        let digits = if row["x_TokenClass"] == "cache_read" { 3 } else { 6 };
        assert_eq!(ratio.round_dp(digits), Decimal::new(8, 1), "{row:?}");
        assert!(row["ListUnitPrice"] != row["ContractedUnitPrice"]);
        // The last second before the next cycle.
        assert_eq!(row["ChargePeriodEnd"], row["BillingPeriodEnd"]);
    }
}

#[tokio::test]
async fn unpriced_usage_costs_nothing() {
    let log = log().await;
    let [(_, rows), _] = both(&log).await;
    for row in of(&rows, 5) {
        assert_eq!((row["BilledCost"].as_str(), row["ListUnitPrice"].as_str()), ("0.00", "0.00"));
        assert_eq!(row["ProviderName"], "Unknown");
        assert_eq!(row["SkuPriceId"], row["SkuId"]);
        assert_eq!(row["PricingCurrency"], "");
        assert_eq!(row["BillingPeriodStart"], "2026-03-14T23:00:00Z");
    }
    assert_eq!(of(&rows, 5).len(), 3);
}

#[tokio::test]
async fn a_charge_without_tokens_is_one_row() {
    let log = log().await;
    let [(_, rows), _] = both(&log).await;
    let one = |sequence| match of(&rows, sequence)[..] {
        [row] => row,
        ref rows => panic!("{rows:?}"),
    };
    assert!(of(&rows, 6).is_empty(), "it charged nothing");
    let charge = |row: &Row| {
        ["ChargeCategory", "ChargeClass", "x_EntryKind", "BilledCost"].map(|name| row[name].clone())
    };
    assert_eq!(charge(one(7)), ["Adjustment", "", "expiry_charge", "2.00"]);
    // Before and after the end of its billing period.
    assert_eq!(charge(one(8)), ["Adjustment", "", "correction", "-0.000000123"]);
    assert_eq!(charge(one(9)), ["Usage", "Correction", "correction", "-0.000000123"]);
}

#[tokio::test]
async fn a_day_is_aggregated_by_its_groups() {
    let log = log().await;
    let [_, (_, rows)] = both(&log).await;
    let day: Vec<&Row> = rows.iter().filter(|row| row["x_LocalDate"] == "2026-03-11").collect();
    // Thirty records of one group, and one of the batch tier.
    let sums: Vec<[&str; 4]> = day
        .iter()
        .map(|row| {
            ["x_ServiceTier", "x_TokenClass", "x_EntryCount", "ConsumedQuantity"]
                .map(|name| row[name].as_str())
        })
        .collect();
    assert_eq!(
        sums,
        [
            ["standard", "input", "30", "5175"],
            ["standard", "reasoning", "30", "735"],
            ["batch", "input", "1", "123457"],
            ["batch", "cache_read", "1", "1"],
            ["batch", "output", "1", "777"],
        ]
    );
    assert_eq!(day[0]["ChargePeriodStart"], "2026-03-10T23:00:00Z");
    assert_eq!(day[0]["ChargePeriodEnd"], "2026-03-11T23:00:00Z");
    assert_eq!((day[0]["x_RequestId"].as_str(), day[0]["Tags"].as_str()), ("", ""));
}
