//! Appending to the log and reading it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tollgate::domain::attribution::Attribution;
use tollgate::domain::record::{EXPIRY_ATTEMPT, Record, RecordKind};
use tollgate::domain::time::MICROS_PER_DAY;
use tollgate::domain::time::calendar::Window;
use tollgate::domain::usage::{Outcome, TokenClass, Usage};
use tollgate::domain::{Amount, Time};
use tollgate::storage::log::{
    Appended, HoldChanges, LATE_MIN, Order, RecordFilter, RecordPosition,
};
use tollgate::storage::settings::Change;
use tollgate::storage::shutdown::StoredHold;
use tollgate::storage::{Error, Store};

use crate::fixtures::{
    START, append_new, day_of, full_attribution, hold, hour_of, odd_record, put, random_records,
    record, records, workspace,
};
use crate::world::World;

fn existing(record: &Record) -> Appended {
    Appended::Existing(Box::new(record.clone()))
}

async fn whole_log(store: &dyn Store) -> Vec<Record> {
    store.records_after(0, usize::MAX).await.unwrap()
}

pub async fn appended_records_come_back_whole(world: &World) {
    let store = world.store().await;
    let batch = [record(1), odd_record(2), record(5)];
    append_new(&*store, &batch).await;
    assert_eq!(whole_log(&*store).await, batch);
    assert_eq!(store.last_seq().await.unwrap(), 5);
    assert_eq!(store.request_records("w", "request-2").await.unwrap(), [odd_record(2)]);
}

pub async fn batches_of_any_size_are_appended(world: &World) {
    let store = world.store().await;
    let mut next = 1;
    for size in [1, 2, 3, 5, 7, 9, 100, 129, 512, 513, 2_048, 5_000] {
        append_new(&*store, &records(next..next + size)).await;
        next += size;
        assert_eq!(store.last_seq().await.unwrap(), next - 1);
    }
    assert_eq!(whole_log(&*store).await, records(1..next));
}

pub async fn holds_change_with_the_records_of_a_group(world: &World) {
    let store = world.store().await;
    let taken = |ids: &[&str]| ids.iter().map(|id| hold(id)).collect();
    let ended = |ids: &[&str]| ids.iter().map(|id| (Arc::from("w"), Arc::from(*id))).collect();
    let first = HoldChanges { taken: taken(&["a", "b", "c"]), ended: ended(&["never"]) };
    let foreign = StoredHold { workspace_id: "v".into(), ..hold("a") };
    let other = HoldChanges { taken: vec![foreign.clone()], ended: Vec::new() };
    store.append_with_holds(&[], &other).await.unwrap();
    for _again in 0..2 {
        let appended = store.append_with_holds(&[record(1)], &first).await.unwrap();
        assert_eq!(appended, [Appended::New]);
    }
    assert_eq!(store.holds("w").await.unwrap(), [hold("a"), hold("b"), hold("c")]);

    // Without records; one of them is extended.
    let longer = StoredHold { expire_time: START + 99_000, ..hold("b") };
    let second = HoldChanges { taken: vec![longer.clone()], ended: ended(&["a"]) };
    for _again in 0..2 {
        assert_eq!(store.append_with_holds(&[], &second).await.unwrap(), []);
    }
    assert_eq!(store.holds("w").await.unwrap(), [longer, hold("c")]);
    assert_eq!(store.holds("v").await.unwrap(), std::slice::from_ref(&foreign));

    // With a record that exists, they change all the same.
    let twin = Record { seq: 2, ..record(1) };
    let third = HoldChanges { taken: taken(&["d"]), ended: ended(&["b", "c"]) };
    let appended = store.append_with_holds(&[twin], &third).await.unwrap();
    assert_eq!(appended, [existing(&record(1))]);
    assert_eq!(store.holds("w").await.unwrap(), [hold("d")]);

    // Ended, and taken anew.
    let anew = StoredHold { attempt: 1, ..hold("d") };
    let again = HoldChanges { taken: vec![anew.clone()], ended: ended(&["d"]) };
    store.append_with_holds(&[], &again).await.unwrap();
    assert_eq!(store.holds("w").await.unwrap(), [anew]);

    // Many at once.
    let ids: Vec<String> = (0..1_003).map(|n| format!("{n:04}")).collect();
    let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
    let many = HoldChanges { taken: taken(&ids), ended: ended(&["d"]) };
    store.append_with_holds(&records(10..1_500), &many).await.unwrap();
    assert_eq!(store.holds("w").await.unwrap().len(), 1_003);
    let none = HoldChanges { taken: Vec::new(), ended: ended(&ids) };
    store.append_with_holds(&[], &none).await.unwrap();
    assert_eq!(store.holds("w").await.unwrap(), []);

    // A snapshot is deleted without them where they are kept.
    store.delete_snapshot("v", true).await.unwrap();
    assert_eq!(store.holds("v").await.unwrap(), [foreign]);
    store.delete_snapshot("v", false).await.unwrap();
    assert_eq!(store.holds("v").await.unwrap(), []);
}

