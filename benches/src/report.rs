//! What was measured, as a table for people and as JSON for programs.

use std::fmt::Write;

use serde::Serialize;

/// What a figure has to reach.
#[derive(Clone, Copy, Debug, Serialize)]
pub enum Target {
    AtLeast(f64),
    AtMost(f64),
    /// Published, without a bound.
    None,
}

impl Target {
    pub fn met(self, value: f64) -> Option<bool> {
        match self {
            Target::AtLeast(bound) => Some(value >= bound),
            Target::AtMost(bound) => Some(value <= bound),
            Target::None => None,
        }
    }

    fn text(self) -> String {
        match self {
            Target::AtLeast(bound) => format!("≥ {}", plain(bound)),
            Target::AtMost(bound) => format!("≤ {}", plain(bound)),
            Target::None => "-".into(),
        }
    }
}

/// One line of the table.
#[derive(Clone, Debug, Serialize)]
pub struct Line {
    /// Number of its row in README.md.
    pub row: u32,
    pub what: String,
    /// Absolute figures, with their unit: Tollgate's, and what it is compared with.
    pub measured: String,
    pub against: String,
    /// What the target is about, a ratio unless `unit` says otherwise; absent if not measured.
    pub value: Option<f64>,
    pub unit: String,
    /// Lowest and highest of the rounds.
    pub range: Option<(f64, f64)>,
    pub target: Target,
    pub met: Option<bool>,
    pub note: String,
}

impl Line {
    /// A comparison of rounds, side by side: the median of their ratios.
    pub fn ratio(row: u32, what: &str, unit: &str, rounds: &Rounds, target: Target) -> Line {
        let ratios: Vec<f64> = rounds.0.iter().map(|(ours, other)| ours / other).collect();
        let value = median(&ratios);
        let line = Line {
            row,
            what: what.into(),
            measured: format!("{} {unit}", plain(rounds.ours())),
            against: format!("{} {unit}", plain(rounds.against())),
            value: Some(value),
            unit: String::new(),
            range: None,
            target,
            met: target.met(value),
            note: String::new(),
        };
        line.range_of(&ratios)
    }

    /// A figure that stands for itself.
    pub fn figure(row: u32, what: &str, value: f64, unit: &str, target: Target) -> Line {
        Line {
            row,
            what: what.into(),
            measured: format!("{} {unit}", plain(value)),
            against: "-".into(),
            value: Some(value),
            unit: unit.into(),
            range: None,
            target,
            met: target.met(value),
            note: String::new(),
        }
    }

    /// A row that could not be measured, and why.
    pub fn not_measured(row: u32, what: &str, why: &str) -> Line {
        Line {
            row,
            what: what.into(),
            measured: "not measured".into(),
            against: "-".into(),
            value: None,
            unit: String::new(),
            range: None,
            target: Target::None,
            met: None,
            note: why.into(),
        }
    }

    /// With the lowest and highest of its rounds.
    pub fn range_of(mut self, values: &[f64]) -> Line {
        let low = values.iter().copied().fold(f64::INFINITY, f64::min);
        let high = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        self.range = Some((low, high));
        self
    }

    pub fn note(mut self, note: impl Into<String>) -> Line {
        self.note = note.into();
        self
    }

    fn cells(&self) -> [String; 8] {
        let value = match self.value {
            Some(value) if self.unit.is_empty() => format!("**{}**", plain(value)),
            Some(value) => format!("{} {}", plain(value), self.unit),
            None => "-".into(),
        };
        let range = self.range.map(|(low, high)| format!("{}–{}", plain(low), plain(high)));
        let met = match self.met {
            Some(true) => "yes",
            Some(false) => "**no**",
            None => "-",
        };
        [
            format!("{}. {}", self.row, self.what),
            self.measured.clone(),
            self.against.clone(),
            value,
            range.unwrap_or_else(|| "-".into()),
            self.target.text(),
            met.into(),
            self.note.clone(),
        ]
    }
}

/// Ours and the other's figure of each round.
#[derive(Clone, Debug, Default)]
pub struct Rounds(pub Vec<(f64, f64)>);

