//! `tollgate prices`: models and prices of the catalog.

use std::path::PathBuf;
use std::process::ExitCode;

use chrono::{DateTime, NaiveDate, NaiveTime};
use clap::builder::PossibleValuesParser;
use clap::{Args, Subcommand};
use tollgate::admin::{self, ImportOptions};
use tollgate::domain::Time;
use tollgate::engine::SystemClock;
use tollgate::prices::{Format, Jumps};
use tollgate::proto::v1;
use tollgate::proto::v1::catalog_service_client::CatalogServiceClient;

use super::client::{CallError, Connection};
use super::{Database, Failure, failure, print, runtime};

/// Largest message that is sent: that of the server.
const REQUEST_BYTES_MAX: usize = tollgate::limits::LARGE_REQUEST_BYTES_MAX;

#[derive(Debug, Subcommand)]
pub enum Prices {
    /// Read a price list into the catalog: through a running server with --server or --context,
    /// else in the database, on which no server may be running then.
    ///
    /// What an operator set stays; what is there already is left alone. A price that changes a rate
    /// or factor more than tenfold is held back. Reports what was taken, what was not, and why.
    Import(Import),
}

#[derive(Debug, Args)]
pub struct Import {
    /// The list, as its project publishes it: JSON.
    file: PathBuf,
    /// Format of the list.
    #[arg(long, value_name = "FORMAT", default_value = Format::LiteLlm.as_str(),
          value_parser = PossibleValuesParser::new(Format::ALL.map(Format::as_str)))]
    format: String,
    /// From when on its prices count, as 2026-10-01 (midnight UTC) or 2026-10-01T12:00:00Z; now if
    /// absent. With a past time RepriceUsage corrects what was recorded since.
    #[arg(long, value_name = "TIME", value_parser = time)]
    effective_time: Option<Time>,
    /// Report what would be taken, and change nothing.
    #[arg(long)]
    dry_run: bool,
    /// Take prices that change a rate or factor more than tenfold, too.
    #[arg(long)]
    allow_jumps: bool,
    #[command(flatten)]
    database: Database,
    #[command(flatten)]
    connection: Connection,
}

pub fn run(prices: Prices) -> Result<ExitCode, Failure> {
    let Prices::Import(arguments) = prices;
    let report = if arguments.connection.is_named() {
        if arguments.database.is_named() {
            return Err("expected --server or --database, not both".to_owned());
        }
        let imported = runtime(None)?.block_on(arguments.through_server());
        imported.map_err(CallError::into_message)?
    } else {
        let url = arguments.database.url()?;
        let options = arguments.options()?;
        let import = admin::import_prices(&url, &arguments.file, options, &SystemClock);
        runtime(None)?.block_on(import).map_err(failure)?.to_string()
    };
    print(format_args!("{report}\n"))?;
    Ok(ExitCode::SUCCESS)
}

impl Import {
    fn options(&self) -> Result<ImportOptions, Failure> {
        let format = Format::from_name(&self.format);
        Ok(ImportOptions {
            format: format.ok_or_else(|| format!("{} is not a format", self.format))?,
            effective_time: self.effective_time,
            jumps: if self.allow_jumps { Jumps::Take } else { Jumps::HoldBack },
            dry_run: self.dry_run,
        })
    }

    async fn through_server(&self) -> Result<String, CallError> {
        let content = std::fs::read_to_string(&self.file);
        let content = content.map_err(|cause| format!("{}: {cause}", self.file.display()))?;
        let client = CatalogServiceClient::new(self.connection.open().await?);
        let request = v1::ImportPricesRequest {
            format: self.format.clone(),
            content,
            dry_run: self.dry_run,
            effective_time: self.effective_time.map(timestamp),
            allow_jumps: self.allow_jumps,
        };
        let mut client = client.max_encoding_message_size(REQUEST_BYTES_MAX);
        Ok(text_of(client.import_prices(request).await?.get_ref()))
    }
}

/// The response for a terminal, in the words of a report.
fn text_of(response: &v1::ImportPricesResponse) -> String {
    let mut lines = vec![
        format!("{} entries read", response.read_count),
        format!("{} models and {} prices taken", response.model_count, response.price_count),
        format!(
            "{} models unchanged, {} prices confirmed",
            response.unchanged_count, response.confirmed_count
        ),
    ];
    let some = |ids: &[String]| ids.iter().take(3).cloned().collect::<Vec<_>>().join(", ");
    for v1::SkippedEntries { reason, count, ids } in &response.skipped {
        lines.push(format!("{count} skipped: {reason} ({})", some(ids)));
    }
    for (count, ids, what) in [
        (response.kept_count, &response.kept_model_ids, "that an operator or a list set are kept"),
        (response.held_back_count, &response.held_back_model_ids, "held back: they jump tenfold"),
    ] {
        if count > 0 {
            lines.push(format!("{count} prices {what} ({})", some(ids)));
        }
    }
    if response.changed_rate_count > 0 {
        lines.push(format!("{} rates changed:", response.changed_rate_count));
    }
    for change in response.changed_rates.iter().take(50) {
        lines.push(change_text(change));
    }
    lines.join("\n")
}

fn change_text(change: &v1::RateChange) -> String {
    let v1::RateChange { model_id, rate, factor_name, .. } = change;
    let kind = match change.unit_kind() {
        v1::UnitKind::Unspecified => String::new(),
        kind => kind.as_str_name().trim_start_matches("UNIT_KIND_").to_lowercase(),
    };
    let name: Vec<&str> =
        [kind.as_str(), factor_name, rate].into_iter().filter(|part| !part.is_empty()).collect();
    let or_none = |text: &str| if text.is_empty() { "none".to_owned() } else { text.to_owned() };
    let (before, after) = (or_none(&change.before), or_none(&change.after));
    let held_back = if change.held_back { " (held back)" } else { "" };
    format!("  {model_id} {}: {before} becomes {after}{held_back}", name.join(" "))
}

/// A date, midnight UTC, or an instant.
fn time(text: &str) -> Result<Time, String> {
    let midnight = |date: NaiveDate| date.and_time(NaiveTime::MIN).and_utc();
    let date = text.parse::<NaiveDate>().map(midnight);
    let instant = DateTime::parse_from_rfc3339(text).map(|instant| instant.to_utc());
    let time = date.or(instant).map(Time::from_utc).ok();
    let time = time.filter(|time| (Time::EARLIEST..Time::LATEST).contains(time));
    time.ok_or_else(|| "expected a time like 2026-10-01 or 2026-10-01T12:00:00Z".to_owned())
}

fn timestamp(time: Time) -> prost_types::Timestamp {
    let instant = time.to_utc();
    let nanos = i32::try_from(instant.timestamp_subsec_nanos()).unwrap_or_default();
    prost_types::Timestamp { seconds: instant.timestamp(), nanos }
}
