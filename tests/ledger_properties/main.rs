//! The ledger against a naive oracle, on random histories.
//!
//! 2,000 histories of up to 60 steps, always the same ones. Others, or more:
//! `TOLLGATE_TEST_SEED=7 TOLLGATE_TEST_CASES=100000 cargo test --test ledger_properties`.
//! A failure prints the seed and the shortest history that still fails.

mod backtest;
mod machine;
#[path = "../oracle/mod.rs"]
mod oracle;
#[path = "../world/mod.rs"]
mod world;

use std::str::FromStr;

use proptest::test_runner::{Config, RngSeed, TestCaseError, TestError, TestRunner};
use proptest_state_machine::{ReferenceStateMachine, StateMachineTest};

use machine::rates;
use machine::reference::Reference;
use machine::subject::Subject;

const CASES: u32 = 2_000;
/// Most steps towards the shortest history that fails.
const SHRINKS: u32 = 4_000;
/// Tests run in parallel: so many share the cases.
const SHARES: u32 = 4;

#[test]
fn agrees_with_the_oracle_1() {
    agrees_with_the_oracle(0);
}

#[test]
fn agrees_with_the_oracle_2() {
    agrees_with_the_oracle(1);
}

#[test]
fn agrees_with_the_oracle_3() {
    agrees_with_the_oracle(2);
}

#[test]
fn agrees_with_the_oracle_4() {
    agrees_with_the_oracle(3);
}

/// DESIGN: in no window more than the limit, and who waits as told passes.
#[test]
fn no_span_holds_more_than_its_rate_limit() {
    let config = Config {
        cases: of_environment("TOLLGATE_TEST_CASES", CASES),
        rng_seed: RngSeed::Fixed(1),
        failure_persistence: None,
        max_shrink_iters: of_environment("TOLLGATE_TEST_SHRINKS", SHRINKS),
        ..Config::default()
    };
    let mut runner = TestRunner::new(config);
    let outcome = runner.run(&(rates::bounds(), rates::events()), |(bounds, events)| {
        rates::run(bounds, &events);
        Ok(())
    });
    if let Err(failure) = outcome {
        panic!("{failure}");
    }
}

/// A number of the environment, or the default.
fn of_environment<T: FromStr>(name: &str, default: T) -> T {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(default)
}

fn agrees_with_the_oracle(share: u32) {
    let seed: u64 = of_environment("TOLLGATE_TEST_SEED", 1);
    let cases = of_environment("TOLLGATE_TEST_CASES", CASES);
    let config = Config {
        cases: cases / SHARES,
        rng_seed: RngSeed::Fixed(seed * u64::from(SHARES) + u64::from(share)),
        failure_persistence: None,
        max_shrink_iters: of_environment("TOLLGATE_TEST_SHRINKS", SHRINKS),
        ..Config::default()
    };
    let mut runner = TestRunner::new(config.clone());
    let histories = Reference::sequential_strategy(1..60);
    let outcome = runner.run(&histories, |(initial, steps, seen)| {
        Subject::test_sequential(config.clone(), initial, steps, seen);
        Ok::<(), TestCaseError>(())
    });
    if let Err(failure) = outcome {
        let failure = match failure {
            TestError::Fail(why, (_, steps, _)) => {
                let steps = steps.iter().map(|step| format!("\n    {step:?}"));
                format!("{why}\nsteps:{}", steps.collect::<String>())
            }
            TestError::Abort(why) => why.to_string(),
        };
        panic!(
            "{failure}\nagain: TOLLGATE_TEST_SEED={seed} TOLLGATE_TEST_CASES={cases} \
             cargo test --test ledger_properties"
        );
    }
}