pub async fn a_retry_of_the_same_records_is_new_again(world: &World) {
    let store = world.store().await;
    for size in [1, 3, 700] {
        let batch = records(size * 1_000..size * 1_000 + size);
        append_new(&*store, &batch).await;
        append_new(&*store, &batch).await;
        // An earlier try may have written only some of what is in this one.
        let more = records(size * 1_000..size * 1_000 + size + 2);
        append_new(&*store, &more).await;
    }
    assert_eq!(whole_log(&*store).await.len(), 3 + 5 + 702);
}

pub async fn a_duplicate_is_answered_with_the_entry_that_is_there(world: &World) {
    let store = world.store().await;
    append_new(&*store, &[odd_record(1), record(2)]).await;
    let again = Record { seq: 3, fingerprint: 99, ..odd_record(1) };
    let other_attempt = Record { attempt: 4, seq: 4, ..odd_record(1) };
    let other_revision = Record { revision: 3, seq: 5, ..odd_record(1) };
    let other_workspace = Record { workspace_id: "v".into(), seq: 6, ..odd_record(1) };
    let batch = [again, other_attempt.clone(), other_revision.clone(), other_workspace.clone()];
    for _again in 0..2 {
        let appended = store.append(&batch).await.unwrap();
        let new = Appended::New;
        assert_eq!(appended, [existing(&odd_record(1)), new.clone(), new.clone(), new]);
    }
    let log = [odd_record(1), record(2), other_attempt, other_revision, other_workspace];
    assert_eq!(whole_log(&*store).await, log);

    // Nothing new at all.
    let alone = Record { seq: 7, ..record(2) };
    assert_eq!(store.append(&[alone]).await.unwrap(), [existing(&record(2))]);
    assert_eq!(whole_log(&*store).await, log);
}

pub async fn a_duplicate_within_a_batch_is_not_written(world: &World) {
    let store = world.store().await;
    for size in [3, 1_200] {
        let first = size * 10;
        let mut batch = records(first..first + size);
        let again =
            Record { seq: first + size, cost: batch[1].cost + batch[1].cost, ..batch[1].clone() };
        batch.push(again);
        let mut expected = vec![Appended::New; batch.len()];
        expected[batch.len() - 1] = existing(&batch[1]);
        for _again in 0..2 {
            assert_eq!(store.append(&batch).await.unwrap(), expected);
        }
        assert_eq!(store.last_seq().await.unwrap(), first + size - 1);
    }
}

pub async fn a_foreign_record_under_our_seq_is_corruption(world: &World) {
    let store = world.store().await;
    append_new(&*store, &[record(1)]).await;
    let foreign = Record { request_id: "foreign".into(), ..record(1) };
    let refused = store.append(&[foreign]).await;
    assert!(matches!(refused, Err(Error::Corrupt(_))), "{refused:?}");
    assert_eq!(whole_log(&*store).await, [record(1)]);
}

