//! Row 13: the usage log as CSV, against the database's own dump of the same rows. Row 15: how
//! much room it takes.

use std::process::Stdio;
use std::time::Instant;

use tokio::process::Command;
use tollgate::proto::v1;
use tollgate::proto::v1::analytics_service_client::AnalyticsServiceClient;

use super::Bench;
use super::generated::{Generated, KINDS, Kind, WORKSPACE};
use crate::Result;
use crate::processes::server::Server;
use crate::report::{Line, Rounds, Target, plain};

const MEGABYTE: f64 = 1e6;

pub async fn run(bench: &mut Bench) -> Result<Vec<Line>> {
    let mut lines = Vec::new();
    for kind in KINDS {
        let Some(generated) = bench.generated(kind).await? else {
            lines.push(Line::not_measured(13, kind.name(), "Postgres is not installed"));
            continue;
        };
        let name = format!("export-{}", kind.name());
        let server = Server::tollgate(&bench.programs, &generated.url, &name).await?;
        let rows = generated.records as f64;
        let mut rounds = Rounds::default();
        let mut bytes = 0;
        for _ in 0..bench.extent.rounds.min(3) {
            let begin = Instant::now();
            bytes = export(&server, &generated).await?;
            let ours = begin.elapsed().as_secs_f64();
            let begin = Instant::now();
            dump(bench, &generated).await?;
            rounds.push(rows / ours, rows / begin.elapsed().as_secs_f64());
        }
        server.stop().await?;
        let what = format!("export of {} records as CSV, {}", plain(rows), kind.name());
        let note = format!(
            "against {}; {} MB",
            match kind {
                Kind::Sqlite => "`sqlite3 -csv`",
                Kind::Postgres => "`COPY … TO STDOUT (FORMAT csv)` through psql",
            },
            plain(bytes as f64 / MEGABYTE)
        );
        let target = Target::AtLeast(0.5);
        lines.push(Line::ratio(13, &what, "rows/s", &rounds, target).note(note));
    }
    Ok(lines)
}

/// Bytes of the whole log as the server exports it.
async fn export(server: &Server, generated: &Generated) -> Result<usize> {
    let mut client = AnalyticsServiceClient::new(server.channel().await?);
    let range = v1::ReportRange {
        first_date: (generated.last_day - chrono::Days::new(99)).to_string(),
        last_date: generated.last_day.to_string(),
        ..Default::default()
    };
    let request = v1::ExportUsageRequest {
        workspace_id: WORKSPACE.into(),
        format: v1::ExportFormat::Csv.into(),
        content: Some(v1::export_usage_request::Content::Records(v1::RecordsExport {
            range: Some(range),
        })),
    };
    let mut answers = client.export_usage(request).await?.into_inner();
    let (mut bytes, mut lines) = (0, 0);
    while let Some(answer) = answers.message().await? {
        bytes += answer.data.len();
        lines += answer.data.iter().filter(|byte| **byte == b'\n').count();
    }
    if lines != generated.records + 1 {
        return Err(format!("{lines} lines were exported").into());
    }
    Ok(bytes)
}

/// The log with the database's own client, into /dev/null.
async fn dump(bench: &Bench, generated: &Generated) -> Result<()> {
    let mut command = match generated.kind {
        Kind::Sqlite => {
            let mut command = Command::new("sqlite3");
            command.args(["-readonly", "-csv", generated.url.trim_start_matches("sqlite:")]);
            command.arg("SELECT * FROM usage_records");
            command
        }
        Kind::Postgres => {
            let mut command = bench.postgres_client("psql")?;
            command.args(["-d", &generated.url, "-c"]);
            command.arg("COPY usage_records TO STDOUT (FORMAT csv)");
            command
        }
    };
    let status = command.stdout(Stdio::null()).kill_on_drop(true).status().await;
    let status = status.map_err(|error| format!("the dump did not start: {error}"))?;
    if status.success() { Ok(()) } else { Err(format!("the dump failed: {status}").into()) }
}

pub async fn disk(bench: &mut Bench) -> Result<Vec<Line>> {
    let mut lines = Vec::new();
    for kind in KINDS {
        let Some(generated) = bench.generated(kind).await? else {
            lines.push(Line::not_measured(15, kind.name(), "Postgres is not installed"));
            continue;
        };
        let mut sql = generated.connect().await?;
        let (whole, log) = match kind {
            Kind::Sqlite => (
                "SELECT SUM(pgsize) FROM dbstat WHERE aggregate = TRUE",
                "SELECT SUM(pgsize) FROM dbstat WHERE aggregate = TRUE AND name IN \
                 (SELECT name FROM sqlite_schema WHERE tbl_name = 'usage_records')",
            ),
            Kind::Postgres => (
                "SELECT pg_database_size(current_database())",
                "SELECT pg_total_relation_size('usage_records')",
            ),
        };
        let number = |numbers: Vec<i64>| numbers.first().copied().unwrap_or(0) as f64;
        let (whole, log) = (number(sql.rows(whole).await?), number(sql.rows(log).await?));
        sql.close().await?;
        let each = MEGABYTE * generated.records as f64 / 1e6;
        let what = format!("disk of a million records, {}", kind.name());
        let note = format!(
            "{} MB of it the log with its indexes, the rest sums and others; of {} records",
            plain(log / each),
            plain(generated.records as f64)
        );
        lines.push(Line::figure(15, &what, whole / each, "MB", Target::None).note(note));
    }
    Ok(lines)
}
