//! Changes of policy: settings, plan, models, catalogue. Nothing here changes what was spent (I9).

use std::sync::Arc;

use super::check::model_number;
use super::hold::Hold;
use super::state::{Ledger, WindowSpend, calendar_of};
use crate::domain::Time;
use crate::domain::attribution::{PackedAttribution, SubjectIds};
use crate::domain::backfill::BackfillResults;
use crate::domain::catalog::Catalogue;
use crate::domain::catalog::price::Quote;
use crate::domain::check::Reason;
use crate::domain::quota::Consumption;
use crate::domain::workspace::{Workspace, WorkspaceModel};

impl Ledger {
    /// Takes new settings or a new plan. `spend` is what the log says of the windows that
    /// [`Ledger::windows_to_load`] names for the new settings, read in order with this change:
    /// another start day or time zone cuts the windows anew.
    /// `answers` are those to [`Ledger::questions_of_recut`].
    pub fn set_workspace(
        &mut self,
        now: Time,
        workspace: Workspace,
        spend: Vec<WindowSpend>,
        answers: &BackfillResults,
    ) {
        let now = self.advance(now);
        assert!(self.workspace.id == workspace.id, "a ledger belongs to one workspace");
        self.workspace = workspace;
        let calendar = calendar_of(&self.workspace);
        let is_cut_anew = std::mem::replace(&mut self.calendar, calendar) != calendar;
        self.windows = crate::domain::calendar::Windows::at(&self.calendar, now);
        self.replace_spend(spend);
        if is_cut_anew {
            self.recount(answers);
        }
        self.ranking.reset();
        self.raise_all();
        self.revision += 1;
    }

    /// Takes what was set for one model.
    pub fn set_model(&mut self, now: Time, model: WorkspaceModel) {
        self.advance(now);
        let index = self.model_index(&model.model_id.clone());
        self.models[index].settings = Some(model);
        self.raise_model(index);
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
        let attribution = hold.attribution.as_deref().and_then(PackedAttribution::new);
        let group = self.keys.number_of(&hold.key_group_id);
        let group_name = self.keys.shared_group_name(group);
        let subject_ids =
            SubjectIds::packed(attribution.as_ref(), group_name.as_deref().unwrap_or(""));
        let slots = self.make_slots(&subject_ids);
        let held = Consumption { money: hold.held, tokens: hold.held_tokens, requests: 1 };
        // Its rate limits were written down with what they had counted.
        self.take(&slots, model, &held, hold.check_time);
        self.holds.insert(Hold {
            request_id: hold.request_id,
            fingerprint: hold.fingerprint,
            model: model_number(model),
            held: hold.held,
            held_tokens: hold.held_tokens,
            slots,
            group,
            check_time: hold.check_time,
            expire_time: hold.expire_time,
            quote,
            tier: hold.tier,
            routed: hold.routed.then_some(Reason::ModelLimit),
            state: self.state(),
            verdicts: None,
            attribution,
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
    pub held: crate::domain::Amount,
    pub held_tokens: i64,
    pub check_time: Time,
    pub expire_time: Time,
    pub tier: crate::domain::usage::ServiceTier,
    pub routed: bool,
    pub attribution: Option<Box<crate::domain::attribution::Attribution>>,
    /// Group that its API key was in; empty if in none.
    pub key_group_id: Arc<str>,
}