impl Rounds {
    pub fn push(&mut self, ours: f64, against: f64) {
        self.0.push((ours, against));
    }

    pub fn ours(&self) -> f64 {
        median(&self.0.iter().map(|round| round.0).collect::<Vec<f64>>())
    }

    pub fn against(&self) -> f64 {
        median(&self.0.iter().map(|round| round.1).collect::<Vec<f64>>())
    }
}

pub fn median(values: &[f64]) -> f64 {
    let mut values = values.to_vec();
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    match values.len() {
        0 => f64::NAN,
        n if n % 2 == 1 => values[middle],
        _ => (values[middle - 1] + values[middle]) / 2.0,
    }
}

/// Everything that one run found.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Report {
    /// When, where and how it was run.
    pub conditions: Vec<String>,
    pub lines: Vec<Line>,
}

impl Report {
    /// As a Markdown table.
    pub fn markdown(&self) -> String {
        let mut text = String::from("# Benchmarks of the gate\n\n");
        for condition in &self.conditions {
            writeln!(text, "* {condition}").expect("a String grows");
        }
        text.push('\n');
        text.push_str(
            "| row | Tollgate | against | value | rounds | target | met | note |\n\
             | --- | --- | --- | --- | --- | --- | --- | --- |\n",
        );
        for line in &self.lines {
            writeln!(text, "| {} |", line.cells().join(" | ")).expect("a String grows");
        }
        text
    }

    /// As aligned columns, for a terminal.
    pub fn table(&self) -> String {
        let head = ["row", "Tollgate", "against", "value", "rounds", "target", "met", "note"];
        let mut rows = vec![head.map(String::from)];
        rows.extend(self.lines.iter().map(|line| line.cells().map(|c| c.replace("**", ""))));
        let width =
            |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
        let widths: Vec<usize> = (0..head.len()).map(width).collect();
        let mut text = String::new();
        for row in &rows {
            let mut line = String::new();
            for (cell, width) in row.iter().zip(&widths) {
                write!(line, "{cell:<width$}  ").expect("a String grows");
            }
            writeln!(text, "{}", line.trim_end()).expect("a String grows");
        }
        text
    }
}

/// A number with as many digits as a reader wants.
pub fn plain(value: f64) -> String {
    let size = value.abs();
    if size >= 1_000.0 {
        let digits = format!("{size:.0}");
        let grouped: Vec<&str> = digits
            .as_bytes()
            .rchunks(3)
            .rev()
            .map(|group| std::str::from_utf8(group).expect("digits are ASCII"))
            .collect();
        let sign = if value < 0.0 { "-" } else { "" };
        return format!("{sign}{}", grouped.join(","));
    }
    let text = match size {
        s if s >= 100.0 => format!("{value:.0}"),
        s if s >= 10.0 => format!("{value:.1}"),
        _ => format!("{value:.2}"),
    };
    if text.contains('.') {
        return text.trim_end_matches('0').trim_end_matches('.').to_owned();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_short() {
        let cases = [
            (0.0, "0"),
            (0.946, "0.95"),
            (1.1, "1.1"),
            (12.34, "12.3"),
            (999.4, "999"),
            (1_234_567.8, "1,234,568"),
            (-4_321.0, "-4,321"),
            (100.0, "100"),
        ];
        for (value, text) in cases {
            assert_eq!(plain(value), text);
        }
    }

    #[test]
    fn a_ratio_is_the_median_of_the_rounds() {
        let rounds = Rounds(vec![(10.0, 10.0), (30.0, 10.0), (40.0, 20.0)]);
        let line = Line::ratio(1, "what", "/s", &rounds, Target::AtLeast(2.5));
        assert_eq!((line.value, line.range, line.met), (Some(2.0), Some((1.0, 3.0)), Some(false)));
        assert_eq!((line.measured.as_str(), line.against.as_str()), ("30 /s", "10 /s"));
        assert_eq!(median(&[1.0, 2.0]), 1.5);
    }
}
