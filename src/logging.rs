//! Starts the log: to standard error, for people or as JSON. What is logged is said where it
//! happens. In JSON a line about a call has the ids of the call, without spans, which each call
//! would pay for.
//!
//! A line that cannot be written is lost and counted: a full disk, or a pipe that nobody reads any
//! more, must not end what it would have told of.

use std::fmt;
use std::io::{self, IsTerminal, Write};
use std::sync::atomic::{AtomicU64, Ordering};

use tracing::{Event, Subscriber};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::format::{Format, Json, JsonFields, Writer};
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields};
use tracing_subscriber::registry::LookupSpan;

use crate::config::{Config, LogFormat};
use crate::telemetry::ids;

static LOST_LINES: AtomicU64 = AtomicU64::new(0);

/// Starts the log of this process. A second call in one process changes nothing.
pub fn init(config: &Config) {
    // The configuration has checked the filter; "info" is what stands there at first.
    let filter = EnvFilter::try_new(&config.log_filter).unwrap_or_else(|_| EnvFilter::new("info"));
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(|| Lossy(io::stderr()))
        // Told of on standard error as well, and there with a panic.
        .log_internal_errors(false)
        .with_ansi(io::stderr().is_terminal());
    let started = match config.log_format {
        LogFormat::Human => builder.try_init(),
        LogFormat::Json => {
            let fields = JsonFields::new();
            builder.fmt_fields(fields).event_format(InCall::default()).try_init()
        }
    };
    drop(started);
}

/// Lines of the log that could not be written since the process began.
pub fn lost_lines() -> u64 {
    LOST_LINES.load(Ordering::Relaxed)
}

/// Lines in JSON, which have the ids of the call that they are about before all else.
struct InCall(Format<Json>);

impl Default for InCall {
    fn default() -> InCall {
        InCall(Format::default().json().flatten_event(true))
    }
}

impl<S, N> FormatEvent<S, N> for InCall
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(
        &self,
        context: &FmtContext<'_, S, N>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let Some(ids) = ids::with_current(ids::CallIds::to_json_fields) else {
            return self.0.format_event(context, writer, event);
        };
        let mut line = String::new();
        self.0.format_event(context, Writer::new(&mut line), event)?;
        match line.strip_prefix('{') {
            Some(rest) => write!(writer, "{{{ids},{rest}"),
            None => writer.write_str(&line),
        }
    }
}

/// Never fails.
struct Lossy<W>(W);

impl<W: Write> Write for Lossy<W> {
    /// A whole line: the log writes each with one call.
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        if self.0.write_all(line).is_err() {
            LOST_LINES.fetch_add(1, Ordering::Relaxed);
        }
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        drop(self.0.flush());
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Full;

    impl Write for Full {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(io::ErrorKind::StorageFull.into())
        }

        fn flush(&mut self) -> io::Result<()> {
            Err(io::ErrorKind::StorageFull.into())
        }
    }

    #[test]
    fn a_line_that_cannot_be_written_is_counted() {
        let before = lost_lines();
        let mut output = Lossy(Full);
        output.write_all(b"one line\n").unwrap();
        output.flush().unwrap();
        assert_eq!(lost_lines(), before + 1);
        let mut output = Lossy(Vec::new());
        output.write_all(b"another\n").unwrap();
        assert_eq!((output.0.as_slice(), lost_lines()), (&b"another\n"[..], before + 1));
    }
}
