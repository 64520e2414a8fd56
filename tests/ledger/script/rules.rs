//! What bounds subjects, in the words of the scripts.
//!
//! ```text
//! quota q user each 2 per day              each user may spend 2 a day
//! quota q2 user ada none per day           ada is excepted
//! quota q4 provider acme 5 per month       all models of acme together
//! quota q5 tag team:search 5 per month     requests with `tag:team=search`
//! quota q3 workspace 5k tokens per week soft only=a alerts=50,100
//! rate-limit l key k1 rpm=60 tpm=10k rpd=1k shadow
//! key k1 in g models=a,b expires=2026-02-01T00:00 off
//! boost b q +3 for=1d from=2026-01-16T00:00 subject=ada
//! belongs ada sales                        ada is in sales, says the directory
//! belongs ada                              ada is in no department
//! erase ada                                ada is forgotten
//! usage                                    => q of user ada: 1 of 2, held 0, 500000 ppm
//! alerts                                   => 50% of q for user ada: 1 of 2
//! ```

use std::sync::Arc;

use tollgate::domain::Amount;
use tollgate::domain::alert::{AlertSubject, AlertType};
use tollgate::domain::api_key::{ApiKey, KeyGroup};
use tollgate::domain::attribution::{Attribution, SubjectKind};
use tollgate::domain::boost::{Boost, BoostTarget};
use tollgate::domain::quota::{Enforcement, Period, Quota, Scope, Unit};
use tollgate::domain::rate_limit::{RateBound, RateLimit, RateWindow};
use tollgate::ledger::{QuotaUsage, UsageFilter, UsagePosition};

use crate::script::{Case, Words, amount, at, count, money, span};

const KINDS: [(&str, SubjectKind); 12] = [
    ("workspace", SubjectKind::Workspace),
    ("department", SubjectKind::Department),
    ("user", SubjectKind::User),
    ("key", SubjectKind::ApiKey),
    ("group", SubjectKind::KeyGroup),
    ("project", SubjectKind::Project),
    ("assistant", SubjectKind::Assistant),
    ("workflow", SubjectKind::Workflow),
    ("feature", SubjectKind::Feature),
    ("session", SubjectKind::Session),
    ("provider", SubjectKind::Provider),
    ("tag", SubjectKind::Tag),
];

pub fn kind_of(name: &str) -> SubjectKind {
    KINDS.iter().find(|(other, _)| *other == name).expect("a kind").1
}

pub fn name_of(kind: SubjectKind) -> &'static str {
    KINDS[kind as usize].0
}

/// The id of a subject, where a word cannot have the sign of a tag.
fn id_of(kind: SubjectKind, word: &str) -> String {
    match kind {
        SubjectKind::Tag => word.replacen(':', "=", 1),
        _ => word.to_owned(),
    }
}

/// `user=ada department=law key=k1 project=p assistant=s tag:team=search`
pub fn attribution(words: &Words) -> Option<Box<Attribution>> {
    let said = |key: &str| words.named.get(key).map(|text| (*text).to_owned()).unwrap_or_default();
    let attribution = Attribution {
        user_id: said("user"),
        department_id: said("department"),
        api_key_id: said("key"),
        project_id: said("project"),
        assistant_id: said("assistant"),
        workflow_id: said("workflow"),
        feature_id: said("feature"),
        session_id: said("session"),
        investigation_id: String::new(),
        tags: words
            .named
            .iter()
            .filter_map(|(word, value)| Some((word.strip_prefix("tag:")?, value)))
            .map(|(key, value)| (key.to_owned(), (*value).to_owned()))
            .collect(),
    };
    (!attribution.is_empty()).then(|| Box::new(attribution))
}

/// User and department: `ada of sales`, `ada`, `nobody`.
pub fn who(attribution: &Attribution) -> String {
    match (attribution.user_id.as_str(), attribution.department_id.as_str()) {
        ("", "") => "nobody".to_owned(),
        (user, "") => user.to_owned(),
        (user, department) => format!("{user} of {department}").trim_start().to_owned(),
    }
}

/// What takes the place of a user's id.
pub const PSEUDONYM: &str = "erased-00000000-0000-4000-8000-000000000000";

impl Case {
    pub fn rule(&mut self, words: &Words) {
        let id = words.word(1);
        match words.word(0) {
            "belongs" => {
                self.world.put_department(id, words.plain.get(2).copied().unwrap_or_default());
            }
            "erase" => self.world.erase_user(id, PSEUDONYM),
            "quota" => {
                let quota = self.quota(words);
                self.world.put_quota(quota);
            }
            "no-quota" => self.world.remove_quota(id),
            "reset" => {
                let quota = self.world.ledger.quota(id).expect("it is there");
                let quota = Quota { window_start: self.world.now, ..Quota::clone(quota) };
                self.world.put_quota(quota);
            }
            "rate-limit" => {
                let rate_limit = self.rate_limit(words);
                self.world.put_rate_limit(rate_limit);
            }
            "no-rate-limit" => self.world.remove_rate_limit(id),
            "key" => self.key(words),
            "no-key" => self.world.remove_api_key(id),
            "no-group" => self.world.remove_key_group(id),
            "boost" => self.boost(words),
            _ => {
                let boosts = &self.world.policy.boosts;
                let boost = boosts.iter().find(|boost| *boost.id == *id);
                let boost = Boost::clone(boost.expect("it is not over"));
                self.world.put_boost(Boost { cancel_time: Some(self.world.now), ..boost });
            }
        }
    }