pub async fn a_refused_record_leaves_none_of_its_batch(world: &World) {
    let store = world.store().await;
    for size in [2, 2_000] {
        let mut batch = records(1..size);
        batch.push(Record { usage: Usage::default().with(TokenClass::Output, -1), ..record(size) });
        let refused = store.append(&batch).await;
        assert!(matches!(refused, Err(Error::Corrupt(_))), "{refused:?}");
        assert_eq!(whole_log(&*store).await, []);
    }
    // And the store goes on.
    append_new(&*store, &records(1..4)).await;
}

pub async fn request_records_come_by_attempt_and_revision(world: &World) {
    let store = world.store().await;
    let entry = |seq, attempt, revision| Record {
        request_id: "r".into(),
        attempt,
        revision,
        ..record(seq)
    };
    let entries = [entry(1, 1, 0), entry(2, 0, 1), entry(3, 0, 0), entry(4, -1, 0)];
    append_new(&*store, &entries).await;
    append_new(&*store, &[Record { workspace_id: "v".into(), ..entry(5, 0, 0) }]).await;
    let found = store.request_records("w", "r").await.unwrap();
    assert_eq!(found, [entry(4, -1, 0), entry(3, 0, 0), entry(2, 0, 1), entry(1, 1, 0)]);
    assert_eq!(store.request_records("w", "R").await.unwrap(), []);
}

fn everything() -> RecordFilter {
    RecordFilter::of("w")
}

pub async fn records_are_listed_in_both_orders_and_pages(world: &World) {
    let store = world.store().await;
    // Charge times go against `seq`, in pairs of equal ones.
    let mut log = Vec::new();
    for seq in 1..=20 {
        let charge_time = START + (20 - seq) / 2;
        log.push(Record { charge_time, hour: START, ..record(seq) });
    }
    append_new(&*store, &log).await;
    append_new(&*store, &[Record { workspace_id: "v".into(), ..record(21) }]).await;
    let mut expected = log;
    expected.sort_by_key(|record| (record.charge_time, record.seq));
    for order in [Order::OldestFirst, Order::NewestFirst] {
        for limit in [1, 3, 20, usize::MAX] {
            let mut listed: Vec<Record> = Vec::new();
            loop {
                let after = listed.last().map(RecordPosition::of);
                let page = store.records(&everything(), order, after, limit).await.unwrap();
                assert!(page.len() <= limit);
                if page.is_empty() {
                    break;
                }
                listed.extend(page);
            }
            assert_eq!(listed, expected);
        }
        expected.reverse();
    }
}

/// What exports read, page by page, is what listings show.
pub async fn a_log_is_exported_in_pages(world: &World) {
    let store = world.store().await;
    let mut log = random_records(7, 60);
    log.push(odd_record(61));
    let texts = ["", " ", "1 2", "\u{1f}", "ü", "👩‍👧", "'", "\"", "%s", "\n", "\\"];
    for (seq, text) in (62..).zip(texts) {
        let charge_time = Time::from_micros(START.micros() - seq);
        let mut attribution = full_attribution();
        attribution.user_id = text.to_owned();
        attribution.session_id = format!("{text}1 23");
        attribution.tags.insert(text.to_owned(), text.to_owned());
        let price_id = Some(text).filter(|text| !text.is_empty()).map(Into::into);
        let (hour, day) = (hour_of(charge_time), day_of(charge_time));
        let places = Record { charge_time, hour, day, ..record(seq) };
        log.push(Record { attribution, price_id, key_group_id: text.into(), ..places });
    }
    append_new(&*store, &log).await;
    let all = Window { start: Time::from_micros(i64::MIN), end: Time::from_micros(i64::MAX) };
    let part = Window { start: START, end: log[3].charge_time };
    for workspace_id in ["w", "w-1", "w-9"] {
        for window in [all, part] {
            let inside =
                |r: &&Record| &*r.workspace_id == workspace_id && window.contains(r.charge_time);
            let mut expected: Vec<Record> = log.iter().filter(inside).cloned().collect();
            expected.sort_by_key(|record| (record.charge_time, record.seq));
            for limit in [1, 7, usize::MAX] {
                let mut exported: Vec<Record> = Vec::new();
                loop {
                    let after = exported.last().map(|last| RecordPosition {
                        charge_time: last.charge_time,
                        seq: last.seq,
                    });
                    let page =
                        store.export_records(workspace_id, window, after, limit).await.unwrap();
                    assert!(page.len() <= limit);
                    if page.is_empty() {
                        break;
                    }
                    exported.extend(page);
                }
                assert_eq!(exported, expected);
            }
        }
    }
}

