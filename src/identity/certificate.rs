//! Client certificates: their names, by which rules know them.

use std::fmt::Write as _;

use x509_parser::extensions::GeneralName;
use x509_parser::objects::{oid_registry, oid2abbrev};
use x509_parser::prelude::{FromDer, X509Certificate, X509Name};

use super::rules::CertificateRule;
use crate::domain::Time;
use crate::domain::access::Identity;
use crate::domain::time::MICROS_PER_SECOND;

const SPIFFE: &str = "spiffe://";

/// How rules may name a certificate.
#[derive(Debug, PartialEq, Eq)]
struct Names {
    /// Of a certificate with exactly one URI, as SPIFFE demands (X509-SVID, section 2).
    spiffe_id: Option<String>,
    /// As text by RFC 4514.
    subject: String,
    expire_time: Time,
}

/// Who has the certificate.
///
/// # Errors
/// If no rule names it: with how one could.
pub fn identity(der: &[u8], rules: &[CertificateRule]) -> Result<Identity, String> {
    let names = names(der).ok_or("it cannot be read")?;
    let rule =
        rules.iter().find(|rule| rule.name.is_of(names.spiffe_id.as_deref(), &names.subject));
    let Some(rule) = rule else {
        let id = names.spiffe_id.as_deref().unwrap_or_default();
        return Err(format!("no rule for spiffe_id {id:?}, subject {:?}", names.subject));
    };
    let mut identity = rule.identity.clone();
    identity.expire_time = Some(names.expire_time);
    Ok(identity)
}

fn names(der: &[u8]) -> Option<Names> {
    let (_, certificate) = X509Certificate::from_der(der).ok()?;
    let names = certificate.subject_alternative_name().ok()?;
    let names = names.map(|names| &*names.value.general_names).unwrap_or_default();
    let mut uris = names.iter().filter_map(|name| match name {
        GeneralName::URI(uri) => Some(*uri),
        _ => None,
    });
    let spiffe_id = match (uris.next(), uris.next()) {
        (Some(uri), None) if uri.starts_with(SPIFFE) => Some(uri.to_owned()),
        _ => None,
    };
    let seconds = certificate.validity().not_after.timestamp();
    // Beyond what times are, as far as anybody can tell, it never expires.
    let micros = seconds.checked_mul(MICROS_PER_SECOND)?.min(Time::LATEST.micros());
    let expire_time = Time::from_micros(micros);
    Some(Names { spiffe_id, subject: subject(certificate.subject())?, expire_time })
}

/// The text of a name by RFC 4514: the last part first.
fn subject(name: &X509Name<'_>) -> Option<String> {
    let mut text = String::new();
    let parts: Vec<_> = name.iter_rdn().collect();
    for part in parts.into_iter().rev() {
        if !text.is_empty() {
            text.push(',');
        }
        for (index, attribute) in part.iter().enumerate() {
            if index > 0 {
                text.push('+');
            }
            let kind = attribute.attr_type();
            match oid2abbrev(kind, oid_registry()) {
                Ok(short) => text.push_str(short),
                Err(_) => text.push_str(&kind.to_id_string()),
            }
            text.push('=');
            escape(attribute.as_str().ok()?, &mut text);
        }
    }
    Some(text)
}

/// By section 2.4.
fn escape(value: &str, text: &mut String) {
    let last = value.chars().count().saturating_sub(1);
    for (index, character) in value.chars().enumerate() {
        let is_outer_space = character == ' ' && (index == 0 || index == last);
        let is_leading_sign = character == '#' && index == 0;
        if is_outer_space || is_leading_sign || "\"+,;<>\\".contains(character) {
            text.push('\\');
            text.push(character);
        } else if character.is_control() {
            let mut bytes = [0; 4];
            for byte in character.encode_utf8(&mut bytes).bytes() {
                let _ = write!(text, "\\{byte:02X}");
            }
        } else {
            text.push(character);
        }
    }
}

#[cfg(test)]
mod tests {
    use rcgen::string::Ia5String;
    use rcgen::{CertificateParams, DnType, KeyPair, SanType};

    use super::*;

    fn made(params: CertificateParams) -> Names {
        let certificate = params.self_signed(&KeyPair::generate().unwrap()).unwrap();
        names(certificate.der()).unwrap()
    }

    fn uris(uris: &[&str]) -> CertificateParams {
        let mut params = CertificateParams::default();
        let name = |uri: &&str| SanType::URI(Ia5String::try_from(*uri).unwrap());
        params.subject_alt_names = uris.iter().map(name).collect();
        params
    }

    #[test]
    fn a_spiffe_id_is_the_only_uri() {
        let id = "spiffe://example.org/ns/agents/sa/support";
        assert_eq!(made(uris(&[id])).spiffe_id.as_deref(), Some(id));
        for others in [&[] as &[&str], &["https://example.org"], &[id, id], &[id, "urn:x"]] {
            assert_eq!(made(uris(others)).spiffe_id, None, "{others:?}");
        }
        assert!(names(b"no certificate").is_none());
    }

    #[test]
    fn a_subject_is_written_by_rfc_4514() {
        let mut params = CertificateParams::default();
        let name = &mut params.distinguished_name;
        *name = rcgen::DistinguishedName::new();
        name.push(DnType::CountryName, "AT");
        name.push(DnType::OrganizationName, "Acme, \"Söhne\" + Co");
        name.push(DnType::CommonName, "#gate ");
        let found = made(params);
        assert_eq!(found.subject, "CN=\\#gate\\ ,O=Acme\\, \\\"Söhne\\\" \\+ Co,C=AT");
        let mut line = String::new();
        escape("a\nb", &mut line);
        assert_eq!(line, "a\\0Ab");
    }
}
