//! The pace of a replay: when each request of a trace is due. Reads no clock.

use std::str::FromStr;
use std::time::Duration;

/// How fast a trace is replayed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Speed {
    /// As fast as the server answers.
    Max,
    /// This many times as fast as it was recorded.
    Factor(f64),
}

/// Least and greatest factor.
pub const FACTOR_MIN: f64 = 0.001;
pub const FACTOR_MAX: f64 = 1_000_000.0;

impl Speed {
    /// Time from the start of the replay at which a request is due that came `offset` after the
    /// first one.
    pub fn due(self, offset: Duration) -> Duration {
        match self {
            Speed::Max => Duration::ZERO,
            Speed::Factor(factor) => offset.div_f64(factor),
        }
    }
}

impl FromStr for Speed {
    type Err = String;

    fn from_str(text: &str) -> Result<Speed, String> {
        if text == "max" {
            return Ok(Speed::Max);
        }
        let factor = text.parse::<f64>().ok();
        match factor.filter(|factor| (FACTOR_MIN..=FACTOR_MAX).contains(factor)) {
            Some(factor) => Ok(Speed::Factor(factor)),
            None => Err(format!(
                "expected max, or how many times as fast as recorded: {FACTOR_MIN} to {FACTOR_MAX}"
            )),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_are_due_by_speed() {
        let minute = Duration::from_secs(60);
        let table = [
            ("1", minute, minute),
            ("60", minute, Duration::from_secs(1)),
            ("0.5", minute, 2 * minute),
            ("max", minute, Duration::ZERO),
            ("60", Duration::ZERO, Duration::ZERO),
        ];
        for (speed, offset, due) in table {
            assert_eq!(speed.parse::<Speed>().unwrap().due(offset), due, "{speed}");
        }
    }

    #[test]
    fn other_speeds_are_refused() {
        for text in ["", "0", "-1", "NaN", "inf", "fast", "1e9", "0.0001"] {
            assert!(text.parse::<Speed>().unwrap_err().starts_with("expected max"), "{text}");
        }
    }
}
