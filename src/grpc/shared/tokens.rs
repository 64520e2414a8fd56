//! Token counts by class: the fields of the proto `Usage`, declared once. Units and factors beside
//! them.

use super::decode::Decoder;
use crate::domain::catalog::is_factor_name;
use crate::domain::usage::{
    Extras, FACTORS_MAX, TOKENS_MAX, TokenClass, UNITS_MAX, UnitKind, Usage,
};
use crate::grpc::shared::enums::ProtoEnum;
use crate::proto::v1;

macro_rules! usage_fields {
    ($($class:ident $field:ident),+ $(,)?) => {
        fn counts_of(usage: &v1::Usage) -> [(TokenClass, i64, &'static str); TokenClass::COUNT] {
            [$((TokenClass::$class, usage.$field, stringify!($field))),+]
        }

        pub fn usage_to_proto(usage: &Usage) -> v1::Usage {
            v1::Usage { $($field: usage.get(TokenClass::$class),)+ units: Vec::new() }
        }
    };
}

usage_fields!(
    Input input_token_count,
    CacheRead cache_read_token_count,
    CacheWrite5m cache_write_5m_token_count,
    CacheWrite1h cache_write_1h_token_count,
    Output output_token_count,
    Reasoning reasoning_token_count,
    AudioInput audio_input_token_count,
    AudioOutput audio_output_token_count,
    ImageInput image_input_token_count,
    ImageOutput image_output_token_count,
);

pub fn units_to_proto(extras: Option<&Extras>) -> Vec<v1::UsageUnit> {
    let Some(extras) = extras else { return Vec::new() };
    let used = UnitKind::ALL.into_iter().filter(|kind| extras.get(*kind) != 0);
    used.map(|kind| v1::UsageUnit { kind: kind.number(), count: extras.get(kind) }).collect()
}

pub fn factors_to_proto(extras: Option<&Extras>) -> Vec<String> {
    let names = extras.map_or(&[][..], |extras| &extras.factors);
    names.iter().map(|name| name.to_string()).collect()
}

impl Decoder<'_> {
    /// Units and factors, of fields `units` here or in a message and `factors` in the request;
    /// absent if there are none, as mostly.
    pub fn extras(
        self,
        units_at: Decoder<'_>,
        units: &[v1::UsageUnit],
        factors: Vec<String>,
    ) -> Option<Box<Extras>> {
        if units.is_empty() && factors.is_empty() {
            return None;
        }
        let mut extras = Extras::default();
        if units.len() > UnitKind::COUNT {
            units_at.refuse(format!("expected at most {}", UnitKind::COUNT));
            return None;
        }
        for (index, unit) in units.iter().enumerate() {
            let at = units_at.item(index);
            let count = at.field("count").number(unit.count, 1..=UNITS_MAX);
            let Some(kind) = at.field("kind").required_enum(unit.kind) else { continue };
            at.field("kind").ensure(extras.get(kind) == 0, "expected each kind once");
            extras = extras.with(kind, count);
        }
        let expected = "expected 1 to 64 lower-case letters, digits and underscores";
        let factors = self.field("factors").each_of(factors, FACTORS_MAX, |at, name| {
            at.ensure(is_factor_name(name), expected);
        });
        extras.with_factors(factors).boxed()
    }

    /// A number of tokens.
    pub fn tokens(self, count: i64) -> i64 {
        self.number(count, 0..=TOKENS_MAX)
    }

    /// The counts of all classes, which are fields of one message.
    pub fn token_counts(self, usage: &v1::Usage) -> Usage {
        let mut counts = Usage::default();
        for (class, count, field) in counts_of(usage) {
            counts.set(class, self.field(field).tokens(count));
        }
        counts
    }

    pub fn usage(self, usage: &v1::Usage) -> Usage {
        let counts = self.token_counts(usage);
        if counts.tokens.iter().sum::<i64>() > TOKENS_MAX {
            self.refuse(format!("expected at most {TOKENS_MAX} tokens in all classes together"));
        }
        counts
    }
}
