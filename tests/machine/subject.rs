//! The ledger's side: makes the call, compares the answer, then everything that can be seen.

use std::collections::BTreeMap;

use proptest_state_machine::StateMachineTest;
use tollgate::ledger::catalogue::Catalogue;
use tollgate::ledger::meter::Totals;
use tollgate::ledger::record::Record;

use super::reference::Reference;
use super::steps::Step;
use super::{Answer, Call};
use crate::oracle::record::Written;
use crate::oracle::{Facts, Oracle, amount, facts};
use crate::world::{Outcome, World};

pub struct Subject {
    world: World,
    on_the_way: Vec<Record>,
}

impl StateMachineTest for Subject {
    type SystemUnderTest = Subject;
    type Reference = Reference;

    fn init_test(reference: &Reference) -> Subject {
        let oracle = &reference.oracle;
        let mut world = World::new(oracle.workspace.clone(), oracle.now);
        world.set_catalogue(catalogue(&oracle.catalogue));
        for settings in &oracle.models {
            world.set_model(settings.clone());
        }
        Subject { world, on_the_way: Vec::new() }
    }

    fn apply(mut subject: Subject, reference: &Reference, step: Step) -> Subject {
        let answer = subject.answer(reference.call.clone());
        assert_eq!(
            answer.clone().comparable(),
            reference.answer.clone().comparable(),
            "\nledger left, oracle right, of {step:?}"
        );
        if let Some(promised) = reference.promised
            && let Answer::Prepared(record) | Answer::Recorded(record, _) = answer
        {
            assert!(record.cost <= promised, "I10: {} is billed above its hold", record.cost);
        }
        subject
    }

    fn check_invariants(subject: &Subject, reference: &Reference) {
        subject.world.ledger.assert_invariants();
        assert_same_totals(&subject.world, &reference.oracle);
    }
}

impl Subject {
    fn answer(&mut self, call: Call) -> Answer {
        let world = &mut self.world;
        let now = world.now;
        match call {
            Call::Nothing => {}
            Call::Time(time) => {
                world.now = time;
                world.ledger.advance(time);
            }
            Call::Check(check) => return Answer::Decided(world.check(check)),
            Call::Prepare(report) => {
                let record = world.prepare(report).expect("spend stays below its bound");
                self.on_the_way.push(record.clone());
                return Answer::Prepared(Box::new(record));
            }
            Call::Commit(index) => {
                let record = self.on_the_way.remove(index);
                return Answer::Written(written(world.commit(&record)));
            }
            Call::Record(report) => {
                let (record, outcome) = world.record(report).expect("spend stays below its bound");
                return Answer::Recorded(Box::new(record), written(outcome));
            }
            Call::Learn(reports) => {
                for report in reports {
                    world.record(report).expect("spend stays below its bound");
                }
            }
            Call::Lose(index) => {
                let record = self.on_the_way.remove(index);
                world.lose(&record);
            }
            Call::Release(request_id) => {
                return Answer::Released(world.ledger.release(now, &request_id).ok());
            }
            Call::Extend(request_id, span) => {
                return Answer::Extended(world.ledger.extend(now, &request_id, span).ok());
            }
            Call::ChargeDue => return Answer::Charged(world.charge_due()),
            Call::Correct(of, cost) => world.correct(&of, cost),
            Call::Workspace(workspace) => world.set_workspace(*workspace),
            Call::Model(settings) => world.set_model(settings),
            Call::Catalogue(facts) => world.set_catalogue(catalogue(&facts)),
            Call::Restart { keep_holds } => {
                self.on_the_way.clear();
                world.restart(keep_holds);
            }
        }
        Answer::Nothing
    }
}

/// Spent and held of the running cycle and the next, of all and of each model, are what the oracle
/// sums up (I4); the holds are the same (I7).
fn assert_same_totals(world: &World, oracle: &Oracle) {
    let cycle = oracle.cycle();
    let next = facts::cycle(&oracle.workspace, cycle.end);
    let mut metered = BTreeMap::new();
    for (model, start, totals) in world.ledger.metered() {
        if totals != Totals::default() {
            metered.insert((model, start), totals);
        }
    }
    let mut subjects = vec![None];
    for record in &oracle.log {
        subjects.push(Some(record.metered_model_id.clone()));
    }
    subjects.extend(oracle.holds.iter().map(|hold| Some(hold.model.clone())));
    for subject in subjects {
        for window in [cycle, next] {
            let expected = Totals {
                spent: amount(oracle.spent(subject.as_deref(), window)),
                held: amount(oracle.held(subject.as_deref(), window)),
            };
            let found = metered.get(&(subject.clone(), window.start)).copied();
            let found = found.unwrap_or_default();
            assert_eq!(found, expected, "\nledger left, oracle right, of {subject:?} {window:?}");
        }
    }
    assert_eq!(world.ledger.live_holds(), oracle.holds.len(), "live holds");
    let expired = usize::try_from(world.ledger.expired_count()).expect("not negative");
    assert_eq!(expired, oracle.expired.len(), "expired holds");
    let standing = world.ledger.standing();
    assert_eq!(standing, oracle.standing(), "where the workspace stands");
}

fn written(outcome: Outcome) -> Written {
    match outcome {
        Outcome::New(standing) => Written::New(standing),
        Outcome::Duplicate(record, standing) => Written::Duplicate(record.cost, standing),
        Outcome::Reused => Written::Reused,
    }
}

fn catalogue(facts: &Facts) -> Catalogue {
    Catalogue::new(facts.models.clone(), facts.prices.clone(), facts.rates.clone())
}
