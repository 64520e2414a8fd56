//! Makes the recommendations of each workspace anew every night, one workspace after another.
//!
//! Whether a night is done is stored, so that a server that was down makes up for it, and one that
//! restarts does nothing twice.

use tokio_util::sync::CancellationToken;

use super::rounds::{Rounds, of_report};
use crate::analytics::Scope;
use crate::analytics::insight::recommendations::{Sources, find, measure};
use crate::domain::Time;
use crate::domain::record::Fingerprint;
use crate::domain::time::calendar::Calendar;
use crate::domain::time::{MICROS_PER_HOUR, MICROS_PER_MINUTE, Micros};
use crate::domain::workspace::Workspace;
use crate::engine::{Engine, Error, Made};

/// After the local day has begun.
const NIGHT: Micros = 3 * MICROS_PER_HOUR;
/// Workspaces are spread over so long after that.
const SPREAD: Micros = MICROS_PER_HOUR;
/// In each the workspaces are made whose time has come.
const STEP: Micros = 5 * MICROS_PER_MINUTE;

/// Runs until `stop`.
pub async fn run(engine: Engine, stop: CancellationToken) {
    let rounds = Rounds { what: "recommendations", step: STEP, delay: 0 };
    rounds.run(engine, stop, make).await;
}

/// Makes those of a workspace, unless this night is done.
///
/// # Errors
/// If storage fails.
async fn make(engine: Engine, workspace: Workspace, now: Time) -> Result<(), Error> {
    let store = engine.store().clone();
    let due = due(&Calendar::new(workspace.time_zone, None), &workspace.id, now);
    let made = store.recommendations_made(&workspace.id).await?;
    if made.unwrap_or(workspace.create_time) >= due {
        return Ok(());
    }
    let catalog = engine.catalog();
    let scope = Scope { store: &*store, workspace: &workspace, catalog: &catalog, now };
    let sources = Sources { scope, store: &*store };
    let advice = find(&sources).await.map_err(of_report)?;
    let measured = measure(&sources).await.map_err(of_report)?;
    engine.put_recommendations(&workspace.id, Made { advice, measured }).await
}

/// The last time at which the recommendations of a workspace were to be made.
fn due(calendar: &Calendar, workspace_id: &str, now: Time) -> Time {
    let mut print = Fingerprint::default();
    print.text(workspace_id);
    let after_midnight = NIGHT + print.finish().rem_euclid(SPREAD);
    let today = calendar.day(now).start;
    let due = today + after_midnight;
    if due <= now { due } else { calendar.day(today - 1).start + after_midnight }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::time::MICROS_PER_DAY;

    #[test]
    fn it_is_due_once_in_each_local_night() {
        let calendar = Calendar::new("Asia/Tokyo".parse().unwrap(), None);
        // 03:00 in Tokyo.
        let three = Time::from_utc("2026-03-15T18:00:00Z".parse().unwrap());
        let mut spread = Vec::new();
        for number in 0..100 {
            let id = format!("w{number}");
            let last = due(&calendar, &id, three + SPREAD);
            assert!(last >= three && last < three + SPREAD, "{last:?}");
            assert_eq!(due(&calendar, &id, last), last);
            assert_eq!(due(&calendar, &id, last - 1), last - MICROS_PER_DAY);
            assert_eq!(due(&calendar, &id, last + MICROS_PER_DAY - 1), last);
            spread.push((last - three) * 4 / SPREAD);
        }
        for quarter in 0..4 {
            assert!(spread.iter().filter(|it| **it == quarter).count() > 10, "{spread:?}");
        }
    }
}
