//! Who explains an anomaly: the members that have moved with it.

use super::Direction;

/// The share of an anomaly that contributors explain together, at least, where they can.
pub const EXPLAINED: f64 = 0.8;

/// A member over the steps of an anomaly.
#[derive(Clone, Debug, PartialEq)]
pub struct Moved<M> {
    pub member: M,
    pub expected: f64,
    pub actual: f64,
}

/// A member that explains a part of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Contributor<M> {
    pub member: M,
    /// Of what all members have moved by in its direction, 0 to 1.
    pub share: f64,
    pub expected: f64,
    pub actual: f64,
}

/// The members that have moved in the direction of an anomaly, the most first, until they explain
/// most of it. Of equals the least member is first.
pub fn contributors<M: Ord>(moved: Vec<Moved<M>>, direction: Direction) -> Vec<Contributor<M>> {
    let sign = match direction {
        Direction::Up => 1.0,
        Direction::Down => -1.0,
    };
    let by = |it: &Moved<M>| sign * (it.actual - it.expected);
    let mut along: Vec<(f64, Moved<M>)> = moved
        .into_iter()
        .map(|it| (by(&it), it))
        .filter(|(by, _)| by.is_finite() && *by > 0.0)
        .collect();
    along.sort_by(|a, b| b.0.total_cmp(&a.0).then_with(|| a.1.member.cmp(&b.1.member)));
    let total: f64 = along.iter().map(|(by, _)| by).sum();
    let mut explained = 0.0;
    let mut found = Vec::new();
    for (by, Moved { member, expected, actual }) in along {
        if explained >= EXPLAINED * total {
            break;
        }
        explained += by;
        found.push(Contributor { member, share: by / total, expected, actual });
    }
    found
}
