//! Token counts by class: the fields of the proto `Usage`, declared once.

use super::decode::Decoder;
use crate::domain::usage::{TOKENS_MAX, TokenClass, Usage};
use crate::proto::v1;

macro_rules! usage_fields {
    ($($class:ident $field:ident),+ $(,)?) => {
        fn counts_of(usage: &v1::Usage) -> [(TokenClass, i64, &'static str); TokenClass::COUNT] {
            [$((TokenClass::$class, usage.$field, stringify!($field))),+]
        }

        pub fn usage_to_proto(usage: &Usage) -> v1::Usage {
            v1::Usage { $($field: usage.get(TokenClass::$class)),+ }
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

impl Decoder<'_> {
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
