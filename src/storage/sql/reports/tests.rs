//! Tests of how SQLite finds what the statements of reports ask for.

use std::slice;

use super::buckets::{Buckets, LatenciesOf};
use super::records::{Measure, Records};
use super::selection::Selection;
use super::{log, refusals, users};
use crate::domain::Time;
use crate::domain::attribution::{Dimension, EntryKind};
use crate::domain::time::MICROS_PER_DAY;
use crate::domain::time::calendar::Window;
use crate::storage::reports::{Axis, Filter, OrderBy, RefusalsQuery, Source};
use crate::storage::sql::rollups::cut::{Cut, LocalDay, WindowColumn};
use crate::storage::sql::statement::Values;
use crate::storage::sql::tests::Planner;

/// The steps that SQLite takes, those of sorting and putting together aside.
async fn plan(planner: &Planner, sql: &str) -> Vec<String> {
    let own = ["SCAN parts", "SCAN present", "SCAN found", "SCAN few"];
    let of_tables = |step: &String| {
        let is_own = own.contains(&step.as_str()) || step.contains("CONSTANT ROW");
        step.starts_with("SEARCH") || step.starts_with("SCAN") && !is_own
    };
    let mut steps = planner.plan(sql).await;
    steps.retain(of_tables);
    steps
}

fn day(number: i64) -> Window {
    let start = Time::from_micros(number * MICROS_PER_DAY);
    Window { start, end: start + MICROS_PER_DAY }
}

/// Days with records, one of which lies in two windows.
fn cut(source: Source, by_window: bool) -> Cut {
    let windows: Vec<Window> = (0..30).map(day).collect();
    let local_day = |number: i64| {
        let window = day(number);
        let last_time = window.end + if number == 7 { 1 } else { -1 };
        LocalDay { day: window.start, first_time: window.start, last_time }
    };
    let days: Vec<LocalDay> = (0..30).map(local_day).collect();
    Cut::new(source, &windows, by_window, &days, None)
}

fn filter(axis: &Axis, count: usize) -> Vec<Filter> {
    let values = (0..count).map(|number| format!("v{number}")).collect();
    vec![Filter { axis: axis.clone(), values }]
}

const BY_TIME: &str = "SEARCH usage_records USING INDEX usage_records_by_time \
                       (workspace_id=? AND charge_time>? AND charge_time<?)";

/// A search by the primary key of a table, down to some of its columns.
fn by_key(table: &str, columns: &str) -> String {
    format!("SEARCH {table} USING PRIMARY KEY (workspace_id=? AND {columns})")
}

#[tokio::test]
async fn buckets_are_found_by_their_keys() {
    let planner = Planner::new().await;
    let user = Axis::Of(Dimension::User);
    let model = Axis::Of(Dimension::Model);
    let days = by_key("rollups_by_day", "dimension=? AND day>? AND day<?");
    let few_days = by_key("rollups_by_day", "dimension=? AND day=? AND value=?");
    let hours = by_key("rollups_by_hour", "dimension=? AND hour>? AND hour<?");
    let few_hours = "SEARCH rollups_by_hour USING INDEX rollups_by_hour_value \
                     (workspace_id=? AND dimension=? AND (value,hour)>(?,?) \
                     AND (value,hour)<(?,?))"
        .to_owned();
    let models = by_key("rollups_by_model", "dimension=? AND day>? AND day<?");
    let few_models = by_key("rollups_by_model", "dimension=? AND day=? AND value=?");
    for (source, groups, filters, expected) in [
        (Source::Days, vec![], vec![], &days),
        (Source::Days, vec![user.clone()], vec![], &days),
        (Source::Days, vec![user.clone()], filter(&user, 1), &few_days),
        (Source::Days, vec![user.clone()], filter(&user, 20), &few_days),
        (Source::Days, vec![user.clone()], filter(&user, 500), &days),
        (Source::Hours, vec![user.clone()], vec![], &hours),
        (Source::Hours, vec![], filter(&user, 1), &few_hours),
        (Source::Hours, vec![user.clone()], filter(&user, 20), &few_hours),
        (Source::DaysByModel, vec![user.clone(), model.clone()], vec![], &models),
        (Source::DaysByModel, vec![model.clone()], filter(&user, 20), &few_models),
        (Source::DaysByModel, vec![user.clone()], filter(&model, 20), &models),
    ] {
        for by_window in [false, true] {
            let cut = cut(source, by_window);
            let selection = Selection::of(source, &groups, &filters).unwrap();
            for statement in statements(&selection, &cut) {
                let steps = plan(&planner, &statement).await;
                assert_eq!(steps, [expected.as_str()], "{source:?} {groups:?}");
            }
        }
    }
}

