//! Which limits apply to a request, and what counts against each.

use std::sync::Arc;

use tollgate::domain::Time;
use tollgate::domain::api_key::ApiKey;
use tollgate::domain::attribution::{Attribution, SubjectKind};
use tollgate::domain::boost::BoostTarget;
use tollgate::domain::check::{LimitFigures, LimitKind, LimitPeriod, Subject};
use tollgate::domain::quota::{Enforcement, Period, Quota, Scope, Unit};
use tollgate::domain::record::{Record, RecordKind};
use tollgate::domain::time::calendar::Window;

use super::record::tokens_of;
use super::{Hold, Oracle, facts};

/// Whom a request is for, the group that its key was in, and the provider of the model that it runs
/// on; none before that is known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Who {
    pub attribution: Attribution,
    pub group: Arc<str>,
    pub provider: Arc<str>,
}

impl Who {
    /// The subjects of a kind: several of tags alone; none if nothing was said. Everybody is of the
    /// workspace.
    pub fn subject_ids(&self, kind: SubjectKind) -> Vec<Arc<str>> {
        let said = &self.attribution;
        let id = match kind {
            SubjectKind::Workspace => return vec!["".into()],
            SubjectKind::Department => &said.department_id,
            SubjectKind::User => &said.user_id,
            SubjectKind::ApiKey => &said.api_key_id,
            SubjectKind::KeyGroup => &*self.group,
            SubjectKind::Project => &said.project_id,
            SubjectKind::Assistant => &said.assistant_id,
            SubjectKind::Workflow => &said.workflow_id,
            SubjectKind::Feature => &said.feature_id,
            SubjectKind::Session => &said.session_id,
            SubjectKind::Provider => &*self.provider,
            // A key that could end elsewhere is none, and nothing is no value.
            SubjectKind::Tag => {
                let tags = said.tags.iter();
                let tags = tags.filter(|(key, value)| !key.contains('=') && !value.is_empty());
                return tags.map(|(key, value)| format!("{key}={value}").into()).collect();
            }
        };
        if id.is_empty() { Vec::new() } else { vec![id.into()] }
    }

    /// The same on a model of a provider.
    pub fn at(&self, provider: Arc<str>) -> Who {
        Who { provider, ..self.clone() }
    }
}

/// One limit that applies, with what counts against it.
#[derive(Clone, Debug)]
pub struct Bound {
    pub kind: LimitKind,
    /// Of the quota or rate limit.
    pub id: Option<Arc<str>>,
    pub subject: Subject,
    pub subject_id: Arc<str>,
    pub unit: Unit,
    pub period: LimitPeriod,
    pub enforcement: Enforcement,
    pub model_id: Option<Arc<str>>,
    pub thresholds: Vec<u16>,
    pub limit: i128,
    /// Without boosts.
    pub base_limit: i128,
    pub spent: i128,
    pub held: i128,
    pub reset_time: Option<Time>,
}

impl Bound {
    pub fn figures(&self, need: i128) -> LimitFigures {
        let small = |figure: i128| i64::try_from(figure).expect("figures of tests are small");
        LimitFigures {
            kind: self.kind,
            id: self.id.clone(),
            unit: self.unit,
            period: self.period,
            enforcement: self.enforcement,
            model_id: self.model_id.clone(),
            limit: small(self.limit),
            spent: small(self.spent),
            held: small(self.held),
            need: small(need),
            reset_time: self.reset_time,
        }
    }
}

/// The window of a quota: from its start to its end, if it has one.
#[derive(Clone, Copy, Debug)]
pub struct Span {
    pub start: Time,
    pub end: Option<Time>,
}

impl Span {
    pub fn contains(&self, time: Time) -> bool {
        self.start <= time && self.end.is_none_or(|end| time < end)
    }
}

impl From<Window> for Span {
    fn from(window: Window) -> Span {
        Span { start: window.start, end: Some(window.end) }
    }
}

/// Whether a rule counts what some subject did on some model.
pub fn covers(scope: &Scope, subject_id: &str, who: &Who, model: &str) -> bool {
    scope.model_id.as_deref().is_none_or(|only| only == model)
        && who.subject_ids(scope.kind).iter().any(|id| **id == *subject_id)
}

impl Oracle {
    pub fn key(&self, id: &str) -> Option<&ApiKey> {
        self.api_keys.iter().find(|key| *key.id == *id)
    }

    /// The group that a key is in now; empty for none.
    pub fn group_of(&self, key: &str) -> Arc<str> {
        let group = self.key(key).and_then(|key| key.key_group_id.clone());
        group.unwrap_or_else(|| "".into())
    }

    pub fn who(&self, attribution: Option<&Attribution>) -> Who {
        let attribution = self.with_department(attribution.cloned().unwrap_or_default());
        let group = self.group_of(&attribution.api_key_id);
        Who { attribution, group, provider: "".into() }
    }

