//! From the figures of a shape to disjoint classes of tokens.
//!
//! Whether a part is counted inside of a whole or beside it differs between providers, and between
//! the versions of one. A total decides where it is given: the arrangement whose sum it is holds.

use super::error::Unreadable;
use super::path::{Fractions, Paths};
use super::reading::Flag;
use super::shapes::{Figure, Where};
use super::spot::{Flags, View};
use super::table::CompiledShape;
use crate::domain::usage::{TokenClass, Usage};

/// The figures of one usage.
pub(super) struct Figures {
    counts: [i64; Figure::COUNT],
    /// Whether it was found as a member of the usage itself, not among the details of a whole, in a
    /// shape that many providers share: then it may be beside the whole.
    may_be_beside: [bool; Figure::COUNT],
    default_caches: Where,
    default_reasoning: Where,
}

/// Where parts are counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Arrangement {
    caches: Where,
    reasoning: Where,
    more_input: Where,
}

impl Figures {
    /// # Errors
    /// If one of them is no count.
    pub fn read(
        shape: &CompiledShape,
        view: &View<'_, '_>,
        flags: &mut Flags,
    ) -> Result<Figures, Unreadable> {
        let mut counts = [0; Figure::COUNT];
        let mut may_be_beside = [false; Figure::COUNT];
        for (figure, _) in shape.shape.figures {
            let index = *figure as usize;
            let paths: &Paths = shape.paths(*figure);
            if let Some(found) = view.count(paths, Fractions::Refused)? {
                counts[index] = found.count;
                may_be_beside[index] = found.is_direct && shape.shape.is_generic;
                if found.disagrees {
                    flags.add(Flag::NamesDisagree);
                }
            }
        }
        let (default_caches, default_reasoning) = (shape.shape.caches, shape.shape.reasoning);
        Ok(Figures { counts, may_be_beside, default_caches, default_reasoning })
    }

    pub fn get(&self, figure: Figure) -> i64 {
        self.counts[figure as usize]
    }

    /// Tokens by class. If the total exceeds all parts, the rest is the side that is missing, or
    /// reasoning where `hides_thoughts` says that the provider leaves it out.
    pub fn classes(&self, hides_thoughts: bool, flags: &mut Flags) -> Usage {
        let arrangement = self.arrangement(flags);
        let mut usage = Usage::default();
        let rest = self.rest(arrangement, hides_thoughts, flags);
        let mut input = Whole { left: self.get(Figure::Input), exceeded: false };
        self.caches(arrangement, &mut input, &mut usage, flags);
        self.input_parts(arrangement, &mut input, &mut usage);
        let mut more = Whole { left: self.get(Figure::MoreInput), exceeded: false };
        if arrangement.more_input != Where::Inside {
            add(&mut usage, TokenClass::AudioInput, more.take(self.get(Figure::MoreAudio)));
            add(&mut usage, TokenClass::ImageInput, more.take(self.get(Figure::MoreImage)));
            add(&mut usage, TokenClass::Input, more.left);
        }
        let mut output = Whole { left: self.get(Figure::Output), exceeded: false };
        let reasoning = self.get(Figure::Reasoning);
        let inside = arrangement.reasoning == Where::Inside;
        let counted = if inside { output.take(reasoning) } else { reasoning };
        add(&mut usage, TokenClass::Reasoning, counted);
        let audio = output.take(self.get(Figure::AudioOutput));
        add(&mut usage, TokenClass::AudioOutput, audio);
        let images = output.take(self.get(Figure::ImageOutput));
        add(&mut usage, TokenClass::ImageOutput, images);
        add(&mut usage, TokenClass::Output, output.left);
        if let Some((class, count)) = rest {
            add(&mut usage, class, count);
        }
        if input.exceeded || more.exceeded || output.exceeded {
            flags.add(Flag::PartsExceed);
        }
        usage
    }

    /// What the total has beyond all parts, and what it is: the side that is missing, or reasoning.
    fn rest(
        &self,
        arrangement: Arrangement,
        hides_thoughts: bool,
        flags: &mut Flags,
    ) -> Option<(TokenClass, i64)> {
        let total = self.get(Figure::Total);
        let excess = total - self.total_of(arrangement);
        if total == 0 || excess == 0 {
            return None;
        }
        let (input, output) = (self.get(Figure::Input), self.get(Figure::Output));
        let class = match (input > 0, output + self.get(Figure::Reasoning) > 0) {
            (true, _) if hides_thoughts => Some(TokenClass::Reasoning),
            (true, false) => Some(TokenClass::Output),
            (false, true) => Some(TokenClass::Input),
            _ => None,
        };
        let class = class.filter(|_| excess > 0);
        flags.add(if class.is_some() { Flag::RestCounted } else { Flag::TotalContradicts });
        class.map(|class| (class, excess))
    }

    fn caches(
        &self,
        arrangement: Arrangement,
        input: &mut Whole,
        usage: &mut Usage,
        flags: &mut Flags,
    ) {
        let (short, long) = self.writes();
        let lives = self.get(Figure::CacheWriteShort) + self.get(Figure::CacheWriteLong);
        if self.get(Figure::CacheWrite) > 0 && lives > self.get(Figure::CacheWrite) {
            flags.add(Flag::PartsExceed);
        }
        for (class, count) in [
            (TokenClass::CacheRead, self.get(Figure::CacheRead)),
            (TokenClass::CacheWrite1h, long),
            (TokenClass::CacheWrite5m, short),
        ] {
            let inside = arrangement.caches == Where::Inside;
            add(usage, class, if inside { input.take(count) } else { count });
        }
    }

