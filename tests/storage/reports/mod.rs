//! Sums and counts of reports, against naive ones.

pub mod log;
pub mod people;
pub mod rollups;
pub mod used;

use std::slice;

use tollgate::domain::attribution::Dimension;
use tollgate::domain::record::{Record, RecordKind};
use tollgate::domain::time::MICROS_PER_HOUR;
use tollgate::domain::time::calendar::Window;
use tollgate::domain::{Amount, Time};
use tollgate::storage::reports::{
    Axis, DistinctQuery, Filter, OrderBy, ROWS_MAX, ReportQuery, ReportResult, Source, SumsQuery,
    SumsRow,
};
use tollgate::storage::rollup::Sums;
use tollgate::storage::{Error, Store};

use crate::fixtures::{START, append_new, at, day_of, folded, put, record, records, workspace};
use crate::reports::log::{draw, local_days, log, naive_distinct, naive_sums, spans};
use crate::world::World;
use tollgate::storage::settings::Change;

const SOURCES: [Source; 4] = [Source::Hours, Source::Days, Source::DaysByModel, Source::Records];

pub async fn ask(store: &dyn Store, question: ReportQuery) -> ReportResult {
    let mut answers = store.report("w", slice::from_ref(&question)).await.unwrap();
    assert_eq!(answers.len(), 1);
    answers.remove(0)
}

async fn sums(store: &dyn Store, question: &SumsQuery) -> Vec<SumsRow> {
    match ask(store, ReportQuery::Sums(question.clone())).await {
        ReportResult::Sums(rows) => rows,
        other => panic!("{other:?}"),
    }
}

/// Appends all of a log, and folds it up to `cursor`.
async fn append_and_fold(store: &dyn Store, log: &[Record], cursor: usize) {
    append_new(store, log).await;
    let middle = cursor / 3;
    let (first, second) = (&log[..middle], &log[middle..cursor]);
    store.fold(at(0), at(middle as i64), &folded(first)).await.unwrap();
    store.fold(at(middle as i64), at(cursor as i64), &folded(second)).await.unwrap();
}

/// Sums of everything in a window.
fn all(source: Source, windows: Vec<Window>) -> SumsQuery {
    SumsQuery {
        source,
        group_by: Vec::new(),
        filters: Vec::new(),
        windows,
        by_window: false,
        top: None,
        latencies: false,
    }
}

pub async fn sums_equal_the_naive_ones(world: &World) {
    let store = world.store().await;
    let log = log(1, 2_000);
    append_and_fold(&*store, &log, 1_950).await;
    let folded = &log[..1_950];
    for source in SOURCES {
        let mut draw = draw(source as u64, folded);
        for _ in 0..60 {
            let question = draw.sums(source);
            let rows = sums(&*store, &question).await;
            assert_eq!(rows, naive_sums(folded, &question), "{question:?}");
        }
    }
}

pub async fn counts_equal_the_naive_ones(world: &World) {
    let store = world.store().await;
    let log = log(2, 2_000);
    append_and_fold(&*store, &log, 1_950).await;
    let folded = &log[..1_950];
    for source in SOURCES {
        let mut draw = draw(10 + source as u64, folded);
        for _ in 0..60 {
            let question = draw.distinct(source);
            let ReportResult::Distinct(rows) =
                ask(&*store, ReportQuery::Distinct(question.clone())).await
            else {
                panic!("not a count");
            };
            assert_eq!(rows, naive_distinct(folded, &question), "{question:?}");
        }
    }
}

