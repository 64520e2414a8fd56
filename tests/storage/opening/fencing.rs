//! Only one instance writes.

use tollgate::domain::Currency;
use tollgate::domain::catalog::price::{Rate, Source};
use tollgate::domain::catalog::{Confirmation, ExchangeRate, Model};
use tollgate::domain::workspace::WorkspaceModel;
use tollgate::storage::log::{Appended, HoldChanges};
use tollgate::storage::settings::Change;
use tollgate::storage::sql::{self, Ownership};
use tollgate::storage::{Error, Result, Store};

use crate::alerts::{alert, delivery};
use crate::fixtures::{START, append_new, at, folded, hold, record, records, workspace};
use crate::limits::quota;
use crate::opening::shutdown::rate as counts;
use crate::world::World;

/// Tries every write; each must be fenced off.
async fn every_write_is_fenced(store: &dyn Store) {
    let fenced = |what: &str, result: Result<()>| {
        assert!(matches!(result, Err(Error::Fenced)), "{what}: {result:?}");
    };
    let model = Model {
        id: "fenced".into(),
        provider: String::new(),
        display_name: String::new(),
        context_window: None,
        max_input: None,
        max_output: None,
        capabilities: vec![],
        aliases: vec![],
        source: Source::Operator,
        update_time: START,
    };
    let rate = ExchangeRate {
        from: Currency::USD,
        to: Currency::EUR,
        effective_time: START,
        rate: Rate::ONE,
        create_time: START,
    };
    let confirmation = Confirmation { price_id: "fenced".into(), confirm_time: START };
    let enabled = WorkspaceModel {
        model_id: "fenced".into(),
        enabled: true,
        limit: None,
        limit_enabled: false,
        fallback_model_ids: vec![],
    };
    let log = [record(1_000_000)];
    let changes = [
        Change::PutModel(model),
        Change::PutPrices(vec![]),
        Change::ConfirmPrices(vec![confirmation]),
        Change::PutExchangeRate(rate),
        Change::PutWorkspace(workspace("fenced")),
        Change::PutWorkspaceModel(enabled),
        Change::PutQuota(quota("q")),
    ];
    for change in &changes {
        let changes = std::slice::from_ref(change);
        fenced("change", store.change("fenced", changes, &[]).await);
    }
    fenced("a change of nothing", store.change("fenced", &[], &[]).await);
    fenced("append", store.append(&log).await.map(drop));
    fenced("a long append", store.append(&records(1_000_000..1_009_000)).await.map(drop));
    let taken = HoldChanges { taken: vec![hold("fenced")], ended: Vec::new() };
    fenced("append_with_holds", store.append_with_holds(&[], &taken).await.map(drop));
    let audited = store.append_audited(&log, &[]).await;
    fenced("append_audited", audited.map(drop));
    fenced("save_snapshot", store.save_snapshot(&[hold("fenced")], &[], &[]).await);
    fenced("delete_snapshot", store.delete_snapshot("w", false).await);
    fenced("save_snapshot of counts", store.save_snapshot(&[], &[counts("r", "m")], &[]).await);
    let alerts = store.put_alerts(&[alert(1)], &[delivery("d", 1)]).await;
    fenced("put_alerts", alerts);
    fenced("put_delivery", store.put_delivery(&delivery("d", 1)).await);
    fenced("fold", store.fold(at(0), at(1), &folded(&log)).await);
    fenced("renew", store.renew().await);
    fenced("rebuild_rollups", store.rebuild_rollups().await);
    fenced("drop_records", store.drop_records("w", START, 1).await.map(drop));
}

async fn nothing_was_written(store: &dyn Store) {
    let catalog = store.catalog().await.unwrap();
    assert!(catalog.models.is_empty() && catalog.exchange_rates.is_empty());
    assert!(catalog.confirmations.is_empty());
    assert_eq!(store.workspace("fenced").await.unwrap(), None);
    assert_eq!(store.workspace_models("fenced").await.unwrap(), []);
    assert!(store.last_seq().await.unwrap() < 1_000_000);
    assert_eq!(store.holds("w").await.unwrap(), []);
    assert_eq!(store.rate_counts("w").await.unwrap(), []);
    assert_eq!(store.last_alert_seq().await.unwrap(), 0);
    assert_eq!(store.delivery("w", "d").await.unwrap(), None);
    assert_eq!(store.limit_config("fenced", START).await.unwrap().quotas, []);
    assert_eq!(store.fold_cursor().await.unwrap().seq, 0);
}

