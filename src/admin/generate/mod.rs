//! Makes up a history of usage, for demonstrations and measurements: a workspace, its directory,
//! and a log as it might have come to be. The same options make the same history.
//!
//! What is made up is who asked for what and when; it is priced, stored and summed up as what is
//! real.

mod history;
mod luck;
mod models;
mod people;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use chrono::{Days, NaiveDate, TimeZone};
use chrono_tz::Tz;
use tokio::sync::mpsc;

use super::{ACTOR, Error};
use crate::domain::alert::AlertPolicy;
use crate::domain::calendar::{Calendar, Window};
use crate::domain::catalog::Catalogue;
use crate::domain::check::{RefusalCounts, RefusalKey};
use crate::domain::record::Record;
use crate::domain::workspace::{
    HoldExpiryPolicy, Plan, UnknownKeyPolicy, UnpricedModelPolicy, Workspace, WorkspaceModel,
};
use crate::domain::{Amount, Currency, Time};
use crate::engine::{self, By, Clock};
use crate::prices::builtin;
use crate::storage::accumulator::Accumulator;
use crate::storage::directory::Entry;
use crate::storage::policy::Change;
use crate::storage::rollup::{FoldCursor, RefusalRow};
use crate::storage::{Store, sql};
use history::{Day, History};
use luck::Luck;
use models::Priced;
use people::People;

/// What the generated workspace pays in: the catalogue's currency, so that no exchange rate has to
/// be made up.
const CURRENCY: Currency = Currency::USD;
const GENERATE: &str = "generate";

pub const RECORDS_MAX: usize = 100_000_000;
pub const DAYS_MAX: usize = 1_000;
/// Most users, departments, assistants and workflows, each.
pub const MEMBERS_MAX: usize = 100_000;
pub const MODELS_MAX: usize = 1_000;
/// Entries appended in one transaction.
const BATCH_RECORDS: usize = 16_384;
/// Cells that are folded in one transaction.
const FOLD_CELLS: usize = 200_000;
/// Days that wait to be written.
const DAYS_AHEAD: usize = 1;
/// Entries of the directory written in one transaction.
const DIRECTORY_BATCH: usize = 1_000;
const NANOS_PER_UNIT: i64 = 1_000_000_000;

/// What is made up.
#[derive(Clone, Debug)]
pub struct Options {
    pub workspace_id: String,
    pub time_zone: Tz,
    pub records: usize,
    /// Local days, the last of which is `until`.
    pub days: usize,
    /// Absent for yesterday.
    pub until: Option<NaiveDate>,
    pub users: usize,
    pub departments: usize,
    pub assistants: usize,
    pub workflows: usize,
    pub models: usize,
    pub seed: u64,
    /// Whether the log is summed up at once, and not by the server at its next start.
    pub fold: bool,
}

/// What was made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Generated {
    pub workspace_id: String,
    pub records: usize,
    pub first_day: NaiveDate,
    pub last_day: NaiveDate,
    pub spent: Amount,
    pub is_folded: bool,
}

/// Fills a database. `progress` is told how many records are written. No server may be running on
/// it.
///
/// # Errors
/// If the workspace is there already, or an option cannot be met: then nothing has changed. If
/// storage fails: then a part of the history may be there.
pub async fn run(
    database: &str,
    options: Options,
    clock: &dyn Clock,
    progress: impl FnMut(usize),
) -> Result<Generated, Error> {
    let store = sql::open(database).await?;
    let result = generate(&*store, options, clock, progress).await;
    store.close().await;
    result
}

/// The same in an open store.
///
/// # Errors
/// As [`run`].
pub async fn generate(
    store: &dyn Store,
    options: Options,
    clock: &dyn Clock,
    mut progress: impl FnMut(usize),
) -> Result<Generated, Error> {
    store.claim().await?;
    if store.workspace(&options.workspace_id).await?.is_some() {
        let id = &options.workspace_id;
        return Err(Error::Refused(format!("workspace {id} is there already: choose another id")));
    }
    let now = clock.now();
    let (span, last_day) = span(&options, now)?;
    let builtin = builtin::read(now);
    let catalogue = engine::load_catalogue(store, (builtin.models, builtin.prices)).await;
    let catalogue = catalogue.map_err(|error| Error::Refused(error.to_string()))?;
    let models = choose_models(store, &catalogue, &options, span, now).await?;
    let people = People::new(&options, span, &mut Luck::new(options.seed));
    let workspace = workspace(&options, span);
    put_workspace(store, &workspace, &models, now).await?;
    put_directory(store, &workspace.id, people.entries(span)).await?;

    let last_seq = store.last_seq().await?;
    let history = History::new(&options, people, models, span, last_seq);
    let mut written = Written::new(store, &workspace, last_seq, options.fold).await?;
    let mut days = in_background(history);
    while let Some(day) = days.recv().await {
        written.write(day, &mut progress).await?;
    }
    let written = written.finish().await?;
    let spent = written.spent;
    put_plan(store, &workspace, spent, options.days, span).await?;
    Ok(Generated {
        workspace_id: options.workspace_id,
        records: written.records,
        first_day: last_day - Days::new(options.days as u64 - 1),
        last_day,
        spent,
        is_folded: written.accumulator.is_some(),
    })
}

