//! A prepared check: what can be computed of it before its ledger is locked.

use std::sync::Arc;

use crate::domain::attribution::{AttributionField, PackedAttribution, SubjectIds};
use crate::domain::check::Check;
use crate::domain::usage::{TOKENS_MAX, TokenClass};

#[derive(Clone, Debug)]
pub struct PreparedCheck {
    check: Check,
    fingerprint: i64,
    attribution: Option<PackedAttribution>,
}

impl PreparedCheck {
    pub fn new(check: Check) -> PreparedCheck {
        let attribution = check.attribution.as_deref().and_then(PackedAttribution::new);
        PreparedCheck::with_attribution(check, attribution)
    }

    /// With an attribution that is packed already; that of `check` is ignored.
    pub fn with_attribution(check: Check, attribution: Option<PackedAttribution>) -> PreparedCheck {
        let fingerprint = check.fingerprint(attribution.as_ref());
        PreparedCheck { check, fingerprint, attribution }
    }

    /// The model as the caller spelt it.
    pub fn into_model_id(self) -> String {
        self.check.model_id
    }

    pub fn request_id(&self) -> &Arc<str> {
        &self.check.request_id
    }

    /// The model as the caller spelt it.
    pub fn model_id(&self) -> &str {
        &self.check.model_id
    }

    pub fn is_dry_run(&self) -> bool {
        self.check.dry_run
    }

    pub(super) fn check(&self) -> &Check {
        &self.check
    }

    /// Adds input that the provider adds; the content of the check is as before.
    pub(super) fn add_input(&mut self, tokens: i64) {
        let room = TOKENS_MAX - self.check.input.total_input() - self.check.max_output.unwrap_or(0);
        let input = self.check.input.get(TokenClass::Input) + tokens.min(room);
        self.check.input.set(TokenClass::Input, input);
    }

    pub(super) fn fingerprint(&self) -> i64 {
        self.fingerprint
    }

    /// None once a hold has it.
    pub fn attribution(&self) -> Option<&PackedAttribution> {
        self.attribution.as_ref()
    }

    pub(super) fn set_attribution(&mut self, attribution: PackedAttribution) {
        self.attribution = Some(attribution);
    }

    /// Moves the attribution out, into a hold.
    pub(super) fn take_attribution(&mut self) -> Option<PackedAttribution> {
        self.attribution.take()
    }

    /// A field of the attribution; empty if it names none.
    pub(super) fn field(&self, field: AttributionField) -> &str {
        self.attribution.as_ref().map_or("", |attribution| attribution.get(field))
    }

    /// The subjects of the request, whose API key is in this group.
    pub(super) fn subject_ids<'a>(&'a self, group_id: &'a str) -> SubjectIds<'a> {
        SubjectIds::packed(self.attribution.as_ref(), group_id)
    }
}