    /// The provider of a model of the catalog, in lower case.
    pub fn provider_of(&self, model: &str) -> Arc<str> {
        let found = self.catalog.models.iter().find(|known| *known.id == *model);
        found.map_or_else(|| "".into(), |model| model.provider.to_lowercase().into())
    }

    /// Whom an entry of the log is for.
    pub fn who_of(&self, record: &Record) -> Who {
        who_of(record, self.provider_of(&record.metered_model_id))
    }

    /// The department of the directory, for a user who is named without one.
    pub fn with_department(&self, mut said: Attribution) -> Attribution {
        let of_user = self.departments.iter().find(|(user, _)| *user == said.user_id);
        if let Some((_, department)) = of_user.filter(|_| said.department_id.is_empty()) {
            said.department_id = department.clone();
        }
        said
    }

    /// Every limit that applies to a request on a model, in the order in which they are asked.
    pub fn bounds(&self, who: &Who, model: &str) -> Vec<Bound> {
        let mut bounds = vec![self.envelope()];
        bounds.extend(self.cap_of(model));
        let who = who.at(self.provider_of(model));
        for kind in SubjectKind::ALL {
            for subject_id in who.subject_ids(kind) {
                for quota in self.quotas_of(kind, &subject_id, model) {
                    bounds.extend(self.quota_bound(quota, &subject_id));
                }
                bounds.extend(self.rate_bounds(kind, &subject_id, model));
            }
        }
        bounds
    }

    pub fn envelope(&self) -> Bound {
        let (_, limit) = self.budget_and_envelope();
        let plan = self.workspace.plan;
        Bound {
            kind: LimitKind::Envelope,
            id: None,
            subject: Subject::Workspace(self.workspace.id.clone()),
            subject_id: "".into(),
            unit: Unit::Money,
            period: LimitPeriod::Fixed(Period::Cycle),
            enforcement: Enforcement::Hard,
            model_id: None,
            thresholds: self.workspace.alerts.envelope.clone(),
            limit,
            base_limit: plan.map_or(0, |plan| (plan.budget + plan.overage).nanos().into()),
            spent: self.spent(None, self.cycle()),
            held: self.held(None, self.cycle()),
            reset_time: Some(self.cycle().end),
        }
    }

    pub fn cap_of(&self, model: &str) -> Option<Bound> {
        Some(Bound {
            kind: LimitKind::ModelLimit,
            subject: Subject::Model(model.into()),
            model_id: Some(model.into()),
            thresholds: self.workspace.alerts.model_limits.clone(),
            limit: self.cap(model)?,
            base_limit: self.cap(model)?,
            spent: self.spent(Some(model), self.cycle()),
            held: self.held(Some(model), self.cycle()),
            ..self.envelope()
        })
    }

    /// The quotas that bound a subject on a model, by id: a rule for each is no rule for one who is
    /// named by another of the same unit, period and model.
    fn quotas_of(&self, kind: SubjectKind, subject_id: &str, model: &str) -> Vec<&Quota> {
        let quotas = self.quotas.iter().filter(|quota| quota.scope.kind == kind);
        let mut found: Vec<&Quota> = quotas
            .filter(|quota| self.bounds_subject(quota, subject_id))
            .filter(|quota| quota.scope.model_id.as_deref().is_none_or(|only| only == model))
            .collect();
        found.sort_by_key(|quota| quota.id.clone());
        found
    }

    /// Whether a quota is asked for this subject of its kind.
    pub fn bounds_subject(&self, quota: &Quota, subject_id: &str) -> bool {
        match &quota.scope.subject_id {
            Some(named) => **named == *subject_id,
            None => !self.quotas.iter().any(|other| {
                let named = Some(Arc::from(subject_id));
                other.scope == Scope { subject_id: named, ..quota.scope.clone() }
                    && (other.unit, other.period) == (quota.unit, quota.period)
            }),
        }
    }

    /// A quota as a subject meets it; none if the subject is excepted.
    pub fn quota_bound(&self, quota: &Quota, subject_id: &Arc<str>) -> Option<Bound> {
        let window = self.window_of(quota);
        let limit = self.limit_of(quota, subject_id)?;
        Some(Bound {
            kind: LimitKind::Quota,
            id: Some(quota.id.clone()),
            subject: self.subject(quota.scope.kind, subject_id),
            subject_id: subject_id.clone(),
            unit: quota.unit,
            period: LimitPeriod::Fixed(quota.period),
            enforcement: quota.enforcement,
            model_id: quota.scope.model_id.clone(),
            thresholds: quota.thresholds.clone(),
            limit,
            base_limit: quota.limit?.into(),
            spent: self.spent_of(quota, subject_id),
            held: self.held_of(quota, subject_id),
            reset_time: window.end,
        })
    }

