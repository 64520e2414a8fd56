//! The days of a generated history: how many requests each has, and in which order they are
//! reported.
//!
//! Working days with their mornings and afternoons, weekends, growth from day to day, new users,
//! and records that are reported late.

use rand::distr::weighted::WeightedIndex;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use rand_distr::Distribution;

use super::event::Event;
use super::personas::Personas;
use super::sessions::Sessions;
use super::{HOUR, LocalDay, Micros, Spec, log_normal};

/// Requests by hour of a working day.
const HOURS: [f64; 24] = [
    0.3, 0.2, 0.2, 0.2, 0.3, 0.5, 1.0, 2.5, 6.0, 9.0, 10.0, 9.0, 6.0, 7.5, 9.5, 9.0, 8.0, 5.5, 3.0,
    2.0, 1.5, 1.2, 0.8, 0.5,
];
/// Requests of a Saturday or Sunday, relative to a working day.
const WEEKEND: f64 = 0.15;
/// By how much the last day exceeds the first.
const GROWTH: f64 = 0.6;
/// By how much days differ beyond that: standard deviation of the logarithm.
const DAY_DEVIATION: f64 = 0.1;

const LATE_PROBABILITY: f64 = 0.004;
const LATENESS_MAX: Micros = 72 * HOUR;
/// Users drawn for a session until one has started to use the workspace by then.
const DRAWS_MAX: usize = 20;

/// Iterates over the days: the events that were reported on each, in order of their report.
pub struct History {
    pub personas: Personas,
    sessions: Sessions,
    rng: StdRng,
    hours: WeightedIndex<f64>,
    /// The days, each with its number of events.
    days: std::vec::IntoIter<(LocalDay, usize)>,
    /// Users whose first request lies within the history, the next one last.
    newcomers: Vec<usize>,
    /// Events that have happened and are not reported yet.
    late: Vec<Event>,
    end: Micros,
}

impl History {
    /// # Panics
    /// If a count of the spec is 0.
    pub fn new(spec: &Spec) -> History {
        let mut rng = StdRng::seed_from_u64(spec.seed);
        let (start, end) = spec.span();
        let personas = Personas::new(spec, &mut rng);
        let mut newcomers: Vec<usize> = (0..personas.users.len())
            .filter(|user| personas.users[*user].active_from.is_some_and(|at| at >= start))
            .collect();
        newcomers.sort_by_key(|user| std::cmp::Reverse(personas.users[*user].active_from));
        History {
            sessions: Sessions::new(spec, &mut rng),
            days: spread(spec, &mut rng).into_iter(),
            hours: WeightedIndex::new(HOURS).expect("the weights are positive constants"),
            personas,
            rng,
            newcomers,
            late: Vec::new(),
            end,
        }
    }

    fn day(&mut self, day: LocalDay, count: usize) -> Vec<Event> {
        let mut events = Vec::with_capacity(count);
        while events.len() < count {
            let (user, start) = self.next_session(day);
            let room = count - events.len();
            let session = self.sessions.start(&self.personas, user, start, &mut self.rng);
            events.extend(self.sessions.events(session, room, self.end, &mut self.rng));
        }
        self.delay(&mut events);
        // At the end everything has been reported.
        let is_last = day.end >= self.end;
        let (mut reported, late): (Vec<Event>, Vec<Event>) = std::mem::take(&mut self.late)
            .into_iter()
            .chain(events)
            .partition(|event| is_last || event.report_time < day.end);
        self.late = late;
        reported.sort_by_key(|event| (event.report_time, event.attempt, event.request_id));
        reported
    }

    /// Lets a few events be reported hours later.
    fn delay(&mut self, events: &mut [Event]) {
        for event in events {
            if self.rng.random_bool(LATE_PROBABILITY) {
                let lateness = self.rng.random_range(HOUR..=LATENESS_MAX);
                event.report_time = (event.report_time + lateness).min(self.end);
            }
        }
    }

    /// User and start of the next session. A newcomer's first one starts at its own time.
    fn next_session(&mut self, day: LocalDay) -> (usize, Micros) {
        if let Some(user) = self.newcomers.last().copied()
            && let Some(time) = self.personas.users[user].active_from
            && time < day.end
        {
            self.newcomers.pop();
            return (user, time);
        }
        let hour = self.hours.sample(&mut self.rng) as Micros;
        let within = self.rng.random_range(0..HOUR);
        // A day of 23 hours ends early.
        let start = (day.start + hour * HOUR + within).min(day.end - 1);
        for _ in 0..DRAWS_MAX {
            let user = self.personas.activity.sample(&mut self.rng);
            if self.personas.users[user].active_from.is_some_and(|from| from <= start) {
                return (user, start);
            }
        }
        (0, start)
    }
}

impl Iterator for History {
    type Item = Vec<Event>;

    fn next(&mut self) -> Option<Vec<Event>> {
        let (day, count) = self.days.next()?;
        Some(self.day(day, count))
    }
}

/// The days with their numbers of events, which add up to the records of the spec.
fn spread(spec: &Spec, rng: &mut StdRng) -> Vec<(LocalDay, usize)> {
    let noise = log_normal(1.0, DAY_DEVIATION);
    let mut sum = 0.0;
    let mut sums = Vec::with_capacity(spec.days.len());
    for (index, day) in spec.days.iter().enumerate() {
        let growth = 1.0 + GROWTH * index as f64 / spec.days.len() as f64;
        sum += growth * noise.sample(rng) * if day.is_weekend { WEEKEND } else { 1.0 };
        sums.push(sum);
    }
    let mut given = 0;
    let days = spec.days.iter().zip(sums);
    days.map(|(day, upto)| {
        // The last of the sums is the whole, so nothing is lost by rounding.
        let upto = ((upto / sum) * spec.records as f64).round() as usize;
        let count = upto - given;
        given = upto;
        (*day, count)
    })
    .collect()
}
