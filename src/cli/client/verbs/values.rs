//! Parts of answers in JSON, as a person reads them.

use std::str::FromStr;

use rust_decimal::Decimal;
use serde_json::{Value, json};
use tollgate::proto::v1::SubjectType;

/// Other words for types of subjects.
const SHORT: [(&str, &str); 2] = [("key", "api_key"), ("group", "key_group")];
const CENTS: u32 = 2;
const PARTS_OF_CENTS: u32 = 4;

/// The part at a path; null if it is not there.
pub fn at<'a>(value: &'a Value, path: &str) -> &'a Value {
    let mut found = value;
    for name in path.split('.') {
        found = found.get(name).unwrap_or(&Value::Null);
    }
    found
}

/// A text or a number, as text; empty if it is not there.
pub fn text(value: &Value, path: &str) -> String {
    match at(value, path) {
        Value::String(text) => text.clone(),
        Value::Number(number) => number.to_string(),
        Value::Bool(flag) => flag.to_string(),
        _ => String::new(),
    }
}

pub fn list<'a>(value: &'a Value, path: &str) -> &'a [Value] {
    at(value, path).as_array().map_or(&[], Vec::as_slice)
}

pub fn flag(value: &Value, path: &str) -> bool {
    at(value, path).as_bool().unwrap_or_default()
}

/// A count, which protobuf's JSON has as a text; 0 if it is not there.
pub fn count(value: &Value, path: &str) -> i64 {
    text(value, path).parse().unwrap_or_default()
}

/// An amount without its currency, rounded for people; empty if it is not there.
pub fn amount(value: &Value, path: &str) -> String {
    let amount = at(value, path);
    let Ok(exact) = Decimal::from_str(&text(amount, "amount")) else { return String::new() };
    let decimals = if exact.abs() < Decimal::ONE { PARTS_OF_CENTS } else { CENTS };
    let rounded = exact.round_dp(decimals).normalize();
    format!("{rounded:.*}", rounded.scale().max(CENTS) as usize)
}

/// A share as a percentage.
pub fn percent(value: &Value, path: &str) -> String {
    let share = at(value, path).as_f64().unwrap_or_default();
    format!("{:.1} %", share * 100.0)
}

/// A value of an enum without the prefix of its type, in lower case: `BUDGET_STATE_WITHIN_PLAN` as
/// "within plan".
pub fn word(value: &Value, path: &str, prefix: &str) -> String {
    let name = text(value, path);
    name.strip_prefix(prefix).unwrap_or(&name).to_lowercase().replace('_', " ")
}

/// A subject for people: `user ada`, `each user`.
pub fn subject_text(value: &Value, path: &str, each: bool) -> String {
    let kind = word(value, &format!("{path}.type"), "SUBJECT_TYPE_");
    let id = text(value, &format!("{path}.id"));
    let each = if each { "each " } else { "" };
    format!("{each}{kind} {id}").trim_end().to_owned()
}

/// A subject as a command line has it: its type, and its id where it is one subject.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subject {
    kind: SubjectType,
    pub id: String,
}

impl Subject {
    pub fn to_json(&self) -> Value {
        json!({ "type": self.kind.as_str_name(), "id": self.id })
    }

    /// Whether every subject of the type is meant.
    pub fn is_each(&self) -> bool {
        self.id.is_empty() && self.kind != SubjectType::Workspace
    }
}

/// `user:ada`, `tag:team=search`, `workspace`; without an id each subject of the type.
pub fn subject(given: &str) -> Result<Subject, String> {
    let (kind, id) = given.split_once(':').unwrap_or((given, ""));
    let kind = kind.to_lowercase().replace('-', "_");
    let kind = SHORT.iter().find(|(short, _)| *short == kind).map_or(&*kind, |(_, long)| long);
    let known = SubjectType::from_str_name(&format!("SUBJECT_TYPE_{}", kind.to_uppercase()));
    let known = known.filter(|kind| ![SubjectType::Unspecified, SubjectType::Model].contains(kind));
    let kind = known.ok_or_else(|| {
        "expected TYPE:ID, for example user:ada, department:sales, key:build or workspace"
            .to_owned()
    })?;
    match given.ends_with(':') {
        true => Err("expected an id after the colon; without a colon each is meant".to_owned()),
        false => Ok(Subject { kind, id: id.to_owned() }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_rounded_for_people() {
        for (exact, shown) in [
            ("12", "12.00"),
            ("12.5", "12.50"),
            ("1234.565", "1234.56"),
            ("0.000123456", "0.0001"),
            ("0.25", "0.25"),
            ("-0.125", "-0.125"),
        ] {
            let value = json!({ "spent": { "amount": exact, "currency_code": "EUR" } });
            assert_eq!(amount(&value, "spent"), shown, "{exact}");
        }
        assert_eq!(amount(&json!({}), "spent"), "");
    }

    #[test]
    fn subjects_are_named_by_type_and_id() {
        let ada = subject("user:ada").unwrap();
        assert_eq!(ada.to_json(), json!({ "type": "SUBJECT_TYPE_USER", "id": "ada" }));
        assert_eq!(subject("key:a:b").unwrap().id, "a:b");
        assert!(subject("key-group").unwrap().is_each() && !ada.is_each());
        assert!(!subject("workspace").unwrap().is_each());
        for given in ["", "ada", "user:", "model:x", "unspecified"] {
            assert!(subject(given).is_err(), "{given}");
        }
    }
}
