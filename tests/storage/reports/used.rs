//! What subjects have used and sent, against naive sums over the log.

use std::collections::BTreeMap;

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use tollgate::domain::attribution::{Attribution, AttributionField, SubjectKind};
use tollgate::domain::backfill::{ConsumptionQuery, RateBucket, RateQuery};
use tollgate::domain::quota::{Consumption, Scope};
use tollgate::domain::rate_limit::RateWindow;
use tollgate::domain::record::{Record, RecordKind};
use tollgate::domain::time::{MICROS_PER_HOUR, MICROS_PER_MINUTE};
use tollgate::domain::usage::TokenClass;
use tollgate::domain::{Amount, Time};
use tollgate::storage::Store;

use crate::fixtures::{
    START, append_new, at, day_of, folded, hour_of, odd_record, random_records, record,
};
use crate::limits::scope;
use crate::world::World;

/// Records whose attribution names some subjects of each kind, or none.
pub fn log_of_subjects(seed: u64, count: i64) -> Vec<Record> {
    let mut random = StdRng::seed_from_u64(seed);
    let mut log = random_records(seed, count);
    for record in &mut log {
        let mut pick = |name: &str| match random.random_range(0..3) {
            0 => String::new(),
            number => format!("{name}-{number}"),
        };
        record.attribution = Attribution::default();
        for field in AttributionField::ALL {
            *record.attribution.get_mut(field) = pick(field.as_str());
        }
        record.key_group_id = pick(SubjectKind::KeyGroup.as_str()).into();
        let tags = TAG_KEYS.map(|key| (key.to_owned(), pick("tag")));
        record.attribution.tags = tags.into_iter().take(random.random_range(0..=5)).collect();
    }
    log
}

/// One that is asked for, with what patterns have, and others that look like it: in another case,
/// behind a quote, and with the sign between key and value.
const TAG_KEYS: [&str; 5] = ["t_g", "T_G", "x\"t_g", "t_g=tag-1", "tag"];

/// The subjects of a record, several of tags alone. Of a provider it is the model: storage knows no
/// others.
fn subjects_of(kind: SubjectKind, record: &Record) -> Vec<String> {
    let subject_id = match (kind.field(), kind) {
        (Some(field), _) => record.attribution.get(field),
        (None, SubjectKind::KeyGroup) => &record.key_group_id,
        (None, SubjectKind::Provider) => &record.metered_model_id,
        (None, SubjectKind::Tag) => {
            let tags = record.attribution.tags.iter();
            let tags = tags.filter(|(key, value)| !key.contains('=') && !value.is_empty());
            let tags = tags.filter(|(key, _)| !key.is_empty());
            return tags.map(|(key, value)| format!("{key}={value}")).collect();
        }
        (None, _) => "",
    };
    vec![subject_id.to_owned()]
}

/// The records of a workspace that count for a scope, each with its subjects.
fn counted<'a>(
    log: &'a [Record],
    workspace_id: &'a str,
    scope: &'a Scope,
) -> impl Iterator<Item = (String, &'a Record)> {
    let own = log.iter().filter(move |record| *record.workspace_id == *workspace_id);
    let of_model = own.filter(|record| {
        scope.model_id.as_ref().is_none_or(|model| *model == record.metered_model_id)
    });
    let with_subjects = of_model.flat_map(|record| {
        subjects_of(scope.kind, record).into_iter().map(move |subject_id| (subject_id, record))
    });
    with_subjects.filter(|(subject_id, _)| {
        matches!(scope.kind, SubjectKind::Workspace | SubjectKind::Provider)
            || (!subject_id.is_empty()
                && scope.subject_id.as_ref().is_none_or(|named| **named == **subject_id))
    })
}

pub fn naive_used(
    log: &[Record],
    workspace_id: &str,
    query: &ConsumptionQuery,
) -> Vec<(String, Consumption)> {
    let mut sums: BTreeMap<String, Consumption> = BTreeMap::new();
    for (subject_id, record) in counted(log, workspace_id, &query.scope) {
        if query.from <= record.charge_time && record.charge_time < query.to {
            let used = sums.entry(subject_id).or_default();
            used.money += record.cost;
            used.tokens += record.usage.tokens.iter().sum::<i64>();
            used.requests += i64::from(record.kind == RecordKind::Usage);
        }
    }
    sums.into_iter().collect()
}

