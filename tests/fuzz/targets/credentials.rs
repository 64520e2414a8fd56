//! Credentials: any headers `authorization`, with secrets of tokens that are valid and of some that
//! are not.
//!
//! The first byte chooses the method; header values follow, apart by zero bytes. Some bytes stand for
//! a secret, for its beginning or for its end.

use std::sync::OnceLock;

use prost::Message;
use tollgate::domain::access::{Role, Secret, SecretHash};
use tollgate::proto::v1;
use tonic::metadata::{Ascii, MetadataValue};
use tonic::{Code, Status};

use super::first;
use super::prepared::{self, ACME, Credential, Prepared};
use crate::wire::{Method, methods};

const WHO_AM_I: &str = "/tollgate.v1.AccessService/WhoAmI";
/// Bytes that stand for all of a secret, for its beginning, and for its end.
const WHOLE: u8 = 0xf0;
const BEGINNING: u8 = 0xe0;
const END: u8 = 0xe8;
/// Characters of the beginning.
const CUT: usize = 20;

/// Calls that may be made for as long as one runs: those that are watched would wait.
fn calls() -> &'static [Method] {
    static CALLS: OnceLock<Vec<Method>> = OnceLock::new();
    CALLS.get_or_init(|| {
        let all = methods().into_iter();
        all.filter(|method| !method.path.contains("/Watch")).collect()
    })
}

pub fn run(bytes: &[u8]) {
    check_form(bytes);
    prepared::with(|prepared| {
        let (choice, rest) = first(bytes);
        let values = header_values(rest, &prepared.credentials);
        let Some(values) = values else { return };
        let expected = caller(&values, &prepared.credentials);
        match choice % 2 {
            0 => check_identity(prepared, &values, expected),
            _ => check_role(prepared, &calls()[choice / 2 % calls().len()], &values, expected),
        }
    });
}

/// None if HTTP has no such header.
fn header_values(bytes: &[u8], credentials: &[Credential]) -> Option<Vec<MetadataValue<Ascii>>> {
    let secret = |byte: u8| credentials[usize::from(byte & 7)].secret.expose().as_bytes();
    let mut values = Vec::new();
    for part in bytes.split(|byte| *byte == 0) {
        let mut value = Vec::new();
        for byte in part {
            match byte & 0xf8 {
                WHOLE => value.extend_from_slice(secret(*byte)),
                BEGINNING => value.extend_from_slice(&secret(*byte)[..CUT]),
                END => value.extend_from_slice(&secret(*byte)[CUT..]),
                _ => value.push(*byte),
            }
        }
        values.push(MetadataValue::try_from(value.as_slice()).ok()?);
    }
    Some(values)
}

/// Id and role of the token of a caller with these headers: one, with the scheme and a secret.
fn caller(values: &[MetadataValue<Ascii>], credentials: &[Credential]) -> Option<(String, Role)> {
    let [value] = values else { return None };
    let value = std::str::from_utf8(value.as_bytes()).ok()?;
    let (scheme, secret) = (value.get(..6)?, value.get(6..)?);
    if !scheme.eq_ignore_ascii_case("BEARER") || !secret.starts_with(' ') {
        return None;
    }
    let secret = secret.trim_start_matches(' ');
    let found = credentials.iter().find(|known| known.secret.expose() == secret)?;
    found.valid.clone()
}

fn check_identity(
    prepared: &mut Prepared,
    values: &[MetadataValue<Ascii>],
    expected: Option<(String, Role)>,
) {
    let answer = prepared.guarded.call(WHO_AM_I, values, Vec::new());
    let answer = prepared.runtime.block_on(answer);
    let Some((id, role)) = expected else { return check_refused(answer.err(), values) };
    let answer = answer.unwrap_or_else(|status| panic!("{values:?}: {status:?}"));
    let who = v1::WhoAmIResponse::decode(&*answer[0]).expect("an answer");
    assert_eq!(who.identity, format!("token:{id}"));
    assert!(who.role().as_str_name().ends_with(&role.as_str().to_uppercase()), "{who:?}");
}

/// The roles that may call a method are those of the table in docs/security.md.
fn check_role(
    prepared: &mut Prepared,
    method: &Method,
    values: &[MetadataValue<Ascii>],
    expected: Option<(String, Role)>,
) {
    let answer = prepared.guarded.call(&method.path, values, method.request(ACME));
    let status = prepared.runtime.block_on(answer).err();
    let Some((_, role)) = expected else { return check_refused(status, values) };
    let code = status.map_or(Code::Ok, |status| status.code());
    assert_ne!(code, Code::Unauthenticated, "{}", method.path);
    let is_denied = code == Code::PermissionDenied;
    assert_eq!(is_denied, !may(role, &method.path), "{role:?} {}", method.path);
}

fn may(role: Role, path: &str) -> bool {
    static TABLE: OnceLock<String> = OnceLock::new();
    let table = TABLE.get_or_init(tollgate::grpc::role_table);
    let name = path.trim_start_matches("/tollgate.v1.");
    let row = table.lines().find(|line| line.contains(&format!("| {name} |")));
    let cells: Vec<&str> = row.expect("each method has a row").split('|').map(str::trim).collect();
    cells[2 + role as usize] == "yes"
}

/// Without credentials the answer is always the same, and never has a secret.
fn check_refused(status: Option<Status>, values: &[MetadataValue<Ascii>]) {
    let status = status.unwrap_or_else(|| panic!("an answer without credentials: {values:?}"));
    let is_refused = matches!(status.code(), Code::Unauthenticated | Code::ResourceExhausted);
    assert!(is_refused, "{values:?}: {status:?}");
    assert!(!status.message().contains("tg_"), "{status:?}");
}

/// What is made is known again, and with one other character it is not.
fn check_form(bytes: &[u8]) {
    let mut random = [0; 32];
    let length = bytes.len().min(32);
    random[..length].copy_from_slice(&bytes[..length]);
    let secret = Secret::from_random(random);
    assert_eq!(Secret::parse(secret.expose()).as_ref(), Some(&secret));
    if let [.., place, character] = bytes {
        let mut text = secret.expose().as_bytes().to_vec();
        let place = usize::from(*place) % text.len();
        let is_other = text[place] != *character;
        text[place] = *character;
        let parsed = std::str::from_utf8(&text).ok().and_then(Secret::parse);
        assert_eq!(parsed.is_none(), is_other, "{text:?}");
    }
    let text = String::from_utf8_lossy(bytes);
    if let Some(parsed) = Secret::parse(&text) {
        assert_eq!(parsed.expose(), text);
    }
    if let Some(hash) = SecretHash::from_hex(&text) {
        assert_eq!(hash.to_hex(), text.to_ascii_lowercase());
    }
    assert_eq!(SecretHash::from_hex(&secret.hash().to_hex()), Some(secret.hash()));
}
