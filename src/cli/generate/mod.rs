//! `tollgate generate`: a synthetic workspace, for demonstrations and measurements.
//!
//! `tollgate-lab` draws who used what and when; here that is priced, stored and folded as real
//! usage is. The same arguments give the same history.

mod directory;
mod models;
mod records;
mod writer;

use std::fmt;
use std::process::ExitCode;

use chrono::{Datelike, Days, NaiveDate, TimeZone};
use chrono_tz::Tz;
use clap::Args;
use tokio::sync::mpsc;
use tollgate::domain::alert::AlertPolicy;
use tollgate::domain::time::MICROS_PER_HOUR;
use tollgate::domain::time::calendar::{Calendar, DayOfWeek, Window};
use tollgate::domain::workspace::{
    HoldDurability, HoldExpiryPolicy, Plan, ReportedCostPolicy, UnknownKeyPolicy,
    UnpricedModelPolicy, Workspace,
};
use tollgate::domain::{Amount, Currency, Time};
use tollgate::engine::{self, Clock, SystemClock};
use tollgate::prices::builtin;
use tollgate::storage::sql::{self, OpenError};
use tollgate::storage::{self, Store};
use tollgate_lab::generate::history::History;
use tollgate_lab::generate::{LocalDay, Spec};
use tollgate_lab::progress::Progress;

use super::{Database, Failure, bounded_usize, failure, print, runtime};
use records::{Day, Recorder};
use writer::Writer;

/// What the generated workspace pays in: the catalog's currency, so that no exchange rate has to
/// be invented.
const CURRENCY: Currency = Currency::USD;
const RECORDS_MAX: usize = 100_000_000;
const DAYS_MAX: usize = 1_000;
/// Most users, departments, assistants and workflows, each.
const MEMBERS_MAX: usize = 100_000;
const MODELS_MAX: usize = 1_000;
/// Days that wait to be written.
const DAYS_AHEAD: usize = 1;
const NANOS_PER_UNIT: i64 = 1_000_000_000;
const DEMO_DAYS: usize = 62;
const DEMO_USERS: usize = 60;
/// Those that most people know, of several providers.
const DEMO_MODELS: [&str; 8] = [
    "gpt-4.1",
    "gpt-4.1-mini",
    "gpt-5.4",
    "claude-sonnet-5-5",
    "claude-haiku-5-5",
    "gemini/gemini-2.5-pro",
    "gemini/gemini-3.8-flash",
    "mistral/mistral-large-3",
];

#[derive(Debug, Args)]
pub struct Generate {
    /// Workspace to create; there must be none of this id.
    #[arg(long, value_name = "ID", default_value = "demo")]
    workspace: String,
    /// Usage records.
    #[arg(long, value_name = "N", default_value_t = 100_000,
          value_parser = bounded_usize(RECORDS_MAX))]
    records: usize,
    /// Local days that they are spread over.
    #[arg(long, value_name = "N", default_value_t = 60,
          value_parser = bounded_usize(DAYS_MAX))]
    days: usize,
    /// The last of the days, for example 2026-01-31; yesterday if not given.
    #[arg(long, value_name = "DATE")]
    until: Option<NaiveDate>,
    /// Time zone of the workspace.
    #[arg(long, value_name = "ZONE", default_value = "Europe/Berlin")]
    time_zone: Tz,
    /// Users, some of whom never send a request.
    #[arg(long, value_name = "N", default_value_t = 200,
          value_parser = bounded_usize(MEMBERS_MAX))]
    users: usize,
    /// Departments.
    #[arg(long, value_name = "N", default_value_t = 12,
          value_parser = bounded_usize(MEMBERS_MAX))]
    departments: usize,
    /// Assistants.
    #[arg(long, value_name = "N", default_value_t = 40,
          value_parser = bounded_usize(MEMBERS_MAX))]
    assistants: usize,
    /// Workflows.
    #[arg(long, value_name = "N", default_value_t = 25,
          value_parser = bounded_usize(MEMBERS_MAX))]
    workflows: usize,
    /// Models: of the catalog, and invented ones where these are too few.
    #[arg(long, value_name = "N", default_value_t = 12,
          value_parser = bounded_usize(MODELS_MAX))]
    models: usize,
    /// Seed of the random numbers.
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
    /// Leave the sums to the server, which makes them when it starts.
    #[arg(long)]
    no_fold: bool,
    #[command(flatten)]
    database: Database,
    /// Models to use instead of some of the catalog.
    #[arg(skip)]
    model_ids: Vec<&'static str>,
    /// Whether people and assistants have names instead of numbers.
    #[arg(skip)]
    named: bool,
    /// Whether the last day is today, with what was reported until now.
    #[arg(skip)]
    until_now: bool,
}

