//! The generator on a clock that stands still; `tests/api/records/generate.rs` runs the process.

use clap::Parser;
use tollgate::admin::verify;
use tollgate::domain::Time;
use tollgate::storage::sql;

use super::super::{Cli, Command};
use super::{Generate, Generated, generate};

/// 2026-03-15T12:00:00Z.
const NOW: Time = Time::from_micros(1_773_576_000_000_000);

fn arguments(flags: &[&str]) -> Generate {
    // Clocks in New York change within the days.
    let line = "tollgate generate --workspace acme --time-zone America/New_York --days 30 \
                --records 3000 --users 40 --departments 20 --models 50";
    let line = line.split_whitespace().chain(flags.iter().copied());
    match Cli::try_parse_from(line).unwrap().command {
        Some(Command::Generate(arguments)) => arguments,
        other => panic!("{other:?}"),
    }
}

async fn generated(url: &str, flags: &[&str]) -> (Result<Generated, String>, Vec<usize>) {
    let store = sql::open(url).await.unwrap();
    let mut progress = Vec::new();
    let show = |records| progress.push(records);
    let generated = generate(&*store, &arguments(flags), NOW, show).await;
    store.close().await;
    (generated.map_err(|error| error.to_string()), progress)
}

#[tokio::test(flavor = "multi_thread")]
async fn progress_ends_with_all_records() {
    let folder = tempfile::tempdir().unwrap();
    let url = format!("sqlite:{}", folder.path().join("tollgate.db").display());
    let (result, progress) = generated(&url, &[]).await;
    let result = result.unwrap();
    assert_eq!(result.records, 3_000);
    let days = [result.first_day, result.last_day].map(|day| day.to_string());
    assert_eq!(days, ["2026-02-13", "2026-03-14"]);
    assert!(progress.len() >= 30 && progress.is_sorted(), "{progress:?}");
    assert_eq!(progress.last(), Some(&3_000));
    assert!(verify::run(&url).await.unwrap().is_clean());
}

#[tokio::test(flavor = "multi_thread")]
async fn days_that_cannot_be_met_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let url = format!("sqlite:{}", folder.path().join("tollgate.db").display());
    for (until, expected) in [
        ("2026-03-15", "until: expected a day before 2026-03-15"),
        ("2000-01-10", "until: the first day is before the year 2000"),
    ] {
        let (result, progress) = generated(&url, &["--until", until]).await;
        assert_eq!(result.unwrap_err(), expected);
        assert!(progress.is_empty());
    }
    let store = sql::open_read_only(&url).await.unwrap();
    assert!(store.workspace("acme").await.unwrap().is_none());
    store.close().await;
}
