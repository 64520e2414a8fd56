//! Simulated runs of the real engine: see `world.rs` for what happens in one.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, PoisonError};

use crate::auditor::Auditor;
use crate::faults::{Fault, Faults};
use crate::store::SimStore;
use crate::world::Simulation;

/// What went wrong in a run, and everything that led to it.
pub struct Failure {
    pub message: String,
    pub trace: Vec<String>,
}

/// One run, the same for the same seed. Returns what happened.
pub fn run(seed: u64) -> Result<Vec<String>, Failure> {
    run_with(seed, None)
}

/// One run with a fault.
pub fn run_with(seed: u64, fault: Option<Fault>) -> Result<Vec<String>, Failure> {
    let store = SimStore::new(seed, Faults::new(fault));
    let auditor = Arc::new(Mutex::new(Auditor::new(store)));
    let run = || {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .start_paused(true)
            .build()
            .expect("a runtime needs no resources here");
        let auditor = auditor.clone();
        runtime.block_on(async move {
            Simulation::new(seed, auditor).await.run().await;
        });
    };
    let outcome = catch_unwind(AssertUnwindSafe(run));
    let mut auditor = auditor.lock().unwrap_or_else(PoisonError::into_inner);
    let trace = std::mem::take(&mut auditor.trace);
    match outcome {
        Ok(()) => Ok(trace),
        Err(panic) => {
            let text = panic.downcast_ref::<String>().cloned();
            let text = text.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned()));
            let message = text.unwrap_or_else(|| "a panic".to_owned());
            Err(Failure { message, trace })
        }
    }
}
