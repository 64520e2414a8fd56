//! The open loop: calls arrive at random times that do not depend on the answers.
//!
//! Paced by a kernel timer, because tokio's own timer counts whole milliseconds and a spinning
//! thread would take a core from the server. A latency begins when the call is handed to its
//! connection; how late that was is reported apart.

use std::os::fd::OwnedFd;
use std::rc::Rc;
use std::time::{Duration, Instant};

use rand::rngs::SmallRng;
use rand::{RngExt, SeedableRng};
use rustix::time::{
    Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec, timerfd_create,
    timerfd_settime,
};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

use super::meter::{Meter, Timed};
use super::wire::Connection;
use super::{Options, closed};
use crate::Result;
use crate::messages::Templates;

/// Arrivals are random, and the same in every run.
const SEED: u64 = 42;

/// Sends calls until the meter starts no more.
pub async fn run(
    options: &Options,
    connections: Vec<Connection>,
    templates: Rc<Templates>,
    meter: &Rc<Meter>,
) {
    let timer = Timer::new().expect("the kernel has timers");
    let mut random = SmallRng::seed_from_u64(SEED);
    let mut planned = Instant::now();
    loop {
        let uniform: f64 = random.random();
        planned += Duration::from_secs_f64(-(1.0 - uniform).ln() / options.rate);
        timer.wait_until(planned).await.expect("the timer works");
        let Some(number) = meter.start() else {
            return;
        };
        meter.time(Timed::Late, planned);
        let mut connection = connections[number as usize % connections.len()].clone();
        let (templates, meter, work) = (Rc::clone(&templates), Rc::clone(meter), options.work);
        tokio::task::spawn_local(async move {
            let outcome = closed::unit(&mut connection, work, &templates, number, &meter).await;
            meter.finish(outcome);
        });
    }
}

/// A timer that is exact to some microseconds.
struct Timer {
    fd: AsyncFd<OwnedFd>,
}

impl Timer {
    fn new() -> Result<Timer> {
        let flags = TimerfdFlags::NONBLOCK | TimerfdFlags::CLOEXEC;
        let fd = timerfd_create(TimerfdClockId::Monotonic, flags)?;
        #[allow(unsafe_code, reason = "tokio has no safe way to wait for a file descriptor")]
        // SAFETY: an `OwnedFd` is one open descriptor until the `AsyncFd` that owns it is dropped.
        let fd = unsafe { AsyncFd::register_with_interest(fd, Interest::READABLE) };
        Ok(Timer { fd: fd.map_err(std::io::Error::from)? })
    }

    /// Waits until `time`; returns at once if it has passed.
    async fn wait_until(&self, time: Instant) -> Result<()> {
        let left = time.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Ok(());
        }
        let zero = Timespec { tv_sec: 0, tv_nsec: 0 };
        let value = Timespec {
            tv_sec: i64::try_from(left.as_secs())?,
            tv_nsec: i64::from(left.subsec_nanos()),
        };
        let spec = Itimerspec { it_interval: zero, it_value: value };
        timerfd_settime(self.fd.get_ref(), TimerfdTimerFlags::empty(), &spec)?;
        // Setting the timer anew makes it unreadable, so nothing has to be read from it.
        loop {
            let mut ready = self.fd.readable().await?;
            ready.clear_ready();
            if Instant::now() >= time {
                return Ok(());
            }
        }
    }
}