    fn input_parts(&self, arrangement: Arrangement, input: &mut Whole, usage: &mut Usage) {
        let inside = arrangement.caches == Where::Inside;
        let uncached = |figure, cached| {
            let cached = if inside { self.get(cached) } else { 0 };
            (self.get(figure) - cached).max(0)
        };
        let audio = input.take(uncached(Figure::AudioInput, Figure::AudioCached));
        add(usage, TokenClass::AudioInput, audio);
        let images = input.take(uncached(Figure::ImageInput, Figure::ImageCached));
        add(usage, TokenClass::ImageInput, images);
        add(usage, TokenClass::Input, input.left);
    }

    /// What was written for five minutes, and for longer. Writes whose lifetime is not said are
    /// the former, which is every provider's default.
    fn writes(&self) -> (i64, i64) {
        let (short, long) = (self.get(Figure::CacheWriteShort), self.get(Figure::CacheWriteLong));
        let whole = match self.get(Figure::CacheWrite) {
            0 => short + long,
            whole => whole,
        };
        let long = long.min(whole);
        (whole - long, long)
    }

    fn cached(&self) -> i64 {
        let (short, long) = self.writes();
        self.get(Figure::CacheRead) + short + long
    }

    /// Where the parts are counted, by the total if there is one.
    fn arrangement(&self, flags: &mut Flags) -> Arrangement {
        let default = Arrangement {
            caches: self.default_caches,
            reasoning: self.default_reasoning,
            more_input: Where::Outside,
        };
        let total = self.get(Figure::Total);
        if total == 0 {
            return self.beside_what_is_too_small(default, flags);
        }
        let adds_up = |a: &Arrangement| self.total_of(*a) == total;
        let all = default.alternatives();
        if let Some(fits) = all.iter().find(|a| adds_up(a) && self.is_possible(**a)) {
            return *fits;
        }
        match all.iter().find(|a| adds_up(a)) {
            Some(impossible) => self.beside_what_may_be(*impossible, flags),
            None => self.beside_what_is_too_small(default, flags),
        }
    }

    fn total_of(&self, arrangement: Arrangement) -> i64 {
        let beside = |place, count| if place == Where::Outside { count } else { 0 };
        self.get(Figure::Input)
            + self.get(Figure::Output)
            + beside(arrangement.caches, self.cached())
            + beside(arrangement.reasoning, self.get(Figure::Reasoning))
            + beside(arrangement.more_input, self.get(Figure::MoreInput))
    }

    fn caches_fit(&self) -> bool {
        self.cached() <= self.get(Figure::Input)
    }

    fn reasoning_fits(&self) -> bool {
        self.get(Figure::Reasoning) <= self.get(Figure::Output)
    }

    fn is_possible(&self, a: Arrangement) -> bool {
        let more_fits = self.get(Figure::MoreInput) <= self.get(Figure::Input);
        (a.caches != Where::Inside || self.caches_fit())
            && (a.reasoning != Where::Inside || self.reasoning_fits())
            && (a.more_input != Where::Inside || more_fits)
    }

    /// Without a total that decides, what does not fit into its whole is beside it.
    fn beside_what_is_too_small(&self, a: Arrangement, flags: &mut Flags) -> Arrangement {
        let mut a = a;
        if a.caches == Where::Inside && !self.caches_fit() {
            a.caches = Where::Apart;
            flags.add(Flag::PartsExceed);
        }
        if a.reasoning == Where::Inside && !self.reasoning_fits() {
            a.reasoning = Where::Apart;
            flags.add(Flag::PartsExceed);
        }
        a
    }

    /// The total says that a part is inside, and it is larger than the whole. Among the details of
    /// the whole it is at most that; of a figure that may be beside the whole all is billed.
    fn beside_what_may_be(&self, a: Arrangement, flags: &mut Flags) -> Arrangement {
        let mut a = a;
        let read = self.get(Figure::CacheRead) > 0;
        let cache_figure = if read { Figure::CacheRead } else { Figure::CacheWrite };
        let caches_are_inside =
            self.default_caches == Where::Inside && !self.may_be_beside[cache_figure as usize];
        if a.caches == Where::Inside && !self.caches_fit() && !caches_are_inside {
            a.caches = Where::Apart;
        }
        let reasoning_is_inside = self.default_reasoning == Where::Inside
            && !self.may_be_beside[Figure::Reasoning as usize];
        if a.reasoning == Where::Inside && !self.reasoning_fits() && !reasoning_is_inside {
            a.reasoning = Where::Apart;
        }
        flags.add(Flag::PartsExceed);
        a
    }
}

impl Arrangement {
    /// Itself and every other, those that differ least first.
    fn alternatives(self) -> [Arrangement; 8] {
        let other = |place| match place {
            Where::Inside | Where::Apart => Where::Outside,
            Where::Outside => Where::Inside,
        };
        let mut all = [self; 8];
        for (index, a) in all.iter_mut().enumerate() {
            if index & 1 != 0 {
                a.reasoning = other(a.reasoning);
            }
            if index & 2 != 0 {
                a.caches = other(a.caches);
            }
            if index & 4 != 0 {
                a.more_input = Where::Inside;
            }
        }
        all
    }
}

/// What is left of a whole while its parts are taken out.
struct Whole {
    left: i64,
    /// Whether a part was more than what was left.
    exceeded: bool,
}

impl Whole {
    fn take(&mut self, count: i64) -> i64 {
        let taken = count.min(self.left);
        self.exceeded |= taken < count;
        self.left -= taken;
        taken
    }
}

fn add(usage: &mut Usage, class: TokenClass, count: i64) {
    usage.set(class, usage.get(class) + count);
}