/// All answers of one report fit one another, also while the log is folded.
pub async fn answers_come_from_one_state_in_their_order(world: &World) {
    let store = world.store().await;
    let folding = {
        let store = store.clone();
        tokio::spawn(async move {
            for number in 0..30 {
                let (from, to) = (number * 40, (number + 1) * 40);
                let batch = records(from + 1..to + 1);
                append_new(&*store, &batch).await;
                store.fold(at(from), at(to), &folded(&batch)).await.unwrap();
            }
        })
    };
    let window = Window { start: day_of(START), end: day_of(START) + 24 * MICROS_PER_HOUR };
    let by = |source, group_by| SumsQuery { group_by, ..all(source, vec![window]) };
    let user = Axis::Of(Dimension::User);
    let counted = DistinctQuery {
        source: Source::Days,
        counted: Dimension::User,
        group_by: None,
        filters: Vec::new(),
        windows: vec![window],
        by_window: false,
    };
    let questions = [
        ReportQuery::Sums(by(Source::Days, vec![user.clone()])),
        ReportQuery::RecordCount(window),
        ReportQuery::Sums(by(Source::Hours, Vec::new())),
        ReportQuery::Distinct(counted),
        ReportQuery::Sums(by(Source::Records, vec![user])),
        ReportQuery::SumsBetween(window.start, window.end),
    ];
    let mut asked = 0;
    while !folding.is_finished() || asked == 0 {
        let answers = store.report("w", &questions).await.unwrap();
        let [
            ReportResult::Sums(by_day),
            ReportResult::RecordCount(count),
            ReportResult::Sums(by_hour),
            ReportResult::Distinct(users),
            ReportResult::Sums(entries),
            ReportResult::SumsBetween(between),
        ] = &answers[..]
        else {
            panic!("answers of other kinds, or in another order: {answers:?}");
        };
        assert_eq!(by_day, entries);
        let sums = by_day.first().map_or(Sums::default(), |row| row.sums);
        assert_eq!(sums, *between);
        assert_eq!(sums, by_hour.first().map_or(Sums::default(), |row| row.sums));
        assert_eq!(sums.record_count, *count);
        assert_eq!(users.first().map_or(0, |row| row.count), i64::from(sums.record_count > 0));
        asked += 1;
    }
    folding.await.unwrap();
}

pub async fn what_is_not_folded_does_not_count(world: &World) {
    let store = world.store().await;
    let log = log(3, 300);
    append_and_fold(&*store, &log, 200).await;
    let window = spans(&local_days(), 100)[0];
    for source in SOURCES {
        let question = all(source, vec![window]);
        assert_eq!(sums(&*store, &question).await, naive_sums(&log[..200], &question));
    }
    let own = log[..200].iter().filter(|record| &*record.workspace_id == "w");
    let count = own.clone().count();
    assert!(own.clone().any(|record| record.kind != RecordKind::Usage));
    let ReportResult::RecordCount(counted) = ask(&*store, ReportQuery::RecordCount(window)).await
    else {
        panic!("not a count");
    };
    assert_eq!(counted, count as i64);
}

/// Spans that begin and end anywhere, and the bounds of windows, to the microsecond.
pub async fn windows_are_exact_at_both_ends(world: &World) {
    let store = world.store().await;
    let log = log(4, 1_000);
    append_and_fold(&*store, &log, 1_000).await;
    let mut draw = draw(5, &log);
    for record in log.iter().step_by(37) {
        let days = local_days();
        let day = days.iter().find(|day| day.contains(record.charge_time)).unwrap();
        for window in [
            *day,
            Window { start: day.start, end: record.charge_time },
            Window { start: record.charge_time, end: day.end },
        ] {
            let naive = naive_sums(&log, &all(Source::Records, vec![window]));
            let expected = naive.first().map_or(Sums::default(), |row| row.sums);
            let between = ReportQuery::SumsBetween(window.start, window.end);
            let ReportResult::SumsBetween(found) = ask(&*store, between).await else {
                panic!("not sums");
            };
            assert_eq!(found, expected);
            let question = ReportQuery::RecordCount(window);
            let ReportResult::RecordCount(count) = ask(&*store, question).await else {
                panic!("not a count");
            };
            let inside = |r: &&Record| &*r.workspace_id == "w" && window.contains(r.charge_time);
            assert_eq!(count, log.iter().filter(inside).count() as i64);
            // Windows need not be of whole days to be exact.
            let question = SumsQuery { windows: vec![window], ..draw.sums(Source::Days) };
            assert_eq!(sums(&*store, &question).await, naive_sums(&log, &question), "{question:?}");
        }
    }
}

