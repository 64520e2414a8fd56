//! A database that was made by an older version, with what was in it.

use tollgate::domain::alert::{AlertPolicy, AlertSubject, AlertType};
use tollgate::domain::attribution::{EntryKind, SubjectKind};
use tollgate::domain::backfill::RateCounts;
use tollgate::domain::boost::BoostTarget;
use tollgate::domain::quota::{Enforcement, Period, Scope, Unit};
use tollgate::domain::rate_limit::{RateBound, RateWindow};
use tollgate::domain::record::Record;
use tollgate::domain::time::MICROS_PER_HOUR;
use tollgate::domain::workspace::UnknownKeyPolicy;
use tollgate::storage::directory::{EntryFilter, EntryState};
use tollgate::storage::search::Search;
use tollgate::storage::shutdown::StoredHold;
use tollgate::storage::{PreviousOwner, Store, sql};

use crate::fixtures::{
    START, append_new, at, day_of, folded, hold, random_records, record, workspace,
};
use crate::world::World;

const FIRST: &str = include_str!("../../../migrations/0001_ledger.sql");
const SECOND: &str = include_str!("../../../migrations/0002_limits.sql");
const THIRD: &str = include_str!("../../../migrations/0003_analytics.sql");

/// What an older version wrote, column by column as it named them.
const CONTENT: &str = "\
    UPDATE owner SET epoch = 7, instance = 'older'; \
    INSERT INTO workspaces (id, display_name, currency, time_zone, automatic_fallback, \
      unpriced_models, hold_expiry, may_have_expiry_charges, create_time, update_time) \
      VALUES ('w', 'Workspace w', 'EUR', 'Europe/Berlin', TRUE, 0, 0, FALSE, \
      1769817600000000, 1769817600000000); \
    INSERT INTO holds VALUES ('w', 'r', 'model', FALSE, 123456789, 1769817600000000, \
      1769818200000001, 'price', 913000001, 2, -1, '', '', '', '', '', '', '', '', '', ''); \
    INSERT INTO rollups VALUES ('w', 'model', 1769817600000000, 'model', 1, 0, 0, 1001, 100, \
      0, 0, 0, 1, 0, 0, 0, 0, 0, 250000); \
    INSERT INTO models VALUES ('listed', 'p', '', 272000, 128000, '[]', '[]', 2, 1), \
      ('own', 'p', '', 9000, NULL, '[]', '[]', 1, 1); \
    UPDATE fold_cursor SET seq = 1;";

/// The records of `log`, without what did not exist then.
fn insert(log: &[Record]) -> String {
    let mut sql = String::new();
    for record in log {
        let tokens: Vec<String> = record.usage.tokens.iter().map(i64::to_string).collect();
        sql.push_str(&format!(
            "INSERT INTO usage_records VALUES ({}, '{}', '{}', 0, 0, 0, 'model-2026-01-01', '{}', \
             0, {}, 0, 0, {}, FALSE, 'price', 1000000000, {}, {}, {}, {}, 250000, 7, '{}', '', \
             '', '', '', '', '', '', '', '');",
            record.seq,
            record.workspace_id,
            record.request_id,
            record.metered_model_id,
            tokens.join(", "),
            record.cost.nanos(),
            record.charge_time.micros(),
            record.hour.micros(),
            record.start_time.micros(),
            record.record_time.micros(),
            record.attribution.user_id,
        ));
    }
    sql
}

fn old_log() -> Vec<Record> {
    let mut log = Vec::new();
    for (seq, random) in (1..).zip(random_records(8, 50)) {
        log.push(Record {
            metered_model_id: random.metered_model_id,
            attribution: record(seq).attribution,
            charge_time: random.charge_time,
            hour: random.hour,
            // Made of the hour: in which zone it was is not known any more.
            day: day_of(random.hour),
            cost: random.cost,
            ..record(seq)
        });
    }
    log
}

