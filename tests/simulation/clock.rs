//! Virtual time: runs with the paused runtime, and jumps where it is told to.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use tokio::time::Instant;
use tollgate::domain::Time;
use tollgate::domain::time::Micros;
use tollgate::engine::Clock;

#[derive(Clone)]
pub struct SimClock {
    start: Instant,
    /// Wall clock at `start`, with all jumps so far.
    wall: Arc<AtomicI64>,
}

impl SimClock {
    /// To be made inside of the paused runtime.
    pub fn new(time: Time) -> SimClock {
        SimClock { start: Instant::now(), wall: Arc::new(AtomicI64::new(time.micros())) }
    }

    /// Moves the wall clock, also back; timers do not notice.
    pub fn jump(&self, span: Micros) {
        self.wall.fetch_add(span, Ordering::Relaxed);
    }
}

impl Clock for SimClock {
    fn now(&self) -> Time {
        let passed = i64::try_from(self.start.elapsed().as_micros()).expect("not that long");
        Time::from_micros(self.wall.load(Ordering::Relaxed) + passed)
    }
}