/// Days that were dropped from the log still count: whole, and in the window that they begin in.
pub async fn dropped_days_count_where_they_begin(world: &World) {
    let store = world.store().await;
    put(&*store, Change::PutWorkspace(workspace("w"))).await;
    let log = log(6, 1_500);
    append_and_fold(&*store, &log, 1_500).await;
    assert!(matches!(
        ask(&*store, ReportQuery::DroppedBefore).await,
        ReportResult::DroppedBefore(None)
    ));
    let before = local_days()[20].start;
    let micros = before.micros();
    world.meddle(&format!("UPDATE workspaces SET dropped_before = {micros}")).await;
    world.meddle(&format!("DELETE FROM usage_records WHERE day < {micros}")).await;
    let ReportResult::DroppedBefore(Some(time)) = ask(&*store, ReportQuery::DroppedBefore).await
    else {
        panic!("nothing was dropped");
    };
    assert_eq!(time, before);

    let days = local_days();
    // Of a dropped day that lies in two windows, all entries count in the one it begins in.
    let window_of = |windows: &[Window], time: Time| windows.iter().position(|w| w.contains(time));
    let moved = |windows: &[Window]| -> Vec<Record> {
        let own = log.iter().filter(|record| &*record.workspace_id == "w");
        let mut moved: Vec<Record> = own.cloned().collect();
        for record in &mut moved {
            let same_day =
                log.iter().filter(|other| &*other.workspace_id == "w" && other.day == record.day);
            let mut windows_of_day = same_day.map(|r| window_of(windows, r.charge_time));
            let first = windows_of_day.next().unwrap();
            if record.day < before && windows_of_day.any(|window| window != first) {
                record.charge_time = record.day;
            }
        }
        moved
    };
    for windows in [days.clone(), spans(&days, 7), spans(&days, 100), days[10..25].to_vec()] {
        for group_by in [Vec::new(), vec![Axis::Of(Dimension::User)]] {
            let by_window = true;
            let windows = windows.clone();
            let question = SumsQuery { group_by, by_window, ..all(Source::Days, windows) };
            let expected = naive_sums(&moved(&question.windows), &question);
            assert_eq!(sums(&*store, &question).await, expected, "{question:?}");
        }
    }
    // Hours do not need the log, and entries are what is left of it.
    let window = vec![spans(&days, 100)[0]];
    let question = all(Source::Hours, window.clone());
    assert_eq!(sums(&*store, &question).await, naive_sums(&log, &question));
    let left: Vec<Record> = log.iter().filter(|record| record.day >= before).cloned().collect();
    let question = all(Source::Records, window);
    assert_eq!(sums(&*store, &question).await, naive_sums(&left, &question));
}

pub async fn values_are_told_apart_and_ordered_by_their_bytes(world: &World) {
    let store = world.store().await;
    let values = ["", " ", "%", "A", "Z", "_", "a", "a ", "aa", "b", "z", "ü", "Ü", "👩‍👧"];
    let mut log = Vec::new();
    for (seq, value) in (1..).zip(values) {
        let mut record = record(seq);
        record.cost = Amount::from_nanos(1);
        record.attribution.user_id = value.to_owned();
        record.attribution.tags.insert("key".to_owned(), value.to_owned());
        record.attribution.tags.insert("key ".to_owned(), "of another".to_owned());
        log.push(record);
    }
    append_and_fold(&*store, &log, log.len()).await;
    let window = Window { start: day_of(START), end: day_of(START) + 24 * MICROS_PER_HOUR };
    let mut sorted = values.to_vec();
    sorted.sort_unstable();
    for axis in [Axis::Of(Dimension::User), Axis::Tag("key".to_owned())] {
        for source in SOURCES {
            for top in [None, Some((OrderBy::Cost, 1_000))] {
                let group_by = vec![axis.clone()];
                let question = SumsQuery { group_by, top, ..all(source, vec![window]) };
                let rows = sums(&*store, &question).await;
                let found: Vec<&str> = rows.iter().map(|row| row.values[0].as_str()).collect();
                assert_eq!(found, sorted, "{source:?} {top:?}");
            }
            for value in values {
                let filter = Filter { axis: axis.clone(), values: vec![value.to_owned()] };
                let question = SumsQuery { filters: vec![filter], ..all(source, vec![window]) };
                let rows = sums(&*store, &question).await;
                assert_eq!(rows.len(), 1, "{value:?}");
                assert_eq!(rows[0].sums.record_count, 1, "{value:?}");
            }
        }
    }
}

