//! What holds for every generated history, and that its shares are those of the constants.

use std::collections::{HashMap, HashSet};

use super::event::{Event, Outcome, Refusal};
use super::history::History;
use super::{DAY, HOUR, LocalDay, Spec};

/// A Monday.
const START: i64 = 1_772_409_600_000_000;

fn spec(records: usize, users: usize) -> Spec {
    let day = |index| LocalDay {
        start: START + index * DAY,
        end: START + (index + 1) * DAY,
        is_weekend: index % 7 >= 5,
    };
    Spec {
        records,
        days: (0..28).map(day).collect(),
        users,
        departments: 20,
        assistants: 10,
        workflows: 5,
        models: 30,
        named: false,
        seed: 7,
    }
}

fn events(spec: &Spec) -> Vec<Event> {
    History::new(spec).flatten().collect()
}

#[test]
fn the_same_seed_gives_the_same_history() {
    let first = events(&spec(3_000, 40));
    assert_eq!(events(&spec(3_000, 40)), first);
    assert_ne!(events(&Spec { seed: 8, ..spec(3_000, 40) }), first);
}

#[test]
fn names_differ_and_change_nothing_else() {
    let numbered = spec(3_000, 300);
    let named = Spec { named: true, ..numbered.clone() };
    let (numbered, named) = (History::new(&numbered), History::new(&named));
    let ids: HashSet<&str> = named.personas.users.iter().map(|user| &*user.member.id).collect();
    assert_eq!(ids.len(), 300);
    let first = &named.personas.users[0].member;
    assert_eq!((&*first.id, &*first.display_name), ("ada.novak", "Ada Novak"));
    let times = |history: History| history.flatten().map(|event| event.start_time);
    assert!(times(numbered).eq(times(named)));
}

#[test]
fn there_are_as_many_records_as_asked_for() {
    for (records, users) in [(1, 1), (2, 500), (997, 1), (5_000, 40)] {
        let mut spec = spec(records, users);
        assert_eq!(events(&spec).len(), records);
        spec.days.truncate(1);
        (spec.departments, spec.assistants, spec.workflows, spec.models) = (1, 1, 1, 1);
        assert_eq!(events(&spec).len(), records);
    }
}

#[test]
fn events_come_in_order_of_their_report_and_lie_in_the_span() {
    let spec = spec(20_000, 40);
    let mut keys = HashSet::new();
    let mut last = 0;
    for event in events(&spec) {
        assert!(event.report_time >= last);
        last = event.report_time;
        assert!((START..START + 28 * DAY).contains(&event.start_time));
        assert!((event.start_time..=START + 28 * DAY).contains(&event.report_time));
        assert!(keys.insert((event.request_id, event.attempt)));
        assert!(event.model < spec.models);
    }
}

#[test]
fn users_are_active_from_their_first_request_on() {
    let spec = spec(20_000, 200);
    let history = History::new(&spec);
    let mut active_from = HashMap::new();
    for user in &history.personas.users {
        active_from.insert(user.member.id.clone(), user.active_from);
        assert!(user.active_from.is_none_or(|time| time > user.sign_up_time));
    }
    let mut first: HashMap<String, Event> = HashMap::new();
    for event in history.flatten() {
        let from = active_from[&event.attribution.user_id].expect("inactive users send nothing");
        assert!(event.start_time >= from);
        let user = first.entry(event.attribution.user_id.clone()).or_insert_with(|| event.clone());
        if event.start_time < user.start_time {
            *user = event;
        }
    }
    let newcomers: Vec<(&String, i64)> = active_from
        .iter()
        .filter_map(|(id, from)| Some((id, from.filter(|from| *from >= START)?)))
        .collect();
    assert!(newcomers.len() > 20);
    for (id, from) in newcomers {
        assert_eq!((first[id].start_time, first[id].outcome), (from, Outcome::Success));
    }
}

