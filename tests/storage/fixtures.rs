//! Records and other values to store.

use std::sync::Arc;

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use tollgate::domain::alert::AlertPolicy;
use tollgate::domain::attribution::{Attribution, AttributionField};
use tollgate::domain::catalog::price::Rate;
use tollgate::domain::record::{Given, KeptAnswer, Record, RecordKind};
use tollgate::domain::time::calendar::DayOfWeek;
use tollgate::domain::time::{MICROS_PER_DAY, MICROS_PER_HOUR, MICROS_PER_MINUTE};
use tollgate::domain::usage::{
    Extras, Note, Outcome, ServiceTier, TokenClass, UnitKind, Usage, UsageSource,
};
use tollgate::domain::workspace::{
    HoldDurability, HoldExpiryPolicy, ReportedCostPolicy, UnknownKeyPolicy, UnpricedModelPolicy,
    Workspace,
};
use tollgate::domain::{Amount, Currency, Time};
use tollgate::storage::Store;
use tollgate::storage::log::Appended;
use tollgate::storage::rollup::accumulator::Accumulator;
use tollgate::storage::rollup::{FoldCursor, Folded};
use tollgate::storage::settings::Change;
use tollgate::storage::shutdown::StoredHold;

/// 2026-01-31T00:00:00Z.
pub const START: Time = Time::from_micros(1_769_817_600_000_000);

/// A plain record of workspace "w" and its own request, charged `seq` seconds after [`START`].
pub fn record(seq: i64) -> Record {
    let charge_time = START + seq * 1_000_000;
    Record {
        seq,
        workspace_id: "w".into(),
        request_id: format!("request-{seq}").into(),
        attempt: 0,
        revision: 0,
        kind: RecordKind::Usage,
        model_id: "model-2026-01-01".into(),
        metered_model_id: "model".into(),
        tier: ServiceTier::Standard,
        usage: Usage::default().with(TokenClass::Input, 100).with(TokenClass::Output, seq),
        outcome: Outcome::Success,
        source: UsageSource::Provider,
        cost: Amount::from_nanos(1_000 + seq),
        unpriced: false,
        price_id: Some("price".into()),
        exchange_rate: Rate::ONE,
        charge_time,
        hour: hour_of(charge_time),
        day: day_of(charge_time),
        start_time: charge_time,
        start_time_adjusted: false,
        large_above: None,
        record_time: charge_time,
        latency: 250_000,
        attribution: Attribution { user_id: "user".to_owned(), ..Attribution::default() },
        fingerprint: 7,
        key_group_id: "".into(),
        extras: None,
        answer: None,
    }
}

pub fn records(seqs: impl Iterator<Item = i64>) -> Vec<Record> {
    seqs.map(record).collect()
}

/// Start of the hour in UTC.
pub fn hour_of(time: Time) -> Time {
    time - time.micros().rem_euclid(MICROS_PER_HOUR)
}

/// Start of the day in UTC.
pub fn day_of(time: Time) -> Time {
    time - time.micros().rem_euclid(MICROS_PER_DAY)
}

/// A record in which no field has its usual value.
pub fn odd_record(seq: i64) -> Record {
    let mut usage = Usage::default();
    for (count, class) in (1..).zip(TokenClass::ALL) {
        usage.set(class, count * 11);
    }
    Record {
        attempt: 3,
        revision: 2,
        kind: RecordKind::Correction,
        tier: ServiceTier::Priority,
        usage,
        extras: odd_extras(),
        outcome: Outcome::Cancelled,
        source: UsageSource::Estimated,
        cost: Amount::from_nanos(-5),
        unpriced: true,
        large_above: Some(Amount::from_nanos(i64::MAX)),
        price_id: None,
        exchange_rate: Rate::from_nanos(913_000_001),
        start_time: START - 17,
        start_time_adjusted: true,
        record_time: START + 23,
        latency: 1,
        attribution: full_attribution(),
        fingerprint: i64::MIN,
        key_group_id: "g".into(),
        answer: Some(Box::new(odd_answer())),
        ..record(seq)
    }
}

fn odd_answer() -> KeptAnswer {
    let usage = Usage::default().with(TokenClass::ImageOutput, 7);
    KeptAnswer {
        provider: "ü".to_owned(),
        json: r#"{"usage": "\"}"#.to_owned(),
        flags: vec!["flag".to_owned(), String::new()],
        others: vec![("other \"model\"".to_owned(), usage)],
        is_unread: true,
        context_ids: vec!["resp \"1\"".to_owned(), String::new()],
        given: Given {
            provider: true,
            tier: Some(ServiceTier::Batch),
            extras: Extras::default().with_factors(["us"]).boxed(),
        },
    }
}

