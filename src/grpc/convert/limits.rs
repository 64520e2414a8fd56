//! Words that quotas, rate limits and verdicts share.

use super::{Path, Violations};
use crate::ledger::quota::{Enforcement, Period, SubjectKind, Unit};
use crate::proto::v1;

/// Nothing if it is unspecified.
pub fn enforcement(value: i32, path: Path<'_>, violations: &mut Violations) -> Option<Enforcement> {
    match v1::Enforcement::try_from(value) {
        Ok(v1::Enforcement::Unspecified) => None,
        Ok(v1::Enforcement::Hard) => Some(Enforcement::Hard),
        Ok(v1::Enforcement::Soft) => Some(Enforcement::Soft),
        Ok(v1::Enforcement::Downgrade) => Some(Enforcement::Downgrade),
        Ok(v1::Enforcement::Shadow) => Some(Enforcement::Shadow),
        Err(_) => {
            violations.add(path, "expected an Enforcement that is known");
            None
        }
    }
}

pub fn enforcement_to_proto(enforcement: Enforcement) -> v1::Enforcement {
    match enforcement {
        Enforcement::Hard => v1::Enforcement::Hard,
        Enforcement::Soft => v1::Enforcement::Soft,
        Enforcement::Downgrade => v1::Enforcement::Downgrade,
        Enforcement::Shadow => v1::Enforcement::Shadow,
    }
}

/// A kind of subject that may be bounded; a model may not, nor may none be given.
pub fn subject_kind(
    value: i32,
    path: Path<'_>,
    violations: &mut Violations,
) -> Option<SubjectKind> {
    let kind = match v1::SubjectType::try_from(value) {
        Ok(v1::SubjectType::Workspace) => SubjectKind::Workspace,
        Ok(v1::SubjectType::Department) => SubjectKind::Department,
        Ok(v1::SubjectType::User) => SubjectKind::User,
        Ok(v1::SubjectType::ApiKey) => SubjectKind::ApiKey,
        Ok(v1::SubjectType::KeyGroup) => SubjectKind::KeyGroup,
        Ok(v1::SubjectType::Project) => SubjectKind::Project,
        Ok(v1::SubjectType::Assistant) => SubjectKind::Assistant,
        Ok(v1::SubjectType::Unspecified | v1::SubjectType::Model) | Err(_) => {
            violations.add(
                path,
                "expected SUBJECT_TYPE_WORKSPACE, _DEPARTMENT, _USER, _API_KEY, _KEY_GROUP, \
                 _PROJECT or _ASSISTANT",
            );
            return None;
        }
    };
    Some(kind)
}

pub fn subject_kind_to_proto(kind: SubjectKind) -> v1::SubjectType {
    match kind {
        SubjectKind::Workspace => v1::SubjectType::Workspace,
        SubjectKind::Department => v1::SubjectType::Department,
        SubjectKind::User => v1::SubjectType::User,
        SubjectKind::ApiKey => v1::SubjectType::ApiKey,
        SubjectKind::KeyGroup => v1::SubjectType::KeyGroup,
        SubjectKind::Project => v1::SubjectType::Project,
        SubjectKind::Assistant => v1::SubjectType::Assistant,
    }
}

pub fn unit(value: i32, path: Path<'_>, violations: &mut Violations) -> Option<Unit> {
    match v1::LimitUnit::try_from(value) {
        Ok(v1::LimitUnit::Money) => Some(Unit::Money),
        Ok(v1::LimitUnit::Tokens) => Some(Unit::Tokens),
        Ok(v1::LimitUnit::Requests) => Some(Unit::Requests),
        Ok(v1::LimitUnit::Unspecified) | Err(_) => {
            violations
                .add(path, "expected LIMIT_UNIT_MONEY, LIMIT_UNIT_TOKENS or LIMIT_UNIT_REQUESTS");
            None
        }
    }
}

pub fn unit_to_proto(unit: Unit) -> v1::LimitUnit {
    match unit {
        Unit::Money => v1::LimitUnit::Money,
        Unit::Tokens => v1::LimitUnit::Tokens,
        Unit::Requests => v1::LimitUnit::Requests,
    }
}

/// A period that does not slide.
pub fn period(value: i32, path: Path<'_>, violations: &mut Violations) -> Option<Period> {
    match v1::LimitPeriod::try_from(value) {
        Ok(v1::LimitPeriod::Day) => Some(Period::Day),
        Ok(v1::LimitPeriod::Week) => Some(Period::Week),
        Ok(v1::LimitPeriod::Month) => Some(Period::Month),
        Ok(v1::LimitPeriod::Cycle) => Some(Period::Cycle),
        Ok(v1::LimitPeriod::UntilReset) => Some(Period::UntilReset),
        Ok(
            v1::LimitPeriod::Unspecified
            | v1::LimitPeriod::SlidingMinute
            | v1::LimitPeriod::SlidingDay,
        )
        | Err(_) => {
            violations.add(
                path,
                "expected LIMIT_PERIOD_DAY, _WEEK, _MONTH, _CYCLE or _UNTIL_RESET: a sliding \
                 window is for rate limits",
            );
            None
        }
    }
}

pub fn period_to_proto(period: Period) -> v1::LimitPeriod {
    match period {
        Period::Day => v1::LimitPeriod::Day,
        Period::Week => v1::LimitPeriod::Week,
        Period::Month => v1::LimitPeriod::Month,
        Period::Cycle => v1::LimitPeriod::Cycle,
        Period::UntilReset => v1::LimitPeriod::UntilReset,
    }
}
