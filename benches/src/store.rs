//! The store used directly: the bare loop that the server's writer is compared with, and what can
//! be read from a database beside the server or after it.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tollgate::domain::attribution::Attribution;
use tollgate::domain::catalog::price::Rate;
use tollgate::domain::record::{Record, RecordKind};
use tollgate::domain::time::MICROS_PER_SECOND;
use tollgate::domain::time::calendar::Calendar;
use tollgate::domain::usage::{Outcome, ServiceTier, TokenClass, Usage, UsageSource};
use tollgate::domain::{Amount, Time};
use tollgate::storage::{Store, sql};

use crate::messages::{
    INPUT_TOKENS, MODEL, OUTPUT_TOKENS, WORKSPACE, assistant_name, department_name, new_id,
    user_name,
};
use crate::report::median;
use crate::{Error, Result};

/// Latest entries of the log that tell how large the writer's transactions were.
const SAMPLE: i64 = 20_000;

/// Users among whom the rows are spread.
const USERS: usize = 1_000;

/// How often the fold is looked at.
const LAG_POLL: Duration = Duration::from_secs(1);

/// What the bare loop reached.
pub struct Commits {
    pub rows_per_second: f64,
    /// Median time of one `append`, in microseconds.
    pub commit_us: f64,
}

/// Inserts rows like those of the server, batch after batch, with nothing around it.
pub struct BareLoop {
    store: Arc<dyn Store>,
    last_seq: i64,
    attributions: Vec<Attribution>,
}

impl BareLoop {
    pub async fn open(database: &str) -> Result<BareLoop> {
        let store = sql::open(database).await?;
        store.claim().await?;
        let last_seq = store.last_seq().await?;
        Ok(BareLoop { store, last_seq, attributions: (0..USERS).map(attribution).collect() })
    }

    /// Appends batches of `batch` rows for a time. Only `append` is timed, not the making of rows.
    pub async fn run(&mut self, batch: usize, seconds: f64) -> Result<Commits> {
        let mut times = Vec::new();
        let mut rows = 0;
        let end = Instant::now() + Duration::from_secs_f64(seconds);
        while Instant::now() < end {
            let now = Time::from_utc(chrono::Utc::now());
            let records = self.records(batch.max(1), now, 0);
            let begin = Instant::now();
            self.store.append(&records).await?;
            times.push(begin.elapsed().as_secs_f64());
            rows += records.len();
        }
        let total: f64 = times.iter().sum();
        Ok(Commits { rows_per_second: rows as f64 / total, commit_us: median(&times) * 1e6 })
    }

    /// Appends `count` rows whose charge times are spread from the begin of the running cycle
    /// until now.
    pub async fn fill_cycle(&mut self, count: usize, batch: usize) -> Result<()> {
        let now = Time::from_utc(chrono::Utc::now());
        let workspace = self.store.workspace(WORKSPACE).await?.ok_or("there is no workspace")?;
        let plan = workspace.plan.ok_or("the workspace has no plan")?;
        let cycle = Calendar::new(workspace.time_zone, Some(plan.start_date)).cycle(now);
        let step = (now - cycle.start) / i64::try_from(count)?;
        let mut time = cycle.start;
        let mut left = count;
        while left > 0 {
            let records = self.records(batch.min(left), time, step);
            self.store.append(&records).await?;
            left -= records.len();
            time = records.last().map_or(time, |record| record.charge_time + step);
        }
        Ok(())
    }

    /// Folds everything that is in the log.
    pub async fn fold_all(&self) -> Result<()> {
        Ok(self.store.rebuild_rollups().await?)
    }

    pub async fn close(self) {
        self.store.close().await;
    }

    fn records(&mut self, count: usize, from: Time, step: i64) -> Vec<Record> {
        let mut records = Vec::with_capacity(count);
        let mut time = from;
        for _ in 0..count {
            self.last_seq += 1;
            let user = self.last_seq as usize % USERS;
            records.push(record(self.last_seq, time, self.attributions[user].clone()));
            time = time + step;
        }
        records
    }
}

/// Rows in one transaction of the server that runs on `database`, on average, as of late: the
/// entries of one transaction share their record time.
pub async fn batch_reached(database: &str) -> Result<f64> {
    let store = sql::open_read_only(database).await?;
    let after = (store.last_seq().await? - SAMPLE).max(0);
    let records = store.records_after(after, SAMPLE as usize).await?;
    store.close().await;
    let transactions = records.chunk_by(|a, b| a.record_time == b.record_time).count();
    if transactions == 0 {
        return Err(Error::from("the server wrote no records"));
    }
    Ok(records.len() as f64 / transactions as f64)
}

/// How many entries of the log were not folded yet, looked at every second for a time.
pub async fn fold_lags(database: String, seconds: f64) -> Result<Vec<i64>> {
    let store = sql::open_read_only(&database).await?;
    let end = Instant::now() + Duration::from_secs_f64(seconds);
    let mut lags = Vec::new();
    while Instant::now() < end {
        tokio::time::sleep(LAG_POLL).await;
        let folded = store.fold_cursor().await?;
        lags.push((store.last_seq().await? - folded.seq).max(0));
    }
    store.close().await;
    Ok(lags)
}

/// A row as the server writes it for a `RecordUsage` of the generator.
fn record(seq: i64, charge_time: Time, attribution: Attribution) -> Record {
    let id = new_id();
    let hour = charge_time.micros().rem_euclid(3_600 * MICROS_PER_SECOND);
    Record {
        seq,
        workspace_id: WORKSPACE.into(),
        request_id: std::str::from_utf8(&id).expect("a UUID is ASCII").into(),
        attempt: 0,
        revision: 0,
        kind: RecordKind::Usage,
        model_id: MODEL.into(),
        metered_model_id: MODEL.into(),
        tier: ServiceTier::Standard,
        usage: Usage::default()
            .with(TokenClass::Input, INPUT_TOKENS)
            .with(TokenClass::Output, OUTPUT_TOKENS),
        outcome: Outcome::Success,
        source: UsageSource::Provider,
        cost: Amount::from_nanos(4_500_000),
        unpriced: false,
        price_id: Some("01900000-0000-7000-8000-000000000000".into()),
        exchange_rate: Rate::ONE,
        charge_time,
        hour: charge_time - hour,
        day: charge_time - charge_time.micros().rem_euclid(24 * 3_600 * MICROS_PER_SECOND),
        start_time: charge_time,
        start_time_adjusted: false,
        large_above: None,
        record_time: charge_time,
        latency: 1_250_000,
        attribution,
        key_group_id: "".into(),
        fingerprint: seq.wrapping_mul(0x9E37_79B9_7F4A_7C15_u64.cast_signed()),
        extras: None,
        answer: None,
    }
}

fn attribution(user: usize) -> Attribution {
    Attribution {
        user_id: user_name(user),
        department_id: department_name(user),
        assistant_id: assistant_name(user),
        ..Attribution::default()
    }
}