    /// What counts as spent: nothing of what is in flight, or of one request.
    pub fn spent_of(&self, quota: &Quota, subject_id: &str) -> i128 {
        match quota.period {
            Period::InFlight | Period::Request => 0,
            _ => self.used(&quota.scope, quota.unit, subject_id, self.window_of(quota)),
        }
    }

    /// What requests in flight hold of it.
    pub fn held_of(&self, quota: &Quota, subject_id: &str) -> i128 {
        match quota.period {
            Period::Request => 0,
            _ => self.in_flight(&quota.scope, quota.unit, subject_id, self.window_of(quota)),
        }
    }

    /// The limit with its boosts in force.
    pub fn limit_of(&self, quota: &Quota, subject_id: &str) -> Option<i128> {
        let boosts = self.boosts_of(|target| match target {
            BoostTarget::Envelope => false,
            BoostTarget::Quota { quota_id, subject_id: only } => {
                *quota_id == quota.id && only.as_deref().is_none_or(|only| only == subject_id)
            }
        });
        Some(i128::from(quota.limit?) + boosts)
    }

    pub fn boosts_of(&self, is_meant: impl Fn(&BoostTarget) -> bool) -> i128 {
        let in_force = self.boosts.iter().filter(|boost| {
            boost.start_time <= self.now && self.now < boost.end_time && boost.cancel_time.is_none()
        });
        let meant = in_force.filter(|boost| is_meant(&boost.target));
        meant.map(|boost| i128::from(boost.amount)).sum()
    }

    /// The running window of a quota.
    pub fn window_of(&self, quota: &Quota) -> Span {
        match quota.period {
            Period::Hour => facts::whole_hour(&self.workspace, self.now).into(),
            Period::Quarter => facts::quarter(&self.workspace, self.now).into(),
            Period::Year => facts::year(&self.workspace, self.now).into(),
            Period::Day => facts::day(&self.workspace, self.now).into(),
            Period::Week => facts::week(&self.workspace, self.now).into(),
            Period::Month => facts::month(&self.workspace, self.now).into(),
            Period::Cycle => self.cycle().into(),
            Period::UntilReset => Span { start: quota.window_start, end: None },
            Period::InFlight | Period::Request => Span { start: Time::EARLIEST, end: None },
        }
    }

    /// What the log says a subject used.
    pub fn used(&self, scope: &Scope, unit: Unit, subject_id: &str, window: Span) -> i128 {
        let records = self.log.iter().filter(|record| {
            window.contains(record.charge_time)
                && covers(scope, subject_id, &self.who_of(record), &record.metered_model_id)
        });
        let used = |record: &Record| match unit {
            Unit::Money => i128::from(record.cost.nanos()),
            Unit::Tokens => i128::from(tokens_of(record)),
            Unit::Requests => i128::from(record.kind == RecordKind::Usage),
            Unit::UncachedTokens => unreachable!("of rate limits alone"),
        };
        records.map(used).sum()
    }

    /// What requests of a subject hold, in the window in which they were checked.
    pub fn in_flight(&self, scope: &Scope, unit: Unit, subject_id: &str, window: Span) -> i128 {
        let holds = self.holds.iter().filter(|hold| {
            window.contains(hold.check_time) && covers(scope, subject_id, &hold.who, &hold.model)
        });
        let held = |hold: &Hold| match unit {
            Unit::Money => i128::from(hold.held.nanos()),
            Unit::Tokens => i128::from(hold.tokens),
            Unit::Requests => 1,
            Unit::UncachedTokens => unreachable!("of rate limits alone"),
        };
        holds.map(held).sum()
    }

    /// Everybody of a kind who has a record or a hold.
    pub fn subject_ids(&self, kind: SubjectKind) -> Vec<Arc<str>> {
        let recorded = self.log.iter().flat_map(|record| self.who_of(record).subject_ids(kind));
        let holding = self.holds.iter().flat_map(|hold| hold.who.subject_ids(kind));
        let mut subject_ids: Vec<Arc<str>> = recorded.chain(holding).collect();
        subject_ids.sort();
        subject_ids.dedup();
        subject_ids
    }

    pub fn subject(&self, kind: SubjectKind, subject_id: &Arc<str>) -> Subject {
        match kind {
            SubjectKind::Workspace => Subject::Workspace(self.workspace.id.clone()),
            _ => Subject::Member { kind, id: subject_id.clone() },
        }
    }
}

/// Whom an entry of the log is for, whose model is of a provider.
pub fn who_of(record: &Record, provider: Arc<str>) -> Who {
    let (attribution, group) = (record.attribution.clone(), record.key_group_id.clone());
    Who { attribution, group, provider }
}
