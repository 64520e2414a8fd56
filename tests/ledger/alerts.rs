//! What administrators are told, and when a request crosses a threshold.

use crate::script::check;

#[test]
fn thresholds_jumped_over_together_are_raised_in_order() {
    check(
        "plan 100
         model a 1000/1000
         quota q user each 10 per day alerts=50,80,100
         record r1 a in=4k user=ada        => cost 4
         alerts                            => 0 alerts
         check r2 a in=6k out=0 user=ada
         => q of user ada says ThresholdCrossed 100%: limit 10 spent 4 held 0 need 6 \
            until 2026-01-16T00:00, and lets it pass
         alerts                            => 0 alerts
         record r2 a in=5k                 => cost 5
         alerts => 2 alerts; 1. 50% of q for user ada: 9 of 10; 2. 80% of q for user ada: 9 of 10
         record r3 a in=1k user=ada        => cost 1
         alerts => 1 alerts; 1. 100% of q for user ada: 10 of 10
         record r4 a in=1k user=ada        => cost 1
         alerts                            => 0 alerts
         at 2026-01-16T00:00
         record r5 a in=5k user=ada        => cost 5
         alerts                            => 1 alerts; 1. 50% of q for user ada: 5 of 10",
    );
}

#[test]
fn once_also_over_restarts() {
    check(
        "plan 100
         model a 1000/1000
         quota q user each 10 per day alerts=50,80
         record r1 a in=5k user=ada        => cost 5
         alerts                            => 1 alerts
         crash
         alerts                            => 0 alerts
         record r2 a in=3k user=ada        => cost 3
         crash
         alerts                            => 1 alerts; 1. 80% of q for user ada: 8 of 10",
    );
}

#[test]
fn a_limit_that_is_lowered_raises_at_once() {
    check(
        "plan 100
         model a 1000/1000
         quota q user each 10 per day alerts=50,80
         record r1 a in=4k user=ada        => cost 4
         quota q user each 5 per day alerts=50,80
         alerts => 2 alerts; 1. 50% of q for user ada: 4 of 5; 2. 80% of q for user ada: 4 of 5
         boost b q +15 for=1d
         record r2 a in=6k user=ada        => cost 6
         alerts                            => 0 alerts",
    );
}

#[test]
fn the_envelope_and_caps_have_thresholds_too() {
    check(
        "plan 8 + 2
         model a 1000/1000 cap 6
         record r1 a in=5k                 => cost 5
         alerts
         => 3 alerts; 1. 50% of the workspace: 5 of 10; 2. 50% of model a: 5 of 6
         => 3. 80% of model a: 5 of 6
         record r2 a in=4k                 => cost 4; in overage
         alerts
         => 3 alerts; 1. 80% of the workspace: 9 of 10; 2. InOverage of the workspace: 9 of 8
         => 3. 100% of model a: 9 of 6
         record r3 a in=1k                 => exhausted
         alerts
         => 2 alerts; 1. 100% of the workspace: 10 of 10; 2. Exhausted of the workspace: 10 of 10",
    );
}

#[test]
fn fallback_unpriced_usage_and_expired_holds_are_told() {
    check(
        "plan 100
         model a 1000/1000 cap 1
         model b 500/500
         model u unpriced
         check r1 a in=2k out=0 dry        => routed b
         alerts                            => 0 alerts
         check r1 a in=2k out=0 hold=1m    => routed b
         check r2 a in=2k out=0 hold=1m    => routed b
         alerts                            => 1 alerts; 1. FallbackBegan of model a
         record r3 u in=1k                 => unpriced
         record r4 u in=1k                 => unpriced
         alerts                            => 1 alerts; 1. UnpricedModel of model u
         wait 1m
         alerts                            => 1 alerts
         at 2026-01-16T00:00
         record r5 u in=1k                 => unpriced
         alerts                            => 1 alerts; 1. UnpricedModel of model u",
    );
}

#[test]
fn models_without_a_price_cannot_multiply_alerts() {
    let lines = |verb: fn(usize) -> String, numbers: std::ops::Range<usize>| {
        numbers.map(|number| verb(number) + "\n").collect::<String>()
    };
    let models = lines(|number| format!("model m{number} unpriced"), 0..130);
    let first = lines(|number| format!("record r{number} m{number} in=1k => unpriced"), 0..110);
    let more = lines(|number| format!("record r{number} m{number} in=1k => unpriced"), 110..120);
    let next = lines(|number| format!("record s{number} m{number} in=1k => unpriced"), 0..120);
    check(&format!(
        "plan 100
         {models}
         {first}
         alerts
         => 101 alerts; 100. UnpricedModel of model m99; 101. UnpricedModel of the workspace
         crash
         {more}
         alerts                            => 0 alerts
         at 2026-01-16T00:00
         {next}
         alerts                            => 101 alerts"
    ));
}

#[test]
fn a_limit_with_another_value_raises_its_thresholds_again() {
    check(
        "plan 1000
         model a 1000/1000
         quota q user each 10 per month alerts=50,80
         record r1 a in=9k user=ada        => cost 9
         alerts                            => 2 alerts
         quota q user each 100 per month alerts=50,80
         alerts                            => 0 alerts
         record r2 a in=42k user=ada       => cost 42
         alerts                            => 1 alerts; 1. 50% of q for user ada: 51 of 100
         crash
         record r3 a in=35k user=ada       => cost 35
         alerts                            => 1 alerts; 1. 80% of q for user ada: 86 of 100
         quota q user each 10 per month alerts=50,80
         alerts                            => 0 alerts
         quota q user each 90 per month alerts=50,80
         alerts
         => 2 alerts; 1. 50% of q for user ada: 86 of 90; 2. 80% of q for user ada: 86 of 90
         crash
         quota q user each 100 per month alerts=50,80
         alerts                            => 0 alerts
         quota q user each 90 per month alerts=50,80
         alerts                            => 0 alerts
         record r4 a in=9k user=bob        => cost 9
         alerts                            => 0 alerts",
    );
}

