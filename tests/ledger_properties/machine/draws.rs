//! Raw draws of what bounds subjects: quotas, rate limits, keys, boosts, and whom a request is for.

use proptest::prelude::{Just, Strategy, any, prop_oneof};

/// Zero is nobody.
#[derive(Clone, Debug, Default)]
pub struct WhoDraw {
    pub department: u8,
    pub user: u8,
    pub key: u8,
    pub project: u8,
    pub assistant: u8,
}

/// What a request has beside tokens.
#[derive(Clone, Debug, Default)]
pub struct ExtrasDraw {
    pub searches: i64,
    /// Which prices have no rate for.
    pub pages: i64,
    /// Bits: each factor that prices have, and one that they have not.
    pub factors: u8,
}

/// What a provider says that it bills.
#[derive(Clone, Debug)]
pub struct ReportedDraw {
    pub nanos: i64,
    /// Of another currency than the workspace.
    pub usd: bool,
}

/// The provider answer that a report is read in.
#[derive(Clone, Debug)]
pub struct AnswerDraw {
    /// Whether the provider is known, and named by the caller.
    pub provider: u8,
    /// The answer's own id, and the conversation that it belongs to; zero is none.
    pub id: u8,
    pub context: u8,
    /// No usage is found in it.
    pub unread: bool,
}

/// Whose use a rule counts.
#[derive(Clone, Debug)]
pub struct ScopeDraw {
    /// Index of the kind of subject.
    pub kind: u8,
    /// Absent for each.
    pub subject_id: Option<u8>,
    pub model: Option<u8>,
}

#[derive(Clone, Debug)]
pub struct QuotaDraw {
    /// Where it comes among others.
    pub place: u8,
    pub scope: ScopeDraw,
    pub unit: u8,
    pub period: u8,
    /// In twentieths of what is usual; absent for an exception.
    pub limit: Option<i64>,
    pub enforcement: u8,
    pub thresholds: u8,
    /// How long before now its window began, if it is reset by hand.
    pub seconds_back: i64,
}

#[derive(Clone, Debug)]
pub struct RateDraw {
    pub place: u8,
    pub scope: ScopeDraw,
    /// By window: minute, day, hour.
    pub requests: [Option<i64>; 3],
    pub tokens: [Option<i64>; 3],
    /// Whether cache reads are left out of these.
    pub without_cache: bool,
    pub enforcement: u8,
}

#[derive(Clone, Debug)]
pub enum RuleDraw {
    Quota(QuotaDraw),
    Rate(RateDraw),
}

#[derive(Clone, Debug)]
pub struct KeyDraw {
    pub key: u8,
    /// Zero for none.
    pub group: u8,
    pub models: Vec<u8>,
    pub disabled: bool,
    pub expires: Option<i64>,
}

#[derive(Clone, Debug)]
pub struct BoostDraw {
    /// Which quota, modulo how many there are; absent for the envelope.
    pub quota: Option<usize>,
    pub subject_id: Option<u8>,
    pub amount: i64,
    pub starts: i64,
    pub lasts: i64,
}

/// Whom a freeze stops, and until when.
#[derive(Clone, Debug)]
pub struct FreezeDraw {
    /// Index of the kind of subject.
    pub kind: u8,
    pub subject_id: u8,
    /// Seconds from now, also before it; absent for no end.
    pub ends: Option<i64>,
    /// Whether it is taken back instead.
    pub is_over: bool,
}

/// Mostly short, or taken back: else nothing would run for long.
pub fn freeze() -> impl Strategy<Value = FreezeDraw> {
    let ends = prop_oneof![1 => Just(None), 6 => (-5..120i64).prop_map(Some)];
    let is_over = prop_oneof![1 => Just(false), 1 => Just(true)];
    (0..12u8, 1..4u8, ends, is_over).prop_map(|(kind, subject_id, ends, is_over)| FreezeDraw {
        kind,
        subject_id,
        ends,
        is_over,
    })
}

pub fn who() -> impl Strategy<Value = WhoDraw> {
    let some = || prop_oneof![1 => Just(0u8), 4 => Just(1u8), 3 => 2..4u8];
    (some(), some(), some(), some(), some()).prop_map(
        |(department, user, key, project, assistant)| WhoDraw {
            department,
            user,
            key,
            project,
            assistant,
        },
    )
}

/// Nothing, as mostly; units and factors that are priced; or any.
pub fn extras() -> impl Strategy<Value = ExtrasDraw> {
    let draw = |searches, pages, factors| ExtrasDraw { searches, pages, factors };
    prop_oneof![
        8 => Just(ExtrasDraw::default()),
        3 => (0..5i64, 0..8u8).prop_map(move |(searches, factors)| draw(searches, 0, factors)),
        1 => (0..5i64, 0..2i64, 0..16u8).prop_map(move |(searches, pages, factors)| {
            draw(searches, pages, factors)
        }),
    ]
}

