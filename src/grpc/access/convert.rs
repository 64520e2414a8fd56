//! Requests of `AccessService`, and tokens and identities as protos.

use std::sync::Arc;

use crate::domain::Time;
use crate::domain::access::{AccessToken, Holder, Identity, Role, WORKSPACES_MAX};
use crate::domain::attribution::SubjectKind;
use crate::domain::time::{MICROS_PER_DAY, Micros};
use crate::engine::NewToken;
use crate::grpc::shared::decode::{Decoded, Decoder, decode};
use crate::grpc::shared::enums::ProtoEnum;
use crate::grpc::shared::subject::subject_to_proto;
use crate::grpc::shared::text::{WORKSPACE_ID_CHARS_MAX, non_empty};
use crate::grpc::shared::time::to_timestamp;
use crate::proto::v1;

/// How long the secret before a rotation is valid.
const OVERLAP_DEFAULT: Micros = MICROS_PER_DAY;
const OVERLAP_MAX: Micros = 30 * MICROS_PER_DAY;

pub fn create(request: v1::CreateTokenRequest, now: Time) -> Decoded<NewToken> {
    decode(|at| {
        let (at, token) = at.message("token", request.token)?;
        at.field("token_id").optional_new_id(&token.token_id);
        at.display_name(&token.display_name);
        let role = at.field("role").required_enum(token.role);
        let expire_time =
            token.expire_time.and_then(|time| at.field("expire_time").effective(time));
        let is_ahead = expire_time.is_none_or(|time| time > now);
        at.field("expire_time").ensure(is_ahead, "expected a time in the future");
        let workspace_ids = workspaces(at, role, token.workspace_ids);
        let holder = holder(at, role, token.subject);
        Some(NewToken {
            id: non_empty(token.token_id),
            display_name: token.display_name,
            role: role?,
            workspace_ids,
            holder,
            expire_time,
        })
    })
}

/// Sorted, each once.
fn workspaces(at: Decoder<'_>, role: Option<Role>, ids: Vec<String>) -> Vec<Arc<str>> {
    let at = at.field("workspace_ids");
    if let Some(expected) = role.and_then(|role| role.fault_of_workspaces(ids.len())) {
        at.refuse(expected);
        return Vec::new();
    }
    let ids = at.each_of(ids, WORKSPACES_MAX, |at, id| {
        at.text(id, 1..=WORKSPACE_ID_CHARS_MAX);
    });
    let mut ids: Vec<Arc<str>> = ids.into_iter().map(Arc::from).collect();
    ids.sort_unstable();
    ids.dedup();
    ids
}

/// The field `subject`.
fn holder(at: Decoder<'_>, role: Option<Role>, subject: Option<v1::Subject>) -> Option<Holder> {
    let at = at.field("subject");
    let subject = subject.map(|subject| {
        let kind: Option<SubjectKind> = at.field("type").required_enum(subject.r#type);
        (kind, subject.id)
    });
    let kind = match &subject {
        // What is wrong with it is said already.
        Some((None, _)) => return None,
        Some((kind, _)) => *kind,
        None => None,
    };
    if let Some(expected) = role?.fault_of_subject(kind) {
        at.refuse(expected);
        return None;
    }
    let (kind, id) = subject?;
    Some(Holder { kind: kind?, id: at.field("id").subject_id(kind?, &id).into() })
}

/// Token, and how long its secret before is valid.
pub fn rotate(request: v1::RotateTokenRequest) -> Decoded<(String, Micros)> {
    decode(|at| {
        at.field("token_id").resource_id(&request.token_id);
        let (at, expected) = (at.field("overlap"), "expected 0 to 30 days");
        let overlap = at.span(request.overlap, 0..=OVERLAP_MAX, expected, OVERLAP_DEFAULT);
        Some((request.token_id, overlap))
    })
}

pub fn revoke(request: v1::RevokeTokenRequest) -> Decoded<String> {
    decode(|at| {
        at.field("token_id").resource_id(&request.token_id);
        Some(request.token_id)
    })
}

pub fn token_to_proto(token: AccessToken) -> v1::Token {
    v1::Token {
        token_id: token.id.to_string(),
        display_name: token.display_name,
        role: token.role.number(),
        workspace_ids: texts(&token.workspace_ids),
        expire_time: token.expire_time.map(to_timestamp),
        create_time: Some(to_timestamp(token.create_time)),
        revoke_time: token.revoke_time.map(to_timestamp),
        old_secret_expire_time: token.old_secret.map(|(_, end)| to_timestamp(end)),
        last_use_time: token.last_use_time.map(to_timestamp),
        secret_create_time: Some(to_timestamp(token.secret_time)),
        subject: token.holder.as_ref().map(holder_to_proto),
    }
}

pub fn identity_to_proto(identity: &Identity) -> v1::WhoAmIResponse {
    v1::WhoAmIResponse {
        identity: identity.name.to_string(),
        role: identity.role.number(),
        workspace_ids: texts(&identity.workspace_ids),
        expire_time: identity.expire_time.map(to_timestamp),
        subject: identity.holder.as_ref().map(holder_to_proto),
    }
}

fn holder_to_proto(holder: &Holder) -> v1::Subject {
    subject_to_proto("", holder.kind, &holder.id)
}

fn texts(ids: &[Arc<str>]) -> Vec<String> {
    ids.iter().map(ToString::to_string).collect()
}
