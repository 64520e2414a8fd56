//! A database that was made by an older version, with what was in it.

use tollgate::domain::alert::AlertPolicy;
use tollgate::domain::record::Record;
use tollgate::domain::time::MICROS_PER_HOUR;
use tollgate::domain::workspace::UnknownKeyPolicy;
use tollgate::storage::{Before, Store, StoredHold, sql};

use crate::fixtures::{
    START, append_new, at, day_of, folded, hold, random_records, record, workspace,
};
use crate::world::World;

const FIRST: &str = include_str!("../../migrations/0001_ledger.sql");

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
    world.make_old(FIRST).await;
    world.meddle(&format!("{CONTENT} {}", insert(&log))).await;
    // It is not read before a server has brought it up to date.
    assert!(sql::open_read_only(&world.url).await.is_err());

    let (store, before) = world.claimed().await;
    assert_eq!(before, Before::Crashed, "nobody has seen it stop");
    let loaded = store.workspace("w").await.unwrap().unwrap();
    assert_eq!(loaded, workspace("w"));
    assert_eq!(loaded.unknown_keys, UnknownKeyPolicy::Accept);
    assert_eq!(loaded.alerts, AlertPolicy::default());
    let expected = StoredHold { held_tokens: 0, key_group_id: "".into(), ..hold("r") };
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
