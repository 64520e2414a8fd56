//! Requests that are recorded and checked again: which attempt a record is, and what it ends.

use crate::script::check;

#[test]
fn a_request_that_was_recorded_gets_the_next_attempt() {
    check(
        "plan 10
         model a 1000/2000
         check r1 a in=1k out=1k           => allowed; attempt 0
         record r1 a in=100 out=100        => cost 0.3; new; attempt 0
         check r1 a in=1k out=1k dry       => allowed; attempt 1
         check r1 a in=1k out=1k           => allowed; attempt 1; held 3
         check r1 a in=1k out=1k           => allowed; attempt 1; held 3
         record r1 a in=100 out=300 attempt=1 => cost 0.7; new; attempt 1; spent 1
         budget                            => held 0; spent 1
         check r1 a in=1k out=1k           => attempt 2
         release r1                        => released 3
         check r1 a in=9k out=9k           => blocked; attempt 2
         check r1 a in=1k out=1k           => attempt 2",
    );
}

#[test]
fn a_record_without_an_attempt_is_that_of_its_hold() {
    check(
        "plan 10
         model a 1000/2000
         check r1 a in=1k out=1k           => attempt 0
         record r1 a in=100                => cost 0.1; attempt 0
         check r1 a in=1k out=1k           => attempt 1
         record r1 a in=100                => duplicate; attempt 0; spent 0.1
         budget                            => held 3; spent 0.1
         record r1 a in=300                => cost 0.3; new; attempt 1; spent 0.4
         budget                            => held 0; spent 0.4
         record r1 a in=300                => duplicate; attempt 1; spent 0.4
         record r1 a in=100                => duplicate; attempt 0; spent 0.4
         record r1 a in=500                => error request_id is in use with other content
         budget                            => held 0; spent 0.4",
    );
}

/// The hold says which content is a repeat, whatever the ledger remembers.
#[test]
fn attempts_are_right_after_a_restart() {
    check(
        "plan 10
         model a 1000/2000
         check r1 a in=1k out=1k           => attempt 0
         record r1 a in=100                => attempt 0
         check r1 a in=1k out=1k           => attempt 1
         restart
         check r1 a in=1k out=1k           => attempt 1; held 3
         record r1 a in=200                => new; attempt 1
         crash
         check r1 a in=1k out=1k           => attempt 2
         record r1 a in=200                => duplicate; attempt 1
         record r1 a in=300                => new; attempt 2; spent 0.6
         budget                            => held 0",
    );
}

#[test]
fn what_the_ledger_has_forgotten_the_log_knows() {
    check(
        "plan 10
         model a 1000/2000
         record r1 a in=100                => attempt 0
         record r1 a in=200 attempt=1      => attempt 1
         forget
         check r1 a in=1k out=1k           => attempt 0; held 3
         record r1 a in=200                => duplicate; attempt 1; spent 0.3
         budget                            => held 3
         record r1 a in=300                => cost 0.3; new; attempt 2; spent 0.6
         budget                            => held 0
         record r1 a in=300                => duplicate; attempt 2
         check r1 a in=1k out=1k           => attempt 3
         record r1 a in=400 attempt=3      => new; attempt 3; spent 1
         forget
         record r1 a in=100                => duplicate
         check r1 a in=1k out=1k           => attempt 0
         record r1 a in=500 attempt=0      => new; attempt 4; spent 1.5
         budget                            => held 0",
    );
}

#[test]
fn a_record_of_an_earlier_attempt_leaves_the_hold_of_a_later_one() {
    check(
        "plan 10
         model a 1000/2000
         record r1 a in=100 attempt=2      => attempt 2
         check r1 a in=1k out=1k           => attempt 3
         record r1 a in=200 attempt=1      => cost 0.2; new; attempt 1
         budget                            => held 3; spent 0.3
         record r1 a in=300 attempt=3      => cost 0.3; new
         budget                            => held 0; spent 0.6",
    );
}