/// Fills the database. No server may be running on it.
pub fn run(arguments: Generate) -> Result<ExitCode, Failure> {
    let url = arguments.database.url()?;
    let mut progress = Progress::new(arguments.records as u64, "records");
    let generated = runtime(None)?.block_on(async {
        let store = sql::open(&url).await?;
        let show = |records| progress.show(records as u64, String::new);
        let generated = generate(&*store, &arguments, SystemClock.now(), show).await;
        store.close().await;
        generated
    });
    let generated = generated.map_err(|error: Error| failure(error))?;
    progress.finish();
    print(format_args!("{generated}\n"))?;
    Ok(ExitCode::SUCCESS)
}

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error(transparent)]
    Open(#[from] OpenError),
    #[error(transparent)]
    Storage(#[from] storage::Error),
    #[error("{0}")]
    Refused(String),
}

/// The result, for the line that is printed.
#[derive(Debug)]
pub struct Generated {
    workspace_id: String,
    records: usize,
    first_day: NaiveDate,
    last_day: NaiveDate,
    spent: Amount,
    is_folded: bool,
}

/// `progress` is called with the number of records written so far.
///
/// # Errors
/// If the workspace exists, or the days cannot be met: then nothing has changed. If storage fails:
/// then a part of the history may be there.
pub async fn generate(
    store: &dyn Store,
    arguments: &Generate,
    now: Time,
    mut progress: impl FnMut(usize),
) -> Result<Generated, Error> {
    store.claim().await?;
    let id = arguments.workspace.as_str();
    if store.workspace(id).await?.is_some() {
        return Err(Error::Refused(format!("workspace {id} is there already: choose another id")));
    }
    let (days, last_day) = local_days(arguments, now)?;
    let first = days.first().map_or(now, |day| Time::from_micros(day.start));
    let end = days.last().map_or(now, |day| Time::from_micros(day.end));
    let span = Window { start: first, end };
    let catalog = engine::load_catalog(store, builtin::catalog()).await;
    let catalog = catalog.map_err(|error| Error::Refused(error.to_string()))?;
    let models = models::choose(store, &catalog, arguments, span, now).await?;
    let history = History::new(&arguments.spec(days, models.len()));
    let workspace = workspace(arguments, span);
    writer::put_workspace(store, &workspace, &models, now).await?;
    let entries = directory::entries(&history.personas, span, now);
    writer::put_directory(store, id, &entries).await?;

    let last_seq = store.last_seq().await?;
    let mut writer = Writer::new(store, id, last_seq, !arguments.no_fold).await?;
    let calendar = Calendar::new(arguments.time_zone, None);
    let mut recorder = Recorder::new(id, models, calendar, last_seq);
    if arguments.until_now {
        recorder = recorder.until(now);
    }
    let mut days = in_background(history.map(move |events| recorder.day(&events)));
    while let Some(day) = days.recv().await {
        writer.write(day, &mut progress).await?;
    }
    let (records, spent, is_folded) = writer.finish().await?;
    let plan = Some(plan(&workspace, spent, arguments.days));
    writer::put_plan(store, &Workspace { plan, ..workspace }).await?;
    Ok(Generated {
        workspace_id: id.to_owned(),
        records,
        first_day: last_day - Days::new(arguments.days as u64 - 1),
        last_day,
        spent,
        is_folded,
    })
}

impl Generate {
    /// A workspace that people look at: a few well-known models, and names as in life; until now.
    pub fn demo(workspace: &str, time_zone: Tz, seed: u64, records: usize) -> Generate {
        Generate {
            workspace: workspace.to_owned(),
            records,
            days: DEMO_DAYS,
            until: None,
            time_zone,
            users: DEMO_USERS,
            departments: 8,
            assistants: 12,
            workflows: 12,
            models: DEMO_MODELS.len(),
            seed,
            no_fold: false,
            database: Database::default(),
            model_ids: DEMO_MODELS.to_vec(),
            named: true,
            until_now: true,
        }
    }

    fn spec(&self, days: Vec<LocalDay>, models: usize) -> Spec {
        Spec {
            records: self.records,
            days,
            users: self.users,
            departments: self.departments,
            assistants: self.assistants,
            workflows: self.workflows,
            models,
            named: self.named,
            seed: self.seed,
        }
    }
}

/// The days of the history in its time zone, and the date of the last one.
fn local_days(arguments: &Generate, now: Time) -> Result<(Vec<LocalDay>, NaiveDate), Error> {
    let zone = arguments.time_zone;
    let calendar = Calendar::new(zone, None);
    let date_of = |time: Time| zone.from_utc_datetime(&time.to_utc().naive_utc()).date_naive();
    let today = date_of(now);
    let yesterday = today - Days::new(1);
    let last_day = match arguments.until_now {
        true => today,
        false => arguments.until.unwrap_or(yesterday),
    };
    if last_day > yesterday && !arguments.until_now {
        return Err(Error::Refused(format!("until: expected a day before {today}")));
    }
    let first_day = last_day - Days::new(arguments.days as u64 - 1);
    let noon = |date: NaiveDate| {
        // No zone changes its clocks at noon; where one did, UTC's noon is near enough.
        let noon = date.and_hms_opt(12, 0, 0).unwrap_or_default();
        let local = zone.from_local_datetime(&noon).earliest();
        Time::from_utc(local.map_or_else(|| noon.and_utc(), |local| local.to_utc()))
    };
    let first = noon(first_day);
    if first < Time::EARLIEST {
        return Err(Error::Refused("until: the first day is before the year 2000".to_owned()));
    }
    let end = calendar.day(noon(last_day)).end;
    let mut days = Vec::with_capacity(arguments.days);
    let mut day = calendar.day(first);
    while day.start < end {
        let date = date_of(day.start + 12 * MICROS_PER_HOUR);
        let is_weekend = date.weekday().number_from_monday() > 5;
        days.push(LocalDay { start: day.start.micros(), end: day.end.micros(), is_weekend });
        day = calendar.day(day.end);
    }
    Ok((days, last_day))
}

fn workspace(arguments: &Generate, span: Window) -> Workspace {
    Workspace {
        id: arguments.workspace.as_str().into(),
        display_name: if arguments.named { "Acme (demo)" } else { "Generated" }.to_owned(),
        currency: CURRENCY,
        time_zone: arguments.time_zone,
        automatic_fallback: true,
        unpriced_models: UnpricedModelPolicy::Deny,
        hold_expiry: HoldExpiryPolicy::Release,
        hold_durability: HoldDurability::Memory,
        outage: Default::default(),
        unknown_keys: UnknownKeyPolicy::Accept,
        required_fields: Vec::new(),
        week_start: DayOfWeek::Monday,
        reported_cost: ReportedCostPolicy::default(),
        alerts: AlertPolicy::default(),
        may_have_expiry_charges: false,
        usage_retention_days: None,
        price_max_age_days: None,
        plan: None,
        archive_time: None,
        create_time: span.start,
        update_time: span.start,
    }
}

/// A plan of which a month like these days uses about four fifths.
fn plan(workspace: &Workspace, spent: Amount, days: usize) -> Plan {
    let month = i128::from(spent.nanos()) * 31 * 5 / 4 / days as i128;
    let units = month / i128::from(NANOS_PER_UNIT);
    let round = 10_i128.pow(units.max(1).ilog10().saturating_sub(1)) * i128::from(NANOS_PER_UNIT);
    let budget = (month / round + 1) * round;
    let budget = i64::try_from(budget).unwrap_or(i64::MAX).min(Amount::LIMIT_MAX.nanos());
    let start = workspace.create_time.to_utc().naive_utc();
    let first = workspace.time_zone.from_utc_datetime(&start).date_naive().with_day(1);
    Plan {
        budget: Amount::from_nanos(budget),
        overage: Amount::from_nanos(budget / 10),
        start_date: first.unwrap_or_default(),
    }
}

/// Days are drawn and priced on a thread of their own, while the one before is written.
fn in_background(days: impl Iterator<Item = Day> + Send + 'static) -> mpsc::Receiver<Day> {
    let (sender, receiver) = mpsc::channel(DAYS_AHEAD);
    tokio::task::spawn_blocking(move || {
        for day in days {
            // The receiver is gone when writing has failed.
            if sender.blocking_send(day).is_err() {
                return;
            }
        }
    });
    receiver
}

/// One line.
impl fmt::Display for Generated {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Generated { workspace_id, records, first_day, last_day, spent, is_folded } = self;
        write!(
            f,
            "workspace {workspace_id}: {records} records from {first_day} to {last_day}, \
             {} {} spent",
            spent.to_text(),
            CURRENCY.as_str(),
        )?;
        if !is_folded {
            write!(f, "; sums are made when the server starts, or by tollgate rebuild")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
