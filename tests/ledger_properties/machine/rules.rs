//! Makes draws of quotas, rate limits, keys and boosts concrete.

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::{Offset, TimeDelta, TimeZone};
use tollgate::domain::Time;
use tollgate::domain::api_key::{ApiKey, KeyGroup};
use tollgate::domain::attribution::{Attribution, SubjectKind};
use tollgate::domain::boost::{Boost, BoostTarget};
use tollgate::domain::quota::{Enforcement, Period, Quota, Scope, Unit};
use tollgate::domain::rate_limit::{RateBound, RateLimit, RateWindow};
use tollgate::domain::time::MICROS_PER_SECOND;
use tollgate::domain::workspace::freeze::{Freeze, FrozenSubject};

use super::Call;
use super::draws::{
    BoostDraw, FreezeDraw, KeyDraw, QuotaDraw, RateDraw, RuleDraw, ScopeDraw, WhoDraw,
};
use super::reference::{NAMES, START};
use crate::oracle::policy::Change;
use crate::oracle::{Oracle, facts};

const ENFORCEMENTS: [Enforcement; 4] =
    [Enforcement::Hard, Enforcement::Soft, Enforcement::Downgrade, Enforcement::Shadow];
/// First letter of the ids of each kind of subject, but of providers and tags.
const LETTERS: [&str; 10] = ["", "d", "u", "k", "g", "p", "s", "w", "f", "n"];
/// The providers of models.
pub const PROVIDERS: [&str; 3] = ["north", "south", "nowhere"];
/// Tags that rules name, of two keys.
const TAGS: [&str; 3] = ["team=1", "env=1", "env=2"];
const UNITS: [Unit; 3] = [Unit::Money, Unit::Tokens, Unit::Requests];
const PERIODS: [Period; 10] = [
    Period::Day,
    Period::Week,
    Period::Month,
    Period::Cycle,
    Period::Hour,
    Period::Quarter,
    Period::Year,
    Period::UntilReset,
    Period::InFlight,
    Period::Request,
];

/// Whom a draw means; nobody if it says nothing.
pub fn attribution(draw: &WhoDraw) -> Option<Box<Attribution>> {
    let id = |letter: &str, number: u8| match number {
        0 => String::new(),
        number => format!("{letter}{number}"),
    };
    let mut tags = BTreeMap::new();
    // Two may be named at once, and one looks as if it were named.
    let said = [("team", draw.project), ("env", draw.assistant), ("team=1", draw.project)];
    for (key, number) in said.into_iter().filter(|(_, number)| *number > 0) {
        tags.insert(key.to_owned(), number.to_string());
    }
    let attribution = Attribution {
        tags,
        department_id: id("d", draw.department),
        user_id: id("u", draw.user),
        api_key_id: id("k", draw.key),
        project_id: id("p", draw.project),
        assistant_id: id("s", draw.assistant),
        // Enough to tell a mix-up of fields.
        workflow_id: id("w", draw.project),
        feature_id: id("f", draw.assistant),
        session_id: id("n", draw.user),
        investigation_id: String::new(),
    };
    (!attribution.is_empty()).then(|| Box::new(attribution))
}

pub fn group(number: u8) -> KeyGroup {
    KeyGroup {
        id: format!("g{number}").into(),
        display_name: String::new(),
        create_time: START,
        update_time: START,
    }
}

/// Inserts what is drawn, or changes what has the same scope, unit and period. `serial` numbers
/// what is new.
pub fn rules(oracle: &Oracle, serial: &mut u32, draws: &[RuleDraw]) -> Call {
    let mut after = oracle.clone();
    let mut changes = Vec::new();
    for draw in draws {
        *serial += 1;
        let change = match draw {
            RuleDraw::Quota(draw) => Change::PutQuota(quota(&after, *serial, draw)),
            RuleDraw::Rate(draw) => Change::PutRateLimit(rate_limit(&after, *serial, draw)),
        };
        after.change(change.clone());
        changes.push(change);
    }
    Call::Rules(changes)
}

fn scope(draw: &ScopeDraw) -> Scope {
    let kind = SubjectKind::ALL[usize::from(draw.kind)];
    let subject_id = match kind {
        SubjectKind::Workspace => Some("".into()),
        // A tag is always named.
        SubjectKind::Tag => Some(subject_id(kind, draw.subject_id.unwrap_or(1))),
        _ => draw.subject_id.map(|number| subject_id(kind, number)),
    };
    Scope { kind, subject_id, model_id: draw.model.map(|model| NAMES[usize::from(model)].into()) }
}

fn subject_id(kind: SubjectKind, number: u8) -> Arc<str> {
    let place = usize::from(number) - 1;
    match kind {
        SubjectKind::Provider => PROVIDERS[place].into(),
        SubjectKind::Tag => TAGS[place].into(),
        kind => format!("{}{number}", LETTERS[kind as usize]).into(),
    }
}

