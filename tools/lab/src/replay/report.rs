//! The report of a replay. Only formats: everything is counted before.

use std::fmt;
use std::time::Duration;

use hdrhistogram::Histogram;
use rust_decimal::Decimal;

use super::pace::Speed;
use super::tally::Tally;
use super::{Budget, Options};

/// Everything that is known at the end.
#[derive(Debug)]
pub struct Report {
    pub(super) options: Options,
    /// Requests of the trace, as far as they were to be replayed.
    pub(super) planned: u64,
    /// Whether all of them were sent.
    pub(super) completed: bool,
    pub(super) elapsed: Duration,
    /// By how much the latest request began after it was due.
    pub(super) lag: Duration,
    pub(super) tally: Tally,
    pub(super) before: Budget,
    /// Or why it is not known.
    pub(super) after: Result<Budget, String>,
}

impl Report {
    /// Whether a call has failed.
    pub fn has_errors(&self) -> bool {
        self.tally.errors() > 0 || self.after.is_err()
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.heading(f)?;
        self.decisions(f)?;
        self.spend(f)?;
        self.budget(f)?;
        self.latency(f)?;
        self.errors(f)
    }
}

impl Report {
    fn heading(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.elapsed.as_secs_f64();
        let rate = self.tally.requests as f64 / seconds.max(f64::EPSILON);
        let file = &self.options.trace;
        let noun = if self.tally.requests == 1 { "request" } else { "requests" };
        let requests = grouped(self.tally.requests);
        writeln!(f, "{requests} {noun} of {file} in {seconds:.2} s")?;
        writeln!(f, "  {rate:.0} requests a second")?;
        if !self.completed {
            writeln!(f, "  stopped early: {} were planned", grouped(self.planned))?;
        }
        if let Speed::Factor(factor) = self.options.speed {
            let lag = self.lag.as_secs_f64();
            writeln!(f, "  at {factor} times the recorded speed, at most {lag:.3} s behind it")?;
        }
        Ok(())
    }

    fn decisions(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "\nDecisions")?;
        let tally = &self.tally;
        count(f, "allowed", tally.allowed(), tally.requests)?;
        count(f, "routed", tally.routed(), tally.requests)?;
        count(f, "blocked", tally.blocked(), tally.requests)?;
        for (reason, number) in &tally.blocked {
            count(f, &format!("  {reason}"), *number, tally.requests)?;
        }
        Ok(())
    }

    fn spend(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let currency = &self.before.currency;
        writeln!(f, "\n{:<34}{:>12}{:>12}{:>18}", "Spend", "allowed", "routed", currency)?;
        for (model_id, sums) in &self.tally.by_model {
            let (allowed, routed) = (grouped(sums.allowed), grouped(sums.routed));
            let spent = sums.spent.normalize();
            writeln!(f, "  {model_id:<32}{allowed:>12}{routed:>12}{spent:>18}")?;
        }
        let (allowed, routed) = (grouped(self.tally.allowed()), grouped(self.tally.routed()));
        let spent = self.tally.spent.normalize();
        writeln!(f, "  {:<32}{allowed:>12}{routed:>12}{spent:>18}", "all")?;
        if self.tally.unpriced > 0 {
            let unpriced = grouped(self.tally.unpriced);
            writeln!(f, "  {unpriced} records are of a model without a price")?;
        }
        Ok(())
    }

    fn budget(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let workspace = &self.options.workspace_id;
        let title = format!("Budget of {workspace}");
        writeln!(f, "\n{title:<34}{:>24}{:>24}", "before", "after")?;
        let after = match &self.after {
            Ok(after) => after,
            Err(message) => return writeln!(f, "  not known after the replay: {message}"),
        };
        let before = &self.before;
        let row = |f: &mut fmt::Formatter<'_>, name: &str, before: String, after: String| {
            writeln!(f, "  {name:<32}{before:>24}{after:>24}")
        };
        row(f, "state", before.state.clone(), after.state.clone())?;
        let money = |amount: Option<Decimal>, budget: &Budget| match amount {
            Some(amount) => format!("{amount} {}", budget.currency),
            None => "-".to_owned(),
        };
        for (name, amount_before, amount_after) in [
            ("plan budget", before.plan_budget, after.plan_budget),
            ("overage limit", before.overage_limit, after.overage_limit),
            ("spent", before.spent, after.spent),
            ("held", before.held, after.held),
            ("remaining", before.remaining, after.remaining),
        ] {
            row(f, name, money(amount_before, before), money(amount_after, after))?;
        }
        let same_cycle = before.cycle_start == after.cycle_start;
        match after.spent.zip(before.spent).map(|(after, before)| after - before) {
            Some(grown) if same_cycle => self.comparison(f, grown),
            _ => Ok(()),
        }
    }

    fn comparison(&self, f: &mut fmt::Formatter<'_>, grown: Decimal) -> fmt::Result {
        let difference = (grown - self.tally.spent).normalize();
        if difference.is_zero() {
            return writeln!(f, "  the server's spend grew by exactly the sum of these costs");
        }
        writeln!(f, "  the server's spend grew by {difference} more than the sum of these costs:")?;
        writeln!(f, "  others use this workspace, or calls failed whose answer was lost")
    }

    fn latency(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let columns = ["p50", "p90", "p99", "max"];
        write!(f, "\n{:<34}", "Latency in ms")?;
        for column in columns {
            write!(f, "{column:>12}")?;
        }
        writeln!(f)?;
        quantiles(f, "check", &self.tally.check_latency)?;
        quantiles(f, "record", &self.tally.record_latency)
    }

    fn errors(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.tally.errors.is_empty() {
            return Ok(());
        }
        writeln!(f, "\nErrors")?;
        for ((call, code), (number, message)) in &self.tally.errors {
            let name = format!("{call} {code}");
            writeln!(f, "  {name:<32}{:>12}  first: {message}", grouped(*number))?;
        }
        Ok(())
    }
}

fn count(f: &mut fmt::Formatter<'_>, name: &str, number: u64, all: u64) -> fmt::Result {
    let share = if all == 0 { 0.0 } else { 100.0 * number as f64 / all as f64 };
    writeln!(f, "  {name:<32}{:>12}{share:>10.1} %", grouped(number))
}

fn quantiles(f: &mut fmt::Formatter<'_>, name: &str, latency: &Histogram<u64>) -> fmt::Result {
    write!(f, "  {name:<32}")?;
    for quantile in [0.5, 0.9, 0.99, 1.0] {
        let milliseconds = latency.value_at_quantile(quantile) as f64 / 1_000.0;
        write!(f, "{milliseconds:>12.2}")?;
    }
    writeln!(f)
}

/// 19366 as "19,366".
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_grouped_by_thousands() {
        for (number, text) in [(0, "0"), (999, "999"), (1_000, "1,000"), (1_234_567, "1,234,567")] {
            assert_eq!(grouped(number), text);
        }
    }
}
