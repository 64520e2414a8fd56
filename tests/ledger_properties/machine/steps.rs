//! What may happen, drawn at random. Few ids, models and sizes, so that things meet.

use proptest::prelude::{Just, Strategy, any, prop_oneof};
use proptest::strategy::{BoxedStrategy, Union};

use super::draws::{
    self, AnswerDraw, BoostDraw, ExtrasDraw, FreezeDraw, KeyDraw, ReportedDraw, RuleDraw, WhoDraw,
};

#[derive(Clone, Debug)]
pub enum Step {
    Check(Request),
    /// The same check as that of a live hold, word by word or with another size.
    CheckAgain {
        hold: usize,
        other_content: bool,
    },
    /// The usage of a live hold: what it declared, less, or more.
    RecordHeld {
        hold: usize,
        size: Size,
        outcome: u8,
        on_its_way: bool,
        /// Says itself whom it is for.
        who: Option<WhoDraw>,
        reported: Option<ReportedDraw>,
        answer: Option<AnswerDraw>,
    },
    /// Any usage, of any request.
    RecordAny {
        request: u8,
        attempt: u8,
        model: u8,
        tokens: i64,
        start: Option<i64>,
        tier: u8,
        extras: ExtrasDraw,
        who: Option<WhoDraw>,
        reported: Option<ReportedDraw>,
        answer: Option<AnswerDraw>,
    },
    /// An entry of the log once more, as it was or with other content.
    RecordAgain {
        entry: usize,
        other_content: bool,
    },
    /// Some record on its way arrives, or does not.
    Arrive {
        index: usize,
        lost: bool,
    },
    /// Many records of usual size, so that estimates have a history.
    Learn {
        model: u8,
        outputs: u8,
    },
    Release {
        request: u8,
    },
    Extend {
        request: u8,
        seconds: i64,
    },
    ChargeDue,
    Wait {
        seconds: i64,
    },
    /// Seconds before (negative) or after the end of the cycle.
    ToCycleEnd {
        seconds: i64,
    },
    /// Seconds before or after the end of a window.
    ToEdge {
        period: u8,
        seconds: i64,
    },
    /// Minutes before or after the clocks of the zone are changed.
    ToClockChange {
        minutes: i64,
    },
    ClockBack {
        seconds: i64,
    },
    Plan {
        budget: i64,
        overage: i64,
        start_day: u32,
    },
    Zone {
        zone: u8,
    },
    /// Another first day of the week, and fields that every check must have, as bits.
    Demands {
        week_start: u8,
        required: u8,
    },
    /// Whose reported costs are charged, and from which difference on there is an alert.
    ReportedCosts {
        providers: u8,
        percent: u16,
    },
    /// The cost above which a record is large, in thousandths.
    LargeRecordCost {
        millis: Option<i64>,
    },
    Policies {
        fallback: bool,
        allow_unpriced: bool,
        charge_expired: bool,
        deny_unknown_keys: bool,
        thresholds: bool,
    },
    Model {
        model: u8,
        enabled: bool,
        cap: Option<i64>,
        cap_enabled: bool,
        chain: Vec<u8>,
    },
    Price {
        model: u8,
        input: i64,
        output: i64,
        own: bool,
        usd: bool,
        effective: i64,
    },
    Exchange {
        nanos: i64,
    },
    Bounds {
        model: u8,
        context: Option<i64>,
        max_input: Option<i64>,
        max_output: Option<i64>,
        vision: bool,
    },
    Credit {
        credit: u8,
        millis: i64,
        model: u8,
        seconds_back: Option<i64>,
        who: Option<WhoDraw>,
    },
    Correct {
        entry: usize,
        millis: i64,
        /// Counts on another model than the entry.
        model: Option<u8>,
    },
    /// An attempt is voided; mostly one that is in the log, of whatever kind.
    Void {
        entry: usize,
        other_attempt: bool,
    },
    Rules(Vec<RuleDraw>),
    RemoveRule {
        index: usize,
        is_rate: bool,
    },
    Reset {
        index: usize,
    },
    Key(KeyDraw),
    RemoveKey {
        key: u8,
    },
    /// Zero is no department.
    Department {
        user: u8,
        department: u8,
    },
    Boost(BoostDraw),
    CancelBoost {
        index: usize,
    },
    Freeze(FreezeDraw),
    /// The workspace is archived, or restored.
    Archive {
        is_archived: bool,
    },
    Restart {
        is_graceful: bool,
    },
}

