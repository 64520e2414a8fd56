//! Values that every layer names: money, time, usage, prices, limits, decisions.
//!
//! No state, clock, database or transport in here; what decides on these values is in `ledger/`.

/// An enum whose variants are stored as numbers, counted from 0, and named in `snake_case`.
pub trait Coded: Copy + PartialEq + Sized + 'static {
    /// Name of the enum, for errors.
    const NAME: &'static str;
    /// All variants, in the order of their numbers.
    const VARIANTS: &'static [Self];

    fn code(self) -> i64;

    fn from_code(code: i64) -> Option<Self> {
        Self::VARIANTS.get(usize::try_from(code).ok()?).copied()
    }

    fn as_str(self) -> &'static str;
}

/// Declares an enum with its [`Coded`] form. Numbers are without gaps, and stay what they are for
/// ever.
macro_rules! coded_enum {
    (
        $(#[$attribute:meta])*
        $visibility:vis enum $name:ident {
            $($(#[$of_variant:meta])* $variant:ident = $code:literal,)*
        }
    ) => {
        $(#[$attribute])*
        #[derive(
            Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord,
            strum::EnumString, strum::IntoStaticStr,
        )]
        #[strum(serialize_all = "snake_case")]
        #[repr(u8)]
        $visibility enum $name { $($(#[$of_variant])* $variant = $code,)* }

        impl $name {
            pub const COUNT: usize = [$($code),*].len();

            /// All variants, in the order of their numbers.
            pub const ALL: [$name; $name::COUNT] = {
                let mut all = [$($name::$variant),*];
                $(all[$code] = $name::$variant;)*
                all
            };

            /// The variant in `snake_case`.
            pub fn as_str(self) -> &'static str {
                self.into()
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.as_str())
            }
        }

        impl $crate::domain::Coded for $name {
            const NAME: &'static str = stringify!($name);
            const VARIANTS: &'static [$name] = &$name::ALL;

            fn code(self) -> i64 {
                self as i64
            }

            fn as_str(self) -> &'static str {
                $name::as_str(self)
            }
        }
    };
}

pub(crate) use coded_enum;

pub mod access;
pub mod money;
pub mod time;
pub mod attribution;
pub mod usage;
pub mod record;
pub mod catalog;
pub mod workspace;
pub mod quota;
pub mod rate_limit;
pub mod api_key;
pub mod boost;
pub mod backfill;
pub mod alert;
pub mod check;

pub use money::{Amount, Currency};
pub use time::Time;
