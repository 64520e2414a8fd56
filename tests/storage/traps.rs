//! Where the two databases would differ if nobody looked.

use tollgate::domain::attribution::Attribution;
use tollgate::domain::record::Record;
use tollgate::domain::{Amount, Time};
use tollgate::storage::log::{Appended, Order, RecordFilter};
use tollgate::storage::shutdown::StoredHold;

use crate::fixtures::{START, append_new, day_of, hold, hour_of, put, record, workspace};
use crate::world::World;
use tollgate::storage::settings::Change;

pub async fn ids_are_compared_by_their_bytes(world: &World) {
    let store = world.store().await;
    // In the order of their bytes, which is no language's.
    let ids =
        ["", "-", "A", "B", "Z", "_", "a", "a ", "aB", "ab", "b", "z", "Ä", "ä", "é", "日本", "🂡"];
    let mut sorted = ids;
    sorted.sort();
    assert_eq!(sorted, ids);
    for id in ids.iter().rev().filter(|id| !id.is_empty()) {
        put(&*store, Change::PutWorkspace(workspace(id))).await;
    }
    let holds = ids.map(|id| StoredHold { workspace_id: id.into(), ..hold("r") });
    store.save_snapshot(&holds, &[], &[]).await.unwrap();
    let holds = ids.map(hold);
    store.save_snapshot(&holds, &[], &[]).await.unwrap();
    let listed = store.workspaces("", 100).await.unwrap();
    let listed: Vec<&str> = listed.iter().map(|workspace| &*workspace.id).collect();
    assert_eq!(listed, ids[1..]);
    let after: Vec<_> = store.workspaces("a", 3).await.unwrap();
    let after: Vec<&str> = after.iter().map(|workspace| &*workspace.id).collect();
    assert_eq!(after, ["a ", "aB", "ab"]);
    let with_holds = store.snapshot_workspaces().await.unwrap();
    assert!(with_holds.is_sorted() && with_holds.len() == ids.len() + 1, "{with_holds:?}");
    let held = store.holds("w").await.unwrap();
    assert_eq!(held, holds);

    // Requests that differ in case, in trailing spaces or in how a letter is composed are others.
    let requests = ["Request", "request", "request ", "e\u{301}", "\u{e9}", "ß", "ss", "ﬁ", "fi"];
    let mut log = Vec::new();
    for (seq, request_id) in (1..).zip(requests) {
        log.push(Record { request_id: request_id.into(), ..record(seq) });
    }
    append_new(&*store, &log).await;
    for entry in &log {
        let found = store.request_records("w", &entry.request_id).await.unwrap();
        assert_eq!(found, std::slice::from_ref(entry));
    }
    // As values of rollups too.
    for entry in &mut log {
        entry.attribution.user_id = entry.request_id.to_string();
        entry.metered_model_id = entry.request_id.clone();
        entry.seq += 100;
        entry.attempt = 1;
    }
    append_new(&*store, &log).await;
    store.rebuild_rollups().await.unwrap();
    let spent = store.spent_by_model("w", START, START + i64::MAX).await.unwrap();
    assert_eq!(spent.len(), requests.len() + 1);
    assert_eq!(store.verify_rollups(10).await.unwrap(), []);
}

pub async fn texts_of_all_kinds_come_back(world: &World) {
    let store = world.store().await;
    let long = "ü".repeat(200_000);
    let texts = [
        "'",
        "\"",
        "\\",
        "\\x00",
        "$1",
        "?",
        "%",
        "_",
        ";--",
        "\n\r\t",
        "{}",
        "NULL",
        "null",
        "0",
        " leading and trailing ",
        "\u{1}",
        "\u{feff}",
        "\u{202e}",
        "👩‍👩‍👧",
        "{a,\"b\"}",
        &long,
    ];
    let mut log = Vec::new();
    for (seq, text) in (1..).zip(texts) {
        let mut attribution = Attribution { session_id: text.to_owned(), ..Attribution::default() };
        attribution.tags.insert(text.to_owned(), text.to_owned());
        // Keys have to fit into an index; ids are at most 128 characters.
        let id: String = text.chars().take(128).collect();
        log.push(Record {
            request_id: id.as_str().into(),
            model_id: text.into(),
            metered_model_id: id.as_str().into(),
            price_id: Some(text.into()),
            attribution,
            ..record(seq)
        });
    }
    append_new(&*store, &log).await;
    assert_eq!(store.records_after(0, 100).await.unwrap(), log);
    for entry in &log {
        let found = store.request_records("w", &entry.request_id).await.unwrap();
        assert_eq!(found, std::slice::from_ref(entry));
        let again = Record { seq: 1_000, ..entry.clone() };
        let expected = Appended::Existing(Box::new(entry.clone()));
        assert_eq!(store.append(&[again]).await.unwrap(), [expected]);
    }
    let mut named = workspace("w");
    named.display_name = long;
    put(&*store, Change::PutWorkspace(named.clone())).await;
    assert_eq!(store.workspace("w").await.unwrap(), Some(named));
}

pub async fn wildcards_in_ids_match_themselves_only(world: &World) {
    let store = world.store().await;
    let entry = |seq, id: &str| Record {
        request_id: id.into(),
        model_id: id.into(),
        metered_model_id: id.into(),
        ..record(seq)
    };
    let log = [entry(1, "a%c"), entry(2, "abc"), entry(3, "a_c"), entry(4, "a*c"), entry(5, "[a]")];
    append_new(&*store, &log).await;
    for entry in &log {
        let found = store.request_records("w", &entry.request_id).await.unwrap();
        assert_eq!(found, std::slice::from_ref(entry));
        let model_id = Some(entry.model_id.to_string());
        let filter = RecordFilter { model_id, ..RecordFilter::of("w") };
        let found = store.records(&filter, Order::NewestFirst, None, 10).await.unwrap();
        assert_eq!(found, std::slice::from_ref(entry));
    }
}

pub async fn times_and_amounts_come_back_to_the_last_digit(world: &World) {
    let store = world.store().await;
    let times =
        [Time::EARLIEST, Time::LATEST - 1, Time::from_micros(-1), START + 1, START + 999_999];
    let mut log = Vec::new();
    for (seq, time) in (1..).zip(times) {
        log.push(Record {
            charge_time: time,
            hour: hour_of(time),
            day: day_of(time),
            start_time: time,
            start_time_adjusted: false,
            large_above: None,
            record_time: time,
            cost: Amount::from_nanos(i64::MAX - seq),
            fingerprint: i64::MIN + seq,
            latency: i64::MAX,
            metered_model_id: format!("m{seq}").into(),
            ..record(seq)
        });
    }
    append_new(&*store, &log).await;
    assert_eq!(store.records_after(0, 100).await.unwrap(), log);
    for entry in &log {
        let at = entry.charge_time;
        let spent = store.spent_by_model("w", at, at + 1).await.unwrap();
        assert_eq!(spent.len(), 1);
        assert_eq!(spent[&*entry.metered_model_id], entry.cost);
    }
}