fn quota(oracle: &Oracle, serial: u32, draw: &QuotaDraw) -> Quota {
    let scope = scope(&draw.scope);
    let (unit, period) = (UNITS[usize::from(draw.unit)], PERIODS[usize::from(draw.period)]);
    // Only who is named can be excepted.
    let may_be_excepted = scope.subject_id.is_some() && scope.kind != SubjectKind::Workspace;
    let twentieths = draw.limit.or((!may_be_excepted).then_some(10));
    let thresholds: [&[u16]; 4] = [&[50, 80, 100], &[], &[25, 100, 150], &[1, 10, 90, 1_000]];
    let before = oracle
        .quotas
        .iter()
        .find(|other| other.scope == scope && (other.unit, other.period) == (unit, period));
    let new_id = || format!("q{:03}-{serial}", draw.place).into();
    let window_start = oracle.now - draw.seconds_back * MICROS_PER_SECOND;
    Quota {
        id: before.map_or_else(new_id, |before| before.id.clone()),
        display_name: String::new(),
        unit,
        period,
        limit: twentieths.map(|twentieths| twentieths * usual(unit)),
        enforcement: ENFORCEMENTS[usize::from(draw.enforcement)],
        thresholds: match period {
            Period::InFlight | Period::Request => Vec::new(),
            _ => thresholds[usize::from(draw.thresholds)].to_vec(),
        },
        window_start: before.map_or(window_start, |before| before.window_start),
        create_time: before.map_or(oracle.now, |before| before.create_time),
        update_time: oracle.now,
        scope,
    }
}

/// What a draw counts in: some of it is a small request.
fn usual(unit: Unit) -> i64 {
    match unit {
        Unit::Money => 4_000_000,
        Unit::Tokens | Unit::UncachedTokens => 1_500,
        Unit::Requests => 1,
    }
}

fn rate_limit(oracle: &Oracle, serial: u32, draw: &RateDraw) -> RateLimit {
    let scope = scope(&draw.scope);
    let before = oracle.rate_limits.iter().find(|other| other.scope == scope);
    let new_id = || format!("l{:03}-{serial}", draw.place).into();
    let mut bounds = Vec::new();
    let tokens = if draw.without_cache { Unit::UncachedTokens } else { Unit::Tokens };
    for (unit, amounts) in [(Unit::Requests, &draw.requests), (tokens, &draw.tokens)] {
        let amounts = RateWindow::ALL.into_iter().zip(amounts);
        bounds.extend(amounts.filter_map(|(window, amount)| {
            amount.map(|amount| RateBound::new(unit, window, amount))
        }));
    }
    if bounds.is_empty() {
        bounds.push(RateBound::new(Unit::Requests, RateWindow::Minute, 3));
    }
    RateLimit {
        id: before.map_or_else(new_id, |before| before.id.clone()),
        display_name: String::new(),
        bounds: RateBound::sorted(bounds),
        enforcement: ENFORCEMENTS[usize::from(draw.enforcement)],
        create_time: before.map_or(oracle.now, |before| before.create_time),
        update_time: oracle.now,
        scope,
    }
}

/// Takes some rule away.
pub fn remove(oracle: &Oracle, index: usize, is_rate: bool) -> Call {
    let change = match is_rate {
        true => some(&oracle.rate_limits, index).map(|it| Change::RemoveRateLimit(it.id.clone())),
        false => some(&oracle.quotas, index).map(|it| Change::RemoveQuota(it.id.clone())),
    };
    change.map_or(Call::Nothing, |change| Call::Rules(vec![change]))
}

/// Begins a new window of some quota that is reset by hand.
pub fn reset(oracle: &Oracle, index: usize) -> Call {
    let by_hand = oracle.quotas.iter().filter(|quota| quota.period == Period::UntilReset);
    let by_hand: Vec<&Quota> = by_hand.collect();
    let Some(quota) = some(&by_hand, index) else { return Call::Nothing };
    let quota = Quota { window_start: oracle.now, update_time: oracle.now, ..(*quota).clone() };
    Call::Rules(vec![Change::PutQuota(quota)])
}

pub fn key(oracle: &Oracle, draw: &KeyDraw) -> Call {
    let models = draw.models.iter().map(|model| NAMES[usize::from(*model)].into());
    let mut allowed_model_ids: Vec<Arc<str>> = models.collect();
    allowed_model_ids.sort();
    allowed_model_ids.dedup();
    Call::Rules(vec![Change::PutKey(ApiKey {
        id: format!("k{}", draw.key).into(),
        display_name: String::new(),
        key_group_id: (draw.group > 0).then(|| format!("g{}", draw.group).into()),
        allowed_model_ids,
        disabled: draw.disabled,
        expire_time: draw.expires.map(|seconds| oracle.now + seconds * MICROS_PER_SECOND),
        create_time: START,
        update_time: oracle.now,
    })])
}

