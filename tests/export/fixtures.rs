//! A usage log with records of every kind, and readers of its exports.
//!
//! `acme` pays in EUR, in Berlin, from the 15th. `big` is priced in USD, with a batch tier and a
//! long-context price; `own` at a price of the workspace; `mystery` has none.

use std::collections::BTreeMap;
use std::sync::Arc;

use tempfile::TempDir;
use tollgate::domain::attribution::Attribution;
use tollgate::domain::catalog::bill::{Factor, Multiplier};
use tollgate::domain::catalog::price::{Price, Rate, Rates, Source, Variant};
use tollgate::domain::catalog::{Catalog, Model};
use tollgate::domain::record::{CREDIT_ATTEMPT, EXPIRY_ATTEMPT, Record, RecordKind};
use tollgate::domain::time::calendar::{Calendar, DayOfWeek, Window};
use tollgate::domain::usage::{
    Extras, Note, Outcome, ServiceTier, TokenClass, UnitKind, Usage, UsageSource,
};
use tollgate::domain::workspace::{
    HoldDurability, HoldExpiryPolicy, Plan, ReportedCostPolicy, UnknownKeyPolicy,
    UnpricedModelPolicy, Workspace,
};
use tollgate::domain::{Amount, Currency, Time};
use tollgate::export::{Export, LogScope};
use tollgate::storage::sql;

pub const UNITS: i64 = 1_000_000_000;

pub struct Log {
    pub scope: LogScope,
    pub records: Vec<Record>,
    _folder: TempDir,
}

pub fn at(text: &str) -> Time {
    Time::from_utc(chrono::DateTime::parse_from_rfc3339(text).unwrap().to_utc())
}

fn workspace() -> Workspace {
    Workspace {
        id: "acme".into(),
        display_name: "Acme".to_owned(),
        currency: Currency::EUR,
        time_zone: chrono_tz::Europe::Berlin,
        automatic_fallback: true,
        unpriced_models: UnpricedModelPolicy::Allow,
        hold_expiry: HoldExpiryPolicy::ChargeEstimate,
        hold_durability: HoldDurability::Memory,
        outage: Default::default(),
        unknown_keys: UnknownKeyPolicy::Accept,
        required_fields: Vec::new(),
        week_start: DayOfWeek::Monday,
        reported_cost: ReportedCostPolicy::default(),
        alerts: Default::default(),
        may_have_expiry_charges: true,
        usage_retention_days: None,
        price_max_age_days: None,
        archive_time: None,
        plan: Some(Plan {
            budget: Amount::ZERO,
            overage: Amount::ZERO,
            start_date: "2026-01-15".parse().unwrap(),
        }),
        create_time: Time::EARLIEST,
        update_time: Time::EARLIEST,
    }
}

fn model(id: &str, provider: &str) -> Model {
    Model {
        id: id.into(),
        provider: provider.to_owned(),
        display_name: format!("The {id} model"),
        context_window: None,
        max_input: None,
        max_output: None,
        capabilities: Vec::new(),
        aliases: Vec::new(),
        source: Source::Operator,
        update_time: Time::EARLIEST,
    }
}

fn rates(given: &[(TokenClass, i64)]) -> Rates {
    let mut rates = [None; TokenClass::COUNT];
    for (class, rate) in given {
        rates[*class as usize] = Some(*rate);
    }
    rates
}

fn price(id: &str, model_id: &str, own: bool, input: i64, output: i64) -> Price {
    Price {
        id: id.into(),
        model_id: model_id.into(),
        workspace_id: own.then(|| "acme".into()),
        currency: Currency::USD,
        effective_time: Time::EARLIEST,
        create_time: Time::EARLIEST,
        source: Source::Operator,
        base: rates(&[(TokenClass::Input, input), (TokenClass::Output, output)]),
        variants: Vec::new(),
        unit_rates: {
            let mut rates = [None; UnitKind::COUNT];
            rates[UnitKind::WebSearch as usize] = Some(10 * UNITS);
            rates
        },
        factors: vec![Factor {
            name: "us".into(),
            multiplier: Multiplier::from_nanos(1_100_000_000).unwrap(),
            of_units: false,
        }],
    }
}

