//! Shows on standard error how far a command of the command line is: a bar on a terminal, a line
//! now and then elsewhere.

use std::io::{IsTerminal, Write};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};

/// Time between two lines where there is no terminal.
const LINE_INTERVAL: Duration = Duration::from_secs(5);

pub struct Progress {
    planned: usize,
    /// Absent without a terminal.
    bar: Option<ProgressBar>,
    last_line: Instant,
}

impl Progress {
    pub fn new(planned: usize) -> Progress {
        let bar = std::io::stderr().is_terminal().then(|| {
            let style = "{bar:32} {pos}/{len} records, {per_sec}, {eta} left";
            let style = ProgressStyle::with_template(style).expect("the template is a constant");
            ProgressBar::new(planned as u64).with_style(style)
        });
        Progress { planned, bar, last_line: Instant::now() }
    }

    pub fn show(&mut self, records: usize) {
        if let Some(bar) = &self.bar {
            bar.set_position(records as u64);
        } else if self.last_line.elapsed() >= LINE_INTERVAL {
            self.last_line = Instant::now();
            let line = format!("{records} of {} records\n", self.planned);
            // Who closed standard error does not want to know.
            drop(std::io::stderr().write_all(line.as_bytes()));
        }
    }

    pub fn finish(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}