/// Puts a user into a department, or takes it out.
pub fn department(user: u8, department: u8) -> Call {
    let department = match department {
        0 => String::new(),
        number => format!("d{number}"),
    };
    Call::Rules(vec![Change::PutDepartment(format!("u{user}"), department)])
}

pub fn boost(oracle: &Oracle, serial: u32, draw: &BoostDraw) -> Call {
    let (target, unit) = match draw.quota {
        None => (BoostTarget::Envelope, Unit::Money),
        Some(index) => {
            let Some(quota) = some(&oracle.quotas, index) else { return Call::Nothing };
            // Only one for each subject may be raised for one of them.
            let each = quota.scope.subject_id.is_none();
            let subject_id = draw.subject_id.filter(|_| each);
            let subject_id = subject_id.map(|number| self::subject_id(quota.scope.kind, number));
            (BoostTarget::Quota { quota_id: quota.id.clone(), subject_id }, quota.unit)
        }
    };
    let start_time = oracle.now + draw.starts * MICROS_PER_SECOND;
    Call::Rules(vec![Change::PutBoost(Boost {
        id: format!("b{serial}").into(),
        target,
        amount: draw.amount * usual(unit),
        start_time,
        end_time: start_time + draw.lasts * MICROS_PER_SECOND,
        reason: "because".to_owned(),
        actor: "somebody".to_owned(),
        create_time: oracle.now,
        cancel_time: None,
    })])
}

/// Ends some boost that is not over.
pub fn cancel(oracle: &Oracle, index: usize) -> Call {
    let going = |boost: &&Boost| boost.end_time > oracle.now && boost.cancel_time.is_none();
    let going: Vec<&Boost> = oracle.boosts.iter().filter(going).collect();
    let Some(boost) = some(&going, index) else { return Call::Nothing };
    let cancelled = Boost { cancel_time: Some(oracle.now), ..(*boost).clone() };
    Call::Rules(vec![Change::PutBoost(cancelled)])
}

/// Stops somebody, or lets one of those who are stopped go on.
pub fn freeze(oracle: &Oracle, draw: &FreezeDraw) -> Call {
    if draw.is_over {
        let Some(freeze) = some(&oracle.freezes, usize::from(draw.kind)) else {
            return Call::Nothing;
        };
        return Call::Rules(vec![Change::RemoveFreeze(freeze.subject.clone())]);
    }
    let kind = match SubjectKind::ALL[usize::from(draw.kind)] {
        SubjectKind::Provider => SubjectKind::User,
        kind => kind,
    };
    let id = match kind {
        SubjectKind::Workspace => "".into(),
        kind => subject_id(kind, draw.subject_id),
    };
    Call::Rules(vec![Change::PutFreeze(Freeze {
        subject: FrozenSubject { kind, id },
        reason: "because".to_owned(),
        end_time: draw.ends.map(|seconds| oracle.now + seconds * MICROS_PER_SECOND),
        actor: "ada".to_owned(),
        create_time: oracle.now,
        update_time: oracle.now,
    })])
}

/// So many seconds after the end of a running window.
pub fn after_edge(oracle: &Oracle, period: u8, seconds: i64) -> Time {
    let window = match PERIODS[usize::from(period)] {
        Period::Day => facts::day(&oracle.workspace, oracle.now),
        Period::Week => facts::week(&oracle.workspace, oracle.now),
        Period::Month => facts::month(&oracle.workspace, oracle.now),
        Period::Hour => facts::whole_hour(&oracle.workspace, oracle.now),
        Period::Quarter => facts::quarter(&oracle.workspace, oracle.now),
        Period::Year => facts::year(&oracle.workspace, oracle.now),
        _ => oracle.cycle(),
    };
    window.end + seconds * MICROS_PER_SECOND
}

/// So many minutes after the clocks of the zone are next changed; as many after now if they never
/// are.
pub fn after_clock_change(oracle: &Oracle, minutes: i64) -> Time {
    let zone = oracle.workspace.time_zone;
    let now = oracle.now.to_utc();
    let offset = |hours: i64| {
        let time = (now + TimeDelta::hours(hours)).naive_utc();
        zone.from_utc_datetime(&time).offset().fix().local_minus_utc()
    };
    let hours = (0..9_000).find(|hours| offset(*hours) != offset(hours + 1));
    let change = now + TimeDelta::hours(hours.map_or(0, |hours| hours + 1));
    Time::from_utc(change) + minutes * 60 * MICROS_PER_SECOND
}

fn some<T>(list: &[T], index: usize) -> Option<&T> {
    list.get(index % list.len().max(1))
}