pub async fn an_older_database_keeps_what_is_in_it(world: &World) {
    let log = old_log();
    world.make_old(&[FIRST]).await;
    world.meddle(&format!("{CONTENT} {}", insert(&log))).await;
    // It is not read before a server has brought it up to date.
    assert!(sql::open_read_only(&world.url).await.is_err());

    let (store, before) = world.claimed().await;
    assert_eq!(before, PreviousOwner::Crashed, "nobody has seen it stop");
    let loaded = store.workspace("w").await.unwrap().unwrap();
    assert_eq!(loaded, workspace("w"));
    assert_eq!(loaded.unknown_keys, UnknownKeyPolicy::Accept);
    assert_eq!(loaded.alerts, AlertPolicy::default());
    assert_eq!(loaded.alerts.large_record_cost, None);
    assert_eq!(loaded.price_max_age_days, None);
    assert_eq!(store.catalog().await.unwrap().confirmations, []);
    let models = store.catalog().await.unwrap().models;
    let sizes: Vec<_> =
        models.iter().map(|model| (model.context_window, model.max_input)).collect();
    // Lists gave the largest input as the window, operators the window.
    assert_eq!(sizes, [(Some(272_000), Some(272_000)), (Some(9_000), None)]);
    assert_eq!(store.model_aliases("w").await.unwrap(), []);
    let expected = StoredHold {
        attempt: 0,
        held_tokens: 0,
        held_cache_reads: 0,
        key_group_id: "".into(),
        ..hold("r")
    };
    assert_eq!(store.holds("w").await.unwrap(), [expected]);
    assert_eq!(store.records_after(0, 100).await.unwrap(), log);

    // The rollups are made anew from the log.
    assert_eq!(store.fold_cursor().await.unwrap().seq, 0);
    assert_eq!(store.verify_rollups(10).await.unwrap(), []);
    let spent = spent(&*store).await;
    store.fold(at(0), at(50), &folded(&log)).await.unwrap();
    assert_eq!(store.verify_rollups(10).await.unwrap(), []);
    assert_eq!(self::spent(&*store).await, spent);
    append_new(&*store, &[Record { key_group_id: "g".into(), ..record(51) }]).await;
    store.close().await;
    assert_eq!(world.store().await.last_seq().await.unwrap(), 51);
}

async fn spent(store: &dyn Store) -> Vec<(String, i64)> {
    let to = START + 100 * MICROS_PER_HOUR;
    let spent = store.spent_by_model("w", START, to).await.unwrap();
    let mut spent: Vec<(String, i64)> =
        spent.into_iter().map(|(model, cost)| (model, cost.nanos())).collect();
    spent.sort();
    assert_eq!(spent.len(), 3);
    spent
}

/// What the third version wrote of limits: quotas, rate limits and what they counted, with a crash
/// among the counts, as one of no rate limit under U+0001.
const LIMITS: &str = "\
    INSERT INTO workspaces (id, display_name, currency, time_zone, automatic_fallback, \
      unpriced_models, hold_expiry, may_have_expiry_charges, create_time, update_time) VALUES \
      ('w', 'w', 'EUR', 'Europe/Berlin', TRUE, 0, 0, FALSE, 1, 1), \
      ('v', 'v', 'EUR', 'Europe/Berlin', TRUE, 0, 0, FALSE, 1, 1); \
    INSERT INTO quotas (workspace_id, id, display_name, kind, member, model_id, unit, period, \
      limit_count, enforcement, thresholds, window_start, create_time, update_time) VALUES \
      ('w', 'each', 'Each', 2, NULL, 'm', 0, 2, 7, 1, '[50]', 2, 3, 4), \
      ('w', 'one', 'One', 6, 'a', NULL, 2, 4, NULL, 0, '[]', 2, 3, 4); \
    INSERT INTO rate_limits (workspace_id, id, display_name, kind, member, model_id, \
      requests_per_minute, tokens_per_minute, requests_per_day, enforcement, create_time, \
      update_time) VALUES \
      ('w', 'all', 'All', 3, 'k', NULL, 60, 100000, 0, 3, 3, 4), \
      ('w', 'day', 'Day', 0, '', 'm', NULL, NULL, 9, 0, 3, 4), \
      ('w', 'tokens', 'Tokens', 2, NULL, NULL, NULL, 5, NULL, 0, 3, 4); \
    INSERT INTO rate_counts (workspace_id, rate_limit_id, member, span, unit, buckets) VALUES \
      ('w', 'all', 'k', 1, 2, '[[7,8],[9,10]]'), \
      ('w', '', '\u{1}', 0, 2, '[[1769817600,1769817600123456]]'), \
      ('v', '', '\u{1}', 0, 2, '[[-1,-999999]]'); \
    INSERT INTO boosts (workspace_id, id, quota_id, member, amount, start_time, end_time, reason, \
      actor, create_time) VALUES ('w', 'b', 'each', 'u', 5, 1, 9, 'r', 'x', 1); \
    INSERT INTO alerts (seq, workspace_id, subject, target, member_kind, member, alert_type, \
      window_start, threshold, window_end, unit, limit_count, spent, time) VALUES \
      (4, 'w', 2, 'each', 2, 'u', 0, 1, 50, 9, 0, 7, 6, 5); \
    INSERT INTO directory (workspace_id, kind, id, display_name, department_id, external_id, \
      create_time, update_time) VALUES ('w', 6, 'i', 'Case', '', '', 1, 1);";