fn catalog() -> Catalog {
    let mut big = price("price-big", "big", false, 3 * UNITS, 15 * UNITS);
    big.variants = vec![
        Variant {
            tier: ServiceTier::Batch,
            above_input_tokens: 0,
            inclusive: false,
            rates: rates(&[(TokenClass::Input, UNITS), (TokenClass::Output, 7 * UNITS)]),
            unit_rates: Default::default(),
        },
        Variant {
            tier: ServiceTier::Standard,
            above_input_tokens: 200_000,
            inclusive: false,
            rates: rates(&[(TokenClass::Input, 6 * UNITS)]),
            unit_rates: Default::default(),
        },
    ];
    let prices = vec![
        big,
        price("price-list", "own", false, 10 * UNITS, 30 * UNITS),
        price("price-own", "own", true, 8 * UNITS, 24 * UNITS),
    ];
    Catalog::new(vec![model("big", "anthropic"), model("own", "openai")], prices, Vec::new())
}

/// Record number `index`, without usage, charged at a time.
pub fn entry(index: i64, charge_time: &str, model_id: &str) -> Record {
    let charge_time = at(charge_time);
    let calendar = Calendar::new(chrono_tz::Europe::Berlin, None);
    Record {
        seq: index,
        workspace_id: "acme".into(),
        request_id: format!("r-{index}").into(),
        attempt: 0,
        revision: 0,
        kind: RecordKind::Usage,
        model_id: model_id.into(),
        metered_model_id: model_id.into(),
        tier: ServiceTier::Standard,
        usage: Usage::default(),
        outcome: Outcome::Success,
        source: UsageSource::Provider,
        cost: Amount::ZERO,
        unpriced: false,
        price_id: None,
        exchange_rate: Rate::ONE,
        charge_time,
        hour: calendar.hour_start(charge_time),
        day: calendar.day(charge_time).start,
        start_time: charge_time,
        start_time_adjusted: false,
        large_above: None,
        record_time: charge_time + 1_500_000,
        latency: 1_234_567,
        attribution: Attribution {
            user_id: "ada".to_owned(),
            department_id: "research".to_owned(),
            ..Attribution::default()
        },
        key_group_id: "".into(),
        fingerprint: 1,
        extras: None,
        answer: None,
    }
}

/// Adds tokens to a record, billed at a price.
fn billed(mut record: Record, catalog: &Catalog, price_id: &str, usage: Usage) -> Record {
    record.usage = usage;
    record.price_id = Some(price_id.into());
    record.exchange_rate = Rate::from_nanos(921_234_567);
    let card = catalog.price_by_id(price_id).unwrap();
    record.cost = card.cost(&usage, record.tier, record.exchange_rate);
    record
}

/// A record with units and a factor.
fn searching(catalog: &Catalog) -> Record {
    let mut record = entry(40, "2026-03-13T08:00:00Z", "big");
    record.usage = Usage::default().with(TokenClass::Input, 1_234_567);
    let extras = Extras::default().with(UnitKind::WebSearch, 3).with_factors(["us"]);
    record.extras = extras.boxed();
    record.price_id = Some("price-big".into());
    record.exchange_rate = Rate::from_nanos(921_234_567);
    let card = catalog.price_by_id("price-big").unwrap();
    let (extras, rate) = (record.extras.as_deref(), record.exchange_rate);
    record.cost = card.bill(&record.usage, extras, record.tier, rate).unwrap();
    record
}

fn credit() -> Record {
    let note = Note {
        reason: "outage".to_owned(),
        reference: "INV-7".to_owned(),
        actor: "ada".to_owned(),
    };
    Record {
        attempt: CREDIT_ATTEMPT,
        kind: RecordKind::Credit,
        cost: Amount::from_nanos(-UNITS / 2),
        latency: 0,
        extras: Extras { note: Some(note), ..Extras::default() }.boxed(),
        ..entry(41, "2026-03-13T09:00:00Z", "big")
    }
}

/// The charge of an expired hold: a large record.
fn expiry() -> Record {
    Record {
        kind: RecordKind::ExpiryCharge,
        attempt: EXPIRY_ATTEMPT,
        outcome: Outcome::Error,
        source: UsageSource::Estimated,
        cost: Amount::from_nanos(2 * UNITS),
        large_above: Some(Amount::from_nanos(UNITS)),
        price_id: Some("price-big".into()),
        ..entry(7, "2026-03-16T12:00:00Z", "big")
    }
}

