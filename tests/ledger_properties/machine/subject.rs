//! The ledger's side: makes the call, compares the answer, then everything that can be seen.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use proptest_state_machine::StateMachineTest;
use tollgate::domain::catalog::Catalog;
use tollgate::domain::record::Record;
use tollgate::ledger::{Error, QuotaUsage, Totals, UsageFilter, UsagePosition, Void};

use super::reference::{Reference, WRONG};
use super::steps::Step;
use super::{Answer, Call};
use crate::oracle::policy::Change;
use crate::oracle::record::{Voided, Written};
use crate::oracle::usage::{self, Standing};
use crate::oracle::{Facts, Oracle, alerts, amount, facts};
use crate::world::{Outcome, World};

pub struct Subject {
    world: World,
    on_the_way: Vec<Record>,
    /// Windows have changed since the start: others may have the start of one before.
    may_repeat: bool,
}

impl StateMachineTest for Subject {
    type SystemUnderTest = Subject;
    type Reference = Reference;

    fn init_test(reference: &Reference) -> Subject {
        let oracle = &reference.oracle;
        let mut world = World::new(oracle.workspace.clone(), oracle.now);
        world.set_catalog(catalog(&oracle.catalog));
        for settings in &oracle.models {
            world.set_model(settings.clone());
        }
        for group in &oracle.key_groups {
            world.put_key_group(group.clone());
        }
        Subject { world, on_the_way: Vec::new(), may_repeat: false }
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
        subject.may_repeat |= matches!(reference.call, Call::Workspace(_));
        let (mut found, mut expected) = (
            alerts::in_order(subject.world.take_alerts(subject.may_repeat)),
            alerts::in_order(reference.oracle.alerts.clone()),
        );
        if matches!(reference.call, Call::ChargeDue) {
            found = alerts::in_any_order(found);
            expected = alerts::in_any_order(expected);
        }
        assert_eq!(
            found, expected,
            "\nI14: alerts of the ledger left, of the oracle right, of {step:?}"
        );
        let refusals = subject.world.ledger.take_refusals(usize::MAX);
        let mut expected = reference.oracle.refusals.clone();
        expected.sort_by(|a, b| a.0.cmp(&b.0));
        assert_eq!(refusals, expected, "\nrefusals of the ledger left, of the oracle right");
        assert_same_usage(&mut subject.world, &reference.oracle);
        subject
    }

    fn check_invariants(subject: &Subject, reference: &Reference) {
        subject.world.ledger.assert_invariants();
        assert_same_totals(&subject.world, &reference.oracle);
    }
}

