//! What is counted of requests that were blocked or routed: each by itself, in one list.

use std::collections::BTreeSet;

use tollgate::domain::Amount;
use tollgate::domain::check::{
    Answer, Check, Decision, LimitKey, LimitKind, RefusalCounts, RefusalKey, Subject, Verdict,
};

use super::{Oracle, amount, facts};

impl Oracle {
    /// Counts a new decision, of a check that was meant.
    pub fn count_refusal(&mut self, check: &Check, decision: &Decision) {
        if check.dry_run || decision.answer == Answer::Allowed {
            return;
        }
        let model = self.model(&check.model_id);
        let model_id = model.map_or(check.model_id.clone(), |model| model.id.to_string());
        let offer = model.and_then(|model| self.offer(&model.id, check).ok());
        let need = offer.map_or(Amount::ZERO, |offer| amount(offer.need));
        let is_routed = decision.answer != Answer::Blocked;
        let counts = RefusalCounts {
            blocked_count: i64::from(!is_routed),
            routed_count: i64::from(is_routed),
            blocked: if is_routed { Amount::ZERO } else { need },
            saved: if is_routed { need - decision.held } else { Amount::ZERO },
        };
        let mut limits = BTreeSet::from([LimitKey::Request]);
        limits.extend(decision.verdicts.iter().filter(|verdict| verdict.blocking).map(limit));
        let user_id = check.attribution.as_ref().map(|who| who.user_id.clone()).unwrap_or_default();
        let hour = facts::hour(&self.workspace, self.now);
        for limit in limits {
            let key =
                RefusalKey { hour, limit, model_id: model_id.clone(), user_id: user_id.clone() };
            self.refusals.push((key, counts));
        }
    }
}

fn limit(verdict: &Verdict) -> LimitKey {
    let Some(figures) = &verdict.limit else {
        let name = format!("{:?}", verdict.reason.expect("a rule has a reason"));
        let mut rule = String::new();
        for character in name.chars() {
            if character.is_uppercase() && !rule.is_empty() {
                rule.push('_');
            }
            rule.push(character.to_ascii_uppercase());
        }
        return LimitKey::Rule(rule);
    };
    match (figures.kind, &verdict.subject) {
        (LimitKind::Envelope, _) => LimitKey::Envelope,
        (LimitKind::ModelLimit, Subject::Model(id)) => LimitKey::ModelLimit(id.to_string()),
        (LimitKind::ModelLimit, other) => panic!("a cap is of a model, not of {other:?}"),
        (kind, _) => {
            let id = figures.id.as_ref().expect("it has an id").to_string();
            if kind == LimitKind::Quota { LimitKey::Quota(id) } else { LimitKey::RateLimit(id) }
        }
    }
}
