//! Records of the usage log as rows.

use std::borrow::Cow;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::domain::Amount;
use crate::domain::record::{Given, KeptAnswer, Record};
use crate::domain::usage::{Extras, Note, ReportedCost, TokenClass, UnitKind, Usage};
use crate::storage::sql::row::{
    Column, Columns, FromRow, Kind, OrEmpty, Reader, Value, decoded, from_json, row, to_json,
};
use crate::storage::sql::table::Table;
use crate::storage::{Error, Result};

pub static RECORDS: Table<Record> = Table::new("usage_records", &["seq"]);

row! {
    Record {
        seq,
        workspace_id,
        request_id,
        attempt,
        revision,
        kind,
        model_id,
        metered_model_id,
        tier,
        usage,
        extras as ExtrasText,
        outcome,
        source,
        cost = "cost_nanos",
        unpriced,
        price_id as OrEmpty,
        exchange_rate = "exchange_rate_nanos",
        charge_time,
        hour,
        start_time,
        record_time,
        latency,
        fingerprint,
        attribution,
        key_group_id,
        day,
        answer as AnswerText,
        start_time_adjusted,
        large_above = "large_above_nanos" as OrZero,
    }
}

/// An absent amount as zero: an entry that is not large.
struct OrZero;

impl OrZero {
    const KIND: Kind = Kind::Int;

    fn value(amount: &Option<Amount>) -> Value<'static> {
        Value::Int(amount.map_or(0, Amount::nanos))
    }

    fn read<'r>(reader: &mut impl Reader<'r>) -> Result<Option<Amount>> {
        let nanos: i64 = reader.get()?;
        Ok((nanos != 0).then(|| Amount::from_nanos(nanos)))
    }
}

row! { Usage { tokens } }

/// The columns of token counts, of a record as of a bucket, in the order of [`TokenClass`].
pub const TOKEN_COLUMNS: [&str; TokenClass::COUNT] = [
    "input",
    "cache_read",
    "cache_write_5m",
    "cache_write_1h",
    "output",
    "reasoning",
    "audio_input",
    "audio_output",
    "image_input",
    "image_output",
];

/// Tokens of all classes together.
pub fn all_tokens() -> String {
    TOKEN_COLUMNS.join(" + ")
}

impl FromRow for [i64; TokenClass::COUNT] {
    fn read<'r>(reader: &mut impl Reader<'r>) -> Result<Self> {
        let mut tokens = [0; TokenClass::COUNT];
        for count in &mut tokens {
            *count = reader.get()?;
        }
        Ok(tokens)
    }
}

impl Columns for [i64; TokenClass::COUNT] {
    fn columns(_name: &'static str, columns: &mut Vec<Column>) {
        columns.extend(TOKEN_COLUMNS.map(|name| Column { name, kind: Kind::Int }));
    }

    fn write<'a>(&'a self, values: &mut Vec<Value<'a>>) {
        values.extend(self.map(Value::Int));
    }
}

/// [`KeptAnswer`] as JSON; the empty text where there is none.
struct AnswerText;

#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct AnswerForm<'a> {
    #[serde(default, skip_serializing_if = "str::is_empty")]
    provider: Cow<'a, str>,
    json: Cow<'a, str>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    flags: Vec<String>,
    /// Model, and counts by class.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    others: Vec<(String, [i64; TokenClass::COUNT])>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    unread: bool,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    contexts: Vec<String>,
    /// Whether the caller named the provider.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    given_provider: bool,
    /// Code of the tier that it gave.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    given_tier: Option<i64>,
    /// What else it gave.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    given: Option<ExtrasForm>,
}

impl AnswerText {
    const KIND: Kind = Kind::Text;

