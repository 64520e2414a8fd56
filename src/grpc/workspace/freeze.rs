//! Requests about freezes, and freezes as protos.

use crate::domain::workspace::freeze::{Freeze, FrozenSubject, can_be_frozen};
use crate::engine::NewFreeze;
use crate::grpc::shared::decode::{Decoded, Decoder, decode};
use crate::grpc::shared::subject::subject_to_proto;
use crate::grpc::shared::time::to_timestamp;
use crate::proto::v1;

const REASON_CHARS_MAX: usize = 500;

pub fn freeze(request: v1::FreezeRequest) -> Decoded<(String, NewFreeze)> {
    decode(|at| {
        at.workspace_id(&request.workspace_id);
        let subject = subject(at, &request.workspace_id, request.subject.as_ref());
        at.field("reason").text(&request.reason, 1..=REASON_CHARS_MAX);
        let end_time = request.end_time.map(|time| at.field("end_time").instant(time));
        let end_time = end_time.flatten();
        Some((
            request.workspace_id,
            NewFreeze { subject: subject?, reason: request.reason, end_time },
        ))
    })
}

pub fn unfreeze(request: v1::UnfreezeRequest) -> Decoded<(String, FrozenSubject)> {
    decode(|at| {
        at.workspace_id(&request.workspace_id);
        let subject = subject(at, &request.workspace_id, request.subject.as_ref());
        Some((request.workspace_id, subject?))
    })
}

fn subject(
    at: Decoder<'_>,
    workspace_id: &str,
    subject: Option<&v1::Subject>,
) -> Option<FrozenSubject> {
    let (kind, id) = at.limit_subject(workspace_id, subject, false)?;
    let subject = at.field("subject");
    let expected = "expected no provider: disable its models instead";
    subject.field("type").ensure(can_be_frozen(kind), expected);
    Some(FrozenSubject { kind, id: id.unwrap_or_default().into() })
}

pub fn to_proto(workspace_id: &str, freeze: &Freeze) -> v1::Freeze {
    let Freeze { subject, reason, end_time, actor, create_time, update_time } = freeze;
    v1::Freeze {
        subject: Some(subject_to_proto(workspace_id, subject.kind, &subject.id)),
        reason: reason.clone(),
        end_time: end_time.map(to_timestamp),
        actor: actor.clone(),
        create_time: Some(to_timestamp(*create_time)),
        update_time: Some(to_timestamp(*update_time)),
    }
}

/// Where a freeze is in the list: pages go on after it.
pub fn position(freeze: &Freeze) -> String {
    let FrozenSubject { kind, id } = &freeze.subject;
    format!("{:02}{id}", *kind as u8)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::attribution::SubjectKind;

    #[test]
    fn positions_are_in_the_order_of_the_list() {
        let subject = |kind, id: &str| FrozenSubject { kind, id: id.into() };
        let mut subjects = vec![
            subject(SubjectKind::Tag, "a=b"),
            subject(SubjectKind::User, "b"),
            subject(SubjectKind::Workspace, ""),
            subject(SubjectKind::User, "a"),
        ];
        subjects.sort();
        let positions = subjects.into_iter().map(|subject| {
            let time = crate::domain::Time::EARLIEST;
            position(&Freeze {
                subject,
                reason: String::new(),
                end_time: None,
                actor: String::new(),
                create_time: time,
                update_time: time,
            })
        });
        assert!(positions.is_sorted());
    }
}