/// A check in raw numbers.
#[derive(Clone, Debug)]
pub struct Request {
    pub request: u8,
    pub model: u8,
    pub input: i64,
    pub cached: i64,
    pub max_output: Option<i64>,
    pub tier: u8,
    pub extras: ExtrasDraw,
    pub vision: bool,
    pub hold_seconds: i64,
    pub dry_run: bool,
    pub explain: bool,
    /// What it goes on with; zero is nothing.
    pub context: u8,
    pub who: WhoDraw,
}

/// Of a record, measured by what its check declared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Size {
    Half,
    Whole,
    Double,
}

pub fn any_step() -> BoxedStrategy<Step> {
    let index = || any::<prop::Index>().prop_map(|index| index.0);
    Union::new_weighted(vec![
        (30, request().prop_map(Step::Check).boxed()),
        (4, (index(), any::<bool>()).prop_map(check_again).boxed()),
        (16, record_held().boxed()),
        (5, record_any().boxed()),
        (3, (index(), any::<bool>()).prop_map(record_again).boxed()),
        (6, (index(), any::<bool>()).prop_map(arrive).boxed()),
        (1, (0..7u8, 15..40u8).prop_map(|(model, outputs)| Step::Learn { model, outputs }).boxed()),
        (4, (0..8u8).prop_map(|request| Step::Release { request }).boxed()),
        (3, (0..8u8, seconds()).prop_map(extend).boxed()),
        (6, Just(Step::ChargeDue).boxed()),
        (8, seconds().prop_map(|seconds| Step::Wait { seconds }).boxed()),
        (2, (-90..90i64).prop_map(|seconds| Step::ToCycleEnd { seconds }).boxed()),
        (3, (edge(), -90..90i64).prop_map(to_edge).boxed()),
        (1, (0..7u8, prop::mostly(), any::<u8>()).prop_map(demands).boxed()),
        (1, (-1_500..1_500i64).prop_map(|minutes| Step::ToClockChange { minutes }).boxed()),
        (1, seconds().prop_map(|seconds| Step::ClockBack { seconds }).boxed()),
        (3, (0..200i64, 0..60i64, 1..=31u32).prop_map(plan).boxed()),
        (2, (0..5u8).prop_map(|zone| Step::Zone { zone }).boxed()),
        (2, (0..4u8, 0..3u16).prop_map(reported_costs).boxed()),
        (2, (any::<(bool, bool, bool, bool)>(), prop::rarely()).prop_map(policies).boxed()),
        (2, large_record_cost().boxed()),
        (9, draws::rules().prop_map(Step::Rules).boxed()),
        (2, (index(), any::<bool>()).prop_map(remove_rule).boxed()),
        (2, index().prop_map(|index| Step::Reset { index }).boxed()),
        (4, draws::key().prop_map(Step::Key).boxed()),
        (1, (1..4u8).prop_map(|key| Step::RemoveKey { key }).boxed()),
        (4, (1..4u8, 0..4u8).prop_map(department).boxed()),
        (4, draws::boost().prop_map(Step::Boost).boxed()),
        (1, index().prop_map(|index| Step::CancelBoost { index }).boxed()),
        (3, draws::freeze().prop_map(Step::Freeze).boxed()),
        (2, prop::rarely().prop_map(|is_archived| Step::Archive { is_archived }).boxed()),
        (6, model().boxed()),
        (4, price().boxed()),
        (1, (100_000_001..3_000_000_000i64).prop_map(|nanos| Step::Exchange { nanos }).boxed()),
        (2, bounds().boxed()),
        (2, (index(), -20..20i64, other_model()).prop_map(correct).boxed()),
        (2, (index(), prop::rarely()).prop_map(void).boxed()),
        (2, credit().boxed()),
        (2, any::<bool>().prop_map(|is_graceful| Step::Restart { is_graceful }).boxed()),
    ])
    .boxed()
}

