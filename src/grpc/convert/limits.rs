//! Words that quotas, rate limits and verdicts share.

use super::text::{self, ATTRIBUTION_CHARS_MAX};
use super::{Path, Violations, required};
use crate::domain::attribution::SubjectKind;
use crate::domain::quota::{
    Enforcement, Period, Scope, THRESHOLD_PERCENT_MAX, THRESHOLDS_MAX, Unit,
};
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
            | v1::LimitPeriod::SlidingHour
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

/// Percent at which alerts are raised: sorted and without repeats; those that are out of range are
/// refused one by one.
pub fn thresholds(percents: &[i32], path: Path<'_>, violations: &mut Violations) -> Vec<u16> {
    if percents.len() > THRESHOLDS_MAX {
        violations.add(path, format!("expected at most {THRESHOLDS_MAX}"));
        return Vec::new();
    }
    let mut thresholds = Vec::with_capacity(percents.len());
    for (index, percent) in percents.iter().enumerate() {
        match u16::try_from(*percent) {
            Ok(percent @ 1..=THRESHOLD_PERCENT_MAX) => thresholds.push(percent),
            _ => violations.add(
                path.item(index),
                format!("expected 1 to {THRESHOLD_PERCENT_MAX} percent; not {percent}"),
            ),
        }
    }
    thresholds.sort_unstable();
    thresholds.dedup();
    thresholds
}

/// Whose use a rule counts, as it is asked for: `subject` and `each_member` of one message.
pub fn scope(
    workspace_id: &str,
    subject: Option<v1::Subject>,
    each_member: bool,
    path: Path<'_>,
    violations: &mut Violations,
) -> (SubjectKind, Option<String>) {
    let fallback = (SubjectKind::Workspace, Some(String::new()));
    let subject_path = path.field("subject");
    let Some(subject) = required(subject, subject_path, violations) else { return fallback };
    let kind = subject_kind(subject.r#type, subject_path.field("type"), violations);
    let Some(kind) = kind else { return fallback };
    let id_path = subject_path.field("id");
    if kind == SubjectKind::Workspace {
        if each_member {
            let expected = "expected false: a workspace is one subject, and has no members";
            violations.add(path.field("each_member"), expected);
        }
        check_own_id(workspace_id, &subject.id, id_path, violations);
        return fallback;
    }
    if each_member {
        if !subject.id.is_empty() {
            violations.add(id_path, "expected none: the rule is for each member");
        }
        return (kind, None);
    }
    text::check(&subject.id, 1..=ATTRIBUTION_CHARS_MAX, id_path, violations);
    (kind, Some(subject.id))
}

/// A filter by subject: its kind and, unless it is the workspace, its id.
pub fn subject_filter(
    workspace_id: &str,
    subject: Option<v1::Subject>,
    violations: &mut Violations,
) -> Option<(SubjectKind, Option<String>)> {
    let subject = subject?;
    let path = Path::Request.field("subject");
    let kind = subject_kind(subject.r#type, path.field("type"), violations)?;
    if kind == SubjectKind::Workspace {
        check_own_id(workspace_id, &subject.id, path.field("id"), violations);
        return Some((kind, None));
    }
    text::check(&subject.id, 0..=ATTRIBUTION_CHARS_MAX, path.field("id"), violations);
    Some((kind, (!subject.id.is_empty()).then_some(subject.id)))
}

/// Of a workspace: its own id, or none.
fn check_own_id(workspace_id: &str, id: &str, path: Path<'_>, violations: &mut Violations) {
    if !id.is_empty() && id != workspace_id {
        violations.add(path, "expected none, or the id of the workspace itself");
    }
}

/// The subject of a rule; `workspace_id` names the workspace where it is the subject.
pub fn scope_to_proto(workspace_id: &str, scope: &Scope) -> v1::Subject {
    member_to_proto(workspace_id, scope.kind, scope.subject_id.as_deref().unwrap_or_default())
}

pub fn member_to_proto(workspace_id: &str, kind: SubjectKind, subject_id: &str) -> v1::Subject {
    let id = if kind == SubjectKind::Workspace { workspace_id } else { subject_id };
    v1::Subject { r#type: subject_kind_to_proto(kind).into(), id: id.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thresholds_are_sorted_and_those_out_of_range_are_named() {
        let read = |percents: &[i32]| {
            let mut violations = Violations::default();
            let path = Path::Request.field("percents");
            let thresholds = thresholds(percents, path, &mut violations);
            violations.accept(thresholds).map_err(Violations::into_list)
        };
        assert_eq!(read(&[]), Ok(Vec::new()));
        assert_eq!(read(&[100, 1, 1_000, 1]), Ok(vec![1, 100, 1_000]));
        let refused = read(&[0, 50, 1_001, 70_000, -1]).unwrap_err();
        let fields: Vec<&str> = refused.iter().map(|violation| &*violation.field).collect();
        assert_eq!(fields, ["percents[0]", "percents[2]", "percents[3]", "percents[4]"]);
        assert!(refused[1].expected.contains("1001"), "{}", refused[1].expected);
        assert_eq!(read(&[1; 17]).unwrap_err()[0].field, "percents");
    }
}
