//! Attribution: who and what a request is for, and everything that follows from its fields.
//!
//! [`attribution_fields!`] is the one table of them. Fields, the subjects of limits, the dimensions
//! of reports and the kinds of directory entries are enums made of it; columns, filters and
//! conversions go by these enums.

pub mod directory;
mod packed;
mod subject;
mod tag;
mod visible;

use std::collections::BTreeMap;

use super::Coded;

pub use packed::PackedAttribution;
pub use subject::{SubjectIds, SubjectMap, provider_subject_id};
pub use tag::{TAG_SIGN, tag_of_subject, tag_subject_id};
pub use visible::{VISIBLE, is_visible};

/// Makes the enums and the struct of the table below.
macro_rules! attribution_fields {
    ($dollar:tt $(
        #[doc = $doc:literal]
        $field:ident $name:ident = $number:literal {
            $(subject: $subject:literal,)? $(dimension: $dimension:literal,)?
            $(entry: $entry:literal,)?
        }
    )*) => {
        coded_enum! {
            /// A field of an [`Attribution`].
            pub enum AttributionField { $(#[doc = $doc] $field = $number,)* }
        }

        coded_enum! {
            /// What limits apply to. The order is that in which they are checked.
            pub enum SubjectKind {
                /// The organisation as a whole.
                Workspace = 0,
                /// The group that the API key of a request is in.
                KeyGroup = 4,
                /// The provider of the model that a request runs on, by the catalog; in lower case.
                Provider = 10,
                /// A tag: a key with one value, see [`tag_subject_id`]. A request may have several.
                Tag = 11,
                $($(#[doc = $doc] $field = $subject,)?)*
            }
        }

        coded_enum! {
            /// What usage is summed up by, and what reports group by.
            pub enum Dimension {
                /// One bucket for the workspace itself; its value is empty.
                Workspace = 0,
                /// The group that the API key of a request is in.
                KeyGroup = 4,
                /// The model as metered.
                Model = 9,
                /// One bucket for each tag of a record; a record without tags has none.
                Tag = 12,
                /// "success", "error" or "cancelled", also of corrections.
                Outcome = 13,
                $($(#[doc = $doc] $field = $dimension,)?)*
            }
        }

        coded_enum! {
            /// What the directory registers.
            pub enum EntryKind { $($(#[doc = $doc] $field = $entry,)?)* }
        }

        /// Who and what a request is for. An empty text means "not said".
        #[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
        pub struct Attribution {
            $(#[doc = $doc] pub $name: String,)*
            pub tags: BTreeMap<String, String>,
        }

        /// Calls a macro with the names of all fields, in their order.
        macro_rules! with_attribution_fields {
            ($dollar callback:ident) => { $dollar callback! { $($name),* } };
        }

        impl AttributionField {
            /// Name of the field in protos, and of its column in tables.
            pub const fn name(self) -> &'static str {
                match self { $(AttributionField::$field => stringify!($name),)* }
            }

            /// The kind of subject that the field names, if limits can apply to it.
            pub fn subject(self) -> Option<SubjectKind> {
                let code: Option<i64> = match self {
                    $(AttributionField::$field => [$(Some($subject),)? None][0],)*
                };
                code.and_then(SubjectKind::from_code)
            }

            /// The dimension of reports that the field is, if it is one.
            pub fn dimension(self) -> Option<Dimension> {
                let code: Option<i64> = match self {
                    $(AttributionField::$field => [$(Some($dimension),)? None][0],)*
                };
                code.and_then(Dimension::from_code)
            }
        }

        impl SubjectKind {
            /// The field that names a subject of this kind; none of those that no field names.
            pub const fn field(self) -> Option<AttributionField> {
                match self as u8 {
                    $($($subject => Some(AttributionField::$field),)?)*
                    _ => None,
                }
            }
        }

        impl Dimension {
            /// The field whose values it has; none of those that no field has.
            pub const fn field(self) -> Option<AttributionField> {
                match self as u8 {
                    $($($dimension => Some(AttributionField::$field),)?)*
                    _ => None,
                }
            }
        }

        impl EntryKind {
            pub const fn field(self) -> AttributionField {
                match self as u8 {
                    $($($entry => AttributionField::$field,)?)*
                    _ => unreachable!(),
                }
            }
        }

        impl Attribution {
            /// With these fields, in the order of [`AttributionField`], and no tags.
            fn of_fields(fields: [&str; AttributionField::COUNT]) -> Attribution {
                Attribution {
                    $($name: fields[AttributionField::$field as usize].to_owned(),)*
                    tags: BTreeMap::new(),
                }
            }

            pub fn get(&self, field: AttributionField) -> &str {
                match field { $(AttributionField::$field => &self.$name,)* }
            }

            pub fn get_mut(&mut self, field: AttributionField) -> &mut String {
                match field { $(AttributionField::$field => &mut self.$name,)* }
            }
        }
    };
}

// A new field is a new row, with the next number of each kind: numbers are stored, and stay what
// they are for ever. Beside it only the protos, a migration (columns are named after fields) and
// the documentation change.
attribution_fields! { $
    /// User on whose behalf the request runs.
    User user_id = 0 { subject: 2, dimension: 1, entry: 0, }
    /// Department of the user.
    Department department_id = 1 { subject: 1, dimension: 2, entry: 1, }
    /// API key that the caller presented: its id, never its secret.
    ApiKey api_key_id = 2 { subject: 3, dimension: 3, }
    /// Assistant that makes the request.
    Assistant assistant_id = 3 { subject: 6, dimension: 5, entry: 2, }
    /// Workflow or application.
    Workflow workflow_id = 4 { subject: 7, dimension: 6, entry: 3, }
    /// Feature of the product.
    Feature feature_id = 5 { subject: 8, dimension: 7, entry: 4, }
    /// Project that is charged.
    Project project_id = 6 { subject: 5, dimension: 8, entry: 5, }
    /// Investigation, case or ticket.
    Investigation investigation_id = 7 { dimension: 10, entry: 6, }
    /// Session or conversation.
    Session session_id = 8 { subject: 9, dimension: 11, }
}

pub(crate) use with_attribution_fields;

impl Attribution {
    pub fn is_empty(&self) -> bool {
        *self == Attribution::default()
    }
}

impl EntryKind {
    /// What usage of it is summed up by.
    ///
    /// # Panics
    /// Never: whatever the directory registers is a dimension, which a test holds.
    pub fn dimension(self) -> Dimension {
        self.field().dimension().expect("entries of the directory are dimensions")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_agree_with_one_another() {
        for (number, field) in AttributionField::ALL.into_iter().enumerate() {
            assert_eq!(field as usize, number);
            assert_eq!(field.name(), format!("{}_id", field.as_str()));
            if let Some(subject) = field.subject() {
                assert_eq!((subject.field(), subject.as_str()), (Some(field), field.as_str()));
            }
            if let Some(dimension) = field.dimension() {
                assert_eq!((dimension.field(), dimension.as_str()), (Some(field), field.as_str()));
            }
        }
        for kind in EntryKind::ALL {
            assert_eq!(kind.dimension().as_str(), kind.as_str());
        }
    }

    #[test]
    fn numbers_stay_what_they_are() {
        let subjects = ["workspace", "department", "user", "api_key", "key_group", "project"];
        assert_eq!(
            SubjectKind::ALL[..6].iter().map(|kind| kind.as_str()).collect::<Vec<_>>(),
            subjects
        );
        let dimensions = ["workspace", "user", "department", "api_key", "key_group", "assistant"];
        assert_eq!(
            Dimension::ALL[..6].iter().map(|it| it.as_str()).collect::<Vec<_>>(),
            dimensions
        );
        assert_eq!(Dimension::Outcome.code(), 13);
        assert_eq!(EntryKind::Investigation.code(), 6);
    }

    #[test]
    fn a_field_is_read_and_written() {
        let mut attribution = Attribution::default();
        for field in AttributionField::ALL {
            field.name().clone_into(attribution.get_mut(field));
        }
        for field in AttributionField::ALL {
            assert_eq!(attribution.get(field), field.name());
        }
        assert_eq!(attribution.session_id, "session_id");
    }
}
