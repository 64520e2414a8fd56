//! Rate limits by themselves: whatever the arrivals, no span holds more than the limit, and the
//! wait that is named is the shortest that helps.
//!
//! Told from the outside: admissions are stored here, one by one, and counted in the spans
//! that end with each of them.

use proptest::prelude::{Just, Strategy, any, prop_oneof};
use tollgate::domain::attribution::{Attribution, SubjectKind};
use tollgate::domain::check::{Answer, Check, HOLD_DURATION_DEFAULT, Reason};
use tollgate::domain::quota::{Enforcement, Scope, Unit};
use tollgate::domain::rate_limit::{RateBound, RateLimit, RateWindow};
use tollgate::domain::time::{MICROS_PER_DAY, MICROS_PER_MINUTE, MICROS_PER_SECOND, Micros};
use tollgate::domain::usage::{ServiceTier, TokenClass, Usage};
use tollgate::domain::workspace::WorkspaceModel;
use tollgate::domain::{Amount, Time};

use super::reference::{START, model, price, workspace};
use super::subject::catalog;
use crate::oracle::Facts;
use crate::world::World;

/// What happens next.
#[derive(Clone, Debug)]
pub enum Event {
    Arrives {
        user: u8,
        tokens: i64,
    },
    Passes {
        micros: Micros,
    },
    /// Just as long as the last refusal said.
    WaitsAsTold,
    Releases,
    Stops,
    Crashes,
}

pub fn events() -> impl Strategy<Value = Vec<Event>> {
    let tokens = prop_oneof![Just(0i64), 1..400i64];
    let arrives = (0..2u8, tokens).prop_map(|(user, tokens)| Event::Arrives { user, tokens });
    let short = (0..2 * MICROS_PER_SECOND).prop_map(|micros| Event::Passes { micros });
    let long = (0..90 * MICROS_PER_SECOND).prop_map(|micros| Event::Passes { micros });
    let hours = (0..30i64, any::<u32>()).prop_map(|(hours, rest)| Event::Passes {
        micros: hours * 3_600 * MICROS_PER_SECOND + i64::from(rest),
    });
    let event = prop_oneof![
        24 => arrives,
        8 => short,
        3 => long,
        1 => hours,
        4 => Just(Event::WaitsAsTold),
        2 => Just(Event::Releases),
        1 => Just(Event::Stops),
        1 => Just(Event::Crashes),
    ];
    proptest::collection::vec(event, 1..120)
}

/// The bounds of each user.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    pub requests_per_minute: i64,
    pub tokens_per_minute: i64,
    pub requests_per_day: i64,
}

pub fn bounds() -> impl Strategy<Value = Bounds> {
    (1..5i64, 300..1_500i64, 4..12i64).prop_map(|(requests, tokens, of_day)| Bounds {
        requests_per_minute: requests,
        tokens_per_minute: tokens,
        requests_per_day: of_day,
    })
}

struct Run {
    world: World,
    bounds: Bounds,
    serial: u32,
    /// When, who, how many tokens they count for now, and which request it was.
    admitted: Vec<(Time, u8, i64, u32)>,
    /// How many were admitted before the last crash: of the day nobody knows of them, as they were
    /// not recorded.
    day_from: usize,
    /// The last refusal that named a wait, and the request.
    told: Option<(Micros, u8, i64)>,
}

/// Panics if a bound does not hold, or a wait is too long or too short.
pub fn run(bounds: Bounds, events: &[Event]) {
    let mut run = Run::new(bounds);
    for event in events {
        run.apply(event);
        run.world.ledger.assert_invariants();
    }
}

