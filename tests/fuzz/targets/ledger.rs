//! Commands to the ledger of one workspace, against the oracle.
//!
//! Each four bytes seed one step of the generator that the random histories of
//! `tests/ledger_properties` are made with. So a step can be taken out, repeated or moved, and the
//! others stay as they are.

use std::cell::RefCell;

use proptest::strategy::{BoxedStrategy, Strategy, ValueTree};
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use proptest_state_machine::{ReferenceStateMachine, StateMachineTest};

use crate::machine::reference::Reference;
use crate::machine::steps::{Step, any_step};
use crate::machine::subject::Subject;

/// Steps of a history: as many as the random ones have.
const STEPS_MAX: usize = 60;
const STEP_BYTES: usize = 4;
/// Of a seed.
const SEED_BYTES: usize = 32;

thread_local! {
    static STEPS: BoxedStrategy<Step> = any_step();
    /// The steps of the history that runs, for who looks at a failure.
    static HISTORY: RefCell<Vec<Step>> = const { RefCell::new(Vec::new()) };
}

pub fn run(bytes: &[u8]) {
    HISTORY.with_borrow_mut(Vec::clear);
    let mut reference = Reference::new();
    let mut subject = Subject::init_test(&reference);
    for seed in bytes.chunks_exact(STEP_BYTES).take(STEPS_MAX) {
        let step = step(seed);
        HISTORY.with_borrow_mut(|history| history.push(step.clone()));
        let shown = ShownOnPanic;
        reference = Reference::apply(reference, &step);
        subject = Subject::apply(subject, &reference, step);
        Subject::check_invariants(&subject, &reference);
        drop(shown);
    }
}

fn step(seed: &[u8]) -> Step {
    let mut whole = [0; SEED_BYTES];
    whole[..STEP_BYTES].copy_from_slice(seed);
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &whole);
    let mut runner = TestRunner::new_with_rng(Config::default(), rng);
    let tree = STEPS.with(|steps| steps.new_tree(&mut runner));
    tree.expect("no step is filtered out").current()
}

/// Prints the history if it is dropped by a panic.
struct ShownOnPanic;

impl Drop for ShownOnPanic {
    fn drop(&mut self) {
        if std::thread::panicking() {
            HISTORY.with_borrow(|history| {
                history.iter().for_each(|step| eprintln!("    {step:?}"));
            });
        }
    }
}