fn request() -> impl Strategy<Value = Request> {
    let sizes = (tokens(), prop_oneof![3 => Just(0), 1 => tokens()]);
    let tier = prop_oneof![4 => Just(0), 1 => 1..7u8];
    let served = (tier, draws::extras());
    let output = prop_oneof![3 => tokens().prop_map(Some), 1 => Just(None)];
    let how = (served, prop::rarely(), seconds(), prop::rarely(), any::<bool>());
    (0..8u8, 0..8u8, sizes, output, how, (draws::who(), draws::context())).prop_map(
        |(request, model, sizes, max_output, how, (who, context))| {
            let ((input, cached), (served, vision, hold_seconds, dry_run, explain)) = (sizes, how);
            let (tier, extras) = served;
            Request {
                request,
                model,
                input,
                cached,
                max_output,
                tier,
                extras,
                vision,
                hold_seconds,
                dry_run,
                explain,
                context,
                who,
            }
        },
    )
}

fn other_who() -> impl Strategy<Value = Option<WhoDraw>> {
    prop_oneof![6 => Just(None), 1 => draws::who().prop_map(Some)]
}

fn tokens() -> impl Strategy<Value = i64> {
    prop_oneof![
        1 => Just(0),
        4 => (0..6i64).prop_map(|thousands| thousands * 1_000),
        4 => 0..5_000i64,
    ]
}

fn seconds() -> impl Strategy<Value = i64> {
    prop_oneof![4 => 1..120i64, 2 => 1..3_600i64, 1 => Just(86_400i64)]
}

fn size() -> impl Strategy<Value = Size> {
    prop_oneof![Just(Size::Half), Just(Size::Whole), Just(Size::Double)]
}

fn record_held() -> impl Strategy<Value = Step> {
    let hold = any::<prop::Index>().prop_map(|index| index.0);
    let how = (0..3u8, any::<bool>());
    (hold, size(), how, other_who(), (draws::reported(), draws::answer())).prop_map(
        |(hold, size, (outcome, on_its_way), who, (reported, answer))| Step::RecordHeld {
            hold,
            size,
            outcome,
            on_its_way,
            who,
            reported,
            answer,
        },
    )
}

fn record_any() -> impl Strategy<Value = Step> {
    let start = prop_oneof![
        6 => Just(None),
        3 => (-40 * 86_400..300i64).prop_map(Some),
        1 => (-600..3 * 86_400i64).prop_map(Some),
    ];
    let who = prop_oneof![1 => Just(None), 3 => draws::who().prop_map(Some)];
    let beside = (0..7u8, draws::extras(), draws::reported(), draws::answer());
    (0..8u8, 0..2u8, 0..9u8, tokens(), start, beside, who).prop_map(
        |(request, attempt, model, tokens, start, beside, who)| {
            let (tier, extras, reported, answer) = beside;
            Step::RecordAny {
                request,
                attempt,
                model,
                tokens,
                start,
                tier,
                extras,
                who,
                reported,
                answer,
            }
        },
    )
}

fn model() -> impl Strategy<Value = Step> {
    let cap = prop_oneof![1 => Just(None), 3 => (0..80i64).prop_map(Some)];
    let chain = prop_oneof![
        3 => Just(Vec::new()),
        1 => proptest::collection::vec(0..8u8, 1..4),
    ];
    (0..6u8, prop::mostly(), cap, prop::mostly(), chain).prop_map(
        |(model, enabled, cap, cap_enabled, chain)| Step::Model {
            model,
            enabled,
            cap,
            cap_enabled,
            chain,
        },
    )
}

fn price() -> impl Strategy<Value = Step> {
    let rate = || prop_oneof![1 => Just(0), 6 => 1..9_999_999_999i64];
    let flags = (any::<bool>(), prop::rarely());
    (0..6u8, rate(), rate(), flags, -86_400..7_200i64).prop_map(
        |(model, input, output, (own, usd), effective)| Step::Price {
            model,
            input,
            output,
            own,
            usd,
            effective,
        },
    )
}