fn naive_sent(log: &[Record], workspace_id: &str, query: &RateQuery) -> Vec<RateBucket> {
    let mut sums: BTreeMap<(String, i64), (i64, i64, i64)> = BTreeMap::new();
    for (subject_id, record) in counted(log, workspace_id, &query.scope) {
        if record.charge_time >= query.from && record.kind == RecordKind::Usage {
            let bucket = record.charge_time.micros().div_euclid(query.bucket);
            let sum = sums.entry((subject_id, bucket)).or_default();
            sum.0 += 1;
            sum.1 += record.usage.tokens.iter().sum::<i64>();
            sum.2 += record.usage.get(TokenClass::CacheRead);
        }
    }
    let sent = |((subject_id, bucket), (requests, tokens, cache_reads))| RateBucket {
        subject_id,
        bucket,
        requests,
        tokens,
        cache_reads,
    };
    sums.into_iter().map(sent).collect()
}

/// Every kind of subject, for each subject and for one that is named, with and without a model.
pub fn scopes() -> Vec<Scope> {
    let mut scopes = Vec::new();
    for kind in SubjectKind::ALL {
        let name = match kind {
            SubjectKind::Workspace => String::new(),
            SubjectKind::Tag => "t_g=tag-1".to_owned(),
            kind => format!("{}-1", kind.as_str()),
        };
        for subject_id in [None, Some(name.as_str()), Some("nobody"), Some("")] {
            if kind == SubjectKind::Workspace && subject_id == Some("nobody") {
                continue;
            }
            for model_id in [None, Some("m-0"), Some("none")] {
                scopes.push(scope(kind, subject_id, model_id));
            }
        }
    }
    scopes
}

pub async fn used(
    store: &dyn Store,
    workspace_id: &str,
    query: &ConsumptionQuery,
) -> Vec<(String, Consumption)> {
    let mut used = store.consumption(workspace_id, query).await.unwrap();
    used.sort_by(|a, b| a.0.cmp(&b.0));
    used
}

pub async fn used_equals_the_naive_sum(world: &World) {
    let store = world.store().await;
    let mut log = log_of_subjects(5, 700);
    log.push(Record { workspace_id: "w-0".into(), ..odd_record(701) });
    append_new(&*store, &log).await;
    let mut random = StdRng::seed_from_u64(6);
    let mut from = 0;
    for upto in [0, 400, 701] {
        let part = folded(&log[from as usize..upto as usize]);
        store.fold(at(from), at(upto), &part).await.unwrap();
        from = upto;
        let mut windows = vec![
            (START, START + 48 * MICROS_PER_HOUR),
            (Time::from_micros(i64::MIN), Time::from_micros(i64::MAX)),
            (START + MICROS_PER_HOUR, START),
            (START + 45 * MICROS_PER_MINUTE, START + 90 * MICROS_PER_MINUTE),
            (log[0].hour, log[0].charge_time + 1),
        ];
        for _window in 0..3 {
            let from = START + random.random_range(-1..40) * MICROS_PER_HOUR;
            let odd = [0, 1, 15 * MICROS_PER_MINUTE][random.random_range(0..3)];
            windows.push((from + odd, from + random.random_range(0..9 * MICROS_PER_HOUR)));
        }
        for (from, to) in windows {
            for scope in scopes() {
                let query = ConsumptionQuery { scope, from, to };
                let expected = naive_used(&log, "w-0", &query);
                let found = used(&*store, "w-0", &query).await;
                assert_eq!(found, expected, "{query:?} folded {upto}");
            }
        }
    }
    let scope = scope(SubjectKind::User, None, None);
    let query = ConsumptionQuery { scope, from: START, to: START + 48 * MICROS_PER_HOUR };
    assert_eq!(used(&*store, "w-9", &query).await, []);
}

