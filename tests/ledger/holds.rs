//! The life of holds.

use crate::script::check;

#[test]
fn a_hold_ends_once() {
    check(
        "plan 10
         model a 1000/1000
         check r1 a in=5k out=0           => allowed
         release r1                       => released 5
         release r1                       => error no live hold has this request_id
         budget                           => held 0
         record r1 a in=5k                => cost 5; spent 5
         release r1                       => error no live hold has this request_id
         extend r1 1m                     => error no live hold has this request_id
         budget                           => spent 5; held 0",
    );
}

#[test]
fn only_the_first_record_of_a_request_ends_its_hold() {
    check(
        "plan 10
         model a 1000/1000
         check r1 a in=3k out=0           => allowed
         record r1 a in=1k attempt=0 failed => spent 1
         budget                           => held 0
         record r1 a in=3k attempt=1      => spent 4
         budget                           => held 0; spent 4",
    );
}

#[test]
fn figures_are_those_of_live_and_settled_holds() {
    check(
        "plan 30
         model a 1000/1000
         figures                          => 0 holds; held 0; 0 expired; 0 settled; 0 exceeded
         check r1 a in=3k out=0 hold=1m   => allowed
         check r2 a in=2k out=0           => allowed
         check r3 a in=2k out=0           => allowed
         check r4 a in=2k out=0           => allowed
         figures                          => 4 holds; held 9
         wait 1m
         budget
         record r2 a in=2k                => cost 2
         record r3 a in=5k                => cost 5
         record r9 a in=1k                => cost 1
         release r4                       => released 2
         figures                          => 0 holds; held 0; 1 expired; 2 settled; 1 exceeded
                                          => settled holds of 4; at a cost of 7",
    );
}

#[test]
fn an_extension_never_shortens() {
    check(
        "plan 10
         model a 1000/1000
         check r1 a in=1k out=0           => expires 2026-01-15T12:10
         extend r1 1m                     => expires 2026-01-15T12:10
         extend r1 1h                     => expires 2026-01-15T13:00
         wait 59m
         holds                            => r1 live on a 1
         wait 1m
         holds                            => r1 expired on a 1
         extend r1 1h                     => error no live hold has this request_id",
    );
}

#[test]
fn an_expired_hold_is_charged_as_the_workspace_says() {
    check(
        "plan 10
         expiry charge
         model a 1000/1000
         check r1 a in=3k out=0 hold=1m   => allowed
         check r2 a in=2k out=0 hold=1m   => allowed
         wait 1m
         budget                           => held 5; spent 0
         release r1                       => error no live hold has this request_id
         extend r1 1m                     => error no live hold has this request_id
         record r2 a in=1k                => cost 1; spent 1
         charge-due                       => charged 1
         budget                           => held 0; spent 4
         holds                            => 0 live; 1 expired; r1 expired on a 3
         record r1 a in=1k                => cost 1; new
         budget                           => spent 2
         record r1 a in=1k                => duplicate; spent 2
         charge-due                       => charged 0",
    );
}

#[test]
fn a_request_is_charged_for_expiry_once() {
    check(
        "plan 10
         expiry charge
         model a 1000/1000
         check r1 a in=3k out=0 hold=1m   => allowed
         wait 1m
         charge-due                       => charged 1
         check r1 a in=2k out=0 hold=1m   => allowed; held 2
         wait 1m
         charge-due
         budget                           => spent 3; held 0
         holds                            => 0 live; 2 expired
         check r1 a in=2k out=0           => allowed
         record r1 a in=2k                => cost 2
         budget                           => spent 2; held 0",
    );
}

#[test]
fn the_policy_may_change_while_holds_are_up() {
    check(
        "plan 10
         expiry charge
         model a 1000/1000
         check r1 a in=3k out=0 hold=1m   => allowed
         check r2 a in=2k out=0 hold=2m   => allowed
         wait 1m
         expiry release
         wait 1m
         budget                           => held 3
         charge-due                       => charged 1
         budget                           => held 0; spent 3",
    );
}

#[test]
fn holds_survive_a_graceful_stop_and_no_crash() {
    check(
        "plan 10
         model a 1000/1000 cap 4
         model b 500/500
         check r1 a in=3k out=0           => allowed
         check r2 a in=3k out=0           => routed b
         restart
         holds                            => r1 live on a 3; r2 live on b 1.5
         budget                           => held 4.5
         wait 10m
         holds                            => 0 live; 2 expired
         check r3 a in=3k out=0           => allowed
         crash
         budget                           => held 0; spent 0",
    );
}

#[test]
fn records_on_their_way_may_be_overtaken() {
    check(
        "plan 10
         model a 1000/1000
         check r1 a in=3k out=0 hold=1m   => allowed
         send r1 a in=2k
         wait 1m
         budget                           => held 0; spent 0
         arrives r1                       => cost 2; spent 2
         check r2 a in=3k out=0           => allowed
         send r2 a in=2k
         release r2                       => released 3
         arrives r2                       => spent 4
         check r3 a in=3k out=0           => allowed
         send r3 a in=2k
         lost r3
         budget                           => held 3; spent 4
         record r3 a in=2k                => spent 6
         budget                           => held 0",
    );
}

#[test]
fn a_clock_that_steps_back_stands_still() {
    check(
        "plan 10
         model a 1000/1000
         check r1 a in=3k out=0 hold=1m   => allowed
         wait 1m
         back 2m
         holds                            => 0 live; 1 expired
         check r2 a in=3k out=0 hold=1m   => expires 2026-01-15T12:02
         at 2026-02-01T00:00
         at 2026-01-31T23:00
         record r3 a in=1k                => charged at 2026-02-01T00:00; spent 1",
    );
}
