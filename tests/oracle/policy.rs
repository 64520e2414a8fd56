//! What an administrator sets, replaces and takes away.

use tollgate::domain::api_key::{ApiKey, KeyGroup};
use tollgate::domain::boost::{Boost, BoostTarget};
use tollgate::domain::quota::Quota;
use tollgate::domain::rate_limit::RateLimit;
use tollgate::domain::workspace::freeze::{Freeze, FrozenSubject};
use tollgate::domain::workspace::{Workspace, WorkspaceModel};

use super::Oracle;

/// One change of what bounds the subjects of a workspace.
#[derive(Clone, Debug)]
pub enum Change {
    PutQuota(Quota),
    RemoveQuota(std::sync::Arc<str>),
    PutRateLimit(RateLimit),
    RemoveRateLimit(std::sync::Arc<str>),
    PutKey(ApiKey),
    RemoveKey(std::sync::Arc<str>),
    PutGroup(KeyGroup),
    PutBoost(Boost),
    PutFreeze(Freeze),
    /// Kind and id of the subject.
    RemoveFreeze(FrozenSubject),
    /// A user and its department; none if that is empty.
    PutDepartment(String, String),
}

impl Oracle {
    pub fn change(&mut self, change: Change) {
        match change {
            Change::PutQuota(quota) => {
                let scope = quota.scope.clone();
                self.quotas.retain(|other| other.id != quota.id);
                self.quotas.push(quota);
                self.alert_of_scope(&scope);
            }
            Change::RemoveQuota(id) => {
                self.quotas.retain(|quota| quota.id != id);
                self.boosts.retain(|boost| match &boost.target {
                    BoostTarget::Envelope => true,
                    BoostTarget::Quota { quota_id, .. } => *quota_id != id,
                });
            }
            Change::PutRateLimit(rate_limit) => self.put_rate_limit(rate_limit),
            Change::RemoveRateLimit(id) => {
                self.rate_limits.retain(|rate_limit| rate_limit.id != id);
                self.counted.retain(|counted| counted.counter.0 != id);
            }
            Change::PutKey(key) => {
                self.api_keys.retain(|other| other.id != key.id);
                self.api_keys.push(key);
            }
            Change::RemoveKey(id) => self.api_keys.retain(|key| key.id != id),
            Change::PutGroup(group) => {
                self.key_groups.retain(|other| other.id != group.id);
                self.key_groups.push(group);
            }
            Change::PutFreeze(freeze) => {
                self.freezes.retain(|other| other.subject != freeze.subject);
                self.freezes.push(freeze);
            }
            Change::RemoveFreeze(subject) => {
                self.freezes.retain(|freeze| freeze.subject != subject);
            }
            Change::PutDepartment(user, department) => {
                self.departments.retain(|(other, _)| *other != user);
                self.departments.push((user, department));
            }
            Change::PutBoost(boost) => {
                self.boosts.retain(|other| other.id != boost.id);
                self.boosts.push(boost.clone());
                match boost.target {
                    BoostTarget::Envelope => self.alert_of_envelope(),
                    BoostTarget::Quota { quota_id, .. } => {
                        let quota = self.quotas.iter().find(|quota| quota.id == quota_id);
                        let scope = quota.expect("it is there").scope.clone();
                        self.alert_of_scope(&scope);
                    }
                }
            }
        }
    }

    /// What was counted stays; what is bounded for the first time is counted from the log.
    fn put_rate_limit(&mut self, rate_limit: RateLimit) {
        let id = rate_limit.id.clone();
        let before = self.rate_limits.iter().find(|other| other.id == id);
        let known: Vec<_> = before
            .map(|before| before.limits().map(|(span, unit, _)| (span, unit)).collect())
            .unwrap_or_default();
        let limits = rate_limit.limits();
        let bounded: Vec<_> = limits.map(|(span, unit, _)| (span, unit)).collect();
        self.rate_limits.retain(|other| other.id != id);
        self.rate_limits.push(rate_limit);
        self.counted.retain(|counted| {
            let (of, span, unit) = &counted.counter;
            *of != id || bounded.contains(&(*span, *unit))
        });
        self.count_for(|(of, span, unit)| *of == id && !known.contains(&(*span, *unit)));
    }

    pub fn set_workspace(&mut self, workspace: Workspace) {
        self.workspace = workspace;
        self.alert_of_everything();
    }

    pub fn set_model(&mut self, settings: WorkspaceModel) {
        let model = settings.model_id.clone();
        self.models.retain(|other| other.model_id != model);
        self.models.push(settings);
        self.alert_of_cap(&model);
    }
}
