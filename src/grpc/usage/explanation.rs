//! What a verdict says in words: what happened, and which call would help.

use crate::grpc::shared::time::from_timestamp;
use crate::proto::v1;
use v1::{Enforcement, LimitKind, LimitPeriod, LimitUnit, Reason, SubjectType};

/// Sets message and hint of a verdict that has a reason.
pub fn explain(verdict: &mut v1::Verdict, workspace_id: &str) {
    if verdict.reason() == Reason::Unspecified {
        return;
    }
    let words = Words { verdict, workspace_id };
    let (mut message, hint) = (words.message(), words.hint());
    match verdict.enforcement() {
        _ if verdict.blocking => {}
        Enforcement::Soft if verdict.reason() != Reason::ThresholdCrossed => {
            message.push_str("; the limit only warns");
        }
        Enforcement::Shadow => message.push_str("; the limit only records it"),
        _ => {}
    }
    verdict.message = message;
    verdict.hint = hint;
}

struct Words<'a> {
    verdict: &'a v1::Verdict,
    workspace_id: &'a str,
}

impl Words<'_> {
    fn message(&self) -> String {
        let (limit, subject, workspace) = (self.limit(), self.subject(), self.workspace_id);
        match self.verdict.reason() {
            Reason::Unspecified => String::new(),
            Reason::Exhausted => format!("{limit} is used up: {}{}", self.figures(), self.until()),
            Reason::HeldInFlight => {
                format!("requests in flight hold the rest of {limit}: {}", self.figures())
            }
            Reason::RequestTooLarge => {
                format!("this request alone is larger than {limit}: {}", self.figures())
            }
            Reason::ModelLimit => {
                format!("{limit} is in the way, and automatic fallback is off in {workspace}")
            }
            Reason::NoAllowedModel => {
                format!("{limit} is in the way, and no other model of {workspace} may run this")
            }
            Reason::ModelUnknown => format!("the catalog has no model {}", self.id()),
            Reason::ModelDisabled => format!("{} is not enabled in {workspace}", self.id()),
            Reason::ModelUnpriced => format!("{} has no price", self.id()),
            Reason::PlanNotSet => format!("{workspace} has no plan"),
            Reason::CapabilityMissing => {
                format!("{} lacks a capability that the request requires", self.id())
            }
            Reason::ContextWindowExceeded => {
                format!("input and output do not fit into the context window of {}", self.id())
            }
            Reason::RateLimited => format!("{limit} is reached: {}", self.figures()),
            Reason::KeyUnknown => format!("{subject} is not registered in {workspace}"),
            Reason::KeyDisabled => format!("{subject} is disabled"),
            Reason::KeyExpired => format!("{subject} has expired"),
            Reason::ModelNotAllowed => format!("{subject} may not use this model"),
            Reason::Downgrade => format!("{limit} is reached: {}", self.figures()),
            Reason::ThresholdCrossed => {
                let percent = self.verdict.threshold_percent;
                format!("with this request {limit} passes {percent} %: {}", self.figures())
            }
            Reason::AttributionMissing => {
                format!("the request names no {}", self.verdict.attribution_field)
            }
            Reason::Frozen => format!("{subject} is frozen in {workspace}"),
            Reason::WorkspaceArchived => format!("{workspace} is archived"),
        }
    }

    fn hint(&self) -> String {
        let enable = "ModelLimitService/EnableModel";
        match self.verdict.reason() {
            Reason::Exhausted | Reason::RateLimited | Reason::Downgrade => self.raise(),
            Reason::HeldInFlight => {
                "retry shortly; UsageService/ListHolds shows what holds it".to_owned()
            }
            Reason::RequestTooLarge => {
                format!("ask for less output with max_output_token_count, or {}", self.raise())
            }
            Reason::ModelLimit => format!(
                "switch fallback on: BudgetService/SetAutomaticFallback; or {}",
                self.raise()
            ),
            Reason::NoAllowedModel => format!("enable a cheaper model: {enable}"),
            Reason::ModelUnknown => match self.verdict.near_model_ids.as_slice() {
                [] => "add it: CatalogService/UpsertModel".to_owned(),
                near => format!("it may have meant {}", near.join(", ")),
            },
            Reason::ModelDisabled => format!("enable it: {enable}"),
            Reason::ModelUnpriced => "set one: CatalogService/SetModelPrice".to_owned(),
            Reason::PlanNotSet => "set one: BudgetService/SetPlan".to_owned(),
            Reason::ContextWindowExceeded => "send less input, or ask for less output".to_owned(),
            Reason::KeyUnknown => "register it: ApiKeyService/RegisterApiKey".to_owned(),
            Reason::KeyDisabled => "enable it: ApiKeyService/UpdateApiKey".to_owned(),
            Reason::KeyExpired => {
                "give it another expire_time: ApiKeyService/UpdateApiKey".to_owned()
            }
            Reason::ModelNotAllowed => {
                "add the model to its allowed_model_ids: ApiKeyService/UpdateApiKey".to_owned()
            }
            Reason::AttributionMissing => format!(
                "name it in the attribution, or no longer require it: \
                 WorkspaceService/UpdateWorkspace; field {}",
                self.verdict.attribution_field
            ),
            Reason::Frozen => "take the freeze back: WorkspaceService/Unfreeze".to_owned(),
            Reason::WorkspaceArchived => "restore it: WorkspaceService/RestoreWorkspace".to_owned(),
            Reason::Unspecified | Reason::CapabilityMissing | Reason::ThresholdCrossed => {
                String::new()
            }
        }
    }

    fn raise(&self) -> String {
        let is_until_reset = self.verdict.period() == LimitPeriod::UntilReset;
        match self.verdict.limit_kind() {
            LimitKind::Unspecified => String::new(),
            LimitKind::Envelope => {
                "raise it: BudgetService/SetPlan, or BudgetService/CreateBudgetBoost for a while"
                    .to_owned()
            }
            LimitKind::ModelLimit => "raise it: ModelLimitService/SetModelLimit".to_owned(),
            LimitKind::Quota if is_until_reset => {
                "begin a new window: QuotaService/ResetQuota; or raise it: QuotaService/UpdateQuota"
                    .to_owned()
            }
            LimitKind::Quota => {
                "raise it: QuotaService/UpdateQuota, or QuotaService/CreateQuotaBoost for a while"
                    .to_owned()
            }
            LimitKind::RateLimit => {
                "retry after retry_after, or raise it: QuotaService/UpdateRateLimit".to_owned()
            }
        }
    }

    fn id(&self) -> &str {
        self.verdict.subject.as_ref().map_or("", |subject| &subject.id)
    }

    /// For example "user ada".
    fn subject(&self) -> String {
        let kind = self.verdict.subject.as_ref().map_or(SubjectType::Unspecified, |s| s.r#type());
        let name = kind.as_str_name().trim_start_matches("SUBJECT_TYPE_").to_lowercase();
        let name = name.replace('_', " ").replace("api key", "API key");
        match self.id() {
            "" => name,
            id => format!("{name} {id}"),
        }
    }

    /// For example "quota q-1 of user ada".
    fn limit(&self) -> String {
        let (id, workspace) = (&self.verdict.limit_id, self.workspace_id);
        let model = match self.verdict.model_id.as_str() {
            "" => String::new(),
            model_id => format!(" on {model_id}"),
        };
        match self.verdict.limit_kind() {
            LimitKind::Unspecified => self.subject(),
            LimitKind::Envelope => format!("the envelope of {workspace}"),
            LimitKind::ModelLimit => format!("the cap of {} in {workspace}", self.id()),
            LimitKind::Quota => format!("quota {id} of {}{model}", self.subject()),
            LimitKind::RateLimit => format!("rate limit {id} of {}{model}", self.subject()),
        }
    }

    /// Limit, spent, held and need.
    fn figures(&self) -> String {
        let verdict = self.verdict;
        let unit = match verdict.unit() {
            LimitUnit::Money => {
                let amount = |money: &Option<v1::Money>| {
                    money.as_ref().map_or_else(String::new, |it| it.amount.clone())
                };
                let currency = verdict.limit.as_ref().map_or("", |limit| &limit.currency_code);
                let [limit, spent, held, need] =
                    [&verdict.limit, &verdict.spent, &verdict.held, &verdict.need].map(amount);
                return in_words([limit, spent, held, need], currency);
            }
            LimitUnit::Requests => "requests",
            LimitUnit::Tokens | LimitUnit::UncachedTokens => "tokens",
            LimitUnit::Unspecified => return String::new(),
        };
        let counts =
            [verdict.limit_count, verdict.spent_count, verdict.held_count, verdict.need_count];
        in_words(counts.map(|count| count.to_string()), unit)
    }

    /// When the limit restarts at zero.
    fn until(&self) -> String {
        let reset = self.verdict.reset_time.and_then(from_timestamp);
        reset.map_or_else(String::new, |reset| format!("; it restarts at {}", reset.to_rfc3339()))
    }
}

