//! The test of the tests: each fault that is built in on purpose must be noticed, by the random
//! histories or by the simulation.
//!
//! `cargo test --features mutants --test mutants`

mod machine;
mod oracle;
#[path = "simulation/mod.rs"]
mod simulated;
mod world;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use proptest::test_runner::{Config, RngSeed, TestCaseError, TestRunner};
use proptest_state_machine::{ReferenceStateMachine, StateMachineTest};
use tollgate::ledger::mutants::{Mutant, with};

use machine::rates;
use machine::reference::Reference;
use machine::subject::Subject;
use simulated::run as simulate;

/// What must notice a fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum By {
    Histories,
    Simulation,
    Both,
    /// The property of rate limits.
    Arrivals,
}

const MUTANTS: [(Mutant, By); 34] = [
    (Mutant::CheckThenUpdate, By::Simulation),
    (Mutant::LimitItselfIsTooMuch, By::Histories),
    (Mutant::FreeIsBlocked, By::Histories),
    (Mutant::ZeroMeansNoLimit, By::Histories),
    (Mutant::FallbackAtThePriceOfTheAsked, By::Histories),
    (Mutant::FallbackMayBeDearer, By::Histories),
    (Mutant::HoldInOneLimitOnly, By::Both),
    (Mutant::ReleaseTwice, By::Both),
    (Mutant::RefundIntoTheCurrentWindow, By::Both),
    (Mutant::ExpiredHoldLeaks, By::Histories),
    (Mutant::SecondChargeLeaks, By::Both),
    (Mutant::DropAboveTheHold, By::Both),
    (Mutant::ChargeTheWindowOfTheRecord, By::Both),
    (Mutant::BillAtThePriceOfNow, By::Histories),
    (Mutant::OtherContentIsARepeat, By::Histories),
    (Mutant::NewCutForgetsSpend, By::Both),
    (Mutant::AnswerBeforeCommit, By::Simulation),
    (Mutant::NoDedupe, By::Simulation),
    (Mutant::UnknownIsFailure, By::Simulation),
    (Mutant::FailureIsCharged, By::Simulation),
    (Mutant::RepeatTakesChargeBack, By::Simulation),
    (Mutant::StopForgetsHolds, By::Simulation),
    (Mutant::AskTheOverruled, By::Histories),
    (Mutant::ChargeMoneyOnly, By::Histories),
    (Mutant::OneBucketTooFew, By::Histories),
    (Mutant::OneBucketTooFew, By::Arrivals),
    (Mutant::RetryOneBucketEarly, By::Histories),
    (Mutant::RetryOneBucketEarly, By::Arrivals),
    (Mutant::BoostAfterItsEnd, By::Histories),
    (Mutant::GroupOfNow, By::Histories),
    (Mutant::DowngradeIgnoresHardLimits, By::Histories),
    (Mutant::ThresholdJumpedOver, By::Histories),
    (Mutant::TokensAreNotCorrected, By::Histories),
    (Mutant::AlertAgainAfterALoad, By::Histories),
];

/// Tries before a fault counts as unnoticed.
const HISTORIES: u32 = 16_000;
const SEEDS: u64 = 2_000;

#[test]
fn every_fault_is_noticed() {
    std::panic::set_hook(Box::new(|_| {}));
    let next = AtomicUsize::new(0);
    let unnoticed = Mutex::new(Vec::new());
    let threads = std::thread::available_parallelism().map_or(2, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                while let Some((mutant, by)) = MUTANTS.get(next.fetch_add(1, Ordering::Relaxed)) {
                    if *by == By::Arrivals {
                        if !with(Some(*mutant), fails_in_arrivals) {
                            unnoticed.lock().unwrap().push((*mutant, *by));
                        }
                        continue;
                    }
                    if *by != By::Simulation && !noticed_by_histories(*mutant) {
                        unnoticed.lock().unwrap().push((*mutant, By::Histories));
                    }
                    if *by != By::Histories && !noticed_by_simulation(*mutant) {
                        unnoticed.lock().unwrap().push((*mutant, By::Simulation));
                    }
                }
            });
        }
    });
    drop(std::panic::take_hook());
    let unnoticed = unnoticed.into_inner().unwrap();
    assert!(unnoticed.is_empty(), "not noticed: {unnoticed:?}");
}

#[test]
fn nothing_is_noticed_without_a_fault() {
    assert!(!with(None, || fails_in_histories(50)));
    assert!((0..50).all(|seed| with(None, || simulate(seed)).is_ok()));
}

fn noticed_by_histories(mutant: Mutant) -> bool {
    with(Some(mutant), || fails_in_histories(HISTORIES))
}

fn fails_in_histories(cases: u32) -> bool {
    let config = Config {
        cases,
        rng_seed: RngSeed::Fixed(1),
        failure_persistence: None,
        max_shrink_iters: 0,
        ..Config::default()
    };
    let histories = Reference::sequential_strategy(1..60);
    let mut runner = TestRunner::new(config.clone());
    let run = || {
        let outcome = runner.run(&histories, |(initial, steps, seen)| {
            Subject::test_sequential(config.clone(), initial, steps, seen);
            Ok::<(), TestCaseError>(())
        });
        outcome.is_ok()
    };
    // A history that is not to be shortened ends in a panic of the library.
    !catch_unwind(AssertUnwindSafe(run)).unwrap_or(false)
}

fn fails_in_arrivals() -> bool {
    let config = Config {
        cases: HISTORIES,
        rng_seed: RngSeed::Fixed(1),
        failure_persistence: None,
        max_shrink_iters: 0,
        ..Config::default()
    };
    let mut runner = TestRunner::new(config);
    let outcome = runner.run(&(rates::bounds(), rates::events()), |(bounds, events)| {
        rates::run(bounds, &events);
        Ok(())
    });
    outcome.is_err()
}

fn noticed_by_simulation(mutant: Mutant) -> bool {
    for seed in 0..SEEDS {
        if let Err(failure) = with(Some(mutant), || simulate(seed)) {
            let first = failure.message.lines().next().unwrap_or_default().to_owned();
            println!("{mutant:?}: seed {seed}: {first}");
            return true;
        }
    }
    false
}
