//! The methods of the API and their messages, by the descriptors that are compiled in: a call needs
//! neither generated code nor reflection of the server.

use std::sync::LazyLock;

use prost_reflect::{DescriptorPool, DynamicMessage, MethodDescriptor, SerializeOptions};
use serde_json::Value;
use tollgate::proto::DESCRIPTORS;

use crate::cli::Failure;

/// The package that names without one are in.
const PACKAGE: &str = "tollgate.v1";
/// Most names that an error proposes.
const NEAR_MAX: usize = 5;
/// In how many letters two names may differ that are near.
const EDITS_MAX: usize = 3;

static POOL: LazyLock<DescriptorPool> = LazyLock::new(|| {
    DescriptorPool::decode(DESCRIPTORS).expect("descriptors of the build can be read")
});

/// The method of a name: `BudgetService/GetBudget`, with or without the package, with a dot instead
/// of the slash, or the method alone, which is unique.
///
/// # Errors
/// If there is none; names some that were meant.
pub fn method(name: &str) -> Result<MethodDescriptor, Failure> {
    let plain = name.trim_start_matches('/').replace('/', ".");
    let plain = plain.strip_prefix(PACKAGE).map_or(&*plain, |rest| rest.trim_start_matches('.'));
    let (service, method) = plain.rsplit_once('.').unwrap_or(("", plain));
    let is_named = |found: &MethodDescriptor| {
        found.name() == method && (service.is_empty() || found.parent_service().name() == service)
    };
    methods().find(is_named).ok_or_else(|| {
        let near = near(&methods().map(|found| short_name(&found)).collect::<Vec<_>>(), method);
        let hint = match near.is_empty() {
            true => "`tollgate call --list` lists all".to_owned(),
            false => format!("did you mean {}?", near.join(", ")),
        };
        format!("{name}: expected SERVICE/METHOD, for example BudgetService/GetBudget; {hint}")
    })
}

/// Every method of the API, by service.
pub fn methods() -> impl Iterator<Item = MethodDescriptor> {
    let services = POOL.services().filter(|service| service.package_name() == PACKAGE);
    let mut services: Vec<_> = services.collect();
    services.sort_by(|a, b| a.name().cmp(b.name()));
    services.into_iter().flat_map(|service| service.methods().collect::<Vec<_>>())
}

/// `BudgetService/GetBudget`.
pub fn short_name(method: &MethodDescriptor) -> String {
    format!("{}/{}", method.parent_service().name(), method.name())
}

/// Names that have what was asked for as a part, or differ from it in few letters; nearest first.
fn near(names: &[String], asked: &str) -> Vec<String> {
    let asked = asked.to_lowercase();
    let mut found = Vec::new();
    for name in names {
        let method = name.rsplit('/').next().unwrap_or_default().to_lowercase();
        let is_part = !asked.is_empty() && method.contains(&asked);
        let distance = if is_part { 0 } else { edits(&method, &asked) };
        if distance <= EDITS_MAX {
            found.push((distance, name));
        }
    }
    found.sort();
    found.into_iter().take(NEAR_MAX).map(|(_, name)| name.clone()).collect()
}

/// How many letters have to be added, removed or replaced to make one text of the other.
fn edits(one: &str, other: &str) -> usize {
    let mut row: Vec<usize> = (0..=other.chars().count()).collect();
    for (index, letter) in one.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = index + 1;
        for (column, second) in other.chars().enumerate() {
            let replaced = diagonal + usize::from(letter != second);
            diagonal = row[column + 1];
            row[column + 1] = replaced.min(diagonal + 1).min(row[column] + 1);
        }
    }
    row.last().copied().unwrap_or_default()
}

/// Messages of a method's input in JSON texts that follow each other, each as protobuf's JSON.
///
/// # Errors
/// If a text is not such a message; names the field.
pub fn messages(method: &MethodDescriptor, text: &str) -> Result<Vec<DynamicMessage>, Failure> {
    let texts = serde_json::Deserializer::from_str(text).into_iter::<Value>();
    let mut messages = Vec::new();
    for value in texts {
        let value = value.map_err(|cause| format!("the request is not JSON: {cause}"))?;
        messages.push(message(method, value)?);
    }
    Ok(messages)
}

/// One message of a method's input.
///
/// # Errors
/// As [`messages`].
pub fn message(method: &MethodDescriptor, value: Value) -> Result<DynamicMessage, Failure> {
    let input = method.input();
    let name = input.name().to_owned();
    DynamicMessage::deserialize(input, value)
        .map_err(|cause| format!("the request is no {name}: {cause}"))
}

/// A message as protobuf's JSON, with the names of the proto; what has its default is left out.
///
/// # Errors
/// Never for messages of the API.
pub fn json(message: &DynamicMessage) -> Result<Value, Failure> {
    let options = SerializeOptions::new().use_proto_field_name(true);
    let value = message.serialize_with_options(serde_json::value::Serializer, &options);
    value.map_err(|cause| format!("the answer cannot be shown: {cause}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn methods_are_found_by_any_of_their_names() {
        for name in [
            "BudgetService/GetBudget",
            "tollgate.v1.BudgetService/GetBudget",
            "/tollgate.v1.BudgetService/GetBudget",
            "tollgate.v1.BudgetService.GetBudget",
            "BudgetService.GetBudget",
            "GetBudget",
        ] {
            let found = method(name).unwrap();
            assert_eq!(found.full_name(), "tollgate.v1.BudgetService.GetBudget", "{name}");
        }
    }

    #[test]
    fn a_name_that_is_none_is_refused_with_those_that_are_near() {
        let refusal = method("BudgetService/getbudget").unwrap_err();
        assert!(refusal.contains("did you mean BudgetService/GetBudget?"), "{refusal}");
        let refusal = method("QuotaService/CreatQuota").unwrap_err();
        assert!(refusal.contains("did you mean"), "{refusal}");
        assert!(refusal.contains("CreateQuota"), "{refusal}");
        let refusal = method("Nothing").unwrap_err();
        assert!(refusal.contains("tollgate call --list"), "{refusal}");
    }

    #[test]
    fn several_messages_follow_each_other_and_bad_ones_name_the_field() {
        let check = method("CheckAndRouteStream").unwrap();
        let two = r#"{"check": {"request_id": "a"}} {"check": {"requestId": "b"}}"#;
        assert_eq!(messages(&check, two).unwrap().len(), 2);
        let refusal = messages(&check, r#"{"chek": {}}"#).unwrap_err();
        assert!(refusal.contains("chek"), "{refusal}");
        let refusal = messages(&check, "{").unwrap_err();
        assert!(refusal.contains("not JSON"), "{refusal}");
    }
}