fn in_words([limit, spent, held, need]: [String; 4], unit: &str) -> String {
    let is_zero = held.bytes().all(|byte| matches!(byte, b'0' | b'.'));
    let held = if is_zero { String::new() } else { format!(", {held} held") };
    format!("{spent} of {limit} {unit} used{held}, {need} needed")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn explained(verdict: v1::Verdict) -> (String, String) {
        let mut verdict = verdict;
        explain(&mut verdict, "acme");
        (verdict.message, verdict.hint)
    }

    #[test]
    fn every_reason_has_words() {
        for number in 1..=20 {
            let Ok(reason) = Reason::try_from(number) else { continue };
            let (message, _) =
                explained(v1::Verdict { reason: reason.into(), ..Default::default() });
            assert!(!message.is_empty(), "{reason:?}");
        }
        assert_eq!(explained(v1::Verdict::default()), (String::new(), String::new()));
    }

    #[test]
    fn figures_are_those_of_the_verdict() {
        let money = |amount: &str| {
            Some(v1::Money { currency_code: "EUR".to_owned(), amount: amount.to_owned() })
        };
        let subject = v1::Subject { r#type: SubjectType::ApiKey.into(), id: "k".to_owned() };
        let verdict = v1::Verdict {
            limit_kind: LimitKind::Quota.into(),
            limit_id: "q".to_owned(),
            subject: Some(subject),
            model_id: "big".to_owned(),
            reason: Reason::Exhausted.into(),
            blocking: true,
            unit: LimitUnit::Money.into(),
            limit: money("10.00"),
            spent: money("9.50"),
            held: money("0.00"),
            need: money("2.00"),
            reset_time: Some(prost_types::Timestamp { seconds: 1_775_001_600, nanos: 0 }),
            ..Default::default()
        };
        let (message, hint) = explained(verdict.clone());
        assert_eq!(
            message,
            "quota q of API key k on big is used up: 9.50 of 10.00 EUR used, 2.00 needed; \
             it restarts at 2026-04-01T00:00:00Z"
        );
        assert!(hint.starts_with("raise it: QuotaService/UpdateQuota"), "{hint}");
        let soft = v1::Verdict {
            blocking: false,
            enforcement: Enforcement::Soft.into(),
            held: money("0.10"),
            ..verdict
        };
        let (message, _) = explained(soft);
        assert!(message.contains("used, 0.10 held, 2.00 needed"), "{message}");
        assert!(message.ends_with("; the limit only warns"), "{message}");
    }
}
