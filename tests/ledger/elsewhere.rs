//! What went wrong in other systems, each prevented by a rule.

use crate::script::check;

#[test]
fn parallel_requests_do_not_all_pass() {
    check(
        "plan 10
         model a 1000/1000
         check r1 a in=4k out=0           => allowed; held 4
         check r2 a in=4k out=0           => allowed; held 4
         check r3 a in=4k out=0           => blocked; HeldInFlight; retry 1s
         check r4 a in=2k out=0           => allowed; held 2
         check r5 a in=1 out=0            => blocked
         budget                           => spent 0; held 10; remaining 0",
    );
}

#[test]
fn a_fallback_does_not_run_for_free() {
    check(
        "plan 10
         model a 2000/2000 cap 1
         model b 1000/1000 cap 3
         check r1 a in=2k out=0           => routed b; ModelLimit; held 2
         holds                            => r1 live on b 2
         check r2 a in=2k out=0           => blocked; NoAllowedModel
         record r1 b in=2k                => cost 2; counts as b
         budget                           => b spent 2; no a spent",
    );
}

#[test]
fn holds_do_not_leak() {
    check(
        "plan 10
         model a 1000/1000
         check r1 a in=10k out=0 hold=30s => allowed; expires 2026-01-15T12:00:30
         check r2 a in=1k out=0           => blocked; HeldInFlight
         wait 30s
         check r2 a in=1k out=0           => allowed
         holds                            => 1 live; 1 expired; r1 expired on a 10",
    );
}

#[test]
fn no_maximum_does_not_hold_the_whole_headroom() {
    check(
        "plan 2000
         model a 0/1000
         check r1 a in=1k                 => allowed; held 1.024
         check r2 a in=1k                 => allowed; held 1.024",
    );
}

#[test]
fn a_refund_does_not_land_in_the_next_window() {
    check(
        "plan 10
         model a 1000/1000 cap 8
         at 2026-01-31T23:59
         check r1 a in=6k out=0           => allowed
         at 2026-02-01T00:01
         budget                           => spent 0; held 0; remaining 10
         check r2 a in=8k out=0           => allowed; held 8
         record r1 a in=5k                => cost 5; charged at 2026-01-31T23:59; spent 0
         budget                           => spent 0; held 8
         record r2 a in=7k                => spent 7",
    );
}

#[test]
fn two_answers_at_the_boundary_both_count() {
    check(
        "plan 10
         model a 1000/1000
         at 2026-01-31T23:59:59
         check r1 a in=1k out=0           => allowed
         check r2 a in=1k out=0           => allowed
         at 2026-02-01T00:00
         check r3 a in=1k out=0           => allowed
         record r1 a in=1k                => spent 0
         record r3 a in=1k                => spent 1
         record r2 a in=1k                => spent 1
         at 2026-01-31T23:59:59
         budget                           => spent 1",
    );
}

#[test]
fn what_is_above_the_hold_is_not_dropped() {
    check(
        "plan 10
         model a 1000/1000 cap 5
         check r1 a in=1k out=1k          => allowed; held 2
         record r1 a in=1k out=11k        => cost 12; spent 12; exhausted
         budget                           => spent 12; remaining -2; a spent 12
         check r2 a in=1 out=0            => blocked; Exhausted",
    );
}

#[test]
fn a_retry_is_not_counted_twice() {
    check(
        "plan 10
         model a 1000/1000
         check r1 a in=1k out=0           => allowed
         record r1 a in=1k                => cost 1; new; spent 1
         record r1 a in=1k                => cost 1; duplicate; spent 1
         record r1 a in=2k                => error request_id is in use with other content
         record r1 a in=2k attempt=1      => cost 2; new; spent 3
         budget                           => spent 3",
    );
}

#[test]
fn a_restart_refills_nothing() {
    check(
        "plan 10
         model a 1000/1000 cap 5
         check r1 a in=4k out=0           => allowed
         record r1 a in=4k                => spent 4
         crash
         budget                           => spent 4; a spent 4
         check r2 a in=2k out=0           => blocked
         restart
         budget                           => spent 4; a spent 4",
    );
}

#[test]
fn a_stream_that_was_cut_is_charged() {
    check(
        "plan 10
         model a 1000/1000
         check r1 a in=1k out=5k          => allowed; held 6
         record r1 a in=1k out=2k cancelled => cost 3; spent 3
         check r2 a in=1k out=5k          => allowed
         record r2 a in=1k failed         => cost 1; spent 4",
    );
}

#[test]
fn batches_and_long_contexts_have_their_own_price() {
    check(
        "plan 100
         model a 1000/1000 long=10k
         record r1 a in=10k               => cost 10
         record r2 a in=10001             => cost 20.002
         record r3 a in=4k tier=batch     => cost 2
         record r4 a in=4k tier=flex      => cost 4
         record r5 a in=1k cached=1k write=1k => cost 3",
    );
}

#[test]
fn an_unknown_model_does_not_disable_the_budget() {
    check(
        "plan 1
         model a 1000/1000
         model b unpriced
         check r1 nobody in=1k out=0      => blocked; ModelUnknown; nobody says ModelUnknown
         check r1 b in=1k out=0           => blocked; ModelUnpriced; b says ModelUnpriced
         record r1 nobody in=1k           => cost 0; unpriced; counts as nobody; price none
         check r2 a in=2k out=0           => blocked",
    );
}

#[test]
fn a_free_model_is_not_blocked_by_an_empty_budget() {
    check(
        "model free 0/0
         model a 1000/1000
         check r1 free in=1k out=1k       => allowed; held 0; no plan
         plan 0
         check r2 free in=1k out=1k       => allowed; held 0
         check r3 a in=0 out=0            => allowed; held 0
         plan 1
         record r4 a in=5k                => spent 5
         check r5 free in=1k out=1k       => allowed
         cap free 0
         check r6 free in=1k out=1k       => allowed",
    );
}

#[test]
fn a_budget_of_zero_is_not_no_budget() {
    check(
        "plan 0
         model a 1000/1000 cap 0
         check r1 a in=1 out=0            => blocked; RequestTooLarge; exhausted
         plan 10
         check r2 a in=1 out=0            => blocked; NoAllowedModel
         cap a none
         check r3 a in=1 out=0            => allowed; within plan",
    );
}

#[test]
fn the_answer_says_whose_limit_it_was() {
    check(
        "plan 10 + 5
         model a 1000/1000 cap 5
         record r0 a in=4k                => spent 4
         check r1 a in=1k out=0           => allowed
         fallback off
         check r2 a in=3k out=0
         => cap of a says Exhausted: limit 5 spent 4 held 1 need 3 until 2026-02-01T00:00
         => no envelope
         check r3 a in=12k out=0
         => envelope of acme says Exhausted: limit 15 spent 4 held 1 need 12 until 2026-02-01T00:00
         => cap of a says RequestTooLarge: limit 5 spent 4 held 1 need 12 until 2026-02-01T00:00",
    );
}
