//! Shows on standard error how far a replay is: a bar on a terminal, a line now and then elsewhere.

use std::io::{IsTerminal, Write};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};

use super::tally::Tally;

/// Time between two lines where there is no terminal.
const LINE_INTERVAL: Duration = Duration::from_secs(5);

/// Requests between two looks at the clock.
const REQUESTS_PER_LOOK: u64 = 64;

pub struct Progress {
    planned: u64,
    /// Absent without a terminal.
    bar: Option<ProgressBar>,
    last_line: Instant,
}

impl Progress {
    pub fn new(planned: u64) -> Progress {
        let bar = std::io::stderr().is_terminal().then(|| {
            let style = "{bar:32} {pos}/{len} requests, {per_sec}, {eta} left  {msg}";
            let style = ProgressStyle::with_template(style).expect("the template is a constant");
            ProgressBar::new(planned).with_style(style)
        });
        Progress { planned, bar, last_line: Instant::now() }
    }

    pub fn show(&mut self, tally: &Tally) {
        if let Some(bar) = &self.bar {
            bar.set_position(tally.requests);
            if tally.requests.is_multiple_of(REQUESTS_PER_LOOK) {
                bar.set_message(spent(tally));
            }
        } else if tally.requests.is_multiple_of(REQUESTS_PER_LOOK)
            && self.last_line.elapsed() >= LINE_INTERVAL
        {
            self.last_line = Instant::now();
            let (requests, planned) = (tally.requests, self.planned);
            let line = format!("{requests} of {planned} requests, {}\n", spent(tally));
            // Who closed standard error does not want to know.
            drop(std::io::stderr().write_all(line.as_bytes()));
        }
    }

    pub fn finish(&self, tally: &Tally) {
        if let Some(bar) = &self.bar {
            bar.set_position(tally.requests);
            bar.finish_and_clear();
        }
    }
}

fn spent(tally: &Tally) -> String {
    format!("{} spent, {} blocked", tally.spent.normalize(), tally.blocked())
}
