//! Row 7: ingest for a minute while the fold runs, against its first five seconds.

use super::Bench;
use crate::Result;
use crate::load::{Mode, Options, Work};
use crate::processes::server::Server;
use crate::report::{Line, Target, plain};
use crate::store::fold_lags;

/// Seconds at the begin and at the end that are compared with the whole.
const EDGE: usize = 5;

pub async fn run(bench: &mut Bench) -> Result<Vec<Line>> {
    let database = bench.sqlite()?;
    let server = Server::tollgate(&bench.programs, &database, "sustained").await?;
    server.set_up().await?;
    let options = Options {
        in_flight: 32,
        seconds: bench.extent.sustained_seconds,
        ..bench.options(Mode::Closed, Work::Record)
    };
    let watch = tokio::spawn(fold_lags(database, options.seconds));
    let result = server.load(&options).await?;
    let lags = watch.await??;
    server.stop().await?;
    let rate = |seconds: &[u64]| seconds.iter().sum::<u64>() as f64 / seconds.len().max(1) as f64;
    let edge = EDGE.min(result.by_second.len());
    let first = rate(&result.by_second[..edge]);
    let last = rate(&result.by_second[result.by_second.len() - edge..]);
    let what = format!("ingest for {} s, SQLite, 256 callers", plain(options.seconds));
    let value = result.units_per_second / first;
    let ingest = Line {
        measured: format!("{} rows/s", plain(result.units_per_second)),
        against: format!("{} rows/s in its first {edge} s", plain(first)),
        note: format!("{} rows/s in its last {edge} s", plain(last)),
        ..Line::figure(7, &what, value, "", Target::AtLeast(0.5))
    };
    let largest = lags.iter().copied().max().unwrap_or(0);
    let final_lag = lags.last().copied().unwrap_or(0);
    let lag = Line::figure(7, "largest lag of the fold", largest as f64, "rows", Target::None);
    let note = format!(
        "{} s of ingest; {} rows at the end; looked at {} times",
        plain(largest as f64 / result.units_per_second),
        plain(final_lag as f64),
        lags.len()
    );
    Ok(vec![ingest, lag.note(note)])
}
