//! Subjects: what limits apply to, one by kind for a request, and its tags.

use std::ops::{Index, IndexMut};

use super::{Attribution, AttributionField, PackedAttribution, SubjectKind};

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

/// The subjects of a request: an id by kind, empty where it names none, and its tags. That of the
/// workspace is always empty, and that of the tags, which may be several; that of the provider is
/// known with the model.
#[derive(Clone, Copy, Debug)]
pub struct SubjectIds<'a> {
    by_kind: SubjectMap<&'a str>,
    tags: Tags<'a>,
}

/// The tags of a request, as they are kept where it comes from.
#[derive(Clone, Copy, Debug)]
enum Tags<'a> {
    None,
    Packed(&'a PackedAttribution),
    Of(&'a Attribution),
}

impl<'a> SubjectIds<'a> {
    /// None at all.
    pub fn none() -> SubjectIds<'a> {
        SubjectIds { by_kind: SubjectMap::of(""), tags: Tags::None }
    }

    /// The subjects of a request with this attribution, whose API key is in a group.
    pub fn new(attribution: &'a Attribution, key_group_id: &'a str) -> SubjectIds<'a> {
        let by_kind = by_kind(|field| attribution.get(field), key_group_id);
        SubjectIds { by_kind, tags: Tags::Of(attribution) }
    }

    /// The same of an attribution as holds keep it; absent for one that says nothing.
    pub fn packed(attribution: Option<&'a PackedAttribution>, key_group_id: &'a str) -> Self {
        match attribution {
            None => SubjectIds { by_kind: by_kind(|_| "", key_group_id), tags: Tags::None },
            Some(packed) => {
                let fields = packed.fields();
                let by_kind = by_kind(|field| fields[field as usize], key_group_id);
                SubjectIds { by_kind, tags: Tags::Packed(packed) }
            }
        }
    }

    /// Calls `visit` with key and value of each tag, sorted by their keys.
    pub fn each_tag(&self, mut visit: impl FnMut(&'a str, &'a str)) {
        match self.tags {
            Tags::None => {}
            Tags::Packed(packed) => packed.tags().for_each(|(key, value)| visit(key, value)),
            Tags::Of(attribution) => {
                attribution.tags.iter().for_each(|(key, value)| visit(key, value));
            }
        }
    }
}

impl<'a> Index<SubjectKind> for SubjectIds<'a> {
    type Output = &'a str;

    fn index(&self, kind: SubjectKind) -> &&'a str {
        &self.by_kind[kind]
    }
}

impl<'a> IndexMut<SubjectKind> for SubjectIds<'a> {
    fn index_mut(&mut self, kind: SubjectKind) -> &mut &'a str {
        &mut self.by_kind[kind]
    }
}

/// The id of the subject that a provider of the catalog is: names of providers are compared without
/// their case.
pub fn provider_subject_id(provider: &str) -> String {
    provider.to_lowercase()
}

fn by_kind<'a>(
    get: impl Fn(AttributionField) -> &'a str,
    key_group_id: &'a str,
) -> SubjectMap<&'a str> {
    SubjectMap::from_fn(|kind| match kind.field() {
        Some(field) => get(field),
        None if kind == SubjectKind::KeyGroup => key_group_id,
        None => "",
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_subject_is_the_value_of_its_field() {
        let mut attribution = Attribution::default();
        for field in AttributionField::ALL {
            field.as_str().clone_into(attribution.get_mut(field));
        }
        for (key, value) in [("team", "search"), ("env", "test")] {
            attribution.tags.insert(key.to_owned(), value.to_owned());
        }
        let packed = PackedAttribution::new(&attribution);
        let ids = SubjectIds::packed(packed.as_ref(), "the group");
        for ids in [ids, SubjectIds::new(&attribution, "the group")] {
            for kind in SubjectKind::ALL {
                let expected = match kind {
                    SubjectKind::Workspace | SubjectKind::Provider | SubjectKind::Tag => "",
                    SubjectKind::KeyGroup => "the group",
                    kind => kind.as_str(),
                };
                assert_eq!(ids[kind], expected);
            }
            let mut tags = Vec::new();
            ids.each_tag(|key, value| tags.push((key, value)));
            assert_eq!(tags, [("env", "test"), ("team", "search")]);
        }
        let mut tags = 0;
        SubjectIds::none().each_tag(|_, _| tags += 1);
        SubjectIds::packed(None, "g").each_tag(|_, _| tags += 1);
        assert_eq!(tags, 0);
    }
}
