//! Attribution of a record: from its report, completed by its hold and the directory.

use std::sync::Arc;

use crate::domain::attribution::{Attribution, AttributionField, PackedAttribution};
use crate::domain::record::UsageReport;
use crate::ledger::admin::erasure::is_pseudonym;
use crate::ledger::holds::Hold;
use crate::ledger::state::Ledger;

impl Ledger {
    /// Id of the group that a record counts for: that of its hold if the key is the same, or else
    /// the one that the key is in now.
    pub(super) fn group_of_record(&self, hold: Option<&Hold>, report: &UsageReport) -> Arc<str> {
        let reported_key = report.attribution.as_ref().map(|it| it.api_key_id.as_str());
        let is_held_key = |hold: &Hold| {
            reported_key.is_none_or(|key| key == hold.field(AttributionField::ApiKey))
        };
        let group = match hold {
            Some(hold) if is_held_key(hold) => hold.group,
            _ => self.keys.group_of_key(reported_key.unwrap_or_default()),
        };
        self.keys.group_id(group).clone()
    }

    /// The attribution of a record: that of its report, or else of its hold. The department of a
    /// user, where the report names none, is that of the hold if it has the same user, or else that
    /// of the directory.
    pub(super) fn attribution_of_record(
        &self,
        hold: Option<&Hold>,
        reported: Option<Box<Attribution>>,
    ) -> Attribution {
        let held = hold.and_then(|hold| hold.attribution.as_ref());
        let Some(reported) = reported else {
            return held.map(PackedAttribution::unpack).unwrap_or_default();
        };
        let mut attribution = *reported;
        if attribution.user_id.is_empty() {
            return attribution;
        }
        let held_user = held.map_or("", |held| held.get(AttributionField::User));
        if is_pseudonym(held_user) {
            // The user was erased while the request ran.
            held_user.clone_into(&mut attribution.user_id);
        }
        if !attribution.department_id.is_empty() {
            return attribution;
        }
        if let Some(held) = held.filter(|_| held_user == attribution.user_id) {
            held.get(AttributionField::Department).clone_into(&mut attribution.department_id);
        } else if let Some(department) = self.departments.of_user(&attribution.user_id) {
            attribution.department_id = department.to_string();
        }
        attribution
    }
}
