//! The identity file: rules in TOML, read as a whole and checked before anything is let in.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use jsonwebtoken::Algorithm;
use serde::Deserialize;

use super::Error;
use super::jwks::KeySource;
use crate::domain::access::{Holder, Identity, Role};
use crate::domain::attribution::SubjectKind;
use crate::engine::alerts::address::AddressRules;

pub const WORKSPACE_CHARS_MAX: usize = 63;
pub const ID_CHARS_MAX: usize = 128;
const ISSUER_CHARS_MAX: usize = 255;
const LEEWAY_SECONDS: u32 = 30;
const LEEWAY_SECONDS_MAX: u32 = 300;

/// What the file says.
pub struct Rules {
    pub certificates: Vec<CertificateRule>,
    pub issuers: Vec<Arc<IssuerRules>>,
}

/// The identity of whom a certificate names.
pub struct CertificateRule {
    pub name: CertificateName,
    /// Without the expiry, which is that of the certificate.
    pub identity: Identity,
}

pub enum CertificateName {
    SpiffeId(String),
    Subject(String),
}

/// An identity provider.
pub struct IssuerRules {
    pub issuer: String,
    pub audiences: Vec<String>,
    pub algorithms: Vec<Algorithm>,
    pub leeway_seconds: u32,
    pub keys: KeySource,
    /// Which addresses its keys may have.
    pub address_rules: AddressRules,
    pub rules: Vec<ClaimRule>,
}

/// What a token with these claims stands for.
pub struct ClaimRule {
    /// Claims, and a value that each has or lists.
    pub claims: BTreeMap<String, String>,
    pub role: Role,
    pub workspace_ids: Vec<Arc<str>>,
    /// The claim with the workspaces, instead.
    pub workspaces_claim: Option<String>,
    pub holding: Holding,
}

/// Whose usage the role holder reads.
pub enum Holding {
    None,
    Of(Holder),
    /// Whom a claim names.
    Claim {
        kind: SubjectKind,
        claim: String,
    },
}

