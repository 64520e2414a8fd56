//! The ledger: the live state of one workspace, and how it is made.

use std::collections::{HashMap as StdHashMap, VecDeque};
use std::sync::Arc;

use hashbrown::HashMap;

use super::departments::Departments;
use super::hold::{Hold, Holds};
use super::keys::Keys;
use super::meter::{Meter, Totals};
use super::output::OutputHistory;
use super::raise::{ModelMarks, Raised};
use super::ranking::Ranking;
use super::refusal::Refusals;
use super::rules::Rules;
use super::subjects::Subjects;
use crate::domain::boost::Boost;
use crate::domain::calendar::{Calendar, Window, Windows};
use crate::domain::catalog::{Catalogue, ModelEntry};
use crate::domain::check::BudgetState;
use crate::domain::workspace::{HoldExpiryPolicy, Workspace, WorkspaceModel};
use crate::domain::{Amount, Time};

/// Most holds that are remembered after they expired unsettled.
pub const EXPIRED_HOLDS_MAX: usize = 1_000;

/// The live state of one workspace: it decides, and nobody else does.
///
/// Time never runs backwards in here: every function takes `now`, and a clock that steps back
/// is taken to stand still.
pub struct Ledger {
    pub(super) workspace: Workspace,
    pub(super) calendar: Calendar,
    pub(super) catalogue: Arc<Catalogue>,
    pub(super) now: Time,
    pub(super) windows: Windows,
    /// Spent and held of the whole workspace.
    pub(super) meter: Meter,
    /// Every model that is configured, was asked for or has spend. Indices never change.
    pub(super) models: Vec<ModelState>,
    /// Index by exact id.
    pub(super) by_id: HashMap<Arc<str>, usize>,
    pub(super) holds: Holds,
    pub(super) rules: Rules,
    pub(super) subjects: Subjects,
    pub(super) keys: Keys,
    pub(super) departments: Departments,
    /// Boosts of the envelope that are not over; those of quotas are with their rules.
    pub(super) boosts: Vec<Arc<Boost>>,
    pub(super) ranking: Ranking,
    pub(super) raised: Raised,
    pub(super) refusals: Refusals,
    /// Until then rate limits of a minute count as used up.
    pub(super) full_until: Time,
    /// When memory was lost: rate limits that were made later do not.
    pub(super) lost_at: Time,
    /// Where the search for idle subjects goes on.
    pub(super) sweep_at: u32,
    /// Holds that expired unsettled lately, oldest first.
    pub(super) expired: VecDeque<Hold>,
    pub(super) expired_count: i64,
    /// Requests whose hold is up and whose estimate is to be charged.
    pub(super) due_charges: Vec<Arc<str>>,
    /// Cost of records that were prepared and are on their way to the log.
    pub(super) pending: Amount,
    /// Grows with each committed change.
    pub(super) revision: i64,
}

/// One model as the workspace sees it.
pub struct ModelState {
    pub id: Arc<str>,
    /// Absent if nothing was set for it.
    pub settings: Option<WorkspaceModel>,
    /// Absent if the catalogue does not know it.
    pub entry: Option<Arc<ModelEntry>>,
    pub meter: Meter,
    pub outputs: OutputHistory,
    /// Which alerts were raised.
    pub marks: ModelMarks,
}

/// What the usage log says was spent in a window.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WindowSpend {
    pub window: Window,
    pub by_model: StdHashMap<String, Amount>,
}

impl Ledger {
    /// The windows whose spend a ledger must be given: the running cycle and the next, into which
    /// records of clocks that are ahead may fall.
    pub fn windows_to_load(workspace: &Workspace, now: Time) -> [Window; 2] {
        let cycle = calendar_of(workspace).cycle(now);
        [cycle, calendar_of(workspace).cycle(cycle.end)]
    }

    /// A ledger of what storage knows. `spend` are the windows of [`Ledger::windows_to_load`].
    pub fn new(
        workspace: Workspace,
        models: Vec<WorkspaceModel>,
        catalogue: Arc<Catalogue>,
        spend: Vec<WindowSpend>,
        now: Time,
    ) -> Ledger {
        let calendar = calendar_of(&workspace);
        let mut ledger = Ledger {
            calendar,
            windows: Windows::at(&calendar, now),
            workspace,
            catalogue,
            now,
            meter: Meter::default(),
            models: Vec::new(),
            by_id: HashMap::new(),
            holds: Holds::default(),
            rules: Rules::default(),
            subjects: Subjects::default(),
            keys: Keys::default(),
            departments: Departments::default(),
            boosts: Vec::new(),
            ranking: Ranking::default(),
            raised: Raised::default(),
            refusals: Refusals::default(),
            full_until: Time::default(),
            lost_at: Time::default(),
            sweep_at: 0,
            expired: VecDeque::new(),
            expired_count: 0,
            due_charges: Vec::new(),
            pending: Amount::ZERO,
            revision: 0,
        };
        for model in models {
            let index = ledger.model_index(&model.model_id.clone());
            ledger.models[index].settings = Some(model);
        }
        ledger.replace_spend(spend);
        ledger
    }

    pub fn workspace(&self) -> &Workspace {
        &self.workspace
    }

    pub fn catalogue(&self) -> &Arc<Catalogue> {
        &self.catalogue
    }

    /// Grows with each committed change.
    pub fn revision(&self) -> i64 {
        self.revision
    }

    /// Tells the ledger what a model's requests produced lately, when it is loaded.
    pub fn learn_output(&mut self, model_id: &str, tokens: i64) {
        let index = self.model_index(model_id);
        self.models[index].outputs.add(tokens);
    }