/// All statements over buckets.
fn statements(selection: &Selection, cut: &Cut) -> Vec<String> {
    type Write = for<'a> fn(&Buckets<'a>, &mut Values<'a>) -> String;
    let writes: [Write; 5] = [
        |buckets, values| buckets.sums(values),
        |buckets, values| buckets.present(values),
        |buckets, values| buckets.greatest(OrderBy::Cost, values, 10),
        |buckets, values| buckets.greatest(OrderBy::Tokens, values, 10),
        |buckets, values| buckets.greatest(OrderBy::Requests, values, 10),
    ];
    let mut statements = Vec::new();
    for (number, write) in writes.into_iter().enumerate() {
        // Only sums are asked for without groups.
        if selection.groups.is_empty() && number > 0 {
            continue;
        }
        for exact in [false, true] {
            let mut values = Values::default();
            let window = cut.of_buckets(exact, &mut values);
            let buckets = Buckets { workspace_id: "w", selection, cut, window: &window };
            statements.push(write(&buckets, &mut values));
        }
    }
    statements
}

#[tokio::test]
async fn what_has_a_tag_is_found_among_the_tags() {
    let planner = Planner::new().await;
    let tag = Axis::Tag("key".to_owned());
    let model = Axis::Of(Dimension::Model);
    let days = by_key("rollups_by_day", "dimension=? AND day>? AND day<?");
    let models = by_key("rollups_by_model", "dimension=? AND day>? AND day<?");
    for (source, groups, expected) in [
        (Source::Days, vec![tag.clone()], [&days, &days, &days]),
        (Source::DaysByModel, vec![tag.clone(), model], [&models, &days, &models]),
    ] {
        let selection = Selection::of(source, &groups, &[]).unwrap();
        for statement in statements(&selection, &cut(source, false)) {
            assert_eq!(plan(&planner, &statement).await.iter().collect::<Vec<_>>(), expected);
        }
    }
}

#[tokio::test]
async fn latencies_are_found_by_their_keys() {
    let planner = Planner::new().await;
    let user = Axis::Of(Dimension::User);
    for (filters, columns) in [
        (vec![], "dimension=? AND day>? AND day<?"),
        (filter(&user, 20), "dimension=? AND day=? AND value=?"),
    ] {
        let selection = Selection::of(Source::Days, slice::from_ref(&user), &filters).unwrap();
        let cut = cut(Source::Days, true);
        let window = WindowColumn::Key;
        let buckets =
            Buckets { workspace_id: "w", selection: &selection, cut: &cut, window: &window };
        let sql = buckets.latencies(LatenciesOf::Values, &mut Values::default()).unwrap();
        assert_eq!(plan(&planner, &sql).await, [by_key("rollup_latencies", columns)]);
    }
}

#[tokio::test]
async fn entries_are_found_by_time() {
    let planner = Planner::new().await;
    let user = Axis::Of(Dimension::User);
    let filters = filter(&user, 3);
    for (source, span) in [(Source::Records, 0), (Source::Days, 0)] {
        let cut = cut(source, true);
        let groups = vec![user.clone(), Axis::Tag("key".to_owned())];
        let records = Records { cursor: 1, cut: &cut, groups, filters: &filters };
        for measure in [Measure::Sums, Measure::Milliseconds, Measure::Presence] {
            let mut values = Values::default();
            let sql = records.statement("w", &cut.spans[span], measure, &mut values);
            assert_eq!(plan(&planner, &sql).await, [BY_TIME]);
        }
    }
    assert_eq!(plan(&planner, &log::sums_between()).await, [BY_TIME]);
    let by_index = BY_TIME.replace("USING INDEX", "USING COVERING INDEX");
    assert_eq!(plan(&planner, log::RECORD_COUNT).await, [by_index]);
}

#[tokio::test]
async fn refusals_and_users_are_found_by_their_keys() {
    let planner = Planner::new().await;
    let query = RefusalsQuery {
        by_limit: true,
        by_model: true,
        by_user: true,
        models: vec!["m".to_owned()],
        users: vec!["u".to_owned()],
        limits: Vec::new(),
        windows: vec![day(0), day(1)],
        by_window: true,
    };
    let cut = Cut::new(Source::Hours, &query.windows, true, &[], None);
    let sql = refusals::statement("w", &query, &cut, &mut Values::default());
    assert_eq!(plan(&planner, &sql).await, [by_key("refusals", "hour>? AND hour<?")]);

    let users = by_key("directory", "kind=?");
    let seen = by_key("seen", "dimension=?");
    let known = by_key("known", "kind=? AND id=?");
    assert_eq!(plan(&planner, &users::known(EntryKind::User)).await, [users.clone(), seen, known]);
    let seen = by_key("seen", "dimension=? AND value=?") + " LEFT-JOIN";
    let sql = users::sign_ups("w", day(0), Some("d"), &mut Values::default());
    assert_eq!(plan(&planner, &sql).await, [users, seen]);
}
