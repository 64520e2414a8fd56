//! Entries of the directory for generated personas.

use tollgate::domain::Time;
use tollgate::domain::attribution::EntryKind;
use tollgate::domain::attribution::directory::Entry;
use tollgate::domain::time::calendar::Window;
use tollgate_lab::generate::personas::{Member, Personas};

/// The directory as it is at the end of the history.
///
/// Where that lies in the future, those who sign up later are left out.
pub fn entries(personas: &Personas, span: Window, now: Time) -> Vec<Entry> {
    let kinds = [
        (EntryKind::Department, &personas.departments),
        (EntryKind::Assistant, &personas.assistants),
        (EntryKind::Workflow, &personas.workflows),
        (EntryKind::Feature, &personas.features),
        (EntryKind::Project, &personas.projects),
    ];
    let mut entries = Vec::new();
    for (kind, subject_ids) in kinds {
        entries.extend(subject_ids.iter().map(|subject_id| entry(kind, subject_id, span.start)));
    }
    let end = span.end.micros();
    let signed_up = personas.users.iter().filter(|user| user.sign_up_time <= now.micros());
    for user in signed_up {
        let sign_up_time = time(user.sign_up_time);
        // Usage from before the history is not in the log: the directory says when it began.
        let early = user.active_from.map(time).filter(|time| *time < span.start);
        entries.push(Entry {
            department_id: personas.department_of(user, end).to_owned(),
            external_id: format!("{}@example.com", user.member.id),
            sign_up_time: Some(sign_up_time),
            first_value_time: early,
            ..entry(EntryKind::User, &user.member, sign_up_time)
        });
    }
    entries
}

/// Sign-ups may lie long before the first day.
fn time(micros: i64) -> Time {
    Time::from_micros(micros).max(Time::EARLIEST)
}

fn entry(kind: EntryKind, subject_id: &Member, time: Time) -> Entry {
    Entry {
        kind,
        id: subject_id.id.clone(),
        display_name: subject_id.display_name.clone(),
        department_id: String::new(),
        external_id: String::new(),
        sign_up_time: None,
        first_value_time: None,
        create_time: time,
        update_time: time,
        archive_time: None,
    }
}