    /// Lets time pass: the cycle rolls over and holds expire.
    pub fn advance(&mut self, now: Time) -> Time {
        self.now = self.now.max(now);
        if !self.windows.contain(self.now) {
            self.windows = Windows::at(&self.calendar, self.now);
            let start = self.windows.cycle.start;
            self.meter.forget_before(start);
            for model in &mut self.models {
                model.meter.forget_before(start);
            }
        }
        self.end_expired();
        self.now
    }

    /// Looks at some subjects, and forgets those that are idle and what is over of the others. In
    /// time it comes to all of them. Answers how many there are.
    pub fn sweep(&mut self, now: Time, subject_ids: u32) -> usize {
        self.advance(now);
        let time_context = self.time_context();
        for _ in 0..subject_ids.min(self.subjects.slot_end()) {
            let slot = self.sweep_at;
            self.sweep_at = (self.sweep_at + 1) % self.subjects.slot_end();
            if !self.subjects.contains(slot) {
                continue;
            }
            let subject = self.subjects.get_mut(slot);
            subject.forget_what_is_over(&self.rules, &time_context);
            if subject.is_idle() {
                self.ranking.forget(slot);
                self.subjects.remove(slot);
            }
        }
        self.subjects.len()
    }

    fn end_expired(&mut self) {
        match self.workspace.hold_expiry {
            HoldExpiryPolicy::Release => {
                while let Some(hold) = self.holds.take_expired(self.now) {
                    self.expire(hold);
                }
            }
            HoldExpiryPolicy::ChargeEstimate => {
                while let Some(request_id) = self.holds.mark_expired(self.now) {
                    self.due_charges.push(request_id);
                }
            }
        }
    }

    /// Where the workspace stands in the running cycle.
    pub fn state(&self) -> BudgetState {
        let Some(plan) = self.workspace.plan else { return BudgetState::NoPlan };
        let spent = self.meter.totals(self.windows.cycle).spent;
        if spent >= self.envelope() {
            BudgetState::Exhausted
        } else if spent > plan.budget {
            BudgetState::InOverage
        } else {
            BudgetState::WithinPlan
        }
    }

    /// Sum of the boosts of the envelope that are in force.
    pub(super) fn boost(&self) -> Amount {
        let active = self.boosts.iter().filter(|boost| boost.is_active(self.now));
        active.map(|boost| Amount::from_nanos(boost.amount)).sum()
    }

    /// Plan budget, overage and boosts.
    pub(super) fn envelope(&self) -> Amount {
        let plan = self.workspace.plan.map_or(Amount::ZERO, |plan| plan.budget + plan.overage);
        if self.boosts.is_empty() { plan } else { plan + self.boost() }
    }

    /// The cycle that a time lies in.
    pub(super) fn cycle_of(&self, time: Time) -> Window {
        let running = self.windows.cycle;
        if running.contains(time) { running } else { self.calendar.cycle(time) }
    }

    /// The meters in which a request on a model counts: all that a limit may read.
    pub(super) fn meters_of(&mut self, model: usize) -> [&mut Meter; 2] {
        [&mut self.meter, &mut self.models[model].meter]
    }

    /// Index of a model by its exact id, as the log names it; it is added if it is new. Aliases are
    /// resolved when a record is made, never after: the log says what counts where (I4).
    pub(super) fn model_index(&mut self, id: &str) -> usize {
        if let Some(index) = self.by_id.get(id) {
            return *index;
        }
        let id: Arc<str> = id.into();
        let index = self.models.len();
        self.by_id.insert(id.clone(), index);
        self.models.push(ModelState {
            entry: self.catalogue.model(&id).filter(|entry| entry.model().id == id).cloned(),
            id,
            settings: None,
            meter: Meter::default(),
            outputs: OutputHistory::default(),
            marks: ModelMarks::default(),
        });
        index
    }

    /// Sets what was spent from the log, and what is held from the live holds.
    pub(super) fn replace_spend(&mut self, spend: Vec<WindowSpend>) {
        let mut total = Vec::new();
        let mut by_model: HashMap<usize, Vec<(Time, Totals)>> = HashMap::new();
        for WindowSpend { window, by_model: amounts } in spend {
            let spent: Amount = amounts.values().copied().sum();
            total.push((window.start, Totals { spent, held: Amount::ZERO }));
            for (model, spent) in amounts {
                let index = self.model_index(&model);
                let totals = Totals { spent, held: Amount::ZERO };
                by_model.entry(index).or_default().push((window.start, totals));
            }
        }
        self.meter.replace(total);
        for (index, model) in self.models.iter_mut().enumerate() {
            model.meter.replace(by_model.remove(&index).unwrap_or_default());
        }
        let calendar = self.calendar;
        for hold in self.holds.iter() {
            let window_start = calendar.cycle(hold.check_time).start;
            self.meter.hold(window_start, hold.held);
            self.models[hold.model as usize].meter.hold(window_start, hold.held);
        }
    }
}

impl ModelState {
    /// The cap in force.
    pub fn cap(&self) -> Option<Amount> {
        self.settings.as_ref().filter(|settings| settings.limit_enabled)?.limit
    }

    /// Whether the workspace allows it.
    pub fn is_enabled(&self) -> bool {
        self.settings.as_ref().is_some_and(|settings| settings.enabled)
    }
}

pub(super) fn calendar_of(workspace: &Workspace) -> Calendar {
    Calendar::new(workspace.time_zone, workspace.plan.map(|plan| plan.start_date))
}
