//! `tollgate generate`: a history that holds together, and is the same each time.

use chrono::NaiveDate;
use tollgate::admin::{self, generate, verify};
use tollgate::config::Config;
use tollgate::domain::Time;
use tollgate::domain::record::Record;
use tollgate::proto::v1;
use tollgate::storage::sql;

use crate::server::{self, Server, TestClock};

const RECORDS: usize = 3_000;

fn options(workspace_id: &str) -> generate::Options {
    generate::Options {
        workspace_id: workspace_id.to_owned(),
        // Its clocks change within the days.
        time_zone: chrono_tz::America::New_York,
        records: RECORDS,
        days: 30,
        until: None,
        users: 40,
        departments: 20,
        assistants: 10,
        workflows: 5,
        // More than there are in the catalogue.
        models: 50,
        seed: 7,
        fold: true,
    }
}

async fn generate(url: &str, options: generate::Options) -> generate::Generated {
    let mut told = 0;
    let clock = TestClock::default();
    let generated = generate::run(url, options, &clock, |records| told = records).await.unwrap();
    assert_eq!(told, generated.records);
    generated
}

async fn log(url: &str) -> Vec<Record> {
    let store = sql::open_read_only(url).await.unwrap();
    let records = store.records_after(0, 10 * RECORDS).await.unwrap();
    store.close().await;
    records
}

#[tokio::test(flavor = "multi_thread")]
async fn a_generated_history_holds_together_and_is_the_same_each_time() {
    let folder = tempfile::tempdir().unwrap();
    let url = server::database(folder.path()).await;
    let generated = generate(&url, options("acme")).await;
    let day = |month, day| NaiveDate::from_ymd_opt(2026, month, day).unwrap();
    assert_eq!((generated.first_day, generated.last_day), (day(2, 13), day(3, 14)));
    assert!(generated.is_folded);
    let first = log(&url).await;
    assert_eq!((first.len(), generated.records), (RECORDS, RECORDS));
    let verified = verify::run(&url).await.unwrap();
    assert!(verified.is_clean(), "{verified}");
    assert_eq!(verified.folded_to, RECORDS as i64);

    // It adds to what is there, and never twice.
    let again = generate::run(&url, options("acme"), &TestClock::default(), |_| {}).await;
    let again = again.unwrap_err().to_string();
    assert_eq!(again, "workspace acme is there already: choose another id");
    generate(&url, options("other")).await;
    let both = log(&url).await;
    assert_eq!(both.len(), 2 * RECORDS);
    for (one, other) in first.iter().zip(&both[RECORDS..]) {
        let same = Record { seq: one.seq, workspace_id: one.workspace_id.clone(), ..other.clone() };
        assert_eq!(&same, one);
    }
    let other_seed = generate::Options { seed: 8, ..options("third") };
    generate(&url, other_seed).await;
    assert_ne!(log(&url).await[2 * RECORDS].charge_time, first[0].charge_time);
    assert!(verify::run(&url).await.unwrap().is_clean());
}

#[tokio::test(flavor = "multi_thread")]
async fn sums_are_the_same_whoever_makes_them() {
    let folder = tempfile::tempdir().unwrap();
    let url = server::database(folder.path()).await;
    let unfolded = generate::Options { fold: false, ..options("acme") };
    assert!(!generate(&url, unfolded).await.is_folded);
    // Behind one that is not folded none is.
    assert!(!generate(&url, options("other")).await.is_folded);
    assert_eq!(verify::run(&url).await.unwrap().folded_to, 0);
    admin::rebuild(&url).await.unwrap();
    let verified = verify::run(&url).await.unwrap();
    assert!(verified.is_clean(), "{verified}");
    assert_eq!(verified.folded_to, 2 * RECORDS as i64);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_generated_history_is_plausible() {
    let folder = tempfile::tempdir().unwrap();
    let url = server::database(folder.path()).await;
    let generated = generate(&url, options("acme")).await;
    let records = log(&url).await;
    let distinct = |of: fn(&Record) -> &str| {
        let values: std::collections::BTreeSet<&str> = records.iter().map(of).collect();
        values.len()
    };
    assert!(distinct(|record| &record.metered_model_id) > 20);
    assert_eq!(distinct(|record| &record.attribution.assistant_id), 11, "ten and none");
    let users = distinct(|record| &record.attribution.user_id);
    assert!((20..40).contains(&users), "{users} users: some are never active");
    assert!(records.iter().all(|record| !record.unpriced));
    let late = |record: &&Record| record.record_time - record.charge_time > 3_600_000_000;
    assert!((1..60).contains(&records.iter().filter(late).count()));
    let latest = records.iter().map(|record| record.record_time).max().unwrap();
    // Midnight after the 14th of March in New York.
    assert!(latest <= Time::from_micros(1_773_547_200_000_000));

    let server = Server::start_in(folder.path(), Default::default(), Config::default()).await;
    let request = v1::GetBudgetRequest { workspace_id: "acme".to_owned() };
    let budget = server.budget().get_budget(request).await.unwrap().into_inner().budget.unwrap();
    let spent: f64 = budget.spent.clone().unwrap().amount.parse().unwrap();
    assert!(budget.plan_set && spent > 0.0);
    assert_eq!(budget.state(), v1::BudgetState::WithinPlan);
    assert!(generated.spent.nanos() > 0);
    server.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_made_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let url = server::database(folder.path()).await;
    let until = |year, month, day| generate::Options {
        until: NaiveDate::from_ymd_opt(year, month, day),
        ..options("acme")
    };
    for (options, expected) in [
        (until(2026, 3, 15), "until: expected a day before 2026-03-15"),
        (until(2000, 1, 10), "until: the first day is before the year 2000"),
    ] {
        let refused = generate::run(&url, options, &TestClock::default(), |_| {}).await;
        assert_eq!(refused.unwrap_err().to_string(), expected);
    }
    assert!(log(&url).await.is_empty());
    // Before the catalogue's prices all models are invented.
    let old = generate(&url, until(2020, 1, 10)).await;
    assert_eq!(old.records, RECORDS);
    assert!(log(&url).await.iter().all(|record| record.metered_model_id.starts_with("model-")));
}