/// Mostly nothing: then the price alone decides.
pub fn reported() -> impl Strategy<Value = Option<ReportedDraw>> {
    let nanos = prop_oneof![1 => Just(0i64), 4 => 0..40_000_000i64];
    let draw = (nanos, any::<bool>()).prop_map(|(nanos, usd)| ReportedDraw { nanos, usd });
    prop_oneof![5 => Just(None), 2 => draw.prop_map(Some)]
}

/// Mostly none.
pub fn answer() -> impl Strategy<Value = Option<AnswerDraw>> {
    let unread = prop_oneof![2 => Just(false), 1 => Just(true)];
    let draw = (0..3u8, 0..4u8, context(), unread)
        .prop_map(|(provider, id, context, unread)| AnswerDraw { provider, id, context, unread });
    prop_oneof![2 => Just(None), 1 => draw.prop_map(Some)]
}

/// Few conversations, and answers that requests go on with.
pub fn context() -> impl Strategy<Value = u8> {
    prop_oneof![1 => Just(0u8), 1 => 1..4u8]
}

/// One rule, or so many that a request meets a dozen.
pub fn rules() -> impl Strategy<Value = Vec<RuleDraw>> {
    prop_oneof![
        5 => proptest::collection::vec(rule(), 1..3),
        1 => proptest::collection::vec(rule(), 1..28),
    ]
}

fn rule() -> impl Strategy<Value = RuleDraw> {
    prop_oneof![
        3 => quota().prop_map(RuleDraw::Quota),
        2 => rate().prop_map(RuleDraw::Rate),
    ]
}

fn scope() -> impl Strategy<Value = ScopeDraw> {
    let subject_id = prop_oneof![1 => Just(None), 2 => prop_oneof![2 => Just(1u8), 1 => 2..4u8]
        .prop_map(Some)];
    let model = prop_oneof![3 => Just(None), 1 => (0..4u8).prop_map(Some)];
    (0..12u8, subject_id, model).prop_map(|(kind, subject_id, model)| ScopeDraw {
        kind,
        subject_id,
        model,
    })
}

fn quota() -> impl Strategy<Value = QuotaDraw> {
    let limit = prop_oneof![1 => Just(None), 12 => (0..30i64).prop_map(Some)];
    let back = prop_oneof![2 => Just(0i64), 1 => 0..3 * 86_400i64];
    let what = (0..3u8, 0..10u8, enforcement(), 0..4u8);
    (any::<u8>(), scope(), what, limit, back).prop_map(
        |(place, scope, (unit, period, enforcement, thresholds), limit, seconds_back)| QuotaDraw {
            place,
            scope,
            unit,
            period,
            limit,
            enforcement,
            thresholds,
            seconds_back,
        },
    )
}

fn rate() -> impl Strategy<Value = RateDraw> {
    let few = |most: i64| prop_oneof![1 => Just(None), 1 => (0..most).prop_map(Some)];
    let requests = [few(6), few(12), few(9)];
    let tokens = [few(30), few(90), few(60)];
    (any::<u8>(), scope(), requests, (tokens, any::<bool>()), enforcement()).prop_map(
        |(place, scope, requests, (tokens, without_cache), enforcement)| RateDraw {
            without_cache,
            place,
            scope,
            requests,
            tokens: tokens.map(|tokens| tokens.map(|tokens| tokens * 700)),
            enforcement,
        },
    )
}

fn enforcement() -> impl Strategy<Value = u8> {
    prop_oneof![5 => Just(0u8), 1 => Just(1u8), 3 => Just(2u8), 1 => Just(3u8)]
}

pub fn key() -> impl Strategy<Value = KeyDraw> {
    let models = prop_oneof![
        4 => Just(Vec::new()),
        1 => proptest::collection::vec(0..5u8, 1..4),
    ];
    let disabled = prop_oneof![5 => Just(false), 1 => Just(true)];
    let expires = prop_oneof![4 => Just(None), 1 => (-60..7_200i64).prop_map(Some)];
    (1..4u8, 0..3u8, models, disabled, expires).prop_map(
        |(key, group, models, disabled, expires)| KeyDraw { key, group, models, disabled, expires },
    )
}

pub fn boost() -> impl Strategy<Value = BoostDraw> {
    let quota = prop_oneof![1 => Just(None), 3 => (0..40usize).prop_map(Some)];
    let subject_id = prop_oneof![2 => Just(None), 1 => (1..4u8).prop_map(Some)];
    let starts = prop_oneof![2 => Just(0i64), 1 => 1..7_200i64];
    let lasts = prop_oneof![2 => 1..600i64, 1 => 1..86_400i64];
    (quota, subject_id, 1..20i64, starts, lasts).prop_map(
        |(quota, subject_id, amount, starts, lasts)| BoostDraw {
            quota,
            subject_id,
            amount,
            starts,
            lasts,
        },
    )
}
