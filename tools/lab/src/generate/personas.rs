//! Personas of a generated history: its users and everything else that usage is attributed to.

use rand::RngExt;
use rand::distr::weighted::WeightedIndex;
use rand::rngs::StdRng;
use rand_distr::{Distribution, Zipf};

use super::{DAY, HOUR, MINUTE, Micros, Spec, log_normal, names};

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
const PROJECTS: usize = 20;
/// How unequal departments are in size: the exponent of Zipf's law.
const DEPARTMENT_EXPONENT: f64 = 0.7;
/// How unequal users are in activity: standard deviation of the logarithm.
const ACTIVITY_DEVIATION: f64 = 1.0;
/// Users who signed up before the history begins.
const EARLY_PROBABILITY: f64 = 0.6;
/// When they did: at least and at most so long before.
const EARLY: (Micros, Micros) = (30 * DAY, 400 * DAY);
/// Users who never send a request.
const INACTIVE_PROBABILITY: f64 = 0.08;
/// Users without a department in the directory.
const NO_DEPARTMENT_PROBABILITY: f64 = 0.05;
/// Users who move to another department during the history.
const MOVE_PROBABILITY: f64 = 0.02;
/// How long users take from sign-up to their first request: a bound, and the share of users below
/// it.
const FIRST_REQUEST: [(Micros, f64); 6] = [
    (HOUR, 0.30),
    (6 * HOUR, 0.48),
    (DAY, 0.66),
    (3 * DAY, 0.81),
    (7 * DAY, 0.91),
    (21 * DAY, 1.0),
];

/// Everything that usage is attributed to.
pub struct Personas {
    pub users: Vec<User>,
    pub departments: Vec<Member>,
    pub assistants: Vec<Member>,
    pub workflows: Vec<Member>,
    pub features: Vec<Member>,
    pub projects: Vec<Member>,
    /// Draws a user, by activity.
    pub(super) activity: WeightedIndex<f64>,
}

/// An entry of the directory.
pub struct Member {
    pub id: String,
    pub display_name: String,
}

pub struct User {
    pub member: Member,
    pub sign_up_time: Micros,
    /// Time of the first request; absent for users without any.
    pub active_from: Option<Micros>,
    department: Option<usize>,
    /// The department from a time on.
    transfer: Option<(Micros, usize)>,
}

impl Personas {
    pub(super) fn new(spec: &Spec, rng: &mut StdRng) -> Personas {
        let departments: Vec<Member> = (0..spec.departments)
            .map(|index| match DEPARTMENT_NAMES.get(index) {
                Some(name) => named(name),
                None => numbered("Department", index, spec.departments),
            })
            .collect();
        let sizes = Zipf::new(departments.len() as f64, DEPARTMENT_EXPONENT);
        let sizes = sizes.expect("there is at least one department");
        let users: Vec<User> =
            (0..spec.users).map(|index| user(index, spec, &sizes, rng)).collect();
        let activity = log_normal(1.0, ACTIVITY_DEVIATION);
        let weights = users.iter().map(|user| match user.active_from {
            Some(_) => activity.sample(rng),
            None => 0.0,
        });
        let all = |name: &str, count| -> Vec<Member> {
            (0..count).map(|index| member(name, index, count, spec.named)).collect()
        };
        Personas {
            activity: WeightedIndex::new(weights).expect("the first user is active"),
            users,
            departments,
            assistants: all("Assistant", spec.assistants),
            workflows: all("Workflow", spec.workflows),
            features: FEATURE_NAMES.into_iter().map(named).collect(),
            projects: all("Project", PROJECTS),
        }
    }

    /// The department of a user at a time; empty for users without one.
    pub fn department_of(&self, user: &User, time: Micros) -> &str {
        let transfer = user.transfer.filter(|(from, _)| *from <= time).map(|(_, to)| to);
        transfer.or(user.department).map_or("", |index| &self.departments[index].id)
    }
}

fn user(index: usize, spec: &Spec, sizes: &Zipf<f64>, rng: &mut StdRng) -> User {
    let (start, end) = spec.span();
    // The first one is active from the beginning, so that there is always an active user.
    let is_first = index == 0;
    let is_early = rng.random_bool(EARLY_PROBABILITY) || is_first;
    let sign_up_time = match is_early {
        true => start - rng.random_range(EARLY.0..=EARLY.1),
        false => rng.random_range(start..end),
    };
    let is_inactive = rng.random_bool(INACTIVE_PROBABILITY) && !is_first;
    let first_request = sign_up_time + time_to_first_request(rng);
    let department = sizes.sample(rng) as usize - 1;
    let transfer = (rng.random_range(start..=end), rng.random_range(0..spec.departments));
    let moves = rng.random_bool(MOVE_PROBABILITY);
    let has_department = !rng.random_bool(NO_DEPARTMENT_PROBABILITY);
    User {
        member: member("User", index, spec.users, spec.named),
        sign_up_time,
        active_from: Some(first_request).filter(|time| !is_inactive && *time < end),
        department: has_department.then_some(department),
        transfer: (has_department && moves).then_some(transfer),
    }
}

fn time_to_first_request(rng: &mut StdRng) -> Micros {
    let drawn = rng.random::<f64>();
    let mut from = MINUTE;
    for (to, share) in FIRST_REQUEST {
        if drawn < share {
            return rng.random_range(from..to);
        }
        from = to;
    }
    from
}

/// With a name as in life if that is asked for, and there is one.
fn member(kind: &str, index: usize, count: usize, is_named: bool) -> Member {
    let name = names::name(kind, index).filter(|_| is_named);
    name.map_or_else(
        || numbered(kind, index, count),
        |name| match kind {
            "User" => Member { id: name.to_lowercase().replace(' ', "."), display_name: name },
            _ => named(&name),
        },
    )
}

fn named(name: &str) -> Member {
    Member { id: name.to_lowercase().replace(' ', "-"), display_name: name.to_owned() }
}

/// With as many digits as the last one needs.
fn numbered(name: &str, index: usize, count: usize) -> Member {
    let number = index + 1;
    let width = count.to_string().len();
    let id = format!("{}-{number:0width$}", name.to_lowercase());
    Member { id, display_name: format!("{name} {number}") }
}
