//! The real engine over a storage that fails, in virtual time: 2,000 runs, each from its seed.
//!
//! More: `TOLLGATE_TEST_SEEDS=100000 cargo test --test simulation`. One again, with its trace:
//! `TOLLGATE_TEST_SEED=123 cargo test --test simulation -- --nocapture`. The same seed gives the
//! same run.

mod audit;
mod auditor;
mod clients;
mod clock;
mod credits;
mod faults;
mod rules;
mod run;
#[allow(dead_code, reason = "the storage suite uses what the simulation does not")]
mod store;
mod world;
#[path = "../oracle/mod.rs"]
mod oracle;

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use faults::{FAULTS, Fault};

const SEEDS: u64 = 2_000;

#[test]
fn every_seed_keeps_the_invariants() {
    let of_environment = |name: &str| std::env::var(name).ok()?.parse::<u64>().ok();
    if let Some(seed) = of_environment("TOLLGATE_TEST_SEED") {
        show(seed);
        return;
    }
    let seeds = of_environment("TOLLGATE_TEST_SEEDS").unwrap_or(SEEDS);
    let (next, stop) = (AtomicU64::new(0), AtomicBool::new(false));
    let failures = Mutex::new(Vec::new());
    let threads = std::thread::available_parallelism().map_or(2, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                while !stop.load(Ordering::Relaxed) {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= seeds {
                        return;
                    }
                    if let Err(failure) = run::run(seed) {
                        stop.store(true, Ordering::Relaxed);
                        failures.lock().unwrap().push((seed, failure.message));
                    }
                }
            });
        }
    });
    let mut failures = failures.into_inner().unwrap();
    failures.sort();
    if let Some((seed, message)) = failures.first() {
        panic!(
            "seed {seed}: {message}\nagain, with its trace: TOLLGATE_TEST_SEED={seed} \
             cargo test --test simulation -- --nocapture"
        );
    }
}

/// Seeds before a fault counts as unnoticed.
const FAULT_SEEDS: u64 = 2_000;

/// The test of the tests: each fault is noticed, by the assertions that are there for it.
#[test]
fn every_fault_is_noticed() {
    let next = AtomicU64::new(0);
    let unnoticed = Mutex::new(Vec::new());
    let threads = std::thread::available_parallelism().map_or(2, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                let next = || FAULTS.get(next.fetch_add(1, Ordering::Relaxed) as usize);
                while let Some((fault, assertions)) = next() {
                    for assertion in unnoticed_by(*fault, assertions) {
                        unnoticed.lock().unwrap().push((*fault, assertion));
                    }
                }
            });
        }
    });
    let unnoticed = unnoticed.into_inner().unwrap();
    assert!(unnoticed.is_empty(), "not noticed: {unnoticed:?}");
}

/// The assertions that do not fail in any run with the fault.
fn unnoticed_by(fault: Fault, assertions: &[&'static str]) -> Vec<&'static str> {
    let mut missing = assertions.to_vec();
    for seed in 0..FAULT_SEEDS {
        if let Err(failure) = run::run_with(seed, Some(fault)) {
            missing.retain(|assertion| !failure.message.contains(assertion));
        }
        if missing.is_empty() {
            println!("{fault:?}: noticed by seed {seed}");
            break;
        }
    }
    missing
}

#[test]
fn the_same_seed_gives_the_same_run() {
    for seed in 0..20 {
        let trace = || run::run(seed).unwrap_or_else(|failure| failure.trace);
        let (first, second) = (trace(), trace());
        let differs = first.iter().zip(&second).position(|(a, b)| a != b);
        if let Some(index) = differs {
            panic!("seed {seed}, step {index}: {} / {}", first[index], second[index]);
        }
        assert_eq!(first.len(), second.len(), "seed {seed}");
    }
}

fn show(seed: u64) {
    let (trace, message) = match run::run(seed) {
        Ok(trace) => (trace, None),
        Err(failure) => (failure.trace, Some(failure.message)),
    };
    for line in trace {
        println!("{line}");
    }
    if let Some(message) = message {
        panic!("seed {seed}: {message}");
    }
}