/// How many of the events are so, in thousands.
fn per_mille(events: &[Event], is: impl Fn(&Event) -> bool) -> usize {
    events.iter().filter(|event| is(event)).count() * 1_000 / events.len()
}

#[test]
fn shares_and_medians_are_those_of_the_constants() {
    let events = events(&spec(100_000, 300));
    for (name, share, expected) in [
        ("errors", per_mille(&events, |e| e.outcome == Outcome::Error), 18..=22),
        ("retries", per_mille(&events, |e| e.attempt == 1), 17..=21),
        ("cancelled", per_mille(&events, |e| e.outcome == Outcome::Cancelled), 8..=12),
        ("cached", per_mille(&events, |e| e.tokens.cache_read > 0), 290..=310),
        ("reasoning", per_mille(&events, |e| e.tokens.reasoning > 0), 93..=103),
        ("late", per_mille(&events, |e| e.report_time - e.start_time > HOUR), 3..=5),
        ("routed", per_mille(&events, |e| e.refusal == Some(Refusal::Routed)), 10..=14),
        ("refused", per_mille(&events, |e| e.refusal.is_some()), 16..=20),
        ("by workflow", per_mille(&events, |e| !e.attribution.workflow_id.is_empty()), 550..=650),
        ("by feature", per_mille(&events, |e| !e.attribution.feature_id.is_empty()), 750..=850),
        ("tagged", per_mille(&events, |e| !e.attribution.tags.is_empty()), 310..=430),
    ] {
        assert!(expected.contains(&share), "{name}: {share} per mille");
    }
    let mut inputs: Vec<i64> =
        events.iter().map(|e| e.tokens.input + e.tokens.cache_read).collect();
    inputs.sort_unstable();
    let median = inputs[inputs.len() / 2];
    assert!((740..=780).contains(&median), "{median} tokens of input");
}

#[test]
fn days_have_mornings_weekends_and_growth() {
    // So many users that sessions are short, and so there are many of them.
    let events = events(&spec(100_000, 10_000));
    let between = |from: i64, to: i64| {
        let range = START + from * DAY..START + to * DAY;
        events.iter().filter(|event| range.contains(&event.start_time)).count() as f64
    };
    let weekend = between(5, 7) / between(0, 5) * 5.0 / 2.0;
    assert!((0.1..0.25).contains(&weekend), "{weekend}");
    let growth = between(21, 28) / between(0, 7);
    assert!((1.2..1.8).contains(&growth), "{growth}");
    let hour = |event: &Event| (event.start_time - START) % DAY / HOUR;
    let night = per_mille(&events, |event| hour(event) < 5);
    let day = per_mille(&events, |event| (8..18).contains(&hour(event)));
    // Newcomers come at any hour.
    assert!((10..40).contains(&night) && day > 780, "{night} and {day} per mille");
}

#[test]
fn few_assistants_departments_and_users_are_used_most() {
    let events = events(&spec(100_000, 10_000));
    let counts = |of: fn(&Event) -> String| {
        let mut counts: HashMap<String, usize> = HashMap::new();
        for event in &events {
            *counts.entry(of(event)).or_default() += 1;
        }
        counts.remove("");
        let mut counts: Vec<usize> = counts.into_values().collect();
        counts.sort_unstable_by(|a, b| b.cmp(a));
        counts
    };
    let assistants = counts(|event| event.attribution.assistant_id.clone());
    // By Zipf's law with the exponent 0.9 the first of ten is used 7.9 times as often.
    let ratio = assistants[0] as f64 / assistants[9] as f64;
    assert!(assistants.len() == 10 && (7.0..9.0).contains(&ratio), "{ratio}");
    let users = counts(|event| event.attribution.user_id.clone());
    let busiest: usize = users[..users.len() / 10].iter().sum();
    assert!(busiest * 10 > events.len() * 3, "{busiest} of {}", events.len());
    assert!(counts(|event| event.attribution.department_id.clone()).len() > 15);
    assert_eq!(counts(|event| event.model.to_string()).len(), 30);
}
