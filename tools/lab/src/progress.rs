//! Progress of a long command on standard error: a bar on a terminal, a line now and then
//! elsewhere.

use std::io::{IsTerminal, Write};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};

/// Time between two lines where there is no terminal.
const LINE_INTERVAL: Duration = Duration::from_secs(5);

/// Time between two changes of the text beside the bar.
const MESSAGE_INTERVAL: Duration = Duration::from_millis(200);

pub struct Progress {
    planned: u64,
    noun: &'static str,
    /// Absent without a terminal.
    bar: Option<ProgressBar>,
    last_text: Instant,
}

impl Progress {
    /// `noun` is what is counted, in the plural.
    pub fn new(planned: u64, noun: &'static str) -> Progress {
        let bar = std::io::stderr().is_terminal().then(|| {
            let template =
                format!("{{bar:32}} {{pos}}/{{len}} {noun}, {{per_sec}}, {{eta}} left  {{msg}}");
            let style = ProgressStyle::with_template(&template).expect("the nouns have no braces");
            ProgressBar::new(planned).with_style(style)
        });
        Progress { planned, noun, bar, last_text: Instant::now() }
    }

    /// `details` is called only when there is something to write.
    pub fn show(&mut self, done: u64, details: impl FnOnce() -> String) {
        if let Some(bar) = &self.bar {
            bar.set_position(done);
        }
        let interval = if self.bar.is_some() { MESSAGE_INTERVAL } else { LINE_INTERVAL };
        if self.last_text.elapsed() < interval {
            return;
        }
        self.last_text = Instant::now();
        let details = details();
        if let Some(bar) = &self.bar {
            bar.set_message(details);
            return;
        }
        let (planned, noun) = (self.planned, self.noun);
        let comma = if details.is_empty() { "" } else { ", " };
        // A closed standard error is no reason to fail.
        drop(writeln!(std::io::stderr(), "{done} of {planned} {noun}{comma}{details}"));
    }

    pub fn finish(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}