fn odd_extras() -> Option<Box<Extras>> {
    let note =
        Note { reason: "\"why\"".to_owned(), reference: "ü".to_owned(), actor: "a\\b".to_owned() };
    let mut extras = Extras { note: Some(note), ..Extras::default() }.with_factors(["us", "fast"]);
    for (count, kind) in (1..).zip(UnitKind::ALL) {
        extras = extras.with(kind, count * 111_111_111);
    }
    extras.boxed()
}

pub fn full_attribution() -> Attribution {
    let tags = [("team \"blue\"", "a\\b"), ("", "empty key"), ("ü", "日本")];
    let mut attribution = Attribution {
        tags: tags.map(|(key, value)| (key.to_owned(), value.to_owned())).into(),
        ..Attribution::default()
    };
    for field in AttributionField::ALL {
        field.as_str().clone_into(attribution.get_mut(field));
    }
    attribution
}

pub fn hold(request_id: &str) -> StoredHold {
    StoredHold {
        workspace_id: "w".into(),
        request_id: request_id.into(),
        attempt: 3,
        model_id: "model".into(),
        routed: false,
        held: Amount::from_nanos(123_456_789),
        held_tokens: 4_321,
        held_cache_reads: 123,
        check_time: START,
        expire_time: START + 600_000_001,
        price_id: Some("price".into()),
        exchange_rate_nanos: 913_000_001,
        tier: ServiceTier::Flex,
        fingerprint: -1,
        attribution: Attribution::default(),
        key_group_id: "group".into(),
    }
}

pub fn workspace(id: &str) -> Workspace {
    Workspace {
        id: id.into(),
        display_name: format!("Workspace {id}"),
        currency: Currency::EUR,
        time_zone: chrono_tz::Europe::Berlin,
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
        create_time: START,
        update_time: START,
    }
}

/// Changes the catalog or a workspace itself.
pub async fn put(store: &dyn Store, change: Change) {
    put_in(store, "", change).await;
}

/// Changes what is in a workspace.
pub async fn put_in(store: &dyn Store, workspace_id: &str, change: Change) {
    store.change(workspace_id, &[change], &[]).await.unwrap();
}

/// Appends records that must all be new.
pub async fn append_new(store: &dyn Store, records: &[Record]) {
    let appended = store.append(records).await.unwrap();
    assert_eq!(appended, vec![Appended::New; records.len()]);
}

/// What is derived from some records.
pub fn folded(records: &[Record]) -> Folded {
    let mut accumulator = Accumulator::default();
    for record in records {
        accumulator.add(record);
    }
    accumulator.into_folded()
}

/// The cursor of a fold that has come to a position.
pub fn at(seq: i64) -> FoldCursor {
    FoldCursor { seq, batch: seq }
}

/// Random records of two workspaces over two days, with zones whose hours begin at :00, :30 and
/// :45, so that buckets overlap, as do days.
pub fn random_records(seed: u64, count: i64) -> Vec<Record> {
    println!("seed {seed}");
    let mut random = StdRng::seed_from_u64(seed);
    let mut records = Vec::new();
    for seq in 1..=count {
        let charge_time = START + random.random_range(0..48 * MICROS_PER_HOUR);
        let offset = [0, 30, 45][random.random_range(0..3)] * MICROS_PER_MINUTE;
        let zone = offset + [0, 3, 20][random.random_range(0..3)] * MICROS_PER_HOUR;
        let usage = Usage::default().with(TokenClass::Reasoning, random.random_range(0..1_000));
        let kinds = RecordKind::ALL;
        let outcomes = [Outcome::Success, Outcome::Error, Outcome::Cancelled];
        let pick = |random: &mut StdRng, prefix: &str| -> Arc<str> {
            format!("{prefix}-{}", random.random_range(0..3)).into()
        };
        records.push(Record {
            workspace_id: pick(&mut random, "w"),
            metered_model_id: pick(&mut random, "m"),
            kind: kinds[random.random_range(0..kinds.len())],
            outcome: outcomes[random.random_range(0..3)],
            usage,
            cost: Amount::from_nanos(random.random_range(-1_000..1_000_000)),
            charge_time,
            hour: hour_of(charge_time - offset) + offset,
            day: day_of(charge_time - zone) + zone,
            latency: random.random_range(0..9_000),
            attribution: Attribution {
                user_id: pick(&mut random, "u").to_string(),
                project_id: pick(&mut random, "p").to_string(),
                ..Attribution::default()
            },
            key_group_id: pick(&mut random, "g"),
            ..record(seq)
        });
    }
    records
}