pub async fn limits_keep_their_subjects_bounds_and_crashes(world: &World) {
    world.make_old(&[FIRST, SECOND, THIRD]).await;
    world.meddle(LIMITS).await;
    let store = world.store().await;
    let at = tollgate::domain::Time::from_micros;

    let policy = store.limit_config("w", at(1)).await.unwrap();
    let scope = |kind, subject_id: Option<&str>, model_id: Option<&str>| Scope {
        kind,
        subject_id: subject_id.map(Into::into),
        model_id: model_id.map(Into::into),
    };
    let quotas: Vec<_> = policy
        .quotas
        .iter()
        .map(|it| (&*it.id, it.scope.clone(), it.unit, it.period, it.limit))
        .collect();
    let each = scope(SubjectKind::User, None, Some("m"));
    let one = scope(SubjectKind::Assistant, Some("a"), None);
    let expected = [
        ("each", each, Unit::Money, Period::Month, Some(7)),
        ("one", one, Unit::Requests, Period::UntilReset, None),
    ];
    assert_eq!(quotas, expected);
    assert_eq!(policy.quotas[0].thresholds, [50]);
    assert_eq!(policy.quotas[0].enforcement, Enforcement::Soft);

    let bound = |unit, window, amount| RateBound { unit, window, amount };
    let limits: Vec<_> =
        policy.rate_limits.iter().map(|it| (&*it.id, &it.scope, &it.bounds[..])).collect();
    let (requests, tokens) = (Unit::Requests, Unit::Tokens);
    let (minute, day) = (RateWindow::Minute, RateWindow::Day);
    let all =
        [bound(requests, minute, 60), bound(tokens, minute, 100_000), bound(requests, day, 0)];
    let expected = [
        ("all", &scope(SubjectKind::ApiKey, Some("k"), None), &all[..]),
        ("day", &scope(SubjectKind::Workspace, Some(""), Some("m")), &[bound(requests, day, 9)]),
        ("tokens", &scope(SubjectKind::User, None, None), &[bound(tokens, minute, 5)]),
    ];
    assert_eq!(limits, expected);
    let [boost] = &policy.boosts[..] else { panic!("{:?}", policy.boosts) };
    let target = BoostTarget::Quota { quota_id: "each".into(), subject_id: Some("u".into()) };
    assert_eq!(boost.target, target);

    check_counts_and_crashes(&*store).await;
    check_alerts_and_directory(&*store).await;
}

async fn check_counts_and_crashes(store: &dyn Store) {
    let at = tollgate::domain::Time::from_micros;
    let counts: Vec<RateCounts> =
        store.rate_counts("w").await.unwrap().into_iter().map(|rate| rate.counts).collect();
    let expected = RateCounts {
        rate_limit_id: "all".into(),
        span: RateWindow::Day,
        unit: Unit::Requests,
        subject_id: "k".into(),
        buckets: vec![(7, 8), (9, 10)],
    };
    assert_eq!(counts, [expected]);
    assert_eq!(store.crash_time("w").await.unwrap(), Some(at(1_769_817_600_123_456)));
    assert_eq!(store.crash_time("v").await.unwrap(), Some(at(-999_999)));
    assert_eq!(store.rate_counts("v").await.unwrap(), []);
    assert_eq!(store.snapshot_workspaces().await.unwrap(), ["v", "w"]);
}

async fn check_alerts_and_directory(store: &dyn Store) {
    let alert = store.alert("w", 4).await.unwrap().unwrap().alert;
    let subject = AlertSubject::Quota {
        quota_id: "each".into(),
        kind: SubjectKind::User,
        subject_id: "u".into(),
    };
    assert_eq!((alert.key.subject, alert.key.alert_type), (subject, AlertType::Threshold));
    assert_eq!(alert.record, None);
    // It has words, although it was there before there were any.
    let filter = EntryFilter {
        search: Search::new("cas"),
        ..EntryFilter::of(EntryKind::Investigation, EntryState::Active)
    };
    let listed = store.list_entries("w", &filter, "", 10).await.unwrap().entries;
    assert_eq!(listed[0].entry.as_ref().unwrap().display_name, "Case");
}