pub async fn a_store_that_has_not_claimed_may_not_write(world: &World) {
    let store = sql::open(&world.url).await.unwrap();
    every_write_is_fenced(&*store).await;
    nothing_was_written(&*store).await;
    store.claim().await.unwrap();
    append_new(&*store, &[record(1)]).await;
}

pub async fn a_second_claim_fences_the_first_for_ever(world: &World) {
    let first = world.store().await;
    append_new(&*first, &[record(1)]).await;
    world.break_lock().await;
    let second = sql::open(&world.url).await.unwrap();
    // It has only opened: the first still writes.
    append_new(&*first, &[record(2)]).await;
    if !world.is_sqlite() {
        let refused = second.claim().await;
        assert!(matches!(refused, Err(Error::NotApplied(_))), "{refused:?}");
        world.break_lock().await;
    }
    second.claim().await.unwrap();
    assert!(first.lease().is_held(), "it cannot know yet");
    every_write_is_fenced(&*first).await;
    // Also what is there already, and the same records again.
    let again = first.append(&[record(2)]).await;
    assert!(matches!(again, Err(Error::Fenced)), "{again:?}");
    assert!(!first.lease().is_held());
    nothing_was_written(&*second).await;
    append_new(&*second, &[record(3)]).await;
    every_write_is_fenced(&*first).await;
    assert_eq!(first.last_seq().await.unwrap(), 3, "it may still read");
    assert_eq!(second.records_after(0, 10).await.unwrap(), records(1..4));
}

pub async fn a_lost_connection_is_replaced(world: &World) {
    let store = world.store().await;
    append_new(&*store, &[record(1)]).await;
    for seq in [2, 3] {
        world.break_connections().await;
        let mut tries = 0;
        let appended = loop {
            match store.append(&[record(seq)]).await {
                Ok(appended) => break appended,
                Err(Error::NotApplied(_) | Error::Unknown(_)) if tries < 10 => tries += 1,
                Err(error) => panic!("{error:?}"),
            }
        };
        assert_eq!(appended, [Appended::New]);
        assert_eq!(store.last_seq().await.unwrap(), seq);
    }
}

pub async fn claiming_again_keeps_the_store_writing(world: &World) {
    let store = world.store().await;
    append_new(&*store, &[record(1)]).await;
    store.claim().await.unwrap();
    append_new(&*store, &[record(2)]).await;
}

/// A file that was deleted or replaced still takes what is written to it.
pub async fn a_file_that_is_gone_takes_no_writes(world: &World) {
    if !world.is_sqlite() {
        return;
    }
    let path = world.url.strip_prefix("sqlite:").unwrap();
    for is_replaced in [false, true] {
        let store = world.store().await;
        append_new(&*store, &[record(1)]).await;
        std::fs::rename(path, format!("{path}.away")).unwrap();
        if is_replaced {
            std::fs::copy(format!("{path}.away"), path).unwrap();
        }
        for _again in 0..2 {
            let refused = store.append(&[record(2)]).await;
            assert!(matches!(refused, Err(Error::Gone(_))), "{refused:?}");
            let refused = store.renew().await;
            assert!(matches!(refused, Err(Error::Gone(_))), "{refused:?}");
        }
        assert!(!store.lease().is_held());
        store.close().await;
        std::fs::rename(format!("{path}.away"), path).unwrap();
        assert_eq!(world.store().await.last_seq().await.unwrap(), 1, "nothing came after");
    }
}

/// Appends and claims race; whatever the first instance was told to be in the log is there, and
/// nothing of it comes after the claim was answered.
pub async fn no_append_of_the_fenced_comes_after_a_claim(world: &World) {
    // So that the second need not wait for the lease of the first.
    let ownership = Ownership { node: "node".to_owned(), ..Ownership::default() };
    for round in 0..8_i64 {
        let first = sql::open_as(&world.url, ownership.clone()).await.unwrap();
        first.claim().await.unwrap();
        world.break_lock().await;
        let second = sql::open_as(&world.url, ownership.clone()).await.unwrap();
        let begin = round * 1_000_000;
        let writer = tokio::spawn(async move {
            let mut acknowledged = begin;
            for seq in begin + 1.. {
                match first.append(&[record(seq)]).await {
                    Ok(_) => acknowledged = seq,
                    Err(Error::Fenced) => break,
                    Err(error) => panic!("{error:?}"),
                }
            }
            first.close().await;
            acknowledged
        });
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        second.claim().await.unwrap();
        let at_claim = second.last_seq().await.unwrap();
        let acknowledged = writer.await.unwrap();
        assert_eq!(second.last_seq().await.unwrap(), at_claim, "nothing came after the claim");
        assert!(acknowledged == begin || acknowledged == at_claim, "nor was anything lost");
        second.close().await;
    }
}