    pub fn quota(&self, words: &Words) -> Quota {
        let (scope, rest) = scope(words);
        let unit = match words.word(rest + 1) {
            "tokens" => Unit::Tokens,
            "requests" => Unit::Requests,
            _ => Unit::Money,
        };
        let limit = match (words.word(rest), unit) {
            ("none", _) => None,
            (text, Unit::Money) => Some(amount(text).nanos()),
            (text, Unit::Tokens | Unit::Requests | Unit::UncachedTokens) => Some(count(text)),
        };
        let period = match words.after("per").expect("per some span") {
            "day" => Period::Day,
            "week" => Period::Week,
            "month" => Period::Month,
            "cycle" => Period::Cycle,
            "hour" => Period::Hour,
            "quarter" => Period::Quarter,
            "year" => Period::Year,
            "reset" => Period::UntilReset,
            "flight" => Period::InFlight,
            "request" => Period::Request,
            other => panic!("no period {other}"),
        };
        let thresholds = words.named.get("alerts").map_or(Vec::new(), |text| {
            text.split(',').map(|percent| percent.parse().expect("a percent")).collect()
        });
        let now = self.world.now;
        Quota {
            id: words.word(1).into(),
            display_name: String::new(),
            scope,
            unit,
            period,
            limit,
            enforcement: enforcement(words),
            thresholds,
            window_start: words.named.get("since").map_or(now, |text| at(text)),
            create_time: now,
            update_time: now,
        }
    }

    pub fn rate_limit(&self, words: &Words) -> RateLimit {
        RateLimit {
            id: words.word(1).into(),
            display_name: String::new(),
            scope: scope(words).0,
            bounds: bounds(words),
            enforcement: enforcement(words),
            create_time: self.world.now,
            update_time: self.world.now,
        }
    }

    fn key(&mut self, words: &Words) {
        let now = self.world.now;
        let group: Option<Arc<str>> = words.after("in").map(Arc::from);
        if let Some(id) = group.clone() {
            let display_name = String::new();
            self.world.put_key_group(KeyGroup {
                id,
                display_name,
                create_time: now,
                update_time: now,
            });
        }
        let models = words.named.get("models").map_or(Vec::new(), |text| text.split(',').collect());
        self.world.put_api_key(ApiKey {
            id: words.word(1).into(),
            display_name: String::new(),
            key_group_id: group,
            allowed_model_ids: models.into_iter().map(Arc::from).collect(),
            disabled: words.has("off"),
            expire_time: words.named.get("expires").map(|text| at(text)),
            create_time: now,
            update_time: now,
        });
    }

    /// `boost b envelope +3 for=1d`, or of a quota.
    fn boost(&mut self, words: &Words) {
        let now = self.world.now;
        let quota = self.world.ledger.quota(words.word(2)).cloned();
        let raise = words.word(3).strip_prefix('+').expect("a plus");
        let is_money = quota.as_ref().is_none_or(|quota| quota.unit == Unit::Money);
        let start_time = words.named.get("from").map_or(now, |text| at(text));
        self.world.put_boost(Boost {
            id: words.word(1).into(),
            target: match quota {
                None => BoostTarget::Envelope,
                Some(quota) => BoostTarget::Quota {
                    quota_id: quota.id.clone(),
                    subject_id: words.named.get("subject_id").map(|text| Arc::from(*text)),
                },
            },
            amount: if is_money { amount(raise).nanos() } else { count(raise) },
            start_time,
            end_time: start_time + span(words.named["for"]),
            reason: "because".to_owned(),
            actor: "somebody".to_owned(),
            create_time: now,
            cancel_time: None,
        });
    }

    /// `usage [of q] [user=ada] [each project] [by=2]`: most utilised first, so many on a page.
    pub fn usage(&mut self, words: &Words) -> Vec<String> {
        let said = |kind: &SubjectKind| words.named.contains_key(name_of(*kind));
        let kind = SubjectKind::ALL.into_iter().find(said);
        let filter = UsageFilter {
            quota_id: (words.has("of")).then(|| words.after("of").expect("a quota").to_owned()),
            subject: match (kind, words.after("each")) {
                (Some(kind), _) => Some((kind, Some(id_of(kind, words.named[name_of(kind)])))),
                (None, each) => each.map(|name| (kind_of(name), None)),
            },
        };
        let size = words.count("by").map_or(usize::MAX, |count| count as usize);
        let found = self.pages(&filter, size);
        let shown = |(place, usage): (usize, &QuotaUsage)| {
            let shown = |count: i64| in_unit(usage.quota.unit, count);
            let limit = usage.limit.map_or("any".to_owned(), shown);
            let subject = subject(usage.quota.scope.kind, &usage.subject_id);
            format!(
                "{}. {} of {subject}: {} of {limit}, held {}, {} ppm",
                place + 1,
                usage.quota.id,
                shown(usage.spent),
                shown(usage.held),
                usage.utilization,
            )
        };
        let mut clauses: Vec<String> = found.iter().enumerate().map(shown).collect();
        clauses.push(format!("{} entries", found.len()));
        clauses
    }

