//! Changes of policy: settings, plan, models, catalogue. Nothing here changes what was spent (I9).

use std::sync::Arc;

use super::catalogue::Catalogue;
use super::check::model_number;
use super::hold::{Hold, Quote};
use super::mutants::{self, Mutant};
use super::packed::PackedAttribution;
use super::state::{Ledger, WindowSpend};
use super::time::Time;
use super::workspace::{Workspace, WorkspaceModel};

impl Ledger {
    /// Takes new settings or a new plan. `spend` is what the log says of the windows that
    /// [`Ledger::windows_to_load`] names for the new settings, read in order with this change:
    /// another start day or time zone cuts the windows anew.
    pub fn set_workspace(&mut self, now: Time, workspace: Workspace, spend: Vec<WindowSpend>) {
        let now = self.advance(now);
        assert!(self.workspace.id == workspace.id, "a ledger belongs to one workspace");
        self.workspace = workspace;
        let start_date = self.workspace.plan.map(|plan| plan.start_date);
        self.calendar = super::calendar::Calendar::new(self.workspace.time_zone, start_date);
        self.cycle = self.calendar.cycle(now);
        if !mutants::is(Mutant::NewCutForgetsSpend) {
            self.replace_spend(spend);
        }
        self.revision += 1;
    }

    /// Takes what was set for one model.
    pub fn set_model(&mut self, now: Time, model: WorkspaceModel) {
        self.advance(now);
        let index = self.model_index(&model.model_id.clone());
        self.models[index].settings = Some(model);
        self.revision += 1;
    }

    /// Takes a new catalogue. Holds keep the price that they were taken at.
    pub fn set_catalogue(&mut self, catalogue: Arc<Catalogue>) {
        self.catalogue = catalogue;
        for model in &mut self.models {
            let entry = self.catalogue.model(&model.id);
            model.entry = entry.filter(|entry| entry.model().id == model.id).cloned();
        }
    }

    /// Takes up a hold that was written down when the server stopped. False if it was up
    /// already, which counts as expired, or is there.
    pub fn restore_hold(
        &mut self,
        now: Time,
        model_id: &str,
        quote: Option<Quote>,
        hold: RestoredHold,
    ) -> bool {
        let now = self.advance(now);
        if self.holds.get(&hold.request_id).is_some() {
            return false;
        }
        let model = self.model_index(model_id);
        let request_id = hold.request_id.clone();
        let window_start = self.calendar.cycle(hold.check_time).start;
        for meter in self.meters_of(model) {
            meter.hold(window_start, hold.held);
        }
        self.holds.insert(Hold {
            request_id: hold.request_id,
            fingerprint: hold.fingerprint,
            model: model_number(model),
            held: hold.held,
            check_time: hold.check_time,
            window_start,
            expire_time: hold.expire_time,
            quote,
            tier: hold.tier,
            routed: hold.routed,
            state: self.state(),
            verdicts: None,
            attribution: hold.attribution.as_deref().and_then(PackedAttribution::new),
            expiring: false,
        });
        self.advance(now);
        self.holds.get(&request_id).is_some()
    }
}

/// What was written down of a hold.
#[derive(Clone, Debug)]
pub struct RestoredHold {
    pub request_id: Arc<str>,
    pub fingerprint: i64,
    pub held: super::amount::Amount,
    pub check_time: Time,
    pub expire_time: Time,
    pub tier: super::usage::ServiceTier,
    pub routed: bool,
    pub attribution: Option<Box<super::usage::Attribution>>,
}