/// From the first instant of the first day to the last of the last.
fn span(options: &Options, now: Time) -> Result<(Window, NaiveDate), Error> {
    let calendar = Calendar::new(options.time_zone, None);
    let today = options.time_zone.from_utc_datetime(&now.to_utc().naive_utc()).date_naive();
    let last_day = options.until.unwrap_or(today - Days::new(1));
    if last_day >= today {
        return Err(Error::Refused(format!("until: expected a day before {today}")));
    }
    let first_day = last_day - Days::new(options.days as u64 - 1);
    let noon = |date: NaiveDate| {
        // No zone changes its clocks at noon; where one did, UTC's noon is near enough.
        let noon = date.and_hms_opt(12, 0, 0).unwrap_or_default();
        let local = options.time_zone.from_local_datetime(&noon).earliest();
        Time::from_utc(local.map_or_else(|| noon.and_utc(), |local| local.to_utc()))
    };
    let first = noon(first_day);
    if first < Time::EARLIEST {
        return Err(Error::Refused("until: the first day is before the year 2000".to_owned()));
    }
    let window = Window { start: calendar.day(first).start, end: calendar.day(noon(last_day)).end };
    Ok((window, last_day))
}

async fn choose_models(
    store: &dyn Store,
    catalogue: &Catalogue,
    options: &Options,
    span: Window,
    now: Time,
) -> Result<Vec<Priced>, Error> {
    let times = (span.start, span.end);
    let id = options.workspace_id.as_str();
    let found = models::of_catalogue(catalogue, id, times, options.models);
    if found.len() == options.models {
        return Ok(found);
    }
    let invented = (1..)
        .map(|number| models::invented(number, now))
        .filter(|(model, _)| catalogue.model(&model.id).is_none())
        .take(options.models - found.len());
    let (new_models, new_prices): (Vec<_>, Vec<_>) = invented.unzip();
    let changed = catalogue.with_models_and_prices(new_models.clone(), new_prices.clone());
    let changed = changed.map_err(|refusal| Error::Refused(refusal.to_string()))?;
    let by = By::new(ACTOR, GENERATE);
    let (changes, events) = engine::import_changes(&by, now, catalogue, new_models, new_prices);
    store.change("", &changes, &events).await?;
    Ok(models::of_catalogue(&changed, id, times, options.models))
}

fn workspace(options: &Options, span: Window) -> Workspace {
    Workspace {
        id: options.workspace_id.as_str().into(),
        display_name: "Generated".to_owned(),
        currency: CURRENCY,
        time_zone: options.time_zone,
        automatic_fallback: true,
        unpriced_models: UnpricedModelPolicy::Deny,
        hold_expiry: HoldExpiryPolicy::Release,
        unknown_keys: UnknownKeyPolicy::Accept,
        alerts: AlertPolicy::default(),
        may_have_expiry_charges: false,
        usage_retention_days: None,
        plan: None,
        create_time: span.start,
        update_time: span.start,
    }
}

async fn put_workspace(
    store: &dyn Store,
    workspace: &Workspace,
    models: &[Priced],
    now: Time,
) -> Result<(), Error> {
    let mut changes = vec![Change::PutWorkspace(workspace.clone())];
    changes.extend(models.iter().map(|model| {
        Change::PutWorkspaceModel(WorkspaceModel {
            model_id: model.id.clone(),
            enabled: true,
            limit: None,
            limit_enabled: false,
            fallback_model_ids: Vec::new(),
        })
    }));
    let described = serde_json::json!({ "workspace_id": &*workspace.id });
    let by = By::new(ACTOR, GENERATE);
    let event = by.event(now, &workspace.id, "workspace", &workspace.id, None, Some(described));
    let events: Vec<_> = event.into_iter().collect();
    Ok(store.change(&workspace.id, &changes, &events).await?)
}

