//! `tollgate generate`, as a process: a history that holds together, and is the same each time.

use tokio::process::Command;
use tollgate::admin::{self, verify};
use tollgate::config::Config;
use tollgate::domain::record::Record;
use tollgate::domain::{Amount, Time};
use tollgate::proto::v1;
use tollgate::storage::sql;

use crate::server::{self, Server};

const RECORDS: usize = 3_000;
/// Thirty days until the day before the clock of the tests; clocks in New York change within them.
/// There are more models than in the catalog.
const FLAGS: &str = "--records 3000 --time-zone America/New_York --days 30 --users 40 \
                     --departments 20 --assistants 10 --workflows 5 --models 50";
const UNTIL: &str = "--until 2026-03-14 --seed 7";

/// What the command prints: to standard output with success, to standard error without.
pub async fn run(url: &str, workspace: &str, flags: &str) -> Result<String, String> {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tollgate"));
    command.args(["generate", "--database", url, "--workspace", workspace]);
    let output = command.args(flags.split_whitespace()).kill_on_drop(true).output().await.unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    match output.status.success() {
        true => Ok(text(output.stdout)),
        false => Err(text(output.stderr)),
    }
}

async fn generate(url: &str, workspace: &str, flags: &str) -> String {
    run(url, workspace, &format!("{FLAGS} {flags}")).await.unwrap()
}

/// The part of the line that says how much was spent.
fn spent(line: &str) -> &str {
    line.trim_end().rsplit_once(", ").unwrap().1
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
    let line = generate(&url, "acme", UNTIL).await;
    let expected = "workspace acme: 3000 records from 2026-02-13 to 2026-03-14, ";
    assert!(line.starts_with(expected) && line.ends_with(" USD spent\n"), "{line}");
    let first = log(&url).await;
    assert_eq!(first.len(), RECORDS);
    let verified = verify::run(&url).await.unwrap();
    assert!(verified.is_clean(), "{verified}");
    assert_eq!(verified.folded_to, RECORDS as i64);

    // It adds to what is there, and never twice.
    let again = run(&url, "acme", UNTIL).await.unwrap_err();
    assert_eq!(again, "tollgate: workspace acme is there already: choose another id\n");
    assert_eq!(spent(&generate(&url, "other", UNTIL).await), spent(&line));
    let both = log(&url).await;
    assert_eq!(both.len(), 2 * RECORDS);
    for (one, other) in first.iter().zip(&both[RECORDS..]) {
        let same = Record { seq: one.seq, workspace_id: one.workspace_id.clone(), ..other.clone() };
        assert_eq!(&same, one);
    }
    generate(&url, "third", "--until 2026-03-14 --seed 8").await;
    assert_ne!(log(&url).await[2 * RECORDS].charge_time, first[0].charge_time);
    assert!(verify::run(&url).await.unwrap().is_clean());
}

#[tokio::test(flavor = "multi_thread")]
async fn sums_are_the_same_whoever_makes_them() {
    let folder = tempfile::tempdir().unwrap();
    let url = server::database(folder.path()).await;
    let later = "; sums are made when the server starts, or by tollgate rebuild\n";
    let unfolded = format!("{UNTIL} --no-fold");
    assert!(generate(&url, "acme", &unfolded).await.ends_with(later));
    // Behind one that is not folded none is.
    assert!(generate(&url, "other", UNTIL).await.ends_with(later));
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
    let line = generate(&url, "acme", UNTIL).await;
    let records = log(&url).await;
    let costs = records.iter().map(|record| record.cost).fold(Amount::ZERO, |sum, cost| sum + cost);
    assert_eq!(spent(&line), format!("{} USD spent", costs.to_text()));
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
    assert!(costs.nanos() > 0);
    server.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_made_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let url = server::database(folder.path()).await;
    let tomorrow = chrono::Utc::now().date_naive() + chrono::Days::new(1);
    for (until, expected) in [
        (tomorrow.to_string().as_str(), "tollgate: until: expected a day before 20"),
        ("2000-01-10", "tollgate: until: the first day is before the year 2000\n"),
    ] {
        let refused = run(&url, "acme", &format!("--until {until}")).await.unwrap_err();
        assert!(refused.starts_with(expected), "{refused}");
    }
    assert!(log(&url).await.is_empty());
    // Before the catalog's prices all models are invented.
    generate(&url, "acme", "--until 2020-01-10").await;
    let old = log(&url).await;
    assert_eq!(old.len(), RECORDS);
    assert!(old.iter().all(|record| record.metered_model_id.starts_with("model-")));
}