pub async fn late_records_are_found_by_the_time_they_were_written(world: &World) {
    let store = world.store().await;
    let late = |seq: i64, days: i64, more: i64| {
        let charge_time = record(seq).charge_time;
        let record_time = charge_time + days * MICROS_PER_DAY + more;
        Record { record_time, ..record(seq) }
    };
    let log = [late(1, 0, 0), late(2, 3, 0), late(3, 2, 0), late(4, 3, -1), late(5, 1, 0)];
    append_new(&*store, &log).await;
    let day = |days: i64| record(1).charge_time + days * MICROS_PER_DAY;
    let all = Window { start: day(1), end: day(90) };
    for (written, limit) in [(all, 10), (all, 1), (Window { start: day(2), end: day(3) }, 10)] {
        let before = written.start - LATE_MIN;
        for before in [before, Time::from_micros(i64::MAX)] {
            let is_there = |r: &&Record| {
                written.contains(r.record_time)
                    && r.charge_time < before
                    && r.record_time - r.charge_time >= LATE_MIN
            };
            let mut found: Vec<Record> = Vec::new();
            loop {
                let after = found.last().map(RecordPosition::of);
                let page = store.late_records("w", written, before, after, limit).await.unwrap();
                if page.is_empty() {
                    break;
                }
                found.extend(page);
            }
            let mut expected: Vec<Record> = log.iter().filter(is_there).cloned().collect();
            expected.sort_by_key(|record| (record.charge_time, record.seq));
            assert_eq!(found, expected, "{written:?} {before:?}");
        }
    }
    let others = store.late_records("w-9", all, day(90), None, 10).await.unwrap();
    assert_eq!(others, []);
}

pub async fn records_are_filtered(world: &World) {
    let store = world.store().await;
    let named = Record { model_id: "named".into(), ..record(2) };
    let metered = Record { metered_model_id: "named".into(), ..record(3) };
    let log = [record(1), named.clone(), metered.clone(), record(4)];
    append_new(&*store, &log).await;
    let check = async |filter: RecordFilter, expected: &[i64]| {
        let found = store.records(&filter, Order::OldestFirst, None, 10).await.unwrap();
        let seqs: Vec<i64> = found.iter().map(|record| record.seq).collect();
        assert_eq!(seqs, expected, "{filter:?}");
    };
    let (second, fourth) = (record(2).charge_time, record(4).charge_time);
    check(everything(), &[1, 2, 3, 4]).await;
    check(RecordFilter { workspace_id: "W".into(), ..everything() }, &[]).await;
    check(RecordFilter { from: Some(second), ..everything() }, &[2, 3, 4]).await;
    check(RecordFilter { to: Some(fourth), ..everything() }, &[1, 2, 3]).await;
    check(RecordFilter { from: Some(second), to: Some(fourth), ..everything() }, &[2, 3]).await;
    check(RecordFilter { model_id: Some("named".to_owned()), ..everything() }, &[2, 3]).await;
    check(RecordFilter { model_id: Some("model".to_owned()), ..everything() }, &[1, 2, 4]).await;
    check(RecordFilter { request_id: Some("request-4".to_owned()), ..everything() }, &[4]).await;
    let all = RecordFilter {
        from: Some(second),
        to: Some(fourth),
        model_id: Some("named".to_owned()),
        request_id: Some("request-3".to_owned()),
        ..everything()
    };
    check(all, &[3]).await;
}