    fn pages(&mut self, filter: &UsageFilter, size: usize) -> Vec<QuotaUsage> {
        let mut found: Vec<QuotaUsage> = Vec::new();
        loop {
            let after = found.last().map(|last| UsagePosition {
                utilization: last.utilization,
                quota_id: last.quota.id.to_string(),
                subject_id: last.subject_id.to_string(),
            });
            let now = self.world.now;
            let page = self.world.ledger.quota_usage(now, filter, after.as_ref(), size);
            assert!(page.len() <= size && found.len() <= 100, "pages end");
            let is_last = page.len() < size;
            found.extend(page);
            if is_last {
                return found;
            }
        }
    }

    /// What was raised since the last look, in order.
    pub fn alerts(&mut self) -> Vec<String> {
        let alerts = self.world.take_alerts(false);
        let mut clauses = vec![format!("{} alerts", alerts.len())];
        for (place, alert) in alerts.iter().enumerate() {
            let of = match &alert.key.subject {
                AlertSubject::Workspace => "the workspace".to_owned(),
                AlertSubject::Model(id) => format!("model {id}"),
                AlertSubject::Member { kind, subject_id } => subject(*kind, subject_id),
                AlertSubject::Quota { quota_id, kind, subject_id } => {
                    format!("{quota_id} for {}", subject(*kind, subject_id))
                }
            };
            let figures = match alert.unit {
                None => String::new(),
                Some(unit) => {
                    format!(": {} of {}", in_unit(unit, alert.spent), in_unit(unit, alert.limit))
                }
            };
            let what = match alert.key.alert_type {
                AlertType::Threshold => format!("{}%", alert.key.threshold),
                other => format!("{other:?}"),
            };
            clauses.push(format!("{}. {what} of {of}{figures}", place + 1));
            if let Some(record) = &alert.record {
                clauses.push(format!(
                    "{}. is number {}: {} attempt {} on {} of user {:?} key {:?}",
                    place + 1,
                    alert.key.base_limit,
                    record.request_id,
                    record.attempt,
                    record.model_id,
                    record.user_id,
                    record.api_key_id,
                ));
            }
        }
        clauses
    }
}

fn in_unit(unit: Unit, count: i64) -> String {
    match unit {
        Unit::Money => money(Amount::from_nanos(count)),
        Unit::Tokens | Unit::Requests | Unit::UncachedTokens => count.to_string(),
    }
}

fn subject(kind: SubjectKind, subject_id: &str) -> String {
    match kind {
        SubjectKind::Workspace => "workspace".to_owned(),
        kind => format!("{} {subject_id}", name_of(kind)),
    }
}

/// `user ada` or `user each`, and which word comes after.
fn scope(words: &Words) -> (Scope, usize) {
    let kind = kind_of(words.word(2));
    let model_id = words.named.get("only").map(|text| Arc::from(*text));
    match kind {
        SubjectKind::Workspace => (Scope { kind, subject_id: Some("".into()), model_id }, 3),
        kind => {
            let subject_id = words.word(3);
            let subject_id = (subject_id != "each").then(|| id_of(kind, subject_id).into());
            (Scope { kind, subject_id, model_id }, 4)
        }
    }
}

fn enforcement(words: &Words) -> Enforcement {
    match () {
        () if words.has("soft") => Enforcement::Soft,
        () if words.has("downgrade") => Enforcement::Downgrade,
        () if words.has("shadow") => Enforcement::Shadow,
        () => Enforcement::Hard,
    }
}

/// Bounds by their short names: requests (`r`), tokens (`t`) or uncached tokens (`u`) per minute,
/// hour or day.
fn bounds(words: &Words) -> Vec<RateBound> {
    let mut bounds = Vec::new();
    for (unit, first) in [(Unit::Requests, 'r'), (Unit::Tokens, 't'), (Unit::UncachedTokens, 'u')] {
        for (window, last) in
            [(RateWindow::Minute, 'm'), (RateWindow::Hour, 'h'), (RateWindow::Day, 'd')]
        {
            let amount = words.count(&format!("{first}p{last}"));
            bounds.extend(amount.map(|amount| RateBound { unit, window, amount }));
        }
    }
    RateBound::sorted(bounds)
}
