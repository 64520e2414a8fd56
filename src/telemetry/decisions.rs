//! Decisions as they are counted.

use super::table::{BLOCKING_VERDICTS, DECISION_REASONS, DECISIONS, Decided, RULE, Refused};
use crate::domain::check::{Answer, Decision};

/// Counts an answer to a check.
#[inline]
pub fn decided(decision: &Decision, is_dry_run: bool) {
    let (decided, refused) = match decision.answer {
        Answer::Allowed => (Decided::Allowed, None),
        Answer::Routed(_) => (Decided::Routed, Some(Refused::Routed)),
        Answer::Blocked => (Decided::Blocked, Some(Refused::Blocked)),
    };
    DECISIONS.at([decided as usize, usize::from(is_dry_run)]).inc();
    if let Some(refused) = refused {
        count_refusal(refused, decision);
    }
}

fn count_refusal(refused: Refused, decision: &Decision) {
    if let Some(reason) = decision.reason {
        DECISION_REASONS.at([refused as usize, reason as usize]).inc();
    }
    for verdict in decision.verdicts.iter().filter(|verdict| verdict.blocking) {
        let limit = verdict.limit.as_ref().map_or(RULE, |limit| limit.kind as usize);
        BLOCKING_VERDICTS.at([limit]).inc();
    }
}
