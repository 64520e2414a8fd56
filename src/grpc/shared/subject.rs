//! Subjects of limits, and the thresholds of their alerts.

use super::decode::Decoder;
use super::enums::ProtoEnum;
use super::text::{PROVIDER_CHARS_MAX, TAG_KEY_CHARS_MAX, TAG_VALUE_CHARS_MAX};
use crate::domain::attribution::{SubjectKind, provider_subject_id, tag_of_subject};
use crate::domain::quota::{Scope, THRESHOLD_PERCENT_MAX, THRESHOLDS_MAX};
use crate::proto::v1;

/// A key, the sign and a value.
const TAG_ID_CHARS_MAX: usize = TAG_KEY_CHARS_MAX + 1 + TAG_VALUE_CHARS_MAX;

impl Decoder<'_> {
    /// Percentages at which alerts are raised: sorted and without repeats; those that are out of
    /// range are refused one by one.
    pub fn thresholds(self, percents: &[i32]) -> Vec<u16> {
        if percents.len() > THRESHOLDS_MAX {
            self.refuse(format!("expected at most {THRESHOLDS_MAX}"));
            return Vec::new();
        }
        let mut thresholds = Vec::with_capacity(percents.len());
        for (index, percent) in percents.iter().enumerate() {
            match u16::try_from(*percent) {
                Ok(percent @ 1..=THRESHOLD_PERCENT_MAX) => thresholds.push(percent),
                _ => self.item(index).refuse(format!(
                    "expected 1 to {THRESHOLD_PERCENT_MAX} percent; not {percent}"
                )),
            }
        }
        thresholds.sort_unstable();
        thresholds.dedup();
        thresholds
    }

    /// The fields `subject` and `each_subject` of a limit. Without an id the limit is for each
    /// subject of its kind; the id of the workspace is empty.
    pub fn limit_subject(
        self,
        workspace_id: &str,
        subject: Option<&v1::Subject>,
        each_subject: bool,
    ) -> Option<(SubjectKind, Option<String>)> {
        let at = self.field("subject");
        let subject = at.required(subject)?;
        let kind = at.field("type").required_enum(subject.r#type)?;
        if kind == SubjectKind::Workspace {
            let expected = "expected false: a workspace is one subject";
            self.field("each_subject").ensure(!each_subject, expected);
            at.field("id").own_id(workspace_id, &subject.id);
            return Some((kind, Some(String::new())));
        }
        if kind == SubjectKind::Tag {
            let expected = "expected false: the limit of a tag names its key and value";
            self.field("each_subject").ensure(!each_subject, expected);
        } else if each_subject {
            let expected = "expected none: the limit is for each subject";
            at.field("id").ensure(subject.id.is_empty(), expected);
            return Some((kind, None));
        }
        Some((kind, Some(at.field("id").subject_id(kind, &subject.id))))
    }

    /// The id of a subject other than the workspace.
    pub fn subject_id(self, kind: SubjectKind, id: &str) -> String {
        match kind {
            SubjectKind::Provider => {
                self.text(id, 1..=PROVIDER_CHARS_MAX);
                return provider_subject_id(id);
            }
            SubjectKind::Tag => {
                let is_text = self.text(id, 1..=TAG_ID_CHARS_MAX);
                let expected = "expected a key, \"=\" and a value, such as \"team=search\"";
                self.ensure(!is_text || is_tag(id), expected);
            }
            _ => self.attribution_id(id),
        }
        id.to_owned()
    }

    /// The field `subject` of a filter: its kind and, unless it is the workspace, its id.
    pub fn subject_filter(
        self,
        workspace_id: &str,
        subject: Option<&v1::Subject>,
    ) -> Option<(SubjectKind, Option<String>)> {
        let subject = subject?;
        let at = self.field("subject");
        let kind = at.field("type").required_enum(subject.r#type)?;
        if kind == SubjectKind::Workspace {
            at.field("id").own_id(workspace_id, &subject.id);
            return Some((kind, None));
        }
        let id = match subject.id.as_str() {
            "" => None,
            id => Some(at.field("id").subject_id(kind, id)),
        };
        Some((kind, id))
    }

    /// Of a workspace: its own id, or none.
    pub fn own_id(self, workspace_id: &str, id: &str) {
        let expected = "expected none, or the id of the workspace itself";
        self.ensure(id.is_empty() || id == workspace_id, expected);
    }
}

/// Whether an id is a key and a value, each within the bounds of tags.
fn is_tag(id: &str) -> bool {
    tag_of_subject(id).is_some_and(|(key, value)| {
        key.chars().count() <= TAG_KEY_CHARS_MAX && value.chars().count() <= TAG_VALUE_CHARS_MAX
    })
}

/// What a page token depends on of a filter by subject.
pub fn filter_texts(subject: Option<&v1::Subject>) -> [String; 2] {
    let subject = subject.cloned().unwrap_or_default();
    [subject.r#type.to_string(), subject.id]
}

/// The subject of a limit; without an id if it is for each one.
pub fn scope_to_proto(workspace_id: &str, scope: &Scope) -> v1::Subject {
    subject_to_proto(workspace_id, scope.kind, scope.subject_id.as_deref().unwrap_or_default())
}

pub fn subject_to_proto(workspace_id: &str, kind: SubjectKind, id: &str) -> v1::Subject {
    let id = if kind == SubjectKind::Workspace { workspace_id } else { id };
    v1::Subject { r#type: kind.number(), id: id.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::super::decode::{Violations, decode, refused};
    use super::*;

    #[test]
    fn providers_have_no_case_and_tags_have_a_key_and_a_value() {
        let long = |key: usize, value: usize| format!("{}={}", "k".repeat(key), "v".repeat(value));
        let fields = refused(|at| {
            let read = |name, kind, id: &str| at.field(name).subject_id(kind, id);
            assert_eq!(read("known", SubjectKind::Provider, "OpenAI"), "openai");
            assert_eq!(read("known", SubjectKind::Tag, "Team=Search=x"), "Team=Search=x");
            assert_eq!(read("known", SubjectKind::User, "Ada"), "Ada");
            assert_eq!(read("known", SubjectKind::Tag, &long(64, 128)), long(64, 128));
            read("none", SubjectKind::Provider, "");
            read("key", SubjectKind::Tag, &long(65, 1));
            read("value", SubjectKind::Tag, &long(1, 129));
            for id in ["", "team", "team=", "=search"] {
                read("part", SubjectKind::Tag, id);
            }
        });
        assert_eq!(fields, ["none", "key", "value", "part", "part", "part", "part"]);
    }

    #[test]
    fn thresholds_are_sorted_and_those_out_of_range_are_named() {
        let read = |percents: &[i32]| {
            decode(|at| Some(at.field("percents").thresholds(percents)))
                .map_err(Violations::into_list)
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