fn records(catalog: &Catalog) -> Vec<Record> {
    let usage = Usage::default()
        .with(TokenClass::Input, 123_457)
        .with(TokenClass::CacheRead, 1)
        .with(TokenClass::Output, 777);
    let long = Usage::default().with(TokenClass::Input, 200_001).with(TokenClass::Output, 13);
    let day = "2026-03-10T09:30:00.123456Z";
    let mut full = billed(entry(1, day, "big"), catalog, "price-big", usage);
    full.attribution = Attribution {
        user_id: "=cmd|' /C calc'!A0".to_owned(),
        department_id: "research".to_owned(),
        api_key_id: "key-1".to_owned(),
        assistant_id: "helper".to_owned(),
        workflow_id: "triage".to_owned(),
        feature_id: "search".to_owned(),
        project_id: "apollo".to_owned(),
        investigation_id: "case \"7\", open".to_owned(),
        session_id: "s-1".to_owned(),
        tags: BTreeMap::from([("team".to_owned(), "größe".to_owned())]),
    };
    full.key_group_id = "group-1".into();
    let mut batch = entry(2, "2026-03-10T23:30:00Z", "big");
    batch.tier = ServiceTier::Batch;
    let batch = billed(batch, catalog, "price-big", usage);
    let long = billed(entry(3, "2026-03-10T10:00:00Z", "big"), catalog, "price-big", long);
    // Recorded in the last microsecond of its billing period.
    let own = entry(4, "2026-03-14T22:59:59.999999Z", "own");
    let own = Record { record_time: own.charge_time, ..own };
    let own = billed(own, catalog, "price-own", usage);
    let mut mystery = entry(5, "2026-03-14T23:00:00Z", "mystery");
    mystery.unpriced = true;
    mystery.usage = usage;
    let mut failed = entry(6, "2026-03-15T12:00:00Z", "big");
    failed.outcome = Outcome::Error;
    failed.attribution = Attribution::default();
    let correction = |index, record_time: &str| Record {
        seq: index,
        revision: i32::try_from(index).unwrap(),
        kind: RecordKind::Correction,
        usage: Usage::default(),
        cost: Amount::from_nanos(-123),
        record_time: at(record_time),
        latency: 0,
        ..full.clone()
    };
    let soon = correction(8, "2026-03-12T00:00:00Z");
    let late = correction(9, "2026-03-20T00:00:00Z");
    let mut more = Vec::new();
    for index in 10..40 {
        let tokens = Usage::default()
            .with(TokenClass::Input, 7 * index + 1)
            .with(TokenClass::Reasoning, index);
        more.push(billed(
            entry(index, "2026-03-11T08:00:00Z", "big"),
            catalog,
            "price-big",
            tokens,
        ));
    }
    more.extend([searching(catalog), credit()]);
    let few = [full, batch, long, own, mystery, failed, expiry(), soon, late];
    few.into_iter().chain(more).collect()
}

pub async fn log() -> Log {
    let folder = tempfile::tempdir().unwrap();
    let url = format!("sqlite:{}", folder.path().join("tollgate.db").display());
    let store = sql::open(&url).await.unwrap();
    store.claim().await.unwrap();
    let catalog = catalog();
    let records = records(&catalog);
    store.append(&records).await.unwrap();
    let scope = LogScope {
        store,
        workspace: Arc::new(workspace()),
        catalog: Arc::new(catalog),
        window: Window { start: at("2026-03-01T00:00:00Z"), end: at("2026-04-01T00:00:00Z") },
        last_seq: records.len() as i64,
    };
    Log { scope, records, _folder: folder }
}

/// All bytes of a file.
pub async fn bytes(mut export: Export) -> Vec<u8> {
    let mut bytes = Vec::new();
    while let Some(chunk) = export.next_chunk().await.unwrap() {
        bytes.extend(chunk);
    }
    bytes
}

/// A row by the names of its columns.
pub type Row = BTreeMap<String, String>;

/// The header and the rows of a CSV file.
pub async fn rows(export: Export) -> (Vec<String>, Vec<Row>) {
    let bytes = bytes(export).await;
    let mut reader = csv::Reader::from_reader(bytes.as_slice());
    let header: Vec<String> = reader.headers().unwrap().iter().map(str::to_owned).collect();
    let mut rows = Vec::new();
    for record in reader.records() {
        let cells = record.unwrap();
        rows.push(header.iter().cloned().zip(cells.iter().map(str::to_owned)).collect());
    }
    (header, rows)
}

/// A decimal in nano-units.
pub fn nanos(text: &str) -> i64 {
    let decimal: rust_decimal::Decimal = text.parse().unwrap();
    Amount::from_decimal(decimal).unwrap().nanos()
}