#[test]
fn a_boost_is_no_other_limit() {
    check(
        "plan 1000
         model a 1000/1000
         quota q user ada 10 per month alerts=50,80
         record r1 a in=6k user=ada        => cost 6
         alerts                            => 1 alerts
         boost b q +10 for=1h
         record r2 a in=5k user=ada        => cost 5
         alerts                            => 0 alerts
         record r3 a in=5k user=ada        => cost 5
         alerts                            => 1 alerts; 1. 80% of q for user ada: 16 of 20
         wait 1h
         record r4 a in=5k user=ada        => cost 5
         alerts                            => 0 alerts",
    );
}

#[test]
fn caps_and_the_envelope_with_another_value_raise_again() {
    check(
        "plan 8 + 2
         model a 1000/1000 cap 6
         record r1 a in=10k                => cost 10
         alerts                            => 8 alerts
         cap a 15
         alerts                            => 1 alerts; 1. 50% of model a: 10 of 15
         cap a 6
         alerts                            => 0 alerts
         plan 16 + 2
         alerts                            => 1 alerts; 1. 50% of the workspace: 10 of 18
         record r2 a in=8k                 => cost 8
         alerts
         => 4 alerts; 1. 80% of the workspace: 18 of 18; 2. 100% of the workspace: 18 of 18
         => 3. InOverage of the workspace: 18 of 16; 4. Exhausted of the workspace: 18 of 18
         plan 8 + 2
         restart
         alerts                            => 0 alerts",
    );
}

/// A late record takes back the charge of its expired hold: nothing shows both.
#[test]
fn a_late_record_and_the_charge_that_it_takes_back_are_one() {
    check(
        "plan 2
         expiry charge
         model a 1000/1000
         quota q workspace 2 per day alerts=50,80,100
         check r1 a in=1200 out=0 hold=1m  => held 1.2
         wait 1m
         charge-due                        => charged 1
         alerts
         => 3 alerts; 1. HoldsExpired of the workspace: 1 of 0; 2. 50% of q for workspace: 1.2 of 2
         => 3. 50% of the workspace: 1.2 of 2
         record r1 a in=1k                 => cost 1; spent 1; within plan
         alerts                            => 0 alerts
         budget                            => spent 1",
    );
}

#[test]
fn a_limit_of_one_subject_that_is_lowered_raises_at_once() {
    check(
        "plan 100
         model a 1000/1000
         quota q user ada 10 per day alerts=50
         record r1 a in=4k user=ada        => cost 4
         alerts                            => 0 alerts
         quota q user ada 5 per day alerts=50
         alerts                            => 1 alerts; 1. 50% of q for user ada: 4 of 5",
    );
}

#[test]
fn fallback_is_told_at_the_first_and_again_in_the_next_cycle() {
    check(
        "plan 100
         model a 1000/1000 cap 1
         model b 500/500
         check r1 a in=2k out=0            => routed b
         alerts                            => 1 alerts; 1. FallbackBegan of model a
         check r2 a in=2k out=0            => routed b
         alerts                            => 0 alerts
         at 2026-02-01T00:00
         alerts                            => 1 alerts; 1. HoldsExpired of the workspace: 1 of 0
         check r3 a in=2k out=0            => routed b
         alerts                            => 1 alerts; 1. FallbackBegan of model a
         check r4 a in=2k out=0            => routed b
         alerts                            => 0 alerts",
    );
}

#[test]
fn thresholds_are_raised_once_in_each_cycle() {
    check(
        "plan 10 + 2
         model a 1000/1000 cap 9
         record r1 a in=7k                 => cost 7
         alerts => 2 alerts; 1. 50% of the workspace: 7 of 12; 2. 50% of model a: 7 of 9
         record r2 a in=100                => cost 0.1
         alerts                            => 0 alerts
         at 2026-02-01T00:00
         record r3 a in=7k                 => cost 7
         alerts => 2 alerts; 1. 50% of the workspace: 7 of 12; 2. 50% of model a: 7 of 9
         record r4 a in=100                => cost 0.1
         alerts                            => 0 alerts",
    );
}

/// An alert that is raised once a day is not raised again when a new plan begins another cycle on
/// the same day.
#[test]
fn a_new_cycle_does_not_repeat_an_alert_of_the_day() {
    check(
        "plan 100
         model u unpriced
         model a 1000/1000 cap 1
         check r1 a in=1k out=0 hold=1m    => allowed
         wait 1m
         record r2 u in=1k                 => unpriced
         alerts
         => 2 alerts; 1. HoldsExpired of the workspace: 1 of 0; 2. UnpricedModel of model u
         plan 100 from 2026-01-15
         record r3 u in=1k                 => unpriced
         check r4 a in=1k out=0 hold=1m    => allowed
         record r5 a in=600                => cost 0.6
         alerts                            => 1 alerts; 1. 50% of model a: 0.6 of 1
         wait 1m
         alerts                            => 0 alerts
         at 2026-01-16T00:00
         check r6 a in=100 out=0 hold=1m   => allowed
         wait 1m
         record r7 u in=1k                 => unpriced
         alerts
         => 2 alerts; 1. HoldsExpired of the workspace: 3 of 0; 2. UnpricedModel of model u",
    );
}