pub async fn records_are_filtered_by_whom_they_are_for_and_how_they_ended(world: &World) {
    let store = world.store().await;
    let of = |seq: i64, change: fn(&mut Record)| {
        let mut record = Record { attribution: Attribution::default(), ..record(seq) };
        change(&mut record);
        record
    };
    let log = [
        of(1, |record| record.attribution.user_id = "ada".to_owned()),
        of(2, |record| record.attribution.department_id = "ada".to_owned()),
        of(3, |record| record.attribution.api_key_id = "ada".to_owned()),
        of(4, |record| {
            record.attribution.user_id = "ada".to_owned();
            record.outcome = Outcome::Error;
        }),
        of(5, |record| {
            record.attribution.user_id = "ada".to_owned();
            record.outcome = Outcome::Error;
            record.kind = RecordKind::Correction;
        }),
        of(6, |record| record.workspace_id = "v".into()),
    ];
    append_new(&*store, &log).await;
    let ada = || Some("ada".to_owned());
    for (filter, expected) in [
        (RecordFilter { user_id: ada(), ..everything() }, vec![1, 4, 5]),
        (RecordFilter { department_id: ada(), ..everything() }, vec![2]),
        (RecordFilter { api_key_id: ada(), ..everything() }, vec![3]),
        (RecordFilter { outcome: Some(Outcome::Error), ..everything() }, vec![4]),
        (RecordFilter { user_id: ada(), outcome: Some(Outcome::Success), ..everything() }, vec![1]),
        (RecordFilter { user_id: ada(), department_id: ada(), ..everything() }, vec![]),
    ] {
        let found = store.records(&filter, Order::OldestFirst, None, 10).await.unwrap();
        assert_eq!(found.iter().map(|it| it.seq).collect::<Vec<_>>(), expected, "{filter:?}");
    }
    let time_of = |index: usize| log[index].charge_time;
    let position =
        |index: usize| Some(RecordPosition { charge_time: time_of(index), seq: log[index].seq });
    for (to, after, count, expected) in [
        (None, None, 0, Some(time_of(4))),
        (None, None, 4, Some(time_of(0))),
        (None, None, 5, None),
        (Some(time_of(3)), None, 1, Some(time_of(1))),
        (None, position(3), 0, Some(time_of(2))),
        (Some(time_of(2)), position(3), 0, Some(time_of(1))),
    ] {
        let found = store.charge_time_behind("w", to, after, count).await.unwrap();
        assert_eq!(found, expected, "{to:?} {after:?} {count}");
    }
}

/// By the day in which they were written, whatever time they are charged to.
pub async fn large_records_are_listed_and_counted(world: &World) {
    let store = world.store().await;
    let large = |seq: i64, charged: i64, written: i64| {
        let charge_time = START + charged;
        let (hour, day) = (hour_of(charge_time), day_of(charge_time));
        let record_time = START + written;
        let large_above = Some(Amount::from_nanos(7));
        Record { charge_time, hour, day, record_time, large_above, ..record(seq) }
    };
    let day = MICROS_PER_DAY;
    let log = [
        record(1),
        large(2, 3 * day, -1),
        large(3, 0, 0),
        Record { model_id: "other".into(), ..large(4, -day, day - 1) },
        record(5),
        Record { workspace_id: "v".into(), ..large(6, 0, 0) },
        large(7, 2 * day, day),
        large(8, day, 4 * day + 5),
    ];
    append_new(&*store, &log).await;
    for (order, expected) in
        [(Order::OldestFirst, [4, 3, 8, 7, 2]), (Order::NewestFirst, [2, 7, 8, 3, 4])]
    {
        let filter = RecordFilter { large_only: true, ..everything() };
        let mut found: Vec<Record> = Vec::new();
        for _page in 0..3 {
            let after = found.last().map(|last| (last.charge_time, last.seq));
            let after = after.map(|(charge_time, seq)| RecordPosition { charge_time, seq });
            found.extend(store.records(&filter, order, after, 2).await.unwrap());
        }
        let seqs: Vec<i64> = found.iter().map(|record| record.seq).collect();
        assert_eq!(seqs, expected, "{order:?}");
    }
    let all = RecordFilter {
        large_only: true,
        model_id: Some("other".to_owned()),
        to: Some(START),
        ..everything()
    };
    let found = store.records(&all, Order::OldestFirst, None, 10).await.unwrap();
    assert_eq!(found, log[3..4]);

    let counts = async |workspace_id: &str, since: i64| {
        store.large_record_counts(workspace_id, START + since).await.unwrap()
    };
    let at = |time: i64| START + time;
    assert_eq!(
        counts("w", -day).await,
        [(at(-day), 1), (at(0), 2), (at(day), 1), (at(4 * day), 1)]
    );
    assert_eq!(counts("w", day).await, [(at(day), 1), (at(4 * day), 1)]);
    assert_eq!(counts("w", 4 * day).await, [(at(4 * day), 1)]);
    assert_eq!(counts("w", 5 * day).await, []);
    assert_eq!(counts("v", -day).await, [(at(0), 1)]);
    assert_eq!(counts("x", 0).await, []);

    for (start, number, expected) in
        [(0, 1, Some(3)), (0, 2, Some(4)), (0, 3, None), (day, 1, Some(7)), (2 * day, 1, None)]
    {
        let written = Window { start: at(start), end: at(start + day) };
        let found = store.large_record("w", written, number).await.unwrap();
        assert_eq!(found.map(|record| record.seq), expected, "{start} {number}");
    }
}

