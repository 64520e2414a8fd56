//! Subjects: what limits apply to, one by kind for a request.

use std::ops::{Index, IndexMut};

use super::{AttributionField, PackedAttribution, SubjectKind};

/// A value for each kind of subject.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SubjectMap<T>([T; SubjectKind::COUNT]);

impl<T: Copy> SubjectMap<T> {
    /// The same value for all kinds.
    pub const fn of(value: T) -> SubjectMap<T> {
        SubjectMap([value; SubjectKind::COUNT])
    }
}

impl<T> SubjectMap<T> {
    pub fn from_fn(mut value: impl FnMut(SubjectKind) -> T) -> SubjectMap<T> {
        SubjectMap(std::array::from_fn(|code| value(SubjectKind::ALL[code])))
    }

    /// Kinds with their values, in the order in which limits are checked.
    pub fn iter(&self) -> impl Iterator<Item = (SubjectKind, &T)> {
        SubjectKind::ALL.into_iter().zip(&self.0)
    }
}

impl<T: Default> Default for SubjectMap<T> {
    fn default() -> SubjectMap<T> {
        SubjectMap::from_fn(|_| T::default())
    }
}

impl<T> Index<SubjectKind> for SubjectMap<T> {
    type Output = T;

    fn index(&self, kind: SubjectKind) -> &T {
        &self.0[kind as usize]
    }
}

impl<T> IndexMut<SubjectKind> for SubjectMap<T> {
    fn index_mut(&mut self, kind: SubjectKind) -> &mut T {
        &mut self.0[kind as usize]
    }
}

/// The subjects of a request: an id by kind, empty where it names none. That of the workspace is
/// always empty.
pub type SubjectIds<'a> = SubjectMap<&'a str>;

impl<'a> SubjectIds<'a> {
    /// The subjects of a request with this attribution, whose API key is in a group.
    pub fn new(get: impl Fn(AttributionField) -> &'a str, key_group_id: &'a str) -> SubjectIds<'a> {
        SubjectMap::from_fn(|kind| match kind.field() {
            Some(field) => get(field),
            None if kind == SubjectKind::KeyGroup => key_group_id,
            None => "",
        })
    }

    /// The same of an attribution as holds keep it; absent for one that says nothing.
    pub fn packed(attribution: Option<&'a PackedAttribution>, key_group_id: &'a str) -> Self {
        match attribution {
            None => SubjectIds::new(|_| "", key_group_id),
            Some(packed) => {
                let fields = packed.fields();
                SubjectIds::new(|field| fields[field as usize], key_group_id)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::Attribution;
    use super::*;

    #[test]
    fn each_subject_is_the_value_of_its_field() {
        let mut attribution = Attribution::default();
        for field in AttributionField::ALL {
            field.as_str().clone_into(attribution.get_mut(field));
        }
        let packed = PackedAttribution::new(&attribution);
        let ids = SubjectIds::packed(packed.as_ref(), "the group");
        assert_eq!(ids, SubjectIds::new(|field| attribution.get(field), "the group"));
        for (kind, id) in ids.iter() {
            let expected = match kind {
                SubjectKind::Workspace => "",
                SubjectKind::KeyGroup => "the group",
                kind => kind.as_str(),
            };
            assert_eq!(*id, expected);
        }
    }
}