impl CertificateName {
    pub fn is_of(&self, spiffe_id: Option<&str>, subject: &str) -> bool {
        match self {
            CertificateName::SpiffeId(id) => spiffe_id == Some(id),
            CertificateName::Subject(text) => text == subject,
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    certificates: Vec<CertificateEntry>,
    #[serde(default)]
    issuers: Vec<IssuerEntry>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CertificateEntry {
    spiffe_id: Option<String>,
    subject: Option<String>,
    role: String,
    #[serde(default)]
    workspaces: Vec<String>,
    user: Option<String>,
    key: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct IssuerEntry {
    issuer: String,
    audiences: Vec<String>,
    algorithms: Option<Vec<String>>,
    leeway_seconds: Option<u32>,
    jwks_file: Option<PathBuf>,
    jwks_url: Option<String>,
    #[serde(default)]
    allow_loopback: bool,
    #[serde(default)]
    allow_private: bool,
    rules: Vec<ClaimEntry>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ClaimEntry {
    claims: BTreeMap<String, String>,
    role: String,
    #[serde(default)]
    workspaces: Vec<String>,
    workspaces_claim: Option<String>,
    user: Option<String>,
    key: Option<String>,
    user_claim: Option<String>,
    key_claim: Option<String>,
}

/// A field, and what was expected of it.
type Fault = (String, String);

fn fault<T>(field: impl Into<String>, expected: impl Into<String>) -> Result<T, Fault> {
    Err((field.into(), expected.into()))
}

impl Rules {
    /// # Errors
    /// At the first rule that is not as expected.
    pub fn parse(path: &Path, text: &str) -> Result<Rules, Error> {
        let file: File = toml::from_str(text).map_err(|error| Error::NotToml {
            path: path.to_owned(),
            message: error.to_string(),
        })?;
        let bad = |(field, expected)| Error::BadRule { path: path.to_owned(), field, expected };
        file.into_rules(path).map_err(bad)
    }
}

impl File {
    fn into_rules(self, path: &Path) -> Result<Rules, Fault> {
        let certificates = within("certificates", self.certificates, CertificateEntry::into_rule)?;
        let issuers = within("issuers", self.issuers, |entry| entry.into_rules(path))?;
        for (index, issuer) in issuers.iter().enumerate() {
            if issuers[..index].iter().any(|other: &IssuerRules| other.issuer == issuer.issuer) {
                return fault(format!("issuers[{index}].issuer"), "expected another: it is there");
            }
        }
        Ok(Rules { certificates, issuers: issuers.into_iter().map(Arc::new).collect() })
    }
}

/// Each entry of a list; faults are named by their places in it.
fn within<E, R>(
    list: &str,
    entries: Vec<E>,
    read: impl Fn(E) -> Result<R, Fault>,
) -> Result<Vec<R>, Fault> {
    let read = entries.into_iter().enumerate().map(|(index, entry)| {
        read(entry).map_err(|(field, expected)| (format!("{list}[{index}].{field}"), expected))
    });
    read.collect()
}

impl CertificateEntry {
    fn into_rule(self) -> Result<CertificateRule, Fault> {
        let (name, text) = match (self.spiffe_id, self.subject) {
            (Some(id), None) if id.starts_with("spiffe://") => {
                (CertificateName::SpiffeId(id.clone()), id)
            }
            (Some(_), None) => {
                return fault("spiffe_id", "expected an id that begins with spiffe://");
            }
            (None, Some(subject)) if subject.contains('=') => {
                (CertificateName::Subject(subject.clone()), subject)
            }
            (None, Some(_)) => {
                return fault("subject", "expected a name by RFC 4514, such as CN=gate,O=Acme");
            }
            _ => return fault("spiffe_id, subject", "expected one of both"),
        };
        let role = role(&self.role)?;
        let workspace_ids = workspaces(role, self.workspaces)?;
        let holder = holder(self.user, self.key)?;
        if let Some(expected) = role.fault_of_subject(holder.as_ref().map(|holder| holder.kind)) {
            return fault("user, key", expected);
        }
        let name_of = format!("certificate:{text}").into();
        let identity = Identity { name: name_of, role, workspace_ids, holder, expire_time: None };
        Ok(CertificateRule { name, identity })
    }
}

impl IssuerEntry {
    /// Paths are relative to the identity file.
    fn into_rules(self, path: &Path) -> Result<IssuerRules, Fault> {
        if !is_id(&self.issuer, ISSUER_CHARS_MAX) {
            return fault("issuer", "expected 1 to 255 characters, as in the claim iss");
        }
        if self.audiences.is_empty() || self.audiences.iter().any(String::is_empty) {
            return fault("audiences", "expected at least one, none of them empty");
        }
        let leeway_seconds = self.leeway_seconds.unwrap_or(LEEWAY_SECONDS);
        if leeway_seconds > LEEWAY_SECONDS_MAX {
            return fault("leeway_seconds", "expected 0 to 300");
        }
        let address_rules =
            AddressRules { allow_loopback: self.allow_loopback, allow_private: self.allow_private };
        let checked = |field: &str, url: String| match address_rules.check(&url) {
            Ok(_) => Ok(url),
            Err(expected) => fault(field, expected),
        };
        let keys = match (self.jwks_file, self.jwks_url) {
            (Some(file), None) => {
                KeySource::File(path.parent().map_or(file.clone(), |folder| folder.join(file)))
            }
            (None, Some(url)) => KeySource::Url(checked("jwks_url", url)?),
            (None, None) => KeySource::Discovery(checked("issuer", self.issuer.clone())?),
            (Some(_), Some(_)) => return fault("jwks_file, jwks_url", "expected at most one"),
        };
        if self.rules.is_empty() {
            return fault("rules", "expected at least one");
        }
        Ok(IssuerRules {
            issuer: self.issuer,
            audiences: self.audiences,
            algorithms: algorithms(self.algorithms)?,
            leeway_seconds,
            keys,
            address_rules,
            rules: within("rules", self.rules, ClaimEntry::into_rule)?,
        })
    }
}

/// RS256 unless others are named: that of OpenID Connect.
fn algorithms(names: Option<Vec<String>>) -> Result<Vec<Algorithm>, Fault> {
    let Some(names) = names else { return Ok(vec![Algorithm::RS256]) };
    let known = |name: &String| match name.as_str() {
        // A secret that both sides know would let every verifier make tokens.
        "HS256" | "HS384" | "HS512" => None,
        name => name.parse().ok(),
    };
    let algorithms: Option<Vec<Algorithm>> = names.iter().map(known).collect();
    match algorithms {
        Some(algorithms) if !algorithms.is_empty() => Ok(algorithms),
        _ => fault(
            "algorithms",
            "expected at least one of RS256, RS384, RS512, PS256, PS384, PS512, ES256, ES384 and \
             EdDSA",
        ),
    }
}

impl ClaimEntry {
    fn into_rule(self) -> Result<ClaimRule, Fault> {
        if self.claims.is_empty() {
            return fault(
                "claims",
                "expected at least one: not every token of an issuer is let in",
            );
        }
        let role = role(&self.role)?;
        let workspace_ids = match &self.workspaces_claim {
            None => workspaces(role, self.workspaces)?,
            Some(_) if role == Role::Operator || !self.workspaces.is_empty() => {
                return fault(
                    "workspaces_claim",
                    "expected none beside workspaces, or an operator",
                );
            }
            Some(_) => Vec::new(),
        };
        let claimed = match (self.user_claim, self.key_claim) {
            (Some(claim), None) => Some((SubjectKind::User, claim)),
            (None, Some(claim)) => Some((SubjectKind::ApiKey, claim)),
            (None, None) => None,
            _ => return fault("user_claim, key_claim", "expected at most one"),
        };
        let holding = match (holder(self.user, self.key)?, claimed) {
            (Some(holder), None) => Holding::Of(holder),
            (None, Some((kind, claim))) => Holding::Claim { kind, claim },
            (None, None) => Holding::None,
            _ => return fault("user, key, user_claim, key_claim", "expected at most one"),
        };
        let kind = match &holding {
            Holding::None => None,
            Holding::Of(holder) => Some(holder.kind),
            Holding::Claim { kind, .. } => Some(*kind),
        };
        if let Some(expected) = role.fault_of_subject(kind) {
            return fault("user, key, user_claim, key_claim", expected);
        }
        let workspaces_claim = self.workspaces_claim;
        Ok(ClaimRule { claims: self.claims, role, workspace_ids, workspaces_claim, holding })
    }
}

fn role(name: &str) -> Result<Role, Fault> {
    let found = Role::ALL.into_iter().find(|role| role.as_str() == name);
    let expected = || "expected operator, admin, service, viewer or holder".to_owned();
    found.ok_or_else(|| ("role".to_owned(), expected()))
}

/// Sorted, each once.
fn workspaces(role: Role, ids: Vec<String>) -> Result<Vec<Arc<str>>, Fault> {
    if let Some(expected) = role.fault_of_workspaces(ids.len()) {
        return fault("workspaces", expected);
    }
    if !ids.iter().all(|id| is_id(id, WORKSPACE_CHARS_MAX)) {
        return fault("workspaces", "expected ids of 1 to 63 characters");
    }
    let mut ids: Vec<Arc<str>> = ids.into_iter().map(Arc::from).collect();
    ids.sort_unstable();
    ids.dedup();
    Ok(ids)
}

fn holder(user: Option<String>, key: Option<String>) -> Result<Option<Holder>, Fault> {
    let (kind, id) = match (user, key) {
        (Some(id), None) => (SubjectKind::User, id),
        (None, Some(id)) => (SubjectKind::ApiKey, id),
        (None, None) => return Ok(None),
        _ => return fault("user, key", "expected at most one"),
    };
    if !is_id(&id, ID_CHARS_MAX) {
        return fault("user, key", "expected an id of 1 to 128 characters");
    }
    Ok(Some(Holder { kind, id: id.into() }))
}

/// Whether a text can be an id.
pub fn is_id(text: &str, max: usize) -> bool {
    let count = text.chars().take(max + 1).count();
    (1..=max).contains(&count) && !text.chars().any(char::is_control)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fault_of(text: &str) -> String {
        match Rules::parse(Path::new("i.toml"), text) {
            Ok(_) => "none".to_owned(),
            Err(Error::BadRule { field, .. }) => field,
            Err(other) => other.to_string().lines().last().unwrap().to_owned(),
        }
    }

    const CERTIFICATE: &str = "[[certificates]]\nspiffe_id = \"spiffe://a/b\"\nrole = \"service\"\n\
                               workspaces = [\"acme\"]\n";
    const ISSUER: &str = "[[issuers]]\nissuer = \"https://id.example\"\naudiences = [\"gate\"]\n\
                          [[issuers.rules]]\nclaims = { groups = \"finops\" }\nrole = \"viewer\"\n\
                          workspaces = [\"acme\"]\n";

    #[test]
    fn rules_that_cannot_be_meant_are_refused_by_their_names() {
        assert_eq!(fault_of(""), "none");
        assert_eq!(fault_of(&format!("{CERTIFICATE}{CERTIFICATE}{ISSUER}")), "none");
        let cases = [
            (CERTIFICATE, "spiffe://a/b", "a/b", "certificates[0].spiffe_id"),
            (CERTIFICATE, "spiffe_id", "subject", "certificates[0].subject"),
            (CERTIFICATE, "spiffe_id = \"spiffe://a/b\"", "", "certificates[0].spiffe_id, subject"),
            (CERTIFICATE, "\"service\"", "\"root\"", "certificates[0].role"),
            (CERTIFICATE, "\"service\"", "\"operator\"", "certificates[0].workspaces"),
            (CERTIFICATE, "\"service\"", "\"holder\"", "certificates[0].user, key"),
            (CERTIFICATE, "\"acme\"", "", "certificates[0].workspaces"),
            (CERTIFICATE, "\"acme\"", "\"\"", "certificates[0].workspaces"),
            (ISSUER, "https://id.example", "", "issuers[0].issuer"),
            (ISSUER, "https://id.example", "id.example", "issuers[0].issuer"),
            (ISSUER, "https://id.example", "https://10.0.0.1", "issuers[0].issuer"),
            (ISSUER, "https://id.example", "http://127.0.0.1", "issuers[0].issuer"),
            (ISSUER, "\"gate\"", "", "issuers[0].audiences"),
            (ISSUER, "\"gate\"", "\"\"", "issuers[0].audiences"),
            (ISSUER, "[[iss", "algorithms = [\"HS256\"]\n[[iss", "issuers[0].algorithms"),
            (ISSUER, "[[iss", "algorithms = [\"none\"]\n[[iss", "issuers[0].algorithms"),
            (ISSUER, "[[iss", "algorithms = []\n[[iss", "issuers[0].algorithms"),
            (ISSUER, "[[iss", "leeway_seconds = 301\n[[iss", "issuers[0].leeway_seconds"),
            (ISSUER, "groups = \"finops\"", "", "issuers[0].rules[0].claims"),
            (ISSUER, "\"viewer\"", "\"holder\"", HOLDING),
            (ISSUER, "role", "user_claim = \"sub\"\nrole", HOLDING),
            (ISSUER, "role", "user = \"a\"\nkey = \"b\"\nrole", "issuers[0].rules[0].user, key"),
            (ISSUER, "role", "workspaces_claim = \"w\"\nrole", WORKSPACES_CLAIM),
        ];
        for (text, before, after, field) in cases {
            // The first table alone has what comes before its rules.
            let at = text.rfind(before).unwrap();
            let changed = format!("{}{after}{}", &text[..at], &text[at + before.len()..]);
            assert_eq!(fault_of(&changed), field, "{changed}");
        }
        assert_eq!(fault_of(&format!("{ISSUER}{ISSUER}")), "issuers[1].issuer");
        let unknown = CERTIFICATE.replace("role", "rolle");
        assert!(fault_of(&unknown).contains("unknown field `rolle`"), "{}", fault_of(&unknown));
    }

    const HOLDING: &str = "issuers[0].rules[0].user, key, user_claim, key_claim";
    const WORKSPACES_CLAIM: &str = "issuers[0].rules[0].workspaces_claim";
}