#[test]
fn several_attempts_of_one_check_are_counted_as_before() {
    check(
        "plan 10
         model a 1000/2000
         check r1 a in=1k out=1k           => attempt 0
         record r1 a in=100 attempt=1      => attempt 1
         record r1 a in=200 attempt=0      => attempt 0
         budget                            => held 0; spent 0.3
         check r1 a in=1k out=1k           => attempt 2",
    );
}

#[test]
fn every_attempt_that_expires_is_charged_until_its_record_comes() {
    check(
        "plan 10
         expiry charge
         model a 1000/2000
         check r1 a in=1k out=0 hold=1m    => attempt 0
         wait 1m
         charge-due                        => charged 1
         record r1 a in=100                => new; attempt 0; spent 0.1
         check r1 a in=2k out=0 hold=1m    => attempt 1
         wait 1m
         charge-due                        => charged 1
         budget                            => spent 2.1; held 0
         record r1 a in=100                => duplicate; spent 2.1
         record r1 a in=200                => new; attempt 1; spent 0.3
         record r1 a in=200                => duplicate; spent 0.3
         check r1 a in=3k out=0 hold=1m    => attempt 2
         wait 1m
         charge-due                        => charged 1
         budget                            => spent 3.3; held 0
         record r1 a in=300 attempt=2      => new; spent 0.6
         charge-due                        => charged 0",
    );
}

#[test]
fn a_record_of_an_expired_attempt_is_not_lost() {
    check(
        "plan 10
         model a 1000/2000
         check r1 a in=1k out=0            => attempt 0
         record r1 a in=100                => attempt 0
         check r1 a in=1k out=0 hold=1m    => attempt 1
         wait 1m
         budget                            => held 0; spent 0.1
         record r1 a in=100                => duplicate
         record r1 a in=200                => new; attempt 1; spent 0.3
         record r1 a in=300                => error request_id is in use with other content",
    );
}

#[test]
fn a_record_on_its_way_may_meet_the_next_attempt() {
    check(
        "plan 10
         model a 1000/2000
         check r1 a in=1k out=0            => attempt 0
         send r1 a in=100
         record r1 a in=200                => attempt 0
         check r1 a in=1k out=0            => attempt 1
         arrives r1                        => new; attempt 1; spent 0.3
         budget                            => held 0",
    );
}

#[test]
fn a_clock_out_of_range_never_loses_a_record_with_a_hold() {
    check(
        "plan 10
         model a 1000/2000
         check r1 a in=1k out=0            => allowed
         record r1 a in=100 start=2026-01-15T12:07
         => cost 0.1; adjusted; began 2026-01-15T12:00; charged at 2026-01-15T12:00
         check r2 a in=1k out=0            => allowed
         wait 5m
         record r2 a in=100 start=2030-01-01T00:00 => adjusted; charged at 2026-01-15T12:00
         budget                            => held 0; spent 0.2
         check r3 a in=1k out=0            => allowed
         record r3 a in=100 start=2025-01-01T00:00
         => adjusted; began 2026-01-15T12:05; charged at 2026-01-15T12:05
         record r3 a in=100 start=2025-01-01T00:00 => duplicate
         record r2 a in=100 start=2030-01-01T00:00 => duplicate; spent 0.3",
    );
}

#[test]
fn without_a_hold_a_clock_may_be_a_day_ahead() {
    check(
        "plan 10
         model a 1000/2000
         record r1 a in=100 start=2026-01-15T12:05 => as said; began 2026-01-15T12:05
         record r2 a in=100 start=2026-01-15T12:06
         => adjusted; began 2026-01-15T12:00; charged at 2026-01-15T12:00
         record r3 a in=100 start=2026-01-16T12:00 => adjusted
         record r4 a in=100 start=2026-01-16T12:01
         => error expected start_time at most 35 days in the past and a day in the future
         record r4 a in=100 start=2025-12-11T11:59
         => error expected start_time at most 35 days in the past and a day in the future
         record r4 a in=100 start=2025-12-11T12:00 => as said; charged at 2025-12-11T12:00",
    );
}
