//! Boosts begin and end by the clock.

use crate::script::check;

#[test]
fn the_envelope_is_raised_for_a_time() {
    check(
        "plan 1
         model a 1000/1000
         boost b envelope +2 from=2026-01-16T00:00 for=1d
         check r1 a in=2k out=0            => blocked; RequestTooLarge
         at 2026-01-16T00:00
         budget                            => remaining 3
         check r1 a in=2k out=0 hold=23h   => allowed
         record r2 a in=1k                 => spent 1; within plan
         record r1 a in=2k                 => spent 3; exhausted
         at 2026-01-16T23:59:59
         budget                            => remaining 0
         at 2026-01-17T00:00
         budget                            => remaining -2; exhausted",
    );
}

#[test]
fn a_workspace_without_a_plan_has_its_boosts_and_no_state_of_a_plan() {
    check(
        "model a 1000/1000
         budget                            => remaining 0; no plan
         check r1 a in=1 out=0             => blocked; PlanNotSet; no plan
         boost b envelope +2 for=1d
         check r2 a in=1k out=0 hold=23h   => allowed; no plan
         record r2 a in=1k                 => spent 1; no plan
         record r3 a in=2k                 => spent 3; no plan
         budget                            => remaining -1; no plan
         alerts                            => 0 alerts
         plan 1
         budget                            => remaining 0; exhausted
         plan 3
         budget                            => remaining 2; within plan",
    );
}

#[test]
fn a_quota_is_raised_for_everybody_or_for_one() {
    check(
        "plan 100
         model a 1000/1000
         quota q user each 1 per day
         boost all q +1 for=1h
         boost one q +2 for=2h subject_id=ada
         check r1 a in=4k out=0 user=ada   => allowed
         check r2 a in=2k out=0 user=bob   => allowed
         check r3 a in=1 out=0 user=bob    => blocked; HeldInFlight
         usage => 1. q of user ada: 0 of 4, held 4, 0 ppm; 2. q of user bob: 0 of 2, held 2, 0 ppm
         wait 1h
         usage                             => 0 entries
         check r4 a in=3k out=0 user=ada   => allowed
         check r5 a in=2k out=0 user=bob   => blocked; RequestTooLarge
         wait 1h
         check r6 a in=2k out=0 user=ada   => blocked; RequestTooLarge",
    );
}

#[test]
fn a_boost_is_cancelled_and_does_not_come_back() {
    check(
        "plan 100
         model a 1000/1000
         quota q user ada 1k tokens per day
         boost b q +1k for=1d
         check r1 a in=2k out=0 user=ada   => allowed
         release r1                        => released 2
         cancel b
         check r2 a in=2k out=0 user=ada   => blocked; RequestTooLarge
         restart
         check r2 a in=2k out=0 user=ada   => blocked; RequestTooLarge",
    );
}

#[test]
fn a_boost_lives_on_over_a_restart() {
    check(
        "plan 100
         model a 1000/1000
         quota q user ada 1 per day
         boost b q +1 for=1h
         restart
         check r1 a in=2k out=0 user=ada   => allowed
         wait 1h
         crash
         check r2 a in=2k out=0 user=ada   => blocked; RequestTooLarge",
    );
}

#[test]
fn boosts_of_the_envelope_add_up() {
    check(
        "plan 1
         model a 1000/1000
         boost b1 envelope +2 for=1h
         boost b2 envelope +3 for=2h
         budget                            => remaining 6
         boost b2 envelope +4 for=2h
         budget                            => remaining 7
         wait 1h
         boost b3 envelope +1 for=1h
         budget                            => remaining 6",
    );
}
