//! The clock: follows that of the machine, and tells where that jumped.

use std::time::Duration;

use tokio::time::{Instant, MissedTickBehavior};
use tokio_util::sync::CancellationToken;
use tracing::{error, info};

use crate::domain::time::{MICROS_PER_SECOND, Micros};
use crate::engine::Clock;
use crate::telemetry;

/// How often the clock of the machine is followed.
const FOLLOW_INTERVAL: Duration = Duration::from_secs(1);
/// How often a jump is told while it lasts.
const TELL_INTERVAL: Duration = Duration::from_secs(600);

/// Runs until `stop`.
pub async fn run(clock: std::sync::Arc<dyn Clock>, stop: CancellationToken) {
    let mut ticks = tokio::time::interval(FOLLOW_INTERVAL);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut told: Option<Instant> = None;
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            _ = ticks.tick() => {}
        }
        let ahead = clock.follow();
        let seconds = |ahead: Micros| ahead as f64 / MICROS_PER_SECOND as f64;
        telemetry::CLOCK_OFFSET.set(ahead.map_or(0.0, seconds));
        match ahead {
            None if told.take().is_some() => info!("the clock of the machine is right again"),
            None => {}
            Some(ahead) if told.is_none_or(|told| told.elapsed() >= TELL_INTERVAL) => {
                if told.replace(Instant::now()).is_none() {
                    telemetry::CLOCK_STEPS.inc();
                }
                let (seconds, direction) = match ahead / MICROS_PER_SECOND {
                    seconds @ 0.. => (seconds, "ahead of"),
                    seconds => (-seconds, "behind"),
                };
                error!(
                    "the clock of the machine was set: it is {seconds} s {direction} that of this \
                     server, which goes on as before. Set it right, or restart the server if it is \
                     right"
                );
            }
            Some(_) => {}
        }
    }
}
