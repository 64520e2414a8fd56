//! Runs the benchmarks and prints the table. The measuring is done in `tollgate_bench::rows`.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Parser;
use tollgate_bench::processes::server::Programs;
use tollgate_bench::report::{Line, Report};
use tollgate_bench::rows::{ALL, Bench, Extent};
use tollgate_bench::{Result, report};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[derive(Parser)]
#[command(name = "gate-bench", about = "Benchmarks of the gate; see benches/README.md")]
struct Arguments {
    /// Short rounds, to see that everything works.
    #[arg(long)]
    quick: bool,
    /// Rows to measure, for example 1,2; all if absent.
    #[arg(long, value_delimiter = ',')]
    rows: Vec<u32>,
    /// Alternating rounds of each comparison.
    #[arg(long)]
    rounds: Option<usize>,
    /// Length of each measured window, in seconds.
    #[arg(long)]
    seconds: Option<f64>,
    /// Records of rows 12, 13 and 15.
    #[arg(long)]
    records: Option<usize>,
    /// Server to measure; `tollgate` beside this program if absent.
    #[arg(long)]
    tollgate: Option<PathBuf>,
    /// Where databases are made while it runs: put it on the disk you want to measure.
    #[arg(long)]
    data_dir: Option<PathBuf>,
    /// Where results and logs are written.
    #[arg(long, default_value = "target/bench")]
    out: PathBuf,
}

// Everything is awaited on the main thread: the kernel ends each program that is started here
// when the thread that started it ends.
#[tokio::main]
async fn main() -> Result<ExitCode> {
    let arguments = Arguments::parse();
    let mut terminate = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())?;
    tokio::select! {
        outcome = run(arguments) => outcome,
        _ = tokio::signal::ctrl_c() => Err("interrupted".into()),
        _ = terminate.recv() => Err("terminated".into()),
    }
}

async fn run(arguments: Arguments) -> Result<ExitCode> {
    std::fs::create_dir_all(&arguments.out)?;
    let out = arguments.out.canonicalize()?;
    let programs = Programs::find(arguments.tollgate.clone(), out.clone())?;
    let data_dir = arguments.data_dir.clone().unwrap_or_else(std::env::temp_dir);
    let extent = extent(&arguments);
    let rows = if arguments.rows.is_empty() { ALL.to_vec() } else { arguments.rows };
    let mut report = Report { conditions: conditions(extent, &data_dir), lines: Vec::new() };
    let mut bench = Bench::new(extent, programs, &data_dir)?;
    let mut failed = false;
    for row in rows {
        eprintln!("row {row} ...");
        match bench.run(row).await {
            Ok(lines) => report.lines.extend(lines),
            Err(error) => {
                failed = true;
                eprintln!("row {row} failed: {error}");
                report.lines.push(Line::not_measured(row, "failed", &error.to_string()));
            }
        }
    }
    bench.stop().await?;
    std::fs::write(out.join("results.json"), serde_json::to_string_pretty(&report)?)?;
    std::fs::write(out.join("results.md"), report.markdown())?;
    println!("{}", report.table());
    for condition in &report.conditions {
        println!("{condition}");
    }
    println!("also in {} and results.json", out.join("results.md").display());
    Ok(if failed { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

fn extent(arguments: &Arguments) -> Extent {
    let mut extent = if arguments.quick { Extent::QUICK } else { Extent::FULL };
    extent.rounds = arguments.rounds.unwrap_or(extent.rounds).max(1);
    extent.report_records = arguments.records.unwrap_or(extent.report_records).max(1_000);
    extent.seconds = arguments.seconds.unwrap_or(extent.seconds).max(0.1);
    extent
}

/// What a reader has to know to judge the figures.
fn conditions(extent: Extent, data_dir: &Path) -> Vec<String> {
    let kernel = std::fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    let load = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    let mut conditions = vec![
        format!("{}, Linux {}", chrono::Utc::now().format("%Y-%m-%d %H:%M UTC"), kernel.trim()),
        format!("{cores} cores for servers and generator together, load before: {}", load.trim()),
        format!(
            "{} rounds of {} s after {} s; figures are medians, ratios those of each round",
            extent.rounds,
            report::plain(extent.seconds),
            report::plain(extent.warm_up)
        ),
        format!("databases below {}", data_dir.display()),
    ];
    if cfg!(debug_assertions) {
        conditions.push("debug build: no figure means anything".into());
    }
    if on_memory(data_dir) {
        conditions.push("the databases are in memory (tmpfs): commits cost nothing".into());
    }
    conditions
}

/// Whether a folder is kept in memory, where durability costs nothing.
fn on_memory(folder: &Path) -> bool {
    const TMPFS_MAGIC: i64 = 0x0102_1994;
    rustix::fs::statfs(folder).is_ok_and(|stat| stat.f_type == TMPFS_MAGIC)
}