/// In zones that differ by a quarter of an hour: no bucket reaches over an end of the window
/// exactly where none does.
pub async fn used_is_exact_at_both_ends_of_a_window(world: &World) {
    let store = world.store().await;
    let quarter = 15 * MICROS_PER_MINUTE;
    let mut log = Vec::new();
    for number in 0..12 {
        for offset in [0, quarter, 2 * quarter, 3 * quarter] {
            let time = START + number * quarter;
            let seq = log.len() as i64 + 1;
            log.push(Record {
                charge_time: time,
                hour: hour_of(time - offset) + offset,
                day: day_of(time - offset) + offset,
                cost: Amount::from_nanos(1 << log.len()),
                ..record(seq)
            });
        }
    }
    append_new(&*store, &log).await;
    store.fold(at(0), at(log.len() as i64), &folded(&log)).await.unwrap();
    for begin in -1..13 {
        for end in begin..13 {
            for odd in [0, 1] {
                let (from, to) = (START + begin * quarter, START + end * quarter + odd);
                for scope in [
                    scope(SubjectKind::User, Some("user"), None),
                    scope(SubjectKind::Workspace, None, Some("model")),
                ] {
                    let query = ConsumptionQuery { scope, from, to };
                    let expected = naive_used(&log, "w", &query);
                    assert_eq!(used(&*store, "w", &query).await, expected, "{query:?}");
                }
                let spent = store.spent_by_model("w", from, to).await.unwrap();
                let all =
                    ConsumptionQuery { scope: scope(SubjectKind::Workspace, None, None), from, to };
                let expected = naive_used(&log, "w", &all).first().map(|(_, used)| used.money);
                assert_eq!(spent.get("model").copied(), expected, "{from:?} {to:?}");
            }
        }
    }
}

pub async fn sent_equals_the_naive_sum(world: &World) {
    let store = world.store().await;
    let mut log = log_of_subjects(7, 500);
    // Before 1970 too: buckets are rounded down, not towards zero.
    for (index, micros) in [-1, -1_000_000, -1_000_001, -86_400_000_000].into_iter().enumerate() {
        let time = Time::from_micros(micros);
        let early = record(501 + index as i64);
        log.push(Record {
            workspace_id: "w-0".into(),
            charge_time: time,
            hour: hour_of(time),
            day: day_of(time),
            ..early
        });
    }
    append_new(&*store, &log).await;
    let (minute, day) = (RateWindow::Minute.bucket(), RateWindow::Day.bucket());
    let starts =
        [START + 24 * MICROS_PER_HOUR, START + 48 * MICROS_PER_HOUR, Time::from_micros(-1)];
    for (bucket, from) in [(minute, starts[0]), (day, starts[0]), (day, starts[1])] {
        for scope in scopes() {
            let query = RateQuery { scope, from, bucket };
            let found = store.rate_buckets("w-0", &query).await.unwrap();
            assert_eq!(found, naive_sent(&log, "w-0", &query), "{query:?}");
        }
    }
    for from in [Time::from_micros(i64::MIN), starts[2]] {
        let query = RateQuery { scope: scope(SubjectKind::User, None, None), from, bucket: minute };
        let found = store.rate_buckets("w-0", &query).await.unwrap();
        assert_eq!(found, naive_sent(&log, "w-0", &query), "{query:?}");
    }
    assert_eq!(log[500..].len(), 4);
}

/// Sums that a floating point number would round, of subjects whose ids differ little.
pub async fn subjects_are_told_apart_and_summed_exactly(world: &World) {
    let store = world.store().await;
    let names = ["u", "U", "u ", "ü", "u\u{308}", "%"];
    let large = Amount::from_nanos(90_000_000_000_000_001);
    let mut log = Vec::new();
    for round in 0..11 {
        for (index, name) in names.iter().enumerate() {
            let seq = round * 6 + index as i64 + 1;
            let attribution = Attribution { user_id: (*name).to_owned(), ..Attribution::default() };
            log.push(Record { cost: large, attribution, ..record(seq) });
        }
    }
    append_new(&*store, &log).await;
    for _folded in 0..2 {
        let window = (START, START + MICROS_PER_HOUR);
        let all = scope(SubjectKind::User, None, None);
        let query = ConsumptionQuery { scope: all, from: window.0, to: window.1 };
        let found = used(&*store, "w", &query).await;
        assert_eq!(found, naive_used(&log, "w", &query));
        assert_eq!(found.len(), names.len());
        assert!(found.iter().all(|(_, used)| used.money.nanos() == large.nanos() * 11));
        for name in names {
            let one = scope(SubjectKind::User, Some(name), None);
            let query = ConsumptionQuery { scope: one, from: window.0, to: window.1 };
            assert_eq!(used(&*store, "w", &query).await, naive_used(&log, "w", &query));
        }
        let upto = log.len() as i64;
        store.fold(at(0), at(upto), &folded(&log)).await.unwrap();
    }
}
