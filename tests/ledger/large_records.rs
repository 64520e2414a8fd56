//! Records above the cost that the workspace names: flagged, told, and how many are told bounded.

use crate::script::check;

#[test]
fn a_record_above_the_named_cost_is_flagged_and_told_with_who_and_what() {
    check(
        "plan 100
         model a 1000/1000
         record r0 a in=20k                    => cost 20; usual
         large 5
         record r1 a in=5k                     => cost 5; usual
         alerts                                => 0 alerts
         record r2 a in=5001 user=ada key=k    => cost 5.001; large, above 5
         alerts
         => 1 alerts; 1. LargeRecord of the workspace: 5.001 of 5
         => 1. is number 1: r2 attempt 0 on a of user \"ada\" key \"k\"",
    );
}

#[test]
fn a_record_that_exhausts_the_budget_is_told_and_taken_back() {
    check(
        "plan 100
         large 50
         model a 1000/1000
         record r1 a in=100m user=ada          => cost 100000; large, above 50; exhausted
         alerts
         => 6 alerts; 1. 50% of the workspace: 100000 of 100
         => 5. Exhausted of the workspace: 100000 of 100
         => 6. LargeRecord of the workspace: 100000 of 50
         => 6. is number 1: r1 attempt 0 on a of user \"ada\" key \"\"
         check r2 a in=1k out=0                => blocked; Exhausted
         void r1                               => cost -100000
         check r2 a in=1k out=0                => allowed
         void r1                               => was voided of 100000
         alerts                                => 0 alerts",
    );
}

#[test]
fn a_repeat_is_told_once_and_keeps_its_flag() {
    check(
        "plan 100
         large 1
         model a 1000/1000
         record r1 a in=2k                     => new; large, above 1
         record r1 a in=2k                     => duplicate
         alerts                                => 1 alerts
         crash
         record r1 a in=2k                     => duplicate
         alerts                                => 0 alerts",
    );
}

#[test]
fn another_policy_counts_for_records_from_then_on() {
    check(
        "plan 100
         large 5
         model a 1000/1000
         record r1 a in=4k                     => usual
         send r2 a in=6k
         large 3
         alerts                                => 0 alerts
         arrives r2                            => cost 6; large, above 5
         record r3 a in=4k                     => large, above 3
         large off
         record r4 a in=6k                     => usual
         alerts
         => 2 alerts; 1. LargeRecord of the workspace: 6 of 5
         => 2. LargeRecord of the workspace: 4 of 3
         => 2. is number 2: r3 attempt 0 on a of user \"\" key \"\"",
    );
}

/// At the price of its hold, at what its hold was charged, at what repricing makes of it.
#[test]
fn the_cost_that_is_charged_decides() {
    check(
        "plan 1000
         large 5
         model a 1000/1000
         model u unpriced
         expiry charge
         check r1 a in=3k out=0                => held 3
         price a 4000/4000
         record r1 a in=3k                     => cost 3; usual
         check r2 a in=3k out=0 hold=1m        => held 12
         check r3 a in=1k out=0 hold=1m        => held 4
         wait 1m
         charge-due                            => charged 2
         alerts
         => 2 alerts; 2. LargeRecord of the workspace: 12 of 5
         => 2. is number 1: r2 attempt -1 on a of user \"\" key \"\"
         record r2 a in=2k                     => cost 8; large, above 5; spent 15
         alerts
         => 1 alerts; 1. is number 2: r2 attempt 0 on a of user \"\" key \"\"
         record r4 u in=9k                     => cost 0; unpriced; usual
         price u 1000/1000
         reprice r4                            => cost 9
         alerts                                => 1 alerts; 1. UnpricedModel of model u",
    );
}

/// A caller that sends many does not send as many alerts, and no day, zone or restart changes that.
#[test]
fn many_of_a_day_are_counted_and_few_are_told() {
    let several = |from: u32, to: u32| {
        let lines = (from..=to).map(|number| format!("record r{number} a in=2k => large, above 1"));
        lines.collect::<Vec<_>>().join("\n")
    };
    check(&format!(
        "plan 100000
         zone Asia/Kathmandu
         large 1
         model a 1000/1000
         {}
         alerts         => 9 alerts; 9. is number 9: r9 attempt 0 on a of user \"\" key \"\"
         crash
         {}
         alerts         => 1 alerts; 1. is number 10: r10 attempt 0 on a of user \"\" key \"\"
         zone Europe/Berlin
         {}
         crash
         {}
         at 2026-01-15T23:59:59
         record r100 a in=2k => large, above 1
         alerts         => 1 alerts; 1. is number 100: r100 attempt 0 on a of user \"\" key \"\"
         record r101 a in=2k => large, above 1
         alerts         => 0 alerts
         at 2026-01-16T00:00
         record r102 a in=2k => large, above 1
         alerts         => 1 alerts; 1. is number 1: r102 attempt 0 on a of user \"\" key \"\"",
        several(1, 9),
        several(10, 20),
        several(21, 60),
        several(61, 99),
    ));
}

/// What was written and not told when the server was lost is told by the next one, however much
/// later it starts.
#[test]
fn a_crash_loses_no_alert() {
    check(
        "plan 1000
         large 1
         model a 1000/1000
         at 2026-01-15T23:59
         record r1 a in=2k user=ada            => large, above 1
         alerts                                => 1 alerts
         record r2 a in=3k user=ada            => large, above 1
         large 2
         record r3 a in=2k                     => usual
         at 2026-01-16T00:01
         record r4 a in=4k                     => large, above 2
         large off
         at 2026-01-25T00:00
         crash
         alerts
         => 2 alerts; 1. LargeRecord of the workspace: 3 of 1
         => 1. is number 2: r2 attempt 0 on a of user \"ada\" key \"\"
         => 2. LargeRecord of the workspace: 4 of 2
         => 2. is number 1: r4 attempt 0 on a of user \"\" key \"\"
         restart
         alerts                                => 0 alerts",
    );
}

#[test]
fn an_alert_that_waits_does_not_name_an_erased_user() {
    check(
        "plan 1000
         large 1
         model a 1000/1000
         record r1 a in=2k user=ada            => large, above 1
         erase ada
         alerts
         => 1 alerts; 1. is number 1: r1 attempt 0 on a of user \
            \"erased-00000000-0000-4000-8000-000000000000\" key \"\"",
    );
}