pub async fn records_after_a_seq_are_of_all_workspaces(world: &World) {
    let store = world.store().await;
    let log = [record(1), Record { workspace_id: "v".into(), ..record(3) }, record(4), record(9)];
    append_new(&*store, &log).await;
    assert_eq!(store.records_after(1, 2).await.unwrap(), log[1..3]);
    assert_eq!(store.records_after(2, 10).await.unwrap(), log[1..]);
    assert_eq!(store.records_after(9, 10).await.unwrap(), []);
}

pub async fn the_last_entry_says_when_it_was_written(world: &World) {
    let store = world.store().await;
    assert_eq!(store.last_record_time().await.unwrap(), None);
    let at = |seq, offset| Record { record_time: START + offset, ..record(seq) };
    let other = Record { workspace_id: "v".into(), ..at(3, 5) };
    append_new(&*store, &[at(1, 9), at(2, 7), other]).await;
    assert_eq!(store.last_record_time().await.unwrap(), Some(START + 5));
}

pub async fn recent_outputs_are_the_latest_successes(world: &World) {
    let store = world.store().await;
    let output = |seq, count| Record {
        usage: Usage::default()
            .with(TokenClass::Input, 1_000)
            .with(TokenClass::Output, count)
            .with(TokenClass::Reasoning, 10)
            .with(TokenClass::AudioOutput, 100)
            .with(TokenClass::ImageOutput, 200),
        metered_model_id: format!("m{seq}").into(),
        ..record(seq)
    };
    let log = [
        output(1, 1),
        output(2, 2),
        Record { outcome: Outcome::Error, ..output(3, 3) },
        Record { kind: RecordKind::Correction, ..output(4, 4) },
        Record { kind: RecordKind::ExpiryCharge, ..output(5, 5) },
        Record { outcome: Outcome::Cancelled, ..output(6, 6) },
        output(7, 7),
        Record { workspace_id: "v".into(), ..output(8, 8) },
    ];
    append_new(&*store, &log).await;
    let all = [("m1", 311), ("m2", 312), ("m7", 317)].map(|(m, n)| (m.to_owned(), n));
    let outputs = |before, limit| store.recent_outputs("w", before, limit);
    assert_eq!(outputs(Time::LATEST, 10).await.unwrap(), all);
    assert_eq!(outputs(Time::LATEST, 2).await.unwrap(), all[1..]);
    let last = record(7).charge_time;
    assert_eq!(outputs(last, 10).await.unwrap(), all[..2]);
    assert_eq!(outputs(last + 1, 1).await.unwrap(), all[2..]);
}

