//! Who uses it and for what, in a generated history.

use super::Options;
use super::luck::{Luck, Weights};
use crate::domain::Time;
use crate::domain::calendar::Window;
use crate::domain::time::{MICROS_PER_DAY, MICROS_PER_HOUR, MICROS_PER_MINUTE};
use crate::storage::directory::{Entry, EntryKind};

const DEPARTMENT_NAMES: [&str; 16] = [
    "Engineering",
    "Customer Support",
    "Sales",
    "Research",
    "Marketing",
    "Operations",
    "Finance",
    "Legal",
    "Product",
    "People",
    "Security",
    "Design",
    "Procurement",
    "Quality",
    "Logistics",
    "Facilities",
];
const FEATURE_NAMES: [&str; 8] =
    ["Chat", "Search", "Summary", "Draft", "Translation", "Extraction", "Code", "Classification"];
/// Projects there are.
const PROJECTS: usize = 20;
/// Share of users who sign up before the history begins.
const EARLY_SHARE: f64 = 0.6;
/// Share of users who never send a request.
const NEVER_SHARE: f64 = 0.08;
/// Share of users whom the directory has in no department.
const NO_DEPARTMENT_SHARE: f64 = 0.05;
/// Share of users who move to another department on the way.
const MOVE_SHARE: f64 = 0.02;
/// How long new users take until their first request: a bound, and the share of users below it.
const FIRST_REQUEST: [(i64, f64); 6] = [
    (MICROS_PER_HOUR, 0.30),
    (6 * MICROS_PER_HOUR, 0.48),
    (MICROS_PER_DAY, 0.66),
    (3 * MICROS_PER_DAY, 0.81),
    (7 * MICROS_PER_DAY, 0.91),
    (21 * MICROS_PER_DAY, 1.0),
];

/// All that usage is attributed to.
pub struct People {
    pub users: Vec<User>,
    pub departments: Vec<Named>,
    pub assistants: Vec<Named>,
    pub workflows: Vec<Named>,
    pub features: Vec<Named>,
    pub projects: Vec<Named>,
    /// How much each user asks for.
    pub activity: Weights,
}

/// An id and what people read.
pub struct Named {
    pub id: String,
    pub name: String,
}

pub struct User {
    pub named: Named,
    pub sign_up: Time,
    /// When the first request comes; none ever if absent.
    pub active_from: Option<Time>,
    department: Option<usize>,
    /// Another department from then on.
    moves: Option<(Time, usize)>,
}

impl People {
    pub fn new(options: &Options, span: Window, luck: &mut Luck) -> People {
        let departments: Vec<Named> = (0..options.departments)
            .map(|index| match DEPARTMENT_NAMES.get(index) {
                Some(name) => named_after(name),
                None => numbered("department", "Department", index, options.departments),
            })
            .collect();
        let sizes = Weights::falling(departments.len(), 0.7);
        let users: Vec<User> =
            (0..options.users).map(|index| user(index, options, span, &sizes, luck)).collect();
        let weights = users.iter().map(|user| match user.active_from {
            Some(_) => luck.log_normal(1.0, 1.0),
            None => 0.0,
        });
        let activity = Weights::of(weights);
        let many = |id: &str, name: &str, count| {
            (0..count).map(|index| numbered(id, name, index, count)).collect()
        };
        People {
            users,
            departments,
            assistants: many("assistant", "Assistant", options.assistants),
            workflows: many("workflow", "Workflow", options.workflows),
            features: FEATURE_NAMES.iter().map(|name| named_after(name)).collect(),
            projects: many("project", "Project", PROJECTS),
            activity,
        }
    }

    /// The department of a user at a time; empty for those who have none.
    pub fn department_of(&self, user: &User, time: Time) -> &str {
        let moved = user.moves.filter(|(from, _)| *from <= time).map(|(_, to)| to);
        moved.or(user.department).map_or("", |index| &self.departments[index].id)
    }

    /// As the directory knows them at the end.
    pub fn entries(&self, span: Window) -> Vec<Entry> {
        let mut entries = Vec::new();
        let kinds = [
            (EntryKind::Department, &self.departments),
            (EntryKind::Assistant, &self.assistants),
            (EntryKind::Workflow, &self.workflows),
            (EntryKind::Feature, &self.features),
            (EntryKind::Project, &self.projects),
        ];
        for (kind, all) in kinds {
            entries.extend(all.iter().map(|named| entry(kind, named, span.start)));
        }
        for user in &self.users {
            // Usage from before the history is not in the log: the directory was told of it.
            let early = user.active_from.filter(|time| *time < span.start);
            entries.push(Entry {
                department_id: self.department_of(user, span.end).to_owned(),
                external_id: format!("{}@example.com", user.named.id),
                sign_up_time: Some(user.sign_up),
                first_value_time: early,
                ..entry(EntryKind::User, &user.named, user.sign_up)
            });
        }
        entries
    }
}

fn user(index: usize, options: &Options, span: Window, sizes: &Weights, luck: &mut Luck) -> User {
    let length = span.end - span.start;
    // The first one is there from the beginning, so that there is always somebody.
    let is_first = index == 0;
    let is_early = is_first || luck.hits(EARLY_SHARE);
    let sign_up = match is_early {
        true => {
            let before = luck.between(30 * MICROS_PER_DAY, 400 * MICROS_PER_DAY);
            (span.start - before).max(Time::EARLIEST)
        }
        false => span.start + luck.between(0, length - 1),
    };
    let is_never = luck.hits(NEVER_SHARE) && !is_first;
    let first_request = sign_up + time_to_first_request(luck);
    // Who has not come by the end has not come.
    let active_from = Some(first_request).filter(|time| !is_never && *time < span.end);
    let department = sizes.draw(luck);
    let other = luck.below(options.departments);
    let moves = luck.hits(MOVE_SHARE).then(|| (span.start + luck.between(0, length), other));
    let has_department = !luck.hits(NO_DEPARTMENT_SHARE);
    User {
        named: numbered("user", "User", index, options.users),
        sign_up,
        active_from,
        department: has_department.then_some(department),
        moves: moves.filter(|_| has_department),
    }
}

fn time_to_first_request(luck: &mut Luck) -> i64 {
    let drawn = luck.share();
    let mut least = MICROS_PER_MINUTE;
    for (most, share) in FIRST_REQUEST {
        if drawn < share {
            return luck.between(least, most - 1);
        }
        least = most;
    }
    least
}

fn entry(kind: EntryKind, named: &Named, time: Time) -> Entry {
    Entry {
        kind,
        id: named.id.clone(),
        display_name: named.name.clone(),
        department_id: String::new(),
        external_id: String::new(),
        sign_up_time: None,
        first_value_time: None,
        create_time: time,
        update_time: time,
        archive_time: None,
    }
}

fn named_after(name: &str) -> Named {
    Named { id: name.to_lowercase().replace(' ', "-"), name: name.to_owned() }
}

/// With as many digits as the last of them needs.
fn numbered(id: &str, name: &str, index: usize, count: usize) -> Named {
    let number = index + 1;
    let width = count.to_string().len();
    Named { id: format!("{id}-{number:0width$}"), name: format!("{name} {number}") }
}
