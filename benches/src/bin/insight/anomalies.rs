//! Finds anomalies in series of a folder: of clients, of workspaces with their members, and of
//! failures.

use std::collections::BTreeMap;
use std::error::Error;
use std::fs;
use std::io::{BufWriter, Write};
use std::path::Path;

use clap::ValueEnum;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use tollgate::insight::anomaly::contributors::{Moved, contributors};
use tollgate::insight::anomaly::episodes::{COOL_DOWN_HOURS, Episode, episodes};
use tollgate::insight::anomaly::{Flag, Sensitivity, failures, hourly};

#[derive(Clone, Copy, ValueEnum)]
pub enum Level {
    High,
    Medium,
    Low,
}

#[derive(Deserialize)]
struct Client {
    id: String,
    clean: Vec<f64>,
    injected: Vec<f64>,
}

#[derive(Deserialize)]
struct Workspace {
    id: String,
    members: BTreeMap<String, Vec<f64>>,
}

#[derive(Deserialize)]
struct Failures {
    id: String,
    requests: Vec<f64>,
    failed: Vec<f64>,
}

pub fn run(folder: &Path, out: &Path, level: Level) -> Result<(), Box<dyn Error>> {
    let sensitivity = match level {
        Level::High => Sensitivity::High,
        Level::Medium => Sensitivity::Medium,
        Level::Low => Sensitivity::Low,
    };
    let mut out = BufWriter::new(fs::File::create(out)?);
    let mut write = |id: &str, series: &str, alerts: Vec<Value>| -> Result<(), Box<dyn Error>> {
        writeln!(out, "{}", json!({ "id": id, "series": series, "alerts": alerts }))?;
        Ok(())
    };
    for Client { id, clean, injected } in read(folder, "anomaly_series.jsonl")? {
        for (name, series) in [("injected", injected), ("clean", clean)] {
            write(&id, name, hours(&hourly::flags(&series, 0, sensitivity)))?;
        }
    }
    for Workspace { id, members } in read(folder, "workspace_series.jsonl")? {
        write(&id, "workspace", of_workspace(&members, sensitivity))?;
    }
    for Failures { id, requests, failed } in read(folder, "failure_series.jsonl")? {
        write(&id, "failed", hours(&failures::flags(&requests, &failed, 0, sensitivity)))?;
    }
    out.flush()?;
    Ok(())
}

fn read<T: DeserializeOwned>(folder: &Path, name: &str) -> Result<Vec<T>, Box<dyn Error>> {
    let text = fs::read_to_string(folder.join(name))?;
    Ok(text.lines().map(serde_json::from_str).collect::<Result<_, _>>()?)
}

fn hours(flags: &[Flag]) -> Vec<Value> {
    flags.iter().map(|flag| json!([flag.step, flag.step])).collect()
}

/// Each hour with the member that explains most of its anomaly up to then.
fn of_workspace(members: &BTreeMap<String, Vec<f64>>, sensitivity: Sensitivity) -> Vec<Value> {
    let length = members.values().map(Vec::len).max().unwrap_or(0);
    let total: Vec<f64> =
        (0..length).map(|hour| members.values().map(|series| series[hour]).sum()).collect();
    let flags = hourly::flags(&total, 0, sensitivity);
    let mut alerts = Vec::new();
    for episode in episodes(&flags, length, COOL_DOWN_HOURS, 0.0, Flag::excess) {
        for count in 1..=episode.flags.len() {
            let hour = episode.flags[count - 1].step;
            alerts.push(match most(members, &episode, count) {
                Some(member) => json!([hour, hour, member]),
                None => json!([hour, hour]),
            });
        }
    }
    alerts
}

fn most(members: &BTreeMap<String, Vec<f64>>, episode: &Episode, count: usize) -> Option<String> {
    let moved = members.iter().map(|(member, series)| {
        let hours = episode.flags[..count].iter().map(|flag| flag.step);
        let expected = |hour| hourly::expected(series, hour).unwrap_or(0.0);
        Moved {
            member: member.clone(),
            expected: hours.clone().map(expected).sum(),
            actual: hours.map(|hour| series[hour]).sum(),
        }
    });
    let found = contributors(moved.collect(), episode.direction);
    found.into_iter().next().map(|it| it.member)
}