pub async fn recent_attempts_are_those_of_the_latest_usage(world: &World) {
    let store = world.store().await;
    let of = |seq, request_id: &str, attempt| Record {
        request_id: request_id.into(),
        attempt,
        ..record(seq)
    };
    let log = [
        of(1, "a", 0),
        Record { outcome: Outcome::Error, ..of(2, "b", 7) },
        of(3, "a", 1_000),
        Record { kind: RecordKind::Correction, revision: 1, ..of(4, "a", 1_000) },
        Record { kind: RecordKind::ExpiryCharge, ..of(5, "a", EXPIRY_ATTEMPT) },
        Record { workspace_id: "v".into(), ..of(6, "a", 3) },
    ];
    append_new(&*store, &log).await;
    let all = [("a", 0), ("b", 7), ("a", 1_000)].map(|(id, attempt)| (id.to_owned(), attempt));
    assert_eq!(store.recent_attempts("w", 10).await.unwrap(), all);
    assert_eq!(store.recent_attempts("w", 2).await.unwrap(), all[1..]);
}

pub async fn readers_see_whole_batches_only(world: &World) {
    const BATCH: i64 = 700;
    let store = world.store().await;
    let done = Arc::new(AtomicBool::new(false));
    let mut readers = Vec::new();
    for _reader in 0..3 {
        let (store, done) = (store.clone(), done.clone());
        readers.push(tokio::spawn(async move {
            let mut reads = 0;
            while !done.load(Ordering::Relaxed) {
                assert_eq!(store.last_seq().await.unwrap() % BATCH, 0);
                let spent = store.spent_by_model("w", START, START + i64::MAX).await.unwrap();
                assert_eq!(spent.values().map(|cost| cost.nanos()).sum::<i64>() % BATCH, 0);
                reads += 1;
            }
            reads
        }));
    }
    for number in 0..12 {
        let mut batch = records(number * BATCH + 1..(number + 1) * BATCH + 1);
        for record in &mut batch {
            record.cost = tollgate::domain::Amount::from_nanos(1);
        }
        append_new(&*store, &batch).await;
    }
    done.store(true, Ordering::Relaxed);
    for reader in readers {
        assert!(reader.await.unwrap() > 0, "each reader read");
    }
}

pub async fn a_dropped_append_leaves_all_or_nothing(world: &World) {
    const BATCH: i64 = 1_500;
    let store = world.store().await;
    let mut written = 0;
    for number in 0..30 {
        let first = number * BATCH + 1;
        let batch = records(first..first + BATCH);
        // Dropped at some moment between not begun and long done.
        let patience = Duration::from_micros(200 * u64::try_from(number).unwrap().pow(2));
        let answered = tokio::time::timeout(patience, store.append(&batch)).await.is_ok();
        // The next write waits for what is left of the dropped one.
        append_new(&*store, &[record(first + BATCH * 100_000)]).await;
        let there = store.records_after(first - 1, BATCH as usize).await.unwrap();
        let there = there.iter().filter(|record| record.seq < first + BATCH).count() as i64;
        assert!(there == 0 || there == BATCH, "{there} of a batch");
        assert!(!answered || there == BATCH, "what was answered is there");
        written += i64::from(there == BATCH);
        // Another try settles it.
        append_new(&*store, &batch).await;
    }
    println!("{written} of 30 dropped appends were written");
    assert_eq!(whole_log(&*store).await.len() as i64, 30 * (BATCH + 1));
}

pub async fn a_dropped_write_never_comes_after_a_later_one(world: &World) {
    let store = world.store().await;
    for number in 0..40 {
        let mut older = workspace("w");
        older.display_name = format!("older {number}");
        let older = [Change::PutWorkspace(older)];
        let patience = Duration::from_micros(50 * number);
        drop(tokio::time::timeout(patience, store.change("w", &older, &[])).await);
        let mut newer = workspace("w");
        newer.display_name = format!("newer {number}");
        put(&*store, Change::PutWorkspace(newer.clone())).await;
        tokio::time::sleep(Duration::from_millis(1)).await;
        assert_eq!(store.workspace("w").await.unwrap(), Some(newer));
    }
}