fn large_record_cost() -> impl Strategy<Value = Step> {
    let millis = prop_oneof![1 => Just(None), 4 => (1..25i64).prop_map(Some)];
    millis.prop_map(|millis| Step::LargeRecordCost { millis })
}

fn credit() -> impl Strategy<Value = Step> {
    let back = prop_oneof![2 => Just(None), 1 => (0..35 * 86_400i64).prop_map(Some)];
    (0..6u8, 1..40i64, 0..9u8, back, other_who()).prop_map(
        |(credit, millis, model, seconds_back, who)| Step::Credit {
            credit,
            millis,
            model,
            seconds_back,
            who,
        },
    )
}

fn bounds() -> impl Strategy<Value = Step> {
    let count = || prop_oneof![Just(None), (500..8_000i64).prop_map(Some)];
    let sizes = (count(), count(), count());
    (0..6u8, sizes, any::<bool>()).prop_map(|(model, (context, max_input, max_output), vision)| {
        Step::Bounds { model, context, max_input, max_output, vision }
    })
}

fn check_again((hold, other_content): (usize, bool)) -> Step {
    Step::CheckAgain { hold, other_content }
}

fn reported_costs((providers, tens): (u8, u16)) -> Step {
    Step::ReportedCosts { providers, percent: tens * 10 }
}

/// Mostly of short windows: a year is soon over.
fn edge() -> impl Strategy<Value = u8> {
    prop_oneof![12 => 0..5u8, 1 => Just(5u8), 1 => Just(6u8)]
}

fn demands((week_start, is_free, user_or_key): (u8, bool, u8)) -> Step {
    Step::Demands { week_start, required: if is_free { 0 } else { user_or_key % 8 } }
}

fn to_edge((period, seconds): (u8, i64)) -> Step {
    Step::ToEdge { period, seconds }
}

fn remove_rule((index, is_rate): (usize, bool)) -> Step {
    Step::RemoveRule { index, is_rate }
}

fn record_again((entry, other_content): (usize, bool)) -> Step {
    Step::RecordAgain { entry, other_content }
}

fn arrive((index, lost): (usize, bool)) -> Step {
    Step::Arrive { index, lost }
}

fn department((user, department): (u8, u8)) -> Step {
    Step::Department { user, department }
}

fn extend((request, seconds): (u8, i64)) -> Step {
    Step::Extend { request, seconds }
}

fn plan((budget, overage, start_day): (i64, i64, u32)) -> Step {
    Step::Plan { budget, overage, start_day }
}

fn policies(
    ((fallback, allow_unpriced, charge_expired, thresholds), deny_unknown_keys): (
        (bool, bool, bool, bool),
        bool,
    ),
) -> Step {
    Step::Policies { fallback, allow_unpriced, charge_expired, deny_unknown_keys, thresholds }
}

fn correct((entry, millis, model): (usize, i64, Option<u8>)) -> Step {
    Step::Correct { entry, millis, model }
}

fn other_model() -> impl Strategy<Value = Option<u8>> {
    prop_oneof![2 => Just(None), 1 => (0..6u8).prop_map(Some)]
}

fn void((entry, other_attempt): (usize, bool)) -> Step {
    Step::Void { entry, other_attempt }
}

/// Small helpers to draw with.
mod prop {
    use super::{Just, Strategy, any, prop_oneof};

    /// A number that is taken modulo the length of some list.
    #[derive(Clone, Debug)]
    pub struct Index(pub usize);

    impl proptest::arbitrary::Arbitrary for Index {
        type Parameters = ();
        type Strategy = super::BoxedStrategy<Index>;
        fn arbitrary_with((): ()) -> Self::Strategy {
            any::<u8>().prop_map(|index| Index(usize::from(index))).boxed()
        }
    }

    pub fn rarely() -> impl Strategy<Value = bool> {
        prop_oneof![6 => Just(false), 1 => Just(true)]
    }

    pub fn mostly() -> impl Strategy<Value = bool> {
        prop_oneof![1 => Just(false), 6 => Just(true)]
    }
}