impl World {
    fn change(&mut self, change: Change) {
        match change {
            Change::PutQuota(quota) => self.put_quota(quota),
            Change::RemoveQuota(id) => self.remove_quota(&id),
            Change::PutRateLimit(rate_limit) => self.put_rate_limit(rate_limit),
            Change::RemoveRateLimit(id) => self.remove_rate_limit(&id),
            Change::PutKey(key) => self.put_api_key(key),
            Change::RemoveKey(id) => self.remove_api_key(&id),
            Change::PutGroup(group) => self.put_key_group(group),
            Change::PutBoost(boost) => self.put_boost(boost),
            Change::PutFreeze(freeze) => self.put_freeze(freeze),
            Change::RemoveFreeze(subject) => self.remove_freeze(&subject),
            Change::PutDepartment(user, department) => self.put_department(&user, &department),
        }
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
                let Some(record) = within_bounds(world.prepare(report)) else {
                    return Answer::Refused;
                };
                self.on_the_way.push(record.clone());
                return Answer::Prepared(Box::new(record));
            }
            Call::Commit(index) => {
                let record = self.on_the_way.remove(index);
                let committed = world.commit(&record).expect("spend stays below its bound");
                return Answer::Written(written(committed.1));
            }
            Call::Record(report) => {
                let Some((record, outcome)) = within_bounds(world.record(report)) else {
                    return Answer::Refused;
                };
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
            Call::Credit(report) => {
                let (record, outcome) = world.credit(report);
                return Answer::Recorded(Box::new(record), written(outcome));
            }
            Call::Void(request_id, attempt) => {
                let voided = voided(world.void(&request_id, attempt, WRONG));
                return Answer::Voided(voided, world.ledger.budget_status());
            }
            Call::Correct(of, cost) => world.correct(&of, cost),
            Call::Workspace(workspace) => world.set_workspace(*workspace),
            Call::Model(settings) => world.set_model(settings),
            Call::Catalog(facts) => world.set_catalog(catalog(&facts)),
            Call::Rules(changes) => {
                for change in changes {
                    world.change(change);
                }
            }
            Call::Restart { is_graceful } => {
                self.on_the_way.clear();
                self.may_repeat = false;
                world.restart(is_graceful);
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
    let standing = world.ledger.budget_status();
    assert_eq!(standing, oracle.standing(), "where the workspace stands");
}

/// Every quota stands for every subject where the oracle says (I4, I7), the most used first, whole
/// and in pages.
fn assert_same_usage(world: &mut World, oracle: &Oracle) {
    let filter = UsageFilter { quota_id: None, subject: None };
    let found = world.ledger.quota_usage(world.now, &filter, None, usize::MAX);
    let mut expected = Vec::new();
    for quota in &oracle.quotas {
        let named = quota.scope.subject_id.clone();
        let subject_ids =
            named.map_or_else(|| oracle.subject_ids(quota.scope.kind), |named| vec![named]);
        // Who is named by another quota is bounded by that one.
        for subject_id in
            subject_ids.iter().filter(|subject_id| oracle.bounds_subject(quota, subject_id))
        {
            expected.push(usage::standing(oracle, quota, subject_id));
        }
    }
    expected.sort_by(|a, b| {
        let place =
            |it: &Standing| (Reverse(it.utilization), it.quota_id.clone(), it.subject_id.clone());
        place(a).cmp(&place(b))
    });
    let shown = |usage: &QuotaUsage| Standing {
        quota_id: usage.quota.id.clone(),
        subject_id: usage.subject_id.clone(),
        limit: usage.limit,
        spent: usage.spent,
        held: usage.held,
        utilization: usage.utilization,
        window_start: usage.window_start,
        window_end: usage.window_end,
    };
    let whole: Vec<Standing> = found.iter().map(shown).collect();
    // Who used nothing of a quota for each may be left out.
    let is_idle = |it: &Standing| {
        let quota = oracle.quotas.iter().find(|quota| quota.id == it.quota_id);
        let each = quota.is_some_and(|quota| quota.scope.subject_id.is_none());
        each && (it.spent, it.held) == (0, 0)
    };
    let busy = |list: &[Standing]| -> Vec<Standing> {
        list.iter().filter(|it| !is_idle(it)).cloned().collect()
    };
    assert_eq!(busy(&whole), busy(&expected), "\nquotas of the ledger left, of the oracle right");
    let mut paged = Vec::new();
    let mut after = None;
    loop {
        let page = world.ledger.quota_usage(world.now, &filter, after.as_ref(), 3);
        let Some(last) = page.last() else { break };
        after = Some(UsagePosition {
            utilization: last.utilization,
            quota_id: last.quota.id.to_string(),
            subject_id: last.subject_id.to_string(),
        });
        paged.extend(page.iter().map(shown));
    }
    assert_eq!(paged, whole, "pages are the whole");
}

/// None where the clock of the caller cannot be right.
fn within_bounds<T>(result: Result<T, Error>) -> Option<T> {
    match result {
        Err(Error::StartTimeOutOfRange { .. }) => None,
        result => Some(result.expect("spend stays below its bound")),
    }
}

fn written(outcome: Outcome) -> Written {
    match outcome {
        Outcome::New(standing) => Written::New(standing),
        Outcome::Duplicate(record, standing) => Written::Duplicate(record.cost, standing),
        Outcome::Reused => Written::Reused,
    }
}

fn voided(void: Void) -> Voided {
    match void {
        Void::Missing => Voided::Missing,
        Void::Before(amount) => Voided::Before(amount),
        Void::New(voids) => Voided::New(voids),
    }
}

pub fn catalog(facts: &Facts) -> Catalog {
    Catalog::new(facts.models.clone(), facts.prices.clone(), facts.rates.clone())
}
