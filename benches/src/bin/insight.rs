//! Runs what the server forecasts and finds anomalies with on other series, for scorers that read
//! what it writes:
//!
//! ```text
//! insight forecast WINDOWS.jsonl OUT.jsonl
//! insight anomalies DIR OUT.jsonl
//! ```
//!
//! A window is a line with the steps before an origin (`train`) and those after it (`test`), which
//! it does not look at.

#[path = "insight/anomalies.rs"]
mod anomalies;

use std::fs;
use std::io::{BufWriter, Write};
use std::path::PathBuf;

use clap::Parser;
use serde::{Deserialize, Serialize};
use tollgate::insight::forecast::{Forecast, Interval, Point, Rhythm, forecast};

/// Totals whose probability to be passed is scored, as shares of the run rate.
const SHARES: [f64; 5] = [0.8, 0.9, 1.0, 1.1, 1.25];

#[derive(Parser)]
#[command(about = "Runs the server's forecasts on windows of series, for a scorer")]
enum Command {
    /// Forecasts each window.
    Forecast { windows: PathBuf, out: PathBuf },
    /// Finds anomalies in the series of a folder.
    Anomalies {
        folder: PathBuf,
        out: PathBuf,
        /// How readily a step is called odd: high, medium or low.
        #[arg(long, default_value = "high")]
        sensitivity: anomalies::Level,
    },
}

#[derive(Deserialize)]
struct Window {
    grp: String,
    id: String,
    /// Steps of a season, the main one first.
    m: Vec<usize>,
    /// Steps to forecast.
    h: usize,
    train: Vec<f64>,
    /// What the period had before the origin, where its total is asked for.
    known: Option<f64>,
}

#[derive(Serialize)]
struct Prediction {
    grp: String,
    id: String,
    f: Vec<f64>,
    lo80: Vec<f64>,
    hi80: Vec<f64>,
    lo95: Vec<f64>,
    hi95: Vec<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    total: Option<Total>,
    #[serde(skip_serializing_if = "Option::is_none")]
    p_over: Option<Vec<f64>>,
}

#[derive(Serialize)]
struct Total {
    f: f64,
    lo80: f64,
    hi80: f64,
    lo95: f64,
    hi95: f64,
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    match Command::parse() {
        Command::Forecast { windows, out } => {
            let mut out = BufWriter::new(fs::File::create(out)?);
            for line in fs::read_to_string(windows)?.lines() {
                let window: Window = serde_json::from_str(line)?;
                serde_json::to_writer(&mut out, &predict(&window)?)?;
                writeln!(out)?;
            }
            out.flush()?;
        }
        Command::Anomalies { folder, out, sensitivity } => {
            anomalies::run(&folder, &out, sensitivity)?;
        }
    }
    Ok(())
}

impl Window {
    fn rhythm(&self) -> Rhythm {
        match self.m.first() {
            Some(24) => Rhythm::HOURS,
            Some(7) => Rhythm::DAYS,
            _ => Rhythm { cycle: 1, ..Rhythm::DAYS },
        }
    }

    /// The run rate of the whole period: what is known, by the share of its steps that is over. A
    /// period begins at midnight, and the name of its group ends with the days known.
    fn run_rate(&self, known: f64) -> Option<f64> {
        let days: usize = self.grp.rsplit_once("_k")?.1.parse().ok()?;
        let steps = (days * self.rhythm().steps_a_day) as f64;
        Some(known * (steps + self.h as f64) / steps)
    }
}

fn predict(window: &Window) -> Result<Prediction, String> {
    let found = forecast(&window.train, window.rhythm(), window.h);
    let found = found.ok_or_else(|| format!("{}: the window has no past", window.id))?;
    let each = |value: fn(&Point) -> f64| found.points.iter().map(value).collect();
    let (total, p_over) = match window.known {
        Some(known) => (Some(total(&found, known)), of_run_rate(window, &found, known)),
        None => (None, None),
    };
    Ok(Prediction {
        grp: window.grp.clone(),
        id: window.id.clone(),
        f: each(|point| point.value),
        lo80: each(|point| point.bands[0].low),
        hi80: each(|point| point.bands[0].high),
        lo95: each(|point| point.bands[1].low),
        hi95: each(|point| point.bands[1].high),
        total,
        p_over,
    })
}

/// Of the whole period: what is known of it, and the rest.
fn total(found: &Forecast, known: f64) -> Total {
    let rest = found.totals.of_first(found.points.len());
    let [inner, outer] = rest.bands();
    let with = |Interval { low, high }| [known + low, known + high];
    let ([lo80, hi80], [lo95, hi95]) = (with(inner), with(outer));
    Total { f: known + rest.median(), lo80, hi80, lo95, hi95 }
}

fn of_run_rate(window: &Window, found: &Forecast, known: f64) -> Option<Vec<f64>> {
    let rate = window.run_rate(known)?;
    let rest = found.totals.of_first(found.points.len());
    Some(SHARES.map(|share| rest.probability_above(share * rate - known)).to_vec())
}
