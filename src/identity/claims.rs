//! Claims of a token, mapped to an identity by the rules of its issuer.

use std::sync::Arc;

use serde_json::{Map, Value};

use super::rules::{ClaimRule, Holding, WORKSPACE_CHARS_MAX, is_id};
use crate::domain::Time;
use crate::domain::access::{Holder, Identity};

/// Most values of a claim that are looked at.
const VALUES_MAX: usize = 1_000;

/// Who a token with these claims is, by the first rule that matches.
///
/// # Errors
/// If none does, or its claims are not what the rule expects of them.
pub fn identity(
    claims: &Map<String, Value>,
    rules: &[ClaimRule],
    name: Arc<str>,
    expire_time: Time,
) -> Result<Identity, String> {
    let rule = rules.iter().find(|rule| {
        rule.claims.iter().all(|(claim, expected)| values(claims, claim).contains(&&**expected))
    });
    let rule = rule.ok_or("no rule matches its claims")?;
    let mut workspace_ids = rule.workspace_ids.clone();
    if let Some(claim) = &rule.workspaces_claim {
        let ids = values(claims, claim);
        if let Some(id) = ids.iter().find(|id| !is_id(id, WORKSPACE_CHARS_MAX)) {
            return Err(format!("claim {claim}: {id:?} is not the id of a workspace"));
        }
        workspace_ids = ids.into_iter().map(Arc::from).collect();
        workspace_ids.sort_unstable();
        workspace_ids.dedup();
    }
    if let Some(expected) = rule.role.fault_of_workspaces(workspace_ids.len()) {
        let claim = rule.workspaces_claim.as_deref().unwrap_or_default();
        return Err(format!("claim {claim}: as workspaces {expected}"));
    }
    let holder = match &rule.holding {
        Holding::None => None,
        Holding::Of(holder) => Some(holder.clone()),
        Holding::Claim { kind, claim } => match *values(claims, claim) {
            [id] if is_id(id, super::rules::ID_CHARS_MAX) => {
                Some(Holder { kind: *kind, id: id.into() })
            }
            _ => return Err(format!("claim {claim}: expected one id of a user or API key")),
        },
    };
    Ok(Identity { name, role: rule.role, workspace_ids, holder, expire_time: Some(expire_time) })
}

/// The texts of a claim: one, or those of a list. A name with dots that is no claim itself is a
/// path through objects, such as `realm_access.roles`.
fn values<'a>(claims: &'a Map<String, Value>, name: &str) -> Vec<&'a str> {
    let found = claims.get(name).or_else(|| {
        let mut parts = name.split('.');
        let first = claims.get(parts.next()?)?;
        parts.try_fold(first, |value, part| value.as_object()?.get(part))
    });
    match found {
        Some(Value::String(text)) => vec![text],
        Some(Value::Array(items)) => {
            items.iter().take(VALUES_MAX).filter_map(Value::as_str).collect()
        }
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_claim_is_a_text_or_a_list_and_may_be_nested() {
        let claims = json!({
            "role": "admin",
            "groups": ["a", 1, "b"],
            "https://acme/roles": ["c"],
            "realm_access": { "roles": ["d"] },
            "realm.name": "e",
            "number": 7,
        });
        let claims = claims.as_object().unwrap();
        let read = |name: &str| values(claims, name);
        assert_eq!(read("role"), ["admin"]);
        assert_eq!(read("groups"), ["a", "b"]);
        assert_eq!(read("https://acme/roles"), ["c"]);
        assert_eq!(read("realm_access.roles"), ["d"]);
        assert_eq!(read("realm.name"), ["e"]);
        for none in ["", "Role", "number", "realm_access", "realm_access.roles.0", "role.x"] {
            assert!(read(none).is_empty(), "{none}");
        }
    }
}