impl Run {
    fn new(bounds: Bounds) -> Run {
        let mut world = World::new(workspace(), START);
        let prices = vec![price("free", 0, 0, 0)];
        let facts = Facts { models: vec![model("free")], prices, rates: Vec::new() };
        world.set_catalog(catalog(&facts));
        world.set_model(WorkspaceModel {
            model_id: "free".into(),
            enabled: true,
            limit: None,
            limit_enabled: true,
            fallback_model_ids: Vec::new(),
        });
        world.put_rate_limit(RateLimit {
            id: "l".into(),
            display_name: String::new(),
            scope: Scope { kind: SubjectKind::User, subject_id: None, model_id: None },
            bounds: vec![
                RateBound::new(Unit::Requests, RateWindow::Minute, bounds.requests_per_minute),
                RateBound::new(Unit::Tokens, RateWindow::Minute, bounds.tokens_per_minute),
                RateBound::new(Unit::Requests, RateWindow::Day, bounds.requests_per_day),
            ],
            enforcement: Enforcement::Hard,
            create_time: START,
            update_time: START,
        });
        Run { world, bounds, serial: 0, admitted: Vec::new(), day_from: 0, told: None }
    }

    fn apply(&mut self, event: &Event) {
        match *event {
            Event::Arrives { user, tokens } => drop(self.arrives(user, tokens)),
            Event::Passes { micros } => self.world.now = self.world.now + micros,
            Event::WaitsAsTold => {
                let Some((wait, user, tokens)) = self.told.take() else { return };
                self.world.now = self.world.now + (wait - 1);
                assert!(!self.arrives(user, tokens), "a microsecond before it is too early");
                self.world.now = self.world.now + 1;
                assert!(self.arrives(user, tokens), "who waits as told passes");
            }
            Event::Releases => {
                let Some((_, _, tokens, serial)) = self.admitted.last_mut() else { return };
                let id = format!("r{serial}");
                if self.world.ledger.release(self.world.now, &id) == Ok(Amount::ZERO) {
                    *tokens = 0;
                }
            }
            Event::Stops => self.world.restart(true),
            Event::Crashes => {
                self.world.restart(false);
                // Nobody can know of the day what was not recorded.
                self.day_from = self.admitted.len();
            }
        }
        if !matches!(event, Event::Arrives { .. }) {
            self.told = None;
        }
    }

    fn arrives(&mut self, user: u8, tokens: i64) -> bool {
        self.serial += 1;
        let decision = self.world.check(Check {
            request_id: format!("r{}", self.serial).into(),
            model_id: "free".to_owned(),
            input: Usage::default().with(TokenClass::Input, tokens),
            max_output: Some(0),
            context_id: String::new(),
            tier: ServiceTier::Standard,
            required_capabilities: Vec::new(),
            hold_duration: HOLD_DURATION_DEFAULT,
            dry_run: false,
            explain: false,
            attribution: Some(Box::new(Attribution {
                user_id: format!("u{user}"),
                ..Attribution::default()
            })),
            extras: None,
        });
        let decision = decision.expect("nothing fails");
        let passes = decision.answer == Answer::Allowed;
        if passes {
            // Who was told to wait was told so if nobody else comes.
            self.told = None;
            self.admitted.push((self.world.now, user, tokens, self.serial));
            self.assert_bounds(user);
        } else if decision.reason == Some(Reason::RateLimited) {
            let wait = decision.retry_after.expect("what is rate limited passes once");
            // A bucket and the window at most.
            assert!(wait <= 61 * RateWindow::Day.bucket(), "{wait} is longer than any window");
            self.told = Some((wait, user, tokens));
        }
        passes
    }

    /// In no span that ends now is more than the limit.
    fn assert_bounds(&self, user: u8) {
        let now = self.world.now;
        let within = |span: Micros, from: usize| {
            let of_user = self.admitted[from..].iter().filter(move |it| it.1 == user);
            let of_span = of_user.filter(move |it| now - it.0 < span);
            of_span.fold((0, 0), |(requests, tokens), it| (requests + 1, tokens + it.2))
        };
        let (requests, tokens) = within(MICROS_PER_MINUTE, 0);
        assert!(requests <= self.bounds.requests_per_minute, "{requests} requests in a minute");
        assert!(tokens <= self.bounds.tokens_per_minute, "{tokens} tokens in a minute");
        let (of_day, _) = within(MICROS_PER_DAY, self.day_from);
        assert!(of_day <= self.bounds.requests_per_day, "{of_day} requests in a day");
    }
}
