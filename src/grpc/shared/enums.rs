//! Enums of the protos and of the domain: each pair is declared once, for both directions.

use super::decode::Decoder;
use crate::domain::access::Role;
use crate::domain::alert::AlertType;
use crate::domain::attribution::SubjectKind;
use crate::domain::check::{BudgetState, LimitKind};
use crate::domain::quota::{Enforcement, Period, Unit};
use crate::domain::rate_limit::RateWindow;
use crate::domain::usage::{Outcome, ServiceTier, UnitKind, UsageSource};
use crate::proto::v1;

/// An enum of the domain that the protos have, too.
pub trait ProtoEnum: Copy {
    /// What is expected of a number that is none of its values.
    fn expected() -> String;
    /// The value of a number of the proto. None for an unknown one, and for values that only the
    /// proto has, such as the unspecified one.
    fn from_number(number: i32) -> Option<Self>;
    /// The number of the proto.
    fn number(self) -> i32;
}

/// Pairs an enum of the domain with one of the protos, whose values have the same names, and says
/// what is expected of a number that is none of them.
macro_rules! proto_enum {
    ($domain:ident as $proto:ident { $($value:ident),+ $(,)? } $expected:expr) => {
        impl $crate::grpc::shared::enums::ProtoEnum for $domain {
            fn expected() -> String {
                String::from($expected)
            }

            fn from_number(number: i32) -> Option<$domain> {
                match $crate::proto::v1::$proto::try_from(number) {
                    $(Ok($crate::proto::v1::$proto::$value) => Some($domain::$value),)+
                    _ => None,
                }
            }

            fn number(self) -> i32 {
                let value = match self {
                    $($domain::$value => $crate::proto::v1::$proto::$value,)+
                };
                value.into()
            }
        }
    };
}
pub(in crate::grpc) use proto_enum;

/// The same for an enum made of the table of attribution fields: each of its values has the name of
/// one of the proto behind the prefix, so that a new row needs no line here.
macro_rules! named_enum {
    ($domain:ident as $proto:ident, $prefix:literal) => {
        impl $crate::grpc::shared::enums::ProtoEnum for $domain {
            fn expected() -> String {
                $crate::grpc::shared::enums::expected_names(
                    $prefix,
                    &$domain::ALL.map($domain::as_str),
                )
            }

            fn from_number(number: i32) -> Option<$domain> {
                $domain::ALL.into_iter().find(|value| value.number() == number)
            }

            fn number(self) -> i32 {
                static NUMBERS: std::sync::LazyLock<[i32; $domain::COUNT]> =
                    std::sync::LazyLock::new(|| {
                        $domain::ALL.map(|value| {
                            let name = format!("{}_{}", $prefix, value.as_str().to_uppercase());
                            let known = $crate::proto::v1::$proto::from_str_name(&name);
                            known.expect("every row of the table has a value in the proto").into()
                        })
                    });
                NUMBERS[self as usize]
            }
        }
    };
}
pub(in crate::grpc) use named_enum;

/// What is expected where a value of an enum is: their names, without the prefix after the first.
pub(in crate::grpc) fn expected_names(prefix: &str, names: &[&str]) -> String {
    let names: Vec<String> = names.iter().map(|name| format!("_{}", name.to_uppercase())).collect();
    let (last, first) = names.split_last().expect("an enum has values");
    format!("expected {prefix}{} or {last}", first.join(", "))
}

proto_enum!(Role as Role { Operator, Admin, Service, Viewer, Holder }
    "expected ROLE_OPERATOR, ROLE_ADMIN, ROLE_SERVICE, ROLE_VIEWER or ROLE_HOLDER");
proto_enum!(ServiceTier as ServiceTier {
    Standard, Batch, Flex, Priority, Balanced, Ultrafast, Decisions
} "expected a ServiceTier that is known");
proto_enum!(UnitKind as UnitKind {
    WebSearch, ToolCall, Image, Page, Second, Character, Request, CacheStorageHour,
    CitationToken
} "expected a UnitKind that is known");
proto_enum!(UsageSource as UsageSource { Provider, Estimated }
    "expected a UsageSource that is known");
proto_enum!(Outcome as Outcome { Success, Error, Cancelled }
    "expected OUTCOME_SUCCESS, OUTCOME_ERROR or OUTCOME_CANCELLED");
proto_enum!(BudgetState as BudgetState { NoPlan, WithinPlan, InOverage, Exhausted }
    "expected a BudgetState that is known");
