//! Properties that hold of every series, and series made by hand with what is found in them.

use super::contributors::{Moved, contributors};
use super::episodes::{COOL_DOWN_HOURS, Episode, episodes};
use super::{Direction, Flag, Sensitivity, daily, failures, hourly};

const ALL: [Sensitivity; 3] = [Sensitivity::Low, Sensitivity::Medium, Sensitivity::High];
const HOURS: usize = 21 * 24;

/// A small generator: the same numbers everywhere.
struct Numbers(u64);

impl Numbers {
    /// From 0 to 1.
    fn next(&mut self) -> f64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        f64::from(u32::try_from(self.0 >> 32).unwrap()) / f64::from(u32::MAX)
    }
}

/// Hours of an office, with noise and now and then a burst.
fn office(seed: u64, hours: usize) -> Vec<f64> {
    let mut numbers = Numbers(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
    (0..hours)
        .map(|hour| {
            let is_open = (8..18).contains(&(hour % 24)) && (hour / 24) % 7 < 5;
            let usual = if is_open { 40.0 } else { 4.0 };
            let burst = if numbers.next() > 0.97 { 6.0 } else { 1.0 };
            usual * (0.7 + 0.6 * numbers.next()) * burst
        })
        .collect()
}

fn steps(flags: &[Flag]) -> Vec<usize> {
    flags.iter().map(|flag| flag.step).collect()
}

#[test]
fn a_step_is_judged_by_what_was_before_it_alone() {
    let mut found = 0;
    for seed in 1..4 {
        let series = office(seed, 12 * 24);
        for sensitivity in [Sensitivity::Medium, Sensitivity::High] {
            let whole = hourly::flags(&series, 0, sensitivity);
            found += whole.len();
            let ends = (170..series.len()).step_by(29);
            for end in ends.chain(whole.iter().map(|flag| flag.step + 1)) {
                let cut = hourly::flags(&series[..end], 0, sensitivity);
                let until: Vec<Flag> =
                    whole.iter().copied().filter(|flag| flag.step < end).collect();
                assert_eq!(cut, until, "seed {seed}, cut off at {end}");
            }
        }
    }
    assert!(found > 10, "there is something to be judged: {found}");
}

/// What is looked at again after a restart begins later, and finds the same.
#[test]
fn it_does_not_matter_where_judging_begins() {
    for seed in 1..6 {
        let series = office(seed, HOURS);
        let whole = hourly::flags(&series, 0, Sensitivity::High);
        for from in [200, 300, 401] {
            let late: Vec<Flag> = whole.iter().copied().filter(|flag| flag.step >= from).collect();
            assert_eq!(steps(&hourly::flags(&series, from, Sensitivity::High)), steps(&late));
        }
    }
}

#[test]
fn days_and_failures_are_judged_by_what_was_before_them_alone() {
    for seed in 1..3 {
        let hours = office(seed, 60 * 24);
        let days: Vec<f64> = hours.chunks(24).map(|day| day.iter().sum()).collect();
        let requests: Vec<f64> = hours.iter().map(|value| value.round()).collect();
        let mut numbers = Numbers(seed);
        let failed: Vec<f64> =
            requests.iter().map(|it| (it * 0.2 * numbers.next().powi(3)).round()).collect();
        for sensitivity in ALL {
            let whole = daily::flags(&days, 0, sensitivity);
            for end in 15..days.len() {
                let until: Vec<Flag> = whole.iter().copied().filter(|it| it.step < end).collect();
                assert_eq!(daily::flags(&days[..end], 0, sensitivity), until);
            }
            let whole = failures::flags(&requests, &failed, 0, sensitivity);
            for end in (170..HOURS).step_by(31) {
                let until: Vec<Flag> = whole.iter().copied().filter(|it| it.step < end).collect();
                let cut = failures::flags(&requests[..end], &failed[..end], 0, sensitivity);
                assert_eq!(cut, until);
            }
        }
    }
}

/// In another currency, or in thousands, the same is found.
#[test]
fn the_scale_of_a_series_does_not_matter() {
    for seed in 1..3 {
        let series = office(seed, 12 * 24);
        let days: Vec<f64> = series.chunks(6).map(|part| part.iter().sum()).collect();
        for factor in [1e-9, 0.37, 1e12] {
            let scale =
                |it: &[f64]| -> Vec<f64> { it.iter().map(|value| value * factor).collect() };
            for sensitivity in ALL {
                let found = steps(&hourly::flags(&series, 0, sensitivity));
                assert_eq!(steps(&hourly::flags(&scale(&series), 0, sensitivity)), found);
                let found = steps(&daily::flags(&days, 0, sensitivity));
                assert_eq!(steps(&daily::flags(&scale(&days), 0, sensitivity)), found);
            }
        }
    }
}

#[test]
fn nothing_stands_out_of_what_is_always_the_same() {
    for sensitivity in ALL {
        for value in [0.0, 1e-9, 1.0, 1e15] {
            let series = vec![value; HOURS];
            assert_eq!(hourly::flags(&series, 0, sensitivity), []);
            assert_eq!(daily::flags(&series, 0, sensitivity), []);
            assert_eq!(daily::price_flags(&series, &series, 0, sensitivity), []);
            let failed: Vec<f64> = series.iter().map(|it| it * 0.3).collect();
            assert_eq!(failures::flags(&series, &failed, 0, sensitivity), []);
        }
        // Every day the same.
        let days: Vec<f64> = (0..HOURS).map(|hour| f64::from(u32::from(hour % 24 > 7))).collect();
        assert_eq!(hourly::flags(&days, 0, sensitivity), []);
    }
}

#[test]
fn hours_of_which_nothing_is_known_are_neither_judged_nor_compared_with() {
    let mut series = vec![10.0; HOURS];
    for day in 8..12 {
        series[day * 24 + 3..day * 24 + 9].fill(f64::NAN);
    }
    for sensitivity in ALL {
        assert_eq!(hourly::flags(&series, 0, sensitivity), []);
    }
    // An outage of the server is no drop, and what is odd beside it is found.
    series[15 * 24] = 200.0;
    series[15 * 24 + 1..15 * 24 + 5].fill(f64::NAN);
    assert_eq!(steps(&hourly::flags(&series, 0, Sensitivity::Low)), [15 * 24]);
    let unknown = vec![f64::NAN; HOURS];
    assert_eq!(hourly::flags(&unknown, 0, Sensitivity::High), []);
    assert_eq!(daily::flags(&unknown, 0, Sensitivity::High), []);
    let mut days = vec![10.0; 60];
    days[20..25].fill(f64::NAN);
    days[40] = 100.0;
    assert_eq!(steps(&daily::flags(&days, 0, Sensitivity::Low)), [40]);
}

/// A series that begins is not odd, and neither is one with a week of history or less.
#[test]
fn without_enough_history_nothing_is_judged() {
    for sensitivity in ALL {
        let mut short = vec![1.0; hourly::HISTORY_HOURS];
        short[100] = 1e6;
        assert_eq!(hourly::flags(&short, 0, sensitivity), []);
        let mut late = vec![0.0; HOURS];
        late[HOURS - 20..].fill(5.0);
        assert_eq!(hourly::flags(&late, 0, sensitivity), []);
        // One that began three days ago is not known well enough.
        let mut young = vec![f64::NAN; HOURS];
        young[HOURS - 72..].fill(5.0);
        young[HOURS - 1] = 500.0;
        assert_eq!(hourly::flags(&young, 0, sensitivity), []);
        let mut days = vec![0.0; 40];
        days[36..].fill(5.0);
        assert_eq!(daily::flags(&days, 0, sensitivity), []);
    }
}

/// By hand: what a person would call odd, and what not.
#[test]
fn what_is_odd_is_found_and_named() {
    let flat = |hours: usize| vec![10.0; hours];
    let found = |series: &[f64]| -> Vec<(Direction, usize, usize, bool)> {
        let flags = hourly::flags(series, 0, Sensitivity::Medium);
        let worth = |flag: &Flag| flag.excess();
        let all = episodes(&flags, series.len(), COOL_DOWN_HOURS, 0.0, worth);
        all.iter().map(|it| (it.direction, it.start(), it.last(), it.is_over)).collect()
    };
    // One hour of five times as much.
    let mut spike = flat(HOURS);
    spike[400] = 50.0;
    assert_eq!(found(&spike), [(Direction::Up, 400, 400, true)]);
    // Nothing for eight hours.
    let mut drop = flat(HOURS);
    drop[400..408].fill(0.0);
    assert!(matches!(found(&drop)[..], [(Direction::Down, 400, 407, true)]), "{:?}", found(&drop));
    // Three times as much from then on: it begins once, and becomes usual.
    let mut shift = flat(HOURS);
    shift[400..].fill(30.0);
    let of_shift = found(&shift);
    assert!(matches!(of_shift[..], [(Direction::Up, 400, _, true)]), "{of_shift:?}");
    assert!(of_shift[0].2 >= 411, "{of_shift:?}");
    // A tenth more is no anomaly.
    let mut little = flat(HOURS);
    little[400] = 11.0;
    assert_eq!(found(&little), []);
    // The last hour is odd: it is not over.
    let mut last = flat(HOURS);
    last[HOURS - 1] = 50.0;
    assert_eq!(found(&last), [(Direction::Up, HOURS - 1, HOURS - 1, false)]);
}

#[test]
fn an_episode_counts_once_it_has_come_to_what_is_least() {
    let flag = |step: usize, actual: f64| Flag {
        step,
        direction: if actual > 2.0 { Direction::Up } else { Direction::Down },
        actual,
        expected: 2.0,
        low: 1.0,
        high: 3.0,
    };
    let flags = [flag(10, 5.0), flag(11, 5.0), flag(12, 0.0), flag(18, 5.0), flag(30, 4.0)];
    let of = |least: f64| episodes(&flags, 40, 6, least, Flag::excess);
    let opened = |all: &[Episode]| -> Vec<(usize, usize, usize)> {
        all.iter().map(|it| (it.start(), it.open_step, it.last())).collect()
    };
    assert_eq!(opened(&of(0.0)), [(10, 10, 11), (12, 12, 12), (18, 18, 18), (30, 30, 30)]);
    assert_eq!(opened(&of(4.0)), [(10, 11, 11)]);
    let joined = episodes(&flags, 31, 7, 7.0, Flag::excess);
    assert_eq!(opened(&joined), [(10, 18, 18)]);
    assert_eq!(
        (joined[0].actual(), joined[0].expected(), joined[0].normal()),
        (15.0, 6.0, (3.0, 9.0))
    );
    assert!(joined[0].is_over);
}

#[test]
fn surges_of_failures_are_told_from_chance() {
    let requests = vec![100.0; 200];
    let mut failed: Vec<f64> = (0..200).map(|hour| f64::from(u32::from(hour % 3 == 0))).collect();
    failed[180] = 30.0;
    // Many of few, and a few more of many: chance.
    failed[190] = 4.0;
    let found = failures::flags(&requests, &failed, 0, Sensitivity::High);
    assert_eq!(steps(&found), [180]);
    assert!((found[0].expected - 0.335).abs() < 0.01, "{:?}", found[0]);
    let mut few = requests.clone();
    (few[195], failed[195]) = (4.0, 4.0);
    assert_eq!(steps(&failures::flags(&few, &failed, 0, Sensitivity::High)), [180]);
    // By the sum of probabilities.
    for (failed, count, probability, expected) in [
        (2.0, 3.0, 0.5, 0.5),
        (5.0, 10.0, 0.1, 0.001_634_937),
        (50.0, 1_000.0, 0.03, 0.000_420_77),
        (0.0, 10.0, 0.1, 1.0),
    ] {
        let tail = failures::tail(failed, count, probability);
        assert!((tail / expected - 1.0).abs() < 0.01, "{failed} of {count}: {tail}");
    }
}

#[test]
fn the_cost_of_a_request_is_out_of_range_on_a_day_of_enough_of_them() {
    let requests = vec![100.0; 40];
    let mut costs: Vec<f64> = (0..40).map(|day| 200.0 + f64::from(day % 5)).collect();
    costs[35] = 600.0;
    let found = daily::price_flags(&costs, &requests, 0, Sensitivity::Low);
    assert_eq!(steps(&found), [35]);
    assert!((found[0].actual - 6.0).abs() < 1e-9 && (found[0].expected - 2.02).abs() < 0.01);
    let mut few = requests.clone();
    (few[35], costs[35]) = (10.0, 60.0);
    assert_eq!(daily::price_flags(&costs, &few, 0, Sensitivity::High), []);
    // Twice as many requests at the same cost each is no change of it.
    let mut many = vec![100.0; 40];
    (many[35], costs[35]) = (200.0, 404.0);
    assert_eq!(daily::price_flags(&costs, &many, 0, Sensitivity::High), []);
}

#[test]
fn contributors_are_those_that_moved_along_until_most_is_explained() {
    let moved =
        |member: &'static str, expected: f64, actual: f64| Moved { member, expected, actual };
    let all = || {
        vec![
            moved("a", 10.0, 10.0),
            moved("b", 1.0, 61.0),
            moved("c", 5.0, 35.0),
            moved("d", 50.0, 20.0),
            moved("e", 0.0, 10.0),
        ]
    };
    let names = |direction: Direction| -> Vec<(&str, f64)> {
        contributors(all(), direction).into_iter().map(|it| (it.member, it.share)).collect()
    };
    assert_eq!(names(Direction::Up), [("b", 0.6), ("c", 0.3)]);
    assert_eq!(names(Direction::Down), [("d", 1.0)]);
    assert_eq!(contributors(vec![moved("a", 1.0, 1.0)], Direction::Up), []);
}

/// A key or a feature that is used on some days, much or little, is normal: what comes and goes is
/// an anomaly at most once in two months.
#[test]
fn what_comes_and_goes_is_not_odd() {
    let (mut found, mut days_judged) = (0, 0);
    for seed in 1..200_u64 {
        let mut numbers = Numbers(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
        let share = 0.2 + 0.5 * numbers.next();
        let days: Vec<f64> = (0..90)
            .map(|_| {
                let is_used = numbers.next() < share;
                // Sizes of which one in twenty is ten times the median.
                let size = (10.0 * (2.8 * (numbers.next() - 0.5)).exp()).round();
                if is_used { size } else { 0.0 }
            })
            .collect();
        let flags = daily::flags(&days, 0, Sensitivity::Medium);
        found += flags.len();
        days_judged += days.len() - daily::HISTORY_DAYS;
    }
    assert!(found * 60 <= days_judged, "{found} in {days_judged} days");
    // Ten times as much as ever is odd.
    let mut days = [0.0, 12.0, 0.0, 7.0, 0.0, 0.0, 9.0].repeat(8);
    days.push(120.0);
    assert_eq!(steps(&daily::flags(&days, 0, Sensitivity::Medium)), [56]);
}

/// The same of hours: a team that works now and then, with sessions of about a hundred requests, of
/// which most hours have none.
#[test]
fn hours_that_come_and_go_are_not_odd() {
    let (mut found, mut weeks) = (0, 0);
    for seed in 1..60_u64 {
        let mut numbers = Numbers(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
        let hours: Vec<f64> = (0..HOURS)
            .map(|hour| {
                let is_open = (7..19).contains(&(hour % 24)) && (hour / 24) % 7 < 5;
                let is_used = is_open && numbers.next() < 0.4;
                let size = (20.0 + 130.0 * numbers.next()).round();
                if is_used { size } else { 0.0 }
            })
            .collect();
        let flags = hourly::flags(&hours, 0, Sensitivity::Medium);
        found += episodes(&flags, HOURS, COOL_DOWN_HOURS, 0.0, |flag| flag.excess()).len();
        weeks += (HOURS - hourly::HISTORY_HOURS) / (7 * 24);
    }
    assert!(found <= weeks, "{found} in {weeks} weeks");
    let mut hours = [[0.0; 8].as_slice(), &[90.0, 0.0, 0.0, 120.0, 0.0, 60.0, 30.0], &[0.0; 9]]
        .concat()
        .repeat(14);
    hours.extend([0.0; 10]);
    hours.push(2_000.0);
    let flags = hourly::flags(&hours, 0, Sensitivity::Medium);
    assert_eq!(steps(&flags), [14 * 24 + 10]);
}