    fn value(answer: &Option<Box<KeptAnswer>>) -> Value<'static> {
        let Some(answer) = answer else { return Value::Text("") };
        Value::Owned(to_json(&AnswerForm {
            provider: Cow::Borrowed(&answer.provider),
            json: Cow::Borrowed(&answer.json),
            flags: answer.flags.clone(),
            others: answer.others.iter().map(|(id, usage)| (id.clone(), usage.tokens)).collect(),
            unread: answer.is_unread,
            contexts: answer.context_ids.clone(),
            given_provider: answer.given.provider,
            given_tier: answer.given.tier.map(|tier| tier as i64),
            given: answer.given.extras.as_deref().map(ExtrasForm::of),
        }))
    }

    fn read<'r>(reader: &mut impl Reader<'r>) -> Result<Option<Box<KeptAnswer>>> {
        let text = reader.str()?;
        if text.is_empty() {
            return Ok(None);
        }
        let form: AnswerForm<'_> = from_json(text)?;
        Ok(Some(Box::new(KeptAnswer {
            provider: form.provider.into_owned(),
            json: form.json.into_owned(),
            flags: form.flags,
            others: form.others.into_iter().map(|(id, tokens)| (id, Usage { tokens })).collect(),
            is_unread: form.unread,
            context_ids: form.contexts,
            given: Given {
                provider: form.given_provider,
                tier: form.given_tier.map(decoded).transpose()?,
                extras: form.given.map(ExtrasForm::into_extras).transpose()?.map(Box::new),
            },
        })))
    }
}

/// [`Extras`] as JSON; the empty text where there are none.
struct ExtrasText;

/// What there is not is left out.
#[derive(Default, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
struct ExtrasForm {
    /// Code of the kind, and count; the kinds that there are.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    units: Vec<(i64, i64)>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    factors: Vec<Arc<str>>,
    /// Amount, currency, converted, computed, and whether it is charged.
    #[serde(skip_serializing_if = "Option::is_none")]
    reported: Option<(i64, String, Option<i64>, i64, bool)>,
    /// Reason, reference and actor.
    #[serde(skip_serializing_if = "Option::is_none")]
    note: Option<(String, String, String)>,
}

impl ExtrasText {
    const KIND: Kind = Kind::Text;

    fn value(extras: &Option<Box<Extras>>) -> Value<'static> {
        let Some(extras) = extras else { return Value::Text("") };
        Value::Owned(to_json(&ExtrasForm::of(extras)))
    }

    fn read<'r>(reader: &mut impl Reader<'r>) -> Result<Option<Box<Extras>>> {
        let text = reader.str()?;
        if text.is_empty() {
            return Ok(None);
        }
        let form: ExtrasForm = from_json(text)?;
        Ok(Some(Box::new(form.into_extras()?)))
    }
}

impl ExtrasForm {
    fn of(extras: &Extras) -> ExtrasForm {
        let units = UnitKind::ALL.into_iter().filter(|kind| extras.get(*kind) != 0);
        ExtrasForm {
            units: units.map(|kind| (kind as i64, extras.get(kind))).collect(),
            factors: extras.factors.clone(),
            reported: extras.reported.as_ref().map(|reported| {
                let (amount, computed) = (reported.amount.nanos(), reported.computed.nanos());
                let converted = reported.converted.map(Amount::nanos);
                (amount, reported.currency.to_string(), converted, computed, reported.is_charged)
            }),
            note: extras.note.as_ref().map(|note| {
                let Note { reason, reference, actor } = note.clone();
                (reason, reference, actor)
            }),
        }
    }

    fn into_extras(self) -> Result<Extras> {
        let note = |(reason, reference, actor)| Note { reason, reference, actor };
        let (factors, note) = (self.factors, self.note.map(note));
        let reported = self.reported.map(reported_cost).transpose()?;
        let mut extras = Extras { factors, reported, note, ..Extras::default() };
        for (code, count) in self.units {
            extras = extras.with(decoded::<UnitKind>(code)?, count);
        }
        Ok(extras)
    }
}

fn reported_cost(
    (amount, currency, converted, computed, is_charged): (i64, String, Option<i64>, i64, bool),
) -> Result<ReportedCost> {
    let corrupt = || Error::Corrupt(format!("{currency} is not a currency"));
    Ok(ReportedCost {
        amount: Amount::from_nanos(amount),
        currency: currency.parse().map_err(|_| corrupt())?,
        converted: converted.map(Amount::from_nanos),
        computed: Amount::from_nanos(computed),
        is_charged,
    })
}