proto_enum!(LimitKind as LimitKind { Envelope, ModelLimit, Quota, RateLimit }
    "expected a LimitKind that is known");
proto_enum!(Enforcement as Enforcement { Hard, Soft, Downgrade, Shadow }
    "expected an Enforcement that is known");
proto_enum!(Unit as LimitUnit { Money, Tokens, Requests, UncachedTokens }
    "expected LIMIT_UNIT_MONEY, LIMIT_UNIT_TOKENS or LIMIT_UNIT_REQUESTS");
proto_enum!(Period as LimitPeriod {
    Hour, Day, Week, Month, Quarter, Year, Cycle, UntilReset, InFlight, Request,
} "expected LIMIT_PERIOD_HOUR, _DAY, _WEEK, _MONTH, _QUARTER, _YEAR, _CYCLE, _UNTIL_RESET, \
   _IN_FLIGHT or _REQUEST: a sliding window is for rate limits");
impl ProtoEnum for RateWindow {
    fn expected() -> String {
        "expected LIMIT_PERIOD_SLIDING_MINUTE, _SLIDING_HOUR or _SLIDING_DAY".to_owned()
    }

    fn from_number(number: i32) -> Option<RateWindow> {
        RateWindow::ALL.into_iter().find(|window| window.number() == number)
    }

    fn number(self) -> i32 {
        let period = match self {
            RateWindow::Minute => v1::LimitPeriod::SlidingMinute,
            RateWindow::Hour => v1::LimitPeriod::SlidingHour,
            RateWindow::Day => v1::LimitPeriod::SlidingDay,
        };
        period.into()
    }
}

named_enum!(SubjectKind as SubjectType, "SUBJECT_TYPE");
proto_enum!(AlertType as AlertType {
    Threshold, InOverage, Exhausted, FallbackBegan, UnpricedModel, HoldsExpired,
    CostDiffers, AnswerUnread, LargeRecord, Anomaly, StorageOutage,
} "expected an AlertType that is known");

impl Decoder<'_> {
    /// A value of an enum; nothing if it is unspecified.
    pub fn optional_enum<T: ProtoEnum>(self, number: i32) -> Option<T> {
        if number == 0 { None } else { self.required_enum(number) }
    }

    /// A value of an enum that must be specified.
    pub fn required_enum<T: ProtoEnum>(self, number: i32) -> Option<T> {
        let value = T::from_number(number);
        if value.is_none() {
            self.refuse(T::expected());
        }
        value
    }
}

#[cfg(test)]
mod tests {
    use super::super::decode::refused;
    use super::*;

    #[test]
    fn every_value_of_the_domain_comes_back_from_its_number() {
        for kind in SubjectKind::ALL {
            assert_eq!(SubjectKind::from_number(kind.number()), Some(kind));
        }
        for tier in
            [ServiceTier::Standard, ServiceTier::Batch, ServiceTier::Flex, ServiceTier::Priority]
        {
            assert_eq!(ServiceTier::from_number(tier.number()), Some(tier));
        }
    }

    #[test]
    fn unspecified_and_unknown_values_are_refused_where_one_is_required() {
        let fields = refused(|at| {
            assert_eq!(at.field("none").optional_enum::<Unit>(0), None);
            assert_eq!(at.field("known").optional_enum(2), Some(Unit::Tokens));
            assert_eq!(at.field("unknown").optional_enum::<Unit>(99), None);
            assert_eq!(at.field("missing").required_enum::<Unit>(0), None);
            // A model is a subject of verdicts only, a sliding window one of rate limits only.
            let model = v1::SubjectType::Model.into();
            assert_eq!(at.field("model").required_enum::<SubjectKind>(model), None);
            let sliding = v1::LimitPeriod::SlidingDay.into();
            assert_eq!(at.field("period").required_enum::<Period>(sliding), None);
        });
        assert_eq!(fields, ["unknown", "missing", "model", "period"]);
    }

    #[test]
    fn the_subjects_that_are_expected_are_spelt_as_in_the_proto() {
        assert_eq!(
            SubjectKind::expected(),
            "expected SUBJECT_TYPE_WORKSPACE, _DEPARTMENT, _USER, _API_KEY, _KEY_GROUP, _PROJECT, \
             _ASSISTANT, _WORKFLOW, _FEATURE, _SESSION, _PROVIDER or _TAG"
        );
    }
}