async fn put_directory(
    store: &dyn Store,
    workspace_id: &str,
    entries: Vec<Entry>,
) -> Result<(), Error> {
    for part in entries.chunks(DIRECTORY_BATCH) {
        let changes = [Change::PutEntries(part.to_vec())];
        store.change(workspace_id, &changes, &[]).await?;
    }
    Ok(())
}

/// A plan that a month of this uses up to about four fifths.
async fn put_plan(
    store: &dyn Store,
    workspace: &Workspace,
    spent: Amount,
    days: usize,
    span: Window,
) -> Result<(), Error> {
    let month = i128::from(spent.nanos()) * 31 * 5 / 4 / days as i128;
    let units = month / i128::from(NANOS_PER_UNIT);
    let round = 10_i128.pow(units.max(1).ilog10().saturating_sub(1)) * i128::from(NANOS_PER_UNIT);
    let budget = (month / round + 1) * round;
    let budget = i64::try_from(budget).unwrap_or(i64::MAX).min(Amount::LIMIT_MAX.nanos());
    let local = workspace.time_zone.from_utc_datetime(&span.start.to_utc().naive_utc());
    let first = chrono::Datelike::with_day(&local.date_naive(), 1);
    let plan = Plan {
        budget: Amount::from_nanos(budget),
        overage: Amount::from_nanos(budget / 10),
        start_date: first.unwrap_or_default(),
    };
    let workspace = Workspace { plan: Some(plan), ..workspace.clone() };
    let changes = [Change::PutWorkspace(workspace.clone())];
    Ok(store.change(&workspace.id, &changes, &[]).await?)
}

/// Days are made up on a thread of their own, while the one before is written.
fn in_background(history: History) -> mpsc::Receiver<Day> {
    let (sender, days) = mpsc::channel(DAYS_AHEAD);
    tokio::task::spawn_blocking(move || {
        for day in history {
            // Whoever received has failed: nobody wants the rest.
            if sender.blocking_send(day).is_err() {
                return;
            }
        }
    });
    days
}

/// What is written, and what of it is to be folded.
struct Written<'a> {
    store: &'a dyn Store,
    workspace_id: Arc<str>,
    records: usize,
    spent: Amount,
    cursor: FoldCursor,
    /// Up to here records are in `accumulator`.
    position: i64,
    /// Absent where folding is left to the server.
    accumulator: Option<Accumulator>,
    refusals: BTreeMap<RefusalKey, RefusalCounts>,
}

impl<'a> Written<'a> {
    async fn new(
        store: &'a dyn Store,
        workspace: &Workspace,
        last_seq: i64,
        fold: bool,
    ) -> Result<Written<'a>, Error> {
        let cursor = store.fold_cursor().await?;
        // Where older entries wait to be folded, all are folded in order by the server.
        let folds = fold && cursor.seq == last_seq;
        Ok(Written {
            store,
            workspace_id: workspace.id.clone(),
            records: 0,
            spent: Amount::ZERO,
            cursor,
            position: cursor.seq,
            accumulator: folds.then(Accumulator::default),
            refusals: BTreeMap::new(),
        })
    }

    async fn write(&mut self, day: Day, progress: &mut impl FnMut(usize)) -> Result<(), Error> {
        for (key, counts) in day.refusals {
            self.refusals.entry(key).or_default().add(&counts);
        }
        for part in day.records.chunks(BATCH_RECORDS) {
            self.store.append(part).await?;
            self.count(part);
            progress(self.records);
            if self.accumulator.as_ref().is_some_and(|sums| sums.len() >= FOLD_CELLS) {
                self.fold().await?;
            }
        }
        Ok(())
    }

    fn count(&mut self, records: &[Record]) {
        self.records += records.len();
        for record in records {
            self.spent += record.cost;
            if let Some(accumulator) = &mut self.accumulator {
                accumulator.add(record);
                self.position = record.seq;
            }
        }
    }

    async fn finish(mut self) -> Result<Written<'a>, Error> {
        self.fold().await?;
        Ok(self)
    }

    /// Writes what was summed up, and the refusals, which are not in the log.
    async fn fold(&mut self) -> Result<(), Error> {
        let sums = self.accumulator.as_mut().map(std::mem::take).unwrap_or_default();
        let mut folded = sums.into_folded();
        for (key, counts) in std::mem::take(&mut self.refusals) {
            folded.refusals.push(RefusalRow {
                workspace_id: self.workspace_id.clone(),
                hour: key.hour,
                limit: key.limit,
                model_id: key.model_id,
                user_id: key.user_id,
                counts,
            });
        }
        let to = FoldCursor { seq: self.position, batch: self.cursor.batch + 1 };
        self.store.fold(self.cursor, to, &folded).await?;
        self.cursor = to;
        Ok(())
    }
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
