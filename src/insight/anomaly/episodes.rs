//! Episodes: steps that are not normal, one after another, as one anomaly.

use super::{Direction, Flag};

/// Hours without a flag after which an episode has ended.
pub const COOL_DOWN_HOURS: usize = 6;
/// The same of failures.
pub const COOL_DOWN_FAILURES: usize = 3;
/// The same of days: the next normal one ends it.
pub const COOL_DOWN_DAYS: usize = 1;
/// Hours from which on a spike or a drop is a shift of level.
pub const SHIFT_HOURS: usize = 12;
/// The same of days.
pub const SHIFT_DAYS: usize = 3;

/// One anomaly.
#[derive(Clone, Debug, PartialEq)]
pub struct Episode {
    pub direction: Direction,
    /// The steps that are not normal, in their order; at least one.
    pub flags: Vec<Flag>,
    /// The step at which it had come to `least`, from which on it counts.
    pub open_step: usize,
    /// Whether the steps after it have ended it.
    pub is_over: bool,
}

impl Episode {
    pub fn start(&self) -> usize {
        self.flags[0].step
    }

    /// The last step that is not normal.
    pub fn last(&self) -> usize {
        self.flags[self.flags.len() - 1].step
    }

    /// Steps from the first to the last, both included.
    pub fn span(&self) -> usize {
        self.last() - self.start() + 1
    }

    pub fn actual(&self) -> f64 {
        self.flags.iter().map(|flag| flag.actual).sum()
    }

    pub fn expected(&self) -> f64 {
        self.flags.iter().map(|flag| flag.expected).sum()
    }

    /// The least and the most of comparable steps, over the steps that are not normal.
    pub fn normal(&self) -> (f64, f64) {
        self.flags.iter().fold((0.0, 0.0), |(low, high), it| (low + it.low, high + it.high))
    }
}

/// The episodes of flags in their order; `length` is that of the series. One counts once its flags
/// have come to `least` together, each by what it is worth; others are left out. An episode ends
/// after `cool_down` steps without a flag in the same direction.
pub fn episodes(
    flags: &[Flag],
    length: usize,
    cool_down: usize,
    least: f64,
    worth: impl Fn(&Flag) -> f64,
) -> Vec<Episode> {
    let mut found: Vec<Episode> = Vec::new();
    for direction in [Direction::Up, Direction::Down] {
        let mut one: Option<Growing> = None;
        for flag in flags.iter().filter(|flag| flag.direction == direction) {
            if one.as_ref().is_none_or(|it| flag.step - it.last() > cool_down) {
                found.extend(one.take().and_then(|it| it.finish(length, cool_down)));
            }
            let growing = one.get_or_insert_with(|| Growing::new(direction));
            growing.add(*flag, worth(flag), least);
        }
        found.extend(one.and_then(|it| it.finish(length, cool_down)));
    }
    found.sort_by_key(|episode| (episode.start(), episode.direction));
    found
}

/// An episode that is not known to be over.
struct Growing {
    direction: Direction,
    flags: Vec<Flag>,
    worth: f64,
    open_step: Option<usize>,
}

impl Growing {
    fn new(direction: Direction) -> Growing {
        Growing { direction, flags: Vec::new(), worth: 0.0, open_step: None }
    }

    fn last(&self) -> usize {
        self.flags.last().map_or(0, |flag| flag.step)
    }

    fn add(&mut self, flag: Flag, worth: f64, least: f64) {
        self.flags.push(flag);
        self.worth += worth;
        if self.open_step.is_none() && self.worth >= least {
            self.open_step = Some(flag.step);
        }
    }

    fn finish(self, length: usize, cool_down: usize) -> Option<Episode> {
        let is_over = length > self.last() + cool_down;
        let Growing { direction, flags, open_step, .. } = self;
        Some(Episode { direction, flags, open_step: open_step?, is_over })
    }
}