pub async fn questions_that_a_source_cannot_answer_are_refused(world: &World) {
    let store = world.store().await;
    let windows = vec![local_days()[0]];
    let by = |source, axes: &[Dimension]| {
        let group_by = axes.iter().map(|dimension| Axis::Of(*dimension)).collect();
        SumsQuery { group_by, ..all(source, windows.clone()) }
    };
    let (user, project, model) = (Dimension::User, Dimension::Project, Dimension::Model);
    let top = Some((OrderBy::Cost, 1));
    for question in [
        by(Source::Hours, &[user, model]),
        by(Source::Days, &[user, model]),
        by(Source::DaysByModel, &[user, project]),
        by(Source::Records, &[user, project, model]),
        SumsQuery { top, by_window: true, ..by(Source::Days, &[user]) },
        SumsQuery { latencies: true, ..by(Source::Hours, &[user]) },
        SumsQuery { latencies: true, ..by(Source::DaysByModel, &[user, model]) },
    ] {
        let refused = store.report("w", &[ReportQuery::Sums(question.clone())]).await;
        assert!(matches!(refused, Err(Error::NotApplied(_))), "{question:?}: {refused:?}");
    }
    // Nothing can be met by no value, and nothing lies in no window.
    let filters = vec![Filter { axis: Axis::Of(user), values: Vec::new() }];
    for question in
        [SumsQuery { filters, ..all(Source::Days, windows.clone()) }, all(Source::Days, Vec::new())]
    {
        assert_eq!(sums(&*store, &question).await, []);
    }
}

/// More rows than one answer may have.
pub async fn too_many_rows_are_refused(world: &World) {
    let store = world.store().await;
    let day = day_of(START).micros();
    let numbers = |count: usize| {
        format!(
            "WITH RECURSIVE numbers (n) AS (SELECT 1 UNION ALL \
                 SELECT n + 1 FROM numbers WHERE n < {count})"
        )
    };
    let insert = format!(
        "INSERT INTO rollups_by_day SELECT 'w', 11, {day}, 's-' || CAST(n AS TEXT), \
         1, 0, 0, n, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0 FROM numbers"
    );
    let count = ROWS_MAX + 1;
    // Postgres wants the numbers before, SQLite takes them there too.
    world.meddle(&format!("{} {insert}", numbers(count))).await;
    world.meddle(&format!("INSERT INTO local_days VALUES ('w', {day}, {day}, {day})")).await;
    let window = Window { start: day_of(START), end: day_of(START) + 24 * MICROS_PER_HOUR };
    let group_by = vec![Axis::Of(Dimension::Session)];
    let question = SumsQuery { group_by, ..all(Source::Days, vec![window]) };
    let answer = ask(&*store, ReportQuery::Sums(question.clone())).await;
    assert!(matches!(answer, ReportResult::TooMany));
    // The greatest of them are found all the same.
    for most in [3, 5_000] {
        let top = Some((OrderBy::Cost, most));
        let rows = sums(&*store, &SumsQuery { top, ..question.clone() }).await;
        assert_eq!(rows.len(), most);
        for (place, row) in rows.iter().enumerate() {
            assert_eq!(row.sums.cost_nanos, (count - place) as i64);
        }
    }
    world.meddle("DELETE FROM rollups_by_day WHERE value = 's-1'").await;
    assert_eq!(sums(&*store, &question).await.len(), ROWS_MAX);
}
