//! Rounds: goes through all workspaces, one after another, whenever a step of the clock has passed
//! and everything that was used until then is folded.

use std::future::Future;
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;
use tracing::warn;

use crate::analytics;
use crate::domain::Time;
use crate::domain::time::Micros;
use crate::domain::workspace::Workspace;
use crate::engine::{Engine, Error};

/// How often the clock is looked at.
const TICK: Duration = Duration::from_secs(2);
/// Pause after a failure.
const RETRY_PAUSE: Duration = Duration::from_secs(5);
/// Workspaces read at once.
const WORKSPACES_PAGE: usize = 100;

/// When there is a round.
#[derive(Clone, Copy)]
pub struct Rounds {
    /// What is looked for, in the log.
    pub what: &'static str,
    /// There is one in each step of the clock.
    pub step: Micros,
    /// The time that is looked at lies so far back.
    pub delay: Micros,
}

impl Rounds {
    /// Runs until `stop`.
    pub async fn run<L, F>(self, engine: Engine, stop: CancellationToken, look_at: L)
    where
        L: Fn(Engine, Workspace, Time) -> F + Clone + Send + 'static,
        F: Future<Output = Result<(), Error>>,
    {
        let mut ticks = tokio::time::interval(TICK);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut done = None;
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                _ = ticks.tick() => {}
            }
            let now = engine.now() - self.delay;
            let this = now.micros().div_euclid(self.step);
            if done == Some(this) {
                continue;
            }
            if engine.fold_now().await.as_of < now {
                // It catches up, as after a start: what is not folded would be missing.
                continue;
            }
            match look_at_all(&engine, now, &stop, &look_at).await {
                Ok(()) => done = Some(this),
                Err(error) => {
                    warn!(%error, "{} are looked for later", self.what);
                    stop.run_until_cancelled(tokio::time::sleep(RETRY_PAUSE)).await;
                }
            }
        }
    }
}

/// Looks at all workspaces. One that fails holds up no other.
///
/// # Errors
/// The last failure: those that failed are to be looked at again.
async fn look_at_all<L, F>(
    engine: &Engine,
    now: Time,
    stop: &CancellationToken,
    look_at: &L,
) -> Result<(), Error>
where
    L: Fn(Engine, Workspace, Time) -> F + Clone + Send + 'static,
    F: Future<Output = Result<(), Error>>,
{
    let mut failed = None;
    let mut after = String::new();
    loop {
        let page = engine.store().workspaces(&after, WORKSPACES_PAGE).await?;
        let Some(last) = page.last() else { return failed.map_or(Ok(()), Err) };
        after = last.id.to_string();
        for workspace in page.into_iter().filter(|workspace| workspace.archive_time.is_none()) {
            if stop.is_cancelled() {
                return Ok(());
            }
            failed = aside(engine, workspace, now, look_at).await.err().or(failed);
        }
    }
}

/// Looks at a workspace on a thread of its own: judging hundreds of series would hold up calls.
async fn aside<L, F>(
    engine: &Engine,
    workspace: Workspace,
    now: Time,
    look_at: &L,
) -> Result<(), Error>
where
    L: Fn(Engine, Workspace, Time) -> F + Clone + Send + 'static,
    F: Future<Output = Result<(), Error>>,
{
    let (engine, look_at, runtime) = (engine.clone(), look_at.clone(), Handle::current());
    let look = move || runtime.block_on(look_at(engine, workspace, now));
    let looked = tokio::task::spawn_blocking(look).await;
    looked.unwrap_or_else(|panicked| Err(Error::Internal(panicked.to_string())))
}

pub fn of_report(error: analytics::Error) -> Error {
    match error {
        analytics::Error::Storage(error) => error.into(),
        other => Error::Internal(other.to_string()),
    }
}
