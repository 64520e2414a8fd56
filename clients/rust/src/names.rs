//! Enums of the API as a caller reads them: open, because their sets may grow.

use std::borrow::Cow;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::marker::PhantomData;

use crate::v1;

/// An enum of the API whose members have names.
pub trait ApiEnum: TryFrom<i32> + Into<i32> + Copy {
    /// The name of a member as it stands in the protos.
    fn proto_name(self) -> &'static str;
}

macro_rules! api_enums {
    ($($name:ident),*) => {
        $(impl ApiEnum for v1::$name {
            fn proto_name(self) -> &'static str {
                self.as_str_name()
            }
        })*
    };
}

api_enums!(
    BudgetState,
    Decision,
    Enforcement,
    LimitKind,
    LimitPeriod,
    LimitUnit,
    Reason,
    ServiceTier,
    SubjectType,
    UnitKind
);

/// A member of an enum of the API, also one that is newer than this crate.
///
/// It compares with the enum, `blocked.reason == Reason::RateLimited`, and with the name of a member
/// without its prefix; [`get`](Self::get) is for `match`. It is shown by that name: nothing if it is
/// unspecified, the number if it is newer.
pub struct OpenEnum<E> {
    number: i32,
    kind: PhantomData<E>,
}

impl<E: ApiEnum> OpenEnum<E> {
    pub(crate) fn new(number: i32) -> Self {
        Self { number, kind: PhantomData }
    }

    /// The member; nothing if it is newer than this crate.
    #[must_use]
    pub fn get(self) -> Option<E> {
        E::try_from(self.number).ok()
    }

    /// Whether the server does not say it.
    #[must_use]
    pub fn is_unspecified(self) -> bool {
        self.number == 0
    }

    /// Its name without the prefix; empty if it is unspecified, the number if it is newer.
    #[must_use]
    pub fn name(self) -> Cow<'static, str> {
        match self.get() {
            None => Cow::Owned(self.number.to_string()),
            Some(_) if self.number == 0 => Cow::Borrowed(""),
            Some(member) => Cow::Borrowed(bare(member)),
        }
    }
}

/// All names of an enum begin as that of its first member, which is unspecified.
fn bare<E: ApiEnum>(member: E) -> &'static str {
    let name = member.proto_name();
    let first = E::try_from(0).ok().map(E::proto_name);
    let prefix = first.and_then(|first| first.strip_suffix("UNSPECIFIED"));
    prefix.and_then(|prefix| name.strip_prefix(prefix)).unwrap_or(name)
}

impl<E> Clone for OpenEnum<E> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<E> Copy for OpenEnum<E> {}

impl<E> Default for OpenEnum<E> {
    fn default() -> Self {
        Self { number: 0, kind: PhantomData }
    }
}

impl<E> PartialEq for OpenEnum<E> {
    fn eq(&self, other: &Self) -> bool {
        self.number == other.number
    }
}

impl<E> Eq for OpenEnum<E> {}

impl<E> Hash for OpenEnum<E> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.number.hash(state);
    }
}

impl<E: ApiEnum> PartialEq<E> for OpenEnum<E> {
    fn eq(&self, other: &E) -> bool {
        self.number == (*other).into()
    }
}

impl<E: ApiEnum> PartialEq<str> for OpenEnum<E> {
    fn eq(&self, other: &str) -> bool {
        self.name() == other
    }
}

impl<E: ApiEnum> PartialEq<&str> for OpenEnum<E> {
    fn eq(&self, other: &&str) -> bool {
        self.name() == *other
    }
}

impl<E: ApiEnum> From<E> for OpenEnum<E> {
    fn from(member: E) -> Self {
        Self::new(member.into())
    }
}

impl<E: ApiEnum> fmt::Display for OpenEnum<E> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(&self.name())
    }
}

impl<E: ApiEnum> fmt::Debug for OpenEnum<E> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{:?}", self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::v1::{LimitKind, Reason};

    #[test]
    fn it_is_compared_and_shown() {
        let reason = OpenEnum::<Reason>::new(12);
        assert_eq!(reason, Reason::RateLimited);
        assert_eq!(reason, "RATE_LIMITED");
        assert_ne!(reason, Reason::Exhausted);
        assert_ne!(reason, "RATE_LIMIT");
        assert_eq!(reason.get(), Some(Reason::RateLimited));
        let shown = format!("{reason} {reason:?} {reason:>13}");
        assert_eq!(shown, "RATE_LIMITED \"RATE_LIMITED\"  RATE_LIMITED");
        let unspecified = OpenEnum::<LimitKind>::default();
        assert!(unspecified.is_unspecified() && unspecified.to_string().is_empty());
        assert_eq!(OpenEnum::from(LimitKind::Quota).name(), "QUOTA");
    }

    #[test]
    fn a_newer_member_is_shown_by_its_number() {
        let newer = OpenEnum::<Reason>::new(4_711);
        assert_eq!(newer.get(), None);
        assert!(!newer.is_unspecified());
        assert_eq!(newer, "4711");
        assert_ne!(newer, OpenEnum::default());
    }
}
